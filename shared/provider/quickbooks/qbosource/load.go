package qbosource

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// load brings a stream to where change data capture can take over. It returns at once when the
// stream is there already.
func (p *pull) load(name string) error {
	c := p.state[name]
	for c.Load != nil {
		if err := p.pages(name, c); err != nil {
			return err
		}
		if err := p.close(name, c); err != nil {
			return err
		}
	}
	return nil
}

// pages reads what is left of a load. Reading runs one batch ahead of storing.
func (p *pull) pages(name string, c *checkpoint) error {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	r := &reader{
		source: p.Source, stream: name, at: *c.Load,
		ready: make(chan work), free: make(chan *builder, 2),
	}
	r.free <- &builder{source: p.Source}
	r.free <- &builder{source: p.Source}
	failed := make(chan error, 1)
	go func() {
		defer close(r.ready)
		failed <- caught(func() error { return r.read(ctx) })
	}()
	for w := range r.ready {
		c.Load = &w.at
		b := w.builder.batch()
		b.Census = w.at.Census
		b.Checkpoints = engine.Checkpoints{name: c.raw()}
		b.Loading = []string{name}
		if !p.yield(b, nil) {
			cancel()
			for range r.ready { // let the reader see that it is over
			}
			return errEnough
		}
		w.builder.reset()
		r.free <- w.builder
	}
	err := <-failed
	if p, ok := err.(*panicked); ok { //nolint:errorlint // nothing wraps it on its way
		panic(p)
	}
	return err
}

// panicked carries a panic of the reader to the goroutine of whoever pulls: on its own one it would
// end the process.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }

func caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p, debug.Stack()}
		}
	}()
	return f()
}

// close ends a load whose pages are all stored: objects that a re-read has not met are deleted, and
// change data capture goes on from where the load began.
func (p *pull) close(name string, c *checkpoint) error {
	done := checkpoint{Since: c.Load.Until}
	b := engine.Batch{}
	if c.Load.Census != "" {
		if err := p.sweep(name, c.Load.Census); err != nil {
			return err
		}
		b.EndCensus = []string{name}
	}
	b.Checkpoints = engine.Checkpoints{name: done.raw()}
	if !p.yield(b, nil) {
		return errEnough
	}
	*c = done
	return nil
}

// sweep marks as deleted what the census has not named and QuickBooks, asked for it by id, does not have.
func (p *pull) sweep(name, census string) error {
	for after := ""; ; {
		ids, err := p.local.Absent(p.ctx, name, census, after, maxAsked)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		b := &builder{source: p.Source}
		gone, at, err := p.confirm(b, name, ids)
		if err != nil {
			return err
		}
		batch := b.batch()
		for _, id := range gone {
			batch.Records = append(batch.Records, engine.Record{Stream: name, ID: id, Version: at, Deleted: true})
		}
		if !p.yield(batch, nil) {
			return errEnough
		}
	}
}

// maxAsked is how many ids are asked for at once: each may come back with thousands of lines.
const maxAsked = 200

// confirm asks for objects by id. It returns those that QuickBooks does not have, and its clock;
// those that it has are added to b.
func (p *pull) confirm(b *builder, name string, ids []string) (gone []string, at time.Time, err error) {
	alive, anonymous := map[string]bool{}, false
	page, err := p.Client.Query(p.ctx, quickbooks.Query{Entity: name, IDs: ids, Inactive: p.lists[name]}, func(raw []byte) error {
		id, _ := b.add(name, raw)
		alive[id] = true
		anonymous = anonymous || b.records[len(b.records)-1].ID == ""
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	if page.Full() && page.Rows < len(ids) {
		return nil, time.Time{}, fault.New(fault.Unavailable, "QuickBooks is too slow to answer for single objects")
	}
	if anonymous { // a record without a readable id may be any of them
		return nil, time.Time{}, fault.New(fault.Invalid, "QuickBooks answered for single objects with one that has no id")
	}
	for _, id := range ids {
		if !alive[id] {
			gone = append(gone, id)
		}
	}
	if page.Time.IsZero() {
		err = errNoTime
	}
	return gone, page.Time, err
}

var errNoTime = fault.New(fault.Unavailable, "QuickBooks did not say what time it is")

// work is one batch's worth of a load, and where the load is after it.
type work struct {
	builder *builder
	at      load
}

// reader reads the pages of a load, in the order of the objects' last change.
//
// Objects that are edited meanwhile leave the window, and those behind them move up. So each page
// begins at the second of the last object read, on that very object: when another one stands there,
// something in that second has moved, and the second is read again from its first object.
type reader struct {
	source *Source
	stream string
	at     load
	ready  chan work
	free   chan *builder
}

// maxAgain bounds how often one second is read again within a run.
const maxAgain = 5

func (r *reader) read(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	b, err := r.take(ctx)
	if err != nil {
		return err
	}
	var moved time.Time // the second that is read again, and how often
	for again := 0; ; {
		pg := page{start: r.at}
		q := r.query()
		q.Attempt = pg.begin
		answer, err := r.source.Client.Query(ctx, q, func(raw []byte) error {
			if err := pg.meet(b, r.stream, raw); err != nil || !b.full() {
				return err
			}
			b, err = r.pass(ctx, b, pg.at)
			return err
		})
		if err == nil && answer.Rows == 0 && r.at.Place > 0 {
			err = errMoved // not even the object that was read last stands there
		}
		switch {
		case errors.Is(err, errMoved):
			if !moved.Equal(r.at.Second) {
				moved, again = r.at.Second, 0
			}
			if again++; again > maxAgain {
				return fault.New(fault.Unavailable, fmt.Sprintf("objects last changed at %s keep moving while they are read", r.at.Second.Format(time.RFC3339)))
			}
			r.at.Place, r.at.Last = 0, ""
			continue
		case err != nil:
			return err
		}
		r.at = pg.at
		if !answer.Full() {
			_, err := r.pass(ctx, b, r.at)
			return err
		}
	}
}

// begin notes when a load began, by QuickBooks' clock: before the first object is read, so that no
// deletion falls between the load and the first call for changes.
func (r *reader) begin(ctx context.Context) error {
	if !r.at.Until.IsZero() {
		return nil
	}
	q := quickbooks.Query{Entity: r.stream, Max: 1}
	answer, err := r.source.Client.Query(ctx, q, func([]byte) error { return nil })
	if err == nil && answer.Time.IsZero() {
		err = errNoTime
	}
	r.at.Until = answer.Time
	return err
}

// query asks for the next page.
func (r *reader) query() quickbooks.Query {
	q := quickbooks.Query{Entity: r.stream, Inactive: r.source.lists[r.stream], Start: max(r.at.Place, 1), Max: r.source.Page}
	q.Updated = quickbooks.Range{From: r.at.Second, To: r.at.Until}
	return q
}

// take waits for an empty builder, pass hands a full one over.
func (r *reader) take(ctx context.Context) (*builder, error) {
	select {
	case b := <-r.free:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *reader) pass(ctx context.Context, b *builder, at load) (*builder, error) {
	select {
	case r.ready <- work{b, at}:
		return r.take(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
