package qbosource_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// captures reports whether a request asks change data capture for an entity.
func captures(r *http.Request, entity string) bool {
	return strings.HasSuffix(r.URL.Path, "/cdc") && slices.Contains(strings.Split(r.URL.Query().Get("entities"), ","), entity)
}

// declare changes the declaration of one entity.
func (w *world) declare(entity string, change func(*catalog.Table)) {
	for i := range w.tables {
		if w.tables[i].Stream == entity {
			change(&w.tables[i])
		}
	}
}

// An entity that change data capture refuses is found once, read by a timer from then on, and tried
// again after a week. The others go on all the time.
func TestChangeDataCaptureRefusesAnEntity(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9190", 40, 0)
	w.sync()
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	change := func() {
		t.Helper()
		for _, do := range []func() error{k.create, k.edit, k.remove} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := 0
	no := func(r *http.Request) bool {
		if captures(r, "Vendor") {
			refused++
			return true
		}
		return false
	}
	w.refusing(no)

	w.clock.add(3 * time.Minute)
	change()
	w.sync()
	w.agree()
	if refused == 0 || refused > 4 {
		t.Errorf("it took %d refusals to find one of six", refused)
	}

	refused = 0
	for range 19 {
		w.clock.add(3 * time.Minute)
		change()
		if n := w.metered(); n > 3 { // with those that confirm deletions
			t.Errorf("a sweep takes %d calls", n)
		}
		w.agree()
	}
	if _, err := w.company.Create("Vendor", `{"DisplayName":"New"}`); err != nil {
		t.Fatal(err)
	}
	w.clock.add(6 * time.Minute) // an hour since it was read last
	if n := w.metered(); n > 4 {
		t.Errorf("a sweep with the timer takes %d calls", n)
	}
	w.agree()
	if refused > 0 {
		t.Errorf("it was asked for %d times more", refused)
	}

	w.clock.add(6 * 24 * time.Hour)
	w.sync()
	w.clock.add(22 * time.Hour)
	w.sync()
	if refused > 0 {
		t.Errorf("it was asked for again within a week")
	}
	w.clock.add(2 * time.Hour)
	w.sync()
	if refused != 1 {
		t.Errorf("after a week it was asked for %d times, want once", refused)
	}
	w.refusing(nil)
	w.clock.add(8 * 24 * time.Hour)
	change()
	w.clock.add(5 * time.Minute)
	w.sync()
	w.clock.add(3 * time.Minute)
	if n := w.metered(); n != 1 {
		t.Errorf("once it is taken back an idle sweep takes %d calls", n)
	}
	w.agree()
}

// When change data capture refuses everything it is not for the entities' sake: nothing is given up.
func TestChangeDataCaptureRefusesEverything(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9191", 10, 0)
	w.sync()
	w.clock.add(3 * time.Minute)
	w.refusing(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/cdc") })
	rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil)
	if err == nil || rep.Result.Outcome != engine.Failed {
		t.Errorf("outcome %q, %v; want failed", rep.Result.Outcome, err)
	}
	w.refusing(nil)
	w.clock.add(3 * time.Minute)
	if n := w.metered(); n != 1 {
		t.Errorf("the sweep after it takes %d calls, want 1", n)
	}
}

// A feature that the company does not have is no error, and costs a try a day. Once the company has
// it, it is there.
func TestACompanyWithoutAFeature(t *testing.T) {
	for _, timed := range []time.Duration{0, 12 * time.Hour} {
		t.Run(timed.String(), func(t *testing.T) {
			w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9192", 10, 0)
			w.declare("Vendor", func(t *catalog.Table) { t.Optional, t.Every = true, timed })
			tries := 0
			w.refusing(func(r *http.Request) bool {
				if asks(r, "FROM Vendor") || captures(r, "Vendor") {
					tries++
					return true
				}
				return false
			})
			if n := w.metered(); n != 5+1 {
				t.Errorf("the first load of five streams takes %d calls", n)
			}
			tries = 0
			for range 10 {
				w.clock.add(2 * time.Hour)
				if n := w.metered(); n != 1 {
					t.Errorf("an idle sweep takes %d calls", n)
				}
			}
			if tries > 0 {
				t.Errorf("it was tried %d times within a day", tries)
			}
			w.clock.add(5 * time.Hour)
			w.sync()
			if tries == 0 {
				t.Error("it was not tried again after a day")
			}
			w.refusing(nil)
			w.clock.add(25 * time.Hour)
			w.sync()
			w.agree()

			// What has rows is no feature that is missing: it is told of, and the others go on.
			w.refusing(func(r *http.Request) bool { return asks(r, "FROM Vendor") || captures(r, "Vendor") })
			failed := false
			for range 30 {
				w.clock.add(3 * time.Hour)
				rep, err := w.engine.Run(t.Context(), w.conn, engine.Order{Reason: org.Manual}, nil)
				if err != nil || len(rep.Result.Streams) > 1 {
					t.Fatalf("%v, streams %v", err, rep.Result.Streams)
				}
				failed = failed || rep.Result.Streams["Vendor"] != nil
			}
			if !failed {
				t.Error("nobody is told that vendors are refused")
			}
			w.refusing(nil)
			w.clock.add(26 * time.Hour)
			w.sync()
			w.clock.add(26 * time.Hour)
			w.sync()
			w.agree()
		})
	}
}

// What cannot be had in the order of the last change is read by position, and that is remembered.
func TestAnEntityWithoutOrder(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9193", 35, 10)
	tries := 0
	w.refusing(func(r *http.Request) bool {
		if asks(r, "FROM Invoice", "ORDERBY") {
			tries++
			return true
		}
		return false
	})
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	edits := 6
	w.each(func(r *http.Request) {
		w.clock.add(time.Second)
		if edits > 0 && asks(r, "FROM Invoice") && k.rand.IntN(2) == 0 {
			edits--
			for _, do := range []func() error{k.create, k.edit, k.remove} {
				if err := do(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for edits > 0 { // a second that never rests ends a run
		if _, err := w.engine.Run(t.Context(), w.conn, engine.Order{Reason: org.Manual}, nil); err != nil {
			t.Fatal(err)
		}
		w.clock.add(3 * time.Minute)
	}
	w.each(nil)
	w.sync()
	w.clock.add(3 * time.Minute)
	w.sync()
	w.agree()
	tries = 0
	w.clock.add(31 * 24 * time.Hour)
	if err := k.remove(); err != nil {
		t.Fatal(err)
	}
	w.sync()
	w.agree()
	if tries > 1 { // perhaps it is understood by now
		t.Errorf("the order was tried %d times more", tries)
	}
}
