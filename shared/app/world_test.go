package app

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// The companies that the simulator has.
const (
	onpointRealm  = "9130357766900101"
	powergenRealm = "9130357766900202"
	spareRealm    = "9130357766900303"
)

// whole is the functions joined with the simulator.
type whole struct {
	*place
	config  qbosim.Config
	sim     *qbosim.Server
	intuit  *httptest.Server // the simulator, overheard
	server  *httptest.Server // Connect
	syncOrg ready            // SyncOrg in one process
	heard   *heard

	mu      sync.Mutex
	leaving func(*http.Request)
}

// newWhole builds everything. What the configuration says of the app itself is filled in. When the
// test ends, no secret that was used may have been left anywhere.
func newWhole(t *testing.T, config qbosim.Config) *whole {
	t.Helper()
	w := &whole{place: newPlace(t), config: config, heard: newHeard()}
	var handler http.Handler
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.heard.serve(handler, rw, r) }))
	t.Cleanup(w.server.Close)
	w.config.ClientID, w.config.ClientSecret = "client", markerClientSecret
	w.config.RedirectURIs = []string{w.server.URL + "/connect/quickbooks/callback"}
	w.sim = qbosim.New(w.config)
	w.sim.AddCompany(qbosim.CompanySpec{Realm: onpointRealm, Name: "OnPoint Generator Service", Seed: 1, Invoices: 20})
	w.sim.AddCompany(qbosim.CompanySpec{Realm: powergenRealm, Name: "PowerGen Standby Power", Seed: 2, Invoices: 10})
	w.sim.AddCompany(qbosim.CompanySpec{Realm: spareRealm, Name: "Spare Parts", Seed: 3, Invoices: 10})
	w.intuit = httptest.NewServer(http.HandlerFunc(w.overhear))
	t.Cleanup(w.intuit.Close)
	w.vars = append(w.vars, "PUBLIC_URL="+w.server.URL,
		"QUICKBOOKS_API_URL="+w.intuit.URL, "QUICKBOOKS_AUTHORIZE_URL="+w.intuit.URL+"/connect/oauth2",
		"QUICKBOOKS_TOKEN_URL="+w.intuit.URL+"/oauth2/v1/tokens/bearer", "QUICKBOOKS_REVOKE_URL="+w.intuit.URL+"/v2/oauth2/tokens/revoke")
	if err := Migrate.Run(t.Context(), nil, w.asOwner(), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	handler = w.build(Connect)
	w.syncOrg = w.process()
	t.Cleanup(w.wantNoSecrets)
	return w
}

// build makes a function, closed when the test ends.
func (w *whole) build(f Function) ready {
	w.Helper()
	h, end, err := f.Build(w.Context(), w.vars, w.log())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { end(context.Background()) }) //nolint:errcheck // the test is over
	return h.(ready)
}

// process is SyncOrg as one more process has it: same database, same secrets, empty memory. Where the
// simulator has no limits the calls are not spread over seconds.
func (w *whole) process() ready {
	w.Helper()
	p := w.build(SyncOrg)
	p.quickBooks.vault.Patience = 300 * time.Millisecond
	if w.config.NoLimits {
		p.quickBooks.turns = nil
	}
	return p
}

// attach makes an active connection of a company without a browser.
func (w *whole) attach(slug org.Slug, realm string) org.Connection {
	w.Helper()
	c, err := w.store.Connection(w.Context(), w.store.Connect(w.T, slug, quickbooks.Provider, realm))
	if err != nil {
		w.Fatal(err)
	}
	w.login(c, time.Hour)
	return c
}

// login gives a connection a new token whose access is noted to end after lasts.
func (w *whole) login(c org.Connection, lasts time.Duration) {
	w.Helper()
	issued := w.sim.IssueTokens(c.Account)
	w.heard.keep(issued.Access, issued.Refresh)
	l := w.store.Lease(w.T, c.ID)
	err := w.process().quickBooks.vault.Save(w.Context(), c, l, vault.Token{Access: issued.Access, Refresh: issued.Refresh, AccessExpires: time.Now().Add(lasts)})
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.store.Abandon(w.Context(), l); err != nil {
		w.Fatal(err)
	}
}

// overhear serves the simulator, and keeps what the token endpoint takes and gives.
func (w *whole) overhear(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	w.sim.ServeHTTP(answer, r)
	if isToken(r) {
		w.heard.tokens(body, answer.Body.Bytes())
	}
	w.mu.Lock()
	leaving := w.leaving
	w.mu.Unlock()
	if leaving != nil {
		leaving(r)
	}
	maps.Copy(rw.Header(), answer.Header())
	rw.WriteHeader(answer.Code)
	rw.Write(answer.Body.Bytes()) //nolint:errcheck // the client tells
}

// whenLeaving has f called once, when the first answer to a request like that is on its way.
func (w *whole) whenLeaving(like func(*http.Request) bool, f func()) {
	var once sync.Once
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leaving = func(r *http.Request) {
		if like(r) {
			once.Do(f)
		}
	}
}

func isToken(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/tokens/bearer") }
func isCDC(r *http.Request) bool   { return strings.HasSuffix(r.URL.Path, "/cdc") }

// push delivers a tick to a process.
func (w *whole) push(to http.Handler, t org.Tick) (status int) {
	answer := push(func(rw http.ResponseWriter, r *http.Request) { w.heard.serve(to, rw, r) }, t.Attributes())
	return answer.Code
}

// follow delivers the ticks that were published, and those that they lead to.
func (w *whole) follow(to http.Handler) {
	w.Helper()
	for waiting := w.ticks(); len(waiting) > 0; waiting = w.ticks() {
		w.pubsub.ClearMessages()
		for _, t := range waiting {
			if status := w.push(to, t); status != http.StatusNoContent {
				w.Fatalf("a follow-up tick: status %d", status)
			}
		}
	}
}

// later lets so much time go by that every connection is to be swept.
func (w *whole) later() {
	w.Helper()
	if _, err := w.store.Pool.Exec(w.Context(), `UPDATE sync.connections SET next_sync_at = '-infinity'`); err != nil {
		w.Fatal(err)
	}
}

// sync delivers a tick of the schedule for an organisation, which must go well.
func (w *whole) sync(slug org.Slug) {
	w.Helper()
	w.later()
	if status := w.push(w.syncOrg, org.Tick{Org: slug, Reason: org.Schedule}); status != http.StatusNoContent {
		w.Fatalf("tick of %s: status %d, log:\n%s", slug, status, w.logs)
	}
	w.follow(w.syncOrg)
}
