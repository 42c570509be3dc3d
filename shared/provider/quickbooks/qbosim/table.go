package qbosim

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sort"
)

// base is the part of a table that nobody has changed yet: rows 0…count-1, each a pure function of
// its number. Rows come in the order of their last update, so that a window of time is found by
// halving and not by looking at every row.
type base interface {
	count() int
	id(i int) string
	index(id string) (int, bool)
	created(i int) int64 // unix seconds
	updated(i int) int64 // unix seconds, never falling with i
	// scalar gives a queryable property without printing the row, in its JSON spelling; false: print it and look.
	scalar(i int, path string) (string, bool)
	append(dst []byte, i int) []byte // the row as a query prints it
}

// named is a base of a list: its rows have an order by name.
type named interface{ name(i int) string }

// row is an object that is kept: of a list, changed, or new. It is never modified, only replaced, so
// an answer that is being written does not see half a change.
type row struct {
	id               string
	raw              []byte // the object as a query prints it
	created, updated int64  // unix seconds
	seq              int64  // orders the rows of one second
	active           bool
	name             string // what an alphabetical list is ordered by
	verbatim         bool   // planted: print it as it is
}

// handle points at a row: a kept one, or when row is nil the base row of that number.
type handle struct {
	row  *row
	base int
}

// tombstone is what is left of a removed object; raw brings it back.
type tombstone struct {
	id  string
	at  int64
	raw []byte // nil: it cannot come back
}

// table holds the objects of one entity. The company's lock guards it.
type table struct {
	def    *entity
	base   base         // nil: every row is kept
	hidden map[int]bool // base rows that were replaced or removed
	rows   map[string]*row
	byTime []*row // by updated, then seq
	gone   []tombstone
	seq    int64
}

// newTable makes a table that nobody has changed; its maps are made when somebody does.
func newTable(def *entity, base base) *table { return &table{def: def, base: base} }

func (t *table) baseCount() int {
	if t.base == nil {
		return 0
	}
	return t.base.count()
}

func (t *table) count() int { return t.baseCount() - len(t.hidden) + len(t.rows) }

func (t *table) find(id string) (handle, bool) {
	if r, ok := t.rows[id]; ok {
		return handle{row: r}, true
	}
	if t.base != nil {
		if i, ok := t.base.index(id); ok && !t.hidden[i] {
			return handle{base: i}, true
		}
	}
	return handle{}, false
}

func compareRows(a, b *row) int {
	return cmp.Or(cmp.Compare(a.updated, b.updated), cmp.Compare(a.seq, b.seq))
}

// put stores r in place of whatever had its id.
func (t *table) put(r *row) {
	t.take(r.id)
	if t.rows == nil {
		t.rows = map[string]*row{}
	}
	t.seq++
	r.seq = t.seq
	t.rows[r.id] = r
	at, _ := slices.BinarySearchFunc(t.byTime, r, compareRows)
	t.byTime = slices.Insert(t.byTime, at, r)
}

// take removes the object of that id without leaving a tombstone.
func (t *table) take(id string) {
	if r, ok := t.rows[id]; ok {
		delete(t.rows, id)
		at, _ := slices.BinarySearchFunc(t.byTime, r, compareRows)
		t.byTime = slices.Delete(t.byTime, at, at+1)
	} else if h, ok := t.find(id); ok {
		if t.hidden == nil {
			t.hidden = map[int]bool{}
		}
		t.hidden[h.base] = true
	}
}

// replace shows r in the place of the kept row that has its id, in its order too.
func (t *table) replace(r *row) {
	old, ok := t.rows[r.id]
	if !ok || old.updated != r.updated {
		t.put(r)
		return
	}
	r.seq = old.seq
	t.rows[r.id] = r
	at, _ := slices.BinarySearchFunc(t.byTime, old, compareRows)
	t.byTime[at] = r
}

func (t *table) remove(id string, at int64, raw []byte) {
	t.take(id)
	t.gone = append(t.gone, tombstone{id, at, raw})
}

// name gives what an alphabetical list is ordered by.
func (t *table) name(h handle) string {
	if h.row != nil {
		return h.row.name
	}
	if b, ok := t.base.(named); ok {
		return b.name(h.base)
	}
	return ""
}

// active: base rows say so themselves.
func (t *table) active(h handle) bool {
	if h.row != nil {
		return h.row.active
	}
	text, ok := t.base.scalar(h.base, "Active")
	return !ok || text != "false"
}

func (t *table) id(h handle) string {
	if h.row != nil {
		return h.row.id
	}
	return t.base.id(h.base)
}

func (t *table) updated(h handle) int64 {
	if h.row != nil {
		return h.row.updated
	}
	return t.base.updated(h.base)
}

func (t *table) created(h handle) int64 {
	if h.row != nil {
		return h.row.created
	}
	return t.base.created(h.base)
}

// span is a window of last updates, both ends in it, in unix seconds.
type span struct{ from, to int64 }

var always = span{math.MinInt64, math.MaxInt64}

// bounds gives the base rows [lo,hi) and the kept rows inside w.
func (t *table) bounds(w span) (lo, hi int, kept []*row) {
	n := t.baseCount()
	lo = sort.Search(n, func(i int) bool { return t.base.updated(i) >= w.from })
	hi = max(lo, sort.Search(n, func(i int) bool { return t.base.updated(i) > w.to }))
	first := sort.Search(len(t.byTime), func(i int) bool { return t.byTime[i].updated >= w.from })
	end := sort.Search(len(t.byTime), func(i int) bool { return t.byTime[i].updated > w.to })
	return lo, hi, t.byTime[first:max(first, end)]
}

// size counts the rows inside w without walking over them.
func (t *table) size(w span) int {
	lo, hi, kept := t.bounds(w)
	n := hi - lo + len(kept)
	for i := range t.hidden {
		if i >= lo && i < hi {
			n--
		}
	}
	return n
}

// walk gives the rows inside w by last update, oldest first or newest first, leaving out the first
// skip. In one second base rows count as older.
func (t *table) walk(w span, newestFirst bool, skip int) iter.Seq[handle] {
	return func(yield func(handle) bool) {
		lo, hi, kept := t.bounds(w)
		if len(kept) == 0 && len(t.hidden) == 0 { // the untouched company: no row need be counted
			skipped := min(skip, hi-lo)
			skip = 0
			if newestFirst {
				hi -= skipped
			} else {
				lo += skipped
			}
		}
		for {
			h, ok := t.next(&lo, &hi, &kept, newestFirst)
			if !ok {
				return
			}
			if h.row == nil && t.hidden[h.base] {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if !yield(h) {
				return
			}
		}
	}
}

// next merges one row off the base range and the kept rows.
func (t *table) next(lo, hi *int, kept *[]*row, newestFirst bool) (handle, bool) {
	k := *kept
	if *lo >= *hi && len(k) == 0 {
		return handle{}, false
	}
	if newestFirst {
		if len(k) > 0 && (*lo >= *hi || k[len(k)-1].updated >= t.base.updated(*hi-1)) {
			*kept = k[:len(k)-1]
			return handle{row: k[len(k)-1]}, true
		}
		*hi--
		return handle{base: *hi}, true
	}
	if len(k) > 0 && (*lo >= *hi || k[0].updated < t.base.updated(*lo)) {
		*kept = k[1:]
		return handle{row: k[0]}, true
	}
	*lo++
	return handle{base: *lo - 1}, true
}
