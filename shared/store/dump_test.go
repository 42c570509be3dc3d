package store_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// TestOwnerDumps: docs/operations.md has the owner of a managed server dump by hand. It may not see
// the passwords of others, so the logins come without.
func TestOwnerDumps(t *testing.T) {
	t.Parallel()
	m := storetest.StartManaged(t)
	s := m.New(t, storetest.ManagedGroup, orders(), tags())
	s.Connect(t, "onpoint", "testbooks", "realm")
	dumped := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), m.Client(t, program), append(args, "--dbname="+s.URL)...)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", program, err, said.String())
		}
		return string(out)
	}
	if roles := dumped("pg_dumpall", "--roles-only", "--no-role-passwords"); !strings.Contains(roles, "CREATE ROLE reader_onpoint;") || strings.Contains(roles, "PASSWORD '") {
		t.Errorf("the logins are\n%s", roles)
	}
	if all := dumped("pg_dump"); !strings.Contains(all, "COPY testbooks.") || !strings.Contains(all, "onpoint") {
		t.Error("the dump has no rows")
	}
}
