package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// LetterStore keeps the records that could not be stored. See engine.Store for the methods of a run.
type LetterStore interface {
	Acquire(ctx context.Context, id org.ConnectionID, reason org.Reason, holder string, ttl time.Duration) (l org.Lease, ok bool, err error)
	Abandon(ctx context.Context, l org.Lease) (noted bool, err error)
	Begin(ctx context.Context, l org.Lease, streams []string, reason org.Reason) (engine.RunID, error)
	Finish(ctx context.Context, l org.Lease, run engine.RunID, r engine.Result) error

	// Lettered names the streams of which a connection has open dead letters.
	Lettered(ctx context.Context, id org.ConnectionID) (streams []string, err error)
	// ReplayDeadLetters tries to store a stream's open dead letters again. What still cannot be stored
	// is counted as Dead, and stays open.
	ReplayDeadLetters(ctx context.Context, l org.Lease, run engine.RunID, stream string) (engine.Applied, error)
}

// replayLease is how long a transaction of a replay may take: each makes the lease last anew.
const replayLease = 2 * time.Minute

// Replay tries to store the dead letters of a connection again, of these streams: none of it is asked of
// the provider. It waits for a run at work, and is a run of its own. A line for each stream tells what
// came of it. The error names the streams that were not gone through.
func (w *Worker) Replay(ctx context.Context, c org.Connection, s LetterStore, holder string, streams []string) error {
	open, err := s.Lettered(ctx, c.ID)
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(name string) bool { return !slices.Contains(streams, name) })
	if len(open) == 0 {
		return nil
	}
	lease, err := w.lease(ctx, c, s, holder)
	if err != nil {
		return err
	}
	err = w.replay(ctx, c, s, lease, open)
	// A tick that came meanwhile is one of many: the next makes up for it.
	_, errAbandon := s.Abandon(context.WithoutCancel(ctx), lease)
	return errors.Join(err, errAbandon)
}

// lease waits until nobody is at work on the connection, and takes it without asking for anything else to be done.
func (w *Worker) lease(ctx context.Context, c org.Connection, s LetterStore, holder string) (org.Lease, error) {
	d := &drive{Worker: w, conn: c}
	for {
		if err := d.free(ctx); err != nil {
			return org.Lease{}, err
		}
		if l, ok, err := s.Acquire(ctx, c.ID, org.Webhook, holder, replayLease); ok || err != nil {
			return l, err
		}
		d.held += lookAgain
		if err := d.wait(ctx, lookAgain); err != nil {
			return org.Lease{}, err
		}
	}
}

// replay is the run. It names no streams: what it comes to says nothing of how up to date they are.
func (w *Worker) replay(ctx context.Context, c org.Connection, s LetterStore, l org.Lease, streams []string) error {
	run, err := s.Begin(ctx, l, nil, org.Reconcile)
	if err != nil {
		return err
	}
	var all error
	for _, name := range streams {
		n, err := s.ReplayDeadLetters(ctx, l, run, name)
		if ctx.Err() != nil {
			all = fault.New(fault.Stopped, "it was stopped: start it again, and it goes on")
			break
		}
		w.Log.LogAttrs(ctx, slog.LevelInfo, "records that could not be stored were tried again", slog.String("event", "replayed"), slog.String("org", string(c.Org)),
			slog.Int64("connection", int64(c.ID)), slog.String("stream", name), slog.Int("stored", n.Written+n.Deleted+n.Unchanged), slog.Int("open", n.Dead))
		if err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", name, err))
		}
	}
	result := engine.Result{Outcome: engine.Done}
	if all != nil {
		result = engine.Result{Outcome: engine.Failed, Err: all}
	}
	return errors.Join(all, s.Finish(context.WithoutCancel(ctx), l, run, result))
}
