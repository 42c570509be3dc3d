package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/local/broker"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// The real program is killed at a random moment of a first load, twenty times with all seeds. The next tick finishes
// each load: nothing is missing, nothing is there twice. A load takes seconds, because of Intuit's
// limits, so several go on side by side.
func TestKilledAtAnyMoment(t *testing.T) {
	lives, kills := storetest.Seeds(5), 4
	var middle atomic.Int64
	t.Run("kills", func(t *testing.T) {
		for life := range lives {
			t.Run(fmt.Sprint(life), func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				dice := rand.New(rand.NewPCG(1, uint64(life)))
				for i := range kills {
					if w.kill(t, fmt.Sprint("91303577669009", 10*life+i), dice) {
						middle.Add(1)
					}
				}
				if n := w.open(t); n > 0 {
					t.Errorf("%d runs of killed processes are still open", n)
				}
			})
		}
	})
	if n := int(middle.Load()); n < lives*kills*3/4 {
		t.Errorf("%d of %d kills met a run at work: the test looks elsewhere", n, lives*kills)
	}
}

// kill ends one first load half-way and has the next tick finish it. It reports whether a run was at work.
func (w *world) kill(t *testing.T, realm string, dice *rand.Rand) bool {
	t.Helper()
	const calls = 40 // a load of this size takes some more than that
	c := w.connect(t, realm, 2000)
	p := w.start(t)
	moment := w.moment(1+dice.IntN(calls), time.Duration(dice.IntN(20))*time.Millisecond)
	go p.tick(context.WithoutCancel(t.Context()), c.id) //nolint:errcheck // its end is not to be seen
	<-moment
	p.cmd.Process.Kill()
	<-p.done
	middle := w.open(t) > 0
	w.expireLease(t)
	p = w.start(t)
	if err := p.tick(t.Context(), c.id); err != nil {
		t.Fatalf("realm %s: the next tick: %v\n%s", realm, err, p.log)
	}
	p.cmd.Process.Kill()
	<-p.done
	w.agree(t, c)
	return middle
}

// SIGTERM ends a run at a page border: the program answers, exits with 0, and the next tick goes on.
func TestSIGTERMInTheMiddleOfALoad(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.connect(t, "9130357766900909", 6000)
	p := w.start(t)
	begun := w.moment(10, 0)
	answered := make(chan error, 1)
	go func() { answered <- p.tick(t.Context(), c.id) }()
	<-begun
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the tick in flight: %v", err)
	}
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		t.Fatal("the function has not ended within 10 s")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d, want 0\n%s", code, p.log)
	}
	var outcome string
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT outcome FROM sync.runs ORDER BY id DESC LIMIT 1`).Scan(&outcome); err != nil || outcome != "stopped" {
		t.Errorf("the run is %q, %v; want stopped", outcome, err)
	}
	if err := w.start(t).tick(t.Context(), c.id); err != nil {
		t.Fatal(err)
	}
	w.agree(t, c)
}

// world is what the program finds around it.
type world struct {
	program string
	environ []string
	store   *storetest.Store
	sim     *qbosim.Server
	secrets string // address of Secret Manager

	mu    sync.Mutex
	after int // calls until moment
	due   chan struct{}
}

// company is one at the simulator, connected.
type company struct {
	*qbosim.Company
	id org.ConnectionID
}

// moment is closed once the simulator has been asked that many times, and a little later.
func (w *world) moment(calls int, later time.Duration) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked, moment := make(chan struct{}), make(chan struct{})
	w.after, w.due = calls, asked
	go func() {
		<-asked
		<-time.After(later)
		close(moment)
	}()
	return moment
}

func (w *world) asked(*http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.after--; w.after == 0 {
		close(w.due)
	}
}

// open counts the runs that nobody has finished.
func (w *world) open(t *testing.T) (n int) {
	t.Helper()
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM sync.runs WHERE finished_at IS NULL`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// agree compares a company with the database.
func (w *world) agree(t *testing.T, c company) {
	t.Helper()
	tables := quickbooks.Catalog()
	for i := range tables {
		diff, err := storetest.Compare(t.Context(), w.store.Pool, c.id, &tables[i], c.All(tables[i].Stream))
		if err != nil {
			t.Fatal(err)
		}
		if !diff.Empty() {
			t.Errorf("%s differs: %v", tables[i].Stream, diff)
		}
	}
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{store: storetest.New(t, quickbooks.Catalog()...), program: filepath.Join(t.TempDir(), "syncorg")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", w.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	w.sim = qbosim.New(qbosim.Config{ClientID: "id", ClientSecret: "secret", NoLimits: true})
	w.sim.BeforeAnswer(w.asked)
	intuit := httptest.NewServer(w.sim)
	t.Cleanup(intuit.Close)
	secrets, err := vaulttest.New(vaulttest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secrets.Close)
	ticks, err := broker.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ticks.Close() })
	if err := ticks.CreateTopic("here", "ticks"); err != nil {
		t.Fatal(err)
	}
	w.secrets = secrets.Addr()
	w.environ = append(os.Environ(),
		"DATABASE_URL="+w.store.URL, "GOOGLE_CLOUD_PROJECT=here", "SYNC_TOPIC=ticks",
		"PUBSUB_EMULATOR_HOST="+ticks.Addr(), "SECRET_MANAGER_EMULATOR_HOST="+secrets.Addr(),
		"QUICKBOOKS_CLIENT_ID=id", "QUICKBOOKS_CLIENT_SECRET=secret", "QUICKBOOKS_API_URL="+intuit.URL,
		"QUICKBOOKS_TOKEN_URL="+intuit.URL+"/oauth2/v1/tokens/bearer", "LOG_FORMAT=text",
	)
	return w
}

