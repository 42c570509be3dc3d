package httpclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// common is a limit that is kept outside of the processes, as the database keeps it.
type common struct {
	Window
	mu    sync.Mutex
	turns []time.Time
	until time.Time     // held
	far   time.Duration // what it takes to ask and to hear, at most, each
}

func (c *common) gate(slack time.Duration) Gate {
	return Gate{Take: c.take, Hold: c.hold, Slack: slack}
}

func (c *common) take(context.Context) (wait, held time.Duration, err error) {
	time.Sleep(rand.N(c.far + 1))
	defer time.Sleep(rand.N(c.far + 1))
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	at := now
	if c.until.After(at) {
		at = c.until
	}
	if n := len(c.turns); n > 0 && c.turns[n-1].After(at) {
		at = c.turns[n-1]
	}
	if n := len(c.turns); n >= c.N && c.turns[n-c.N].Add(c.Per+c.Margin).After(at) {
		at = c.turns[n-c.N].Add(c.Per + c.Margin)
	}
	c.turns = append(c.turns, at)
	return at.Sub(now), max(0, c.until.Sub(now)), nil
}

func (c *common) hold(_ context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Now().Add(d)
	return nil
}

// Several processes, a limit of each account, and one of all accounts together: what counts is when
// the calls leave, whatever they wait for and however long the answers take.
func TestSharedKeepsEveryGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const accounts, processes, calls = 4, 3, 40
		all := &common{Window: Window{N: 30, Per: 5 * time.Second, Margin: 500 * time.Millisecond}, far: 10 * time.Millisecond}
		var mu sync.Mutex
		var left [accounts + 1][]time.Time
		var group sync.WaitGroup
		for account := range accounts {
			own := &common{Window: Window{N: 10, Per: time.Second, Margin: 50 * time.Millisecond}, far: 10 * time.Millisecond}
			for range processes {
				process := NewShared(NewLimiter(4), own.gate(25*time.Millisecond), all.gate(250*time.Millisecond))
				for range calls / 4 {
					group.Go(func() {
						for range 4 {
							release, err := process.Wait(t.Context())
							if err != nil {
								t.Error(err)
								return
							}
							mu.Lock()
							left[account] = append(left[account], time.Now())
							left[accounts] = append(left[accounts], time.Now())
							mu.Unlock()
							time.Sleep(rand.N(200 * time.Millisecond))
							release()
						}
					})
				}
			}
		}
		group.Wait()
		for i, at := range left {
			w := Window{N: 10, Per: time.Second}
			if i == accounts {
				w = Window{N: 30, Per: 5 * time.Second}
			}
			for j := w.N; j < len(at); j++ {
				if d := at[j].Sub(at[j-w.N]); d < w.Per {
					t.Fatalf("account %d: calls %d to %d within %v", i, j-w.N, j, d)
				}
			}
		}
		// Turns that pass by while a call waits elsewhere are lost, but not many.
		if want, got := 16*5500*time.Millisecond, left[accounts][len(left[accounts])-1].Sub(left[accounts][0]); got > want*5/4 {
			t.Errorf("%d calls took %v, want about %v", len(left[accounts]), got, want)
		}
	})
}

func TestSharedTakesAnotherTurnWhenItIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		gate := func(name string, waits ...time.Duration) Gate {
			return Gate{Slack: 25 * time.Millisecond, Take: func(context.Context) (time.Duration, time.Duration, error) {
				asked = append(asked, name)
				wait := waits[0]
				waits = waits[1:]
				return wait, 0, nil
			}}
		}
		begin := time.Now()
		s := NewShared(NewLimiter(1), gate("first", 0, 20*time.Millisecond), gate("second", 5*time.Second))
		if _, err := s.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"first", "second", "first"}; !slices.Equal(asked, want) || time.Since(begin) != 5020*time.Millisecond {
			t.Errorf("asked %v, left after %v", asked, time.Since(begin))
		}
	})
}

func TestSharedHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &common{Window: Window{N: 1, Per: 10 * time.Second}}
		one, other := NewShared(NewLimiter(0), c.gate(time.Millisecond)), NewShared(NewLimiter(0), c.gate(time.Millisecond))
		if _, err := one.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		time.AfterFunc(5*time.Second, func() { one.Hold(time.Minute) }) // while a call waits for its turn
		if _, err := one.Wait(t.Context()); err != nil || time.Since(begin) < 65*time.Second {
			t.Errorf("left after %v: %v", time.Since(begin), err)
		}
		other.Hold(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := one.Wait(ctx); !fault.Is(err, fault.RateLimited) || fault.After(err) < 50*time.Second {
			t.Errorf("another process was told to pause: %v, after %v", err, fault.After(err))
		}
	})
}

func TestSharedFails(t *testing.T) {
	down := fault.New(fault.Unavailable, "the database is away")
	take := func(wait, held time.Duration, err error) Gate {
		return Gate{Take: func(context.Context) (time.Duration, time.Duration, error) { return wait, held, err }}
	}
	for _, tt := range []struct {
		name string
		gate Gate
		kind fault.Kind
	}{
		{"no time for a turn", take(time.Minute, 0, nil), fault.Stopped},
		{"a hold", take(time.Minute, time.Minute, nil), fault.RateLimited},
		{"a hold that ends in time", take(time.Minute, time.Second, nil), fault.Stopped},
		{"the gate cannot be asked", take(0, 0, down), fault.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewShared(NewLimiter(1), tt.gate)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				for range 2 { // a failure keeps no place in flight
					begin := time.Now()
					if _, err := s.Wait(ctx); fault.Of(err) != tt.kind || time.Since(begin) != 0 {
						t.Errorf("%v after %v, want %s at once", err, time.Since(begin), tt.kind)
					}
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(NewLimiter(1), take(time.Minute, 0, nil))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.Wait(ctx); !fault.Is(err, fault.Stopped) || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}
