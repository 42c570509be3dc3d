package app

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// whole is the functions joined with the simulator.
type whole struct {
	*place
	sim     *qbosim.Server
	intuit  *httptest.Server
	server  *httptest.Server
	syncOrg http.Handler

	mu      sync.Mutex
	secrets []string // codes and tokens that went over the wire
}

// overhear serves the simulator and keeps what the token endpoint takes and gives.
func (w *whole) overhear(rw http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/tokens/bearer") {
		w.sim.ServeHTTP(rw, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Error(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		w.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	w.sim.ServeHTTP(answer, r)
	var given struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	json.Unmarshal(answer.Body.Bytes(), &given) //nolint:errcheck // a refusal holds none
	w.mu.Lock()
	for _, secret := range []string{form.Get("code"), given.Access, given.Refresh} {
		if secret != "" {
			w.secrets = append(w.secrets, secret)
		}
	}
	w.mu.Unlock()
	maps.Copy(rw.Header(), answer.Header())
	rw.WriteHeader(answer.Code)
	rw.Write(answer.Body.Bytes()) //nolint:errcheck // the client tells
}

func newWhole(t *testing.T) *whole {
	t.Helper()
	w := &whole{place: newPlace(t)}
	var handler http.Handler
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(w.server.Close)
	w.sim = qbosim.New(qbosim.Config{ClientID: "client", ClientSecret: "marker-client-secret", RotateAlways: true,
		RedirectURIs: []string{w.server.URL + "/connect/quickbooks/callback"}})
	w.sim.AddCompany(qbosim.CompanySpec{Realm: "9130357766900101", Name: "OnPoint Generator Service", Seed: 1, Invoices: 20})
	w.sim.AddCompany(qbosim.CompanySpec{Realm: "9130357766900202", Name: "PowerGen Standby Power", Seed: 2, Invoices: 10})
	w.intuit = httptest.NewServer(http.HandlerFunc(w.overhear))
	t.Cleanup(w.intuit.Close)
	w.vars = append(w.vars, "PUBLIC_URL="+w.server.URL,
		"QUICKBOOKS_API_URL="+w.intuit.URL, "QUICKBOOKS_AUTHORIZE_URL="+w.intuit.URL+"/connect/oauth2",
		"QUICKBOOKS_TOKEN_URL="+w.intuit.URL+"/oauth2/v1/tokens/bearer", "QUICKBOOKS_REVOKE_URL="+w.intuit.URL+"/v2/oauth2/tokens/revoke")
	if err := Migrate(t.Context(), w.vars, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		build Function
		to    *http.Handler
	}{{Connect, &handler}, {SyncOrg, &w.syncOrg}} {
		h, end, err := f.build(t.Context(), w.vars, w.log())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { end(t.Context()) }) //nolint:errcheck // the test is over
		*f.to = h
	}
	return w
}

func (w *whole) link(args ...string) string {
	w.Helper()
	var out bytes.Buffer
	if err := Link(append([]string{"-org", "onpoint", "-provider", "quickbooks"}, args...), w.vars, &out, io.Discard); err != nil {
		w.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// connect is a person who opens a link and decides at QuickBooks: connect or cancel.
func (w *whole) connect(link, realm, decision string) (status int, page string) {
	w.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	b := &http.Client{Jar: jar}
	res, err := b.Get(link)
	if err != nil {
		w.Fatal(err)
	}
	res.Body.Close()
	form := res.Request.URL.Query()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Request.URL.String(), w.intuit.URL) {
		w.Fatalf("consent page: %d at %s", res.StatusCode, res.Request.URL)
	}
	form.Set("realm", realm)
	form.Set("decision", decision)
	return w.read(b.PostForm(w.intuit.URL+"/connect/oauth2", form))
}

func (w *whole) read(res *http.Response, err error) (int, string) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	if q := res.Request.URL.Query(); q.Has("code") || q.Has("state") {
		w.Errorf("the address bar shows %s", res.Request.URL)
	}
	return res.StatusCode, string(body)
}

// tick delivers what was published since it was last asked, else one of the schedule.
func (w *whole) tick() {
	w.Helper()
	waiting := w.ticks()
	w.pubsub.ClearMessages()
	if len(waiting) == 0 {
		waiting = []org.Tick{{Org: "onpoint", Reason: org.Schedule}}
	}
	for _, t := range waiting {
		if answer := push(w.syncOrg.ServeHTTP, t.Attributes()); answer.Code != http.StatusNoContent {
			w.Fatalf("tick: %d %s", answer.Code, answer.Body)
		}
	}
}

// state returns the state and reason of the connection.
func (w *whole) state() (s org.State, reason string) {
	w.Helper()
	if err := w.store.Pool.QueryRow(w.Context(), `SELECT state, reason FROM sync.connections WHERE id = 1`).Scan(&s, &reason); err != nil {
		w.Fatal(err)
	}
	return s, reason
}

func (w *whole) invoices() (n int) {
	w.Helper()
	if err := w.store.Pool.QueryRow(w.Context(), `SELECT count(*) FROM quickbooks.invoices WHERE deleted_at IS NULL`).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

func TestFromLinkToRows(t *testing.T) {
	w := newWhole(t)
	const realm = "9130357766900101"
	company := w.sim.Company(realm)

	link := w.link()
	if status, page := w.connect(link, realm, "cancel"); status != http.StatusForbidden || !strings.Contains(page, "You did not allow") {
		t.Errorf("denied: %d %s", status, page)
	}
	if status, page := w.connect(link, realm, "connect"); status != http.StatusOK || !strings.Contains(page, "QuickBooks is connected") {
		t.Fatalf("connect: %d %s", status, page)
	}
	if diff := cmp.Diff([]org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Manual}}, w.ticks()); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	w.tick()
	if got, want := w.invoices(), company.Count("Invoice"); got != want || want == 0 {
		t.Errorf("%d invoices, want %d", got, want)
	}
	var id string
	for id = range company.IDs("Invoice") {
		break
	}
	if err := company.Delete("Invoice", id); err != nil {
		t.Fatal(err)
	}
	w.tick()
	if got, want := w.invoices(), company.Count("Invoice"); got != want {
		t.Errorf("after a deletion %d invoices, want %d", got, want)
	}

	// The customer withdraws consent at QuickBooks: said once, and mended by connecting again.
	company.Disconnect()
	w.tick()
	if s, reason := w.state(); s != org.NeedsReauth || !strings.Contains(reason, "connect the company again") {
		t.Errorf("state %s, %q", s, reason)
	}
	if status, page := w.connect(w.link(), "9130357766900202", "connect"); status != http.StatusForbidden || !strings.Contains(page, "company "+realm) {
		t.Errorf("another company: %d %s", status, page)
	}
	if status, page := w.connect(w.link(), realm, "connect"); status != http.StatusOK {
		t.Errorf("connect again: %d %s", status, page)
	}
	w.tick()
	if s, reason := w.state(); s != org.Active || reason != "" || w.invoices() != company.Count("Invoice") {
		t.Errorf("state %s, %q, %d invoices", s, reason, w.invoices())
	}

	if status, page := w.disconnect(w.link("-disconnect")); status != http.StatusOK || !strings.Contains(page, "is disconnected") {
		t.Errorf("disconnect: %d %s", status, page)
	}
	before := w.sim.Stats()
	w.tick()
	if s, _ := w.state(); s != org.Disconnected || w.invoices() != company.Count("Invoice") {
		t.Errorf("state %s, %d invoices", s, w.invoices())
	}
	if diff := cmp.Diff(before, w.sim.Stats()); diff != "" {
		t.Errorf("a disconnected company was called:\n%s", diff)
	}
	w.wantNoSecrets()
}

