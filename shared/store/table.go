package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
)

// table is one stream's relations with the statements that read and write them.
type table struct {
	*catalog.Table
	relations  []*relation // the object's own first
	version    string      // column, or ""
	existing   string      // SELECT of what is stored under some ids
	merge      string      // UPDATE of merged_into for some objects; empty: they are not merged
	succession *succession // nil: objects do not give way to others
	encoders   sync.Pool   // of *encoder
}

// byPlace makes PostgreSQL go to the rows that mark has found, until the transaction ends.
const byPlace = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`

// relation is one database table with its statements.
type relation struct {
	*catalog.Relation
	name   string // quoted, with its schema
	rootID string // quoted
	types  []catalog.Type
	id     int    // the place of the object's id among the columns; -1 in a child's relation
	fields int    // of a row of copy
	copy   string // COPY, the order of columns is that of the encoder
	remove string // DELETE of the rows of some objects
	mark   string // UPDATE of deleted_at for some objects

	usual atomic.Int64 // bytes of a batch's rows, so that a new buffer need not grow to that
}

// ours are the columns that no catalog may declare.
var ours = [...]string{"org_id", "connection_id", "raw", "digest", "deleted_at", "synced_at", catalog.MergedInto, catalog.IsVoided, catalog.OriginID}

func newTable(t *catalog.Table) (*table, error) {
	out := &table{Table: t}
	for _, r := range t.Relations() {
		rel, err := newRelation(r)
		if err != nil {
			return nil, err
		}
		out.relations = append(out.relations, rel)
	}
	root := out.relations[0]
	out.version = root.VersionColumn()
	version := "NULL::timestamptz"
	if out.version != "" {
		version = "r." + quote(out.version)
	}
	more := ""
	if t.Succession != nil {
		var err error
		if out.succession, err = newSuccession(root); err != nil {
			return nil, err
		}
		by := "NULL::text"
		if out.succession.by != "" {
			by = "r." + out.succession.by
		}
		more = ", r." + catalog.MergedInto + ", r." + catalog.OriginID + ", " + by
	}
	if t.Merges {
		more = ", r." + catalog.MergedInto
		out.merge = fmt.Sprintf(`UPDATE %[1]s AS r SET %[2]s = nullif(d.survivor, ''), synced_at = $5
FROM (SELECT f.ctid, m.survivor FROM unnest($3::text[], $4::text[]) AS m (object, survivor) %[3]s) AS d WHERE r.ctid = d.ctid`, root.name, catalog.MergedInto, root.places())
	}
	out.existing = fmt.Sprintf(`SELECT r.id, %s, r.digest, r.deleted_at%s FROM unnest($3::text[]) AS m (object)
CROSS JOIN LATERAL (SELECT * FROM %s WHERE org_id = $1 AND connection_id = $2 AND id = m.object LIMIT 1) AS r`, version, more, root.name)
	out.encoders.New = func() any { return newEncoder(out) }
	return out, nil
}

func newRelation(r *catalog.Relation) (*relation, error) {
	rel := &relation{Relation: r, id: -1, name: pgx.Identifier{r.Schema, r.Name}.Sanitize(), rootID: quote(r.RootID())}
	if err := rel.check(); err != nil {
		return nil, err
	}
	for i, c := range r.Columns {
		rel.types = append(rel.types, c.Type)
		if r.Parent == nil && c.Name == "id" {
			rel.id = i
		}
	}
	rel.fields = len(rel.copied())
	rows := rel.places()
	rel.copy = fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)", intake(r.Schema, r.Name), strings.Join(rel.copied(), ", "))
	rel.remove = fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT f.ctid FROM unnest($3::text[]) AS m (object) %s))", rel.name, rows)
	rel.mark = fmt.Sprintf(`UPDATE %s AS r SET deleted_at = d.at, synced_at = $5
FROM (SELECT f.ctid, m.at FROM unnest($3::text[], $4::timestamptz[]) AS m (object, at) %s) AS d WHERE r.ctid = d.ctid`, rel.name, rows)
	return rel, nil
}

// places finds the rows of the objects m. While a table fills faster than statistics are gathered, the
// planner takes it to be small and would read it whole, at every batch. So each object is looked up
// by itself, through the key.
func (r *relation) places() string {
	return fmt.Sprintf(`CROSS JOIN LATERAL (SELECT ctid FROM %s WHERE org_id = $1 AND connection_id = $2 AND %s = m.object OFFSET 0) AS f`, r.name, r.rootID)
}

// copied lists the columns in the order in which the encoder writes them.
func (r *relation) copied() []string {
	columns := []string{"org_id", "connection_id"}
	if r.Parent != nil {
		columns = append(columns, r.rootID, "position", "parent_position")
	}
	for _, c := range r.Columns {
		columns = append(columns, quote(c.Name))
	}
	if r.Parent == nil {
		columns = append(columns, "raw", "digest")
		if r.Root.Succession != nil {
			columns = append(columns, catalog.MergedInto, catalog.OriginID)
		}
	}
	return append(columns, "deleted_at", "synced_at")
}

// check refuses names that cannot be columns, or that are taken.
func (r *relation) check() error {
	seen := map[string]bool{}
	for _, name := range ours {
		seen[name] = true
	}
	if r.Parent != nil {
		seen[r.RootID()], seen["position"], seen["parent_position"] = true, true, true
	}
	for _, c := range r.Columns {
		if seen[c.Name] || c.Name == "" || len(c.Name) > maxName {
			return fault.New(fault.Internal, fmt.Sprintf("store: %s cannot have the column %q: taken, empty or too long", r.Qualified(), c.Name))
		}
		seen[c.Name] = true
	}
	if len(r.Name) > maxName {
		return fault.New(fault.Internal, "store: the name "+r.Qualified()+" is too long")
	}
	if r.Parent != nil {
		return nil
	}
	id := slices.IndexFunc(r.Columns, func(c catalog.Column) bool { return c.Path == r.Root.ID })
	if id < 0 || r.Columns[id].Name != "id" || r.Columns[id].Type != catalog.Text {
		return fault.New(fault.Internal, "store: "+r.Qualified()+" needs its object's id as a text column named id")
	}
	version := slices.IndexFunc(r.Columns, func(c catalog.Column) bool { return c.Path == r.Root.Version })
	if r.Root.Version != "" && (version < 0 || r.Columns[version].Type != catalog.Timestamp) {
		return fault.New(fault.Internal, "store: "+r.Qualified()+" needs its object's version as a timestamp column")
	}
	if r.Root.Merges && r.Root.Succession != nil {
		return fault.New(fault.Internal, "store: "+r.Qualified()+" cannot have both mergers and a succession")
	}
	return r.checkVoid()
}

// checkVoid refuses a declaration of voided objects from which no condition can be made.
func (r *relation) checkVoid() error {
	v := r.Root.Void
	if v == nil {
		return nil
	}
	amount, _ := r.Column(v.Amount)
	note, _ := r.Column(v.Note)
	notLetter := func(c rune) bool { return (c|0x20) < 'a' || (c|0x20) > 'z' }
	if amount.Type != catalog.Numeric || note.Name == "" || note.Type != catalog.Text || v.Word == "" || strings.ContainsFunc(v.Word, notLetter) {
		return fault.New(fault.Internal, "store: "+r.Qualified()+" needs the amount, the note and a word of letters that tell a voided object")
	}
	return nil
}

const maxName = 63 // bytes in a PostgreSQL name

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
