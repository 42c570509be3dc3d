package connect_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

// hosted is a world whose provider is asked afterwards what a person did on its pages.
func hosted(t *testing.T) *world {
	w := newWorld(t)
	w.provider.memo, w.provider.named = "marker-memo", "item-1"
	w.provider.session = connect.Consent{Name: "First Bank", Claim: "marker-claim"}
	return w
}

// revisit opens the callback with this query, and follows to the page that tells the result.
func (b browser) revisit(query url.Values) answer {
	b.Helper()
	a := b.get(b.server.URL + "/connect/quickbooks/callback?" + query.Encode())
	if a.status != http.StatusSeeOther {
		b.Fatalf("callback: %d %s", a.status, text(a))
	}
	return b.get(a.location.String())
}

// memos returns those that are kept.
func (w *world) memos() (n int) {
	w.Helper()
	if err := w.store.Pool().QueryRow(w.Context(), `SELECT count(memo) FROM sync.connect_states`).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

func TestAccountNamedByTheGrant(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	b.want(b.back(b.start(w.link())), http.StatusOK, "FakeBooks is connected", "Company First Bank now belongs to On <b>Point</b>")
	w.wantConnections("onpoint", "item-1 active")
	w.provider.named = "item-2"
	b.want(b.back(b.start(w.link())), http.StatusOK) // a further one is no mistake here
	w.wantConnections("onpoint", "item-1 active", "item-2 active")
	if strings.Contains(w.logs.String(), "marker-") {
		t.Errorf("the log holds a secret: %s", w.logs)
	}
	if n := w.memos(); n != 0 {
		t.Errorf("%d memos are kept after their use", n)
	}
	start := w.provider.began[0]
	if start.Callback != w.server.URL+"/connect/quickbooks/callback" || start.Org != "onpoint" || start.Mend != nil || len(start.State) != 43 {
		t.Errorf("begun with %+v", start)
	}
	b.want(b.press(w.link(disconnecting, func(l *connect.Link) { l.Connection = 2 })), http.StatusOK, "Company First Bank is no longer read")
}

func TestMending(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	b.want(b.back(b.start(w.link())), http.StatusOK)
	w.exec(`UPDATE sync.connections SET state = 'needs_reauth', reason = 'signed out'`)
	w.provider.session = connect.Consent{Account: "item-1", Mends: 1, Claim: "marker-claim"}
	w.provider.named = ""
	link := w.link(func(l *connect.Link) { l.Connection = 1 })
	state := b.start(link)
	if mend := w.provider.began[1].Mend; mend == nil || mend.ID != 1 || mend.Account != "item-1" || mend.State != org.NeedsReauth {
		t.Errorf("begun with %+v", mend)
	}
	w.provider.grant = fault.New(fault.Forbidden, "it is still broken")
	b.want(b.back(state), http.StatusForbidden, "It is still broken.")
	w.wantConnections("onpoint", "item-1 needs_reauth signed out")
	w.provider.grant = nil
	b.want(b.back(b.start(link)), http.StatusOK, "Company First Bank now belongs") // its name is known from before
	w.wantConnections("onpoint", "item-1 active")

	w.provider.begin = fault.New(fault.Forbidden, "this one is gone: ask for a new link")
	b.want(b.get(w.link(func(l *connect.Link) { l.Connection = 1 })), http.StatusForbidden, "This one is gone: ask for a new link.")
}

func TestBackTooEarly(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	b.start(w.link()) // in another tab, and given up
	state, again := b.start(w.link()), ""
	for _, tt := range []struct {
		answer error
		status int
		says   string
	}{
		{connect.ErrUnfinished, http.StatusConflict, "Not finished yet"},
		{fault.New(fault.Unavailable, "down"), http.StatusServiceUnavailable, "nothing is lost; try again"},
	} {
		w.provider.answer = tt.answer
		a := b.back(state)
		b.want(a, tt.status, tt.says, "Try again")
		m := regexp.MustCompile(`class="button" href="([^"]+)"`).FindStringSubmatch(a.text)
		if m == nil || !strings.HasPrefix(m[1], w.server.URL+`/connect/quickbooks/callback?ticket=connect_`) || strings.Contains(m[1], state) {
			t.Fatalf("no way on: %s", a.text)
		}
		again = m[1]
	}
	w.wantConnections("onpoint")
	w.provider.answer = nil
	a := b.get(again)
	b.want(b.get(a.location.String()), http.StatusOK, "is connected") // the button tells which
	b.want(b.back(state), http.StatusConflict, "This sign-in is over")
	if diff := cmp.Diff([]string{"grant "}, w.provider.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSessionCameToNothing(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	link := w.link()
	w.provider.answer = fault.New(fault.Forbidden, "you left before you were done")
	b.want(b.back(b.start(link)), http.StatusForbidden, "You left before you were done")
	w.provider.answer = fault.New(fault.Internal, "a bug")
	b.want(b.back(b.start(link)), http.StatusInternalServerError, "internal error")
	w.wantConnections("onpoint")
	if n := w.memos(); n != 0 {
		t.Errorf("%d memos are kept after their use", n)
	}
	w.provider.answer = nil
	b.want(b.back(b.start(link)), http.StatusOK)
}

// A provider may leave our state out of the callback.
func TestCallbackWithoutState(t *testing.T) {
	w := hosted(t)
	nobody, b := w.browser(), w.browser()
	b.start(w.link())
	nobody.want(nobody.revisit(nil), http.StatusGone, "did not start here")
	// Nobody vouches for the query then: it is not looked at.
	b.want(b.revisit(url.Values{"account": {"300"}, "error": {"x"}}), http.StatusOK, "is connected")
	w.wantConnections("onpoint", "item-1 active")
	b.want(b.revisit(nil), http.StatusGone)

	link := w.link()
	first := b.start(link)
	b.start(link)
	b.want(b.revisit(nil), http.StatusConflict, "several times")
	w.provider.named = "item-2"
	b.want(b.back(first), http.StatusOK) // nothing was lost
	w.wantConnections("onpoint", "item-1 active", "item-2 active")
}

// Where the query is all there is, one without a state could be slipped in by any other site.
func TestQueryWithoutState(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	state := b.start(w.link())
	b.want(b.revisit(url.Values{"account": {"666"}, "code": {"marker-code"}}), http.StatusGone)
	w.wantConnections("onpoint")
	b.want(b.back(state, "account", "100"), http.StatusOK) // and it has done no harm
}

// An Item that another organisation has leaves nothing here, and is ended at the provider.
func TestNamedLikeAnothers(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	b.want(b.back(b.start(w.link())), http.StatusOK)
	b.want(b.back(b.start(w.link(powergen))), http.StatusForbidden, "attached to another organisation")
	b.want(b.back(b.start(w.link())), http.StatusForbidden, "has what you chose already")
	w.wantConnections("powergen")
	w.wantConnections("onpoint", "item-1 active")
	if n := len(w.provider.calls); n != 5 || !strings.HasPrefix(w.provider.calls[2], "revoke unnamed ") {
		t.Errorf("calls %v", w.provider.calls)
	}
}

// What attempts have left that died after their token was stored is ended by the job, of whichever
// organisation, and nobody who connects waits for it. One that cannot be ended keeps no other from it.
func TestAttemptsThatDied(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	died := func(slug, account, lease string) {
		w.exec(`INSERT INTO sync.connections (org_id, provider, account, secret_version, lease_until) VALUES ($1, 'quickbooks', $2, 7, now() + $3::interval)`, slug, account, lease)
	}
	died("onpoint", "unnamed a", "-1 s")
	died("onpoint", "unnamed at work", "1 h")
	died("powergen", "unnamed b", "-1 s")
	b.want(b.back(b.start(w.link())), http.StatusOK)
	if diff := cmp.Diff([]string{"grant "}, w.provider.calls); diff != "" {
		t.Errorf("calls while somebody waits (-want +got):\n%s", diff)
	}
	w.provider.revoke = fault.New(fault.Unavailable, "down")
	w.clear(2)
	w.clear(0) // not twice in a row
	w.wantConnections("onpoint", "unnamed a connecting", "unnamed at work connecting leased", "item-1 active")
	w.wantConnections("powergen", "unnamed b connecting") // the tokens are kept for the next time

	w.provider.revoke, w.provider.calls = nil, nil
	w.provider.ending = func() {
		w.exec(`UPDATE sync.connections SET secret_version = NULL WHERE state = 'connecting' AND account <> 'unnamed at work'`)
	}
	w.exec(`UPDATE sync.connections SET clearing_at = clearing_at - interval '1 h' * CASE account WHEN 'unnamed a' THEN 1 ELSE 2 END`)
	w.clear(2)
	if diff := cmp.Diff([]string{"revoke unnamed b", "revoke unnamed a"}, w.provider.calls); diff != "" {
		t.Errorf("calls, what was tried longest ago first (-want +got):\n%s", diff)
	}
	w.wantConnections("onpoint", "unnamed at work connecting leased", "item-1 active")
	w.wantConnections("powergen")

	// The token was asked for, and nobody knows whether it came: that is not forgotten.
	w.exec(`UPDATE sync.connections SET secret_version = NULL, lease_until = now() - interval '1 s' WHERE account = 'unnamed at work'`)
	w.exec(`INSERT INTO sync.token_journal (connection_id, fence) SELECT id, 1 FROM sync.connections WHERE account = 'unnamed at work'`)
	w.clear(1)
	if got := w.connections("onpoint")[0]; !strings.HasPrefix(got, "unnamed at work disconnected connecting was not finished: a token was asked for") {
		t.Errorf("connection %q", got)
	}
}

// clear is what the job does; it has that many to end.
func (w *world) clear(want int) {
	w.Helper()
	n, err := connect.Clear(w.Context(), w.store, "quickbooks", w.provider, "job", slog.New(slog.NewTextHandler(w.logs, nil)))
	if err != nil || n != want {
		w.Errorf("cleared %d, %v; want %d", n, err, want)
	}
}

// Each has its own time, and its lease is given back however that ends: also when the job is stopped.
func TestClearIsStopped(t *testing.T) {
	w := hosted(t)
	w.exec(`INSERT INTO sync.connections (org_id, provider, account, secret_version) VALUES ('onpoint', 'quickbooks', 'unnamed', 7)`)
	ctx, stop := context.WithCancel(t.Context())
	w.provider.ending, w.provider.revoke = stop, fault.New(fault.Stopped, "stopped")
	if _, err := connect.Clear(ctx, w.store, "quickbooks", w.provider, "job", slog.New(slog.NewTextHandler(w.logs, nil))); err == nil {
		t.Error("no error")
	}
	w.wantConnections("onpoint", "unnamed connecting")
}

// lossy is a store whose answers to Activate are lost; first is done before.
type lossy struct {
	*store.Store
	first func(store *store.Store, l org.Lease)
	down  bool // it cannot be asked afterwards either
}

func (d lossy) Activate(ctx context.Context, l org.Lease, account string, c connect.Consent, k connect.Digest, ends time.Time) (bool, error) {
	if d.first != nil {
		d.first(d.Store, l)
	} else if _, err := d.Store.Activate(ctx, l, account, c, k, ends); err != nil {
		return false, err
	}
	return false, fault.New(fault.Unavailable, "the answer was lost")
}

func (d lossy) Renew(ctx context.Context, l org.Lease, ttl time.Duration) error {
	if d.down {
		return fault.New(fault.Unavailable, "the database does not answer")
	}
	return d.Store.Renew(ctx, l, ttl)
}

// What has become active stays so, although nobody was told that it has.
func TestActivateUnheard(t *testing.T) {
	for _, tt := range []struct {
		name   string
		store  lossy
		status int
		says   string
		calls  int // 2: its consent was revoked
		want   []string
	}{
		{"it went through", lossy{}, http.StatusOK, "is connected", 1, []string{"item-1 active"}},
		{"it did not", lossy{first: func(*store.Store, org.Lease) {}}, http.StatusServiceUnavailable, "Not now", 2, nil},
		{"nobody can tell", lossy{first: func(*store.Store, org.Lease) {}, down: true}, http.StatusServiceUnavailable, "not known", 1, []string{"unnamed connecting leased"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := hosted(t)
			tt.store.Store = w.store
			w.serve(tt.store)
			b := w.browser()
			a := b.back(b.start(w.link()))
			b.want(a, tt.status, tt.says)
			var got []string
			for _, c := range w.connections("onpoint") {
				got = append(got, regexp.MustCompile(`^unnamed \S+`).ReplaceAllString(c, "unnamed"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(w.provider.calls) != tt.calls {
				t.Errorf("calls %v, connections (-want +got):\n%s", w.provider.calls, diff)
			}
			if tt.calls == 1 && strings.Contains(text(a), "Nothing was changed") {
				t.Errorf("the page says %s", text(a))
			}
		})
	}
}

// A person who was talked into signing in for somebody else ends that by coming back.
func TestBackInAnotherBrowser(t *testing.T) {
	w := hosted(t)
	starter, victim := w.browser(), w.browser()
	link := w.link()
	state := starter.start(link)
	victim.want(victim.back(state), http.StatusForbidden, "Another browser", "is void now: nothing was connected")
	starter.want(starter.revisit(nil), http.StatusConflict, "This sign-in is over")
	w.wantConnections("onpoint")
	if n := w.memos(); n != 0 || len(w.provider.calls) != 0 {
		t.Errorf("%d memos, calls %v", n, w.provider.calls)
	}
	starter.want(starter.back(starter.start(link)), http.StatusOK)
}

// What a provider may hold although there is no token is told, and not called nothing.
func TestGrantWithoutAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		mark error
		want string
	}{
		"lost":      {connect.ErrAnswerLost, "disconnected connecting was not finished: down: a token was asked for"},
		"not ended": {connect.ErrNotEnded, "connecting"},
	} {
		t.Run(name, func(t *testing.T) {
			w := hosted(t)
			b := w.browser()
			w.provider.grant = errors.Join(fault.New(fault.Unavailable, "down"), tt.mark)
			w.provider.inside = func() {
				w.exec(`INSERT INTO sync.token_journal (connection_id, fence) SELECT id, fence FROM sync.connections`)
			}
			a := b.back(b.start(w.link()))
			b.want(a, http.StatusServiceUnavailable, "FakeBooks has your consent", "Your link still works")
			if strings.Contains(text(a), "Nothing was changed") || !strings.Contains(w.logs.String(), "level=ERROR") {
				t.Errorf("the page says %s, the log %s", text(a), w.logs)
			}
			got := w.connections("onpoint")
			if len(got) != 1 || !strings.HasPrefix(strings.SplitN(got[0], " ", 3)[2], tt.want) || strings.HasSuffix(got[0], "leased") {
				t.Errorf("connections %q", got)
			}
		})
	}
}

func TestRevokeFailsForWhatIsNotWanted(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	w.provider.revoke = fault.New(fault.Unavailable, "down")
	w.provider.inside = func() {
		w.exec(`INSERT INTO sync.connections (org_id, provider, account, state) VALUES ('powergen', 'quickbooks', 'item-1', 'active')`)
		w.exec(`UPDATE sync.connections SET secret_version = 1 WHERE state = 'connecting'`)
	}
	b.want(b.back(b.start(w.link())), http.StatusForbidden, "attached to another organisation")
	if got := w.connections("onpoint"); len(got) != 1 || !strings.HasSuffix(got[0], "connecting") {
		t.Errorf("connections %q, want the token kept until it can be revoked", got)
	}
}

func TestHowLongOneMayTake(t *testing.T) {
	w := hosted(t)
	b := w.browser()
	state := b.start(w.link())
	w.exec(`UPDATE sync.connect_states SET expires_at = expires_at - $1::interval`, 15*time.Minute)
	b.want(b.back(state), http.StatusGone, "older than 15 minutes")
}
