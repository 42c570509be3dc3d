package plaidsource

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// part is what an answer says of one stream.
type part struct {
	stream  string
	records []engine.Record
	whole   bool // these are all that there are
}

// store yields an answer, and how far its streams are with it. A stream that is to be read
// again is compared with it: see compare.
func (p *pull) store(parts []part, settles []int64) error {
	var again []part
	b := engine.Batch{Settled: settles}
	for _, part := range parts {
		c := p.state[part.stream]
		if c == nil {
			continue // it has no table
		}
		p.read(c)
		sum := digest(part.records)
		if c.Reread == nil || p.task.Floor > engine.Rereading || sum != c.Sum {
			b = part.into(b)
		}
		c.Sum = sum
		if c.Reread != nil && p.task.Floor <= engine.Rereading {
			again = append(again, part)
			continue
		}
		b = p.noted(b, part.stream)
	}
	if len(again) == 0 {
		return p.pass(b)
	}
	settles, b.Settled = b.Settled, nil
	if err := p.pass(b); err != nil {
		return err
	}
	return p.compare(again, settles)
}

// compare yields answers to be compared with every value that is stored. They are the same as the last
// ones, or have just been stored: so a difference is damage, and no change since the last reading.
func (p *pull) compare(parts []part, settles []int64) error {
	for i, part := range parts {
		c := p.state[part.stream]
		r := c.Reread
		c.Reread = nil
		b := p.noted(r.end(part.into(engine.Batch{}), part.stream), part.stream)
		if i == len(parts)-1 {
			b.Settled = settles
		}
		if err := p.pass(b); err != nil {
			return err
		}
	}
	return nil
}

// end says of a batch that it ends a reading of some streams.
func (r *reading) end(b engine.Batch, streams ...string) engine.Batch {
	b.Census, b.EndCensus, b.Verify = r.Name, streams, r.Verify
	return b
}

// into adds what an answer says of a stream to a batch. Where an object tells no id nobody knows which
// of the stored ones it is, so all of them stay.
func (t part) into(b engine.Batch) engine.Batch {
	b.Records = append(b.Records, t.records...)
	if t.whole && !nameless(t.records) {
		b.Whole = append(b.Whole, engine.Whole{Stream: t.stream})
	}
	return b
}

func nameless(records []engine.Record) bool {
	for i := range records {
		if records[i].ID == "" {
			return true
		}
	}
	return false
}

// record makes an object a record of a stream.
func (s *Source) record(stream string, raw []byte) engine.Record {
	id, version, err := s.tables[stream].Identify(raw)
	r := engine.Record{Stream: stream, ID: id, Version: version, Raw: raw}
	if err != nil {
		r.Problem = err.Error()
	}
	return r
}

// list makes the objects of an answer a part. A stream without a table has none.
func (s *Source) list(stream string, objects []json.RawMessage, whole bool) part {
	t := part{stream: stream, whole: whole}
	if s.tables[stream] == nil {
		return t
	}
	t.records = make([]engine.Record, 0, len(objects))
	for _, raw := range objects {
		t.records = append(t.records, s.record(stream, raw))
	}
	return t
}

// digest tells two answers apart.
func digest(records []engine.Record) string {
	h := sha256.New()
	for i := range records {
		mix(h, records[i].Raw)
	}
	return summed(h)
}

func mix(h hash.Hash, raw []byte) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(raw))))
	h.Write(raw)
}

func summed(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:8]) }
