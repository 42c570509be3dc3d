package plaidsource

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// notices reads the families that webhooks told of, each once. A family that fails keeps its notices
// open, for the next run. Those of what the Item does not have are done with.
func (p *pull) notices() error {
	named, nothing := map[*family][]int64{}, engine.Batch{}
	for _, n := range p.task.Notices {
		switch f := p.of(n.Stream); {
		case f == nil, f.streams[0] != items && !p.ready(f):
			nothing.Settled = append(nothing.Settled, n.ID)
		default:
			named[f] = append(named[f], n.ID)
			p.hear(n)
		}
	}
	if err := p.pass(nothing); err != nil {
		return err
	}
	for _, f := range p.families {
		if len(named[f]) == 0 || p.tried[f] {
			continue
		}
		if err := p.ask(f, named[f]); err != nil {
			return err
		}
	}
	return nil
}

// hear takes note of what a webhook told for people. What was told before the customer last gave
// consent is out of date.
func (p *pull) hear(n engine.Notice) {
	at, c := &told{p.Now().Add(-n.Age).UTC()}, p.state[items]
	switch {
	case n.Stream != items:
	case n.Change == engine.Ending:
		c.Ending = at
	case n.Change == engine.Offered:
		c.Offered = at
	}
	p.outdated()
}

// outdated forgets what a new consent has mended.
func (p *pull) outdated() {
	c := p.state[items]
	if c.Ending != nil && c.Ending.Told.Before(p.task.Connected) {
		c.Ending = nil
	}
	if c.Offered != nil && c.Offered.Told.Before(p.task.Connected) {
		c.Offered = nil
	}
}

const (
	notice  = 7 * 24 * time.Hour  // Plaid tells that a consent ends that long before
	ahead   = 14 * 24 * time.Hour // we tell that long before, where we know the day
	offered = 30 * 24 * time.Hour // how long we tell of further accounts: perhaps nobody wants them
)
