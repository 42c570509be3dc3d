package qbosource_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// A stream that change data capture leaves out is read whole when its time has come, in one call;
// only what is gone costs another.
func TestATimedStreamOfOnePage(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9200", 20, 0)
	w.declare("Payment", func(t *catalog.Table) { t.Every = 12 * time.Hour })
	w.sync()
	captured := false
	w.each(func(r *http.Request) { captured = captured || captures(r, "Payment") })
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	w.clock.add(18 * time.Hour)
	w.sync()
	w.clock.add(11 * time.Hour)
	if n := w.metered(); n != 1 {
		t.Errorf("before its time: %d calls, want 1", n)
	}
	w.clock.add(time.Hour)
	if n := w.metered(); n != 2 {
		t.Errorf("at its time: %d calls, want 2", n)
	}
	if err := w.company.Delete("Payment", k.pick("Payment")); err != nil {
		t.Fatal(err)
	}
	w.clock.add(12 * time.Hour)
	if n := w.metered(); n != 3 {
		t.Errorf("with a deletion: %d calls, want 3", n)
	}
	w.agree()
	if captured {
		t.Error("change data capture was asked for it")
	}
}

// Objects that are never removed are kept, whatever a reading shows.
func TestATimedStreamIsPermanent(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9201", 20, 0)
	w.declare("Payment", func(t *catalog.Table) { t.Every, t.Permanent = 12*time.Hour, true })
	w.sync()
	before := w.company.Count("Payment")
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	if err := w.company.Delete("Payment", k.pick("Payment")); err != nil {
		t.Fatal(err)
	}
	w.clock.add(18 * time.Hour)
	if n := w.metered(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	if got := w.column(`SELECT count(*)::text FROM quickbooks.payments WHERE connection_id = $1 AND deleted_at IS NULL`, w.conn.ID); got[0] != fmt.Sprint(before) {
		t.Errorf("%s payments are kept, want %d", got[0], before)
	}
}

// A timed stream of several pages: its changes at every turn, its deletions once a week.
func TestATimedStreamOfManyPages(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9202", 60, 10)
	w.declare("Payment", func(t *catalog.Table) { t.Every = 24 * time.Hour })
	w.sync()
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	pay := func() {
		t.Helper()
		if _, err := w.company.Create("Payment", fmt.Sprintf(`{"CustomerRef":{"value":%q},"TotalAmt":5.00}`, k.active("Customer"))); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.add(36 * time.Hour)
	w.sync()
	for day := range 5 {
		pay()
		w.clock.add(24 * time.Hour)
		if n := w.metered(); n != 2 {
			t.Errorf("day %d: %d calls, want 2", day, n)
		}
		w.agree()
	}
	if err := w.company.Delete("Payment", k.pick("Payment")); err != nil {
		t.Fatal(err)
	}
	for range 7 {
		pay()
		w.clock.add(24 * time.Hour)
		w.sync()
	}
	w.agree()
}

// Streams read by a timer wait while calls run short; what webhooks tell of them does not.
func TestTimersWait(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9203", 20, 0)
	w.declare("Payment", func(t *catalog.Table) { t.Every = 12 * time.Hour })
	w.sync()
	floor := engine.Loading
	w.engine.Allow = allow(&floor)
	w.clock.add(24 * time.Hour)
	if n := w.metered(); n != 1 {
		t.Errorf("%d calls while timers wait, want 1", n)
	}
	floor = engine.Timing
	if n := w.metered(); n != 2 {
		t.Errorf("%d calls when they may go on, want 2", n)
	}
}

// Timers of many companies do not go off together.
func TestTimersAreSpread(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	at := map[string]bool{}
	for i := range 10 {
		w := newWorld(t, db, fmt.Sprintf("921%d", i), 5, 0)
		w.declare("Payment", func(t *catalog.Table) { t.Every = 24 * time.Hour })
		start := w.clock.now()
		w.sync()
		due := w.column(`SELECT checkpoint ->> 'due' FROM sync.streams WHERE connection_id = $1 AND name = 'Payment'`, w.conn.ID)[0]
		if d, err := time.Parse(time.RFC3339, due); err != nil || d.Sub(start) < 12*time.Hour || d.Sub(start) > 36*time.Hour {
			t.Errorf("the first turn is due at %s", due)
		}
		at[due] = true
	}
	if len(at) < 10 {
		t.Errorf("ten companies have %d different times", len(at))
	}
}

// A stream that fails is not tried at every sweep: its calls may be metered all the same.
func TestATimerThatFailsRests(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9209", 20, 0)
	w.declare("Payment", func(t *catalog.Table) { t.Every = 12 * time.Hour })
	w.sync()
	tries := 0
	w.refusing(func(r *http.Request) bool {
		if !asks(r, "FROM Payment") {
			return false
		}
		tries++
		return true
	})
	for _, tt := range []struct {
		after time.Duration
		tried bool
	}{{24 * time.Hour, true}, {3 * time.Minute, false}, {30 * time.Minute, false}, {30 * time.Minute, true}} {
		w.clock.add(tt.after)
		before := tries
		rep, err := w.engine.Run(t.Context(), w.conn, engine.Order{Reason: org.Manual}, nil)
		if failed := rep.Result.Streams["Payment"] != nil; err != nil || failed != tt.tried || tries > before != tt.tried {
			t.Errorf("%s later: %d tries, streams %v, %v; tried: want %t", tt.after, tries-before, rep.Result.Streams, err, tt.tried)
		}
	}
	w.refusing(nil)
	w.clock.add(time.Hour)
	w.sync()
	w.agree()
}
