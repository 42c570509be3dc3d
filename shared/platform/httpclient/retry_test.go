package httpclient

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestDo(t *testing.T) {
	limited := func(after time.Duration) error { return &fault.Error{Kind: fault.RateLimited, After: after} }
	down := fault.New(fault.Unavailable, "down")
	broken := fault.New(fault.Invalid, "broken")
	tests := []struct {
		name    string
		give    []error // what the attempts return; then nil
		policy  Policy
		calls   int
		want    error
		waits   int
		atLeast time.Duration
		atMost  time.Duration
	}{
		{name: "success", calls: 1},
		{name: "not one to retry", give: []error{broken}, policy: Policy{MaxRetries: 3}, calls: 1, want: broken},
		{name: "an error without a kind", give: []error{context.DeadlineExceeded}, policy: Policy{MaxRetries: 3}, calls: 1, want: context.DeadlineExceeded},
		{name: "down for a while", give: []error{down, down}, policy: Policy{MaxRetries: 3, Delay: time.Second}, calls: 3, waits: 2, atLeast: 1500 * time.Millisecond, atMost: 4500 * time.Millisecond},
		{name: "down for longer", give: []error{down, down, down, down}, policy: Policy{MaxRetries: 3}, calls: 4, waits: 3, want: down, atLeast: 3500 * time.Millisecond, atMost: 10500 * time.Millisecond},
		{name: "no retries wanted", give: []error{down}, calls: 1, want: down},
		{name: "limited, asks for 7 s", give: []error{limited(7 * time.Second)}, calls: 2, waits: 1, atLeast: 7 * time.Second, atMost: 7700 * time.Millisecond},
		{name: "limited, says nothing", give: []error{limited(0)}, calls: 2, waits: 1, atLeast: time.Minute, atMost: 66 * time.Second},
		{name: "limited does not use up retries", give: []error{limited(time.Second), limited(time.Second), down, limited(time.Second)}, policy: Policy{MaxRetries: 1}, calls: 5, waits: 4, atLeast: 3 * time.Second, atMost: 6 * time.Second},
		{name: "limited for ever", give: []error{limited(time.Second), limited(time.Second), limited(time.Second), limited(5 * time.Second)}, calls: 4, waits: 3, want: limited(5 * time.Second), atLeast: 3 * time.Second, atMost: 4 * time.Second},
		{name: "limits are not waited for", give: []error{limited(1)}, policy: Policy{RateWaits: -1}, calls: 1, want: limited(1)},
		{name: "down, says when to come back", give: []error{&fault.Error{Kind: fault.Unavailable, After: 20 * time.Second}}, policy: Policy{MaxRetries: 1}, calls: 2, waits: 1, atLeast: 20 * time.Second, atMost: 20 * time.Second},
		{name: "marked as final", give: []error{Final(down)}, policy: Policy{MaxRetries: 3}, calls: 1, want: down},
		{name: "marked as final, not one to retry", give: []error{Final(broken)}, policy: Policy{MaxRetries: 3}, calls: 1, want: broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, calls, waits := time.Now(), 0, 0
				tt.policy.Wait = func(d time.Duration, err error) {
					waits++
					if d <= 0 || err == nil {
						t.Errorf("told to wait %v for %v", d, err)
					}
				}
				err := Do(t.Context(), tt.policy, func(_ context.Context, attempt int) error {
					if calls++; attempt != calls {
						t.Errorf("attempt %d, want %d", attempt, calls)
					}
					if calls > len(tt.give) {
						return nil
					}
					return tt.give[calls-1]
				})
				if diff := cmp.Diff(tt.want, err, cmp.Comparer(same)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if calls != tt.calls || waits != tt.waits {
					t.Errorf("%d calls, %d waits, want %d and %d", calls, waits, tt.calls, tt.waits)
				}
				if took := time.Since(begin); took < tt.atLeast || took > tt.atMost {
					t.Errorf("took %v, want %v to %v", took, tt.atLeast, tt.atMost)
				}
			})
		})
	}
}

// same compares what callers see: no mark may be left around an error.
func same(a, b error) bool {
	var fa, fb *fault.Error
	fa, okA := any(a).(*fault.Error)
	fb, okB := any(b).(*fault.Error)
	if okA && okB {
		return *fa == *fb
	}
	return any(a) == any(b)
}

func TestDoStopsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begin := time.Now()
		limited := &fault.Error{Kind: fault.RateLimited, After: time.Minute}
		err := Do(ctx, Policy{}, func(context.Context, int) error { return limited })
		if any(err) != any(limited) || time.Since(begin) != 0 {
			t.Errorf("a wait past the deadline: %v after %v, want the failure at once", err, time.Since(begin))
		}
	})
}

func TestDoStopsWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		limited := &fault.Error{Kind: fault.RateLimited, After: time.Minute}
		err := Do(ctx, Policy{}, func(context.Context, int) error { return limited })
		if !fault.Is(err, fault.Stopped) || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in a wait: %v", err)
		}
		final := fault.New(fault.Reconnect, "ended") // what an attempt found out is not lost to a cancel
		if err := Do(ctx, Policy{}, func(context.Context, int) error { return final }); any(err) != any(final) {
			t.Errorf("cancelled during the last attempt: %v", err)
		}
		if err := Do(ctx, Policy{}, func(context.Context, int) error { return nil }); err != nil {
			t.Errorf("cancelled after success: %v", err)
		}
	})
}
