package qbosource

import (
	"encoding/json"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// notices reads the objects that webhooks named: one call for up to maxAsked objects of a stream.
//
// A stream that fails keeps its notices open, for the next run. Where an object cannot be asked for by
// id its notice is settled, because the sweep or the stream's timer brings the change too.
func (p *pull) notices() error {
	settled := engine.Batch{}
	asked := map[string][]engine.Notice{}
	for _, n := range p.task.Notices {
		c := p.state[n.Stream]
		switch {
		case p.tables[n.Stream] == nil || n.Object == "":
			settled.Settled = append(settled.Settled, n.ID)
		case c == nil: // its checkpoint is damaged: reading the stream again, which mends that, brings this too
			settled.Settled = append(settled.Settled, n.ID)
		case p.settles(n, c):
			settled.Settled = append(settled.Settled, n.ID)
			settled = p.soon(settled, n.Stream)
		default:
			asked[n.Stream] = append(asked[n.Stream], n)
		}
	}
	if err := p.pass(settled); err != nil {
		return err
	}
	for _, name := range p.streams {
		if len(asked[name]) == 0 {
			continue
		}
		if err := p.isolate(name, p.named(name, asked[name])); err != nil {
			return err
		}
	}
	return nil
}

// settles reports whether a notice is done with without a call: a first load brings the change, unless
// it has to wait; so does the timer of what cannot be asked by id, and
// the next try of a feature that the company did not have. What a merge means they do not tell.
func (p *pull) settles(n engine.Notice, c *checkpoint) bool {
	switch {
	case !p.askable(n.Stream) || !c.Off.IsZero():
		return true
	case n.Change == engine.Merged && n.Loser != "":
		return false
	}
	return c.Load != nil && c.Since.IsZero() && p.task.Floor <= engine.Loading
}

// soon makes a stream's timer due, if it has one.
func (p *pull) soon(b engine.Batch, name string) engine.Batch {
	c := p.state[name]
	if !p.timed(name, c) && c.Off.IsZero() {
		return b
	}
	c.Due = time.Time{}
	if !c.Off.IsZero() {
		c.Off = time.Time{}
		p.prepare(name, c)
	}
	return p.noted(b, name)
}

// chunk is what one call asks for.
type chunk struct {
	ids     []string
	settled []int64
	into    map[string]string // of merges: by loser, the survivor
}

// chunks shares notices out so that each object is asked for once. A notice is settled with the last
// of its objects.
func chunks(notices []engine.Notice) []*chunk {
	all := []*chunk{{into: map[string]string{}}}
	in := map[string]int{}
	place := func(id string) int {
		if i, ok := in[id]; ok {
			return i
		}
		last := all[len(all)-1]
		if len(last.ids) == maxAsked {
			last = &chunk{into: map[string]string{}}
			all = append(all, last)
		}
		last.ids = append(last.ids, id)
		in[id] = len(all) - 1
		return in[id]
	}
	for _, n := range notices {
		i := place(n.Object)
		if n.Change == engine.Merged && n.Loser != "" && n.Loser != n.Object {
			loser := place(n.Loser)
			all[loser].into[n.Loser] = n.Object
			i = max(i, loser)
		}
		all[i].settled = append(all[i].settled, n.ID)
	}
	return all
}

// named reads the objects of one stream that notices name.
func (p *pull) named(name string, notices []engine.Notice) error {
	for _, c := range chunks(notices) {
		b, err := p.ask(name, c.ids, c.into)
		if fault.Is(err, fault.Invalid) && !tokenless(err) {
			if len(notices) > 1 { // it may be about one of them
				middle := len(notices) / 2
				if err := p.named(name, notices[:middle]); err != nil {
					return err
				}
				return p.named(name, notices[middle:])
			}
			b, err = p.soon(engine.Batch{}, name), nil
		}
		if err != nil {
			return err
		}
		b.Settled = c.settled
		if err := p.pass(b); err != nil {
			return err
		}
	}
	return nil
}

// ask reads some objects by id, maxAsked at most. Those that are not there are deleted; into tells of
// some by which objects they were swallowed.
func (p *pull) ask(name string, ids []string, into map[string]string) (engine.Batch, error) {
	gone, living, at, err := p.confirm(name, ids)
	if err != nil {
		return engine.Batch{}, err
	}
	if p.tables[name].Permanent {
		gone = nil
	}
	b := engine.Batch{Records: append(living, buried(name, gone, at)...)}
	swallowed := gone
	for i := range b.Records {
		r := &b.Records[i]
		if survivor := into[r.ID]; survivor != "" && p.tables[name].Merges && (r.Deleted || inactive(r.Raw)) {
			if r.MergedInto = survivor; !r.Deleted {
				swallowed = append(swallowed, r.ID)
			}
		}
	}
	return p.owe(b, name, swallowed)
}

// inactive reports whether an object of a list has been made so.
func inactive(raw []byte) bool {
	var o struct{ Active *bool }
	return json.Unmarshal(raw, &o) == nil && o.Active != nil && !*o.Active
}
