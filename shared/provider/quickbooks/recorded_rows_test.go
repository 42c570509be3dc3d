package quickbooks_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// null is how an absent value is written here: no row holds its text.
const null = "\x00null"

// rowKey names a row: its table, its object and its position; 0 in an object's own table.
type rowKey struct {
	table, id string
	position  int
}

func (k rowKey) String() string { return fmt.Sprintf("%s %s/%d", k.table, k.id, k.position) }

// rows holds, by row, the position of the row that holds it and then its columns, as text.
type rows map[rowKey][]string

// expected lists the rows that an object must become, from its JSON and the catalog's declaration.
type expected struct {
	id      string
	columns map[string][]catalog.Column // by table, with their names
	last    map[string]int              // position given out, by table
	rows    rows
}

func expect(t *catalog.Table, id string, raw json.RawMessage, into rows) {
	e := &expected{id: id, columns: map[string][]catalog.Column{}, last: map[string]int{}, rows: into}
	for _, r := range t.Relations() {
		e.columns[r.Name] = r.Columns
	}
	if deleted(raw) { // of what is gone only the id is known
		raw = json.RawMessage(`{}`)
	}
	e.row(t.Name, raw, 0, 0)
	e.rows[rowKey{t.Name, id, 0}][1+slices.IndexFunc(e.columns[t.Name], func(c catalog.Column) bool { return c.Name == "id" })] = id
	e.children(t.Children, raw, 0)
}

// deleted reports whether raw is all that QuickBooks says of an object that is gone.
func deleted(raw json.RawMessage) bool {
	status := lookup(raw, "status")
	return status != nil && characters(status) == "Deleted"
}

func (e *expected) row(table string, raw json.RawMessage, position, holder int) {
	values := []string{strconv.Itoa(holder)}
	for _, c := range e.columns[table] {
		values = append(values, expectedText(lookup(raw, c.Path), c.Type))
	}
	e.rows[rowKey{table, e.id, position}] = values
}

func (e *expected) children(children []catalog.Child, raw json.RawMessage, holder int) {
	arrays(raw, "", func(path string, found []json.RawMessage) {
		for _, c := range children {
			if same(c.Path, path) {
				e.elements(c, found, holder)
			}
		}
	})
}

// same reports whether a path of the catalog is that of a key in an object.
func same(declared, path string) bool {
	if rest, any := strings.CutPrefix(declared, "*."); any {
		_, path, _ = strings.Cut(path, ".")
		return rest == path
	}
	return declared == path
}

// elements adds the rows of one array: each element's own first, then those of what it holds.
func (e *expected) elements(c catalog.Child, found []json.RawMessage, holder int) {
	within := c.Children
	if c.Again != "" {
		same := c
		same.Path = c.Again
		within = append([]catalog.Child{same}, within...)
	}
	for _, raw := range found {
		e.last[c.Name]++
		position := e.last[c.Name]
		e.row(c.Name, raw, position, holder)
		e.children(within, raw, position)
	}
}

// expectedText is how SQL, asked by selected, must print a JSON value of a column.
func expectedText(raw json.RawMessage, typ catalog.Type) string {
	switch {
	case raw == nil || string(raw) == "null":
		return null
	case typ == catalog.JSON:
		return canonical(raw, digits)
	case typ == catalog.Text:
		return characters(raw)
	}
	text := characters(raw)
	switch {
	case text == "":
		return null
	case typ == catalog.Numeric:
		return digits(strings.TrimSuffix(text, "%"))
	case typ == catalog.Date:
		return text[:min(10, len(text))]
	case typ == catalog.Timestamp:
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", time.DateOnly} {
			if at, err := time.Parse(layout, text); err == nil {
				return at.UTC().Format("2006-01-02 15:04:05.000000")
			}
		}
	}
	return text
}

// selected is the SQL that prints a column.
func selected(c catalog.Column) string {
	name := pgx.Identifier{c.Name}.Sanitize()
	if c.Type == catalog.Timestamp {
		return "to_char(" + name + " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
	}
	return name + "::text"
}

// stored reads a connection's rows of a table and of its children.
func stored(t *testing.T, s *storetest.Store, id org.ConnectionID, table *catalog.Table, into rows) {
	t.Helper()
	for _, r := range table.Relations() {
		position, holder := "0", "NULL::integer"
		if r.Parent != nil {
			position, holder = "position", "parent_position"
		}
		columns := []string{r.RootID(), position, "coalesce(" + holder + ", 0)::text"}
		for _, c := range r.Columns {
			columns = append(columns, selected(c))
		}
		found, err := s.Pool.Query(t.Context(), fmt.Sprintf("SELECT %s FROM %s WHERE connection_id = $1", strings.Join(columns, ", "), r.Qualified()), id)
		if err != nil {
			t.Fatal(err)
		}
		key := rowKey{table: r.Name}
		values := make([]*string, len(r.Columns)+1)
		places := []any{&key.id, &key.position}
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
}

// printed writes what SQL gave so that it can be compared; numbers inside JSON stay as they are.
func printed(r *catalog.Relation, values []*string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		switch {
		case v == nil:
			out[i] = null
		case i > 0 && r.Columns[i-1].Type == catalog.JSON:
			out[i] = canonical(json.RawMessage(*v), asWritten)
		default:
			out[i] = *v
		}
	}
	return out
}
