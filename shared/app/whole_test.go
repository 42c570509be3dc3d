package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

func (w *whole) link(args ...string) string {
	w.Helper()
	var out, words bytes.Buffer
	if err := Link.Run(w.Context(), append([]string{"-org", "onpoint", "-provider", "quickbooks"}, args...), w.vars, &out, &words); err != nil {
		w.Fatal(err)
	}
	link := strings.TrimSpace(out.String())
	w.heard.link(link)
	w.heard.said(words.String())
	return link
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
	w.heard.keep(form.Get("state"))
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
	if len(w.ticks()) == 0 {
		w.sync("onpoint")
		return
	}
	w.follow(w.syncOrg)
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
	w := newWhole(t, qbosim.Config{RotateAlways: true})
	const realm = onpointRealm
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
	if status, page := w.connect(w.link(), powergenRealm, "connect"); status != http.StatusForbidden || !strings.Contains(page, "company "+realm) {
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
