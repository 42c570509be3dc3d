package store

import (
	"encoding/binary"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Records that are kept back are written as: how many there are, and for each what it has (a byte),
// its texts with their lengths before them, and its instants in microseconds since 1970, which is all
// that is made of them. Lengths and numbers are varints. A part is read by the process that wrote it,
// so the form may change from one release to the next.
const (
	isDeletion = 1 << iota
	hasVersion
	hasSeen
	hasProblem
	hasMergedInto
	sameStream // as the record's before
)

func appendRecords(b []byte, records []engine.Record) []byte {
	b = binary.AppendUvarint(b, uint64(len(records)))
	stream := ""
	for i := range records {
		r := &records[i]
		b = append(b, has(r, stream))
		if r.Stream != stream {
			stream = r.Stream
			b = appendPiece(b, stream)
		}
		b = appendPiece(b, r.ID)
		for _, t := range [...]time.Time{r.Version, r.Seen} {
			if !t.IsZero() {
				b = binary.AppendVarint(b, t.UnixMicro())
			}
		}
		for _, text := range [...]string{r.Problem, r.MergedInto} {
			if text != "" {
				b = appendPiece(b, text)
			}
		}
		b = append(binary.AppendUvarint(b, uint64(len(r.Raw))), r.Raw...)
	}
	return b
}

func appendPiece(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// has tells what a record after one of stream has.
func has(r *engine.Record, stream string) (flags byte) {
	for _, f := range [...]struct {
		flag byte
		is   bool
	}{
		{isDeletion, r.Deleted}, {hasVersion, !r.Version.IsZero()}, {hasSeen, !r.Seen.IsZero()},
		{hasProblem, r.Problem != ""}, {hasMergedInto, r.MergedInto != ""}, {sameStream, r.Stream == stream},
	} {
		if f.is {
			flags |= f.flag
		}
	}
	return flags
}

// readRecords returns the records that appendRecords wrote. Their Raw are pieces of b.
func readRecords(b []byte) ([]engine.Record, error) {
	d := pieces{rest: b}
	n := d.number()
	if n > uint64(len(b)) {
		d.broken = true
	}
	var records []engine.Record
	if !d.broken {
		records = make([]engine.Record, 0, n)
	}
	stream := ""
	for range n {
		if d.broken {
			break
		}
		r := d.record(stream)
		stream = r.Stream
		records = append(records, r)
	}
	if d.broken || len(d.rest) > 0 {
		return nil, fault.New(fault.Internal, "store: what was kept back of a unit cannot be read")
	}
	return records, nil
}

// pieces reads what appendRecords wrote. Once broken it gives nothing.
type pieces struct {
	rest   []byte
	broken bool
}

func (d *pieces) record(stream string) engine.Record {
	var flags byte
	if len(d.rest) > 0 {
		flags, d.rest = d.rest[0], d.rest[1:]
	} else {
		d.broken = true
	}
	r := engine.Record{Stream: stream, Deleted: flags&isDeletion != 0}
	if flags&sameStream == 0 {
		r.Stream = string(d.piece())
	}
	r.ID = string(d.piece())
	if flags&hasVersion != 0 {
		r.Version = d.instant()
	}
	if flags&hasSeen != 0 {
		r.Seen = d.instant()
	}
	if flags&hasProblem != 0 {
		r.Problem = string(d.piece())
	}
	if flags&hasMergedInto != 0 {
		r.MergedInto = string(d.piece())
	}
	r.Raw = d.piece()
	return r
}

func (d *pieces) number() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.rest, d.broken = nil, true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *pieces) instant() time.Time {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.rest, d.broken = nil, true
		return time.Time{}
	}
	d.rest = d.rest[n:]
	return time.UnixMicro(v).UTC()
}

func (d *pieces) piece() []byte {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.rest, d.broken = nil, true
		return nil
	}
	text := d.rest[:n:n]
	d.rest = d.rest[n:]
	return text
}
