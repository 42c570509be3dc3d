package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Checkpoints returns the connection's checkpoints by stream; a stream without one is absent.
func (s *Store) Checkpoints(ctx context.Context, id org.ConnectionID) (engine.Checkpoints, error) {
	out := engine.Checkpoints{}
	rows, err := s.pool.Query(ctx, `SELECT name, checkpoint FROM sync.streams WHERE connection_id = $1 AND checkpoint IS NOT NULL`, id)
	if err == nil {
		var stream string
		var checkpoint []byte
		_, err = pgx.ForEachRow(rows, []any{&stream, &checkpoint}, func() error {
			out[stream] = append([]byte(nil), checkpoint...)
			return nil
		})
	}
	if err != nil {
		return nil, failure("read the checkpoints of connection "+id.String(), err)
	}
	return out, nil
}

// Local answers a source's questions about the connection's rows. A stream that no catalog declares
// is fault.Internal.
func (s *Store) Local(id org.ConnectionID) engine.Local { return local{s, id} }

type local struct {
	store *Store
	id    org.ConnectionID
}

// live counts the stream's rows that are not deleted.
func (l local) live(ctx context.Context, stream string) (n int, err error) {
	o, t, err := l.table(ctx, stream)
	if err != nil {
		return 0, err
	}
	sql := fmt.Sprintf(`SELECT count(*) FROM %s WHERE org_id = $1 AND connection_id = $2 AND deleted_at IS NULL`, t.relations[0].name)
	err = l.store.pool.QueryRow(ctx, sql, o.org, o.id).Scan(&n)
	return n, failure("count "+stream+" of connection "+l.id.String(), err)
}

func (l local) Absent(ctx context.Context, stream, census, after string, limit int) ([]string, error) {
	o, t, err := l.table(ctx, stream)
	if err != nil {
		return nil, err
	}
	sql := fmt.Sprintf(`SELECT r.id FROM %s AS r
WHERE r.org_id = $1 AND r.connection_id = $2 AND r.deleted_at IS NULL AND r.id > $3
	AND NOT EXISTS (SELECT FROM sync.census AS c
		WHERE c.connection_id = r.connection_id AND c.stream = $4 AND c.census = $5 AND c.record_id = r.id)
ORDER BY r.id LIMIT $6`, t.relations[0].name)
	var ids []string
	rows, err := l.store.pool.Query(ctx, sql, o.org, o.id, after, stream, census, limit)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	return ids, failure("compare "+stream+" of connection "+l.id.String()+" with its census", err)
}

func (l local) table(ctx context.Context, stream string) (owner, *table, error) {
	o, err := l.store.owner(ctx, l.id)
	if err != nil {
		return owner{}, nil, err
	}
	t, err := l.store.table(o.provider, stream)
	return o, t, err
}
