package plaid_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// comparison compares what files hold with what the database makes of it.
type comparison struct {
	store *storetest.Store
	got   figures
}

func newComparison(t *testing.T) *comparison {
	t.Helper()
	return &comparison{store: storetest.New(t, plaid.Catalog()...), got: figures{Of: map[string]int{}}}
}

// file stores a file's objects and compares them. It gives each further snapshot of an object a
// connection of its own, so that none replaces another.
func (c *comparison) file(t *testing.T, name string, objects []object) {
	var held []map[string]object // by stream and id, for each connection
	for _, o := range objects {
		id, _, err := o.table.Identify(o.raw)
		if err != nil {
			t.Fatalf("%s: %v", o.table.Stream, err)
		}
		key := o.table.Stream + " " + id
		at := slices.IndexFunc(held, func(h map[string]object) bool { return h[key].table == nil })
		if at < 0 {
			held, at = append(held, map[string]object{}), len(held)
		}
		held[at][key] = o
	}
	if len(held) > 0 {
		c.got.Files++
	}
	for i, h := range held {
		c.account(t, c.store.Connect(t, "onpoint", plaid.Provider, fmt.Sprint(name, " ", i)), h)
	}
}

// account stores objects in one connection and compares all rows that it then has.
func (c *comparison) account(t *testing.T, id org.ConnectionID, held map[string]object) {
	var b engine.Batch
	want := rows{}
	for key, o := range held {
		_, object, _ := strings.Cut(key, " ")
		b.Records = append(b.Records, engine.Record{Stream: o.table.Stream, ID: object, Raw: o.raw, Deleted: o.gone})
		expect(o, object, want)
		c.got.Objects++
		c.got.Of[o.table.Stream]++
	}
	if n, err := c.store.Apply(t.Context(), c.store.Lease(t, id), 0, b, engine.Usage{}); err != nil || n.Written+n.Deleted != len(held) {
		t.Fatalf("stored %+v of %d objects: %v", n, len(held), err)
	}
	got := rows{}
	for _, table := range plaid.Catalog() {
		for _, r := range table.Relations() {
			c.read(t, id, r, got)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows by column (-file +database):\n%s", diff)
	}
	c.count(got)
	for key, o := range held {
		_, object, _ := strings.Cut(key, " ")
		c.raw(t, id, o, object)
		c.amounts(t, o, object, got)
	}
}

// read reads a connection's rows of one table.
func (c *comparison) read(t *testing.T, id org.ConnectionID, r *catalog.Relation, into rows) {
	t.Helper()
	position := "0"
	if r.Parent != nil {
		position = "position"
	}
	columns := []string{r.RootID(), position}
	for _, col := range r.Columns {
		columns = append(columns, selected(col))
	}
	found, err := c.store.Pool.Query(t.Context(), fmt.Sprintf("SELECT %s FROM %s WHERE connection_id = $1", strings.Join(columns, ", "), r.Qualified()), id)
	if err != nil {
		t.Fatal(err)
	}
	key := rowKey{Table: r.Name}
	values := make([]*string, len(r.Columns))
	places := []any{&key.ID, &key.Position}
	for i := range values {
		places = append(places, &values[i])
	}
	if _, err := pgx.ForEachRow(found, places, func() error {
		into[key] = printed(r, values)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// count counts what was compared.
func (c *comparison) count(got rows) {
	for key, values := range got {
		c.got.Rows++
		c.got.Values += len(values)
		if key.Position > 0 {
			c.got.Children++
		}
	}
}

// raw compares the whole JSON of an object with what jsonb prints, every number by its digits.
func (c *comparison) raw(t *testing.T, id org.ConnectionID, o object, object string) {
	var raw string
	var gone bool
	err := c.store.Pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT raw::text, deleted_at IS NOT NULL FROM plaid.%s WHERE connection_id = $1 AND id = $2`,
		o.table.Name), id, object).Scan(&raw, &gone)
	if err != nil {
		t.Errorf("%s %s: %v", o.table.Stream, object, err)
		return
	}
	if diff := cmp.Diff(canonical(o.value()), canonical(decoded([]byte(raw)))); diff != "" {
		t.Errorf("%s %s: raw (-want +got):\n%s", o.table.Stream, object, diff)
	}
	if gone != o.gone {
		t.Errorf("%s %s: deleted %v, want %v", o.table.Stream, object, gone, o.gone)
	}
	if gone {
		c.got.Deleted++
	}
}

// amounts compares the numbers that stand anywhere in an object at a path that a numeric column names
// with all that its rows hold, path by path, without regard to which row holds which.
func (c *comparison) amounts(t *testing.T, o object, object string, got rows) {
	if o.gone {
		return
	}
	inRows, inJSON, numeric := map[string][]string{}, map[string][]string{}, map[string]bool{}
	for _, r := range o.table.Relations() {
		for _, col := range r.Columns {
			path := r.JSONPath(col)
			numeric[path] = col.Type == catalog.Numeric
			for key, values := range got {
				if text, ok := values[col.Name]; ok && numeric[path] && key.Table == r.Name && key.ID == object {
					inRows[path] = append(inRows[path], text)
				}
			}
		}
	}
	scalars(o.value(), "", func(path string, v any) {
		if numeric[path] && v != nil {
			inJSON[path] = append(inJSON[path], digits(fmt.Sprint(v)))
			c.got.Amounts++
		}
	})
	for _, lists := range []map[string][]string{inRows, inJSON} {
		for _, list := range lists {
			slices.Sort(list)
		}
	}
	if diff := cmp.Diff(inJSON, inRows); diff != "" {
		t.Errorf("%s %s: amounts by path (-JSON +rows):\n%s", o.table.Stream, object, diff)
	}
}
