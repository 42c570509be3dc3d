package plaidsource

import (
	"context"
	"errors"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// pull is one call of Pull.
type pull struct {
	*Source
	ctx   context.Context
	task  engine.Task
	yield func(engine.Batch, error) bool
	state map[string]*checkpoint

	tried   map[*family]bool // families that have been asked for
	trouble error            // the Item needs a new login, by its own word
	doubt   bool             // another answer says that something is wrong with the Item
	fed     bool             // the feed has answered: what changed until now is stored
	kept    bool             // parts are kept back of a look at changes
	ours    bool             // of the present one
}

// errEnough says that the engine wants no more batches.
var errEnough = errors.New("no more batches are wanted")

func (p *pull) run() error {
	p.tried = map[*family]bool{}
	p.open()
	if err := p.first(); err != nil {
		return err
	}
	if p.state[items].At.IsZero() {
		return nil // it is not known what may be asked for
	}
	for _, step := range []func() error{p.notices, p.sweep, p.repeats, p.doubts} {
		if err := step(); err != nil {
			return err
		}
	}
	return p.trouble
}

// open reads the checkpoints.
func (p *pull) open() {
	p.state[items] = new(checkpoint)
	for _, name := range p.names {
		p.state[name] = parse(p.task.From[name])
	}
	p.outdated()
}

// first reads the Item when nothing is known of it, or when the customer has given consent anew: its
// products may be others.
func (p *pull) first() error {
	if c := p.state[items]; !c.At.IsZero() && !p.renewed(c) {
		return nil
	}
	var settles []int64
	for _, n := range p.task.Notices {
		if n.Stream == items {
			p.hear(n)
			settles = append(settles, n.ID)
		}
	}
	return p.ask(p.of(items), settles)
}

// sweep looks for all changes.
func (p *pull) sweep() error {
	if !p.task.Sweep || p.task.Floor > engine.Sweeping {
		return nil
	}
	f := p.of(accounts)
	if f != nil && p.state[f.streams[0]].At.IsZero() && !p.Now().Before(p.state[f.streams[0]].After) && !p.tried[f] { // what moves on them comes next
		if err := p.ask(f, nil); err != nil {
			return err
		}
	}
	err := p.changes()
	for _, step := range []func() error{p.doubts, p.timers, p.rereads} {
		if err != nil || p.trouble != nil { // what there was is stored
			return err
		}
		err = step()
	}
	return err
}

// changes asks the feed of transactions, unless a notice has made us do so.
func (p *pull) changes() error {
	f := p.of(transactions)
	if f == nil || p.tried[f] || !p.has(f) {
		return nil
	}
	c := p.state[transactions]
	switch {
	case !c.Off.IsZero() && p.Now().Sub(c.Off) < offFor && !p.renewed(c):
		return nil
	case c.Cursor == "" && p.task.Floor > engine.Loading:
		return nil
	}
	return p.ask(f, nil)
}

// repeats reads what repeats where a webhook alone has made us learn that the whole history is there: it
// has waited for that.
func (p *pull) repeats() error {
	f := p.of(inflows)
	if f == nil {
		f = p.of(outflows)
	}
	if f == nil || p.task.Sweep || !p.fed || p.tried[f] || p.task.Floor > engine.Loading || !p.ready(f) || p.trouble != nil {
		return nil //nolint:nilerr // the trouble is told at the end of the pull
	}
	if urgency, due := p.due(f); !due || urgency != engine.Loading {
		return nil
	}
	return p.ask(f, nil)
}

// doubts asks for the Item's own word when another answer has said that something is wrong with it.
func (p *pull) doubts() error {
	f := p.of(items)
	if !p.doubt || p.tried[f] {
		return nil
	}
	return p.ask(f, nil)
}

// timers reads the families that have never been read, and those whose time has come.
func (p *pull) timers() error {
	for _, f := range p.families {
		urgency, due := p.due(f)
		if !due || urgency < p.task.Floor || p.tried[f] || !p.ready(f) || f.streams[0] == transactions {
			continue
		}
		if err := p.ask(f, nil); err != nil || p.trouble != nil {
			return err
		}
	}
	return nil
}

// ask reads a family, and settles the notices that told of it. What the Item turns out not to have is
// off for a day, and what Plaid has not made ready is asked for by the next pull: neither is a failure.
func (p *pull) ask(f *family, settles []int64) error {
	p.tried[f] = true
	err := p.answer(f, settles)
	switch {
	case err == nil, errors.Is(err, errEnough), p.ctx.Err() != nil, tokenless(err), plaid.AppRefused(err):
		return err // where it is one, no other call would fare better
	case plaid.Unsupported(err) && f.product != "":
		return p.off(f, settles)
	case plaid.NotReady(err):
		return nil //nolint:nilerr // it is no failure
	}
	if err := p.pause(f, err); err != nil {
		return err
	}
	return p.isolate(f, err)
}

func (p *pull) answer(f *family, settles []int64) error {
	if f.read != nil {
		return f.read(p, f, settles)
	}
	parts, err := f.call(p)
	if err != nil {
		return err
	}
	return p.store(parts, settles)
}

// tokenless reports whether err is about the Item's token, which all streams share.
func tokenless(err error) bool {
	var t *plaid.TokenError
	return errors.As(err, &t)
}

// isolate hands a family's failure to the engine, so that the others go on. The engine ends the pull
// when it is one that all share.
func (p *pull) isolate(f *family, err error) error {
	for _, name := range f.streams {
		if !p.yield(engine.Batch{}, &engine.StreamError{Stream: name, Err: err}) {
			return errEnough
		}
	}
	return nil
}

// pause lets the timer of a family that has failed wait, and not the others with it. The feed has none,
// nor has the Item before it is known, and a failure that a new login mends needs no pause. What was never
// read is asked for again at once, where that may help.
func (p *pull) pause(f *family, err error) error {
	unread := p.state[f.streams[0]].At.IsZero()
	switch {
	case f.streams[0] == transactions, !isolated(err), unread && f.streams[0] == items, unread && fault.Retry(err) && fault.After(err) == 0:
		return nil
	}
	for _, name := range f.streams {
		p.state[name].After = p.Now().Add(min(max(fault.After(err), soonest), longest)).UTC()
	}
	return p.pass(p.noted(engine.Batch{}, f.streams...))
}

// isolated reports whether a failure may be a family's own.
func isolated(err error) bool {
	return !fault.Is(err, fault.Reconnect) && !fault.Is(err, fault.Stopped) && !fault.Is(err, fault.Paused)
}

// off notes that Plaid has refused a family.
func (p *pull) off(f *family, settles []int64) error {
	return p.drop(f.streams, settles, func(c *checkpoint) {
		c.Off, c.Connected = p.Now().UTC(), p.task.Connected
	})
}

// drop notes, in the checkpoints of some streams, that there is nothing to read of them. A reading
// again that was asked for has come to its end.
func (p *pull) drop(streams []string, settles []int64, note func(*checkpoint)) error {
	ended := map[reading][]string{}
	rest := engine.Batch{Settled: settles}
	for _, name := range streams {
		c := p.state[name]
		note(c)
		if r := c.Reread; r != nil {
			c.Reread = nil
			ended[*r] = append(ended[*r], name)
			continue
		}
		rest = p.noted(rest, name)
	}
	for r, names := range ended {
		if err := p.pass(p.noted(r.end(engine.Batch{}, names...), names...)); err != nil {
			return err
		}
	}
	return p.pass(rest)
}

// pass yields a batch, unless it says nothing. Parts that were kept back of a look at changes that
// broke off are dropped.
func (p *pull) pass(b engine.Batch) error {
	if len(b.Records) == 0 && len(b.Checkpoints) == 0 && len(b.Settled) == 0 && len(b.Whole) == 0 && b.Swept == nil {
		return nil
	}
	b.Anew = p.kept && !p.ours
	p.kept, p.ours = b.Part, b.Part
	if !p.yield(b, nil) {
		return errEnough
	}
	return nil
}
