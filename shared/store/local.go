package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
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

// Live counts the connection's rows of a stream that are not deleted. A stream that no catalog
// declares is fault.Internal.
func (s *Store) Live(ctx context.Context, id org.ConnectionID, stream string) (n int, err error) {
	o, t, err := local{s, id}.table(ctx, stream)
	if err != nil {
		return 0, err
	}
	sql := fmt.Sprintf(`SELECT count(*) FROM %s WHERE org_id = $1 AND connection_id = $2 AND deleted_at IS NULL`, t.relations[0].name)
	err = s.pool.QueryRow(ctx, sql, o.org, o.id).Scan(&n)
	return n, failure("count "+stream+" of connection "+id.String(), err)
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

// Values returns, by id, the text of the column with that JSON path of live rows. A path that no
// column of the stream's own table reads is fault.Internal.
func (l local) Values(ctx context.Context, stream, path string, ids []string) (map[string]string, error) {
	o, t, err := l.table(ctx, stream)
	if err != nil {
		return nil, err
	}
	root := t.relations[0]
	column, ok := root.Column(path)
	if !ok {
		return nil, fault.New(fault.Internal, "store: "+root.Qualified()+" has no column of the path "+path)
	}
	sql := fmt.Sprintf(`SELECT r.id, coalesce(r.%s::text, '') FROM unnest($3::text[]) AS m (object)
CROSS JOIN LATERAL (SELECT * FROM %s WHERE org_id = $1 AND connection_id = $2 AND id = m.object LIMIT 1) AS r WHERE r.deleted_at IS NULL`, quote(column.Name), root.name)
	values := make(map[string]string, len(ids))
	rows, err := l.store.pool.Query(ctx, sql, o.org, o.id, ids)
	if err == nil {
		var id, value string
		_, err = pgx.ForEachRow(rows, []any{&id, &value}, func() error {
			values[id] = value
			return nil
		})
	}
	if err != nil {
		return nil, failure("look up values of "+stream+" of connection "+l.id.String(), err)
	}
	return values, nil
}

// maxReferring is how many objects of each stream Referring names.
const maxReferring = 10_000

// Referring returns, by stream, the ids of live rows that refer to an object anywhere, sorted, and
// at most 10,000 of a stream. What refers to what is the catalog's Column.Refers.
func (l local) Referring(ctx context.Context, stream, id string) (map[string][]string, error) {
	o, _, err := l.table(ctx, stream)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	sql := l.store.referring(o.provider, stream)
	if sql == "" {
		return found, nil
	}
	// It is rare and long: not worth a place among a connection's prepared statements.
	rows, err := l.store.pool.Query(ctx, sql, pgx.QueryExecModeExec, o.org, o.id, id, maxReferring)
	if err == nil {
		var from, object string
		_, err = pgx.ForEachRow(rows, []any{&from, &object}, func() error {
			found[from] = append(found[from], object)
			return nil
		})
	}
	if err != nil {
		return nil, failure("look up what refers to a "+stream+" of connection "+l.id.String(), err)
	}
	return found, nil
}

// referring returns the SELECT of all objects that may refer to one of a stream, or "".
func (s *Store) referring(p org.Provider, stream string) string {
	var parts []string
	for _, t := range s.tables {
		if t.Provider != p {
			continue
		}
		for _, r := range t.relations {
			var refers []string
			for _, c := range r.Columns {
				if slices.Contains(strings.Split(c.Refers, ","), stream) {
					refers = append(refers, "r."+quote(c.Name)+" = $3")
				}
			}
			if len(refers) > 0 {
				parts = append(parts, fmt.Sprintf(`SELECT %s AS stream, r.%s AS id FROM %s AS r WHERE r.org_id = $1 AND r.connection_id = $2 AND r.deleted_at IS NULL AND (%s)`,
					literal(t.Stream), r.rootID, r.name, strings.Join(refers, " OR ")))
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return `SELECT stream, id FROM (SELECT stream, id, row_number() OVER (PARTITION BY stream ORDER BY id) AS place FROM (
` + strings.Join(parts, "\nUNION\n") + "\n) AS f) AS n WHERE place <= $4 ORDER BY stream, id"
}

func (l local) table(ctx context.Context, stream string) (owner, *table, error) {
	o, err := l.store.owner(ctx, l.id)
	if err != nil {
		return owner{}, nil, err
	}
	t, err := l.store.table(o.provider, stream)
	return o, t, err
}
