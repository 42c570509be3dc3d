package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// TestEraseLeavesNothing compares the database with what it was before the organisation came. Another's slug
// begins like the erased one's.
func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.two)
	before := w.picture()
	w.settle(w.slug)
	with, costs := w.picture(), w.costs()
	for name := range columnsOf(w, w.store.Pool) {
		if before[name] == with[name] {
			t.Errorf("%s has nothing of the organisation: the test would not see what is left in it", name)
		}
	}

	x, kept, err := w.eraser().Erase(t.Context(), w.slug)
	if err != nil || len(kept) != 0 {
		t.Fatalf("%v, %v", kept, err)
	}
	if got := w.costs(); got != costs || got[1] < 2*(500+501+502) {
		t.Errorf("what it has cost the app (month and week of each provider): %v, and %v once it is erased", costs, got)
	}
	after := w.picture()
	if diff := differ(before, after); len(diff) > 0 {
		t.Errorf("not as before the organisation came: %q", diff)
		for _, name := range diff {
			t.Logf("%s: %s", name, cmp.Diff(before[name], after[name]))
		}
	}
	mentioned := regexp.MustCompile(string(w.slug) + `(\b[^-]|\)|$)`) // not as the beginning of the other's
	for name, text := range after {
		if mentioned.MatchString(text) {
			t.Errorf("%s still names the organisation", name)
		}
	}
	if x.Connections != 2 || x.LoginsEnded != 2 || x.LoginsKept != 0 || x.Secrets != 2 || x.Rows < 300 || x.Ended.IsZero() || x.ReaderKept {
		t.Errorf("%+v", x)
	}
	if diff := cmp.Diff([]string{account(w.two, "plaid"), account(w.two, "quickbooks")}, w.open()); diff != "" {
		t.Errorf("open logins (-want +got):\n%s", diff)
	}
	if len(w.secrets) != 2 {
		t.Errorf("secrets: %v", w.secrets)
	}
	if roles := w.roles(); slices.Contains(roles, "reader_"+string(w.slug)) || !slices.Contains(roles, "reader_"+string(w.two)) {
		t.Errorf("roles: %q", roles)
	}
	var there bool
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, "reader_"+string(w.slug)).Scan(&there); err != nil || there {
		t.Errorf("its login is there still: %v", err)
	}
}

