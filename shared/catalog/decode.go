package catalog

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Value is one decoded value. The zero Value is SQL's null.
type Value struct {
	Valid bool
	Text  []byte // Text: the characters; Numeric: the JSON number's own digits; JSON: the value's bytes
	Int   int64  // Integer: itself; Boolean: 0 or 1; Date: days, Timestamp: microseconds since 1970-01-01 UTC
}

// Row is one decoded row. Values is used again after the call that handed it out.
type Row struct {
	Relation *Relation
	Position int // of a child row: 1, 2, … through the whole object in document order
	Parent   int // of a nested child row: the Position of the row that holds it; else 0
	Values   []Value
}

// Decoder turns the objects of one table into rows. It is not safe for concurrent use.
type Decoder struct {
	Relations []*Relation // the table's own, then its children's
	root      *node
	own       *Relation
	table     *Table // only where the id has several parts
	free      map[*Relation][][]Value
	place     map[*Relation]int
	emit      func(Row) error
}

// node is what the decoder knows of one JSON key.
type node struct {
	column int // place in the relation's columns, or -1
	typ    Type
	fields map[string]*node // of an object
	member *node            // of an object's one member that is an object itself, whatever its key
	array  *array           // of an array that becomes rows
}

type array struct {
	rel    *Relation
	root   *node
	nested bool // inside another child's element
}

// NewDecoder returns a decoder for the objects of t.
func NewDecoder(t *Table) *Decoder {
	d := &Decoder{Relations: t.Relations(), free: map[*Relation][][]Value{}, place: map[*Relation]int{}}
	d.own = d.Relations[0]
	d.root = &node{column: -1}
	if composite(t.ID) {
		own := *t
		d.table = &own
	}
	addColumns(d.root, d.own)
	d.addChildren(d.root, d.own, t.Children)
	return d
}

func addColumns(root *node, r *Relation) {
	for i, c := range r.Columns {
		if composite(c.Path) {
			continue
		}
		n := at(root, c.Path)
		n.column, n.typ = i, c.Type
	}
}

func (d *Decoder) addChildren(root *node, parent *Relation, children []Child) {
	for _, c := range children {
		var rel *Relation
		for _, r := range d.Relations {
			if r.Name == c.Name {
				rel = r
			}
		}
		a := &array{rel: rel, root: &node{column: -1}, nested: parent.Parent != nil}
		addColumns(a.root, rel)
		d.addChildren(a.root, rel, c.Children)
		if c.Again != "" {
			at(a.root, c.Again).array = &array{rel: rel, root: a.root, nested: true}
		}
		at(root, c.Path).array = a
	}
}

func at(n *node, path string) *node {
	for key := range strings.SplitSeq(path, ".") {
		next := n.fields[key]
		if key == anyKey {
			next = n.member
		}
		if next == nil {
			next = n.add(key)
		}
		n = next
	}
	return n
}

// add makes the node of a key.
func (n *node) add(key string) *node {
	next := &node{column: -1}
	if n.fields == nil {
		n.fields = map[string]*node{}
	}
	if key == anyKey {
		n.member = next
	} else {
		n.fields[key] = next
	}
	return next
}

// Decode walks raw, one object, once, and hands each row to emit: child rows before the row that
// holds them, the object's own last. Values point into raw where they can.
//
// An error is fault.Invalid and names the place: a value that does not fit its column's type, an
// object where a scalar belongs, a character that PostgreSQL cannot hold. Absent keys, null and
// empty strings in columns that are not Text are null; keys the catalog does not name are skipped.
func (d *Decoder) Decode(raw []byte, emit func(Row) error) error {
	if err := storable(raw); err != nil {
		return err
	}
	d.emit = emit
	clear(d.place)
	s := scanner{b: raw}
	if s.next() != '{' {
		return fault.New(fault.Invalid, "the record is not a JSON object")
	}
	values := d.take(d.own)
	defer d.give(d.own, values)
	if err := d.object(&s, d.root, values, 0); err != nil {
		return wrap(err)
	}
	if s.next() != 0 || s.i != len(raw) {
		return wrap(errSyntax)
	}
	if d.table != nil {
		id, _, err := d.table.Identify(raw)
		if err != nil {
			return err
		}
		values[d.own.id] = Value{Valid: true, Text: []byte(id)}
	}
	return emit(Row{Relation: d.own, Values: values})
}

