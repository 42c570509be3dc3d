// Package catalog declares, once, which tables a provider's objects become.
//
// A declaration names each column's JSON path and type and each array that becomes a table of its
// own. Everything else follows from it: decoding, the SQL that writes, the check that the
// migrations agree, the views and the data dictionary. A new kind of object is a new declaration.
package catalog

import (
	"strconv"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Type is the type of a column.
type Type uint8

// The types of columns, with what they accept beside their own JSON form, because providers drift.
const (
	Text      Type = iota // any string; a number or boolean keeps its own text
	Numeric               // an exact decimal, never through a float; also as a string, "8%" is 8
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
//
// A step * of a path stands for the one member that is an object, whatever its key: where a provider
// wraps each object in one that tells its kind, {"Invoice": {…}}, "*.Id" is the id. The path "*" itself,
// of a Text column, is that member's key: the kind. A column so declared needs a name.
type Column struct {
	Path   string // keys from the row's object, joined by dots: "BillAddr.Line1"
	Name   string // column name; empty means Snake(Path)
	Type   Type
	Note   string // what the name cannot say: unit, meaning of null
	Refers string // of a reference's id: the stream that it belongs to; where it may be one of several, these joined by commas
}

// Meaning returns what a comment on the column says: its note, and what it refers to.
func (c Column) Meaning() string {
	if c.Refers == "" {
		return c.Note
	}
	says := "the id of one of " + strings.ReplaceAll(c.Refers, ",", ", ")
	switch {
	case lower(c.Refers[0]): // streams that are named by many of a kind
		says = "refers to " + strings.ReplaceAll(c.Refers, ",", " or ")
	case !strings.Contains(c.Refers, ","):
		says = "the " + c.Refers + "'s id"
	}
	if c.Note != "" {
		says += "; " + c.Note
	}
	return says
}

// InView returns the name that the column has in the appsheet views: its path, flat, where that is a
// name that a column can have, else its own.
func (c Column) InView() string {
	if name := Flat(c.Path); name != "" && len(name) <= maxName && !composite(c.Path) {
		return name
	}
	return c.Name
}

// Table declares the table of one kind of object: a stream.
type Table struct {
	Provider org.Provider // also the database schema
	Stream   string       // the provider's name of the kind: "Invoice"
	Name     string       // the table: "invoices"
	One      string       // one of them: "invoice"; child tables point back by <One>_id
	ID       string       // path of the object's own id; several, joined by commas: the id is their texts joined by |
	Version  string       // path of the instant of its last change; empty when the provider has none
	Columns  []Column     // ID and Version among them
	Children []Child
	Indexes  []string // column lists that people search by, after org_id: "customer_ref_value, txn_date"
	View     string   // its read-only view in the schema appsheet; empty: none
	Note     string

	Every     time.Duration // the provider's feed of changes leaves this stream out: it is read again this often; 0: the feed covers it
	Permanent bool          // objects are never removed: one that a full reading does not meet is kept
	Optional  bool          // a feature that a company may not have: a refusal then means that there are none
	Merges    bool          // objects can be merged into another: the table has a column merged_into
	Void      *Void         // how a voided object shows: the table has a column is_voided; nil: objects are not voided

	Succession *Succession // objects give way to others under new ids: the table has columns merged_into and origin_id; nil: they do not
}

// Succession says how an object shows that it takes the place of another one, under a new id. To
// readers the two are one thing, known by origin_id.
type Succession struct {
	By string // path of a Text column: the id of the object whose place it takes; empty: no object tells
	// Same lists paths, a list for each way to tell, the surest first: an object that is new in the unit in
	// which another one goes, and has the same values at all paths of a list, none of them null, takes its
	// place. Of several the first takes the first one's. Two that differ in what the first list names, both
	// known, are not the same whatever the others say.
	Same [][]string
	// Alone: values that several share tell nothing, because the objects are more than their values.
	Alone bool
}

// Void is how an object shows that it was voided: its amount is zero and its note begins with a word.
type Void struct {
	Amount string // path of a Numeric column
	Note   string // path of a Text column
	Word   string // letters only: "Voided"
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

// The columns of ours that some tables have, by what the catalog says of their objects.
const (
	MergedInto = "merged_into"
	IsVoided   = "is_voided"
	OriginID   = "origin_id"
)

// Ours returns the columns that an object's own table has because of what the catalog says of its
// objects. No JSON path leads to them.
func (r *Relation) Ours() []Column {
	var all []Column
	if r.Parent != nil {
		return nil
	}
	if r.Root.Merges {
		all = append(all, Column{Name: MergedInto, Type: Text, Note: "the object that this one was merged into; null: not merged, or nobody told"})
	}
	if r.Root.Succession != nil {
		if !r.Root.Merges {
			all = append(all, Column{Name: MergedInto, Type: Text, Note: "the object that has taken the place of this one; null: none"})
		}
		all = append(all, Column{Name: OriginID, Type: Text, Note: "the id under which the thing was first known, before others took its place; null: this one's own"})
	}
	if r.Root.Void != nil {
		all = append(all, Column{Name: IsVoided, Type: Boolean, Note: "the amount is 0 and the note begins with " + r.Root.Void.Word + ": nothing else tells"})
	}
	return all
}

// Column returns the relation's column of that path, and whether there is one.
func (r *Relation) Column(path string) (Column, bool) {
	for _, c := range r.Columns {
		if c.Path == path {
			return c, true
		}
	}
	return Column{}, false
}

// Meaning returns what a comment on the table says: its note, and what the catalog says of its objects.
func (r *Relation) Meaning() string {
	var all []string
	if r.Note != "" {
		all = append(all, r.Note)
	}
	if t := r.Root; r.Parent == nil {
		if t.Every > 0 {
			all = append(all, "the provider's feed of changes leaves these out: they are read again every "+hours(t.Every))
		}
		if t.Permanent {
			all = append(all, "never removed: what the provider no longer lists is kept")
		}
		if t.Optional {
			all = append(all, "empty where the company does not have the feature")
		}
	}
	return strings.Join(all, ". ")
}

// hours writes how long it is from one reading to the next.
func hours(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > day && d%day == 0:
		return strconv.Itoa(int(d/day)) + " days"
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + " hours"
	default:
		return d.String()
	}
}

// each names one of the table's objects in words.
func (t *Table) each() string {
	if lower(t.Stream[0]) {
		return strings.ReplaceAll(t.One, "_", " ")
	}
	return t.Stream
}

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

const maxName = 63 // bytes in a PostgreSQL name

// composite reports whether path is that of an id in several parts.
func composite(path string) bool { return strings.Contains(path, ",") }

// bare returns path without the steps that stand for a member of any key.
func bare(path string) string {
	return strings.TrimSuffix(strings.ReplaceAll(path, anyKey+".", ""), anyKey)
}

// anyKey is the step of a path that stands for the one member that is an object.
const anyKey = "*"

// Snake turns a JSON path into a column name: "BillAddr.Line1" → "bill_addr_line1",
// "MetaData.LastUpdatedTime" → "meta_data_last_updated_time", "IDNumber" → "id_number", "*.TxnDate" → "txn_date".
func Snake(path string) string {
	path = bare(path)
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
func Flat(path string) string { return strings.ToLower(strings.ReplaceAll(bare(path), ".", "_")) }

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }
func lower(c byte) bool { return 'a' <= c && c <= 'z' }
