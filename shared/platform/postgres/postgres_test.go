package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// TestMain lets the test binary also play the program that is killed while its server runs.
func TestMain(m *testing.M) {
	if dir := os.Getenv("POSTGRES_TEST_VICTIM"); dir != "" {
		s, err := Start(context.Background(), Options{Dir: dir})
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(s.PID, s.Port())
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestThrowawayServer(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Settings: map[string]string{"max_connections": "17"}})
	if s.Version < MinVersion || s.PID == 0 {
		t.Errorf("version %d, process %d", s.Version, s.PID)
	}
	for _, tt := range []struct{ setting, want string }{
		{"max_connections", "17"}, {"fsync", "off"}, {"listen_addresses", "127.0.0.1"},
		{"unix_socket_directories", ""}, {"TimeZone", "UTC"}, {"server_encoding", "UTF8"},
	} {
		if got := query(t, s, "select current_setting('"+tt.setting+"')"); got != tt.want {
			t.Errorf("%s is %q, want %q", tt.setting, got, tt.want)
		}
	}
	if owner() != nil && ownerOf(filepath.Join(s.remove, "data")) == 0 {
		t.Error("the data belongs to root")
	}
	dir := s.remove
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("temporary folder is still there: %v", err)
	}
	if alive(s.PID) {
		t.Error("server is still alive")
	}
}

func TestDataIsKeptAndFoundAgain(t *testing.T) {
	t.Parallel()
	o := Options{Dir: folder(t), Durable: true}
	s := start(t, o)
	query(t, s, "create table kept as select 7::text as n; select ''")
	if got := query(t, s, "select current_setting('fsync')||current_setting('synchronous_commit')"); got != "onoff" {
		t.Errorf("fsync and synchronous_commit are %q", got)
	}

	t.Run("one process at a time", func(t *testing.T) {
		if _, err := Start(t.Context(), o); !fault.Is(err, fault.Conflict) {
			t.Errorf("second start in the same folder: %v", err)
		}
	})
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}

	before := time.Now()
	s = start(t, o)
	t.Logf("start with an existing folder took %v", time.Since(before).Round(time.Millisecond))
	if got := query(t, s, "select n from kept"); got != "7" {
		t.Errorf("kept row is %q", got)
	}

	t.Run("a server that was left behind is stopped", func(t *testing.T) {
		s.unlock() // as the end of its program would
		next := start(t, o)
		<-s.Done()
		if got := query(t, next, "select n from kept"); got != "7" {
			t.Errorf("kept row is %q", got)
		}
	})
}

func TestStaleProcessNumberIsNoObstacle(t *testing.T) {
	t.Parallel()
	o := Options{Dir: folder(t)}
	if err := start(t, o).Stop(); err != nil {
		t.Fatal(err)
	}
	// This very process is alive, but no server: the number was given to a stranger.
	stale := fmt.Sprintf("%d\n%s\n1\n5432\n", os.Getpid(), filepath.Join(o.Dir, "data"))
	if err := os.WriteFile(filepath.Join(o.Dir, "data", "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, o)
}

func TestServerDiesWithItsProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a child that its parent is gone")
	}
	t.Parallel()
	dir := folder(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.Command(self)
	victim.Env = append(os.Environ(), "POSTGRES_TEST_VICTIM="+dir)
	if _, err := victim.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { victim.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pid, port int
	if _, err := fmt.Sscan(line, &pid, &port); err != nil {
		t.Fatalf("victim says %q: %v", line, err)
	}
	conn, err := pgx.Connect(t.Context(), address(port, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())

	victim.Process.Kill()
	victim.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := conn.WaitForNotification(ctx); ctx.Err() != nil {
		t.Errorf("the server outlives its program: %v", err)
	}
	s := start(t, Options{Dir: dir})
	if alive(pid) {
		t.Errorf("server %d is still alive beside %d", pid, s.PID)
	}
}

func TestFolderThatTheServerCannotEnter(t *testing.T) {
	as := owner()
	if as == nil {
		t.Skip("only root changes the user")
	}
	closed := folder(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: filepath.Join(closed, "db")})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "may not enter "+closed) {
		t.Errorf("got %v", err)
	}
	t.Setenv("TMPDIR", closed)
	dir, err := tempDir(as)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if at := barrier(dir, as); at != "" {
		t.Errorf("temporary folder %s is behind %s", dir, at)
	}
}

func TestFoldersOfKilledProgramsAreSwept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders are not locked here, so none is swept")
	}
	t.Parallel()
	parent := t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{"old", "used", "young"} {
		dir := filepath.Join(parent, tempPrefix+name)
		if err := os.Mkdir(dir, 0o711); err != nil {
			t.Fatal(err)
		}
		unlock, err := lock(filepath.Join(dir, "lock"))
		if err != nil {
			t.Fatal(err)
		}
		switch name {
		case "used":
			defer unlock()
		default:
			unlock()
		}
		if name != "young" {
			if err := os.Chtimes(dir, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	sweep(parent)
	left, err := filepath.Glob(filepath.Join(parent, "*"))
	if err != nil || len(left) != 2 || strings.HasSuffix(left[0], "old") {
		t.Errorf("left: %v %v", left, err)
	}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	var log tail
	o.Log = &log
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return s
}

// query runs SQL statements and returns the text that the last one selects.
func query(t *testing.T, s *Server, sql string) (text string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return string(results[len(results)-1].Rows[0][0])
}

// folder is a temporary folder that the server's user may enter, unlike t.TempDir.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postgres-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
