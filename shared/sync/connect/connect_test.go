package connect_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

// connections returns onpoint's, or all of a slug's, as "account state reason".
func (w *world) connections(slug org.Slug) (all []string) {
	w.Helper()
	rows, err := w.store.Pool().Query(w.Context(), `SELECT account || ' ' || state || ' ' || reason || CASE WHEN lease_until IS NULL THEN '' ELSE 'leased' END
FROM sync.connections WHERE org_id = $1 ORDER BY id`, slug)
	if err != nil {
		w.Fatal(err)
	}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.Fatal(err)
		}
		all = append(all, strings.TrimSpace(s))
	}
	return all
}

func (w *world) wantConnections(slug org.Slug, want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.connections(slug)); diff != "" {
		w.Errorf("connections of %s (-want +got):\n%s", slug, diff)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.store.Pool().Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
}

func TestConnect(t *testing.T) {
	w := newWorld(t)
	link := w.link()
	// A chat's preview opens it first, and the person opens it twice.
	w.browser().start(link)
	b := w.browser()
	b.start(link)
	b.want(b.connect(link, "100"), http.StatusOK, "FakeBooks is connected", "Company 100 now belongs to On <b>Point</b>")
	w.wantConnections("onpoint", "100 active")
	if diff := cmp.Diff([]org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Manual}}, w.ticks.got); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	b.want(b.get(link), http.StatusConflict, "This link has been used")
	if strings.Contains(w.logs.String(), "marker-code") {
		t.Error("the log holds the code")
	}
}

func TestBadLinks(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	good := w.link()
	b.want(b.get(good+"x"), http.StatusForbidden, "not valid")
	b.want(b.get(w.server.URL+"/connect/quickbooks"), http.StatusForbidden, "not valid")
	b.want(b.get(w.link(func(l *connect.Link) { l.Expires = time.Now().Add(-time.Second) })), http.StatusGone, "expired")
	b.want(b.get(w.link(func(l *connect.Link) { l.Org = "nobody" })), http.StatusNotFound, "Unknown organisation")
	b.want(b.get(strings.Replace(good, "/connect/quickbooks?", "/connect/quickbooks/disconnect?", 1)), http.StatusBadRequest, "something else")
	b.want(b.get(strings.Replace(w.link(disconnecting), "/disconnect", "", 1)), http.StatusBadRequest, "something else")
	b.want(b.get(strings.Replace(good, "quickbooks", "nothing", 1)), http.StatusNotFound, "Unknown provider")
	b.want(b.get(w.server.URL+"/connect/quickbooks/result?id=a.b"), http.StatusGone)
	b.want(b.get(w.server.URL+"/elsewhere"), http.StatusNotFound)
}

func TestStates(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	link := w.link(adding)
	first, second := b.start(link), b.start(link) // two tabs
	b.want(w.browser().back(first, "account", "100"), http.StatusForbidden, "Another browser")
	b.want(b.back("unknown", "account", "100"), http.StatusGone, "took too long")
	b.want(b.back(first, "account", "100"), http.StatusOK)
	b.want(b.back(first, "account", "100"), http.StatusConflict, "This sign-in is over")
	b.want(b.back(second, "account", "200"), http.StatusConflict, "link has been used")
	w.wantConnections("onpoint", "100 active")

	link = w.link()
	state := b.start(link)
	w.exec(`UPDATE sync.connect_states SET expires_at = now() - interval '1 second'`)
	b.want(b.back(state, "account", "100"), http.StatusGone, "took too long")
	var secrets string
	err := w.store.Pool().QueryRow(t.Context(), `SELECT string_agg(s::text, ' ') FROM sync.connect_states AS s`).Scan(&secrets)
	if err != nil || strings.Contains(secrets, state) {
		t.Errorf("the database holds a state in clear (%v)", err)
	}
}

func TestDeniedConsent(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	link := w.link()
	b.want(b.back(b.start(link), "error", "access_denied"), http.StatusForbidden, "You did not allow it")
	w.wantConnections("onpoint") // it leaves nothing behind
	b.want(b.connect(link, "100"), http.StatusOK)
}

