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
	"strings"
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

const realm = "9130357766900909"

// The real program is killed at random moments of a first load. The next tick finishes the load:
// nothing is missing, nothing is there twice.
func TestKilledAtAnyMoment(t *testing.T) {
	const kills = 20
	w := setup(t)
	dice := rand.New(rand.NewPCG(1, 2))
	for range kills {
		p := w.start(t)
		ctx, cancel := context.WithCancel(t.Context())
		go p.tick(ctx) //nolint:errcheck // its end is not to be seen
		select {
		case <-p.done:
			t.Fatalf("the function ended by itself:\n%s", p.log)
		case <-time.After(time.Duration(dice.IntN(600)) * time.Millisecond):
		}
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-p.done
		cancel()
		w.expireLease(t)
	}
	p := w.start(t)
	if err := p.tick(t.Context()); err != nil {
		t.Fatalf("last tick: %v\n%s", err, p.log)
	}
	tables := quickbooks.Catalog()
	for i := range tables {
		diff, err := storetest.Compare(t.Context(), w.store.Pool, w.id, &tables[i], w.company.All(tables[i].Stream))
		if err != nil {
			t.Fatal(err)
		}
		if !diff.Empty() {
			t.Errorf("%s differs: %v", tables[i].Stream, diff)
		}
	}
	var open int
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM sync.runs WHERE finished_at IS NULL`).Scan(&open); err != nil || open != 0 {
		t.Errorf("%d runs of killed processes are still open, %v", open, err)
	}
}

// SIGTERM ends a run at a page border: the program answers, exits with 0, and the next tick goes on.
func TestSIGTERMInTheMiddleOfALoad(t *testing.T) {
	w := setup(t)
	p := w.start(t)
	begun := make(chan struct{})
	var once bool
	w.sim.BeforeAnswer(func(r *http.Request) {
		if !once && strings.Contains(r.URL.RawQuery, "Invoice") {
			once = true
			close(begun)
		}
	})
	answered := make(chan error, 1)
	go func() { answered <- p.tick(t.Context()) }()
	<-begun
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
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
	if err := w.start(t).tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	var invoices int
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM quickbooks.invoices`).Scan(&invoices); err != nil || invoices != w.company.Count("Invoice") {
		t.Errorf("%d invoices, %v; want %d", invoices, err, w.company.Count("Invoice"))
	}
}

// world is what the program finds around it.
type world struct {
	program string
	environ []string
	store   *storetest.Store
	sim     *qbosim.Server
	company *qbosim.Company
	id      org.ConnectionID
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{store: storetest.New(t, quickbooks.Catalog()...), program: filepath.Join(t.TempDir(), "syncorg")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", w.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	w.sim = qbosim.New(qbosim.Config{ClientID: "id", ClientSecret: "secret", NoLimits: true})
	w.company = w.sim.AddCompany(qbosim.CompanySpec{Realm: realm, Name: "Killed", Seed: 3, Invoices: 6000})
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
	w.id = w.store.Connect(t, "onpoint", quickbooks.Provider, realm)
	w.keepToken(t, secrets.Addr())
	w.environ = append(os.Environ(),
		"DATABASE_URL="+w.store.URL, "GOOGLE_CLOUD_PROJECT=here", "SYNC_TOPIC=ticks",
		"PUBSUB_EMULATOR_HOST="+ticks.Addr(), "SECRET_MANAGER_EMULATOR_HOST="+secrets.Addr(),
		"QUICKBOOKS_CLIENT_ID=id", "QUICKBOOKS_CLIENT_SECRET=secret", "QUICKBOOKS_API_URL="+intuit.URL,
		"QUICKBOOKS_TOKEN_URL="+intuit.URL+"/oauth2/v1/tokens/bearer", "LOG_FORMAT=text",
	)
	return w
}

// keepToken puts a token of the company into the vault, as a person's consent would.
func (w *world) keepToken(t *testing.T, address string) {
	t.Helper()
	secrets, err := vault.OpenSecretManager(t.Context(), vault.Config{Project: "here", Emulator: address})
	if err != nil {
		t.Fatal(err)
	}
	defer secrets.Close()
	issued := w.sim.IssueTokens(realm)
	v := &vault.Vault{Ledger: w.store.Ledger(), Secrets: secrets, Patience: time.Second, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	lease := w.store.Lease(t, w.id)
	err = v.Save(t.Context(), org.Connection{ID: w.id, Org: "onpoint", Provider: quickbooks.Provider, Account: realm}, lease,
		vault.Token{Access: issued.Access, Refresh: issued.Refresh, AccessExpires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Abandon(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
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
func (p *process) tick(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"subscription": "s", "message": map[string]any{
		"messageId": "1", "attributes": org.Tick{Org: "onpoint", Reason: org.Schedule}.Attributes(),
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
