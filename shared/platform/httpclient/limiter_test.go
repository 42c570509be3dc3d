package httpclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestLimiterHoldsEveryWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		windows := []Window{{N: 10, Per: time.Second, Margin: 50 * time.Millisecond}, {N: 100, Per: time.Minute}}
		l := NewLimiter(4, windows...)
		var mu sync.Mutex
		var at []time.Time
		flying, most := 0, 0
		var wg sync.WaitGroup
		for range 250 {
			wg.Go(func() {
				time.Sleep(rand.N(90 * time.Second))
				release, err := l.Wait(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				at = append(at, time.Now())
				flying++
				most = max(most, flying)
				mu.Unlock()
				time.Sleep(rand.N(300 * time.Millisecond))
				mu.Lock()
				flying--
				mu.Unlock()
				release()
				release()
			})
		}
		wg.Wait()
		for _, w := range windows {
			for i := w.N; i < len(at); i++ {
				if d := at[i].Sub(at[i-w.N]); d < w.Per+w.Margin {
					t.Fatalf("calls %d to %d within %v", i-w.N, i, d)
				}
			}
		}
		if most > 4 {
			t.Errorf("%d calls in flight, want at most 4", most)
		}
	})
}

func TestLimiterUsesTheWholeAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(0, Window{N: 10, Per: time.Second}, Window{N: 30, Per: time.Minute})
		begin := time.Now()
		for range 31 {
			if _, err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(begin); got != time.Minute {
			t.Errorf("call 31 went after %v, want exactly 1m", got)
		}
	})
}

func TestLimiterServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1, Window{N: 1, Per: time.Second})
		var got []int
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				release, err := l.Wait(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, i) // one in flight: no lock needed
				release()
			})
			synctest.Wait()
		}
		wg.Wait()
		for i, n := range got {
			if i != n {
				t.Fatalf("order %v", got)
			}
		}
	})
}

func TestLimiterEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1, Window{N: 1, Per: time.Minute})
		release, _ := l.Wait(t.Context())
		release()

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := l.Wait(ctx)
		if !fault.Is(err, fault.Stopped) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no time for a turn: %v", err)
		}
		if time.Since(begin) != 0 {
			t.Error("waited although the deadline comes first")
		}

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := l.Wait(ctx); !fault.Is(err, fault.Stopped) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := l.Wait(ctx); !fault.Is(err, fault.Stopped) {
			t.Errorf("cancelled before: %v", err)
		}
		release, err = l.Wait(t.Context()) // neither of them kept the turn or the flight
		if err != nil || time.Since(begin) != time.Minute {
			t.Errorf("next turn: %v after %v", err, time.Since(begin))
		}
		release()
	})
}

func TestLimiterHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(0)
		l.Hold(time.Minute)
		l.Hold(time.Second) // a shorter one doesn't shorten
		begin := time.Now()
		if _, err := l.Wait(t.Context()); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("went after %v: %v", time.Since(begin), err)
		}
	})
}

// TestLimiterTellsWhoIsTheReason: only what the server asked for is a failure of the run.
func TestLimiterTellsWhoIsTheReason(t *testing.T) {
	for _, tt := range []struct {
		name  string
		held  time.Duration
		kind  fault.Kind
		after time.Duration
	}{
		{"our own windows", 0, fault.Stopped, 0},
		{"a hold that ends in time", 9 * time.Second, fault.Stopped, 0},
		{"a hold", 20 * time.Second, fault.RateLimited, time.Minute},
		{"a hold longer than the window", 2 * time.Minute, fault.RateLimited, 2 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := NewLimiter(0, Window{N: 1, Per: time.Minute})
				if _, err := l.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				l.Hold(tt.held)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				begin, calls := time.Now(), 0
				err := Do(ctx, Policy{MaxRetries: 5}, func(ctx context.Context, _ int) error {
					calls++
					_, err := l.Wait(ctx)
					return err
				})
				if fault.Of(err) != tt.kind || fault.After(err) != tt.after || calls != 1 || time.Since(begin) != 0 {
					t.Errorf("%v (%s, after %v), %d calls, %v; want %s after %v at once", err, fault.Of(err), fault.After(err), calls, time.Since(begin), tt.kind, tt.after)
				}
			})
		})
	}
}

func TestLimitersShareAndForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := NewLimiters(func() *Limiter { return NewLimiter(1, Window{N: 500, Per: 3 * time.Minute}) })
		a := ls.Get("9")
		if ls.Get("9") != a || ls.Get("10") == a {
			t.Fatal("limiters are not shared by key")
		}
		if _, err := a.Wait(t.Context()); err != nil { // in flight for ever
			t.Fatal(err)
		}
		a = nil
		time.Sleep(2 * time.Minute)
		runtime.GC()
		if l := ls.Get("9"); l.calls != 1 {
			t.Error("a limiter was forgotten while its windows remember a call")
		} else {
			<-l.flights
		}
		time.Sleep(2 * time.Minute)
		kept := ls.Get("10")
		runtime.GC()
		time.Sleep(2 * time.Minute)
		ls.Get("11")
		if _, ok := ls.byKey["9"]; ok {
			t.Error("an idle limiter was not dropped")
		}
		if ls.Get("10") != kept {
			t.Error("a limiter in use was replaced")
		}
	})
}

func BenchmarkLimiter(b *testing.B) {
	l := NewLimiter(10, Window{N: 1 << 20, Per: time.Nanosecond}, Window{N: 500, Per: time.Nanosecond})
	b.ReportAllocs()
	for b.Loop() {
		release, err := l.Wait(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		release()
	}
}
