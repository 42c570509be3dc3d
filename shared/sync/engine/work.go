package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// work is one run in the making.
type work struct {
	*Engine
	keep, pull context.Context // of the bookkeeping, and of what may be cut short
	conn       org.Connection
	lease      org.Lease
	order      Order
	clock      *watch

	agenda  Agenda
	allowed Allowance
	run     RunID
	result  Result
	looked  bool // the feed of changes has answered
	swept   Swept
}

// plan finds out what there is to do, and what of it may be done. It waits while notices are being
// collected.
func (w *work) plan() (err error) {
	if w.agenda, err = w.Store.Agenda(w.keep, w.lease); err != nil {
		return fmt.Errorf("look up what there is to do: %w", err)
	}
	if n := w.agenda.Notices; len(n) > 0 && !w.agenda.Sweep && w.order.Reread == nil && n[0].Age < w.Collect {
		if err := w.collect(w.Collect - n[0].Age); err != nil {
			return err
		}
		if w.agenda, err = w.Store.Agenda(w.keep, w.lease); err != nil {
			return fmt.Errorf("look up what there is to do: %w", err)
		}
	}
	if w.Allow == nil || !w.needed() {
		return nil
	}
	if w.allowed, err = w.Allow(w.keep, w.conn); err != nil {
		return fmt.Errorf("look up the call budget: %w", err)
	}
	return nil
}

// needed reports whether there is anything to do.
func (w *work) needed() bool {
	return w.agenda.Sweep || len(w.agenda.Notices) > 0 || w.order.Reread != nil
}

// collect lets notices gather.
func (w *work) collect(d time.Duration) (err error) {
	defer w.clock.in(collecting)()
	ctx, step := span(w.pull, "collect")
	defer func() { end(step, err) }()
	return wait(ctx, d)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once is one run: pull all there is and write down how it went. The error is the run's own, or
// that of writing it down.
func (w *work) once() (_ Result, err error) {
	keep, step := span(w.keep, "run")
	defer func() {
		step.SetAttributes(append(w.result.Applied.counts(), attribute.Int64("run", int64(w.run)),
			attribute.String("outcome", string(w.result.Outcome)), attribute.Int("batches", w.result.Batches))...)
		end(step, err)
	}()
	w.keep, w.pull = keep, trace.ContextWithSpan(w.pull, step)
	src, err := w.open()
	streams := w.streams(src)
	if w.run, err = w.begin(streams, err); w.run == 0 {
		return Result{Outcome: Failed, Err: err}, err
	}
	w.result.Streams = map[string]error{}
	if err == nil {
		err = w.guard(w.keep, w.conn, func() error { return w.do(src) })
	}
	r := &w.result
	r.Usage = r.Usage.Add(src.Usage())
	if err == nil {
		err = r.nothing(streams)
	}
	r.settle(err, w.allowed)
	if a, ok := src.(Adviser); ok && r.State == org.Active && r.Reason == "" {
		r.Reason = a.Advice()
	}
	w.pace()
	if err := w.Store.Finish(w.keep, w.lease, w.run, *r); err != nil {
		return *r, fmt.Errorf("finish run %d: %w", w.run, err)
	}
	w.log(w.keep, w.conn, w.run, w.order.Reason, *r, w.clock)
	return *r, r.Err
}

// open makes the source, unless the budget leaves no call at all.
func (w *work) open() (src Source, err error) {
	defer w.clock.in(pulling)()
	if w.allowed.Floor >= Nothing {
		return none{}, &fault.Error{Kind: fault.RateLimited, Msg: w.allowed.Reason, After: w.allowed.After}
	}
	err = w.guard(w.keep, w.conn, func() (err error) { src, err = w.Open(w.pull, w.conn, w.lease); return err })
	if err != nil {
		return none{}, err
	}
	return src, nil
}

// streams names what the run is about: all streams, or those that notices name. It says nothing of the others.
func (w *work) streams(src Source) []string {
	all := src.Streams()
	if w.agenda.Sweep || w.order.Reread != nil {
		return all
	}
	var named []string
	for _, name := range all {
		if slices.ContainsFunc(w.agenda.Notices, func(n Notice) bool { return n.Stream == name }) {
			named = append(named, name)
		}
	}
	return named
}

// begin writes down that the run has begun. Without a run the error is that of writing it down.
func (w *work) begin(streams []string, err error) (RunID, error) {
	run, errBegin := w.Store.Begin(w.keep, w.lease, streams, w.order.Reason)
	if errBegin != nil {
		return 0, errBegin
	}
	return run, err
}

// do does what is to be done.
func (w *work) do(src Source) error {
	if err := w.reread(src); err != nil {
		return err
	}
	from, err := w.Store.Checkpoints(w.keep, w.conn.ID)
	if err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	task := Task{
		From: from, Local: w.Store.Local(w.conn.ID), Notices: w.agenda.Notices, Floor: w.allowed.Floor,
		Sweep: w.agenda.Sweep || w.order.Reread != nil, Connected: w.agenda.Connected,
	}
	for b, err := range w.timed(src.Pull(w.pull, task)) {
		var failed *StreamError
		switch {
		case errors.As(err, &failed) && isolated(failed.Err):
			w.result.Streams[failed.Stream] = failed.Err
			if err := w.pull.Err(); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		if err := w.apply(src, b); err != nil {
			return err
		}
		if err := w.pull.Err(); err != nil {
			return err
		}
	}
	return nil
}

// timed counts what the source takes for each batch, and makes it a step. Its calls are steps of the
// run: the source may make them ahead.
func (w *work) timed(pull iter.Seq2[Batch, error]) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		waited := w.clock.in(pulling)
		_, step := span(w.pull, "pull")
		defer func() { step.End(); waited() }()
		for b, err := range pull {
			step.SetAttributes(attribute.Int("records", len(b.Records)))
			var failed *StreamError
			if errors.As(err, &failed) {
				step.SetAttributes(attribute.String("stream", failed.Stream))
			}
			end(step, err)
			waited()
			if !yield(b, err) {
				return
			}
			waited = w.clock.in(pulling)
			_, step = span(w.pull, "pull")
		}
	}
}

