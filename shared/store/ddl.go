package store

import (
	"fmt"
	"strings"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// DDL returns the statements that make a relation's table, to be kept in a migration: table,
// comments, indexes, and who may read it.
func DDL(r *catalog.Relation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", r.Qualified())
	for _, c := range tableColumns(r) {
		fmt.Fprintf(&b, "\t%s %s,\n", plain(c.name), c.definition())
	}
	fmt.Fprintf(&b, "\tPRIMARY KEY (%s)\n);\n", strings.Join(r.Key(), ", "))
	if says := r.Meaning(); says != "" {
		fmt.Fprintf(&b, "COMMENT ON TABLE %s IS %s;\n", r.Qualified(), literal(says))
	}
	for _, c := range append(r.Columns[:len(r.Columns):len(r.Columns)], r.Ours()...) {
		if says := c.Meaning(); says != "" {
			fmt.Fprintf(&b, "COMMENT ON COLUMN %s.%s IS %s;\n", r.Qualified(), plain(c.Name), literal(says))
		}
	}
	for _, columns := range r.Indexes {
		fmt.Fprintf(&b, "CREATE INDEX %s ON %s (org_id, %s);\n", indexName(r, columns), r.Qualified(), columns)
	}
	if r.Parent == nil {
		fmt.Fprintf(&b, "SELECT sync.pack('%s');\n", r.Qualified())
	}
	fmt.Fprintf(&b, "SELECT sync.protect('%s');\n", r.Qualified())
	return b.String()
}

// tableColumn is one column of a provider's table as PostgreSQL has it.
type tableColumn struct {
	name, typ, collation string
	required             bool
	formula              string // of a column that follows from others, else ""
}

func (c tableColumn) definition() string {
	s := c.typ
	if c.collation != "" {
		s += ` COLLATE "` + c.collation + `"`
	}
	if c.required {
		s += " NOT NULL"
	}
	if c.formula != "" {
		s += " GENERATED ALWAYS AS (" + c.formula + ") STORED"
	}
	return s
}

// tableColumns lists a relation's columns: what it is keyed by, the catalog's, and our own.
// Identifiers compare byte by byte, which is cheapest and the same everywhere.
func tableColumns(r *catalog.Relation) []tableColumn {
	columns := []tableColumn{
		{name: "org_id", typ: "text", collation: "C", required: true},
		{name: "connection_id", typ: "bigint", required: true},
		{name: r.RootID(), typ: "text", collation: "C", required: true},
	}
	if r.Parent != nil {
		columns = append(columns, tableColumn{name: "position", typ: "integer", required: true}, tableColumn{name: "parent_position", typ: "integer"})
	}
	for _, c := range r.Columns {
		if r.Parent == nil && c.Name == "id" {
			continue
		}
		columns = append(columns, tableColumn{name: c.Name, typ: c.Type.SQL()})
	}
	for _, c := range r.Ours() {
		own := tableColumn{name: c.Name, typ: c.Type.SQL()}
		switch c.Name {
		case catalog.MergedInto, catalog.OriginID: // an id like any other
			own.collation = "C"
		case catalog.IsVoided:
			own.formula = voided(r)
		}
		columns = append(columns, own)
	}
	if r.Parent == nil {
		columns = append(columns, tableColumn{name: "raw", typ: "jsonb", required: true}, tableColumn{name: "digest", typ: "bytea", required: true})
	}
	return append(columns, tableColumn{name: "deleted_at", typ: "timestamptz"}, tableColumn{name: "synced_at", typ: "timestamptz", required: true})
}

// voided is the condition that an object of r was voided. A word of letters needs no escape in a pattern.
func voided(r *catalog.Relation) string {
	v := r.Root.Void
	amount, _ := r.Column(v.Amount)
	note, _ := r.Column(v.Note)
	return fmt.Sprintf("coalesce(%s = 0 AND %s LIKE %s, false)", plain(amount.Name), plain(note.Name), literal(v.Word+"%"))
}

// indexName is made of the table's and the columns' names, as far as they fit.
func indexName(r *catalog.Relation, columns string) string {
	name := r.Name + "_" + strings.ReplaceAll(strings.ReplaceAll(columns, ",", "_"), " ", "")
	if len(name) > maxName {
		name = name[:maxName]
	}
	return name
}

// plain quotes a name only where it needs quotes, for people read migrations.
func plain(name string) string {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c != '_' && (c < 'a' || 'z' < c) && (i == 0 || c < '0' || '9' < c) {
			return quote(name)
		}
	}
	if reserved[name] {
		return quote(name)
	}
	return name
}

// reserved are the words that providers use as keys and SQL keeps for itself.
var reserved = map[string]bool{
	"all": true, "analyse": true, "analyze": true, "and": true, "any": true, "array": true, "as": true, "asc": true,
	"both": true, "case": true, "cast": true, "check": true, "column": true, "constraint": true, "create": true,
	"default": true, "desc": true, "distinct": true, "do": true, "else": true, "end": true, "false": true, "for": true,
	"foreign": true, "from": true, "grant": true, "group": true, "having": true, "in": true, "into": true, "limit": true,
	"not": true, "null": true, "offset": true, "on": true, "only": true, "or": true, "order": true, "primary": true,
	"references": true, "select": true, "some": true, "table": true, "then": true, "to": true, "true": true,
	"union": true, "unique": true, "user": true, "using": true, "when": true, "where": true, "window": true, "with": true,
}

// literal quotes s as a string constant of SQL.
func literal(s string) string {
	if strings.Contains(s, `\`) {
		return `E'` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
