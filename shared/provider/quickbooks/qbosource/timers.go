package qbosource

import (
	"errors"
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// timers reads the streams that change data capture leaves out and whose time has come.
func (p *pull) timers() error {
	if p.task.Floor > engine.Timing {
		return nil
	}
	for _, name := range p.streams {
		c := p.state[name]
		if !p.timed(name, c) || c.Since.IsZero() || !c.Off.IsZero() || p.Now().Before(c.Due) {
			continue
		}
		err := p.timer(name, c)
		if err != nil && p.ctx.Err() == nil && !errors.Is(err, errEnough) && !tokenless(err) {
			c.Due = p.Now().Add(min(p.every(name), time.Hour)) // not at every sweep: the calls may be metered all the same
			if err := p.pass(p.noted(engine.Batch{}, name)); err != nil {
				return err
			}
		}
		if err := p.attempt(name, err); err != nil {
			return err
		}
	}
	return p.features()
}

// timer reads a stream again: whole when that is one page, else what was changed since, and now and
// then whole, because only that shows what was deleted.
func (p *pull) timer(name string, c *checkpoint) error {
	if c.Load == nil {
		switch {
		case c.Big && !c.Unordered && p.Now().Sub(c.Since) < wholeEvery:
			from := c.Read.Add(-timedOverlap)
			c.Load = &load{From: from, Second: from}
		case c.Big:
			c.Load = p.census()
		default:
			if done, err := p.short(name, c); done || err != nil {
				return err
			}
			c.Big, c.Load = true, p.census()
		}
	}
	return p.load(name)
}

// short reads a stream of one page, in one call; it is not done when there are more pages. The ids
// need no census: there are few of them.
func (p *pull) short(name string, c *checkpoint) (done bool, err error) {
	there := map[string]bool{}
	err = p.read(name, load{Unordered: c.Unordered}, true, func(w work) error {
		for _, r := range w.builder.records {
			there[r.ID] = true
		}
		b := w.builder.batch()
		if !w.end || w.at.Full {
			return p.pass(b)
		}
		done = true
		if !p.tables[name].Permanent {
			gone, err := p.unmet(name, engine.Batch{}, there)
			if err != nil {
				return errors.Join(p.pass(b), err)
			}
			gone.Records = append(b.Records, gone.Records...)
			b = gone
		}
		c.Load = &w.at
		p.loaded(name, c)
		return p.pass(p.noted(b, name))
	})
	return done, err
}

// unmet adds to a batch what is stored of a stream and was not met, once QuickBooks has said that it
// is gone.
func (p *pull) unmet(name string, b engine.Batch, there map[string]bool) (engine.Batch, error) {
	ask := p.asker(name)
	for after := ""; ; {
		ids, err := p.task.Local.Absent(p.ctx, name, noCensus, after, maxRecords) // nothing is noted under it: all there are
		if err != nil || len(ids) == 0 {
			return b, err
		}
		after = ids[len(ids)-1]
		ids = missing(ids, there)
		for len(ids) > 0 {
			n := min(len(ids), maxAsked)
			gone, living, clock, err := ask(ids[:n])
			if err != nil {
				return b, err
			}
			b.Records = append(append(b.Records, buried(name, gone, clock)...), living...)
			if b, err = p.owe(b, name, gone); err != nil {
				return b, err
			}
			ids = ids[n:]
		}
	}
}

// noCensus is the name of a census that nobody takes.
const noCensus = "none"

// retry asks change data capture for the streams that it refused long ago.
func (p *pull) retry() error {
	for _, name := range p.streams {
		c := p.state[name]
		if c.Refused.IsZero() || p.Now().Sub(c.Refused) < refusedFor || c.Load != nil || !c.Off.IsZero() {
			continue
		}
		if err := p.isolate(name, p.changes([]string{name})); err != nil {
			return err
		}
	}
	return nil
}