func (w *world) roles() (all []string) {
	w.Helper()
	err := w.store.Pool.QueryRow(w.Context(), `SELECT array_agg(rolname::text) FROM pg_roles WHERE rolname LIKE 'reader\_%'
AND has_database_privilege(oid, current_database(), 'CONNECT')`).Scan(&all)
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// stop makes the n-th thing that an eraser asks for fail, not done or done without an answer, or ends the
// context when it is done.
type stop struct {
	tenant.Tenants
	tenant.Secrets
	ender tenant.Ender

	mode   string
	left   int
	cancel context.CancelFunc
}

var errKilled = errors.New("killed")

func (s *stop) around(do func() error) error {
	s.left--
	if s.left != 0 {
		return do()
	}
	switch s.mode {
	case "before":
		return errKilled
	case "after":
		return errors.Join(do(), errKilled)
	}
	err := do()
	s.cancel()
	return err
}

func (s *stop) Leave(ctx context.Context, slug org.Slug, version string) (x tenant.Erasure, err error) {
	err = s.around(func() (err error) { x, err = s.Tenants.Leave(ctx, slug, version); return err })
	return x, err
}

func (s *stop) Logins(ctx context.Context, slug org.Slug) (all []org.Connection, err error) {
	err = s.around(func() (err error) { all, err = s.Tenants.Logins(ctx, slug); return err })
	return all, err
}

func (s *stop) HoldLogin(ctx context.Context, id org.ConnectionID, holder string, _ time.Duration) (l org.Lease, ok bool, err error) {
	// A lease that nobody gave back is not to be waited for here.
	err = s.around(func() (err error) { l, ok, err = s.Tenants.HoldLogin(ctx, id, holder, time.Millisecond); return err })
	return l, ok, err
}

func (s *stop) EndLogin(ctx context.Context, erasure int64, l org.Lease, kept bool) error {
	return s.around(func() error { return s.Tenants.EndLogin(ctx, erasure, l, kept) })
}

func (s *stop) CountSecret(ctx context.Context, erasure int64) error {
	return s.around(func() error { return s.Tenants.CountSecret(ctx, erasure) })
}

func (s *stop) DropRows(ctx context.Context, erasure int64, slug org.Slug, told func(string, int64)) error {
	return s.around(func() error {
		n := 0
		return s.Tenants.DropRows(ctx, erasure, slug, func(table string, rows int64) {
			told(table, rows)
			if n++; s.mode == "stopped" && n%9 == 0 { // between two tables
				s.around(func() error { return nil }) //nolint:errcheck // it is ended by its context
			}
		})
	})
}

func (s *stop) DropReader(ctx context.Context, erasure int64, slug org.Slug) (kept bool, err error) {
	err = s.around(func() (err error) { kept, err = s.Tenants.DropReader(ctx, erasure, slug); return err })
	return kept, err
}

func (s *stop) RebuildViews(ctx context.Context) error {
	return s.around(func() error { return s.Tenants.RebuildViews(ctx) })
}

func (s *stop) Forget(ctx context.Context, erasure int64, slug org.Slug) (x tenant.Erasure, err error) {
	err = s.around(func() (err error) { x, err = s.Tenants.Forget(ctx, erasure, slug); return err })
	return x, err
}

func (s *stop) Of(ctx context.Context, slug org.Slug, all []org.Connection) (names []string, err error) {
	err = s.around(func() (err error) { names, err = s.Secrets.Of(ctx, slug, all); return err })
	return names, err
}

func (s *stop) Delete(ctx context.Context, name string) (there bool, err error) {
	err = s.around(func() (err error) { there, err = s.Secrets.Delete(ctx, name); return err })
	return there, err
}

func (s *stop) Login(ctx context.Context, name string) (c org.Connection, there bool, err error) {
	err = s.around(func() (err error) { c, there, err = s.Secrets.Login(ctx, name); return err })
	return c, there, err
}

func (s *stop) RevokeOrphan(ctx context.Context, c org.Connection) error {
	return s.around(func() error { return s.ender.RevokeOrphan(ctx, c) })
}

func (s *stop) DealtWith(ctx context.Context, erasure int64) (ids []org.ConnectionID, err error) {
	err = s.around(func() (err error) { ids, err = s.Tenants.DealtWith(ctx, erasure); return err })
	return ids, err
}

func (s *stop) CountOrphan(ctx context.Context, erasure int64, id org.ConnectionID, kept bool) error {
	return s.around(func() error { return s.Tenants.CountOrphan(ctx, erasure, id, kept) })
}

func (s *stop) Revoke(ctx context.Context, c org.Connection, l org.Lease) error {
	return s.around(func() error { return s.ender.Revoke(ctx, c, l) })
}

// TestEraseKilledAnywhere ends a start at each of its steps, in three ways, and wants the next start to come
// to what one that nobody ends comes to.
func TestEraseKilledAnywhere(t *testing.T) {
	for _, mode := range []string{"before", "after", "stopped"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.few = true
			w.settle(w.two)
			before := w.picture()
			steps := 0
			for whole := false; !whole; steps++ {
				w.settle(w.slug)
				w.lone()
				w.asked = 0
				costs := w.costs()
				ctx, cancel := context.WithCancel(t.Context())
				e := w.eraser()
				s := &stop{Tenants: e.Tenants, Secrets: e.Secrets, ender: e.Enders["plaid"], mode: mode, left: steps + 1, cancel: cancel}
				e.Tenants, e.Secrets, e.Enders = s, s, map[org.Provider]tenant.Ender{"quickbooks": s, "plaid": s}
				_, _, err := e.Erase(ctx, w.slug)
				cancel()
				whole = s.left > 0
				if whole && err != nil {
					t.Fatalf("nobody ended it: %v", err)
				}
				again := w.eraser()
				again.Tenants = &stop{Tenants: again.Tenants, mode: "never"} // for its short leases
				x, _, err := again.Erase(t.Context(), w.slug)
				if err != nil {
					t.Fatalf("after the end at step %d: %v", steps+1, err)
				}
				if diff := differ(before, w.picture()); len(diff) > 0 || len(w.open()) != 2 || len(w.secrets) != 2 || slices.Contains(w.roles(), "reader_"+string(w.slug)) {
					t.Fatalf("after the end at step %d: %q, logins %q, secrets %v", steps+1, diff, w.open(), w.secrets)
				}
				if got := w.costs(); got != costs {
					t.Fatalf("after the end at step %d: it had cost %v, and now %v", steps+1, costs, got)
				}
				if mode == "stopped" && w.asked != 3 {
					t.Fatalf("stopped after step %d: 3 logins were ended by %d calls: what a provider had done was not noted", steps+1, w.asked)
				}
				if x.Connections != 2 || x.LoginsEnded != 3 || x.Ended.IsZero() {
					t.Fatalf("after the end at step %d: %+v", steps+1, x)
				}
			}
			if steps < 20 {
				t.Errorf("only %d steps were looked at", steps)
			}
		})
	}
}

