package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	closeKilled = `UPDATE sync.runs SET finished_at = now(), outcome = 'failed', error_kind = 'internal', error = 'the process ended'
WHERE connection_id = $1 AND finished_at IS NULL`

	openRun = `INSERT INTO sync.runs (org_id, connection_id, reason, streams) VALUES ($1, $2, $3, $4) RETURNING id`

	attempt = `INSERT INTO sync.streams (connection_id, name, last_attempt) SELECT $1, unnest($2::text[]), now()
ON CONFLICT (connection_id, name) DO UPDATE SET last_attempt = excluded.last_attempt`

	// Apply has added up most of it; what Apply was not told of is added here.
	closeRun = `UPDATE sync.runs AS r SET finished_at = now(), outcome = $2, batches = greatest(batches, $3),
	written = greatest(written, $4), deleted = greatest(deleted, $5), unchanged = greatest(unchanged, $6), dead = greatest(dead, $7),
	calls = calls + $8, metered_calls = metered_calls + $9, error_kind = nullif($10, ''), error = nullif($11, '')
WHERE r.id = $1 AND r.finished_at IS NULL
RETURNING r.streams, r.started_at, r.parts, (SELECT coalesce(c.sweep_every, '0') FROM sync.connections AS c WHERE c.id = r.connection_id)`

	streamFailed = `UPDATE sync.streams SET status = 'failed', failures = failures + 1, error = $3
WHERE connection_id = $1 AND name = ANY ($2)`

	// What has no checkpoint has not been read: it had to wait.
	streamOK = `UPDATE sync.streams SET status = CASE WHEN loading THEN 'loading' ELSE 'ok' END, last_success = now(), failures = 0, error = NULL
WHERE connection_id = $1 AND name = ANY ($2) AND checkpoint IS NOT NULL`

	// A run that stopped at a page border says nothing about the streams that it did not fail at.
	streamHalted = `UPDATE sync.streams SET status = 'loading' WHERE connection_id = $1 AND name = ANY ($2) AND loading`

	// Who disconnects a connection while it is being synced has the last word. A look that somebody
	// asked for after the run had begun stays due. A login that was told to work again meanwhile is tried
	// before anybody is asked for another one: its notice is open.
	setState = `UPDATE sync.connections SET reason = CASE WHEN $2 = '' AND $3 = '' THEN reason ELSE $3 END, not_before = CASE WHEN $4::interval > '0' THEN clock_timestamp() + $4 END,
	state = CASE WHEN $2 = 'needs_reauth' AND EXISTS (SELECT FROM sync.notices AS n
		WHERE n.connection_id = $1 AND n.settled_at IS NULL AND n.change = 'mended' AND n.received_at > $8) THEN state ELSE coalesce(nullif($2, ''), state) END,
	sweep_every = coalesce($5::interval, sweep_every), webhooks_proven_at = CASE WHEN $5::interval IS NULL THEN webhooks_proven_at ELSE $6 END,
	next_sync_at = CASE WHEN $7::timestamptz IS NOT NULL AND (asked_at > $8) IS NOT TRUE THEN least($7, CASE WHEN $9::interval > '0' THEN clock_timestamp() + $9 END)
		WHEN $9::interval > '0' THEN least(next_sync_at, clock_timestamp() + $9) ELSE next_sync_at END,
	last_swept_at = CASE WHEN $10 THEN $8 ELSE last_swept_at END
WHERE id = $1 AND state <> 'disconnected'`
)

// Begin records that a run has begun. A run of the connection that was never finished, because its
// process was killed, is closed as failed, and what it had kept back of a unit is dropped.
func (s *Store) Begin(ctx context.Context, l org.Lease, streams []string, reason org.Reason) (run engine.RunID, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		o, _, err := hold(ctx, tx, l)
		if err != nil {
			return err
		}
		if streams == nil {
			streams = []string{}
		}
		var batch pgx.Batch
		batch.Queue(closeKilled, o.id)
		batch.Queue(dropParts, o.id)
		batch.Queue(openRun, o.org, o.id, reason, streams).QueryRow(func(row pgx.Row) error { return row.Scan(&run) })
		batch.Queue(attempt, o.id, streams)
		return tx.SendBatch(ctx, &batch).Close()
	})
	return run, failure("begin a run of connection "+l.Connection.String(), err)
}

// Finish records how a run ended, for the run, its streams and its connection. After a sweep, or one
// that was left out for want of calls, the connection is due again at the next instant of its grid:
// see schedule.After. A look at once that was asked for after the run had begun is still due. What is
// kept back of a unit that has not ended is dropped.
func (s *Store) Finish(ctx context.Context, l org.Lease, run engine.RunID, r engine.Result) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		o, now, err := hold(ctx, tx, l)
		if err != nil {
			return err
		}
		var streams []string
		var began time.Time
		var every time.Duration
		var kept int
		err = tx.QueryRow(ctx, closeRun, run, r.Outcome, r.Batches, r.Applied.Written, r.Applied.Deleted, r.Applied.Unchanged,
			r.Applied.Dead, r.Usage.Calls, r.Usage.Metered, r.Kind(), words(r)).Scan(&streams, &began, &kept, &every)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.Conflict, "the run was finished before")
		}
		if err != nil {
			return err
		}
		var batch pgx.Batch
		if kept > 0 {
			batch.Queue(dropParts, o.id)
		}
		queueUsage(&batch, o, r.Usage)
		queueStreams(&batch, o, streams, r)
		p := pace(o.id, r, every, now)
		batch.Queue(setState, o.id, r.State, shortened(r.Reason, maxText), r.NotUntil, p.every, p.proven, p.next, began, r.Soon, r.Swept)
		return tx.SendBatch(ctx, &batch).Close()
	})
	return failure("finish a run of connection "+l.Connection.String(), err)
}

func queueStreams(batch *pgx.Batch, o owner, streams []string, r engine.Result) {
	var others []string
	for _, name := range streams {
		if err := r.Streams[name]; err != nil {
			batch.Queue(streamFailed, o.id, []string{name}, told(err))
		} else {
			others = append(others, name)
		}
	}
	switch r.Outcome {
	case engine.Failed:
		batch.Queue(streamFailed, o.id, others, words(r))
	case engine.Halted:
		batch.Queue(streamHalted, o.id, others)
	default:
		batch.Queue(streamOK, o.id, others)
	}
}

// words says why a run failed.
func words(r engine.Result) string {
	if r.Err != nil {
		return told(r.Err)
	}
	if r.Outcome == engine.Failed {
		return shortened(r.Reason, maxText)
	}
	return ""
}

// told returns an error's text, without the stream's name in front.
func told(err error) string {
	var of *engine.StreamError
	if errors.As(err, &of) {
		err = of.Err
	}
	return shortened(err.Error(), maxText)
}
