package plaidsource

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Reread implements engine.Rereader. Everything of a stream is read, whatever the range: Plaid tells
// nowhere when an object was last changed. A stream that has not been loaded yet goes on with its load, which
// reads all there is, and there is nothing to read of what the Item does not have. One whose
// checkpoint is damaged is read from the start.
func (s *Source) Reread(stream string, at json.RawMessage, r engine.Reading) (json.RawMessage, error) {
	switch {
	case s.of(stream) == nil:
		return nil, fault.New(fault.Invalid, "Plaid has no stream "+stream)
	case r.Name == "":
		return nil, fault.New(fault.Invalid, "a reading needs a name")
	case !r.From.IsZero() && !r.To.IsZero() && r.To.Before(r.From):
		return nil, fault.New(fault.Invalid, "a reading ends before it begins")
	}
	c := new(checkpoint)
	switch err := json.Unmarshal(at, c); {
	case len(at) == 0:
		return at, nil
	case err != nil:
		c = new(checkpoint)
	case c.absent(), c.At.IsZero(), stream == transactions && incomplete(c.Status), c.Reread != nil && c.Reread.Name == r.Name:
		return at, nil
	}
	c.Reread = &reading{Name: r.Name, Verify: r.Verify}
	return c.raw(), nil
}

// rereads reads again what was asked for. What has changed meanwhile has just been stored by the feed;
// so what differs is damage.
func (p *pull) rereads() error {
	if p.task.Floor > engine.Rereading {
		return nil
	}
	for _, f := range p.families {
		wanted := slices.ContainsFunc(f.streams, func(name string) bool { c := p.state[name]; return c.Reread != nil && !c.absent() })
		if !wanted || !p.ready(f) {
			continue
		}
		if c := p.state[f.streams[0]]; f.streams[0] == transactions {
			if c.Cursor == "" || !p.fed {
				continue // it is to be read from the start anyway, or it does not answer
			}
			f = &family{streams: f.streams, product: f.product, read: func(p *pull, _ *family, _ []int64) error {
				return p.transactions(&look{reading: c.Reread})
			}}
		} else if p.tried[f] {
			continue
		}
		if err := p.ask(f, nil); err != nil {
			return err
		}
	}
	return nil
}

// maxDays is how far back Plaid has transactions.
const maxDays = 730

// Count implements engine.Rereader. What the Item does not have counts nothing, and is not asked for.
func (s *Source) Count(ctx context.Context, stream string) (int, error) {
	f := s.of(stream)
	if f == nil {
		return 0, fault.New(fault.Invalid, "Plaid has no stream "+stream)
	}
	item, err := s.Item.Get(ctx)
	if err != nil {
		return 0, err
	}
	p := &pull{Source: s, ctx: ctx, state: map[string]*checkpoint{items: {Products: item.Products, Institution: item.InstitutionID}}}
	if !p.has(f) {
		return 0, nil
	}
	n, err := p.count(f, stream)
	if plaid.Unsupported(err) {
		return 0, nil
	}
	return n, err
}

func (p *pull) count(f *family, stream string) (int, error) {
	today := p.Now().UTC()
	r := plaid.Range{To: today.Format(time.DateOnly), Count: 1}
	switch stream {
	case items, institutions:
		return 1, nil
	case transactions:
		r.From = today.AddDate(0, 0, -maxDays).Format(time.DateOnly)
		page, err := p.Item.Transactions(p.ctx, r)
		return page.Total, err
	case trades:
		r.From = today.AddDate(0, -window, 0).Format(time.DateOnly)
		page, err := p.Item.InvestmentTransactions(p.ctx, r)
		return page.Total, err
	}
	parts, err := f.call(p)
	for _, part := range parts {
		if part.stream == stream {
			return len(part.records), err
		}
	}
	return 0, err
}
