package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
)

// encoder turns the objects of one table into the binary form of COPY, a buffer for each relation,
// without a value ever leaving the bytes that the provider sent. It is not safe for concurrent use.
type encoder struct {
	decoder *catalog.Decoder
	buffers []buffer // in the order of the decoder's relations
	suffix  []byte   // synced_at as a field
	version int      // the place of the version among the object's columns, or -1
	by      int      // the same of the object whose place it takes
	objects int

	now  *object // being encoded
	raw  []byte
	emit func(catalog.Row) error
}

// buffer collects the rows of one relation.
type buffer struct {
	relation *relation
	prefix   []byte // what each row begins with: number of fields, org_id, connection_id
	bytes    []byte
	rows     int
}

func newEncoder(t *table) *encoder {
	e := &encoder{decoder: catalog.NewDecoder(t.Table), version: -1, by: -1}
	for i, c := range t.relations[0].Columns {
		if t.version != "" && c.Name == t.version {
			e.version = i
		}
		if t.Succession != nil && t.Succession.By != "" && c.Path == t.Succession.By {
			e.by = i
		}
	}
	for _, r := range t.relations {
		e.buffers = append(e.buffers, buffer{relation: r})
	}
	e.emit = e.row
	return e
}

// copyHeader begins a binary COPY: signature, flags, length of an extension.
const copyHeader = "PGCOPY\n\377\r\n\000\x00\x00\x00\x00\x00\x00\x00\x00"

// reset makes e ready for a batch of o's rows.
func (e *encoder) reset(o owner, synced time.Time) {
	e.suffix = appendTimestamp(e.suffix[:0], synced.UnixMicro())
	e.objects = 0
	for i := range e.buffers {
		b := &e.buffers[i]
		b.prefix = binary.BigEndian.AppendUint16(b.prefix[:0], uint16(b.relation.fields))
		b.prefix = appendText(b.prefix, string(o.org))
		b.prefix = appendInt64(b.prefix, int64(o.id))
		if usual := int(b.relation.usual.Load()); cap(b.bytes) < usual {
			b.bytes = make([]byte, 0, usual)
		}
		b.bytes = append(b.bytes[:0], copyHeader...)
		b.rows = 0
	}
}

// add appends an object with its child rows. When it fails nothing is added; its error is
// fault.Invalid: the record does not fit the catalog, or is not the one it is said to be.
func (e *encoder) add(o *object, raw []byte) error {
	e.now, e.raw = o, raw
	var marks [16]buffer // more relations than that cost an allocation, nothing else
	before := append(marks[:0], e.buffers...)
	if err := e.decoder.Decode(raw, e.emit); err != nil {
		for i := range e.buffers {
			e.buffers[i].bytes = e.buffers[i].bytes[:len(before[i].bytes)]
			e.buffers[i].rows = before[i].rows
		}
		return err
	}
	e.objects++
	return nil
}

// addMark appends a row that only marks a deletion. raw must be jsonb's or empty.
func (e *encoder) addMark(o *object, raw []byte) {
	b := &e.buffers[0]
	out := append(b.bytes, b.prefix...)
	for i := range b.relation.types {
		if i == b.relation.id {
			out = appendText(out, o.id)
		} else {
			out = appendNull(out)
		}
	}
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	out = appendJSON(out, raw)
	out = appendUint32(out, 0) // a digest that no content has
	out = b.relation.appendAncestry(out, o)
	out = appendInstant(out, o.next.deleted)
	b.bytes = append(out, e.suffix...)
	b.rows++
	e.objects++
}

// storable reports whether raw could be an object of the table, for rows that only mark a deletion.
func (e *encoder) storable(raw []byte) bool {
	return len(raw) > 0 && e.decoder.Decode(raw, func(catalog.Row) error { return nil }) == nil
}

// row appends one row that the decoder hands out.
func (e *encoder) row(row catalog.Row) error {
	b := e.buffer(row.Relation)
	out := append(b.bytes, b.prefix...)
	var err error
	if b.relation.Parent == nil {
		if err := e.same(b.relation, row.Values); err != nil {
			return err
		}
		if out, err = appendValues(out, b.relation.types, row.Values); err != nil {
			return place(b.relation, err)
		}
		out = appendJSON(out, e.raw)
		out = appendUint32(out, uint32(len(e.now.next.digest)))
		out = append(out, e.now.next.digest[:]...)
		if e.by >= 0 {
			e.now.line.says = other(string(row.Values[e.by].Text), e.now.id)
		}
		out = b.relation.appendAncestry(out, e.now)
	} else {
		out = appendText(out, e.now.id)
		out = appendInt32(out, int32(row.Position))
		if row.Parent == 0 {
			out = appendNull(out)
		} else {
			out = appendInt32(out, int32(row.Parent))
		}
		if out, err = appendValues(out, b.relation.types, row.Values); err != nil {
			return place(b.relation, err)
		}
	}
	out = appendInstant(out, e.now.next.deleted)
	b.bytes = append(out, e.suffix...)
	b.rows++
	return nil
}

// appendAncestry appends merged_into and origin_id, where the table has them for a succession.
func (r *relation) appendAncestry(b []byte, o *object) []byte {
	if r.Root.Succession == nil {
		return b
	}
	merged, origin := o.ancestry()
	for _, id := range [...]string{merged, origin} {
		if id == "" {
			b = appendNull(b)
		} else {
			b = appendText(b, id)
		}
	}
	return b
}

// same refuses a record whose id or version is not what its own bytes say. Bytes without an id get
// the record's.
func (e *encoder) same(r *relation, values []catalog.Value) error {
	id := &values[r.id]
	if !id.Valid {
		*id = catalog.Value{Valid: true, Text: []byte(e.now.id)}
	}
	if string(id.Text) != e.now.id {
		return fault.New(fault.Invalid, "the record's "+r.Root.ID+" is not the id that it was said to have")
	}
	if e.version < 0 || !e.now.next.version.known {
		return nil
	}
	if v := values[e.version]; !v.Valid || v.Int != e.now.next.version.micros {
		return fault.New(fault.Invalid, "the record's "+r.Root.Version+" is not the version that it was said to have")
	}
	return nil
}

func place(r *relation, err error) error { return fmt.Errorf("%s: %w", r.Qualified(), err) }

func (e *encoder) buffer(r *catalog.Relation) *buffer {
	for i, known := range e.decoder.Relations {
		if known == r {
			return &e.buffers[i]
		}
	}
	panic("store: the decoder hands out a row of a relation that it does not list")
}

// keep bounds what an encoder holds on to between batches.
const keep = 8 << 20

// release gives e back to its table, without buffers that have grown large.
func (t *table) release(e *encoder) {
	e.now, e.raw = nil, nil
	for i := range e.buffers {
		b := &e.buffers[i]
		if n := len(b.bytes); n < keep {
			b.relation.usual.Store(int64(n + n/8))
		}
		if cap(b.bytes) > keep {
			b.bytes = nil
		}
	}
	t.encoders.Put(e)
}
