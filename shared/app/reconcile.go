package app

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

const reconcileUsage = `Usage: reconcile -org onpoint,powergen | -all [-connection N] [-streams Invoice,Bill] [-full [-restart] | -replay] [-parallel 4]

Proves that the database has what the provider has, and mends it where it has not. By default the
numbers of objects are compared; a stream whose numbers differ, also after a look for changes, is read
again and every value compared. With -full all streams are. What was found is told, a line for each
stream that differed, and recorded in sync.reconciliations.

It costs a metered call for each of a company's streams (39; those of features that it has not had for
a while are left out) and some for changes; reading again costs one for each 1000 objects. Counting
every night would take 1,170 calls a month of each company, nearly all that a live one needs besides.
So the rhythm that is meant is: a plain one every week, a -full one every month. A -full one that was
stopped or killed goes on when it is started again within the week (ISO, UTC); -restart begins anew.

With -replay nothing is compared, and no call made: the records that could not be stored (open rows of
sync.dead_letters) are tried once more, after a release that can read them. What came of it is told for
each stream (event=replayed); what still cannot be stored stays.

The status is 0 when all was compared, also when something had to be mended; else 1, with words.
`

// Reconcile is the job that compares connections with their providers and mends what differs. Its error
// names what could not be compared or mended.
var Reconcile = jobOf(reconcileAll)

func reconcileAll(ctx context.Context, c call, load func() (jointConfig, error)) error {
	f := newJobFlags("reconcile", reconcileUsage, c.words)
	full := f.Bool("full", false, "compare every value of every stream")
	restart := f.Bool("restart", false, "with -full: also what this week's one has compared already")
	replay := f.Bool("replay", false, "compare nothing: only try again to store what could not be stored")
	o, err := f.options(c.args)
	switch {
	case err != nil:
		return err
	case *restart && !*full:
		return wrong("-restart goes with -full")
	case *replay && *full:
		return wrong("-replay goes without -full")
	}
	j, err := newJob(ctx, load, nil, "reconcile", o)
	if err != nil {
		return err
	}
	defer j.ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // what counts is done
	if *replay {
		return j.replay(ctx)
	}
	return j.reconcile(ctx, reconcile.Check{Full: *full, Restart: *restart && !retried(c.environ)})
}

// replay tries to store again what could not be stored.
func (j *job) replay(ctx context.Context) error {
	work, errClosed := j.connections(ctx, true)
	return errors.Join(errClosed, j.each(ctx, work, func(ctx context.Context, c org.Connection) error {
		var streams []string
		for _, t := range j.tables(c.Provider) {
			streams = append(streams, t.Stream)
		}
		return j.worker.Replay(ctx, c, j.store, holder("reconcile"), streams)
	}))
}

func (j *job) reconcile(ctx context.Context, asked reconcile.Check) error {
	work, errClosed := j.connections(ctx, false)
	var cut atomic.Bool
	err := j.each(ctx, work, func(ctx context.Context, c org.Connection) error {
		start, check := time.Now(), asked
		check.Tables = j.tables(c.Provider)
		sum, err := j.worker.Check(ctx, c, check)
		j.worker.Tell(ctx, c, sum.Readings)
		differed, mended := sum.Wrong()
		j.log.LogAttrs(ctx, slog.LevelInfo, "reconciliation ended", slog.String("event", "reconcile"), slog.String("org", string(c.Org)),
			slog.Int64("connection", int64(c.ID)), slog.Int("streams", len(check.Tables)), slog.Int("counted", sum.Counted), slog.Int("read", len(sum.Readings)),
			slog.Int("skipped", sum.Skipped), slog.Int("failed", sum.Failed), slog.Int("differed", differed), slog.Int("mended", mended),
			slog.Duration("took", time.Since(start).Round(time.Millisecond)))
		if err != nil && j.noCalls(ctx, c) {
			cut.Store(true)
		}
		return err
	})
	if all := j.all && len(j.streams) == 0 && errClosed == nil; all && !cut.Load() && ctx.Err() == nil {
		err = errors.Join(err, j.ended(ctx, asked.Full))
	}
	return errors.Join(errClosed, err)
}

// noCalls reports whether the month's budget leaves no calls to compare with, or that is not known.
func (j *job) noCalls(ctx context.Context, c org.Connection) bool {
	if j.engine.Allow == nil {
		return false
	}
	a, err := j.engine.Allow(ctx, c)
	return err != nil || a.Floor > engine.Rereading
}

// ended notes for watch that the job has come to the end of all that the schedule has compared. That
// single connections could not be compared does not count: the job's status tells those, and one that
// fails each week would hide that the others are compared.
func (j *job) ended(ctx context.Context, full bool) error {
	if full {
		return j.store.JobEnded(ctx, reconcileFullJob)
	}
	return j.store.JobEnded(ctx, reconcileJob)
}
