package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
)

// succession is the SQL of a table whose objects give way to others.
type succession struct {
	by      string // column, or ""
	places  string // SELECT of some places with who names them
	merge   string // UPDATE of merged_into of some objects
	descend string // UPDATE of origin_id of some objects
	cut     string // UPDATE of origin_id along lines that have ended
	same    [][]string
}

// The index that serves the namers of a place begins with org_id and their column: the key, which
// without statistics looks as good, is kept from being taken for it.
const places = `SELECT p.id, b.id IS NOT NULL, b.id IS NOT NULL AND b.deleted_at IS NULL, coalesce(b.merged_into, ''), coalesce(b.origin_id, ''),
	coalesce(n.id, ''), n.id IS NOT NULL AND n.deleted_at IS NULL, coalesce(n.origin_id, '')
FROM unnest($3::text[]) AS p (id)
LEFT JOIN LATERAL (SELECT id, deleted_at, merged_into, origin_id FROM %[1]s WHERE org_id = $1 AND connection_id = $2 AND id = p.id OFFSET 0) AS b ON true
LEFT JOIN LATERAL (SELECT id, deleted_at, origin_id FROM %[1]s WHERE org_id = $1 AND connection_id + 0 = $2 AND %[2]s = p.id AND id <> p.id OFFSET 0) AS n ON true
WHERE n.id IS NOT NULL OR b.merged_into IS NOT NULL ORDER BY p.id`

// newSuccession makes the SQL.
func newSuccession(root *relation) (*succession, error) {
	c := root.Root.Succession
	s := &succession{}
	for _, paths := range c.Same {
		columns := make([]string, len(paths))
		for i, path := range paths {
			column, ok := root.Column(path)
			if !ok {
				return nil, fault.New(fault.Internal, "store: "+root.Qualified()+" has no column of the path "+path)
			}
			columns[i] = quote(column.Name)
		}
		if len(columns) == 0 {
			return nil, fault.New(fault.Internal, "store: "+root.Qualified()+" has a succession by nothing")
		}
		s.same = append(s.same, columns)
	}
	assign := `UPDATE %[1]s AS r SET %[2]s = nullif(d.value, ''), synced_at = $5
FROM (SELECT f.ctid, m.value FROM unnest($3::text[], $4::text[]) AS m (object, value) %[3]s) AS d WHERE r.ctid = d.ctid`
	s.merge = fmt.Sprintf(assign, root.name, catalog.MergedInto, root.places())
	s.descend = fmt.Sprintf(assign, root.name, catalog.OriginID, root.places())
	s.cut = fmt.Sprintf(`WITH RECURSIVE line (id, origin, root, place, was) AS (
	SELECT m.id COLLATE "C", m.id, m.root, m.place, m.was FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS m (id, root, place, was)
	UNION SELECT h.merged_into, l.origin, l.root, l.place, l.was FROM line AS l CROSS JOIN LATERAL (
		SELECT merged_into FROM %[1]s WHERE org_id = $1 AND connection_id = $2 AND id = l.id OFFSET 0) AS h WHERE h.merged_into IS NOT NULL
)
UPDATE %[1]s AS r SET origin_id = nullif(d.origin, r.id), synced_at = $7 FROM (SELECT f.ctid, l.origin FROM line AS l
	CROSS JOIN LATERAL (SELECT ctid FROM %[1]s WHERE org_id = $1 AND connection_id = $2 AND id = l.id AND origin_id IN (l.root, l.place, l.was) OFFSET 0) AS f) AS d WHERE r.ctid = d.ctid`, root.name)
	if c.By == "" {
		s.places = fmt.Sprintf(places, root.name, "NULL")
		return s, nil
	}
	column, ok := root.Column(c.By)
	if !ok || column.Type != catalog.Text || !served(root, quote(column.Name)) {
		return nil, fault.New(fault.Internal, "store: "+root.Qualified()+" needs the object whose place is taken as a text column with an index that begins with it")
	}
	s.by = quote(column.Name)
	s.places = fmt.Sprintf(places, root.name, s.by)
	return s, nil
}

