package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// rest is how the rows are found that a Whole leaves to be deleted.
type rest struct {
	table      *table
	conditions string // of Among
	arguments  []any  // $6 and further
}

// swept is how many rows are deleted at a time because a Whole does not name them.
const swept = 1000

// rest makes a Whole's condition. fault.Internal: it names what the catalog does not have.
func (u *unit) rest(whole *engine.Whole) (out rest, err error) {
	if out.table, err = u.home.table(u.owner.provider, whole.Stream); err != nil {
		return out, err
	}
	root := out.table.relations[0]
	var all strings.Builder
	for _, a := range whole.Among {
		c, ok := root.Column(a.Path)
		if !ok {
			return out, fault.New(fault.Internal, "store: "+root.Qualified()+" has no column of the path "+a.Path)
		}
		parameter := fmt.Sprintf("$%d", 6+len(out.arguments))
		if a.From == "" {
			column := "r." + quote(c.Name)
			if c.Type != catalog.Text {
				column += "::text"
			}
			fmt.Fprintf(&all, " AND %s = ANY (%s::text[])", column, parameter)
			out.arguments = append(out.arguments, append([]string{}, a.In...))
			continue
		}
		if _, err := time.Parse(time.DateOnly, a.From); err != nil || c.Type != catalog.Date {
			return out, fault.New(fault.Internal, "store: "+root.Qualified()+" cannot be narrowed to dates of "+a.Path)
		}
		fmt.Fprintf(&all, " AND r.%s >= %s::date", quote(c.Name), parameter)
		out.arguments = append(out.arguments, a.From)
	}
	out.conditions = all.String()
	return out, nil
}

// name notes the ids that records of a Whole's stream name, those of records that cannot be stored
// among them. Of a table that was empty there is no rest.
func (u *unit) name(w *work) {
	for _, p := range w.parts {
		stream := p.table.Stream
		if p.ground.bare() || !slices.ContainsFunc(u.batch.Whole, func(whole engine.Whole) bool { return whole.Stream == stream }) {
			continue
		}
		for i := range w.records {
			if r := &w.records[i]; r.Stream == stream && names(r) {
				u.roll.note(list{named, stream}, r.ID)
			}
		}
	}
}

// names reports whether a record says that the provider has an object that a row can be of.
func names(r *engine.Record) bool {
	return !r.Deleted && r.ID != "" && len(r.ID) <= maxID && clean(r.ID) == r.ID
}

// deleteRest marks the live rows as deleted that no record of a Whole has named. Each goes the way of
// a deletion that a source tells of.
func (u *unit) deleteRest(ctx context.Context) error {
	for i := range u.batch.Whole {
		r, err := u.rest(&u.batch.Whole[i])
		if err != nil {
			return err
		}
		after, more := "", !u.grounds[r.table].bare()
		for more {
			ids, err := u.unnamed(ctx, &r, after)
			if err != nil {
				return err
			}
			records := make([]engine.Record, len(ids))
			for j, id := range ids {
				records[j] = engine.Record{Stream: r.table.Stream, ID: id, Deleted: true}
				after = id
			}
			if len(ids) > 0 {
				if err := u.takeMore(ctx, records); err != nil {
					return err
				}
			}
			more = len(ids) == swept
		}
	}
	return nil
}

// unnamed returns the next ids of live rows that no record has named.
func (u *unit) unnamed(ctx context.Context, r *rest, after string) ([]string, error) {
	if err := u.roll.ready(ctx, u.tx); err != nil {
		return nil, err
	}
	sql := fmt.Sprintf(`SELECT r.id FROM %s AS r WHERE r.org_id = $1 AND r.connection_id = $2 AND r.deleted_at IS NULL AND r.id > $3%s
AND NOT (%s) ORDER BY r.id LIMIT $5`, r.table.relations[0].name, r.conditions, u.roll.has("$4", "r.id"))
	// The temporary table is another each time: a prepared statement would know the last one.
	arguments := append([]any{pgx.QueryExecModeExec, u.owner.org, u.owner.id, after, u.roll.argument(list{named, r.table.Stream}), swept}, r.arguments...)
	if _, err := u.tx.Exec(ctx, byPlace); err != nil {
		return nil, err
	}
	rows, err := u.tx.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
