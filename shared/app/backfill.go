package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

const backfillUsage = `Usage: backfill -org onpoint,powergen | -all [-connection N] [-streams Invoice,Bill]
                [-from 2026-01-01 -to 2026-02-01] [-parallel 4] [-restart]

Reads companies again, compares every value with what is stored, and mends what differs. With -from
only the objects that were last changed since then (and before -to) are read, and nothing is marked
deleted; without it all are, and what the provider no longer has is marked deleted.

Changes are followed meanwhile as always. Stopped or killed, it goes on where it was when it is
started again, and the scheduled syncs go on with it too. It costs one metered call for each 1000
objects, or part of 1000, of each stream. Near the month's allowance of calls it waits: then it ends
with words, and the scheduled syncs go on when there is room.
`

// Backfill is the job that reads connections again. It returns when all that was asked for is done;
// its error names what is not.
var Backfill = jobOf(backfill)

func backfill(ctx context.Context, c call, load func() (jointConfig, error)) error {
	o, asked, err := backfillOptions(c.args, c.environ, c.words, time.Now())
	if err != nil {
		return err
	}
	j, err := newJob(ctx, load, nil, "backfill", o)
	if err != nil {
		return err
	}
	defer j.ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // what counts is done
	return j.backfill(ctx, asked)
}

// backfillOptions reads the arguments.
func backfillOptions(args, environ []string, words io.Writer, now time.Time) (o jobOptions, b reconcile.Backfill, err error) {
	f := newJobFlags("backfill", backfillUsage, words)
	from := f.String("from", "", "day (UTC), or instant, since when the objects were last changed; none: all of them")
	to := f.String("to", "", "day or instant before which they were; none: now")
	restart := f.Bool("restart", false, "from the beginning, also what an earlier start has begun")
	if o, err = f.options(args); err != nil {
		return o, b, err
	}
	if b.From, err = instant("-from", *from); err != nil {
		return o, b, err
	}
	if b.To, err = instant("-to", *to); err != nil {
		return o, b, err
	}
	switch {
	case b.From.IsZero() && !b.To.IsZero():
		return o, b, wrong("-to goes with -from")
	case b.From.After(now):
		return o, b, wrong("-from %s: want a day that has begun", *from)
	case !b.To.IsZero() && !b.From.Before(b.To):
		return o, b, wrong("-from %s -to %s: want a day before -to", *from, *to)
	}
	b.Restart = *restart && !retried(environ)
	return o, b, nil
}

// instant reads a day, or an instant.
func instant(option, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, wrong("%s %q: want a day such as 2026-01-31, or an instant such as 2026-01-31T12:00:00Z", option, text)
}

// retried reports whether Cloud Run has started this task once more, because it failed: then what the
// first start has begun is gone on with.
func retried(environ []string) bool {
	return slices.ContainsFunc(environ, func(v string) bool {
		n, ok := strings.CutPrefix(v, "CLOUD_RUN_TASK_ATTEMPT=")
		return ok && n != "" && n != "0"
	})
}

func (j *job) backfill(ctx context.Context, asked reconcile.Backfill) error {
	work, errClosed := j.connections(ctx, false)
	return errors.Join(errClosed, j.each(ctx, work, func(ctx context.Context, c org.Connection) error {
		start, b := time.Now(), asked
		for _, t := range j.tables(c.Provider) {
			b.Streams = append(b.Streams, t.Stream)
		}
		readings, err := j.worker.Backfill(ctx, c, b)
		j.worker.Tell(ctx, c, readings)
		checked, sum := 0, reconcile.Summary{Readings: readings}
		for _, r := range readings {
			checked += r.Checked
		}
		differed, mended := sum.Wrong()
		outcome := "done"
		if err != nil {
			outcome = "not done"
		}
		j.log.LogAttrs(ctx, slog.LevelInfo, "backfill ended", slog.String("event", "backfill"), slog.String("org", string(c.Org)),
			slog.Int64("connection", int64(c.ID)), slog.String("outcome", outcome), slog.Int("streams", len(b.Streams)), slog.Int("checked", checked),
			slog.Int("differed", differed), slog.Int("mended", mended), slog.Duration("took", time.Since(start).Round(time.Millisecond)))
		return err
	}))
}