func TestCookie(t *testing.T) {
	w := newWorld(t)
	cookie := w.browser().get(w.link()).header.Get("Set-Cookie")
	if !regexp.MustCompile(`^connect_[0-9a-f]{16}=[\w-]{43}\.[\w-]{43}; Path=/connect/quickbooks; Max-Age=900; HttpOnly; SameSite=Lax$`).MatchString(cookie) {
		t.Errorf("cookie %q", cookie)
	}
}

func TestReconnect(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.want(b.connect(w.link(), "100"), http.StatusOK)
	w.exec(`UPDATE sync.connections SET state = 'needs_reauth', reason = 'consent ended', not_before = now() + interval '1 day'`)
	w.exec(`INSERT INTO sync.streams (connection_id, name, checkpoint) VALUES (1, 'Invoice', '{"since":"x"}')`)

	link := w.link()
	b.want(b.connect(link, "200"), http.StatusForbidden, "has the data of FakeBooks company 100", "you chose company 200", "a link that adds one")
	w.wantConnections("onpoint", "100 needs_reauth consent ended")
	b.want(b.connect(link, "100"), http.StatusOK, "is connected") // the refused try did not use the link up
	w.wantConnections("onpoint", "100 active")
	var checkpoint string
	var waits bool
	err := w.store.Pool().QueryRow(t.Context(), `SELECT checkpoint->>'since', not_before IS NOT NULL FROM sync.streams JOIN sync.connections ON id = connection_id`).Scan(&checkpoint, &waits)
	if err != nil || checkpoint != "x" || waits {
		t.Errorf("checkpoint %q, waits %t, %v", checkpoint, waits, err)
	}

	b.want(b.connect(w.link(adding), "200"), http.StatusOK)
	w.wantConnections("onpoint", "100 active", "200 active")
	b.want(b.connect(w.link(func(l *connect.Link) { l.Connection = 2 }), "100"), http.StatusForbidden, "company 200 again")
	b.want(b.get(w.link(func(l *connect.Link) { l.Connection = 7 })), http.StatusNotFound, "connection 7")
	b.want(b.get(w.link(powergen, func(l *connect.Link) { l.Connection = 2 })), http.StatusNotFound, "connection 2")
}

func TestCompanyOfAnotherOrganisation(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.want(b.connect(w.link(), "100"), http.StatusOK)
	link := w.link(powergen)
	a := b.connect(link, "100")
	b.want(a, http.StatusForbidden, "attached to another organisation")
	if strings.Contains(text(a), "Point") {
		t.Errorf("the page names the other organisation: %s", text(a))
	}
	w.wantConnections("powergen")

	w.exec(`UPDATE sync.connections SET state = 'disconnected'`)
	b.want(b.connect(link, "100"), http.StatusOK)
	b.want(b.connect(w.link(), "100"), http.StatusForbidden, "attached to another organisation")
	w.wantConnections("onpoint", "100 disconnected")

	// An attempt that died half-way blocks nobody.
	w.exec(`UPDATE sync.connections SET state = 'connecting', lease_until = now() - interval '1 second' WHERE org_id = 'powergen'`)
	b.want(b.connect(w.link(), "100"), http.StatusOK)
	w.wantConnections("onpoint", "100 active")
}

func TestGrantFails(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	link := w.link()
	w.provider.grant = fault.New(fault.Unavailable, "FakeBooks is out of order")
	b.want(b.connect(link, "100"), http.StatusServiceUnavailable, "Not now")
	w.wantConnections("onpoint") // it leaves nothing behind
	w.provider.grant = fault.New(fault.Reconnect, "the code is used up")
	b.want(b.connect(link, "200"), http.StatusBadGateway, "The code is used up.", "your link still works")
	if len(w.ticks.got) != 0 {
		t.Errorf("ticks %v", w.ticks.got)
	}
	w.provider.grant = nil
	b.want(b.connect(link, "200"), http.StatusOK)
	w.wantConnections("onpoint", "200 active")

	// A failed reconnect leaves the connection as it was, and a tick that came meanwhile is not lost.
	w.ticks.got = nil
	w.provider.grant = fault.New(fault.Unavailable, "FakeBooks is out of order")
	w.provider.inside = func() { w.exec(`UPDATE sync.connections SET tick_noted = true WHERE account = '200'`) }
	b.want(b.connect(w.link(), "200"), http.StatusServiceUnavailable)
	w.wantConnections("onpoint", "200 active")
	if len(w.ticks.got) != 1 {
		t.Errorf("ticks %v", w.ticks.got)
	}
}

