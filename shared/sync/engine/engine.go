// Package engine brings a provider's data in. It names no provider: a Source yields batches from
// checkpoints on, a Store keeps each atomically, and the Engine joins the two under a lease. First
// load, increments and re-reads are one loop.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Open makes the source of a connection. The lease lets it refresh the connection's token.
type Open func(ctx context.Context, c org.Connection, l org.Lease) (Source, error)

// Engine runs connections.
type Engine struct {
	Store  Store
	Open   Open
	Log    *slog.Logger
	Holder string        // names this process in leases
	Lease  time.Duration // how long a lease lasts without a sign of life; renewed at a third of it
	Budget time.Duration // how long Run may pull before it stops at a page border

	Soon    time.Duration                           // after a run for notices alone the next sweep comes within this, for what no webhook tells of; 0: when it is due
	Collect time.Duration                           // a run for notices alone waits until the oldest is this old, so that one call asks for many
	Allow   Allow                                   // nil: all work is done
	Pace    func(p Pace, s Swept, a Allowance) Pace // how often to sweep, after a sweep that found s; nil: as before
}

// Allow says what may be done for a connection now, seen from the app's call budget.
type Allow func(ctx context.Context, c org.Connection) (Allowance, error)

// Allowance is what the call budget leaves. The zero value allows everything.
type Allowance struct {
	Floor       Urgency       // work less urgent than this waits
	Every       time.Duration // sweeps come no more often than this
	EveryProven time.Duration // the same for connections whose webhooks are trusted
	Reason      string        // in words for people, when something waits
	After       time.Duration // with a Floor of Nothing: when to ask again
}

// Order is what Run is asked for.
type Order struct {
	Reason org.Reason
	// Reread names the streams to be read again, once the lease is held; nil: none. Its error is the run's.
	// It is not called while reading again has to wait.
	Reread func(ctx context.Context, src Rereader) (map[string]Reading, error)
}

// Report is what came of Run.
type Report struct {
	Runs   int    // how many were needed; 0: there was nothing to do, or the tick was merged into a run of another owner
	Result Result // of the last one
	More   bool   // there is more to do: ask again
}

// Run brings the connection up to date. When another owner is at work the tick is left with it and
// Run returns at once. A tick left with us while we work leads to another run, so that a change
// made before the tick is in the database when it has been answered.
//
// When stop is closed, ctx ends or the budget is used up, Run stops at a page border and Report.More
// is true. The error is that of the last run; single streams' failures are in its Result only.
//
// The log line of each of its runs tells how long each phase took; traced, the phases are spans below ctx's.
func (e *Engine) Run(ctx context.Context, c org.Connection, o Order, stop <-chan struct{}) (rep Report, err error) {
	ctx, all := span(ctx, "sync", about(c, o.Reason)...)
	defer func() {
		all.SetAttributes(attribute.Int("runs", rep.Runs), attribute.Bool("more", rep.More))
		end(all, err)
	}()
	clock := &watch{}
	clock.start(resting)
	if err := e.permit(ctx, c, o); err != nil {
		return Report{}, err
	}
	lease, ok, err := e.acquire(ctx, c, o, clock)
	if err != nil || !ok {
		return Report{}, err
	}
	return e.runs(context.WithValue(ctx, watchKey{}, clock), c, lease, o, clock, stop)
}

// acquire takes the lease.
func (e *Engine) acquire(ctx context.Context, c org.Connection, o Order, clock *watch) (l org.Lease, ok bool, err error) {
	defer clock.in(leasing)()
	ctx, step := span(ctx, "lease")
	l, ok, err = e.Store.Acquire(ctx, c.ID, o.Reason, e.Holder, e.Lease)
	step.SetAttributes(attribute.Bool("taken", ok)) // the store knows whether the tick was merged into another's run
	end(step, err)
	return l, ok, err
}

// runs does as many runs as it takes, under the lease, which it gives back.
func (e *Engine) runs(ctx context.Context, c org.Connection, lease org.Lease, o Order, clock *watch, stop <-chan struct{}) (rep Report, err error) {
	// What keeps the books of a run must outlive the caller's patience: only the pull ends with it.
	keep := context.WithoutCancel(ctx)
	pull, cancel := context.WithTimeout(ctx, e.Budget)
	defer cancel()
	defer e.renew(keep, lease, cancel)()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-pull.Done():
		}
	}()

	for ; ; clock.start(resting) {
		w := &work{Engine: e, keep: keep, pull: pull, conn: c, lease: lease, order: o, clock: clock}
		err := w.plan()
		if err == nil && w.needed() {
			rep.Runs++
			rep.Result, err = w.once()
		} else if pull.Err() != nil {
			err, rep.Result = nil, Result{Outcome: Halted}
		}
		if err != nil && fault.Is(err, fault.Conflict) {
			return rep, fmt.Errorf("run connection %d: %w", c.ID, err)
		}
		if halted := rep.Result.Outcome == Halted; halted || err != nil {
			noted, errAbandon := e.Store.Abandon(keep, lease)
			rep.More = halted || noted && fault.Retry(err)
			return rep, errors.Join(err, errAbandon)
		}
		o.Reread = nil // it has begun
		if w.agenda.More && rep.Result.Outcome == Done {
			continue
		}
		again, errRelease := e.Store.Release(keep, lease)
		if errRelease != nil || !again {
			return rep, errRelease
		}
	}
}

