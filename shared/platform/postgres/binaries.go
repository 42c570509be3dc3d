package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// binary is a folder with initdb and postgres.
type binary struct {
	dir   string
	major int
}

// binaries finds or fetches server programs that user as can run: of major version made, or if that
// is 0 the first that is new enough.
func binaries(ctx context.Context, o Options, as *user, made int) (binary, error) {
	fits := func(b binary) bool { return b.major == made || made == 0 && b.major >= MinVersion }
	if dir := os.Getenv("PG_BIN"); dir != "" {
		b, err := probe(ctx, dir, as)
		if err != nil {
			return binary{}, fault.Wrap(fault.Invalid, "PG_BIN="+dir, err)
		}
		if !fits(b) {
			return binary{}, fault.New(fault.Invalid, fmt.Sprintf("PG_BIN=%s has PostgreSQL %d, but %s is needed", dir, b.major, wanted(made)))
		}
		return b, nil
	}
	var found []int
	for _, dir := range installed() {
		b, err := probe(ctx, dir, as)
		if err != nil {
			continue
		}
		if fits(b) {
			return b, nil
		}
		found = append(found, b.major)
	}
	b, err := fetch(ctx, o, as)
	if err == nil && fits(b) {
		return b, nil
	}
	if err == nil {
		found = append(found, b.major)
	}
	msg := "PostgreSQL " + wanted(made) + " was not found"
	if len(found) > 0 {
		msg += fmt.Sprintf(" (only %v)", found)
	}
	msg += ": " + advice(runtime.GOOS)
	if made != 0 {
		msg += ", or remove " + o.Dir + " to start with no data"
	}
	return binary{}, fault.Wrap(fault.Invalid, msg, err)
}

func wanted(made int) string {
	if made != 0 {
		return fmt.Sprintf("%d (which made the database folder)", made)
	}
	return fmt.Sprintf("%d or later", MinVersion)
}

// advice says how PostgreSQL is installed on an operating system.
func advice(goos string) string {
	how := "install PostgreSQL's server"
	switch goos {
	case "linux":
		how = "install it (apt-get install postgresql, dnf install postgresql-server, apk add postgresql)"
	case "darwin":
		how = "install it (brew install postgresql@17)"
	}
	return how + ", set PG_BIN to the folder of its programs, or set DATABASE_URL to a running server"
}

// installed lists the folders that may hold server programs, best first.
func installed() []string {
	var dirs []string
	for _, name := range []string{"initdb", "postgres"} {
		if p, err := exec.LookPath(name); err == nil {
			if real, err := filepath.EvalSymlinks(p); err == nil {
				p = real
			}
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // PostgreSQL's own packages for Red Hat and its kin
		"/usr/libexec/postgresql*",                           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew, Apple silicon
		"/usr/local/opt/postgresql@*/bin",                    // Homebrew, Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew, Linux
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		`C:\Program Files\PostgreSQL\*\bin`,
	} {
		m, _ := filepath.Glob(pattern) // fails only for a bad pattern
		slices.SortFunc(m, func(a, b string) int { return number(b) - number(a) })
		dirs = append(dirs, m...)
	}
	return slices.Compact(dirs)
}

// number returns the first number in a path, which is the version in the folders above.
func number(path string) int {
	n, _ := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(path))
	return n
}

// probe checks that dir holds a server that user as can run, and asks for its version.
func probe(ctx context.Context, dir string, as *user) (binary, error) {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return binary{}, err
		}
	}
	if at := barrier(dir, as); at != "" {
		return binary{}, fmt.Errorf("user %s may not enter %s", as.name, at)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binary{}, fmt.Errorf("postgres --version: %w", err)
	}
	m := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if m == nil {
		return binary{}, fmt.Errorf("postgres --version says %.40q", out)
	}
	major, err := strconv.Atoi(string(m[1]))
	return binary{dir: dir, major: major}, err
}
