package httpclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Policy says how often and how patiently [Do] tries again. The zero value retries rate limits only.
type Policy struct {
	MaxRetries int           // further attempts after fault.Unavailable; 0: none
	Delay      time.Duration // wait before the first of them, doubled for each next one, give or take half; 0: 1 s
	MaxDelay   time.Duration // the doubling ends here; 0: 30 s
	RateWaits  int           // further attempts after fault.RateLimited, not counted in MaxRetries; 0: 3, negative: none
	// Wait, if set, is told of each wait before it begins: its length, and the failure that is its reason.
	Wait func(d time.Duration, err error)
}

// rateWait is the wait after a fault.RateLimited that doesn't say how long: Intuit asks for 60 s.
const rateWait = 60 * time.Second

// Do calls op (attempt counts from 1) until it succeeds or there is no point in going on:
//
//   - fault.RateLimited waits the time it asks for, else 60 s, plus up to a tenth so that not all come back at once
//   - fault.Unavailable backs off exponentially, and waits no less than the time it asks for
//   - any other failure (fault.Stopped among them), and one marked by [Final], is returned at once
//
// It returns op's last failure as it was. When a wait would reach ctx's deadline it is not begun:
// the failure is returned at once, so that the caller can stop in time and come back later.
// When ctx ends during a wait the failure is fault.Stopped.
func Do(ctx context.Context, p Policy, op func(ctx context.Context, attempt int) error) error {
	s := newSchedule(ctx, p)
	attempt := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		attempt++
		s.last = op(ctx, attempt)
		return struct{}{}, s.mark()
	}, backoff.WithBackOff(s), backoff.WithMaxElapsedTime(0), backoff.WithNotify(s.notify))

	if err != nil && !s.over { // ctx ended where another attempt was to come
		return fault.Wrap(fault.Stopped, "stopped before trying again", ctx.Err())
	}
	return err
}

// Final marks err so that [Do] returns it (unmarked) without another attempt, whatever its kind.
func Final(err error) error { return backoff.Permanent(err) }

// schedule is the backoff.BackOff that decides by the kind of the last failure.
type schedule struct {
	ctx         context.Context
	policy      Policy
	exponential *backoff.ExponentialBackOff
	last        error
	over        bool // there will be no further attempt, for a reason other than ctx
	retries     int
	rateWaits   int
}

func newSchedule(ctx context.Context, p Policy) *schedule {
	if p.Delay <= 0 {
		p.Delay = time.Second
	}
	if p.MaxDelay <= 0 {
		p.MaxDelay = 30 * time.Second
	}
	if p.RateWaits == 0 {
		p.RateWaits = 3
	}
	return &schedule{ctx: ctx, policy: p, exponential: &backoff.ExponentialBackOff{
		InitialInterval: p.Delay, MaxInterval: p.MaxDelay, Multiplier: 2, RandomizationFactor: 0.5,
	}}
}

func (s *schedule) Reset() { s.exponential.Reset() }

// mark returns the last failure, marked as final when its kind is not one to retry.
func (s *schedule) mark() error {
	var final *backoff.PermanentError
	switch kind := fault.Of(s.last); {
	case errors.As(s.last, &final):
		s.over = true
		return s.last
	case s.last == nil, kind == fault.RateLimited, kind == fault.Unavailable:
		return s.last
	default:
		s.over = true
		return backoff.Permanent(s.last)
	}
}

func (s *schedule) NextBackOff() time.Duration {
	wait, ok := s.next()
	if !ok || tooLate(s.ctx, wait) {
		s.over = true
		return backoff.Stop
	}
	return wait
}

func (s *schedule) next() (wait time.Duration, ok bool) {
	asked := fault.After(s.last)
	if fault.Is(s.last, fault.RateLimited) {
		if asked <= 0 {
			asked = rateWait
		}
		s.rateWaits++
		return asked + rand.N(asked/10+1), s.rateWaits <= s.policy.RateWaits
	}
	s.retries++
	return max(asked, s.exponential.NextBackOff()), s.retries <= s.policy.MaxRetries
}

func (s *schedule) notify(err error, d time.Duration) {
	if s.policy.Wait != nil {
		s.policy.Wait(d, err)
	}
}
