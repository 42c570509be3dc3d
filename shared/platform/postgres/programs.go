package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Client returns the path of one of PostgreSQL's client programs, such as pg_dump, that is at least as
// new as the server: its own, else one that is installed. fault.Invalid: there is none, and which
// package has it. Downloaded servers come without.
func (s *Server) Client(name string) (string, error) {
	for _, dir := range append([]string{s.bin, os.Getenv("PG_BIN")}, installed()...) {
		path := filepath.Join(dir, name)
		if dir != "" && major(path) >= s.Version {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil && major(path) >= s.Version {
		return path, nil
	}
	how := fmt.Sprintf("apt-get install postgresql-client-%d, dnf install postgresql, apk add postgresql%d-client", s.Version, s.Version)
	if runtime.GOOS == "darwin" {
		how = fmt.Sprintf("brew install postgresql@%d", s.Version)
	}
	return "", fault.New(fault.Invalid, fmt.Sprintf("%s of PostgreSQL %d or later was not found: install its client programs (%s), or set PG_BIN to their folder", name, s.Version, how))
}

// major returns the version of a program, 0 if it does not run.
func major(path string) int {
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1])) // digits
	return n
}
