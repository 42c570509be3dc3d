package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// The tests' own provider: orders with lines and nested parts, and tags without a version.
const books org.Provider = "testbooks"

func orders() catalog.Table {
	return catalog.Table{
		Provider: books, Stream: "Order", Name: "orders", One: "order", ID: "Id", Version: "Meta.Updated", View: "orders",
		Columns: []catalog.Column{
			{Path: "Id"}, {Path: "Meta.Updated", Type: catalog.Timestamp}, {Path: "Name", Note: "it's a name"}, {Path: "Total", Type: catalog.Numeric},
			{Path: "Count", Type: catalog.Integer}, {Path: "Open", Type: catalog.Boolean}, {Path: "Day", Type: catalog.Date},
			{Path: "Extra", Type: catalog.JSON}, {Path: "CustomerRef.value"},
		},
		Indexes: []string{"name"},
		Children: []catalog.Child{{
			Path: "Line", Name: "order_lines", Again: "Group.Line", View: "order_lines",
			Columns: []catalog.Column{{Path: "Id"}, {Path: "Amount", Type: catalog.Numeric}},
			Children: []catalog.Child{{
				Path: "Part", Name: "order_parts", Columns: []catalog.Column{{Path: "Sku"}},
			}},
		}},
	}
}

func tags() catalog.Table {
	return catalog.Table{
		Provider: books, Stream: "Tag", Name: "tags", One: "tag", ID: "Id",
		Columns: []catalog.Column{{Path: "Id"}, {Path: "Label"}},
	}
}

type fixture struct {
	*storetest.Store
	testing.TB
	ctx   context.Context
	id    org.ConnectionID
	lease org.Lease
	run   engine.RunID
}

// newFixture returns a store with one leased connection whose run has begun.
func newFixture(t testing.TB, more ...catalog.Table) *fixture {
	t.Helper()
	return newFixtureIn(t, storetest.New(t, append([]catalog.Table{orders(), tags()}, more...)...))
}

func newFixtureIn(t testing.TB, s *storetest.Store) *fixture {
	t.Helper()
	f := &fixture{Store: s, TB: t, ctx: context.Background()}
	f.connect("realm-1")
	return f
}

// connect makes another connection the fixture's: leased, with a run that has begun.
func (f *fixture) connect(account string) {
	f.Helper()
	f.id = f.Connect(f, "onpoint", books, account)
	f.lease = f.Lease(f, f.id)
	f.begin()
}

// begin begins another run.
func (f *fixture) begin() {
	f.Helper()
	var err error
	if f.run, err = f.Begin(f.ctx, f.lease, []string{"Order", "Tag"}, org.Schedule); err != nil {
		f.Fatal(err)
	}
}

// apply applies records and fails the test on an error.
func (f *fixture) apply(records ...engine.Record) engine.Applied {
	f.Helper()
	n, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Records: records}, engine.Usage{})
	if err != nil {
		f.Fatal(err)
	}
	return n
}

func (f *fixture) exec(sql string, args ...any) {
	f.Helper()
	if _, err := f.Pool.Exec(f.ctx, sql, args...); err != nil {
		f.Fatal(err)
	}
}

// value returns the only value of a query as text.
func (f *fixture) value(sql string, args ...any) string {
	f.Helper()
	var v *string
	if err := f.Pool.QueryRow(f.ctx, "SELECT ("+sql+")::text", args...).Scan(&v); err != nil {
		f.Fatal(err)
	}
	if v == nil {
		return "null"
	}
	return *v
}

// rows returns each row of a query as one text.
func (f *fixture) rows(sql string, args ...any) []string {
	f.Helper()
	rows, err := f.Pool.Query(f.ctx, "SELECT q::text FROM ("+sql+") AS q", args...)
	if err != nil {
		f.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		f.Fatal(err)
	}
	return out
}

// everything is all that the connection's rows say, except when they were written.
func (f *fixture) everything() string {
	f.Helper()
	var all []string
	for _, q := range []string{
		`SELECT id, meta_updated, name, total, raw, digest, deleted_at FROM testbooks.orders ORDER BY org_id, connection_id, id`,
		`SELECT order_id, position, parent_position, id, amount, deleted_at FROM testbooks.order_lines ORDER BY 1, 2`,
		`SELECT order_id, position, parent_position, sku, deleted_at FROM testbooks.order_parts ORDER BY 1, 2`,
	} {
		all = append(all, f.rows(q)...)
	}
	return strings.Join(all, "\n")
}

// base is the instant of version 0.
var base = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func version(v int) time.Time { return base.Add(time.Duration(v) * time.Second) }

// order is an order's record; what it holds follows from id and version.
func order(id string, v int) engine.Record {
	lines := make([]string, v%4)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"Id":"%d","Amount":%d.50,"Part":[{"Sku":"p%d"}]}`, i, v, v)
	}
	return engine.Record{Stream: "Order", ID: id, Version: version(v), Raw: fmt.Appendf(nil,
		`{"Id":%q,"Meta":{"Updated":%q},"Name":"v%d","Total":%d.00,"Line":[%s]}`, id, version(v).Format(time.RFC3339), v, v, strings.Join(lines, ","))}
}

func deleted(id string, v int) engine.Record {
	return engine.Record{Stream: "Order", ID: id, Version: version(v), Deleted: true, Raw: fmt.Appendf(nil, `{"Id":%q,"status":"Deleted"}`, id)}
}

func tag(id, label string) engine.Record {
	return engine.Record{Stream: "Tag", ID: id, Raw: fmt.Appendf(nil, `{"Id":%q,"Label":%q}`, id, label)}
}
