package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// TestHowRunsEnd goes through what a source may fail with, and what follows from it.
func TestHowRunsEnd(t *testing.T) {
	stream := func(err error) error { return fmt.Errorf("pull: %w", &engine.StreamError{Stream: "A", Err: err}) }
	limited := &fault.Error{Kind: fault.RateLimited, Msg: "too fast", After: 90 * time.Second}
	for _, tt := range []struct {
		name    string
		err     error // after one batch
		outcome engine.Outcome
		state   org.State // empty: left as it is
		reason  string
		later   time.Duration // NotUntil
		batches int           // a batch follows the failure: two, if it was one stream's alone
		more    bool
	}{
		{"well", nil, engine.Done, org.Active, "", 0, 2, false},
		{"one stream is unavailable", stream(fault.New(fault.Unavailable, "out of order")), engine.Partial, org.Active, "", 0, 2, false},
		{"one stream is forbidden", stream(fault.New(fault.Forbidden, "not allowed")), engine.Partial, org.Active, "", 0, 2, false},
		{"one stream has a bug", stream(errors.New("oh")), engine.Partial, org.Active, "", 0, 2, false},
		{"one stream finds the login ended", stream(fault.New(fault.Reconnect, "connect again")), engine.Failed, org.NeedsReauth, "connect again", 0, 1, false},
		{"one stream finds the account closed", stream(fault.New(fault.Paused, "closed")), engine.Failed, org.Paused, "closed", 24 * time.Hour, 1, false},
		{"one stream finds the limit reached", stream(limited), engine.Failed, "", "too fast", 90 * time.Second, 1, true},
		{"one stream was stopped", stream(context.Canceled), engine.Halted, "", "", 0, 1, true},
		{"all are unavailable", fault.New(fault.Unavailable, "out of order"), engine.Failed, "", "out of order", 0, 1, true},
		{"the limit is reached", limited, engine.Failed, "", "too fast", 90 * time.Second, 1, true},
		{"the login has ended", fmt.Errorf("refresh token: %w", fault.New(fault.Reconnect, "connect again")), engine.Failed, org.NeedsReauth, "connect again", 0, 1, false},
		{"the account is closed", fault.New(fault.Paused, "closed"), engine.Failed, org.Paused, "closed", 24 * time.Hour, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// A tick comes while the run is at work.
			f := &fake{notes: 1}
			runs := 0
			rep, err := run(t.Context(), f, func(_ context.Context, say func(int) bool, fail func(error) bool) {
				if runs++; runs > 1 {
					return
				}
				if say(1) && (tt.err == nil || fail(tt.err)) {
					say(2)
				}
			}, nil)
			r := f.results[0]
			if fault.Of(err) != fault.Of(r.Err) || (err != nil) != (tt.outcome == engine.Failed) {
				t.Errorf("Run returns %v, the run's error is %v", err, r.Err)
			}
			if r.Outcome != tt.outcome || r.State != tt.state || r.Reason != tt.reason || r.NotUntil != tt.later || r.Batches != tt.batches {
				t.Errorf("%s, %s, %q, not until %s, %d batches; want %s, %s, %q, %s, %d",
					r.Outcome, r.State, r.Reason, r.NotUntil, r.Batches, tt.outcome, tt.state, tt.reason, tt.later, tt.batches)
			}
			if rep.More != tt.more {
				t.Errorf("more: %t, want %t", rep.More, tt.more)
			}
			if isolated := r.Streams["A"] != nil; isolated != (tt.outcome == engine.Partial) {
				t.Errorf("failed streams: %v", r.Streams)
			}
		})
	}
}

// TestNothingGotThrough fails every stream: then the run has failed, with the first one's words.
func TestNothingGotThrough(t *testing.T) {
	f := &fake{}
	_, err := run(t.Context(), f, func(_ context.Context, _ func(int) bool, fail func(error) bool) {
		_ = fail(&engine.StreamError{Stream: "B", Err: fault.New(fault.Forbidden, "not allowed, B")}) &&
			fail(&engine.StreamError{Stream: "A", Err: fault.New(fault.Forbidden, "not allowed, A")})
	}, nil)
	if r := f.results[0]; !fault.Is(err, fault.Forbidden) || r.Outcome != engine.Failed || r.Reason != "not allowed, A" || len(r.Streams) != 2 {
		t.Errorf("%+v, %v; want it failed, with both streams' failures", r, err)
	}
}