// connect makes a company and puts its token into the vault, as a person's consent would.
func (w *world) connect(t *testing.T, realm string, invoices int) company {
	t.Helper()
	c := company{w.sim.AddCompany(qbosim.CompanySpec{Realm: realm, Name: "Killed", Seed: 3, Invoices: invoices}), w.store.Connect(t, "onpoint", quickbooks.Provider, realm)}
	secrets, err := vault.OpenSecretManager(t.Context(), vault.Config{Project: "here", Emulator: w.secrets})
	if err != nil {
		t.Fatal(err)
	}
	defer secrets.Close()
	issued := w.sim.IssueTokens(realm)
	v := &vault.Vault{Ledger: w.store.Ledger(), Secrets: secrets, Patience: time.Second, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	lease := w.store.Lease(t, c.id)
	err = v.Save(t.Context(), org.Connection{ID: c.id, Org: "onpoint", Provider: quickbooks.Provider, Account: realm}, lease,
		vault.Token{Access: issued.Access, Refresh: issued.Refresh, AccessExpires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Abandon(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	return c
}

// expireLease lets the time pass for which a connection stays with a dead process.
func (w *world) expireLease(t *testing.T) {
	t.Helper()
	if _, err := w.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL`); err != nil {
		t.Fatal(err)
	}
}

// process is one running program.
type process struct {
	cmd  *exec.Cmd
	url  string
	log  *bytes.Buffer
	done chan struct{}
}

func (w *world) start(t *testing.T) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	p := &process{cmd: exec.Command(w.program), url: fmt.Sprintf("http://127.0.0.1:%d", port), log: new(bytes.Buffer), done: make(chan struct{})}
	p.cmd.Env = append(w.environ, fmt.Sprint("PORT=", port))
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait() //nolint:errcheck // the test looks at ProcessState
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-p.done
	})
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for range look.C {
		res, err := http.Get(p.url + "/healthz")
		if err == nil {
			res.Body.Close()
			return p
		}
		select {
		case <-p.done:
			t.Fatalf("the function does not start:\n%s", p.log)
		default:
		}
	}
	return nil
}

// tick pushes a tick, as Pub/Sub does.
func (p *process) tick(ctx context.Context, c org.ConnectionID) error {
	body, err := json.Marshal(map[string]any{"subscription": "s", "message": map[string]any{
		"messageId": "1", "attributes": org.Tick{Org: "onpoint", Connection: c, Reason: org.Schedule}.Attributes(),
	}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}
