package plaidsource

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// item reads how the Item is doing, and what it has. Notices of it are settled even where it turns out
// to be gone: there is nothing more to learn, and they would be open again with each new login.
func (p *pull) item(_ *family, settles []int64) error {
	state, err := p.Item.Get(p.ctx)
	if fault.Is(err, fault.Reconnect) && len(settles) > 0 {
		if err := p.pass(p.noted(engine.Batch{Settled: settles}, items)); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	p.learn(state)
	if err := p.store([]part{{stream: items, records: []engine.Record{p.record(items, state.Raw)}}}, settles); err != nil {
		return err
	}
	return p.lacking()
}

// learn takes note of what is known of the Item.
func (p *pull) learn(s plaid.ItemState) {
	c := p.state[items]
	c.Item, c.Products, c.Institution, c.ConsentEnds, c.Trouble = s.ID, s.Products, s.InstitutionID, s.ConsentEnds, ""
	switch {
	case fault.Is(s.Trouble, fault.Reconnect):
		p.trouble = s.Trouble
	case s.Trouble != nil:
		c.Trouble = words(s.Trouble)
	}
}

// lacking notes which streams the Item does not have, so that nobody waits for them, and which it has now.
func (p *pull) lacking() error {
	var gone []string
	back := engine.Batch{}
	for _, f := range p.families {
		for _, name := range f.streams {
			switch c := p.state[name]; {
			case p.has(f) == !c.Lacks:
			case c.Lacks:
				c.Lacks = false
				back = p.noted(back, name)
			default:
				gone = append(gone, name)
			}
		}
	}
	if err := p.pass(back); err != nil {
		return err
	}
	return p.drop(gone, nil, func(c *checkpoint) { c.Lacks = true })
}

// words is what a failure says to people.
func words(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return cmp.Or(f.Msg, f.Error())
	}
	return err.Error()
}

// advise says what the customer should do soon, or what keeps the bank from being read.
func (p *pull) advise() string {
	c, now := p.state[items], p.Now()
	if c == nil {
		return ""
	}
	var all []string
	if ends := c.ends(now); !ends.IsZero() {
		all = append(all, "the bank ends this consent on about "+day(ends)+": renew it with a reconnect link before, or data stops")
	}
	if c.Offered != nil && now.Sub(c.Offered.Told) < offered {
		all = append(all, "the bank offers further accounts: to have them too, use a reconnect link and choose them there")
	}
	if c.Trouble != "" {
		all = append(all, c.Trouble)
	}
	return strings.Join(all, "; ")
}

// ends returns when the consent ends, if that is soon; else the zero time.
func (c *checkpoint) ends(now time.Time) time.Time {
	switch {
	case !c.ConsentEnds.IsZero() && c.ConsentEnds.Sub(now) <= ahead:
		return c.ConsentEnds
	case c.Ending != nil && now.Sub(c.Ending.Told) <= notice:
		return c.Ending.Told.Add(notice)
	}
	return time.Time{}
}

func day(t time.Time) string { return t.UTC().Format("2 January") }
