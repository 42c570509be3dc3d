package quickbooks_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
)

// compare compares an account's snapshots with its rows: whole JSON, every row and column, and,
// found in another way, every amount.
func (c *comparison) compare(t *testing.T, id org.ConnectionID, held []snapshot) {
	want, got := rows{}, rows{}
	for _, s := range held {
		expect(s.table, s.id, s.raw, want)
		c.raw(t, id, s)
	}
	for _, table := range c.tables {
		stored(t, c.store, id, table, got)
	}
	for key := range want {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is not in the database", key)
		}
	}
	names := c.columns()
	for key, values := range got {
		must, ok := want[key]
		if !ok {
			t.Errorf("%s is in the database and not in the file", key)
			continue
		}
		c.got.Rows++
		for i, v := range values {
			if v != must[i] {
				t.Errorf("%s, %s: stored %q, want %q", key, names[key.table][i], v, must[i])
			}
			if i > 0 && v != null {
				c.got.Values++
			}
		}
		if strings.HasSuffix(key.table, "_lines") && !strings.HasSuffix(key.table, "_tax_lines") {
			c.got.Lines++
			if values[0] != "0" {
				c.got.Nested++
			}
		}
	}
	for _, s := range held {
		c.amounts(t, s, got)
	}
}

// columns names the columns of each table's rows.
func (c *comparison) columns() map[string][]string {
	names := map[string][]string{}
	for _, table := range c.tables {
		for _, r := range table.Relations() {
			names[r.Name] = []string{"parent_position"}
			for _, col := range r.Columns {
				names[r.Name] = append(names[r.Name], col.Name)
			}
		}
	}
	return names
}

// raw compares the whole JSON of an object with what jsonb prints, every number by its digits.
func (c *comparison) raw(t *testing.T, id org.ConnectionID, s snapshot) {
	var raw string
	var gone, voided bool
	isVoided := "false"
	if s.table.Void != nil {
		isVoided = "is_voided"
	}
	err := c.store.Pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT raw::text, deleted_at IS NOT NULL, %s FROM %s.%s WHERE connection_id = $1 AND id = $2`,
		isVoided, s.table.Provider, s.table.Name), id, s.id).Scan(&raw, &gone, &voided)
	if err != nil {
		t.Errorf("%s %s: %v", s.table.Stream, s.id, err)
		return
	}
	if diff := cmp.Diff(canonical(s.raw, digits), canonical(json.RawMessage(raw), asWritten)); diff != "" {
		t.Errorf("%s %s: raw (-want +got):\n%s", s.table.Stream, s.id, diff)
	}
	if gone != deleted(s.raw) {
		t.Errorf("%s %s: deleted %v, want %v", s.table.Stream, s.id, gone, !gone)
	}
	if gone {
		c.got.Deleted++
	}
	if must := s.table.Void != nil && showsVoid(s); voided != must {
		t.Errorf("%s %s: voided %v, want %v", s.table.Stream, s.id, voided, must)
	}
	if voided {
		c.got.Voided++
	}
}

// showsVoid reports whether an object says that it was voided: nothing is left of its amount, and its note begins so.
func showsVoid(s snapshot) bool {
	amount, note := lookup(s.raw, s.table.Void.Amount), lookup(s.raw, "PrivateNote")
	return amount != nil && strings.Trim(digits(characters(amount)), "-0.") == "" && strings.HasPrefix(characters(note), "Voided")
}

// declaredPath returns a path as the catalog declares it: a nested line is a line, and what is wrapped
// stands below *.
func declaredPath(t *catalog.Table, path string) string {
	if _, rest, ok := strings.Cut(path, "."); ok && strings.HasPrefix(t.ID, "*.") {
		path = "*." + rest
	}
	for _, child := range t.Children {
		for nested := child.Path + "[]." + child.Again + "[]"; child.Again != "" && strings.HasPrefix(path, nested); {
			path = child.Path + "[]" + strings.TrimPrefix(path, nested)
		}
	}
	return path
}

// amounts compares the numbers that stand anywhere in an object at a path that a numeric column
// names with all that its rows hold, path by path, without regard to which row holds which.
func (c *comparison) amounts(t *testing.T, s snapshot, got rows) {
	if deleted(s.raw) {
		return
	}
	inRows, inJSON := map[string][]string{}, map[string][]string{}
	named := map[string]bool{}
	for _, r := range s.table.Relations() {
		for key, values := range got {
			if key.table != r.Name || key.id != s.id {
				continue
			}
			for i, col := range r.Columns {
				if path := r.JSONPath(col); col.Type == catalog.Numeric && values[i+1] != null {
					inRows[path] = append(inRows[path], values[i+1])
				}
			}
		}
		for _, col := range r.Columns {
			named[r.JSONPath(col)] = col.Type == catalog.Numeric
		}
	}
	scalars(s.raw, "", func(path string, raw json.RawMessage) {
		path = declaredPath(s.table, path)
		if text := characters(raw); named[path] && text != "" && text != "null" {
			inJSON[path] = append(inJSON[path], digits(strings.TrimSuffix(text, "%")))
		}
	})
	for _, paths := range []map[string][]string{inRows, inJSON} {
		for _, list := range paths {
			slices.Sort(list)
		}
	}
	for _, list := range inJSON {
		c.got.Amounts += len(list)
	}
	if diff := cmp.Diff(inJSON, inRows); diff != "" {
		t.Errorf("%s %s: amounts by path (-JSON +rows):\n%s", s.table.Stream, s.id, diff)
	}
}