// TestProviderOut ends what can be ended, deletes nothing, and goes on when it is started again.
func TestProviderOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.slug)
	before := w.picture()
	w.refuses[account(w.slug, "quickbooks")] = errors.New("out of order")
	_, _, err := w.eraser().Erase(t.Context(), w.slug)
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "quickbooks "+account(w.slug, "quickbooks")+" (connection 1): its login was not ended, so nothing was deleted: start erase again later") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{account(w.slug, "quickbooks")}, w.open()); diff != "" {
		t.Errorf("open logins (-want +got):\n%s", diff)
	}
	if diff := differ(before, w.picture()); len(w.secrets) != 2 || !slices.Equal(diff, []string{"sync.connections", "sync.organisations"}) {
		t.Errorf("secrets %v, differing: %q", w.secrets, diff)
	}
	e := w.eraser()
	e.KeepLogins = true // the escape where it refuses for ever
	x, kept, err := e.Erase(t.Context(), w.slug)
	if err != nil || len(kept) != 1 || kept[0].Provider != "quickbooks" || x.LoginsEnded != 1 || x.LoginsKept != 1 || len(w.secrets) != 0 {
		t.Errorf("%+v, kept %v, %v", x, kept, err)
	}
}

func TestKeepLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.slug)
	e := w.eraser()
	e.KeepLogins, e.Enders = true, nil
	x, kept, err := e.Erase(t.Context(), w.slug)
	if err != nil || len(kept) != 2 || x.LoginsKept != 2 || x.LoginsEnded != 0 || len(w.open()) != 2 || len(w.secrets) != 0 {
		t.Errorf("%+v, kept %v, open %q, %v", x, kept, w.open(), err)
	}
	// Nobody has added up a day before.
	if got := w.costs(); got[1] != 500+501+502 || got[3] != 500+501+502 {
		t.Errorf("what it has cost the app: %v", got)
	}
}

// TestWithoutApp says which settings are missing.
func TestWithoutApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.slug)
	e := w.eraser()
	delete(e.Enders, "plaid")
	if _, _, err := e.Erase(t.Context(), w.slug); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "no app of the provider plaid") || !strings.Contains(err.Error(), "-keep-logins") {
		t.Errorf("%v", err)
	}
}

// TestNothingBeginsWhileLeaving marks an organisation and tries all that could begin something for it.
func TestNothingBeginsWhileLeaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.slug)
	ctx := t.Context()
	running := w.store.Lease(t, 1) // a sync that is at work
	if _, err := w.store.Owner.Leave(ctx, w.slug, "v1"); err != nil {
		t.Fatal(err)
	}
	for _, reason := range []org.Reason{org.Schedule, org.Webhook, org.Manual, org.Backfill, org.Reconcile} {
		if _, ok, err := w.store.Acquire(ctx, 2, reason, "x", time.Minute); ok || err != nil {
			t.Errorf("a tick of reason %s is taken: %v", reason, err)
		}
	}
	if n, err := w.store.Due(ctx, 10, time.Minute, func(ticks []org.Tick) error { return fmt.Errorf("ticks %v", ticks) }); n != 0 || err != nil {
		t.Errorf("%d ticks are sent, %v", n, err)
	}
	never := func([]connect.Existing) (org.ConnectionID, error) {
		return 0, errors.New("it is asked for a connection")
	}
	if _, _, _, err := w.store.Attach(ctx, connect.Attempt{Org: w.slug, Provider: "plaid"}, "new", "x", time.Minute, never); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "is leaving") {
		t.Errorf("attach: %v", err)
	}
	if err := w.store.SaveState(ctx, connect.Digest{1}, connect.Digest{2}, connect.Attempt{Org: w.slug, Provider: "plaid"}, time.Minute); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a sign-in is begun: %v", err)
	}
	if err := w.store.EnsureOrganisation(ctx, org.Organisation{Slug: w.slug, Name: "Back"}); err != nil { // jobs/migrate meanwhile
		t.Error(err)
	}
	// The sync that is at work goes on to its end, and no further.
	if err := w.store.Renew(ctx, running, time.Minute); err != nil {
		t.Errorf("the sync at work: %v", err)
	}
	// It may write down that all is well, and be told of another tick.
	w.exec(`UPDATE sync.connections SET state = 'active' WHERE id = 1`)
	if _, ok, err := w.store.Acquire(ctx, 1, org.Manual, "x", time.Minute); ok || err != nil {
		t.Errorf("two syncs at once: %v", err)
	}
	if _, _, ok, err := hold(w, 1); ok || err != nil {
		t.Errorf("its lease is taken away: %v", err)
	}
	if again, err := w.store.Release(ctx, running); again || err != nil {
		t.Errorf("it goes on: %v, %v", again, err)
	}
	if _, l, ok, err := hold(w, 1); !ok || err != nil || l.Fence <= running.Fence {
		t.Errorf("its lease is not to be had: %v, %v", l, err)
	}
	if err := w.store.Renew(ctx, running, time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("it comes back: %v", err)
	}
}

