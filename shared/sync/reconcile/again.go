package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	// maxFruitless is how many runs in a row may bring nothing before we give up.
	maxFruitless = 6
	// maxClosed is how long we wait for a provider that has asked us to.
	maxClosed = 15 * time.Minute
	// maxHeld is how long we wait for others' runs.
	maxHeld = 30 * time.Minute
	// lookAgain is how long we wait before we look whether the others' run has ended.
	lookAgain = 2 * time.Second
)

// drive is one connection's runs until its streams are read.
type drive struct {
	*Worker
	conn    org.Connection
	reason  org.Reason
	streams []string
	begin   func(context.Context, engine.Rereader) (map[string]engine.Reading, error) // nil: it has begun

	last      Standing
	failed    map[string]error // of the last run
	waits     string           // why the last run has left something
	fruitless int
	held      time.Duration
}

// again runs a connection until all of the streams are loaded and none is being read any more. begin is called under the
// lease, once it counts, and says which streams are to be read again. failed tells of the streams that
// could not be brought to their end, err of the whole connection.
func (w *Worker) again(ctx context.Context, c org.Connection, reason org.Reason, streams []string,
	begin func(context.Context, engine.Rereader) (map[string]engine.Reading, error),
) (failed map[string]error, err error) {
	d := &drive{Worker: w, conn: c, reason: reason, streams: streams, begin: begin}
	for {
		if err := d.free(ctx); err != nil {
			return nil, err
		}
		ran, err := d.run(ctx)
		if ctx.Err() != nil {
			return nil, fault.New(fault.Stopped, "it was stopped: start it again, and it goes on")
		}
		if err != nil {
			if err := d.later(ctx, err); err != nil {
				return nil, err
			}
			continue
		}
		left, moved, err := d.look(ctx)
		switch {
		case err != nil:
			return nil, err
		case d.begin == nil && len(left) == 0:
			return nil, nil
		case !ran:
			continue
		}
		if failed, err := d.stuck(ctx, left, moved); failed != nil || err != nil {
			return failed, err
		}
	}
}

// free waits until nobody is at work on the connection and it may be worked on. Asking for its lease
// instead would have the others begin once more, at the cost of their calls.
func (d *drive) free(ctx context.Context) error {
	for {
		_, _, err := d.look(ctx)
		s := d.last
		switch {
		case err != nil:
			return err
		case !s.State.Syncs():
			return fault.New(fault.Reconnect, fmt.Sprintf("the connection is %s: %s", s.State, s.Reason))
		case s.Closed > maxClosed:
			return &fault.Error{Kind: fault.RateLimited, After: s.Closed,
				Msg: fmt.Sprintf("it is not to be worked on for another %s: %s", s.Closed.Round(time.Second), s.Reason)}
		case s.Closed > 0:
			d.say(ctx, "waits, as the provider has asked", "wait", s.Closed.Round(time.Second))
			err = d.wait(ctx, s.Closed)
		case s.Held && d.held >= maxHeld:
			return fault.New(fault.Conflict, fmt.Sprintf("others have been at work on it for %s: try again later", maxHeld))
		case s.Held:
			if d.held == 0 {
				d.say(ctx, "waits for a run at work")
			}
			d.held += lookAgain
			err = d.wait(ctx, lookAgain)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// run is one run. It has not run when somebody else was faster.
func (d *drive) run(ctx context.Context) (ran bool, err error) {
	order, begun, none := engine.Order{Reason: d.reason}, false, false
	if d.begin != nil {
		order.Reread = func(ctx context.Context, src engine.Rereader) (map[string]engine.Reading, error) {
			readings, err := d.begin(ctx, src)
			begun, none = err == nil, len(readings) == 0
			return readings, err
		}
	}
	rep, err := d.Run(ctx, d.conn, order, nil)
	// What was begun counts once its checkpoints are stored, which is a batch of its own.
	if begun && (err == nil || none || rep.Runs > 1 || rep.Result.Batches > 0) {
		d.begin = nil
	}
	d.failed, d.waits = rep.Result.Streams, ""
	if rep.Runs == 0 && err == nil {
		d.held += lookAgain
		return false, d.wait(ctx, lookAgain)
	}
	d.held = 0
	if !rep.More {
		d.waits = rep.Result.Reason
		if d.waits == "" {
			d.waits = "it waits for its turn"
		}
	}
	return true, err
}

// look reads how far the streams are: which are left, and whether they have moved since the last look.
func (d *drive) look(ctx context.Context) (left []string, moved bool, err error) {
	s, err := d.Store.Standing(ctx, d.conn.ID)
	if err != nil {
		return nil, false, err
	}
	for _, name := range d.streams {
		is, was := s.Streams[name], d.last.Streams[name]
		moved = moved || d.failed[name] == nil && (is.Loading != was.Loading || is.Ever != was.Ever || is.Done != was.Done)
		if is.Loading || !is.Ever {
			left = append(left, name)
		}
	}
	d.last = s
	return left, moved, nil
}

// stuck decides what becomes of what a run has left. Without a failure there is another run.
func (d *drive) stuck(ctx context.Context, left []string, moved bool) (failed map[string]error, err error) {
	failing := slices.ContainsFunc(left, func(name string) bool { return d.failed[name] != nil })
	if moved {
		if d.fruitless = 0; failing {
			return nil, d.wait(ctx, patience(1))
		}
		return nil, nil
	}
	if d.fruitless++; d.fruitless < maxFruitless {
		switch {
		case d.waits == "": // the time of the run was up
			return nil, nil
		case failing && d.curable(left):
			return nil, d.wait(ctx, patience(d.fruitless))
		}
	}
	if len(left) == 0 { // it was never begun
		return nil, fault.New(fault.Unavailable, d.reasonLeft())
	}
	failed = map[string]error{}
	for _, name := range left {
		if failed[name] = d.failed[name]; failed[name] == nil {
			failed[name] = fault.New(fault.Unavailable, d.reasonLeft())
		}
	}
	return failed, nil
}

func (d *drive) reasonLeft() string {
	if d.waits == "" {
		return "it gets no further: see the log of the runs"
	}
	return d.waits
}

// curable reports whether no failure of what is left needs somebody's help.
func (d *drive) curable(left []string) bool {
	return !slices.ContainsFunc(left, func(name string) bool { return d.failed[name] != nil && !fault.Retry(d.failed[name]) })
}

// later waits before a run that has failed is tried again; its error says that it is of no use.
func (d *drive) later(ctx context.Context, err error) error {
	if d.fruitless++; !fault.Retry(err) || d.fruitless >= maxFruitless || fault.After(err) > maxClosed {
		return err
	}
	pause := max(patience(d.fruitless), fault.After(err))
	d.say(ctx, "the run failed and is tried again", "wait", pause, "kind", string(fault.Of(err)), "err", err.Error())
	return d.wait(ctx, pause)
}

// patience doubles from 2 s on.
func patience(n int) time.Duration { return time.Second << min(n, 6) }

func (w *Worker) wait(ctx context.Context, pause time.Duration) error {
	if w.Wait != nil {
		return w.Wait(ctx, pause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Stopped, "it was stopped: start it again, and it goes on")
	}
}

func (d *drive) say(ctx context.Context, msg string, args ...any) {
	d.Log.InfoContext(ctx, msg, append([]any{"event", "waiting", "org", string(d.conn.Org), "connection", int64(d.conn.ID)}, args...)...)
}
