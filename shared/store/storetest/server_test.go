package storetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A database test that is left out in silence proves nothing.
func TestWithoutServerTestsFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ variable, says string }{
		"wrong address": {"TEST_DATABASE_URL=postgres://127.0.0.1:1/none", "TEST_DATABASE_URL"},
		"no programs":   {"PG_BIN=" + t.TempDir(), "PG_BIN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCompare$", "-test.short=false")
			cmd.Env = append(os.Environ(), "CI=", "TEST_DATABASE_URL=", tt.variable)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.says) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