// reread begins to read streams again.
func (w *work) reread(src Source) error {
	again, ok := src.(Rereader)
	if w.order.Reread == nil || !ok {
		return nil
	}
	asked := w.clock.in(pulling)
	readings, err := w.order.Reread(w.pull, again)
	asked()
	if err != nil || len(readings) == 0 {
		return err
	}
	from, err := w.Store.Checkpoints(w.keep, w.conn.ID)
	if err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	byName := map[string]*Batch{}
	for stream, r := range readings {
		at, err := again.Reread(stream, from[stream], r)
		if err != nil {
			return err
		}
		if bytes.Equal(at, from[stream]) {
			continue // it is under way, or there is nothing to read again
		}
		b := byName[r.Name]
		if b == nil {
			b = &Batch{Census: r.Name, Verify: r.Verify, Checkpoints: Checkpoints{}}
			byName[r.Name] = b
		}
		b.Checkpoints[stream] = at
		b.Loading = append(b.Loading, stream)
	}
	for _, b := range byName {
		if err := w.apply(src, *b); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) apply(src Source, b Batch) error {
	used := src.Usage()
	applied, err := w.store(b, used)
	if err != nil {
		w.result.Usage = used // not lost with the batch
		return fmt.Errorf("apply batch %d: %w", w.result.Batches+1, err)
	}
	w.result.Batches++
	w.result.Applied = w.result.Applied.Add(applied)
	if b.Swept != nil {
		w.looked = true
		w.swept.Found += b.Swept.Found
		w.swept.Missed += b.Swept.Missed
	}
	return nil
}

func (w *work) store(b Batch, used Usage) (applied Applied, err error) {
	defer w.clock.in(applying)()
	ctx, step := span(w.keep, "apply", attribute.StringSlice("streams", streamsOf(b)), attribute.Int("records", len(b.Records)),
		attribute.Bool("part", b.Part), attribute.Int("calls", used.Calls))
	applied, err = w.Store.Apply(ctx, w.lease, w.run, b, used)
	step.SetAttributes(applied.counts()...)
	end(step, err)
	return applied, err
}

// streamsOf names the streams that a batch moves.
func streamsOf(b Batch) []string { return slices.Sorted(maps.Keys(b.Checkpoints)) }

// again is how soon a sweep is repeated in which a stream was out of order, however seldom they are.
const again = 3 * time.Minute

// curable reports whether some stream's failure may be gone the next time.
func (w *work) curable() bool {
	for _, err := range w.result.Streams {
		if fault.Retry(err) {
			return true
		}
	}
	return false
}

// pace says when the next sweep is due.
func (w *work) pace() {
	r := &w.result
	switch {
	case r.Outcome != Done && r.Outcome != Partial:
	case w.agenda.Sweep || w.looked: // a source may look for all changes although only a webhook asked for it
		if r.Outcome == Partial && !w.looked && w.allowed.Floor <= Sweeping {
			return // what failed is the look for changes itself: the next tick tries again
		}
		r.Swept = w.allowed.Floor <= Sweeping
		if w.Pace != nil {
			r.Pace = w.Pace(w.agenda.Pace, w.swept, w.allowed)
		}
		if r.Outcome == Partial && w.curable() {
			r.Soon = max(again, w.allowed.Every)
		}
	case len(w.agenda.Notices) > 0 && w.Soon > 0:
		r.Soon = max(w.Soon, w.allowed.Every, w.allowed.EveryProven)
	}
}
