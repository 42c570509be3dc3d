package qbosource

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// changes stores what has changed in the streams, by one call for all of them. Where one call does
// not do, each stream is asked for alone.
func (p *pull) changes(streams []string) error {
	if len(streams) == 0 {
		return nil
	}
	cut, err := p.capture(streams)
	refused := len(streams) > 1 && fault.Is(err, fault.Invalid) && !tokenless(err)
	if err != nil && !refused || err == nil && !cut {
		return err
	}
	if len(streams) > 1 {
		for _, name := range streams {
			if err := p.isolate(name, p.changes([]string{name})); err != nil {
				return err
			}
		}
		return nil
	}
	// One stream alone has more changes than an answer holds. Which deletions were left out only a
	// census tells: counts may be equal by chance while people create and delete.
	name := streams[0]
	p.state[name].Load = p.census()
	return p.load(name)
}

// capture makes one call of change data capture and stores what it gives. It moves the checkpoints
// only when the answer is known to be whole; cut says that it is not.
func (p *pull) capture(streams []string) (cut bool, err error) {
	since := p.state[streams[0]].Since
	for _, name := range streams[1:] {
		if at := p.state[name].Since; at.Before(since) {
			since = at
		}
	}
	b := &builder{source: p.Source}
	answer, err := p.Client.Changes(p.ctx, streams, since.Add(-overlap), func(name string, raw []byte) error {
		if p.tables[name] == nil {
			return nil
		}
		if b.add(name, raw); b.full() {
			return p.flush(b, engine.Batch{})
		}
		return nil
	})
	switch {
	case err != nil:
		return false, err
	case answer.Cut():
		return true, p.flush(b, engine.Batch{})
	case answer.Time.IsZero():
		return false, errNoTime
	}
	last := engine.Batch{Checkpoints: engine.Checkpoints{}}
	for _, name := range streams {
		last.Checkpoints[name] = checkpoint{Since: latest(p.state[name].Since, answer.Time)}.raw()
	}
	return false, p.flush(b, last)
}

// latest never lets a checkpoint go back: QuickBooks has more than one clock.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// flush yields what b has collected, as into. Change data capture has been seen to call a living
// object deleted, so each tombstone is confirmed by asking for the object.
func (p *pull) flush(b *builder, into engine.Batch) error {
	living := &builder{source: p.Source}
	into.Records = b.batch().Records
	alive := map[[2]string]bool{}
	for name, ids := range tombstones(into.Records) {
		for len(ids) > 0 {
			n := min(len(ids), maxAsked)
			gone, _, err := p.confirm(living, name, ids[:n])
			if err != nil {
				return err
			}
			for _, id := range ids[:n] {
				alive[[2]string{name, id}] = true
			}
			for _, id := range gone {
				delete(alive, [2]string{name, id})
			}
			ids = ids[n:]
		}
	}
	kept := into.Records[:0]
	for _, r := range into.Records {
		if !r.Deleted || !alive[[2]string{r.Stream, r.ID}] {
			kept = append(kept, r)
		}
	}
	into.Records = append(kept, living.batch().Records...)
	if len(into.Records) == 0 && len(into.Checkpoints) == 0 {
		return nil
	}
	if !p.yield(into, nil) {
		return errEnough
	}
	b.reset()
	return nil
}

func tombstones(records []engine.Record) map[string][]string {
	ids := map[string][]string{}
	for _, r := range records {
		if r.Deleted && r.Problem == "" {
			ids[r.Stream] = append(ids[r.Stream], r.ID)
		}
	}
	return ids
}

var _ engine.Source = (*Source)(nil)
