package qbosource

import (
	"context"
	"encoding/json"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Reread implements engine.Rereader. A stream that has not been loaded yet goes on with its load,
// which reads all there is, and there is nothing to read of a feature that the company does not have.
// One whose checkpoint is damaged is read from the start.
func (s *Source) Reread(stream string, at json.RawMessage, r engine.Reading) (json.RawMessage, error) {
	switch {
	case s.tables[stream] == nil:
		return nil, fault.New(fault.Invalid, "QuickBooks has no stream "+stream)
	case r.Name == "":
		return nil, fault.New(fault.Invalid, "a reading needs a name")
	case !r.From.IsZero() && !r.To.IsZero() && r.To.Before(r.From):
		return nil, fault.New(fault.Invalid, "a reading ends before it begins")
	}
	c, err := parse(stream, at)
	if err != nil {
		return checkpoint{Load: &load{Name: r.Name, Census: r.Name, Verify: r.Verify}}.raw(), nil //nolint:nilerr // this is what mends it
	}
	if c.Since.IsZero() || !c.Off.IsZero() || c.Reread != nil && c.Reread.Name == r.Name {
		return at, nil
	}
	c.Reread = &load{Name: r.Name, From: r.From, Second: r.From, To: r.To, Verify: r.Verify}
	if r.Verify || r.From.IsZero() && r.To.IsZero() {
		c.Reread.Census = r.Name
	}
	return c.raw(), nil
}

// Count implements engine.Rereader. A feature that the company does not have counts nothing.
func (s *Source) Count(ctx context.Context, stream string) (int, error) {
	t := s.tables[stream]
	if t == nil {
		return 0, fault.New(fault.Invalid, "QuickBooks has no stream "+stream)
	}
	n, err := s.Client.Count(ctx, quickbooks.Query{Entity: stream, Inactive: s.lists[stream]})
	if t.Optional && refused(err) {
		return 0, nil
	}
	return n, err
}

// rereads goes on with what is read again beside the running changes.
func (p *pull) rereads() error {
	if p.task.Floor > engine.Rereading {
		return nil
	}
	for _, name := range p.streams {
		c := p.state[name]
		if c.Reread == nil || c.Load != nil || c.Since.IsZero() || !c.Off.IsZero() {
			continue
		}
		if c.Reread.Until.IsZero() {
			// What was changed up to here must be stored by now: a difference is damage, and no change in flight.
			c.Reread.Until, c.Reread.Unordered = c.known().Add(-overlap), c.Unordered
			if p.timed(name, c) { // some of these tell the day of a change only
				c.Reread.Until = c.known().Add(-timedOverlap)
			}
		}
		if err := p.attempt(name, p.pages(name, &c.Reread, func() { c.Reread = nil })); err != nil {
			return err
		}
	}
	return nil
}

// known is up to when all changes of a loaded stream are stored.
func (c *checkpoint) known() time.Time { return latest(c.Since, c.Read) }
