package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// closing is what is noted in a batch's transaction beside its rows.
type closing struct {
	run     engine.RunID
	batch   engine.Batch
	usage   engine.Usage
	applied engine.Applied
	letters []letter
}

const (
	addToRun = `UPDATE sync.runs SET batches = batches + 1, written = written + $2, deleted = deleted + $3,
	unchanged = unchanged + $4, dead = dead + $5, calls = calls + $6, metered_calls = metered_calls + $7 WHERE id = $1`

	addUsage = `INSERT INTO sync.api_usage AS u (connection_id, day, calls, metered_calls)
VALUES ($1, (now() AT TIME ZONE 'UTC')::date, $2, $3)
ON CONFLICT (connection_id, day) DO UPDATE SET calls = u.calls + excluded.calls, metered_calls = u.metered_calls + excluded.metered_calls`

	// Progress counts from the batch with which a load begins to the one with which it ends.
	setCheckpoint = `INSERT INTO sync.streams AS s (connection_id, name, checkpoint, loading, load_total, load_done, load_started_at)
VALUES ($1, $2, $3, $4, $5, CASE WHEN $4 THEN $6::bigint ELSE 0 END, CASE WHEN $4 THEN now() END)
ON CONFLICT (connection_id, name) DO UPDATE SET checkpoint = excluded.checkpoint, loading = excluded.loading,
	load_total = coalesce(excluded.load_total, CASE WHEN $4 AND s.loading THEN s.load_total END),
	load_done = excluded.load_done + CASE WHEN $4 AND s.loading THEN s.load_done ELSE 0 END,
	load_started_at = CASE WHEN $4 AND s.loading THEN coalesce(s.load_started_at, now()) ELSE excluded.load_started_at END`

	addCensus = `INSERT INTO sync.census (connection_id, stream, census, record_id)
SELECT $1, $2, $3, unnest($4::text[]) ON CONFLICT DO NOTHING`

	endCensus = `DELETE FROM sync.census WHERE connection_id = $1 AND stream = ANY ($2)`
)

// close notes the batch's census, checkpoints, settled notices, usage and dead letters in one round trip.
func (w *work) close(ctx context.Context, tx pgx.Tx, c closing) error {
	var batch pgx.Batch
	w.queueLetters(&batch, c.letters)
	w.queueCensus(&batch, c.batch)
	w.queueFindings(&batch, c.batch)
	w.queueCheckpoints(&batch, c.batch)
	if len(c.batch.Settled) > 0 {
		batch.Queue(settleNotices, w.owner.id, c.batch.Settled)
	}
	queueUsage(&batch, w.owner, c.usage)
	n := c.applied
	batch.Queue(addToRun, c.run, n.Written, n.Deleted, n.Unchanged, n.Dead, c.usage.Calls, c.usage.Metered)
	return tx.SendBatch(ctx, &batch).Close()
}

// queueCheckpoints moves the checkpoints, and the progress of streams that are loading.
func (w *work) queueCheckpoints(batch *pgx.Batch, b engine.Batch) {
	for stream, checkpoint := range b.Checkpoints {
		loading, read := slices.Contains(b.Loading, stream), 0
		var total *int
		if n, told := b.Totals[stream]; told && loading {
			total = &n
		}
		for i := range b.Records {
			if loading && b.Records[i].Stream == stream && !b.Records[i].Deleted {
				read++
			}
		}
		batch.Queue(setCheckpoint, w.owner.id, stream, nullable(checkpoint), loading, total, read)
	}
}

func queueUsage(batch *pgx.Batch, o owner, u engine.Usage) {
	if u != (engine.Usage{}) {
		batch.Queue(addUsage, o.id, u.Calls, u.Metered)
	}
}

// queueCensus notes the ids that the provider has, those that cannot be stored among them.
func (w *work) queueCensus(batch *pgx.Batch, b engine.Batch) {
	if b.Census != "" {
		for _, p := range w.parts {
			var ids []string
			for i := range b.Records {
				r := &b.Records[i]
				if r.Stream == p.table.Stream && !r.Deleted && r.ID != "" && len(r.ID) <= maxID && clean(r.ID) == r.ID {
					ids = append(ids, r.ID)
				}
			}
			if len(ids) > 0 {
				batch.Queue(addCensus, w.owner.id, p.table.Stream, b.Census, ids)
			}
		}
	}
	if len(b.EndCensus) > 0 {
		batch.Queue(endCensus, w.owner.id, b.EndCensus)
	}
}

// nullable returns nil for a checkpoint that says nothing.
func nullable(checkpoint []byte) []byte {
	if len(checkpoint) == 0 || string(checkpoint) == "null" {
		return nil
	}
	return checkpoint
}