// served reports whether an index begins with a column, which is quoted.
func served(r *relation, column string) bool {
	for _, columns := range r.Indexes {
		if first, _, _ := strings.Cut(columns, ","); quote(strings.TrimSpace(first)) == column {
			return true
		}
	}
	return false
}

// said returns whose place the object says to have taken, once its rows are written.
func (o *object) said() string {
	if o.content >= 0 {
		return o.line.says
	}
	return o.line.by
}

// ancestry returns merged_into and origin_id for the object's new row. Whose place it takes has its
// own origin perhaps, or another heir: that is seen when all rows are there. Most often there is
// nothing of either, and the row is right as it is.
func (o *object) ancestry() (merged, origin string) {
	if by := o.said(); by != "" && by != o.line.by {
		return o.line.merged, by
	}
	return o.line.merged, o.line.origin
}

// moved reports whether the object has come, gone, or taken another's place.
func (o *object) moved() bool {
	return o.next.exists != o.stored.exists || o.next.deleted.known != o.stored.deleted.known || o.said() != o.line.by
}

// succeed finds the heirs of the places that a work's objects have touched, and notes those that may
// turn out to be the same under other ids.
func (u *unit) succeed(ctx context.Context, w *work) error {
	for _, p := range w.parts {
		s := p.table.succession
		if s == nil {
			continue
		}
		if len(s.same) > 0 && !p.ground.bare() {
			u.notePairs(w, p)
		}
		if err := u.inherit(ctx, w, p); err != nil {
			return err
		}
	}
	return nil
}

// inherit finds the heirs of the places that a part's objects are, were, or say to have taken.
func (u *unit) inherit(ctx context.Context, w *work, p *part) error {
	c := changes{several: map[string]bool{}, arrived: map[string]bool{}, were: map[string]string{}}
	for i := range w.objects {
		// Where no object tells, only one whose place was taken, and that is back, has a place to be looked at.
		if o := &w.objects[i]; o.part == p && o.moved() && (p.table.succession.by != "" || o.line.merged != "") {
			c.add(o, p.ground)
		}
	}
	touched := c.touched(p.ground)
	for range maxCuts {
		places, err := u.places(ctx, p.table, touched, &c)
		if err != nil {
			return err
		}
		c.leave(&places)
		m := settleAll(places)
		if err := u.move(ctx, p.table, &m); err != nil || len(m.cut) == 0 {
			return err
		}
	}
	return nil
}

// maxCuts bounds how often places are looked at again because a line was cut, which moves others: twice
// is what it takes, but for nonsense.
const maxCuts = 5

// changes are what objects of a part mean for the places of others.
type changes struct {
	several map[string]bool   // of the places that are touched, whether several may say to have taken it
	arrived map[string]bool   // objects that have moved
	were    map[string]string // their origins before
	left    []*object         // that say no longer whose place they have taken
}

func (c *changes) add(o *object, g *ground) {
	c.arrived[o.id] = true
	if o.line.origin != "" {
		c.were[o.id] = o.line.origin
	}
	c.touch(o.id, false)
	said := o.said()
	if o.line.by != "" {
		c.touch(o.line.by, false)
	}
	if said != "" {
		c.touch(said, g.sure() && g.bys.add(said))
	}
	if said == "" && o.line.by != "" && o.line.origin != "" {
		c.left = append(c.left, o)
	}
}

func (c *changes) touch(id string, again bool) { c.several[id] = c.several[id] || again }

