package qbosource

import (
	"errors"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// behind is how far a stream may lag before it is asked for alone: else it would draw the past of all
// the others into each answer.
const behind = time.Hour

// changes stores what has changed in the streams, by one call for all of them that are about as far.
func (p *pull) changes(streams []string) error {
	var newest time.Time
	for _, name := range streams {
		newest = latest(newest, p.state[name].Since)
	}
	var abreast []string
	for _, name := range streams {
		if newest.Sub(p.state[name].Since) <= behind {
			abreast = append(abreast, name)
			continue
		}
		if err := p.isolate(name, p.joint([]string{name})); err != nil {
			return err
		}
	}
	if len(abreast) == 0 {
		return nil
	}
	return p.joint(abreast)
}

// joint makes one call for some streams, and more where one does not do. A stream that is refused is
// read by a timer from now on. When all are, it is not the streams.
func (p *pull) joint(streams []string) error {
	no, err := p.look(streams)
	if err != nil || len(no) == 0 {
		return err
	}
	if len(no) == len(streams) && len(streams) > 1 {
		for _, r := range no {
			if err := p.isolate(r.name, r.err); err != nil {
				return err
			}
		}
		return nil
	}
	b := engine.Batch{}
	for _, r := range no {
		c := p.state[r.name]
		c.Refused, c.Due = p.Now(), time.Time{}
		b = p.noted(b, r.name)
	}
	return p.pass(b)
}

// look makes one call for some streams. When it is refused or its answer cut it asks for each half of
// them, down to single streams. It returns those that are refused.
func (p *pull) look(streams []string) (no []refusal, err error) {
	cut, err := p.capture(streams)
	var r *uncaptured
	switch {
	case errors.As(err, &r):
		if fault.Is(r.err, fault.Forbidden) { // it is not about one stream
			return nil, r.err
		}
		if len(streams) == 1 {
			return []refusal{{streams[0], r.err}}, nil
		}
	case err != nil || !cut:
		return nil, err
	case len(streams) == 1:
		// One stream alone has more changes than an answer holds. Which deletions were left out only a
		// census tells: counts may be equal by chance while people create and delete.
		c := p.state[streams[0]]
		c.Load, c.Refused = p.census(), time.Time{}
		return nil, p.isolate(streams[0], p.load(streams[0]))
	}
	middle := len(streams) / 2
	for _, half := range [][]string{streams[:middle], streams[middle:]} {
		more, err := p.look(half)
		if err != nil && len(half) == 1 {
			err = p.isolate(half[0], err)
		}
		if err != nil {
			return nil, err
		}
		no = append(no, more...)
	}
	return no, nil
}

// uncaptured is change data capture's refusal of a call.
type uncaptured struct{ err error }

func (e *uncaptured) Error() string { return e.err.Error() }
func (e *uncaptured) Unwrap() error { return e.err }

// capture makes one call of change data capture and stores what it gives. It moves the checkpoints
// only when the answer is known to be whole; cut says that it is not.
func (p *pull) capture(streams []string) (cut bool, err error) {
	since := p.state[streams[0]].Since
	for _, name := range streams[1:] {
		if at := p.state[name].Since; at.Before(since) {
			since = at
		}
	}
	a := &answer{pull: p, found: &builder{source: p.Source, seen: p.clock}, doubtful: map[string]bool{}, told: map[int64]int{}}
	var ours error // that of storing, which says nothing about the call
	got, err := p.Client.Changes(p.ctx, streams, since.Add(-overlap), func(name string, raw []byte) error {
		if !slices.Contains(streams, name) {
			return nil
		}
		if a.found.add(name, raw); a.found.full() {
			ours = a.flush(nil)
		}
		return ours
	})
	switch {
	case ours != nil:
		return false, ours
	case refused(err):
		return false, &uncaptured{err}
	case err != nil:
		return false, err
	case got.Time.IsZero():
		return false, errNoTime
	}
	p.saw(got.Time)
	seen(a.found.records, got.Time)
	if got.Cut() {
		p.judging = false // what is asked for next finds these stored, and not because of webhooks
		return true, a.flush(nil)
	}
	return false, a.end(streams, got.Time)
}