// Two windows with one link, and the other is faster at the last moment.
func TestLinkUsedDuringGrant(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	w.provider.inside = func() {
		w.exec(`INSERT INTO sync.connections (org_id, provider, account, state, connected_at) VALUES ('onpoint', 'quickbooks', '200', 'active', now())`)
		w.exec(`INSERT INTO sync.connect_links (nonce_digest, connection_id, expires_at)
SELECT s.link_digest, c.id, s.link_expires_at FROM sync.connect_states AS s, sync.connections AS c WHERE c.account = '200'`)
	}
	b.want(b.connect(w.link(), "100"), http.StatusConflict, "This link has been used")
	w.wantConnections("onpoint", "200 active")
	if diff := cmp.Diff([]string{"grant 100", "revoke 100"}, w.provider.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestConnectWaitsForASync(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.want(b.connect(w.link(), "100"), http.StatusOK)
	l, ok, err := w.store.Acquire(t.Context(), 1, org.Manual, "a sync", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	b.want(b.connect(w.link(), "100"), http.StatusServiceUnavailable, "being read right now")
	go func() {
		time.Sleep(100 * time.Millisecond)
		w.store.Abandon(t.Context(), l) //nolint:errcheck // the next line tells
	}()
	b.want(b.connect(w.link(), "100"), http.StatusOK)
	if err := w.store.Renew(t.Context(), l, time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("the sync's lease still holds: %v", err)
	}
}

func TestDisconnect(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	none := w.link(disconnecting)
	b.want(b.press(none), http.StatusNotFound, "nothing to disconnect")
	b.want(b.connect(w.link(), "100"), http.StatusOK)

	link := w.link(disconnecting)
	b.want(b.get(link), http.StatusOK, "Disconnect FakeBooks from On <b>Point</b>?")
	w.wantConnections("onpoint", "100 active") // opening it ends nothing
	w.provider.revoke = fault.New(fault.Unavailable, "FakeBooks is out of order")
	b.want(b.press(link), http.StatusServiceUnavailable, "Nothing was changed")
	w.wantConnections("onpoint", "100 active")
	w.provider.revoke = nil
	// The provider has ended the consent, and then we cannot write it down.
	w.provider.ending = func() { w.exec(`UPDATE sync.connections SET fence = fence + 1`) }
	a := b.press(link)
	b.want(a, http.StatusServiceUnavailable, "FakeBooks no longer lets us read", "Open your link again")
	if strings.Contains(text(a), "Nothing was changed") {
		t.Errorf("the page says %s", text(a))
	}
	w.exec(`UPDATE sync.connections SET lease_until = NULL`)
	w.provider.ending = nil
	b.want(b.press(link), http.StatusOK, "is disconnected", "is kept")
	w.wantConnections("onpoint", "100 disconnected disconnected on request")
	b.want(b.get(link), http.StatusConflict, "used")

	b.want(b.connect(w.link(), "100"), http.StatusOK)
	w.wantConnections("onpoint", "100 active")
	b.want(b.connect(w.link(adding), "200"), http.StatusOK)
	b.want(b.press(w.link(disconnecting)), http.StatusForbidden, "several connections")
	b.want(b.press(w.link(disconnecting, func(l *connect.Link) { l.Connection = 1 })), http.StatusOK)
	w.wantConnections("onpoint", "100 disconnected disconnected on request", "200 active")
}

// press opens a disconnect link and presses the button.
func (b browser) press(link string) answer {
	b.Helper()
	page := b.get(link)
	m := regexp.MustCompile(`action="([^"]+)"[\s\S]*name="link" value="([^"]+)"`).FindStringSubmatch(page.text)
	if m == nil {
		b.Fatalf("no form: %d %s", page.status, text(page))
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, m[1], strings.NewReader(url.Values{"link": {m[2]}}.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a := b.do(req)
	if a.status != http.StatusSeeOther {
		return a
	}
	return b.get(a.location.String())
}
