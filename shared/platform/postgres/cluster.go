package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// cluster is a data folder with the binaries that serve it.
type cluster struct {
	bin string // folder of initdb and postgres
	dir string // the data folder proper
	as  *user  // who runs the server; nil: the user of this process
	o   Options
}

// version returns the major version that made the data folder, or 0 if there is none yet.
func (c cluster) version() (int, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fault.Wrap(fault.Invalid, "database folder", err)
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || v < MinVersion {
		return 0, fault.New(fault.Invalid, fmt.Sprintf("database folder %s was made by PostgreSQL %q; %d or later is needed: remove the folder to start anew",
			c.dir, strings.TrimSpace(string(b)), MinVersion))
	}
	return v, nil
}

// create makes the data folder. An attempt that was cut short leaves none.
func (c cluster) create(ctx context.Context) error {
	c.o.Progress("preparing a new database folder")
	fresh := c.dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("database folder: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("database folder: %w", err)
	}
	if c.as != nil {
		if err := os.Chown(fresh, c.as.uid, c.as.gid); err != nil {
			return fmt.Errorf("database folder: %w", err)
		}
	}
	args := []string{"-D", fresh, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"}
	if !c.o.Durable {
		args = append(args, "--no-sync")
	}
	var out tail
	cmd := c.command("initdb", fresh, &out, args...)
	p, err := run(cmd)
	if err != nil {
		return fault.Wrap(fault.Invalid, "initdb", err)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("initdb: %w", ctx.Err())
	}
	if p.err != nil {
		return fault.Wrap(fault.Invalid, "initdb: "+out.String(), p.err)
	}
	if err := os.Rename(fresh, c.dir); err != nil {
		return fmt.Errorf("database folder: %w", err)
	}
	return nil
}

// start runs the server and waits until it answers.
func (c cluster) start(ctx context.Context) (*process, int, error) {
	if err := c.own(); err != nil {
		return nil, 0, err
	}
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return nil, 0, err
		}
		out := &tail{next: c.o.Log}
		p, err := run(c.command("postgres", c.dir, out, c.settings(port)...))
		if err != nil {
			return nil, 0, fault.Wrap(fault.Invalid, "start PostgreSQL", err)
		}
		err = c.ready(ctx, p, port)
		if err == nil {
			return p, port, nil
		}
		ended := p.ended()
		p.stop() //nolint:errcheck // it did not start
		// Between our look and the server's start somebody else may have taken the port.
		if ended && try < 5 && strings.Contains(out.String(), "could not bind") {
			continue
		}
		if ended {
			err = fault.New(fault.Invalid, "PostgreSQL ended while starting: "+out.String())
		}
		return nil, 0, err
	}
}

// settings returns the server's arguments; later ones win.
func (c cluster) settings(port int) []string {
	args := []string{"-D", c.dir, "-p", strconv.Itoa(port)}
	set := func(key, value string) { args = append(args, "-c", key+"="+value) }
	set("listen_addresses", "127.0.0.1")
	set("unix_socket_directories", "")
	set("timezone", "UTC")
	set("log_timezone", "UTC")
	set("synchronous_commit", "off")
	if !c.o.Durable {
		set("fsync", "off")
		set("full_page_writes", "off")
	}
	for _, k := range slices.Sorted(maps.Keys(c.o.Settings)) {
		set(k, c.o.Settings[k])
	}
	return args
}

// ready waits for the first connection that reaches this very server.
func (c cluster) ready(ctx context.Context, p *process, port int) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if dir, err := dataFolder(ctx, port); err == nil && sameFile(dir, c.dir) {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return errors.New("PostgreSQL ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", ctx.Err())
		}
	}
}

// dataFolder asks the server on port for its data folder.
func dataFolder(ctx context.Context, port int) (dir string, err error) {
	conn, err := pgx.Connect(ctx, address(port, "postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "select current_setting('data_directory')").Scan(&dir)
	return dir, err
}

// stopLeftover stops a server that an earlier, killed process has left in this folder. We hold the
// folder's lock, so nobody uses it.
func (c cluster) stopLeftover(ctx context.Context) error {
	file := filepath.Join(c.dir, "postmaster.pid")
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("database folder: %w", err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || !alive(pid) || !strings.Contains(commandLine(pid), c.dir) {
		// The process is gone; its number may by now be a stranger's, which PostgreSQL would mind.
		return os.Remove(file)
	}
	c.o.Progress("stopping the database server of an earlier run")
	for _, sig := range []string{fast, immediate, force} {
		if err := send(pid, sig); err != nil && alive(pid) {
			return fault.Wrap(fault.Conflict, fmt.Sprintf("database folder %s: stop the server with process number %d that still uses it", c.dir, pid), err)
		}
		for range 250 { // 5 s
			if !alive(pid) {
				if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
					return err // nil too: a server that was killed leaves the file
				}
				return nil
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("stop the earlier server: %w", ctx.Err())
			}
		}
	}
	return fault.New(fault.Conflict, fmt.Sprintf("database folder %s: process %d does not stop", c.dir, pid))
}

// own gives the data folder to the server's user, if it was another's before.
func (c cluster) own() error {
	if c.as == nil || ownerOf(c.dir) == c.as.uid {
		return nil
	}
	err := filepath.WalkDir(c.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, c.as.uid, c.as.gid)
	})
	if err != nil {
		return fault.Wrap(fault.Invalid, "database folder", err)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no free port on 127.0.0.1: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	fa, err := os.Stat(a)
	if err != nil {
		return false
	}
	fb, err := os.Stat(b)
	return err == nil && os.SameFile(fa, fb)
}
