// Package catalog declares, once, which tables a provider's objects become.
//
// A declaration names each column's JSON path and type and each array that becomes a table of its
// own. Everything else follows from it: decoding, the SQL that writes, the check that the
// migrations agree, the views and the data dictionary. A new kind of object is a new declaration.
package catalog

import (
	"strings"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Type is the type of a column.
type Type uint8

// The types of columns, with what they accept beside their own JSON form, because providers drift.
const (
	Text      Type = iota // any string; a number or boolean keeps its own text
	Numeric               // an exact decimal, never through a float; also as a string
	Integer               // a whole number; also as a string
	Boolean               // true or false; also as a string
	Date                  // a calendar date without zone, YYYY-MM-DD
	Timestamp             // an instant, RFC 3339 with a fraction of any length; a bare date is midnight UTC
	JSON                  // any value, kept as jsonb
)

// SQL returns the PostgreSQL type.
func (t Type) SQL() string {
	return [...]string{"text", "numeric", "bigint", "boolean", "date", "timestamptz", "jsonb"}[t]
}

// Column is one typed value of an object.
type Column struct {
	Path string // keys from the row's object, joined by dots: "BillAddr.Line1"
	Name string // column name; empty means Snake(Path)
	Type Type
	Note string // what the name cannot say: unit, meaning of null
}

// Table declares the table of one kind of object: a stream.
type Table struct {
	Provider org.Provider // also the database schema
	Stream   string       // the provider's name of the kind: "Invoice"
	Name     string       // the table: "invoices"
	One      string       // one of them: "invoice"; child tables point back by <One>_id
	ID       string       // path of the object's own id
	Version  string       // path of the instant of its last change; empty when the provider has none
	Columns  []Column     // ID and Version among them
	Children []Child
	Indexes  []string // column lists that people search by, after org_id: "customer_ref_value, txn_date"
	View     string   // its read-only view in the schema appsheet; empty: none
	Note     string
}

// Child declares the table of an array inside an object: one row an element, keyed by the object
// and the element's position, because elements' own ids are not stable.
type Child struct {
	Path     string // of the array, from the row that holds it: "Line", "TxnTaxDetail.TaxLine"
	Name     string // the table: "invoice_lines"
	Again    string // path inside an element where more of the same kind nest: "GroupLineDetail.Line"
	Columns  []Column
	Children []Child
	Indexes  []string
	View     string
	Note     string
}

// Relation is one database table that a Table leads to: its own, or that of a child array.
type Relation struct {
	Schema  string
	Name    string
	Root    *Table    // whose objects the rows come from
	Parent  *Relation // nil for an object's own table
	Columns []Column  // names filled in; Row.Values follows this order
	Indexes []string
	View    string
	Note    string

	id, version int // places in Columns; -1 where there is none
	path        string
	again       string // Child.Again
}

// Qualified returns the name with its schema.
func (r *Relation) Qualified() string { return r.Schema + "." + r.Name }

// RootID returns the name of the column that holds the object's id.
func (r *Relation) RootID() string {
	if r.Parent == nil {
		return "id"
	}
	return r.Root.One + "_id"
}

// Key returns the primary key's columns.
func (r *Relation) Key() []string {
	if r.Parent == nil {
		return []string{"org_id", "connection_id", "id"}
	}
	return []string{"org_id", "connection_id", r.RootID(), "position"}
}

// VersionColumn returns the name of the column that guards against older data, or "".
func (r *Relation) VersionColumn() string {
	if r.version < 0 {
		return ""
	}
	return r.Columns[r.version].Name
}

// JSONPath returns the path of a column from the object's root, with [] for each array.
func (r *Relation) JSONPath(c Column) string { return r.path + c.Path }

// Relations returns t's own relation and, after it, those of its children, parents first.
func (t *Table) Relations() []*Relation {
	own := &Relation{
		Schema: string(t.Provider), Name: t.Name, Root: t, Columns: named(t.Columns),
		Indexes: t.Indexes, View: t.View, Note: t.Note, id: -1, version: -1,
	}
	for i, c := range own.Columns {
		switch c.Path {
		case t.ID:
			own.id = i
		case t.Version:
			own.version = i
		}
	}
	return append([]*Relation{own}, relations(t, own, t.Children)...)
}

func relations(t *Table, parent *Relation, children []Child) []*Relation {
	var all []*Relation
	for _, c := range children {
		r := &Relation{
			Schema: string(t.Provider), Name: c.Name, Root: t, Parent: parent, Columns: named(c.Columns),
			Indexes: c.Indexes, View: c.View, Note: c.Note, id: -1, version: -1,
			path: parent.path + c.Path + "[].", again: c.Again,
		}
		all = append(all, r)
		all = append(all, relations(t, r, c.Children)...)
	}
	return all
}

func named(columns []Column) []Column {
	out := make([]Column, len(columns))
	for i, c := range columns {
		if c.Name == "" {
			c.Name = Snake(c.Path)
		}
		out[i] = c
	}
	return out
}

// Snake turns a JSON path into a column name: "BillAddr.Line1" → "bill_addr_line1",
// "MetaData.LastUpdatedTime" → "meta_data_last_updated_time", "IDNumber" → "id_number".
func Snake(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '.':
			b.WriteByte('_')
		case upper(c):
			after := i > 0 && path[i-1] != '.'
			if after && (!upper(path[i-1]) || i+1 < len(path) && lower(path[i+1])) {
				b.WriteByte('_')
			}
			b.WriteByte(c + 'a' - 'A')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Flat turns a JSON path into the name that the appsheet views use: "BillAddr.Line1" → "billaddr_line1".
func Flat(path string) string { return strings.ToLower(strings.ReplaceAll(path, ".", "_")) }

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }
func lower(c byte) bool { return 'a' <= c && c <= 'z' }
