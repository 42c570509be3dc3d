package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

const (
	standing = `SELECT state, reason, coalesce(lease_until > clock_timestamp(), false),
	greatest(not_before - clock_timestamp(), interval '0')
FROM sync.connections WHERE id = $1`

	standingStreams = `SELECT name, loading, last_success IS NOT NULL, load_done, coalesce(load_total, 0),
	coalesce(clock_timestamp() - load_started_at, interval '0')
FROM sync.streams WHERE connection_id = $1`

	// Those from before a restore prove nothing, and none of them is to be gone on with.
	standingReadings = `SELECT stream, reading, method = 'values', started_at, finished_at, checked, equal, missing, stale, damaged, surplus, mended, examples
FROM sync.reconciliations WHERE connection_id = $1 AND started_at > clock_timestamp() - $2::interval
	AND started_at > coalesce((SELECT restored_at FROM sync.connections WHERE id = $1), '-infinity') ORDER BY started_at, id`
)

// Standing returns how a connection stands, for the jobs that read it again. fault.NotFound: there is
// none of that number.
func (s *Store) Standing(ctx context.Context, id org.ConnectionID) (out reconcile.Standing, err error) {
	out.Streams = map[string]reconcile.Stream{}
	var batch pgx.Batch
	batch.Queue(standing, id).QueryRow(func(row pgx.Row) error {
		return row.Scan(&out.State, &out.Reason, &out.Held, &out.Closed)
	})
	batch.Queue(standingStreams, id).Query(func(rows pgx.Rows) error {
		var name string
		var t reconcile.Stream
		_, err := pgx.ForEachRow(rows, []any{&name, &t.Loading, &t.Ever, &t.Done, &t.Total, &t.For}, func() error {
			out.Streams[name] = t
			return nil
		})
		return err
	})
	batch.Queue(standingReadings, id, reconcile.MemoryOfReadings).Query(func(rows pgx.Rows) (err error) {
		out.Readings, err = pgx.CollectRows(rows, scanReading)
		return err
	})
	err = s.pool.SendBatch(ctx, &batch).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return out, fault.New(fault.NotFound, "there is no connection "+id.String())
	}
	return out, failure("look at connection "+id.String(), err)
}

func scanReading(row pgx.CollectableRow) (r reconcile.Reading, err error) {
	var ended *time.Time
	var examples []byte
	err = row.Scan(&r.Stream, &r.Name, &r.Values, &r.Begun, &ended, &r.Checked, &r.Equal, &r.Missing, &r.Stale, &r.Damaged, &r.Surplus, &r.Mended, &examples)
	if err == nil {
		err = json.Unmarshal(examples, &r.Examples)
	}
	if ended != nil {
		r.Ended = *ended
	}
	return r, err
}

// AllConnections returns the connections of all organisations in every state, the oldest first.
func (s *Store) AllConnections(ctx context.Context) ([]org.Connection, error) {
	return s.connections(ctx, connections+`ORDER BY id`)
}
