package qbosource

import (
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// load brings a stream to where change data capture, or the timer, can take over.
func (p *pull) load(name string) error {
	c := p.state[name]
	return p.pages(name, &c.Load, func() { p.loaded(name, c) })
}

// pages reads what is left of a load, and calls end before the batch that ends it.
func (p *pull) pages(name string, at **load, end func()) error {
	ended := false
	err := p.read(name, **at, false, func(w work) error {
		*at = &w.at
		b := p.batch(name, w.builder.batch(), *at)
		if w.end && !w.at.whole() {
			ended = true
			end()
		}
		if ended && b.Census != "" {
			b.EndCensus = []string{name}
		}
		return p.pass(p.noted(b, name))
	})
	if err != nil || ended {
		return err
	}
	return p.close(name, *at, end)
}

// batch says of a batch what it is part of.
func (p *pull) batch(name string, b engine.Batch, at *load) engine.Batch {
	b.Census, b.Verify = at.Census, at.Verify
	if at.Total > 0 {
		b.Totals = map[string]int{name: at.Total}
	}
	return b
}

// close ends a load whose pages are all stored, after marking as deleted what it has not met.
func (p *pull) close(name string, at *load, end func()) error {
	if !p.tables[name].Permanent {
		if err := p.absent(name, at); err != nil {
			return err
		}
	}
	end()
	b := p.batch(name, engine.Batch{EndCensus: []string{name}}, at)
	return p.pass(p.noted(b, name))
}

// absent marks as deleted what the census has not named and QuickBooks, asked for it, does not have.
//
// The changes that are followed meanwhile bring rows that the census has not named: QuickBooks has
// them. They are stored anew, but not compared, when they are younger than what is known to be here.
func (p *pull) absent(name string, at *load) error {
	since := p.state[name].known()
	ask := p.asker(name)
	for after := ""; ; {
		ids, err := p.task.Local.Absent(p.ctx, name, at.Census, after, maxAsked)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		gone, living, clock, err := ask(ids)
		if err != nil {
			return err
		}
		b := p.batch(name, engine.Batch{Records: buried(name, gone, clock)}, at)
		var young []engine.Record
		for _, r := range living {
			if at.Verify && r.Version.After(since) {
				young = append(young, r)
				continue
			}
			b.Records = append(b.Records, r)
		}
		if b, err = p.owe(b, name, gone); err != nil {
			return err
		}
		if err := p.pass(b); err != nil {
			return err
		}
		if err := p.pass(engine.Batch{Records: young}); err != nil {
			return err
		}
	}
}
