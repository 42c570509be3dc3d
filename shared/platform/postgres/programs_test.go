package postgres

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// A server that was installed comes with its client programs; what is missing is named with its package.
func TestClient(t *testing.T) {
	s, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop() //nolint:errcheck // the test is over
	if path, err := s.Client("psql"); err == nil {
		out, err := exec.CommandContext(t.Context(), path, "--no-psqlrc", "--tuples-only", "--no-align", "--command=SELECT 6 * 7", s.URL("postgres")).Output()
		if err != nil || strings.TrimSpace(string(out)) != "42" {
			t.Errorf("psql says %q, %v", out, err)
		}
	} else if !strings.Contains(err.Error(), "psql of PostgreSQL") {
		t.Error(err)
	}
	if _, err := s.Client("pg_nothing"); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "install its client programs") {
		t.Errorf("a program that nobody has: %v", err)
	}
	s.Version++ // as if the server were newer than all client programs
	if path, err := s.Client("pg_dump"); err == nil {
		t.Errorf("%s is older than the server", path)
	}
}
