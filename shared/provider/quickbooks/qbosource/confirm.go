package qbosource

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// maxAsked is how many ids are asked for at once: each may come back with thousands of lines.
const maxAsked = 200

var errNoTime = fault.New(fault.Unavailable, "QuickBooks did not say what time it is")

// asker returns what finds out which of some objects, maxAsked at most, QuickBooks does not have any
// more; of those that it has, it may return the records.
func (p *pull) asker(name string) func(ids []string) (gone []string, living []engine.Record, at time.Time, err error) {
	if p.askable(name) {
		return func(ids []string) ([]string, []engine.Record, time.Time, error) { return p.confirm(name, ids) }
	}
	var there map[string]bool
	var at time.Time
	return func(ids []string) (gone []string, _ []engine.Record, _ time.Time, err error) {
		if there == nil {
			if there, at, err = p.survey(name); err != nil {
				return nil, nil, at, err
			}
		}
		return missing(ids, there), nil, at, nil
	}
}

// confirm asks for objects by id. It returns those that QuickBooks does not have, the records of
// those that it has, and its clock.
func (p *pull) confirm(name string, ids []string) (gone []string, living []engine.Record, at time.Time, err error) {
	there := map[string]bool{}
	for left := ids; ; {
		b := &builder{source: p.Source}
		q := quickbooks.Query{Entity: name, IDs: left, Inactive: p.lists[name], Unordered: p.state[name].Unordered, Attempt: b.reset}
		page, err := p.Client.Query(p.ctx, q, func(raw []byte) error {
			b.add(name, raw)
			return nil
		})
		if err == nil && page.Time.IsZero() {
			err = errNoTime
		}
		if err != nil {
			return nil, nil, time.Time{}, err
		}
		some := b.batch().Records
		for i := range some {
			if there[some[i].ID] = true; some[i].ID == "" { // it may be any of them
				return nil, nil, time.Time{}, fault.New(fault.Invalid, "QuickBooks answered for single objects with one that has no id")
			}
		}
		p.saw(page.Time)
		seen(some, page.Time)
		living, left = append(living, some...), missing(left, there)
		if !page.Full() || len(left) == 0 {
			return left, living, page.Time, nil
		}
		if page.Rows == 0 {
			return nil, nil, time.Time{}, fault.New(fault.Unavailable, "QuickBooks is too slow to answer for single objects")
		}
		// So many objects were too much for one answer: what is missing may stand behind them.
	}
}

// survey reads a whole stream for nothing but its ids.
func (p *pull) survey(name string) (there map[string]bool, at time.Time, err error) {
	there = map[string]bool{}
	before := p.clock
	err = p.read(name, load{Unordered: p.state[name].Unordered}, false, func(w work) error {
		for _, r := range w.builder.records {
			if there[r.ID] = true; r.ID == "" {
				return fault.New(fault.Invalid, "QuickBooks has objects without an id: nobody can tell which of the others are gone")
			}
		}
		return nil
	})
	return there, before, err
}

func missing(ids []string, there map[string]bool) (gone []string) {
	for _, id := range ids {
		if !there[id] {
			gone = append(gone, id)
		}
	}
	return gone
}
