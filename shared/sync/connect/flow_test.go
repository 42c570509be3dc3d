package connect_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

const key = "a key for tests, not a short one"

// fake is a provider: its consent page is an address that is never opened. With a memo it is one whose
// pages tell us afterwards, when asked, what the person did there; else the callback's query tells.
type fake struct {
	mu     sync.Mutex
	begin  error
	grant  error
	revoke error
	calls  []string
	inside func() // called during a grant
	ending func() // called during a revocation

	memo    string          // what Begin leaves
	session connect.Consent // what Return finds out, where there is a memo
	answer  error           // instead of it
	named   string          // what Grant finds out; empty: the consent's
	began   []connect.Start
}

func (f *fake) Title() string          { return "FakeBooks" }
func (f *fake) Words() connect.Words   { return connect.Words{Account: "company", Kept: "books"} }
func (f *fake) Several() bool          { return f.memo != "" }
func (*fake) StateLife() time.Duration { return 15 * time.Minute }

func (f *fake) Begin(_ context.Context, start connect.Start) (string, []byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began = append(f.began, start)
	if f.begin != nil {
		return "", nil, f.begin
	}
	var memo []byte
	if f.memo != "" {
		memo = []byte(f.memo)
	}
	return "https://provider.example/consent?" + url.Values{"state": {start.State}}.Encode(), memo, nil
}

func (f *fake) Return(_ context.Context, memo []byte, callback url.Values) (connect.Consent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case string(memo) != f.memo:
		return connect.Consent{}, fault.New(fault.Internal, "another memo: "+string(memo))
	case callback != nil && callback.Get("state") == "":
		return connect.Consent{}, fault.New(fault.Internal, "a query that nobody vouches for: "+callback.Encode())
	case memo != nil:
		return f.session, f.answer
	case callback.Get("error") != "":
		return connect.Consent{}, fault.New(fault.Forbidden, "you did not allow it")
	}
	return connect.Consent{Account: callback.Get("account"), Claim: "marker-claim"}, nil
}

func (f *fake) Grant(_ context.Context, c org.Connection, l org.Lease, consent connect.Consent) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "grant "+consent.Account)
	if l.Connection != c.ID || l.Fence == 0 || consent.Claim != "marker-claim" {
		return "", fault.New(fault.Internal, "no lease, or no claim")
	}
	if f.inside != nil {
		f.inside()
	}
	return cmp.Or(f.named, consent.Account), f.grant
}

func (f *fake) Revoke(_ context.Context, c org.Connection, _ org.Lease) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "revoke "+c.Account)
	if f.ending != nil {
		f.ending()
	}
	return f.revoke
}

// ticks remembers what was asked for.
type ticks struct {
	mu  sync.Mutex
	got []org.Tick
}

func (t *ticks) Tick(_ context.Context, tick org.Tick) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, tick)
	return nil
}

// world is one test's: two organisations without connections.
type world struct {
	*testing.T
	store    *store.Store
	provider *fake
	ticks    *ticks
	logs     *bytes.Buffer
	handler  http.Handler
	server   *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	both := []org.Organisation{{Slug: "onpoint", Name: "On <b>Point</b>"}, {Slug: "powergen", Name: "PowerGen"}}
	w := &world{T: t, store: database(t, both...), provider: &fake{}, ticks: &ticks{}, logs: &bytes.Buffer{}}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }))
	t.Cleanup(w.server.Close)
	w.serve(w.store)
	return w
}

// serve makes the server one that works on that store.
func (w *world) serve(s connect.Store) {
	w.Helper()
	var err error
	w.handler, err = connect.New(connect.Options{
		Providers: map[org.Provider]connect.Provider{"quickbooks": w.provider}, Store: s, Ticks: w.ticks, Key: []byte(key),
		Public: w.server.URL, Holder: "test", Log: slog.New(slog.NewTextHandler(w.logs, nil)), Patience: 300 * time.Millisecond,
	})
	if err != nil {
		w.Fatal(err)
	}
}

// link makes a link to onpoint's, changed by with.
func (w *world) link(with ...func(*connect.Link)) string {
	w.Helper()
	l := connect.Link{Org: "onpoint", Provider: "quickbooks", Purpose: connect.Connect, Expires: time.Now().Add(time.Hour)}
	for _, f := range with {
		f(&l)
	}
	text, err := connect.NewLink([]byte(key), l)
	if err != nil {
		w.Fatal(err)
	}
	address, err := connect.LinkURL(w.server.URL, l, text)
	if err != nil {
		w.Fatal(err)
	}
	return address
}

func adding(l *connect.Link)        { l.Add = true }
func powergen(l *connect.Link)      { l.Org = "powergen" }
func disconnecting(l *connect.Link) { l.Purpose = connect.Disconnect }

// browser is one person's: it keeps cookies and shows redirects instead of following them.
type browser struct {
	*world
	http *http.Client
}

func (w *world) browser() browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what a browser got.
type answer struct {
	status   int
	text     string // of the page
	location *url.URL
	header   http.Header
}

func (b browser) do(req *http.Request) answer {
	b.Helper()
	res, err := b.http.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	to, err := res.Location()
	if err != nil {
		to = nil
	}
	b.guarded(res.Header, string(body))
	return answer{res.StatusCode, string(body), to, res.Header}
}

func (b browser) get(address string) answer {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(req)
}

// guarded checks what holds for every answer.
func (b browser) guarded(h http.Header, body string) {
	b.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if h.Get(name) != want {
			b.Errorf("header %s = %q, want %q", name, h.Get(name), want)
		}
	}
	policy := h.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
		b.Errorf("policy %q", policy)
	}
	if m := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body); m != nil {
		sum := sha256.Sum256([]byte(m[1]))
		if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			b.Errorf("the policy does not allow the page's own style")
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "<b>") {
		b.Errorf("the page holds a script or unescaped text: %s", body)
	}
}

// start opens a link and returns the state that the provider gets.
func (b browser) start(link string) string {
	b.Helper()
	a := b.get(link)
	if a.status != http.StatusSeeOther || a.location.Host != "provider.example" {
		b.Fatalf("start: %d %s", a.status, text(a))
	}
	return a.location.Query().Get("state")
}

// back is the provider sending the browser back; it returns the page that tells the result.
func (b browser) back(state string, with ...string) answer {
	b.Helper()
	q := url.Values{"state": {state}, "code": {"marker-code"}}
	for i := 0; i < len(with); i += 2 {
		q.Set(with[i], with[i+1])
	}
	a := b.get(b.server.URL + "/connect/quickbooks/callback?" + q.Encode())
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location.String(), b.server.URL+"/connect/quickbooks/result?id=") {
		b.Fatalf("callback: %d to %v", a.status, a.location)
	}
	return b.get(a.location.String())
}

// connect goes all the way.
func (b browser) connect(link, account string) answer {
	b.Helper()
	return b.back(b.start(link), "account", account)
}

// want checks a page.
func (b browser) want(a answer, status int, words ...string) {
	b.Helper()
	for _, w := range words {
		if !strings.Contains(text(a), w) {
			b.Errorf("the page does not say %q: %s", w, text(a))
		}
	}
	if a.status != status {
		b.Errorf("status %d, want %d: %s", a.status, status, text(a))
	}
}

// text is what a person reads.
func text(a answer) string {
	_, body, _ := strings.Cut(a.text, "<main")
	_, body, _ = strings.Cut(body, ">")
	body = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")
	return html.UnescapeString(strings.Join(strings.Fields(body), " "))
}
