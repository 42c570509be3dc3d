package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Diff is how one connection's rows of a table differ from the provider's live objects. It names
// ids, never values.
type Diff struct {
	Missing      []string // live at the provider, not in the database, or deleted there
	Stale        []string // the stored JSON is another
	Surplus      []string // live in the database, not at the provider
	WrongColumns []string // id, table, position and column whose value is not what the JSON says
}

// Empty reports whether the two agree.
func (d Diff) Empty() bool {
	return len(d.Missing)+len(d.Stale)+len(d.Surplus)+len(d.WrongColumns) == 0
}

func (d Diff) String() string {
	if d.Empty() {
		return "no difference"
	}
	var b strings.Builder
	for _, part := range []struct {
		name string
		list []string
	}{{"missing", d.Missing}, {"stale", d.Stale}, {"surplus", d.Surplus}, {"wrong", d.WrongColumns}} {
		if n := len(part.list); n > 0 {
			fmt.Fprintf(&b, "%d %s: %s\n", n, part.name, strings.Join(part.list[:min(n, 20)], ", "))
		}
	}
	return b.String()
}

// compared is how many objects Compare holds at a time.
const compared = 500

// Compare compares every live object that the provider holds for a connection with the database:
// its JSON, each typed column and each child row. Values are compared as SQL prints them, so that
// the encoder is not asked about itself. Memory grows with the number of ids, not with the objects.
func Compare(ctx context.Context, pool *pgxpool.Pool, id org.ConnectionID, t *catalog.Table, live iter.Seq[json.RawMessage]) (Diff, error) {
	c := &comparison{ctx: ctx, pool: pool, connection: id, decoder: catalog.NewDecoder(t), table: t, seen: map[string]bool{}}
	if err := pool.QueryRow(ctx, `SELECT org_id FROM sync.connections WHERE id = $1`, id).Scan(&c.org); err != nil {
		return Diff{}, err
	}
	var page []json.RawMessage
	for raw := range live {
		if page = append(page, raw); len(page) == compared {
			if err := c.page(page); err != nil {
				return c.diff, err
			}
			page = page[:0]
		}
	}
	if err := c.page(page); err != nil {
		return c.diff, err
	}
	return c.diff, c.surplus()
}

type comparison struct {
	ctx        context.Context
	pool       *pgxpool.Pool
	org        string
	connection org.ConnectionID
	table      *catalog.Table
	decoder    *catalog.Decoder
	seen       map[string]bool
	diff       Diff
}

// rowKey names a row: its relation's place, its object and its position.
type rowKey struct {
	relation int
	id       string
	position int
}

func (c *comparison) page(page []json.RawMessage) error {
	ids, raws := make([]string, 0, len(page)), make([]string, 0, len(page))
	want := map[rowKey][]string{}
	for _, raw := range page {
		id, _, err := c.table.Identify(raw)
		if err != nil {
			return err
		}
		if err := c.decoder.Decode(raw, func(r catalog.Row) error {
			want[rowKey{slices.Index(c.decoder.Relations, r.Relation), id, r.Position}] = printed(r)
			return nil
		}); err != nil {
			return fmt.Errorf("%s %s: %w", c.table.Stream, id, err)
		}
		c.seen[id] = true
		ids, raws = append(ids, id), append(raws, string(raw))
	}
	if err := c.objects(ids, raws); err != nil {
		return err
	}
	for place, r := range c.decoder.Relations {
		if err := c.values(place, r, ids, want); err != nil {
			return err
		}
	}
	return nil
}

// objects finds what is missing or stale.
func (c *comparison) objects(ids, raws []string) error {
	sql := fmt.Sprintf(`SELECT u.id, r.id IS NULL, coalesce(r.raw = u.raw::jsonb, false) FROM unnest($3::text[], $4::text[]) AS u (id, raw)
LEFT JOIN %s AS r ON r.org_id = $1 AND r.connection_id = $2 AND r.id = u.id AND r.deleted_at IS NULL`, name(c.decoder.Relations[0]))
	rows, err := c.pool.Query(c.ctx, sql, c.org, c.connection, ids, raws)
	if err != nil {
		return err
	}
	var id string
	var missing, same bool
	_, err = pgx.ForEachRow(rows, []any{&id, &missing, &same}, func() error {
		switch {
		case missing:
			c.diff.Missing = append(c.diff.Missing, id)
		case !same:
			c.diff.Stale = append(c.diff.Stale, id)
		}
		return nil
	})
	return err
}

// values compares the columns of one relation's rows.
func (c *comparison) values(place int, r *catalog.Relation, ids []string, want map[rowKey][]string) error {
	position, parent := "0", "NULL::integer"
	if r.Parent != nil {
		position, parent = "r.position", "r.parent_position"
	}
	columns := []string{"r." + quote(r.RootID()), position, "coalesce(" + parent + ", 0)::text"}
	for _, col := range r.Columns {
		columns = append(columns, text(col))
	}
	sql := fmt.Sprintf(`SELECT %s FROM %s AS r WHERE r.org_id = $1 AND r.connection_id = $2 AND r.%s = ANY ($3) AND r.deleted_at IS NULL`,
		strings.Join(columns, ", "), name(r), quote(r.RootID()))
	rows, err := c.pool.Query(c.ctx, sql, c.org, c.connection, ids)
	if err != nil {
		return err
	}
	key := rowKey{relation: place}
	got := make([]*string, len(r.Columns)+1)
	into := []any{&key.id, &key.position}
	for i := range got {
		into = append(into, &got[i])
	}
	if _, err := pgx.ForEachRow(rows, into, func() error {
		expected, ok := want[key]
		delete(want, key)
		if !ok {
			c.wrong(key, r, "is not at the provider")
			return nil
		}
		for i, v := range got {
			if expected[i] != shown(v, r, i-1) {
				c.wrong(key, r, columnName(r, i-1))
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for key := range want {
		if key.relation == place && !slices.Contains(c.diff.Missing, key.id) {
			c.wrong(key, r, "is not in the database")
		}
	}
	return nil
}

func (c *comparison) wrong(key rowKey, r *catalog.Relation, what string) {
	c.diff.WrongColumns = append(c.diff.WrongColumns, fmt.Sprintf("%s %s %d %s", key.id, r.Name, key.position, what))
}

// surplus finds live rows that the provider does not have.
func (c *comparison) surplus() error {
	rows, err := c.pool.Query(c.ctx, fmt.Sprintf(`SELECT id FROM %s WHERE org_id = $1 AND connection_id = $2 AND deleted_at IS NULL ORDER BY id`,
		name(c.decoder.Relations[0])), c.org, c.connection)
	if err != nil {
		return err
	}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		if !c.seen[id] {
			c.diff.Surplus = append(c.diff.Surplus, id)
		}
		return nil
	})
	return err
}