func hold(w *world, id org.ConnectionID) (org.ConnectionID, org.Lease, bool, error) {
	l, ok, err := w.store.Owner.HoldLogin(w.Context(), id, "erase", time.Minute)
	return id, l, ok, err
}

// TestLateActivation is a callback that makes a connection active after its organisation was marked: its login
// is ended all the same.
func TestLateActivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.slug)
	ctx := t.Context()
	_, l, _, err := w.store.Attach(ctx, connect.Attempt{Org: w.slug, Provider: "plaid"}, "late", "x", time.Minute, func([]connect.Existing) (org.ConnectionID, error) { return 0, nil })
	if err != nil {
		t.Fatal(err)
	}
	w.logins["late"] = true
	e := w.eraser()
	e.Tenants = lateBy{e.Tenants, func() {
		if _, err := w.store.Activate(ctx, l, "late", connect.Consent{}, connect.Digest{9}, time.Now()); err != nil {
			t.Error(err)
		}
	}}
	x, _, err := e.Erase(ctx, w.slug)
	if err != nil || x.LoginsEnded != 3 || len(w.open()) != 0 {
		t.Errorf("%+v, open %q, %v", x, w.open(), err)
	}
}

// lateBy has something happen once the logins were listed.
type lateBy struct {
	tenant.Tenants
	happens func()
}

func (l lateBy) Logins(ctx context.Context, slug org.Slug) ([]org.Connection, error) {
	all, err := l.Tenants.Logins(ctx, slug)
	l.happens()
	return all, err
}

func TestSyncThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.slug)
	w.store.Lease(t, 1)
	e := w.eraser()
	e.Patience = time.Millisecond
	if _, _, err := e.Erase(t.Context(), w.slug); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "connection 1: a sync is still at work") {
		t.Errorf("%v", err)
	}
}

// TestAccountOfAnother erases an organisation that once had what another has now: that one's login, notices
// and calls stay.
func TestAccountOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.two)
	before := w.picture()
	w.settle(w.slug)
	own, others := account(w.slug, "quickbooks"), account(w.two, "quickbooks")
	w.exec(`UPDATE sync.connections SET state = 'disconnected', account = $2 WHERE account = $1`, own, others)
	w.exec(`DELETE FROM sync.call_windows WHERE right(account, length($1)) = $1`, own)
	w.exec(`DELETE FROM sync.rejected_messages WHERE strpos(body, $1) > 0`, own)
	w.exec(`DELETE FROM sync.notices WHERE account = $1 AND connection_id IS NULL`, own)
	w.exec(`UPDATE sync.allowances SET refused_accounts = array_remove(refused_accounts, $1)`, own)
	costs := w.costs()
	if _, _, err := w.eraser().Erase(t.Context(), w.slug); err != nil {
		t.Fatal(err)
	}
	if got := w.costs(); got != costs {
		t.Errorf("it had cost %v, and now %v", costs, got)
	}
	if diff := differ(before, w.picture()); len(diff) > 0 || !w.logins[others] {
		t.Errorf("another's are touched: %q, %v", diff, w.logins)
	}
}

// TestEraseWhatIsNotThere tells the two apart: never there, and erased already.
func TestEraseWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, _, err := w.eraser().Erase(t.Context(), w.slug); !fault.Is(err, fault.NotFound) {
		t.Errorf("never there: %v", err)
	}
	w.settle(w.slug)
	first, _, err := w.eraser().Erase(t.Context(), w.slug)
	if err != nil {
		t.Fatal(err)
	}
	w.secrets["connection-"+string(w.slug)+"-quickbooks-999"] = true // a late process has made it
	if again, _, err := w.eraser().Erase(t.Context(), w.slug); err != nil || again.ID != first.ID || !again.Ended.Equal(first.Ended) || len(w.secrets) != 0 {
		t.Errorf("erased already: %+v, %v, %v", again, w.secrets, err)
	}
	// The same slug may come again, and go again.
	w.settle(w.slug)
	if again, _, err := w.eraser().Erase(t.Context(), w.slug); err != nil || again.ID == first.ID || again.LoginsEnded != 2 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// TestReaderOfAnotherDatabase keeps a role that something else on the server hangs on, without a way in.
func TestReaderOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	for _, one := range []*world{w, other} {
		one.settle(w.slug)
	}
	role := "reader_" + string(w.slug)
	x, _, err := w.eraser().Erase(t.Context(), w.slug)
	if err != nil || !x.ReaderKept {
		t.Errorf("%+v, %v", x, err)
	}
	if slices.Contains(w.roles(), role) || !slices.Contains(other.roles(), role) {
		t.Errorf("here %q, there %q", w.roles(), other.roles())
	}
	if x, _, err := other.eraser().Erase(t.Context(), w.slug); err != nil || x.ReaderKept {
		t.Errorf("the last one: %+v, %v", x, err)
	}
}
