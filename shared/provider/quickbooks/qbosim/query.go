package qbosim

import (
	"cmp"
	"slices"
	"strings"
)

// page is the answer to a statement: which rows, out of how many.
type page struct {
	t     *table
	rows  []handle
	total int
}

// query evaluates a statement on the company as it is at this moment; the next page may find it
// changed. The caller holds the company's lock.
func (c *Company) query(st *statement) (page, error) {
	def := entityOfStatement(st.entity)
	if def == nil {
		return page{}, badQuery("invalid context declaration: %s", st.entity)
	}
	if c.lacks(def.name) {
		return page{}, featureOff(def.name)
	}
	t := c.look(def.name)
	today := string(appendDate(nil, c.now().Unix()))
	f, err := compile(t.def, st.conditions, today)
	if err != nil {
		return page{}, err
	}
	for i, o := range st.order {
		name, k, err := property(t.def, o.field)
		if err != nil {
			return page{}, err
		}
		if !k.sortable() {
			return page{}, badQuery("property '%s' is not sortable", o.field)
		}
		st.order[i].field = name
	}
	if st.counting {
		return page{t: t, total: c.countRows(t, &f)}, nil
	}
	switch {
	case len(st.order) == 0 && t.def.list:
		return c.sorted(t, &f, st, c.orderByName), nil
	case len(st.order) == 0:
		return c.inTime(t, &f, st, true), nil
	case len(st.order) == 1 && st.order[0].field == updatedPath:
		return c.inTime(t, &f, st, st.order[0].descending), nil
	}
	return c.sorted(t, &f, st, c.orderByKeys), nil
}

func (c *Company) countRows(t *table, f *filter) int {
	if id, ok := f.namedIDs(); ok {
		return len(c.lookup(t, f, id))
	}
	if len(f.rest) == 0 {
		return t.size(f.window)
	}
	n := 0
	for h := range t.walk(f.window, false, 0) {
		if f.matches(&subject{c: c, t: t, h: h}) {
			n++
		}
	}
	return n
}

// namedIDs gives the ids when the statement names some, so that nothing need be walked over.
func (f *filter) namedIDs() ([]string, bool) {
	for _, t := range f.rest {
		if t.kind == idKind {
			return t.texts, true
		}
	}
	return nil, false
}

// lookup finds the rows of those ids that the whole filter lets through, oldest change first.
func (c *Company) lookup(t *table, f *filter, ids []string) []handle {
	var out []handle
	ids = slices.Clone(ids)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		h, ok := t.find(id)
		if !ok {
			continue
		}
		if at := t.updated(h); at >= f.window.from && at <= f.window.to && f.matches(&subject{c: c, t: t, h: h}) {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b handle) int { return cmp.Compare(t.updated(a), t.updated(b)) })
	return out
}

// inTime pages through rows in the order that the table already has.
func (c *Company) inTime(t *table, f *filter, st *statement, newestFirst bool) page {
	p := page{t: t}
	if ids, ok := f.namedIDs(); ok {
		rows := c.lookup(t, f, ids)
		if newestFirst {
			slices.Reverse(rows)
		}
		p.total, p.rows = len(rows), cut(rows, st)
		return p
	}
	if len(f.rest) == 0 {
		for h := range t.walk(f.window, newestFirst, st.start-1) {
			if p.rows = append(p.rows, h); len(p.rows) == st.rows {
				break
			}
		}
		if t.def.totalCount {
			p.total = t.size(f.window)
		}
		return p
	}
	for h := range t.walk(f.window, newestFirst, 0) {
		if !f.matches(&subject{c: c, t: t, h: h}) {
			continue
		}
		if p.total++; p.total >= st.start && len(p.rows) < st.rows {
			p.rows = append(p.rows, h)
		} else if len(p.rows) == st.rows && !t.def.totalCount {
			break
		}
	}
	return p
}

// cut takes the statement's page out of all rows.
func cut(rows []handle, st *statement) []handle {
	from := min(st.start-1, len(rows))
	return rows[from:min(from+st.rows, len(rows))]
}

// sorted collects all matching rows and sorts them: for lists, and for orders that are rarely asked for.
func (c *Company) sorted(t *table, f *filter, st *statement, order func(*table, []handle, *statement)) page {
	var rows []handle
	if ids, ok := f.namedIDs(); ok {
		rows = c.lookup(t, f, ids)
	} else {
		for h := range t.walk(f.window, false, 0) {
			if f.matches(&subject{c: c, t: t, h: h}) {
				rows = append(rows, h)
			}
		}
	}
	order(t, rows, st)
	return page{t: t, rows: cut(rows, st), total: len(rows)}
}

func (c *Company) orderByName(t *table, rows []handle, _ *statement) {
	type named struct {
		h    handle
		name string
	}
	list := make([]named, len(rows))
	for i, h := range rows {
		list[i] = named{h, t.name(h)}
	}
	slices.SortStableFunc(list, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	for i := range list {
		rows[i] = list[i].h
	}
}

func (c *Company) orderByKeys(t *table, rows []handle, st *statement) {
	type keyed struct {
		h    handle
		keys []sortKey
	}
	list := make([]keyed, len(rows))
	for i, h := range rows {
		s := &subject{c: c, t: t, h: h}
		list[i].h = h
		for _, o := range st.order {
			list[i].keys = append(list[i].keys, keyOf(s, o.field))
		}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		for i, o := range st.order {
			n := cmp.Or(cmp.Compare(a.keys[i].number, b.keys[i].number), cmp.Compare(a.keys[i].text, b.keys[i].text))
			if n != 0 && o.descending {
				return -n
			} else if n != 0 {
				return n
			}
		}
		return 0
	})
	for i := range list {
		rows[i] = list[i].h
	}
}

// sortKey compares by number first; texts have none.
type sortKey struct {
	number int64
	text   string
}

func keyOf(s *subject, field string) sortKey {
	switch s.t.def.filters[field] {
	case timeKind:
		if field == updatedPath {
			return sortKey{number: s.t.updated(s.h)}
		}
		return sortKey{number: s.t.created(s.h)}
	case numberKind:
		d, _ := parseDecimal(s.scalar(field))
		return sortKey{number: int64(d)}
	}
	return sortKey{text: strings.ToLower(s.scalar(field))}
}
