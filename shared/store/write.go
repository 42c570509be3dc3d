package store

import (
	"bytes"
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// read fills in what is stored of the batch's objects, and decides what is to become of them.
func (w *work) read(ctx context.Context, tx pgx.Tx) error {
	var batch pgx.Batch
	batch.Queue(`SELECT EXISTS (SELECT FROM sync.dead_letters WHERE connection_id = $1 AND resolved_at IS NULL)`, w.owner.id).
		QueryRow(func(row pgx.Row) error { return row.Scan(&w.open) })
	for _, p := range w.parts {
		if len(p.objects) == 0 {
			continue
		}
		ids := make([]string, 0, len(p.objects))
		for i := range w.objects {
			if w.objects[i].part == p && p.perhaps(w.objects[i].id) {
				ids = append(ids, w.objects[i].id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		batch.Queue(p.table.existing, w.owner.org, w.owner.id, ids).
			Query(func(rows pgx.Rows) error { return w.readPart(p, rows) })
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	for i := range w.objects {
		w.settle(&w.objects[i])
	}
	return nil
}

// perhaps reports whether an object may be stored. What it is asked for will be.
func (p *part) perhaps(id string) bool {
	if !p.ground.sure() {
		return true
	}
	return p.ground.ids.add(id)
}

func (w *work) readPart(p *part, rows pgx.Rows) error {
	var id string
	var sum []byte
	var version, deleted pgtype.Timestamptz
	var merged, heir, origin, by pgtype.Text
	into := []any{&id, &version, &sum, &deleted}
	switch {
	case p.table.Merges:
		into = append(into, &merged)
	case p.table.Succession != nil:
		into = append(into, &heir, &origin, &by)
	}
	_, err := pgx.ForEachRow(rows, into, func() error {
		s := state{exists: true, content: len(sum) == len(digest{}), version: moment(version), deleted: moment(deleted), merged: merged.String}
		copy(s.digest[:], sum)
		o := &w.objects[p.objects[id]]
		o.stored, o.line = s, line{merged: heir.String, origin: origin.String, by: other(by.String, id)}
		return nil
	})
	return err
}

func moment(t pgtype.Timestamptz) instant {
	if !t.Valid {
		return instant{}
	}
	return instant{t.Time.UnixMicro(), true}
}

// store writes the objects whose content changes or that are marked as deleted.
func (w *work) store(ctx context.Context, tx pgx.Tx) error {
	changed := make([]*object, 0, len(w.objects))
	for i := range w.objects {
		if o := &w.objects[i]; o.rewritten() {
			changed = append(changed, o)
		}
	}
	if err := w.load(ctx, tx, changed, true); err != nil {
		return err
	}
	return w.mark(ctx, tx)
}

// rewritten reports whether the object's rows are to be replaced.
func (o *object) rewritten() bool { return o.content >= 0 || o.next.exists && !o.stored.exists }

// load replaces the rows of some objects. When the database refuses the data of one, the rest is
// halved until the bad records are found and put aside.
func (w *work) load(ctx context.Context, tx pgx.Tx, objects []*object, whole bool) error {
	if !w.encode(objects) {
		return nil
	}
	err := w.replace(ctx, tx, objects)
	if err == nil {
		if whole && !w.further { // the transaction's end is near: no need to tell the savepoint
			return nil
		}
		_, err = tx.Exec(ctx, "RELEASE SAVEPOINT records")
		return err
	}
	reason, ok := unstorable(err)
	if !ok {
		return err
	}
	if _, back := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT records; RELEASE SAVEPOINT records", pgx.QueryExecModeSimpleProtocol); back != nil {
		return back
	}
	if len(objects) == 1 {
		if !w.blame(objects[0], reason) {
			return err
		}
		return w.load(ctx, tx, objects, false)
	}
	half := len(objects) / 2
	if err := w.load(ctx, tx, objects[:half], false); err != nil {
		return err
	}
	return w.load(ctx, tx, objects[half:], false)
}

// blame puts aside the record that made an object's rows unstorable. A deletion is never put aside
// for the sake of its bytes: they are dropped instead. It reports whether there is anything to blame.
func (w *work) blame(o *object, reason string) bool {
	switch {
	case o.content >= 0:
		w.bury(o.content, reason)
		w.settle(o)
	case o.bare:
		return false
	default:
		o.bare = true
	}
	return true
}

// encode fills the encoders with the rows of some objects and reports whether there are any. A
// record that does not fit the catalog is put aside, and its object's other records count.
func (w *work) encode(objects []*object) bool {
	w.resetEncoders()
	for _, o := range objects {
		for o.content >= 0 {
			err := o.part.encoder.add(o, w.records[o.content].Raw)
			if err == nil {
				break
			}
			w.bury(o.content, err.Error())
			w.settle(o)
		}
		if o.content < 0 && o.rewritten() {
			raw := w.records[o.mark].Raw
			if o.bare || !o.part.encoder.storable(raw) {
				raw = nil
			}
			o.part.encoder.addMark(o, raw)
		}
	}
	for _, p := range w.parts {
		if p.encoder.objects > 0 {
			return true
		}
	}
	return false
}

func (w *work) resetEncoders() {
	for _, p := range w.parts {
		if p.encoder == nil {
			p.encoder = p.table.encoders.Get().(*encoder)
		}
		p.encoder.reset(w.owner, w.now)
	}
}

// replace deletes the stored rows of objects and copies the encoded ones, after a savepoint.
func (w *work) replace(ctx context.Context, tx pgx.Tx, objects []*object) error {
	var batch pgx.Batch
	batch.Queue("SAVEPOINT records")
	for _, p := range w.parts {
		var ids []string
		for _, o := range objects {
			if o.part == p && (o.stored.exists || w.verified) && o.content >= 0 { // lines may be there without their object
				ids = append(ids, o.id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		for _, r := range p.table.relations {
			batch.Queue(r.remove, w.owner.org, w.owner.id, ids)
		}
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	for _, p := range w.parts {
		if err := p.encoder.copy(ctx, tx, func(r *relation) string { return r.copy }); err != nil {
			return err
		}
	}
	return nil
}

// copy sends the encoded rows to where the statement of their relation takes them.
func (e *encoder) copy(ctx context.Context, tx pgx.Tx, statement func(*relation) string) error {
	for i := range e.buffers {
		b := &e.buffers[i]
		if b.rows == 0 {
			continue
		}
		b.bytes = append(b.bytes, 0xff, 0xff) // the end
		tag, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(b.bytes), statement(b.relation))
		if err != nil {
			return err
		}
		if tag.RowsAffected() != int64(b.rows) {
			return fault.New(fault.Internal, "store: the database took another number of rows than it was sent")
		}
	}
	return nil
}

// mark sets or clears deleted_at where nothing else of an object changes, and names the survivors
// of what was merged.
func (w *work) mark(ctx context.Context, tx pgx.Tx) error {
	var batch pgx.Batch
	for _, p := range w.parts {
		w.markDeleted(&batch, p)
		if p.table.Merges {
			w.markMerged(&batch, p)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &batch).Close()
}

func (w *work) markDeleted(batch *pgx.Batch, p *part) {
	var ids []string
	var times []*time.Time
	for i := range w.objects {
		o := &w.objects[i]
		if o.part == p && !o.rewritten() && o.next.deleted != o.stored.deleted {
			ids, times = append(ids, o.id), append(times, o.next.deleted.time())
		}
	}
	if len(ids) == 0 {
		return
	}
	batch.Queue(byPlace)
	for _, r := range p.table.relations {
		batch.Queue(r.mark, w.owner.org, w.owner.id, ids, times, w.now)
	}
}

// markMerged writes the survivors that are new, and those that rewriting an object's row has dropped.
func (w *work) markMerged(batch *pgx.Batch, p *part) {
	var ids, survivors []string
	for i := range w.objects {
		o := &w.objects[i]
		kept := o.stored.merged
		if o.rewritten() {
			kept = ""
		}
		if o.part == p && o.next.merged != kept {
			ids, survivors = append(ids, o.id), append(survivors, o.next.merged)
		}
	}
	if len(ids) > 0 {
		batch.Queue(p.table.merge, w.owner.org, w.owner.id, ids, survivors, w.now)
	}
}