func wrap(err error) error {
	var m *misfit
	if errors.As(err, &m) {
		return fault.New(fault.Invalid, strings.TrimPrefix(m.place, ".")+" "+m.says)
	}
	if errors.Is(err, errSyntax) || errors.Is(err, errDepth) {
		return fault.New(fault.Invalid, "the record is "+err.Error())
	}
	return err
}

// misfit is a value that the catalog cannot take. Its place grows while the walk unwinds, so that
// the walk itself need not remember where it is.
type misfit struct{ place, says string }

func (m *misfit) Error() string { return m.place + " " + m.says }

// under puts a step of the way in front of a misfit's place.
func under(step string, err error) error {
	var m *misfit
	if errors.As(err, &m) {
		m.place = step + m.place
	}
	return err
}

// storable refuses what jsonb and text cannot hold.
func storable(raw []byte) error {
	if !utf8.Valid(raw) {
		return fault.New(fault.Invalid, "the record is not valid UTF-8")
	}
	for rest := raw; ; {
		i := bytes.Index(rest, []byte(`\u0000`))
		if i < 0 {
			return nil
		}
		slashes := 0
		for j := i - 1; j >= 0 && rest[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return fault.New(fault.Invalid, "the record holds the character U+0000, which PostgreSQL cannot store")
		}
		rest = rest[i+6:]
	}
}

func (d *Decoder) object(s *scanner, n *node, values []Value, parent int) error {
	if n.member != nil {
		return d.wrapper(s, n, values, parent)
	}
	return s.object(func(key []byte) error {
		f := n.fields[string(key)]
		if f == nil {
			_, err := s.skip()
			return err
		}
		if err := d.value(s, f, values, parent); err != nil {
			return under("."+string(key), err)
		}
		return nil
	})
}

// wrapper consumes an object that holds the one that matters, under a key that tells its kind.
func (d *Decoder) wrapper(s *scanner, n *node, values []Value, parent int) error {
	met := false
	return s.object(func(key []byte) error {
		f := n.fields[string(key)]
		wrapped := f == nil && s.next() == '{'
		switch {
		case wrapped && met:
			return under("."+string(key), &misfit{says: "is a second object where one belongs"})
		case wrapped:
			met = true
			if n.member.column >= 0 {
				values[n.member.column] = Value{Valid: true, Text: key}
			}
			return under("."+string(key), d.object(s, n.member, values, parent))
		case f == nil:
			_, err := s.skip()
			return err
		}
		return under("."+string(key), d.value(s, f, values, parent))
	})
}

func (d *Decoder) value(s *scanner, f *node, values []Value, parent int) error {
	first := s.next()
	start := s.i
	switch {
	case first == 'n':
		_, err := s.literal()
		return err
	case f.fields == nil && f.array == nil:
		v, err := scalar(s, f.typ, first)
		if err == nil {
			values[f.column] = v
		}
		return err
	case first == '{' && f.fields != nil:
		if err := d.object(s, f, values, parent); err != nil {
			return err
		}
	case first == '[' && f.array != nil:
		if err := d.array(s, f.array, parent); err != nil {
			return err
		}
	case f.array != nil:
		return &misfit{says: "is not an array"}
	default:
		return &misfit{says: "is not an object"}
	}
	if f.column >= 0 { // kept whole beside its parts
		values[f.column] = Value{Valid: true, Text: s.b[start:s.i]}
	}
	return nil
}

func (d *Decoder) array(s *scanner, a *array, parent int) error {
	return s.array(func() error {
		d.place[a.rel]++
		position := d.place[a.rel]
		err := error(&misfit{says: "is not an object"})
		if s.next() == '{' {
			err = d.element(s, a, position, parent)
		}
		if err != nil {
			return under("["+strconv.Itoa(position)+"]", err)
		}
		return nil
	})
}

func (d *Decoder) element(s *scanner, a *array, position, parent int) error {
	values := d.take(a.rel)
	defer d.give(a.rel, values)
	if err := d.object(s, a.root, values, position); err != nil {
		return err
	}
	row := Row{Relation: a.rel, Position: position, Values: values}
	if a.nested {
		row.Parent = parent
	}
	return d.emit(row)
}

// take and give keep one set of values for each level of nesting that has been reached.
func (d *Decoder) take(r *Relation) []Value {
	if free := d.free[r]; len(free) > 0 {
		v := free[len(free)-1]
		d.free[r] = free[:len(free)-1]
		clear(v)
		return v
	}
	return make([]Value, len(r.Columns))
}

func (d *Decoder) give(r *Relation, v []Value) { d.free[r] = append(d.free[r], v) }
