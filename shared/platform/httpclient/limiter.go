package httpclient

import (
	"context"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Window allows at most N calls in any stretch of time of length Per.
type Window struct {
	N   int
	Per time.Duration
	// Margin lengthens the window on our side. The server counts calls when they arrive, and two
	// calls may arrive closer together than they left: the margin is the jitter that is forgiven.
	Margin time.Duration
}

// Limiter keeps the calls to one account within all its windows and within a number in flight.
// Waiters are served in the order in which they came. It costs O(windows) for each call and keeps
// eight bytes for each call of the largest window. It is safe for concurrent use; make one with [NewLimiter].
//
// golang.org/x/time/rate can't say "at most n in any window": a burst of n refilled at n per window lets nearly 2n through, and halving both halves the throughput.
type Limiter struct {
	windows []Window
	turn    chan struct{} // held by the waiter who is next; Go queues blocked senders first come, first served
	flights chan struct{} // one element for each call in flight; nil: not limited
	start   time.Time     // origin of the durations below

	mu    sync.Mutex
	ring  []time.Duration // when the latest calls were let go, for the largest window
	calls int             // how many ever
	held  time.Duration   // no call before
}

// NewLimiter returns a limiter for at most inFlight calls at a time (0: any number) and for all of windows.
// A window without calls or length is left out.
func NewLimiter(inFlight int, windows ...Window) *Limiter {
	l := &Limiter{turn: make(chan struct{}, 1), start: time.Now()}
	if inFlight > 0 {
		l.flights = make(chan struct{}, inFlight)
	}
	size := 0
	for _, w := range windows {
		if w.N > 0 && w.Per > 0 {
			l.windows = append(l.windows, w)
			size = max(size, w.N)
		}
	}
	l.ring = make([]time.Duration, size)
	return l
}

// Wait returns when a call may start. The caller calls release when the answer has been read; calling
// it again does nothing.
//
// It fails with fault.Stopped when ctx ends, or as soon as it is clear that the turn won't come before
// ctx's deadline. When a [Limiter.Hold] is the reason it is fault.RateLimited, with when to come back:
// the windows are our own, and whoever fills them has used its time well.
func (l *Limiter) Wait(ctx context.Context) (release func(), err error) {
	if err := l.enter(ctx, l.turn); err != nil {
		return nil, err
	}
	defer func() { <-l.turn }()
	if l.flights == nil {
		return func() {}, l.admit(ctx)
	}
	if err := l.enter(ctx, l.flights); err != nil {
		return nil, err
	}
	if err := l.admit(ctx); err != nil {
		<-l.flights
		return nil, err
	}
	return sync.OnceFunc(func() { <-l.flights }), nil
}

// Hold lets no call start during the next d: the server has said that it has had enough.
func (l *Limiter) Hold(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = max(l.held, time.Since(l.start)+d)
}

func (l *Limiter) enter(ctx context.Context, queue chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return stopped(ctx)
	}
	select {
	case queue <- struct{}{}:
		return nil
	case <-ctx.Done():
		return stopped(ctx)
	}
}

// admit waits until the windows let one more call go, and counts it.
func (l *Limiter) admit(ctx context.Context) error {
	for {
		wait, held := l.take()
		if wait <= 0 {
			return nil
		}
		if err := await(ctx, wait, held); err != nil {
			return err
		}
	}
}

// await sleeps for wait, of which the server has asked for held. It fails at once when ctx's
// deadline comes first.
func await(ctx context.Context, wait, held time.Duration) error {
	switch {
	case held > 0 && tooLate(ctx, held):
		return &fault.Error{Kind: fault.RateLimited, Msg: "the server wants no call before our time is up", After: wait}
	case tooLate(ctx, wait):
		return fault.Wrap(fault.Stopped, "the call limit leaves no time for another call", context.DeadlineExceeded)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return stopped(ctx)
	}
}

// take counts a call made now, or returns how long to wait before asking again, and how much of
// that the server has asked for.
func (l *Limiter) take() (wait, held time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.start)
	free := l.held
	for _, w := range l.windows {
		if l.calls >= w.N { // the call that was w.N calls ago has to be out of the window
			free = max(free, l.ring[(l.calls-w.N)%len(l.ring)]+w.Per+w.Margin)
		}
	}
	if free > now {
		return free - now, max(0, l.held-now)
	}
	if len(l.ring) > 0 {
		l.ring[l.calls%len(l.ring)] = now
	}
	l.calls++
	return 0, 0
}

// pause returns how long no call may start because of a Hold.
func (l *Limiter) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held - time.Since(l.start)
}

// quiet reports whether forgetting l now would let no call go earlier than l does.
func (l *Limiter) quiet() bool {
	if len(l.turn) > 0 || len(l.flights) > 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.start)
	if l.held > now {
		return false
	}
	if l.calls == 0 || len(l.ring) == 0 {
		return true
	}
	last := l.ring[(l.calls-1)%len(l.ring)]
	for _, w := range l.windows {
		if now < last+w.Per+w.Margin {
			return false
		}
	}
	return true
}

func stopped(ctx context.Context) error {
	return fault.Wrap(fault.Stopped, "stopped while waiting for a turn to call", ctx.Err())
}

// tooLate reports whether waiting d reaches ctx's deadline.
func tooLate(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= d
}
