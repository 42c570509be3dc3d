// Package postgres runs a private PostgreSQL server for tests and for local use.
//
// Start looks for server binaries on the machine, else downloads them, prepares a data folder and
// starts the server as a child of this process. The server listens on a free port of 127.0.0.1
// only, has no unix socket, and lets the superuser postgres in without a password: it is for data
// that every login of this machine may see. When this process is root, the server runs as the
// unprivileged user nobody. It ends with this process, even when that is killed (Linux; elsewhere
// the next Start in the same folder ends it).
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// MinVersion is the oldest major version of PostgreSQL that Countinghouse runs on: its views need
// security_invoker.
const MinVersion = 15

// Options says what to start. The zero value is a throwaway server.
type Options struct {
	// Dir keeps the server's data and is made when absent. One process at a time may use it. Empty:
	// a new temporary folder, which Stop removes. Started by root, Dir must lie in folders that every
	// user may enter; DefaultDir names one that does.
	Dir string
	// Cache keeps downloaded server binaries. Empty: a folder in the user's cache folder.
	Cache string
	// Repository is the Maven repository to download from. Empty: Maven Central.
	Repository string
	// Durable data survives a crash of the machine, save the last fraction of a second
	// (synchronous_commit is off). Otherwise nothing is ever flushed to the disk.
	Durable bool
	// Settings are further server settings, such as "max_connections": "200".
	Settings map[string]string
	// Progress is told in a few words about steps that take a while. May be nil.
	Progress func(string)
	// Log gets the server's own log. May be nil.
	Log io.Writer
}

// Server is a running PostgreSQL.
type Server struct {
	PID     int // of the server's main process
	Version int // major version, for example 15

	port   int
	bin    string // folder of its programs
	proc   *process
	once   sync.Once
	unlock func()
	remove string // folder to remove at the end, or empty
	err    error
}

// URL returns the address of a database, to be used as DATABASE_URL.
func (s *Server) URL(database string) string { return address(s.port, database) }

func address(port int, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: "127.0.0.1:" + strconv.Itoa(port),
		Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Port returns the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop ends the server: its connections are cut and its data is left clean, or removed if the
// folder was temporary. It takes some 10 ms, at most 15 s. Calling it again does nothing.
func (s *Server) Stop() error {
	s.once.Do(func() {
		s.err = s.proc.stop()
		if s.remove != "" {
			s.err = errors.Join(s.err, os.RemoveAll(s.remove))
		}
		s.unlock()
	})
	return s.err
}

// Start starts a server and returns once it answers: after about a second with a new folder, after
// tens of milliseconds with one that was used before. ctx limits the start, not the server's life.
//
// Errors: fault.Invalid when PostgreSQL is not installed and cannot be fetched or when a folder
// cannot be used, in words that say what to do; fault.Conflict when another process uses o.Dir.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	as := owner()
	s := &Server{unlock: func() {}}
	if o.Dir == "" {
		if o.Dir, err = tempDir(as); err != nil {
			return nil, err
		}
		s.remove = o.Dir
	} else if o.Dir, err = prepareDir(o.Dir, as); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.unlock()
			if s.remove != "" {
				os.RemoveAll(s.remove)
			}
		}
	}()
	if s.unlock, err = lock(filepath.Join(o.Dir, "lock")); err != nil {
		s.unlock = func() {}
		return nil, err
	}

	c := cluster{dir: filepath.Join(o.Dir, "data"), as: as, o: o}
	made, err := c.version()
	if err != nil {
		return nil, err
	}
	bin, err := binaries(ctx, o, as, made)
	if err != nil {
		return nil, err
	}
	c.bin, s.bin, s.Version = bin.dir, bin.dir, bin.major
	if made == 0 {
		err = c.create(ctx)
	} else {
		err = c.stopLeftover(ctx)
	}
	if err != nil {
		return nil, err
	}
	if s.proc, s.port, err = c.start(ctx); err != nil {
		return nil, err
	}
	s.PID = s.proc.cmd.Process.Pid
	return s, nil
}

// DefaultDir returns a folder for data that is kept, named name: in the user's cache folder, or for
// root, whose home others cannot enter, in /var/lib; without a home, in the temporary folder. It is
// not made yet.
func DefaultDir(name string) string {
	if owner() != nil {
		return filepath.Join("/var/lib/countinghouse", name)
	}
	d, err := os.UserCacheDir()
	if err != nil {
		d = os.TempDir()
	}
	return filepath.Join(d, "countinghouse", name)
}

// prepareDir makes dir, absolute, and checks that the server's user gets there.
func prepareDir(dir string, as *user) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("database folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fault.Wrap(fault.Invalid, "database folder", err)
	}
	if at := barrier(dir, as); at != "" {
		return "", fault.New(fault.Invalid, fmt.Sprintf("database folder %s: PostgreSQL does not run as root, and user %s may not enter %s: "+
			"choose a folder elsewhere, such as /var/lib/countinghouse, or run this as another user", dir, as.name, at))
	}
	return dir, nil
}

// tempDir makes a folder for throwaway data where the server's user gets to.
func tempDir(as *user) (string, error) {
	parent := os.TempDir()
	if as != nil && barrier(parent, as) != "" {
		parent = "/var/tmp"
	}
	sweep(parent)
	dir, err := os.MkdirTemp(parent, tempPrefix)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "no temporary folder for the database", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", fmt.Errorf("temporary folder: %w", err)
	}
	return dir, nil
}

const tempPrefix = "countinghouse-postgres-"

// sweep removes temporary folders of ours whose programs were killed before they could. It leaves
// young ones alone: their locks may not be taken yet.
func sweep(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, tempPrefix+"*")) // fails only for a bad pattern
	for _, dir := range found {
		fi, err := os.Lstat(dir)
		if err != nil || !fi.IsDir() || time.Since(fi.ModTime()) < time.Hour || ownerOf(dir) != os.Geteuid() {
			continue
		}
		if unlock, err := lock(filepath.Join(dir, "lock")); err == nil {
			os.RemoveAll(dir) // or the next time
			unlock()
		}
	}
}

// barrier returns the first folder on the way to path, path included, that user as may not enter,
// or "". For our own user (nil) there is none.
func barrier(path string, as *user) string {
	if as == nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	at := string(filepath.Separator)
	for _, part := range strings.Split(path, string(filepath.Separator)) {
		at = filepath.Join(at, part)
		if fi, err := os.Stat(at); err != nil || fi.Mode().Perm()&0o001 == 0 {
			return at
		}
	}
	return ""
}
