package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asProgram names the program that this test program is to be, instead of running tests. So every
// program of ours can be run as a process of its own, with the signals of one, and none is built.
const asProgram = "COUNTINGHOUSE_TEST_PROGRAM"

// programs are what the folders of functions/ and jobs/ hold: see TestPrograms.
var programs = map[string]func(){
	"functions/connect":           func() { Serve("Connect", Connect) },
	"functions/dispatch":          func() { Serve("Dispatch", Dispatch) },
	"functions/plaidwebhook":      func() { Serve("PlaidWebhook", PlaidWebhook) },
	"functions/quickbookswebhook": func() { Serve("QuickBooksWebhook", QuickBooksWebhook) },
	"functions/syncorg":           func() { Serve("SyncOrg", SyncOrg) },
	"functions/watch":             func() { Serve("Watch", Watch) },
	"jobs/backfill":               func() { RunJob("backfill", Backfill) },
	"jobs/daily":                  func() { RunJob("daily", Daily) },
	"jobs/erase":                  func() { RunJob("erase", Erase) },
	"jobs/export":                 func() { RunJob("export", Export) },
	"jobs/link":                   func() { RunJob("link", Link) },
	"jobs/migrate":                func() { RunJob("migrate", Migrate) },
	"jobs/reconcile":              func() { RunJob("reconcile", Reconcile) },
}

func TestMain(m *testing.M) {
	if program := programs[os.Getenv(asProgram)]; program != nil {
		program()
		return
	}
	os.Exit(m.Run())
}

// TestPrograms: what is run here is what the folders' main functions run, and each of them is stopped by
// some test of this file's neighbours.
func TestPrograms(t *testing.T) {
	t.Parallel()
	mains := slices.Concat(glob(t, "../../functions/*/main.go"), glob(t, "../../jobs/*/main.go"))
	if len(mains) != len(programs) {
		t.Errorf("%d programs, and %d here: %v", len(mains), len(programs), mains)
	}
	tests := glob(t, "process_*_test.go")
	var stopped, self strings.Builder
	for _, name := range append(tests, "../../functions/syncorg/kill_test.go") {
		stopped.Write(read(t, name))
	}
	self.Write(read(t, "process_test.go"))
	call := regexp.MustCompile(`func main\(\) \{ app\.(\w+)\("(\w+)", app\.(\w+)\) \}`)
	for _, file := range mains {
		folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../../")
		m := call.FindStringSubmatch(string(read(t, file)))
		if m == nil || !strings.Contains(self.String(), fmt.Sprintf("%s(%q, %s) }", m[1], m[2], m[3])) || programs[folder] == nil {
			t.Errorf("%s runs %q, which is not what is run here", folder, m)
		}
		if folder != "functions/syncorg" && folder != "jobs/link" && !strings.Contains(stopped.String(), `"`+folder+`"`) { // syncorg: the other file; link ends at once
			t.Errorf("%s is stopped by no test", folder)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatal(pattern, err)
	}
	return found
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// process is one of our programs, running.
type process struct {
	*place
	cmd  *exec.Cmd
	url  string // of a function
	said *logs
	done chan struct{}
}

// begin starts a job.
func (p *place) begin(folder string, vars []string, args ...string) *process {
	p.Helper()
	r := &process{place: p, cmd: exec.Command(os.Args[0], args...), said: &logs{}, done: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), append(slices.Clone(vars), asProgram+"="+folder, "LOG_FORMAT=json")...)
	r.cmd.Stdout, r.cmd.Stderr = io.MultiWriter(r.said, p.logs), io.MultiWriter(r.said, p.logs)
	if err := r.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	go func() {
		defer close(r.done)
		r.cmd.Wait() //nolint:errcheck // whoever waits looks at ProcessState
	}()
	p.Cleanup(func() {
		r.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-r.done
	})
	return r
}

// serve starts a function and waits until it answers.
func (p *place) serve(folder string, vars ...string) *process {
	p.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr)
	l.Close()
	r := p.begin(folder, append(append(slices.Clone(p.vars), vars...), fmt.Sprintf("PORT=%d", at.Port)))
	r.url = "http://" + at.String()
	p.until("the function to answer", func() bool {
		select {
		case <-r.done:
			p.Fatalf("the function does not start:\n%s", r.said)
		default:
		}
		res, err := http.Get(r.url + "/healthz")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return r
}

// until looks until something is so.
func (p *place) until(what string, so func() bool) {
	p.Helper()
	look, enough := time.NewTicker(5*time.Millisecond), time.NewTimer(time.Minute)
	defer look.Stop()
	defer enough.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-enough.C:
			p.Fatalf("waited a minute for %s", what)
		}
	}
}

