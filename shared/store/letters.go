package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	// A letter that is open keeps the newest of the records that it has met.
	addLetter = `INSERT INTO sync.dead_letters AS d (org_id, connection_id, stream, record_id, key, version, is_deletion, reason, raw)
VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9)
ON CONFLICT (connection_id, stream, key) WHERE resolved_at IS NULL DO UPDATE
SET last_seen = now(), attempts = d.attempts + 1,
	version = CASE WHEN excluded.version < d.version THEN d.version ELSE excluded.version END,
	is_deletion = CASE WHEN excluded.version < d.version THEN d.is_deletion ELSE excluded.is_deletion END,
	reason = CASE WHEN excluded.version < d.version THEN d.reason ELSE excluded.reason END,
	raw = CASE WHEN excluded.version < d.version THEN d.raw ELSE excluded.raw END`

	// What is stored settles the letters of the same objects, unless they hold something newer.
	resolveLetters = `UPDATE sync.dead_letters AS d SET resolved_at = now()
FROM unnest($3::bytea[], $4::timestamptz[]) AS s (key, version)
WHERE d.connection_id = $1 AND d.stream = $2 AND d.resolved_at IS NULL AND d.key = s.key
	AND (d.version IS NULL OR s.version IS NULL OR d.version <= s.version)`

	closeLetters = `UPDATE sync.dead_letters SET resolved_at = now() WHERE id = ANY ($1) AND resolved_at IS NULL`

	// The first letters of at most $4 and of $5 bytes together, and the very first whatever its size.
	openLetters = `SELECT id, key, record_id, version, is_deletion, raw FROM (
	SELECT id, key, coalesce(record_id, '') AS record_id, version, is_deletion, raw,
		sum(octet_length(raw)) OVER w AS bytes, row_number() OVER w AS place FROM sync.dead_letters
	WHERE connection_id = $1 AND stream = $2 AND resolved_at IS NULL AND id > $3 WINDOW w AS (ORDER BY id ROWS UNBOUNDED PRECEDING) ORDER BY id LIMIT $4
) AS l WHERE bytes <= $5 OR place = 1 ORDER BY id`
)

// letter is an open dead letter that is being replayed.
type letter struct {
	id  int64
	key digest
}

// queueLetters notes the batch's dead records, and settles the letters of those that were stored.
// letters names the letter that each record came from, in a replay.
func (w *work) queueLetters(batch *pgx.Batch, letters []letter) {
	if w.open {
		w.queueResolved(batch)
	}
	var settled []int64
	for i, l := range letters {
		if w.dead[i] == "" || l.key != letterKey(&w.records[i]) {
			settled = append(settled, l.id)
		}
	}
	if len(settled) > 0 {
		batch.Queue(closeLetters, settled)
	}
	for _, i := range slices.Sorted(maps.Keys(w.dead)) {
		r, reason := &w.records[i], w.dead[i]
		key := letterKey(r)
		batch.Queue(addLetter, w.owner.org, w.owner.id, r.Stream, shortened(r.ID, maxID), key[:], at(r.Version).time(),
			r.Deleted, shortened(reason, maxText), append([]byte{}, r.Raw...))
	}
}

func (w *work) queueResolved(batch *pgx.Batch) {
	for _, p := range w.parts {
		var keys [][]byte
		var versions []*time.Time
		for i := range w.records {
			r := &w.records[i]
			if r.Stream != p.table.Stream || w.dead != nil && w.dead[i] != "" {
				continue
			}
			key := letterKey(r)
			keys, versions = append(keys, key[:]), append(versions, at(r.Version).time())
		}
		if len(keys) > 0 {
			batch.Queue(resolveLetters, w.owner.id, p.table.Stream, keys, versions)
		}
	}
}

// letterKey tells open letters of a stream apart.
func letterKey(r *engine.Record) digest {
	if r.ID != "" {
		return digestOf([]byte(r.ID))
	}
	return digestOf(r.Raw)
}

// A transaction of ReplayDeadLetters takes so many letters, and no more bytes than that unless one
// letter alone has more.
const (
	replayed      = 200
	replayedBytes = 16 << 20
)

// ReplayDeadLetters puts the stream's open dead letters through Apply again, in several
// transactions, after a catalog or the code was mended. What still cannot be stored stays open.
func (s *Store) ReplayDeadLetters(ctx context.Context, l org.Lease, run engine.RunID, stream string) (engine.Applied, error) {
	var total engine.Applied
	o, err := s.owner(ctx, l.Connection)
	if err != nil {
		return total, err
	}
	t, err := s.table(o.provider, stream)
	if err != nil {
		return total, err
	}
	doing := "replay dead letters of " + stream + " of connection " + l.Connection.String()
	var after int64
	for {
		letters, records, err := s.openLetters(ctx, l.Connection, t, after)
		if err != nil {
			return total, failure(doing, err)
		}
		if len(letters) == 0 {
			return total, nil
		}
		after = letters[len(letters)-1].id
		applied, err := s.apply(ctx, l, run, engine.Batch{Records: records}, engine.Usage{}, letters)
		if err != nil {
			return total, failure(doing, err)
		}
		total = total.Add(applied)
	}
}

// Lettered names the streams of which a connection has open dead letters.
func (s *Store) Lettered(ctx context.Context, id org.ConnectionID) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT DISTINCT stream FROM sync.dead_letters WHERE connection_id = $1 AND resolved_at IS NULL ORDER BY stream`, id)
	if err != nil {
		return nil, failure("look for dead letters of connection "+id.String(), err)
	}
	streams, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return streams, failure("look for dead letters of connection "+id.String(), err)
}

func (s *Store) openLetters(ctx context.Context, id org.ConnectionID, t *table, after int64) (letters []letter, records []engine.Record, err error) {
	rows, err := s.pool.Query(ctx, openLetters, id, t.Stream, after, replayed, replayedBytes)
	if err != nil {
		return nil, nil, err
	}
	var found letter
	var key []byte
	var version *time.Time
	r := engine.Record{Stream: t.Stream}
	_, err = pgx.ForEachRow(rows, []any{&found.id, &key, &r.ID, &version, &r.Deleted, &r.Raw}, func() error {
		record := r
		record.Raw = append([]byte(nil), r.Raw...)
		if version != nil {
			record.Version = *version
		}
		copy(found.key[:], key)
		letters, records = append(letters, found), append(records, identified(t, record))
		return nil
	})
	return letters, records, err
}

// identified takes id and version from the record's own bytes, where they can be read now.
func identified(t *table, r engine.Record) engine.Record {
	id, version, err := t.Identify(r.Raw)
	switch {
	case err == nil:
		r.ID = id
		if !version.IsZero() {
			r.Version = version
		}
	case r.ID == "":
		r.Problem = err.Error()
	}
	return r
}

// maxText bounds a reason or an error that is kept.
const maxText = 1000

// shortened returns s as text that PostgreSQL holds, of at most n bytes.
func shortened(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return clean(s)
}

// clean drops from s what PostgreSQL's text cannot hold.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}
