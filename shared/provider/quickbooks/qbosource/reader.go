package qbosource

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
)

// work is one batch's worth of a load, and where the load is after it.
type work struct {
	builder *builder
	at      load
	end     bool      // the load's last
	clock   time.Time // QuickBooks', of the last answer
}

// reader reads the pages of a load, in the order of the objects' last change.
//
// Objects that are edited meanwhile leave the window, and those behind them move up. So each page
// begins at the second of the last object read, on that very object: when another one stands there,
// something in that second has moved, and the second is read again from its first object.
//
// The first page of a load has no upper bound: its answer tells when the load began, by QuickBooks'
// clock. That is before its first object was read, so that no deletion falls between the load and the
// first call for changes.
type reader struct {
	source *Source
	stream string
	at     load
	once   bool      // the first page only
	clock  time.Time // QuickBooks', of the last answer
	ready  chan work
	free   chan *builder

	moved   time.Time // the second that is read again, and how often
	again   int
	ordered error // why it is not read in the order of the last change
	counted bool
}

// maxAgain bounds how often one second is read again within a run.
const maxAgain = 5

// read reads a load from where it is, and gives each batch's worth to each. Reading runs one batch
// ahead.
func (p *pull) read(name string, at load, once bool, each func(work) error) error {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	r := &reader{
		source: p.Source, stream: name, at: at, once: once, clock: p.clock,
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
		p.saw(w.clock)
		if err := each(w); err != nil {
			cancel()
			for range r.ready { // let the reader see that it is over
			}
			return err
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

func (r *reader) read(ctx context.Context) error {
	b, err := r.take(ctx)
	if err != nil {
		return err
	}
	for {
		pg := page{start: r.at}
		b.seen = r.clock
		q := r.query()
		q.Attempt = pg.begin
		answer, err := r.source.Client.Query(ctx, q, func(raw []byte) error {
			if err := pg.meet(b, r.stream, raw); err != nil || !b.full() {
				return err
			}
			b, err = r.pass(ctx, work{builder: b, at: pg.at})
			return err
		})
		if err == nil && answer.Rows == 0 && r.at.Place > 0 {
			err = errMoved // not even the object that was read last stands there
		}
		if err != nil {
			if err = r.over(err); err != nil {
				return err
			}
			continue
		}
		if err := r.answered(answer, pg.at); err != nil {
			return err
		}
		if r.once || !answer.Full() {
			_, err := r.pass(ctx, work{builder: b, at: r.at, end: true})
			return err
		}
		r.count(ctx)
	}
}

// answered takes note of a page that has been read.
func (r *reader) answered(p quickbooks.Page, at load) error {
	if at.Until.IsZero() {
		if p.Time.IsZero() {
			return errNoTime
		}
		at.Until = r.source.sane(p.Time)
	}
	at.Full = at.Full || p.Full()
	r.at, r.clock = at, latest(r.clock, p.Time)
	return nil
}

// over decides whether the page that failed is asked for in another way. The error is final.
func (r *reader) over(err error) error {
	switch {
	case errors.Is(err, errMoved):
		if !r.moved.Equal(r.at.Second) {
			r.moved, r.again = r.at.Second, 0
		}
		if r.again++; r.again > maxAgain {
			return fault.New(fault.Unavailable, r.restless())
		}
		r.at.Place, r.at.Last = 0, ""
		return nil
	case fault.Is(err, fault.Invalid) && !tokenless(err) && r.at.Place == 0 && !r.at.Unordered:
		// Perhaps it is the order that it does not understand.
		r.at.Unordered, r.ordered = true, err
		return nil
	case r.ordered != nil && fault.Is(err, fault.Invalid):
		return r.ordered
	}
	return err
}

func (r *reader) restless() string {
	if r.at.Unordered {
		return "objects that cannot be read in the order of their last change keep moving while they are read"
	}
	return fmt.Sprintf("objects last changed at %s keep moving while they are read", r.at.Second.Format(time.RFC3339))
}

// query asks for the next page.
func (r *reader) query() quickbooks.Query {
	q := quickbooks.Query{
		Entity: r.stream, Inactive: r.source.lists[r.stream], Start: max(r.at.Place, 1), Max: r.source.Page,
		Unordered: r.at.Unordered,
	}
	if !r.at.Unordered {
		q.Updated = quickbooks.Range{From: r.at.Second, To: r.at.end()}
	}
	return q
}

// end is the upper bound of what is read; zero: none.
func (l *load) end() time.Time {
	if l.Until.IsZero() || !l.To.IsZero() && l.To.Before(l.Until) {
		return l.To
	}
	return l.Until
}

// count finds out, once, how many objects a load of several pages is to read. It is for people, so
// its failure is none.
func (r *reader) count(ctx context.Context) {
	if r.counted || r.at.Total > 0 {
		return
	}
	r.counted = true
	q := quickbooks.Query{Entity: r.stream, Inactive: r.source.lists[r.stream]}
	if !r.at.Unordered {
		q.Updated = quickbooks.Range{From: r.at.From, To: r.at.end()}
	}
	if n, err := r.source.Client.Count(ctx, q); err == nil {
		r.at.Total = n
	}
}

// take waits for an empty builder, pass hands a full one over.
func (r *reader) take(ctx context.Context) (*builder, error) {
	select {
	case b := <-r.free:
		b.seen = r.clock
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *reader) pass(ctx context.Context, w work) (*builder, error) {
	w.clock = r.clock
	select {
	case r.ready <- w:
		return r.take(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