// term asks the process to stop, as Cloud Run does.
func (r *process) term() {
	r.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.Fatal(err)
	}
}

// stopping waits until the process has taken notice of the signal.
func (r *process) stopping() {
	r.Helper()
	r.until("the stop to be noticed", func() bool { return strings.Contains(r.said.String(), `"event":"stopping"`) })
}

// ends waits for the process to end, within what Cloud Run leaves from SIGTERM to SIGKILL.
func (r *process) ends(status int) {
	r.Helper()
	select {
	case <-r.done:
	case <-time.After(10 * time.Second):
		r.Fatalf("the process has not ended within 10 s:\n%s", r.said)
	}
	if code := r.cmd.ProcessState.ExitCode(); code != status {
		r.Errorf("exit status %d, want %d:\n%s", code, status, r.said)
	}
}

// finishes starts a job and waits for its end without a fault.
func (p *place) finishes(folder string, vars []string, args ...string) {
	p.Helper()
	r := p.begin(folder, vars, args...)
	<-r.done
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		p.Errorf("%s %v ends with status %d:\n%s", folder, args, code, r.said)
	}
}

// answered is what a request came to.
type answered struct {
	status   int // 0: none came
	location string
	err      error
}

// asks sends a request in the background. Redirects are not followed.
func (r *process) asks(req *http.Request) <-chan answered {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	out := make(chan answered, 1)
	go func() {
		res, err := client.Do(req)
		if err != nil {
			out <- answered{err: err}
			return
		}
		res.Body.Close()
		out <- answered{status: res.StatusCode, location: res.Header.Get("Location")}
	}()
	return out
}

// post is a request to the function.
func (r *process) post(body string, header ...string) *http.Request {
	r.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), http.MethodPost, r.url+"/", strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// locked keeps everybody from a table. waited waits until somebody is kept.
func (p *place) locked(table string) (waited, release func()) {
	p.Helper()
	tx, err := p.store.Pool.Begin(p.Context())
	if err == nil {
		_, err = tx.Exec(p.Context(), "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		p.Fatal(err)
	}
	release = sync.OnceFunc(func() { tx.Rollback(context.Background()) }) //nolint:errcheck // it has changed nothing
	p.Cleanup(release)
	return func() {
		p.Helper()
		p.until("somebody to be kept from "+table, func() bool {
			return p.count(`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, table) > 0
		})
	}, release
}

// held keeps one answer of QuickBooks back, once it is known what it will be. met is closed then.
func (w *whole) held(like func(*http.Request) bool) (met <-chan struct{}, release func()) {
	asked, free := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(free) })
	w.Cleanup(release)
	w.whenLeaving(like, func() { close(asked); <-free })
	return asked, release
}

// valve is a way to a server that can be closed: then nothing is answered, and nothing refused.
type valve struct {
	net.Listener
	to     string
	mu     sync.Mutex
	closed chan struct{} // closed while the way is open
}

func newValve(t *testing.T, to string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{Listener: l, to: to}
	v.open()
	t.Cleanup(func() { v.open(); l.Close() })
	go v.accept()
	return v
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed == nil {
		v.closed = make(chan struct{})
	}
	select {
	case <-v.closed:
	default:
		close(v.closed)
	}
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = make(chan struct{})
}

func (v *valve) way() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.closed
}

func (v *valve) accept() {
	for {
		in, err := v.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", v.to)
		if err != nil {
			in.Close()
			continue
		}
		go v.carry(in, out)
		go v.carry(out, in)
	}
}

// carry copies from one side to the other while the way is open.
func (v *valve) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		<-v.way()
		if _, errWrite := to.Write(b[:n]); errors.Join(err, errWrite) != nil {
			return
		}
	}
}
