package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// turns asks for turns and returns when they are, in order.
func turns(t *testing.T, s *store.Store, account string, n int, windows []store.Window) []time.Time {
	t.Helper()
	var mu sync.Mutex
	var all []time.Time
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range n / 4 {
				before := time.Now()
				wait, _, err := s.TakeCall(t.Context(), "quickbooks", account, windows)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				all = append(all, before.Add(wait))
				mu.Unlock()
			}
		})
	}
	group.Wait()
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// Whatever the windows, no stretch of time holds more turns than they allow, and none is left unused.
func TestTakeCallKeepsEveryWindow(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for _, tt := range []struct {
		name    string
		windows []store.Window
		turns   int
		last    time.Duration // when the last turn must be, from the first
	}{
		{"QuickBooks'", []store.Window{{N: 10, Per: time.Second, Margin: 50 * time.Millisecond}, {N: 490, Per: time.Minute, Margin: time.Second}}, 1000, 2*61*time.Second + time.Duration(19/10)*1050*time.Millisecond},
		{"one", []store.Window{{N: 3, Per: time.Hour}}, 40, 13 * time.Hour},
		{"more than a row keeps", []store.Window{{N: 4900, Per: time.Minute}}, 980, 6 * time.Second},
		{"none", nil, 20, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var recent []time.Time // the database's own, of the rows that are kept
			got := turns(t, s.Store, tt.name, tt.turns, tt.windows)
			if err := s.Pool.QueryRow(t.Context(), `SELECT recent FROM sync.call_windows WHERE account = $1`, tt.name).Scan(&recent); err != nil {
				t.Fatal(err)
			}
			for _, w := range tt.windows {
				for i := w.N; i < len(recent); i++ {
					if d := recent[i].Sub(recent[i-w.N]); d < w.Per+w.Margin {
						t.Fatalf("turns %d to %d within %v", i-w.N, i, d)
					}
				}
			}
			if d := got[len(got)-1].Sub(got[0]); d < tt.last-time.Second || d > tt.last+5*time.Second {
				t.Errorf("the last of %d turns comes after %v, want about %v", len(got), d, tt.last)
			}
			if len(recent) > 490 {
				t.Errorf("%d instants are kept", len(recent))
			}
		})
	}
}

func TestTakeCallForgetsWhatNoWindowCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	windows := []store.Window{{N: 10, Per: time.Second}, {N: 490, Per: time.Minute}}
	f.exec(`INSERT INTO sync.call_windows (provider, account, recent) SELECT 'quickbooks', '1', array_agg(clock_timestamp() - make_interval(secs => n) ORDER BY n DESC) FROM generate_series(55, 75) AS n`)
	if wait, held, err := f.TakeCall(f.ctx, "quickbooks", "1", windows); wait != 0 || held != 0 || err != nil {
		t.Errorf("%v, %v, %v: want a turn at once", wait, held, err)
	}
	if got := f.value(`SELECT cardinality(recent) FROM sync.call_windows`); got != "6" && got != "5" {
		t.Errorf("%s instants are kept, want those of the last minute", got)
	}
}

func TestHoldCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, d := range []time.Duration{time.Hour, time.Minute} { // a shorter one doesn't shorten
		if err := f.HoldCalls(f.ctx, "quickbooks", "1", d); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		wait, held, err := f.TakeCall(f.ctx, "quickbooks", "1", []store.Window{{N: 10, Per: time.Second}})
		if err != nil || wait < 59*time.Minute || wait > time.Hour || held < 59*time.Minute || held > time.Hour {
			t.Errorf("%v, held %v, %v: want an hour", wait, held, err)
		}
	}
	if wait, held, err := f.TakeCall(f.ctx, "quickbooks", "2", nil); wait != 0 || held != 0 || err != nil {
		t.Errorf("another account: %v, %v, %v", wait, held, err)
	}
}

// Without a database no call is made, and the words say whose fault it is.
func TestTakeCallWithoutDatabase(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/nothing?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s, err := store.New(pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.TakeCall(t.Context(), "quickbooks", "1", nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, want it unavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.TakeCall(ctx, "quickbooks", "1", nil); !fault.Is(err, fault.Stopped) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCountCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, u := range []engine.Usage{{Calls: 2, Metered: 1}, {}, {Calls: 1, Metered: 1}} {
		if err := f.CountCalls(f.ctx, f.id, u); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.value(`SELECT array_agg(calls || '/' || metered_calls) FROM sync.api_usage`); got != "{3/2}" {
		t.Errorf("usage %s", got)
	}
}

// What reserving a turn costs: an idle account, one at its limit, and all accounts' common row.
func BenchmarkTakeCall(b *testing.B) {
	s := storetest.New(b)
	windows := []store.Window{{N: 10, Per: time.Second, Margin: 50 * time.Millisecond}, {N: 490, Per: time.Minute, Margin: time.Second}}
	take := func(b *testing.B, account string) {
		if _, _, err := s.TakeCall(context.Background(), "quickbooks", account, windows); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("busy", func(b *testing.B) {
		for range 600 {
			take(b, "busy")
		}
		for b.Loop() {
			take(b, "busy")
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			take(b, fmt.Sprint(rand.Int64()))
		}
	})
	b.Run("contended", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				take(b, "")
			}
		})
	})
}

// Those who have no time for a turn do not keep it from others.
func TestTakeCallLeavesWhatComesTooLate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	windows := []store.Window{{N: 1, Per: time.Hour}}
	if wait, _, err := f.TakeCall(f.ctx, "quickbooks", "1", windows); wait != 0 || err != nil {
		t.Fatal(wait, err)
	}
	hurried, cancel := context.WithTimeout(f.ctx, time.Minute)
	defer cancel()
	for range 5 {
		if wait, _, err := f.TakeCall(hurried, "quickbooks", "1", windows); wait < 59*time.Minute || wait > time.Hour+time.Second || err != nil {
			t.Errorf("somebody in a hurry: %v, %v", wait, err)
		}
	}
	if wait, _, err := f.TakeCall(f.ctx, "quickbooks", "1", windows); wait > time.Hour+time.Second || err != nil {
		t.Errorf("somebody with patience waits %v, %v; want the next turn", wait, err)
	}
	if wait, _, err := f.TakeCall(f.ctx, "quickbooks", "1", windows); wait < time.Hour+59*time.Minute || err != nil {
		t.Errorf("the next one waits %v, %v; want the turn after that", wait, err)
	}
}
