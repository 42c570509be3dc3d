package httpclient

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Gate is a limit that several processes keep together, outside of them.
type Gate struct {
	// Take reserves the next turn. It returns how long to wait for it, and how much of that is
	// because the server has asked for it.
	Take func(ctx context.Context) (wait, held time.Duration, err error)
	// Hold lets no turn begin during the next d; nil: the gate is not for one account alone.
	Hold func(ctx context.Context, d time.Duration) error
	// Slack is how much later than its turn a call may leave, less than the margins of the limit.
	// A turn that has passed by more than that is lost and another one taken: calls that leave late
	// would crowd together with those that leave in time.
	Slack time.Duration
}

// Shared joins a limiter of this process, for calls in flight, with limits that all processes keep
// together. It is safe for concurrent use; make one with [NewShared].
type Shared struct {
	local *Limiter
	gates []Gate
}

// NewShared returns a limiter that asks local first, and then each gate.
func NewShared(local *Limiter, gates ...Gate) *Shared { return &Shared{local, gates} }

// Wait returns when a call may start. The caller calls release when the answer has been read; calling
// it again does nothing.
//
// It fails as [Limiter.Wait] does, and with a gate's own error. Whoever leaves before a turn has
// come has lost it; another call is not made in its place.
func (s *Shared) Wait(ctx context.Context) (release func(), err error) {
	release, err = s.local.Wait(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.pass(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// Hold lets no call of any process start during the next d: the server has said that it has had
// enough. When a gate cannot be told, that holds for this process alone.
func (s *Shared) Hold(d time.Duration) {
	s.local.Hold(d)
	ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
	defer cancel()
	for _, g := range s.gates {
		if g.Hold != nil {
			g.Hold(ctx, d) //nolint:errcheck // the process' own hold is in force, and the other side's refusal is told to the caller anyway
		}
	}
}

const tellWithin = 5 * time.Second

// pass goes through all gates. While a call waits at one, its turn at another may pass by, or the
// server may ask for a pause: then it queues again.
func (s *Shared) pass(ctx context.Context) (err error) {
	turns, asked := make([]time.Time, len(s.gates)), make([]int, len(s.gates))
	for {
		if i := s.late(turns, asked); i >= 0 {
			asked[i]++
			if turns[i], err = s.gates[i].turn(ctx); err != nil {
				return err
			}
			continue
		}
		left := s.local.pause()
		if left <= 0 {
			return nil
		}
		if err := await(ctx, left, left); err != nil {
			return err
		}
	}
}

// maxAsked is how often a call asks a gate that answers more slowly than its turns pass by.
const maxAsked = 8

// late returns the first gate at which the call has no turn, or one that has passed by; -1: none.
func (s *Shared) late(turns []time.Time, asked []int) int {
	for i, at := range turns {
		if at.IsZero() || time.Since(at) > s.gates[i].Slack && asked[i] < maxAsked {
			return i
		}
	}
	return -1
}

// crowded is a wait that no limit of one account alone leads to: too many want to call at all.
const crowded = 2 * time.Minute

// turn waits for the next turn, and returns when it was. When a crowd is before it, so that the turn
// would come after ctx's deadline, it is fault.RateLimited with when to come back.
func (g *Gate) turn(ctx context.Context) (time.Time, error) {
	asked := time.Now() // the answer may take its time: the turn does not wait for it
	wait, held, err := g.Take(ctx)
	if err != nil {
		return asked, err
	}
	at := asked.Add(wait)
	wait = time.Until(at)
	if wait <= 0 {
		return at, nil
	}
	if wait > crowded && tooLate(ctx, wait) {
		return at, &fault.Error{Kind: fault.RateLimited, Msg: "more calls are waiting than the limit lets through before our time is up", After: wait}
	}
	return at, await(ctx, wait, held)
}
