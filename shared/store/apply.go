package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Apply stores a batch, its checkpoints and the usage in one transaction, and makes the lease last.
//
// Records may come late, twice and in any order: see state.after. A record's Version must be what
// its bytes say, at the place that the catalog names. What cannot be stored goes to the dead
// letters and is counted as Dead; every record is counted once. A batch that names a stream without
// a table is refused whole, with fault.Internal.
//
// The records of a batch with Verify must have been read after everything that is stored of their
// objects: what is stored otherwise is wrong, also where it claims to be newer. See work.verify.
//
// A batch with Part is only kept back, and comes to nothing yet: see unit. With anything but Records,
// or of a run that is not the connection's, it is fault.Internal. The batch that ends a unit is
// fault.Unavailable, and nothing is stored, when parts were lost in a crash of the server.
func (s *Store) Apply(ctx context.Context, l org.Lease, run engine.RunID, b engine.Batch, u engine.Usage) (engine.Applied, error) {
	applied, err := s.apply(ctx, l, run, b, u, nil)
	return applied, failure("apply a batch to connection "+l.Connection.String(), err)
}

// apply is Apply; letters, when not nil, holds the dead letter that each record came from.
func (s *Store) apply(ctx context.Context, l org.Lease, run engine.RunID, b engine.Batch, u engine.Usage, letters []letter) (engine.Applied, error) {
	var applied engine.Applied
	var commit trace.Span = noop.Span{} // where no transaction could begin
	err := s.inTx(ctx, func(tx pgx.Tx) (err error) {
		defer func() { commit = committing(ctx, err) }()
		all := &unit{home: s, tx: tx, run: run, batch: b, usage: u, letters: letters}
		if err := all.hold(ctx, l); err != nil {
			return err
		}
		if b.Part {
			return all.keepBack(ctx)
		}
		err = all.store(ctx)
		applied = all.applied
		return err
	})
	commit.End()
	if err != nil {
		return engine.Applied{}, err
	}
	return applied, nil
}

// committing begins the last step of a transaction whose work has come to err.
func committing(ctx context.Context, err error) trace.Span {
	name := "commit"
	if err != nil {
		name = "rollback"
	}
	_, step := trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/countinghouse/countinghouse").Start(ctx, name)
	return step
}

// work is one batch, or one part of a unit, on its way into the tables.
type work struct {
	home    *Store
	owner   owner
	now     time.Time // the transaction's, by the database's clock
	records []engine.Record
	chain   []int32        // the next record of the same object, or -1
	dead    map[int]string // reasons of records that cannot be stored
	objects []object
	parts   []*part
	open    bool // the connection has open dead letters

	verified bool // every stored value of the objects is to be compared
	further  bool // the transaction goes on to write rows
}

// part is what a batch holds of one stream.
type part struct {
	table   *table
	encoder *encoder
	objects map[string]int32 // places in work.objects
	ground  *ground          // nil: nothing is known
}

// object is one id with all that the batch says of it.
type object struct {
	part         *part
	id           string
	first, last  int32 // of its records
	stored, next state
	content      int32 // the record whose content is to be written, or -1
	mark         int32 // the record that deleted it last, or -1
	bare         bool  // the bytes of mark cannot be stored
	found        finding
	line         line // of a table with Succession
}

// maxID bounds an id: it must fit the key's index.
const maxID = 500

func (s *Store) newWork(o owner, now time.Time, records []engine.Record) (*work, error) {
	w := &work{home: s, owner: o, now: now, records: records, chain: make([]int32, len(records)), objects: make([]object, 0, len(records))}
	for i := range records {
		p, err := s.part(w, records[i].Stream)
		if err != nil {
			return nil, err
		}
		w.chain[i] = -1
		if reason := refusal(&records[i]); reason != "" {
			w.bury(int32(i), reason)
			continue
		}
		w.place(p, int32(i))
	}
	return w, nil
}

// part returns the batch's part for a stream.
func (s *Store) part(w *work, stream string) (*part, error) {
	for _, p := range w.parts {
		if p.table.Stream == stream {
			return p, nil
		}
	}
	t, err := s.table(w.owner.provider, stream)
	if err != nil {
		return nil, err
	}
	p := &part{table: t, objects: make(map[string]int32, len(w.records))}
	w.parts = append(w.parts, p)
	return p, nil
}

// refusal says why a record cannot be stored whatever the database holds, or "".
func refusal(r *engine.Record) string {
	switch {
	case r.Problem != "":
		return r.Problem
	case r.ID == "":
		return "the record has no id"
	case len(r.ID) > maxID:
		return "the record's id is longer than 500 bytes"
	case clean(r.ID) != r.ID:
		return "the record's id holds characters that PostgreSQL cannot store"
	case len(r.Raw) == 0 && !r.Deleted:
		return "the record is empty"
	}
	return ""
}

func (w *work) place(p *part, record int32) {
	id := w.records[record].ID
	n, known := p.objects[id]
	if !known {
		p.objects[id] = int32(len(w.objects))
		w.objects = append(w.objects, object{part: p, id: id, first: record, last: record})
		return
	}
	o := &w.objects[n]
	w.chain[o.last] = record
	o.last = record
}

func (w *work) bury(record int32, reason string) {
	if w.dead == nil {
		w.dead = map[int]string{}
	}
	w.dead[int(record)] = reason
}

// settle decides what is to become of an object: all of its records, one after the other.
func (w *work) settle(o *object) {
	o.next, o.content, o.mark = o.stored, -1, -1
	for i := o.first; i >= 0; i = w.chain[i] {
		if w.dead != nil && w.dead[int(i)] != "" {
			continue
		}
		r := &w.records[i]
		c := change{deletion: r.Deleted, seen: at(r.Seen), verified: w.verified}
		if o.part.table.Merges {
			c.merged = shortened(r.MergedInto, maxID)
		}
		if o.part.table.version != "" {
			c.version = at(r.Version)
		}
		if !r.Deleted {
			c.digest = digestOf(r.Raw)
		}
		next, written := o.next.after(c, w.now.UnixMicro())
		if written {
			o.content = i
		}
		if r.Deleted && next != o.next {
			o.mark = i
		}
		o.next = next
	}
}

func digestOf(raw []byte) (d digest) {
	sum := sha256.Sum256(raw)
	copy(d[:], sum[:])
	return d
}

// count tells what the batch came to. Each record counts once: an object's last change for all.
func (w *work) count() (n engine.Applied) {
	n.Dead = len(w.dead)
	for i := range w.objects {
		o := &w.objects[i]
		alive := 0
		for r := o.first; r >= 0; r = w.chain[r] {
			if w.dead == nil || w.dead[int(r)] == "" {
				alive++
			}
		}
		switch {
		case alive == 0:
			continue
		case o.next.deleted.known && !o.stored.deleted.known:
			n.Deleted++
		case o.content >= 0 || o.stored.deleted.known && !o.next.deleted.known || o.next.merged != o.stored.merged:
			n.Written++
		default:
			n.Unchanged++
		}
		n.Unchanged += alive - 1
	}
	return n
}

// release gives back what the batch borrowed.
func (w *work) release() {
	for _, p := range w.parts {
		if p.encoder != nil {
			p.table.release(p.encoder)
			p.encoder = nil
		}
	}
}
