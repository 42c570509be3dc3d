package qbosource_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// While a first load runs, people edit, create and delete. At the next tick nothing is missing,
// stale or surplus.
func TestEditsDuringTheFirstLoad(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	const edits, creations, deletions = 25, 5, 5
	for seed := range storetest.Seeds(50) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, db, fmt.Sprintf("9130%d", seed), 250, 40)
			k := &worker{world: w, rand: rand.New(rand.NewPCG(uint64(seed), 1))}
			var todo []func() error
			for range edits {
				todo = append(todo, k.edit)
			}
			for range creations {
				todo = append(todo, k.create)
			}
			for range deletions {
				todo = append(todo, k.remove)
			}
			k.rand.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
			w.each(func(*http.Request) {
				w.clock.add(time.Duration(k.rand.IntN(1500)) * time.Millisecond)
				for range min(2+k.rand.IntN(2), len(todo)) {
					if err := todo[0](); err != nil {
						t.Errorf("edit: %v", err)
					}
					todo = todo[1:]
				}
			})
			w.sync()
			if len(todo) > 0 {
				t.Fatalf("the load was over before %d of the edits were made", len(todo))
			}
			w.each(nil)
			w.clock.add(3 * time.Minute)
			w.sync()
			w.agree()
		})
	}
}

// More objects than a page share one second, and some of them move while they are read.
func TestOneSecondHoldsMoreThanAPage(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	for seed := range 10 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, db, fmt.Sprintf("9131%d", seed), 20, 10)
			k := &worker{world: w, rand: rand.New(rand.NewPCG(uint64(seed), 2))}
			for range 57 {
				if err := k.create(); err != nil {
					t.Fatal(err)
				}
			}
			w.clock.add(time.Hour)
			left := 6
			w.each(func(r *http.Request) {
				w.clock.add(time.Second)
				if left > 0 && k.rand.IntN(3) == 0 {
					left--
					if err := k.edit(); err != nil {
						t.Errorf("edit: %v", err)
					}
				}
			})
			w.sync()
			w.each(nil)
			w.clock.add(3 * time.Minute)
			w.sync()
			w.agree()
		})
	}
}

// A company of which each stream is one page is loaded by a call for each, and one for the changes
// meanwhile. Features that it does not have cost nothing, and neither does a tick with nothing new, but
// the one call.
func TestCallsOfASmallCompany(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9132", 50, 0)
	w.tables = quickbooks.Catalog()
	off := 2 // without currencies there are no ExchangeRate and CompanyCurrency
	if n, want := w.metered(), len(w.tables)-off+1; n != want {
		t.Errorf("the first load takes %d metered calls, want %d", n, want)
	}
	w.agree()
	for range 3 {
		w.clock.add(3 * time.Minute)
		before := w.sim.Stats().Metered
		if r := w.sync(); r.Applied.Written+r.Applied.Deleted != 0 {
			t.Errorf("an idle tick wrote %+v", r.Applied)
		}
		if n := w.sim.Stats().Metered - before; n != 1 {
			t.Errorf("an idle tick takes %d metered calls, want 1", n)
		}
	}
}

// More changes in one second than an answer of change data capture holds, and than a page.
func TestManyChangesWithinOneSecond(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9133", 1100, 0)
	w.sync()
	w.clock.add(10 * time.Minute)
	if err := w.company.Touch("Invoice", 1001); err != nil {
		t.Fatal(err)
	}
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	if err := k.remove(); err != nil {
		t.Fatal(err)
	}
	w.clock.add(10 * time.Minute)
	w.sync()
	w.agree()
	w.clock.add(10 * time.Minute)
	if n := w.metered(); n != 1 {
		t.Errorf("the tick after it takes %d calls", n)
	}
}
