// Package qbosource makes a QuickBooks company an engine.Source.
//
// A stream is loaded once, by pages in the order of the objects' last change, which edits cannot
// shift, up to the moment the load began. From then on change data capture tells what changed, in
// one call for all streams. Where it cannot (more changes than one answer holds, a checkpoint older
// than it remembers) the stream is read again, and what the provider no longer has is found by
// taking note of every id.
package qbosource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	// overlap is how far each call for changes looks back behind the one before: QuickBooks shows
	// some changes late, and its clock counts whole seconds.
	overlap = 2 * time.Minute
	// tooOld leaves a day before change data capture forgets.
	tooOld = quickbooks.MaxChangesAge - 24*time.Hour
)

// Options makes a Source. All but Meter and Page are required.
type Options struct {
	Client *quickbooks.Client
	Meter  *Meter // the client's Observe
	Tables []catalog.Table
	Now    func() time.Time
	Page   int // objects asked for at once; 0: 1000, the most there is
}

// Source reads one company. It serves one Pull at a time.
type Source struct {
	Options
	tables map[string]*catalog.Table
	names  []string
	lists  map[string]bool // streams whose inactive objects must be asked for
}

// New returns the source of the client's company.
func New(o Options) *Source {
	s := &Source{Options: o, tables: map[string]*catalog.Table{}, lists: map[string]bool{}}
	if s.Meter == nil {
		s.Meter = new(Meter)
	}
	if s.Page == 0 {
		s.Page = maxRecords
	}
	for i := range o.Tables {
		t := &o.Tables[i]
		s.tables[t.Stream] = t
		s.names = append(s.names, t.Stream)
		s.lists[t.Stream] = quickbooks.IsList(t)
	}
	return s
}

// Streams names the company's streams in the order in which they are loaded.
func (s *Source) Streams() []string { return s.names }

// Usage returns the calls made since it was last asked.
func (s *Source) Usage() engine.Usage { return s.Meter.take() }

// checkpoint is how far a stream is. Times are QuickBooks' own clock.
type checkpoint struct {
	Since time.Time `json:"since,omitzero"` // changes up to here are stored
	Load  *load     `json:"load,omitempty"` // a load or re-read that is not finished
}

// load is how far a load is.
type load struct {
	Until  time.Time `json:"until,omitzero"`   // when it began: later changes are left to change data capture
	Second time.Time `json:"second,omitzero"`  // the last change of the last object stored
	Place  int       `json:"place,omitempty"`  // how many objects of that second are stored
	Last   string    `json:"last,omitempty"`   // the key of the last of them
	Census string    `json:"census,omitempty"` // everything again, taking note of every id
}

func (c checkpoint) raw() json.RawMessage {
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("a checkpoint is always JSON: %v", err))
	}
	return b
}

// state reads the checkpoints and decides for each stream whether it has to be loaded.
func (s *Source) state(from engine.Checkpoints) (map[string]*checkpoint, error) {
	state := map[string]*checkpoint{}
	for _, name := range s.names {
		c := new(checkpoint)
		if raw := from[name]; raw != nil {
			if err := json.Unmarshal(raw, c); err != nil {
				return nil, fault.Wrap(fault.Internal, "the checkpoint of "+name+" is damaged", err)
			}
		}
		switch {
		case c.Load != nil && c.Load.Until.IsZero(), c.Load == nil && c.Since.IsZero():
			c.Load = &load{}
		case c.Load != nil && s.Now().Sub(c.Load.Until) > tooOld, c.Load == nil && s.Now().Sub(c.Since) > tooOld:
			c.Load = s.census() // what was deleted meanwhile nobody tells any more
		}
		state[name] = c
	}
	return state, nil
}

// census is a load of everything that takes note of every id.
func (s *Source) census() *load {
	return &load{Census: s.Now().UTC().Format("20060102T150405.000000000")}
}

// Pull implements engine.Source.
func (s *Source) Pull(ctx context.Context, from engine.Checkpoints, local engine.Local) iter.Seq2[engine.Batch, error] {
	return func(yield func(engine.Batch, error) bool) {
		state, err := s.state(from)
		if err != nil {
			yield(engine.Batch{}, err)
			return
		}
		p := &pull{Source: s, ctx: ctx, local: local, state: state, yield: yield}
		if err := p.run(); err != nil && !errors.Is(err, errEnough) {
			yield(engine.Batch{}, err)
		}
	}
}

// pull is one call of Pull.
type pull struct {
	*Source
	ctx   context.Context
	local engine.Local
	state map[string]*checkpoint
	yield func(engine.Batch, error) bool
	down  int // streams in a row that QuickBooks was unavailable for
}

func (p *pull) run() error {
	// A long load must not let the streams wait that are loaded.
	if n := len(p.loaded()); n < len(p.names) {
		if err := p.changes(p.loaded()); err != nil {
			return err
		}
	}
	for _, name := range p.names {
		if err := p.isolate(name, p.load(name)); err != nil {
			return err
		}
	}
	return p.changes(p.loaded())
}

// loaded names the streams that change data capture can serve.
func (p *pull) loaded() (names []string) {
	for _, name := range p.names {
		if p.state[name].Load == nil {
			names = append(names, name)
		}
	}
	return names
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

// Meter counts a client's calls: its Observe method is the client's.
type Meter struct{ calls, metered atomic.Int64 }

// Observe counts one answer.
func (m *Meter) Observe(c quickbooks.Call) {
	m.calls.Add(1)
	if c.Metered {
		m.metered.Add(1)
	}
}

func (m *Meter) take() engine.Usage {
	return engine.Usage{Calls: int(m.calls.Swap(0)), Metered: int(m.metered.Swap(0))}
}
