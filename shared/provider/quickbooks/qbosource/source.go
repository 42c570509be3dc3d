// Package qbosource makes a QuickBooks company an engine.Source.
//
// A stream is loaded once, by pages in the order of the objects' last change, which edits cannot
// shift, up to the moment the load began. From then on change data capture tells what changed, in
// one call for all streams that it covers; the others are read again by a timer. Where change data
// capture cannot tell (more changes than one answer holds, a checkpoint older than it remembers) the
// stream is read again, and what the provider no longer has is found by taking note of every id.
//
// What a webhook names is read by id, before anything else.
package qbosource

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Options makes a Source. All but Meter and Page are required.
type Options struct {
	Client *quickbooks.Client
	Meter  *Meter // the client's Observe
	Tables []catalog.Table
	Now    func() time.Time
	Page   int // objects asked for at once, and stored at once; 0: 1000, the most there is
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

// askable reports whether a stream's objects can be asked for by id: those of an id in several parts,
// or wrapped in another object, cannot.
func (s *Source) askable(name string) bool { return !strings.ContainsAny(s.tables[name].ID, ",*") }

// Pull implements engine.Source.
//
// Notices come first, and what a merge left to be read again. Then, when the task is to sweep, by
// urgency: changes, loads, streams read by a timer, re-readings. An idle sweep is one call.
func (s *Source) Pull(ctx context.Context, t engine.Task) iter.Seq2[engine.Batch, error] {
	return func(yield func(engine.Batch, error) bool) {
		p := &pull{Source: s, ctx: ctx, task: t, yield: yield, state: map[string]*checkpoint{}, judging: true}
		if err := p.run(); err != nil && !errors.Is(err, errEnough) {
			yield(engine.Batch{}, err)
		}
	}
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

var _ engine.Rereader = (*Source)(nil)