// disconnect is a person who opens a link and presses the button.
func (w *whole) disconnect(link string) (int, string) {
	w.Helper()
	_, page := w.read(http.Get(link))
	m := regexp.MustCompile(`action="([^"]+)"[\s\S]*name="link" value="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		w.Fatalf("no form: %s", page)
	}
	return w.read(http.PostForm(m[1], url.Values{"link": {m[2]}}))
}

// wantNoSecrets looks for every token there ever was in all logs and clear-text columns of the platform's own tables.
func (w *whole) wantNoSecrets() {
	w.Helper()
	seen := w.logs.String()
	for _, table := range []string{"connections", "runs", "streams", "token_journal", "connect_links", "connect_states", "rejected_messages", "dead_letters"} {
		var rows string
		if err := w.store.Pool.QueryRow(w.Context(), `SELECT coalesce(string_agg(t::text, ' '), '') FROM sync.`+table+` AS t`).Scan(&rows); err != nil {
			w.Fatal(err)
		}
		seen += rows
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, secret := range append(w.secrets, "marker-client-secret", "a key for tests") {
		if strings.Contains(seen, secret) {
			w.Errorf("a secret is in a log or a table")
		}
	}
	if n := len(w.secrets); n < 6 {
		w.Errorf("only %d secrets were overheard", n)
	}
}