// rereadWait is how soon reading again is asked for once more that has to wait for calls.
const rereadWait = time.Hour

// permit refuses to read again while that has to wait: taking the lease would cost a sweep.
func (e *Engine) permit(ctx context.Context, c org.Connection, o Order) error {
	if o.Reread == nil || e.Allow == nil {
		return nil
	}
	a, err := e.Allow(ctx, c)
	if err != nil {
		return fmt.Errorf("look up the call budget: %w", err)
	}
	if a.Floor > Rereading {
		return &fault.Error{Kind: fault.RateLimited, Msg: a.Reason, After: max(a.After, rereadWait)}
	}
	return nil
}

// renew keeps the lease alive until the returned function is called; losing it cancels the pull.
func (e *Engine) renew(ctx context.Context, l org.Lease, cancel func()) (done func()) {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(e.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := e.Store.Renew(ctx, l, e.Lease); fault.Is(err, fault.Conflict) {
					cancel()
					return
				}
			}
		}
	}()
	return stop
}

// guard makes a source's panic an error, so that the run is written down as failed and the lease given back.
func (e *Engine) guard(ctx context.Context, c org.Connection, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.Log.ErrorContext(ctx, "panic", "event", "panic", "connection", int64(c.ID), "stack_trace", fault.Stack(p, debug.Stack()))
			err = fault.New(fault.Internal, "a programming error ended the run, the log tells where: report it; the next sync tries again")
		}
	}()
	return f()
}

// isolated reports whether a failure is one stream's own. One that the whole connection shares
// ends the pull: asking again for the next stream would only repeat it.
func isolated(err error) bool {
	switch fault.Of(err) {
	case fault.Reconnect, fault.Paused, fault.RateLimited, fault.Stopped, fault.Conflict:
		return false
	default:
		return true
	}
}

// PausedFor is how long a connection that its provider has closed for now is left alone.
const PausedFor = 24 * time.Hour

// settle draws the conclusions from how the pull ended: the outcome, the connection's state from
// now on, and the words for people.
func (r *Result) settle(err error, a Allowance) {
	r.Err, r.State = err, org.Active
	switch fault.Of(err) {
	case "":
		r.Outcome, r.Reason = Done, a.Reason
		if len(r.Streams) > 0 {
			r.Outcome = Partial
		}
		return
	case fault.Stopped:
		r.Outcome, r.Err, r.State = Halted, nil, "" // whatever it has become meanwhile
		return
	case fault.Reconnect:
		r.State = org.NeedsReauth
	case fault.Paused:
		r.State, r.NotUntil = org.Paused, PausedFor
	default:
		r.State, r.NotUntil = "", fault.After(err)
	}
	r.Outcome, r.Reason = Failed, words(err)
}

// nothing returns the first stream's failure when not one stream has got through.
func (r *Result) nothing(streams []string) error {
	if len(streams) == 0 || len(r.Streams) < len(streams) {
		return nil
	}
	return r.Streams[streams[0]]
}

// words returns what a failure says to people: the fault's own text, without the steps that led to it.
func words(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Error()
	}
	return err.Error()
}

func (e *Engine) log(ctx context.Context, c org.Connection, run RunID, reason org.Reason, r Result, clock *watch) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("event", "sync_run"),
		slog.String("org", string(c.Org)), slog.String("provider", string(c.Provider)),
		slog.Int64("connection", int64(c.ID)), slog.Int64("run", int64(run)),
		slog.String("reason", string(reason)), slog.String("outcome", string(r.Outcome)),
		slog.Int("written", r.Applied.Written), slog.Int("deleted", r.Applied.Deleted),
		slog.Int("unchanged", r.Applied.Unchanged), slog.Int("dead", r.Applied.Dead),
		slog.Int("batches", r.Batches),
	}
	attrs = append(attrs, clock.attrs()...)
	for stream, err := range r.Streams {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("failed_"+stream, err.Error()))
	}
	if r.Err != nil {
		level = severity(r.Kind())
		attrs = append(attrs, slog.String("kind", string(r.Kind())), slog.String("err", r.Err.Error()), slog.String("state", string(r.State)))
	}
	e.Log.LogAttrs(ctx, level, "sync run ended", attrs...)
}

// severity tells a run that failed because of the provider, the customer or the network, which the next
// tick or a person mends, from one that somebody here has to look at.
func severity(k fault.Kind) slog.Level {
	switch k {
	case fault.Reconnect, fault.Paused, fault.RateLimited, fault.Unavailable:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

// none stands in for a source that could not be opened.
type none struct{ Source }

func (none) Streams() []string { return nil }
func (none) Usage() Usage      { return Usage{} }
