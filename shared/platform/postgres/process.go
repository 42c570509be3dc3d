package postgres

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// How a server is asked to end.
const (
	fast      = "fast"      // cut the connections, write everything, end
	immediate = "immediate" // end now; the next start recovers
	force     = "force"     // kill
)

// user is whom a server runs as.
type user struct {
	name     string
	uid, gid int
}

// process is a child with its own process group, so that Ctrl-C reaches us and not it.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended
	err  error         // how it ended; valid once done is closed
}

// run starts cmd. A child that is to die with us watches the thread that started it, so that thread
// is kept until the child has ended.
func run(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the child, gently at first.
func (p *process) stop() error {
	for _, sig := range []string{fast, immediate, force} {
		if p.ended() {
			return nil
		}
		send(p.cmd.Process.Pid, sig) //nolint:errcheck // fails only when it has just ended
		wait := time.NewTimer(5 * time.Second)
		select {
		case <-p.done:
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) does not stop", p.cmd.Process.Pid)
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// command prepares a call of one of PostgreSQL's programs, run as c.as in folder wd.
func (c cluster) command(name, wd string, out io.Writer, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = wd
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 2 * time.Second // for grandchildren that keep the output open
	cmd.SysProcAttr = attributes(c.as)
	return cmd
}

// environment is ours without what would steer PostgreSQL elsewhere, and with English messages.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		key, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(key, "PG") && !strings.HasPrefix(key, "LC_") && key != "LANG" && key != "LANGUAGE" && key != "TZ" {
			env = append(env, kv)
		}
	}
	return append(env, "LC_ALL=C", "TZ=UTC")
}

// tail passes on what is written and remembers the last 2,000 bytes for an error message.
type tail struct {
	next io.Writer // may be nil
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if n := len(t.last) - 2000; n > 0 {
		t.last = t.last[n:]
	}
	if t.next != nil {
		t.next.Write(b) //nolint:errcheck // a log that fails is no reason to stop the server
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}
