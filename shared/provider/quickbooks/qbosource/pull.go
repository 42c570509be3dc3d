package qbosource

import (
	"context"
	"errors"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// pull is one call of Pull.
type pull struct {
	*Source
	ctx     context.Context
	task    engine.Task
	yield   func(engine.Batch, error) bool
	streams []string // those whose checkpoint can be read
	state   map[string]*checkpoint
	clock   time.Time // QuickBooks', of the last answer: what a later answer shows was there then
	down    int       // streams in a row that QuickBooks was unavailable for
	off     []refusal // streams that may be features which the company does not have
	judging bool      // what is stored of a change tells whether a webhook brought it
}

// refusal is a stream that QuickBooks refused.
type refusal struct {
	name string
	err  error
}

func (p *pull) run() error {
	if err := p.open(); err != nil {
		return err
	}
	for _, step := range []func() error{p.notices, p.merged} {
		if err := step(); err != nil {
			return err
		}
	}
	if !p.task.Sweep || p.task.Floor > engine.Sweeping {
		return nil
	}
	// A long load must not let the streams wait that are loaded.
	for _, step := range []func() error{p.sweep, p.loads, p.timers, p.merged, p.rereads, p.features} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// sweep asks for the changes of all streams that change data capture can serve.
func (p *pull) sweep() error {
	if err := p.retry(); err != nil {
		return err
	}
	err := p.changes(p.covered())
	p.judging = false // from here on notices wait for this run to end
	return err
}

// covered names the streams that change data capture can serve.
func (p *pull) covered() (names []string) {
	for _, name := range p.streams {
		if c := p.state[name]; c.Load == nil && !c.Since.IsZero() && c.Off.IsZero() && !p.timed(name, c) {
			names = append(names, name)
		}
	}
	return names
}

// loads brings streams to where change data capture can take over, and then asks for the changes
// since.
func (p *pull) loads() error {
	some := false
	for _, name := range p.streams {
		c := p.state[name]
		if c.Load == nil || !c.Off.IsZero() || p.urgency(name, c) < max(p.task.Floor, engine.Loading) {
			continue
		}
		if err := p.attempt(name, p.load(name)); err != nil {
			return err
		}
		some = some || c.Load == nil && !p.timed(name, c)
	}
	if err := p.features(); err != nil || !some {
		return err
	}
	return p.changes(p.covered())
}

// attempt is isolate, but for a refusal that may mean that the company does not have a feature.
func (p *pull) attempt(name string, err error) error {
	if err == nil || !p.tables[name].Optional || !refused(err) {
		return p.isolate(name, err)
	}
	rows, errLocal := p.task.Local.Absent(p.ctx, name, noCensus, "", 1)
	if errLocal != nil {
		return errLocal
	}
	if len(rows) > 0 { // what has rows was there: the refusal is about something else
		return p.isolate(name, err)
	}
	p.off = append(p.off, refusal{name, err})
	return nil
}

// features notes the features that the company does not have. Where QuickBooks has answered nothing
// at all it is not a feature that is missing.
func (p *pull) features() error {
	for _, r := range p.off {
		if p.clock.IsZero() {
			if err := p.isolate(r.name, r.err); err != nil {
				return err
			}
			continue
		}
		c, b := p.state[r.name], engine.Batch{}
		if c.Reread != nil {
			b = p.batch(r.name, engine.Batch{EndCensus: []string{r.name}}, c.Reread)
		}
		c.Off, c.Load, c.Reread = p.Now(), nil, nil
		if err := p.pass(p.noted(b, r.name)); err != nil {
			return err
		}
	}
	p.off = nil
	return nil
}

// refused reports whether QuickBooks does not want to give what was asked for, now or later.
func refused(err error) bool {
	return !tokenless(err) && (fault.Is(err, fault.Invalid) || fault.Is(err, fault.Forbidden))
}

// isolate hands one stream's failure to the engine, so that the others go on. When QuickBooks is
// unavailable for two streams running, it is for all.
func (p *pull) isolate(name string, err error) error {
	switch {
	case err == nil:
		p.down = 0
		return nil
	case errors.Is(err, errEnough), p.ctx.Err() != nil, tokenless(err):
		return err
	}
	if fault.Is(err, fault.Unavailable) {
		if p.down++; p.down > 1 {
			return err
		}
	}
	if !p.yield(engine.Batch{}, &engine.StreamError{Stream: name, Err: err}) {
		return errEnough
	}
	return nil
}

// tokenless reports whether err is about the connection's token, which all streams share.
func tokenless(err error) bool {
	var t *quickbooks.TokenError
	return errors.As(err, &t)
}

// pass yields a batch, unless it says nothing.
func (p *pull) pass(b engine.Batch) error {
	if len(b.Records) == 0 && len(b.Checkpoints) == 0 && len(b.Settled) == 0 && b.Swept == nil {
		return nil
	}
	if !p.yield(b, nil) {
		return errEnough
	}
	return nil
}

// noted puts the present checkpoints of some streams into a batch.
func (p *pull) noted(b engine.Batch, names ...string) engine.Batch {
	if b.Checkpoints == nil {
		b.Checkpoints = engine.Checkpoints{}
	}
	for _, name := range names {
		c := p.state[name]
		if b.Checkpoints[name] == nil && (c.Load != nil || c.Reread != nil) {
			b.Loading = append(b.Loading, name)
		}
		b.Checkpoints[name] = c.raw()
	}
	return b
}

// saw notes QuickBooks' clock.
func (p *pull) saw(t time.Time) { p.clock = latest(p.clock, t) }

// sane is QuickBooks' clock where a checkpoint is made of it: one of its machines that is far ahead
// must not make us pass over what the others have yet to tell.
func (s *Source) sane(t time.Time) time.Time {
	if most := s.Now().Add(overlap); t.After(most) {
		return most
	}
	return t
}
