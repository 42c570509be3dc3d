package plaidsource

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// family is the streams that one call serves. They are read together.
type family struct {
	streams []string
	product string                              // without which the Item is not asked for it; empty: free
	addOn   string                              // to that product: no Item has it before its first call, which begins its billing
	call    func(*pull) ([]part, error)         // returns all there is
	read    func(*pull, *family, []int64) error // for what is more than one call: yields it, and settles the notices of these numbers
}

// everything lists the families in the order in which a new Item is read.
func everything() []*family {
	return []*family{
		{streams: []string{items}, read: (*pull).item},
		{streams: []string{institutions}, call: (*pull).institution},
		{streams: []string{accounts, balances}, call: (*pull).accounts},
		{streams: []string{transactions}, product: "transactions", read: (*pull).feed},
		{streams: []string{inflows, outflows}, product: "transactions", addOn: recurring, call: (*pull).recurring},
		{streams: []string{creditCards, creditStatements, studentLoans, mortgages}, product: "liabilities", call: (*pull).liabilities},
		{streams: []string{securities, holdings}, product: "investments", call: (*pull).holdings},
		{streams: []string{trades}, product: "investments", read: (*pull).trades},
		{streams: []string{statements}, product: "statements", call: (*pull).statements},
	}
}

// of returns the family that a stream belongs to, nil when it has none.
func (s *Source) of(stream string) *family {
	for _, f := range s.families {
		if slices.Contains(f.streams, stream) {
			return f
		}
	}
	return nil
}

// has reports whether the Item has what a family is about, as far as is known.
func (p *pull) has(f *family) bool {
	item := p.state[items]
	if f.streams[0] == institutions {
		return item.Institution != ""
	}
	if f.addOn != "" && !slices.Contains(p.AddOns, f.addOn) {
		return false
	}
	return f.product == "" || slices.Contains(item.Products, f.product)
}

// ready reports whether a family may be asked for. What repeats is told from the whole history.
func (p *pull) ready(f *family) bool {
	if !p.has(f) {
		return false
	}
	return f.addOn != recurring || p.state[transactions] == nil || !incomplete(p.state[transactions].Status)
}

const (
	offFor    = 24 * time.Hour   // until something is tried again that Plaid has refused
	soonest   = 15 * time.Minute // until what has failed is tried again, though it was read before
	longest   = time.Hour        // such a pause
	spreading = 8                // timers go off up to this part of their time early: not those of all Items at once
)

// due reports whether a family's time has come, and how urgent it is.
func (p *pull) due(f *family) (engine.Urgency, bool) {
	now, urgency, due := p.Now(), engine.Timing, false
	for _, name := range f.streams {
		c := p.state[name]
		switch every := p.tables[name].Every; {
		case now.Before(c.After):
			return urgency, false
		case !c.Off.IsZero() && !p.renewed(c):
			due = due || now.Sub(c.Off) >= offFor
		case c.At.IsZero():
			urgency, due = engine.Loading, true
		case p.renewed(c):
			due = true
		case every > 0:
			due = due || now.Sub(c.At) >= every-p.early(name, every)
		}
	}
	return urgency, due
}

// renewed reports whether the customer has given consent anew since a stream was read.
func (p *pull) renewed(c *checkpoint) bool {
	return !p.task.Connected.IsZero() && !p.task.Connected.Equal(c.Connected)
}

// early spreads the timers of Items that were connected together. An Item's is always the same.
func (p *pull) early(name string, every time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(name))
	h.Write([]byte(p.state[items].Item))
	return time.Duration(h.Sum64() % uint64(every/spreading))
}