// TestNotes shows what becomes of ticks that come while a run is at work.
func TestNotes(t *testing.T) {
	one := script(func(_ context.Context, say func(int) bool, _ func(error) bool) { say(1) })
	for _, tt := range []struct {
		name  string
		notes int
		runs  int
		steps string
	}{
		{"none", 0, 1, "acquire agenda begin checkpoints apply finish release"},
		{"one", 1, 2, "acquire agenda begin checkpoints apply finish release agenda begin checkpoints apply finish release"},
		{"one in each of three runs", 3, 4, "acquire" + strings.Repeat(" agenda begin checkpoints apply finish release", 4)},
	} {
		f := &fake{notes: tt.notes}
		rep, err := run(t.Context(), f, one, nil)
		if err != nil || rep.Runs != tt.runs || rep.More {
			t.Errorf("%s: %d runs, more %t, %v; want %d", tt.name, rep.Runs, rep.More, err, tt.runs)
		}
		if diff := cmp.Diff(tt.steps, strings.Join(f.steps, " ")); diff != "" {
			t.Errorf("%s: steps (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestConflict loses the lease at every step: the run ends, and what is another owner's by then is not touched.
func TestConflict(t *testing.T) {
	two := script(func(_ context.Context, say func(int) bool, _ func(error) bool) { _ = say(1) && say(2) })
	for step, want := range map[string]string{
		"begin":   "acquire agenda begin",
		"apply":   "acquire agenda begin checkpoints apply finish",
		"finish":  "acquire agenda begin checkpoints apply apply finish",
		"release": "acquire agenda begin checkpoints apply apply finish release",
	} {
		f := &fake{fail: map[string]error{step: fault.New(fault.Conflict, "the lease has passed to another owner")}}
		rep, err := run(t.Context(), f, two, nil)
		if !fault.Is(err, fault.Conflict) || rep.More || rep.Runs != 1 {
			t.Errorf("%s: %+v, %v; want a conflict", step, rep, err)
		}
		if diff := cmp.Diff(want, strings.Join(f.steps, " ")); diff != "" {
			t.Errorf("%s: steps (-want +got):\n%s", step, diff)
		}
	}
}

// TestStopsAtABorder ends a load by all that may end it. The batch at hand is stored, no further one.
func TestStopsAtABorder(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(stop chan struct{}, cancel func())
	}{
		{"the process is asked to stop", func(stop chan struct{}, _ func()) { close(stop) }},
		{"the caller has gone", func(_ chan struct{}, cancel func()) { cancel() }},
		{"the budget is used up", func(chan struct{}, func()) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				f, stop := &fake{}, make(chan struct{})
				rep, err := run(ctx, f, func(ctx context.Context, say func(int) bool, _ func(error) bool) {
					for n := 1; ; n++ {
						if n == 3 {
							tt.end(stop, cancel)
							<-ctx.Done() // it ends while a page is read
						}
						if !say(n) {
							return
						}
					}
				}, stop)
				if err != nil || !rep.More || rep.Result.Outcome != engine.Halted || rep.Result.Batches != 3 || string(f.at["A"]) != "3" {
					t.Errorf("%+v, %v, stored up to %s; want it stopped after the third batch, with more to do", rep, err, f.at["A"])
				}
				if diff := cmp.Diff("acquire agenda begin checkpoints apply apply apply finish abandon", strings.Join(f.steps, " ")); diff != "" {
					t.Errorf("steps (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestLease watches how the lease of a long run is kept alive.
func TestLease(t *testing.T) {
	t.Run("is renewed three times in its life", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{}
			rep, err := run(t.Context(), f, func(_ context.Context, say func(int) bool, _ func(error) bool) {
				time.Sleep(5*time.Minute + time.Second)
				say(1)
			}, nil)
			if err != nil || rep.Result.Outcome != engine.Done || f.renewed != 15 {
				t.Errorf("%+v, %v, renewed %d times; want 15", rep, err, f.renewed)
			}
			time.Sleep(time.Hour)
			if f.renewed != 15 {
				t.Errorf("a lease that was given back was renewed")
			}
		})
	})
	t.Run("that is lost ends the pull at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, began := &fake{loseAt: 2}, time.Now()
			rep, err := run(t.Context(), f, func(ctx context.Context, say func(int) bool, fail func(error) bool) {
				say(1)
				<-ctx.Done() // a page that hangs
				fail(ctx.Err())
			}, nil)
			if !fault.Is(err, fault.Conflict) || rep.More {
				t.Errorf("%+v, %v; want a conflict", rep, err)
			}
			if took := time.Since(began); took != 40*time.Second {
				t.Errorf("it took %s, want the 40 s to the second renewal", took)
			}
			if diff := cmp.Diff("acquire agenda begin checkpoints apply finish", strings.Join(f.steps, " ")); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	})
}

// TestPanicOfAnotherGoroutine is told with the stack of where it happened, in the form that Error Reporting reads.
func TestPanicOfAnotherGoroutine(t *testing.T) {
	var out bytes.Buffer
	panics := func(context.Context, func(int) bool, func(error) bool) {
		panic(errors.New("oh\n\ngoroutine 7 [running]:\nx.y()"))
	}
	log := func(e *engine.Engine) { e.Log = slog.New(slog.NewJSONHandler(&out, nil)) }
	if _, err := runWith(t.Context(), &fake{}, panics, nil, log); !fault.Is(err, fault.Internal) {
		t.Error(err)
	}
	var first struct {
		Stack string `json:"stack_trace"`
	}
	if err := json.NewDecoder(&out).Decode(&first); err != nil || first.Stack != "panic: oh\n\ngoroutine 7 [running]:\nx.y()" {
		t.Errorf("%v: it tells %q", err, first.Stack)
	}
}

// TestPanic shows that a source's bug is a failed run like others.
func TestPanic(t *testing.T) {
	f := &fake{}
	_, err := run(t.Context(), f, func(_ context.Context, say func(int) bool, _ func(error) bool) { say(1); panic("oh") }, nil)
	if !fault.Is(err, fault.Internal) || f.results[0].Outcome != engine.Failed || strings.Contains(err.Error(), "oh") {
		t.Errorf("%+v, %v; want it failed, without the panic's own words", f.results[0], err)
	}
	if diff := cmp.Diff("acquire agenda begin checkpoints apply finish abandon", strings.Join(f.steps, " ")); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}
