package qbosource

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// A batch ends at whichever comes first: QuickBooks' page is 1000 objects, but one object may have
// 10,000 lines, and memory must not follow.
const (
	maxRecords = 1000
	maxBytes   = 4 << 20
)

// errEnough says that the engine wants no more batches.
var errEnough = errors.New("no more batches are wanted")

// builder collects records into a batch, copying their bytes into one buffer.
type builder struct {
	source  *Source
	seen    time.Time // of the records to come
	buf     []byte
	records []engine.Record
	ends    []int // of each record's bytes in buf
}

// add takes one object in, and returns its key and the instant of its last change.
func (b *builder) add(stream string, raw []byte) (key string, version time.Time) {
	id, version, err := b.source.tables[stream].Identify(raw)
	r := engine.Record{Stream: stream, ID: id, Version: version, Seen: b.seen}
	if err != nil {
		r.Problem = err.Error()
	}
	r.Deleted = bytes.Contains(raw, []byte(`"Deleted"`)) && tombstone(raw)
	b.buf = append(b.buf, raw...)
	b.records = append(b.records, r)
	b.ends = append(b.ends, len(b.buf))
	if id == "" {
		sum := sha256.Sum256(raw)
		return "?" + hex.EncodeToString(sum[:8]), version
	}
	return id, version
}

func (b *builder) full() bool { return len(b.records) >= b.source.Page || len(b.buf) >= maxBytes }

// batch closes the collection. Its bytes stay valid until reset.
func (b *builder) batch() engine.Batch {
	start := 0
	for i, end := range b.ends {
		b.records[i].Raw = b.buf[start:end:end]
		start = end
	}
	return engine.Batch{Records: b.records}
}

// reset makes room for the next batch. A buffer that one huge object has grown is let go.
func (b *builder) reset() {
	b.records, b.ends, b.buf = b.records[:0], b.ends[:0], b.buf[:0]
	if cap(b.buf) > 3*maxBytes {
		b.buf = nil
	}
}

// tombstone reports whether raw is what change data capture says of a deleted object.
func tombstone(raw []byte) bool {
	var t struct{ Status string }
	return json.Unmarshal(raw, &t) == nil && t.Status == "Deleted"
}

// buried are the records of objects that QuickBooks was found not to have at an instant.
func buried(name string, ids []string, at time.Time) []engine.Record {
	var records []engine.Record
	for _, id := range ids {
		records = append(records, engine.Record{Stream: name, ID: id, Version: at, Seen: at, Deleted: true})
	}
	return records
}

// seen says of all records that QuickBooks had their objects, or had them no more, at an instant.
func seen(records []engine.Record, at time.Time) {
	for i := range records {
		records[i].Seen = at
	}
}
