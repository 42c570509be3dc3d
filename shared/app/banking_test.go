package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// banking is Connect beside a Plaid that is asked. When the test ends, no secret that was used may have
// been left anywhere.
type banking struct {
	*whole
	plaid   *fakePlaid
	connect ready
}

const hooks = "https://books.example.com/plaidwebhook"

func newBanking(t *testing.T) *banking {
	t.Helper()
	w := &banking{whole: &whole{place: newPlace(t), heard: newHeard()}}
	w.heard.keep("marker-body", markerBankSecret)
	w.plaid = newFakePlaid(t, w.heard)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.heard.serve(w.connect, rw, r) }))
	t.Cleanup(w.server.Close)
	w.vars = append(w.vars, "PUBLIC_URL="+w.server.URL, "PLAID_CLIENT_ID=bank-client", "PLAID_SECRET="+markerBankSecret,
		"PLAID_API_URL="+w.plaid.URL, "PLAID_OPTIONAL_PRODUCTS=liabilities,statements", "PLAID_WEBHOOK_URL="+hooks, "SYNC_MAX_RETRIES=0")
	if err := Migrate.Run(t.Context(), nil, w.asOwner(), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	w.restart()
	t.Cleanup(w.wantNoSecrets)
	return w
}

// restart is another process: empty memory.
func (w *banking) restart() {
	w.connect = w.build(Connect)
	w.connect.banks.vault.Patience = 100 * time.Millisecond
}

func (w *banking) bankLink(slug string, args ...string) string {
	w.Helper()
	var out, words bytes.Buffer
	if err := Link.Run(w.Context(), append([]string{"-org", slug, "-provider", "plaid"}, args...), w.vars, &out, &words); err != nil {
		w.Fatal(err)
	}
	link := strings.TrimSpace(out.String())
	w.heard.link(link)
	w.heard.said(words.String())
	return link
}

// person is a browser that shows redirects instead of following them, and does not repeat what it asked
// of a process that died.
func (w *banking) person() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// open opens a link; the person is at the bank then, and comes back to that address.
func (w *banking) open(b *http.Client, link string) (at *fakeLink, back string) {
	w.Helper()
	res, err := b.Get(link)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, w.plaid.URL+"/hosted/") {
		_, page := w.read(res, err)
		w.Fatalf("start: %d to %s: %s", res.StatusCode, to, page)
	}
	at = w.plaid.link()
	back = at.asked["hosted_link"].(map[string]any)["completion_redirect_uri"].(string)
	u, err := url.Parse(back)
	if err != nil {
		w.Fatal(err)
	}
	w.heard.keep(u.Query().Get("state"))
	for _, c := range res.Cookies() {
		state, browser, _ := strings.Cut(c.Value, ".")
		w.heard.keep(state, browser)
	}
	return at, back
}

// back is the person at the callback; it returns the page that tells the result.
func (w *banking) back(b *http.Client, address string) (int, string) {
	w.Helper()
	res, err := b.Get(address)
	if err != nil {
		return 0, err.Error() // the process has died
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		w.Fatalf("callback: %d", res.StatusCode)
	}
	return w.read(b.Get(res.Header.Get("Location")))
}

// bare is an address without its query.
func bare(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// bank connects a bank, from the link to the result.
func (w *banking) bank(link, name string, accounts ...string) (int, string) {
	w.Helper()
	b := w.person()
	at, back := w.open(b, link)
	w.plaid.approve(at, name, accounts...)
	return w.back(b, back)
}

func (w *banking) want(status int, page string, wantStatus int, says ...string) {
	w.Helper()
	_, page, _ = strings.Cut(page, "<main")
	for _, s := range says {
		if !strings.Contains(page, s) {
			w.Errorf("the page does not say %q: %s", s, page)
		}
	}
	if status != wantStatus {
		w.Errorf("status %d, want %d: %s", status, wantStatus, page)
	}
}

// wantBanks compares the connections of all organisations, as "org account state".
func (w *banking) wantBanks(want ...string) {
	w.Helper()
	rows, err := w.store.Pool.Query(w.Context(), `SELECT org_id || ' ' || account || ' ' || state FROM sync.connections ORDER BY id`)
	if err != nil {
		w.Fatal(err)
	}
	var got []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.Fatal(err)
		}
		got = append(got, s)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("connections (-want +got):\n%s", diff)
	}
}

func (w *banking) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.store.Pool.Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
}

// token returns what the vault has for a connection, as another process sees it.
func (w *banking) token(id org.ConnectionID) string {
	w.Helper()
	c, err := w.store.Connection(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	t, err := w.build(Connect).banks.vault.Current(w.Context(), c)
	if err != nil && !fault.Is(err, fault.NotFound) {
		w.Fatal(err)
	}
	return t.Access
}
