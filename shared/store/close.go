package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

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

// close notes the unit's census, checkpoints, settled notices, usage and dead letters in one round
// trip. w is the work of the batch's own records.
func (u *unit) close(ctx context.Context, w *work) error {
	var batch pgx.Batch
	w.queueLetters(&batch, u.letters)
	w.queueCensus(&batch, u.batch)
	if len(u.batch.EndCensus) > 0 {
		batch.Queue(endCensus, u.owner.id, u.batch.EndCensus)
	}
	u.queueFindings(&batch)
	u.queueCheckpoints(&batch)
	if len(u.batch.Settled) > 0 {
		batch.Queue(settleNotices, u.owner.id, u.batch.Settled)
	}
	queueUsage(&batch, u.owner, u.usage)
	n := u.applied
	batch.Queue(addToRun, u.run, n.Written, n.Deleted, n.Unchanged, n.Dead, u.usage.Calls, u.usage.Metered)
	if u.kept > 0 {
		batch.Queue(prolong, u.owner.id)
	}
	return u.tx.SendBatch(ctx, &batch).Close()
}

// queueCheckpoints moves the checkpoints, and the progress of streams that are loading.
func (u *unit) queueCheckpoints(batch *pgx.Batch) {
	for stream, checkpoint := range u.batch.Checkpoints {
		loading, read := slices.Contains(u.batch.Loading, stream), 0
		var total *int
		if loading {
			read = u.loaded(stream)
			if n, told := u.batch.Totals[stream]; told {
				total = &n
			}
		}
		batch.Queue(setCheckpoint, u.owner.id, stream, nullable(checkpoint), loading, total, read)
	}
}

func queueUsage(batch *pgx.Batch, o owner, u engine.Usage) {
	if u != (engine.Usage{}) {
		batch.Queue(addUsage, o.id, u.Calls, u.Metered)
	}
}

// queueCensus notes the ids that the provider has, those that cannot be stored among them. Where the
// census ends with the batch, nobody asks for them any more.
func (w *work) queueCensus(batch *pgx.Batch, b engine.Batch) {
	if b.Census == "" {
		return
	}
	for _, p := range w.parts {
		if slices.Contains(b.EndCensus, p.table.Stream) {
			continue
		}
		var ids []string
		for i := range w.records {
			if r := &w.records[i]; r.Stream == p.table.Stream && names(r) {
				ids = append(ids, r.ID)
			}
		}
		if len(ids) > 0 {
			batch.Queue(addCensus, w.owner.id, p.table.Stream, b.Census, ids)
		}
	}
}

// nullable returns nil for a checkpoint that says nothing.
func nullable(checkpoint []byte) []byte {
	if len(checkpoint) == 0 || string(checkpoint) == "null" {
		return nil
	}
	return checkpoint
}