// touched returns the places that are to be looked at: on known ground only those that somebody has
// named and that are there, or that several have named.
func (c *changes) touched(g *ground) []string {
	ids := make([]string, 0, len(c.several))
	for id, several := range c.several {
		if several || !g.sure() || g.ids.has(id) && g.bys.has(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// leave tells the places who has left them. One that has not been found is not there.
func (c *changes) leave(places *[]seat) {
	for _, o := range c.left {
		i := slices.IndexFunc(*places, func(p seat) bool { return p.id == o.line.by })
		if i < 0 {
			i = len(*places)
			*places = append(*places, seat{id: o.line.by, was: c.were[o.line.by]})
		}
		p := &(*places)[i]
		p.left = append(p.left, namer{id: o.id, origin: o.line.origin})
	}
}

// places reads places that somebody names, or had named.
func (u *unit) places(ctx context.Context, t *table, ids []string, c *changes) (places []seat, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var batch pgx.Batch
	batch.Queue(byPlace)
	batch.Queue(t.succession.places, u.owner.org, u.owner.id, ids).Query(func(rows pgx.Rows) error {
		var p seat
		var n namer
		_, err := pgx.ForEachRow(rows, []any{&p.id, &p.exists, &p.live, &p.merged, &p.origin, &n.id, &n.live, &n.origin}, func() error {
			if last := len(places) - 1; last < 0 || places[last].id != p.id {
				p.was = c.were[p.id]
				places = append(places, p)
			}
			if n.id != "" {
				n.arrived = c.arrived[n.id]
				last := &places[len(places)-1]
				last.namers = append(last.namers, n)
			}
			return nil
		})
		return err
	})
	return places, u.tx.SendBatch(ctx, &batch).Close()
}

// move writes what has changed.
func (u *unit) move(ctx context.Context, t *table, m *moves) error {
	if !m.any() {
		return nil
	}
	var batch pgx.Batch
	if len(m.cut) > 0 {
		batch.Queue(t.succession.cut, u.owner.org, u.owner.id, m.cut, m.roots, m.ids, m.were, u.now)
	}
	if len(m.merged) > 0 {
		batch.Queue(t.succession.merge, u.owner.org, u.owner.id, m.merged, m.heirs, u.now)
	}
	if len(m.holders) > 0 {
		batch.Queue(t.succession.descend, u.owner.org, u.owner.id, m.holders, m.origins, u.now)
	}
	return u.tx.SendBatch(ctx, &batch).Close()
}

// notePairs notes the objects that have come and those that have gone.
func (u *unit) notePairs(w *work, p *part) {
	for i := range w.objects {
		o := &w.objects[i]
		live, was := o.next.exists && !o.next.deleted.known, o.stored.exists && !o.stored.deleted.known
		switch {
		case o.part != p:
		case live && !o.stored.exists:
			u.roll.note(list{fresh, p.table.Stream}, o.id)
		case was && !live:
			u.roll.note(list{gone, p.table.Stream}, o.id)
		}
	}
}

// pair lets objects that are new in the unit take the places of those that have gone in it, where
// they are the same in all but their ids.
func (u *unit) pair(ctx context.Context) error {
	for _, t := range u.home.tables {
		came, went := list{fresh, t.Stream}, list{gone, t.Stream}
		if t.Provider != u.owner.provider || t.succession == nil || u.roll.noted[came] == 0 || u.roll.noted[went] == 0 {
			continue
		}
		if err := u.roll.ready(ctx, u.tx); err != nil {
			return err
		}
		if _, err := u.tx.Exec(ctx, byPlace); err != nil {
			return err
		}
		for i := range t.succession.same {
			sql := pairing(t.relations[0], t.succession, i, &u.roll)
			// The temporary table is another each time: a prepared statement would know the last one.
			_, err := u.tx.Exec(ctx, sql, pgx.QueryExecModeExec, u.owner.org, u.owner.id, u.roll.argument(went), u.roll.argument(came), u.now)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// pairing returns the UPDATE that gives the places of the gone ($3) to the fresh ($4) with the same
// values in the which'th list, the first to the first where there are several, unless the catalog wants them alone. Nothing is joined but by key: it takes the
// same for many as for few, whatever the statistics say.
func pairing(root *relation, s *succession, which int, r *roll) string {
	columns := s.same[which]
	sure := "true" // nothing says that they are not the same
	if which > 0 {
		sure = contradicted(root, s.same[0])
	}
	if root.Root.Succession.Alone {
		sure += " AND p.many = 1"
	}
	var values, known, equal, names []string
	for i, c := range columns {
		name := fmt.Sprintf("v%d", i)
		names = append(names, name)
		values = append(values, "r."+c+" AS "+name)
		known = append(known, "r."+c+" IS NOT NULL")
		equal = append(equal, "r."+c+" = v."+name)
	}
	connection := "r.connection_id"
	if served(root, columns[0]) {
		connection += " + 0" // or the key might be taken for the index
	}
	return fmt.Sprintf(`WITH gone AS MATERIALIZED (
	SELECT r.id, coalesce(r.origin_id, r.id) AS origin, %[2]s FROM %[6]s
	CROSS JOIN LATERAL (SELECT * FROM %[1]s WHERE org_id = $1 AND connection_id = $2 AND id = m.object OFFSET 0) AS r
	WHERE r.deleted_at IS NOT NULL AND r.merged_into IS NULL AND %[3]s AND NOT (%[7]s)
), fresh AS (
	SELECT r.id, %[5]s FROM (SELECT DISTINCT %[5]s FROM gone) AS v
	CROSS JOIN LATERAL (SELECT r.id FROM %[1]s AS r WHERE r.org_id = $1 AND %[8]s = $2 AND %[4]s AND r.deleted_at IS NULL
		AND r.merged_into IS NULL AND r.origin_id IS NULL AND %[7]s OFFSET 0) AS r
), numbered AS (
	SELECT b.id, b.origin, b.went, %[5]s, row_number() OVER (PARTITION BY %[5]s, b.went ORDER BY b.id) AS place,
		count(*) OVER (PARTITION BY %[5]s, b.went) AS many FROM (
		SELECT g.id, g.origin, true AS went, %[5]s FROM gone AS g UNION ALL SELECT f.id, NULL, false, %[5]s FROM fresh AS f) AS b
), pairs AS MATERIALIZED (
	SELECT p.id, p.origin, p.heir FROM (
		SELECT min(n.id) FILTER (WHERE n.went) AS id, min(n.origin) FILTER (WHERE n.went) AS origin, min(n.id) FILTER (WHERE NOT n.went) AS heir, max(n.many) AS many
		FROM numbered AS n GROUP BY %[5]s, n.place HAVING count(*) = 2) AS p WHERE %[9]s
), heirs AS (
	UPDATE %[1]s AS r SET origin_id = d.origin, synced_at = $5 FROM (SELECT f.ctid, p.origin FROM pairs AS p
		CROSS JOIN LATERAL (SELECT ctid FROM %[1]s WHERE org_id = $1 AND connection_id = $2 AND id = p.heir OFFSET 0) AS f) AS d WHERE r.ctid = d.ctid
)
UPDATE %[1]s AS r SET merged_into = d.heir, synced_at = $5 FROM (SELECT f.ctid, p.heir FROM pairs AS p
	CROSS JOIN LATERAL (SELECT ctid FROM %[1]s WHERE org_id = $1 AND connection_id = $2 AND id = p.id OFFSET 0) AS f) AS d WHERE r.ctid = d.ctid`,
		root.name, strings.Join(values, ", "), strings.Join(known, " AND "), strings.Join(equal, " AND "), strings.Join(names, ", "),
		r.from("$3"), r.has("$4", "r.id"), connection, sure)
}

// contradicted returns the condition that nothing in columns says that a pair p are two things.
func contradicted(root *relation, columns []string) string {
	var other []string
	for _, c := range columns {
		other = append(other, "g."+c+" <> f."+c)
	}
	const one = `(SELECT * FROM %[1]s WHERE org_id = $1 AND connection_id = $2 AND id = `
	return fmt.Sprintf(`NOT EXISTS (SELECT FROM `+one+`p.id OFFSET 0) AS g CROSS JOIN `+one+`p.heir OFFSET 0) AS f WHERE %[2]s)`, root.name, strings.Join(other, " OR "))
}
