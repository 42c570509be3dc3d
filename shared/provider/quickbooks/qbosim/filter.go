package qbosim

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// filter is a statement's WHERE, made ready for rows: a window of last updates, which the table finds
// fast, and what must be looked at row by row.
type filter struct {
	window span
	rest   []test
}

// test is one condition that is checked on rows.
type test struct {
	field string
	kind  kind
	op    string
	texts []string
	nums  []int64 // decimals or unix seconds, by kind
}

// compile checks the conditions of a statement against what its entity can be searched by.
func compile(def *entity, conditions []condition, today string) (filter, error) {
	f := filter{window: always}
	wantsActive := def.list
	for _, c := range conditions {
		name, k, err := property(def, c.field)
		if err != nil {
			return f, err
		}
		t := test{field: name, kind: k, op: c.op}
		if err := t.take(c, today); err != nil {
			return f, err
		}
		if name == updatedPath && t.op != "IN" {
			f.window = f.window.cut(t.op, t.nums[0])
			continue
		}
		if name == "Active" {
			wantsActive = false
		}
		f.rest = append(f.rest, t)
	}
	if wantsActive {
		f.rest = append(f.rest, test{field: "Active", kind: boolKind, op: "=", texts: []string{"true"}})
	}
	return f, nil
}

// property finds a searchable property; its spelling is tolerant.
func property(def *entity, field string) (string, kind, error) {
	for name, k := range def.filters {
		if strings.EqualFold(name, field) {
			return name, k, nil
		}
	}
	top, _, _ := strings.Cut(field, ".")
	for _, known := range def.properties {
		if strings.EqualFold(known, top) {
			return "", 0, badQuery("property '%s' is not queryable", field)
		}
	}
	return "", 0, badQuery("Property %s not found for Entity %s", field, def.name)
}

// take reads the values of c and refuses operators that their kind does not have.
func (t *test) take(c condition, today string) error {
	ordered := c.op != "=" && c.op != "IN" && c.op != "LIKE"
	if ordered && (t.kind == idKind || t.kind == boolKind || t.kind == refKind) || c.op == "LIKE" && t.kind != textKind {
		return badQuery("operator %s is not supported for property '%s'", c.op, c.field)
	}
	for _, v := range c.values {
		if v.text == "current_date" && v.kind == wordToken {
			v.text = today
		}
		n, ok := t.kind.number(v)
		if !ok {
			return badQuery("invalid value '%s' for property '%s'", v.text, c.field)
		}
		t.nums = append(t.nums, n)
		t.texts = append(t.texts, v.text)
	}
	return nil
}

// number checks a value of this kind, and gives it as a number where the kind compares so.
func (k kind) number(v token) (int64, bool) {
	switch k {
	case numberKind:
		d, ok := parseDecimal(v.text)
		return int64(d), ok
	case boolKind:
		return 0, v.text == "true" || v.text == "false"
	case dateKind:
		_, err := time.Parse(time.DateOnly, v.text)
		return 0, err == nil
	case timeKind:
		return parseInstant(v.text)
	}
	return 0, true
}

// parseInstant reads the timestamps that QBO accepts, to the second; without an offset they are Pacific.
func parseInstant(s string) (int64, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Unix(), true
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, pacific); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}

func (w span) cut(op string, at int64) span {
	switch op {
	case "=":
		return span{max(w.from, at), min(w.to, at)}
	case "<":
		w.to = min(w.to, at-1)
	case "<=":
		w.to = min(w.to, at)
	case ">":
		w.from = max(w.from, at+1)
	case ">=":
		w.from = max(w.from, at)
	}
	return w
}

// matches checks a row against the conditions that are not a window.
func (f *filter) matches(s *subject) bool {
	for i := range f.rest {
		if !f.rest[i].holds(s) {
			return false
		}
	}
	return true
}

func (t *test) holds(s *subject) bool {
	for i := range t.texts {
		if t.compare(s, i) {
			return true
		}
	}
	return false
}

func (t *test) compare(s *subject, i int) bool {
	var order int
	switch t.kind {
	case timeKind:
		at := s.t.created(s.h)
		if t.field == updatedPath {
			at = s.t.updated(s.h)
		}
		order = cmp.Compare(at, t.nums[i])
	case numberKind:
		d, ok := parseDecimal(s.scalar(t.field))
		if !ok {
			return false
		}
		order = cmp.Compare(int64(d), t.nums[i])
	case dateKind, boolKind, idKind, refKind:
		text := s.scalar(t.field)
		if text == "" {
			return false
		}
		order = cmp.Compare(text, t.texts[i])
	default:
		text, want := strings.ToLower(s.scalar(t.field)), strings.ToLower(t.texts[i])
		if t.op == "LIKE" {
			return like(text, want)
		}
		order = cmp.Compare(text, want)
	}
	switch t.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order == 0
}

// like matches % against any text.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "%")
	last := len(parts) - 1
	if last == 0 {
		return text == pattern
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// subject is a row that is being looked at; its tree is made only when a property needs it.
type subject struct {
	c   *Company
	t   *table
	h   handle
	doc *object
}

// scalar gives a property in its JSON spelling, a ref's value for a ref, "" when there is none.
func (s *subject) scalar(field string) string {
	switch {
	case field == "Id":
		return s.t.id(s.h)
	case field == "Active":
		return strconv.FormatBool(s.t.active(s.h))
	case s.h.row == nil && s.doc == nil:
		if text, ok := s.t.base.scalar(s.h.base, field); ok {
			return text
		}
	}
	if s.doc == nil {
		var err error
		if s.doc, err = parseObject(s.c.appendRow(nil, s.t, s.h)); err != nil {
			s.doc = &object{}
		}
	}
	core := s.t.def.core(s.doc)
	if core.child(field) != nil {
		return core.text(field, "value")
	}
	return core.text(field)
}
