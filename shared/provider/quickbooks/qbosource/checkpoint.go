package qbosource

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	// overlap is how far each call for changes looks back behind the one before: QuickBooks shows
	// some changes late, and its clock counts whole seconds.
	overlap = 2 * time.Minute
	// timedOverlap is that of streams read by a timer: some of them tell the day of a change only.
	timedOverlap = 36 * time.Hour
	// tooOld leaves a day before change data capture forgets.
	tooOld = quickbooks.MaxChangesAge - 24*time.Hour

	refusedEvery = time.Hour          // how often a stream is read that change data capture refuses
	refusedFor   = 7 * 24 * time.Hour // until change data capture is tried again
	wholeEvery   = 7 * 24 * time.Hour // how often a stream of several pages is read whole, for its deletions
	offFor       = 24 * time.Hour     // until a feature that the company does not have is tried again
)

// checkpoint is how far a stream is. Times are QuickBooks' own clock, unless they say otherwise.
type checkpoint struct {
	Since  time.Time `json:"since,omitzero"`   // changes up to here are stored, deletions among them
	Load   *load     `json:"load,omitempty"`   // reading that is not finished and that the stream waits for
	Reread *load     `json:"reread,omitempty"` // reading again beside the running changes
	Merged []object  `json:"merged,omitempty"` // what was merged into others: what refers to it here is to be read again

	Read time.Time `json:"read,omitzero"` // of a stream read by a timer: changes up to here are stored, without deletions
	Due  time.Time `json:"due,omitzero"`  // of such a stream: when to read it next
	Big  bool      `json:"big,omitempty"` // it has more than one page

	Refused   time.Time `json:"refused,omitzero"`    // by our clock: change data capture refused it, a timer takes its place
	Off       time.Time `json:"off,omitzero"`        // by our clock: QuickBooks refused it, the company does not have the feature
	Unordered bool      `json:"unordered,omitempty"` // it cannot be had in the order of the last change
}

// object names one object of a company.
type object struct {
	Stream string `json:"stream"`
	ID     string `json:"id"`
}

// load is how far a load or a re-reading is.
type load struct {
	Name   string    `json:"name,omitempty"`   // of a reading that was asked for
	Until  time.Time `json:"until,omitzero"`   // when it began: later changes are left to change data capture
	Second time.Time `json:"second,omitzero"`  // the last change of the last object stored
	Place  int       `json:"place,omitempty"`  // how many objects of that second are stored
	Last   string    `json:"last,omitempty"`   // the key of the last of them
	Census string    `json:"census,omitempty"` // takes note of every id under this name

	From      time.Time `json:"from,omitzero"`       // only what was changed since
	To        time.Time `json:"to,omitzero"`         // and no later
	Verify    bool      `json:"verify,omitempty"`    // compare every stored value
	Full      bool      `json:"full,omitempty"`      // a page was full: there may be more than one
	Total     int       `json:"total,omitempty"`     // how many objects there are, once it is known
	Unordered bool      `json:"unordered,omitempty"` // by position, in QuickBooks' own order: Second stays zero
}

// whole reports whether everything is read, so that what is not met is gone.
func (l *load) whole() bool { return l.Census != "" && l.From.IsZero() && l.To.IsZero() }

// again begins a load anew.
func (l *load) again() *load {
	return &load{Name: l.Name, Until: l.Until, Second: l.From, Census: l.Census, From: l.From, To: l.To, Verify: l.Verify, Total: l.Total, Unordered: l.Unordered}
}

// census is a load of everything that takes note of every id.
func (s *Source) census() *load {
	return &load{Census: s.Now().UTC().Format("20060102T150405.000000000")} // what refused to be ordered once may do so now
}

func (c checkpoint) raw() json.RawMessage {
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("a checkpoint is always JSON: %v", err))
	}
	return b
}

// parse reads a checkpoint; none is one that is at the start.
func parse(name string, raw json.RawMessage) (*checkpoint, error) {
	c := new(checkpoint)
	if len(raw) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, fault.Wrap(fault.Internal, "the checkpoint of "+name+" is damaged: read the stream again", err)
	}
	return c, nil
}

// open reads the checkpoints and decides for each stream whether it has to be loaded. A damaged one
// stops its own stream only.
func (p *pull) open() error {
	for _, name := range p.names {
		c, err := parse(name, p.task.From[name])
		if err != nil {
			if err := p.isolate(name, err); err != nil {
				return err
			}
			continue
		}
		p.prepare(name, c)
		p.state[name] = c
		p.streams = append(p.streams, name)
	}
	return nil
}

func (p *pull) prepare(name string, c *checkpoint) {
	old := func(t time.Time) bool { return p.Now().Sub(t) > tooOld }
	switch {
	case !c.Off.IsZero() && p.Now().Sub(c.Off) < offFor:
		return
	case c.Load != nil && c.Load.Until.IsZero(): // it ended within its first page
		c.Load = c.Load.again()
	case c.Load == nil && c.Since.IsZero():
		c.Load = &load{Unordered: c.Unordered}
	case p.timed(name, c):
	case c.Load != nil && old(c.Load.Until), c.Load == nil && old(c.Since):
		c.Load = p.census() // what was deleted meanwhile nobody tells any more
	}
	c.Off = time.Time{}
}

// timed reports whether a stream is read by a timer, because change data capture leaves it out.
func (s *Source) timed(name string, c *checkpoint) bool {
	return s.tables[name].Every > 0 || !c.Refused.IsZero()
}

func (s *Source) every(name string) time.Duration {
	if every := s.tables[name].Every; every > 0 {
		return every
	}
	return refusedEvery
}

// phase is a part of d, always the same for a company's stream: so the timers of many companies do not
// go off together.
func (s *Source) phase(name string, d time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(s.Client.Realm() + "/" + name))
	return time.Duration(h.Sum64() % uint64(d))
}

// urgency says how pressing a stream's load is.
func (s *Source) urgency(name string, c *checkpoint) engine.Urgency {
	switch {
	case c.Since.IsZero() && c.Load.Census == "":
		return engine.Loading
	case s.timed(name, c):
		return engine.Timing
	default:
		return engine.Sweeping
	}
}

// loaded makes c what it is once its load has ended.
func (s *Source) loaded(name string, c *checkpoint) {
	l, first := c.Load, c.Since.IsZero()
	c.Load, c.Off, c.Unordered = nil, time.Time{}, l.Unordered
	c.Read = latest(c.Read, l.Until)
	if l.From.IsZero() {
		c.Since, c.Big = latest(c.Since, l.Until), l.Full
	}
	if s.timed(name, c) {
		wait := s.every(name)
		if first {
			wait = wait/2 + s.phase(name, wait)
		}
		c.Due = l.Until.Add(wait)
	}
	if l.Census != "" && c.Reread != nil && c.Reread.Census != "" { // its notes have gone with those of the load
		c.Reread = c.Reread.again()
	}
}

// latest never lets a checkpoint go back: QuickBooks has more than one clock.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
