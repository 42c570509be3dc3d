package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// finding is what comparing an object with the provider has shown.
type finding uint8

const (
	unknown finding = iota // nobody has compared, or neither has it
	equal
	missing // the provider has it, the database had not, or had it marked as deleted
	stale   // the database had another version
	damaged // the right version, with a wrong value or line
	surplus // the database had it, the provider has not
)

// verify compares what is stored of each object with what its last record says: the object itself,
// then every value of its rows. What differs is written whole by what follows.
//
// For the values the objects' rows are made anew, copied into temporary tables and compared there
// as PostgreSQL keeps them, so that 1.0 and 1.00 differ. A stored line that should not be there is a
// difference too.
func (w *work) verify(ctx context.Context, tx pgx.Tx) error {
	if !w.verified {
		return nil
	}
	var alike []*object
	for i := range w.objects {
		o := &w.objects[i]
		o.found = w.judge(o)
		if o.found == equal {
			o.content = w.word(o)
			alike = append(alike, o)
		}
	}
	return w.compare(ctx, tx, alike)
}

// word returns the record that has the last word on an object, or -1.
func (w *work) word(o *object) int32 {
	last := int32(-1)
	for i := o.first; i >= 0; i = w.chain[i] {
		if w.dead[int(i)] == "" {
			last = i
		}
	}
	return last
}

// judge compares an object's existence, version and digest.
func (w *work) judge(o *object) finding {
	word, live := w.word(o), o.stored.exists && !o.stored.deleted.known
	switch {
	case word < 0:
		return unknown
	case w.records[word].Deleted && live:
		return surplus
	case w.records[word].Deleted:
		return unknown
	case !live:
		return missing
	case o.content >= 0:
		return stale
	}
	return equal
}

// compare finds the objects whose stored values differ, and leaves the others to themselves. All of
// objects have the record as content that their rows are to be made of. When the database refuses
// the data of one, the objects are halved until it is found; it is put aside when it is written.
func (w *work) compare(ctx context.Context, tx pgx.Tx, objects []*object) error {
	if !w.encodeAnew(objects) {
		return nil
	}
	differ, err := w.differing(ctx, tx, objects)
	if _, ok := unstorable(err); err != nil && !ok {
		return err
	}
	if _, back := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT comparison; RELEASE SAVEPOINT comparison", pgx.QueryExecModeSimpleProtocol); back != nil {
		return back
	}
	switch half := len(objects) / 2; {
	case err == nil:
		for _, o := range objects {
			if o.found == equal && !differ[o] {
				o.content = -1
			} else {
				o.found = damaged
			}
		}
	case half == 0:
		objects[0].found = damaged
	default:
		if err := w.compare(ctx, tx, objects[:half]); err != nil {
			return err
		}
		return w.compare(ctx, tx, objects[half:])
	}
	return nil
}

// encodeAnew fills the encoders with the rows of objects, and reports whether there are any. One
// that does not fit the catalog any more counts as damaged.
func (w *work) encodeAnew(objects []*object) bool {
	w.resetEncoders()
	any := false
	for _, o := range objects {
		if err := o.part.encoder.add(o, w.records[o.content].Raw); err != nil {
			o.found = damaged
			continue
		}
		any = true
	}
	return any
}

// differing copies the encoded rows into temporary tables, after a savepoint, and returns the objects
// whose stored rows are others.
func (w *work) differing(ctx context.Context, tx pgx.Tx, objects []*object) (map[*object]bool, error) {
	making := []string{"SAVEPOINT comparison"}
	for _, p := range w.parts {
		for i := range p.encoder.buffers {
			if b := &p.encoder.buffers[i]; b.rows > 0 {
				making = append(making, b.relation.draft())
			}
		}
	}
	if _, err := tx.Exec(ctx, strings.Join(making, ";\n"), pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, err
	}
	differ := map[*object]bool{}
	for _, p := range w.parts {
		if p.encoder.objects == 0 {
			continue
		}
		if err := p.encoder.copy(ctx, tx, (*relation).copyDraft); err != nil {
			return nil, err
		}
		if err := w.differingOf(ctx, tx, p, objects, differ); err != nil {
			return nil, err
		}
	}
	return differ, nil
}

func (w *work) differingOf(ctx context.Context, tx pgx.Tx, p *part, objects []*object, differ map[*object]bool) error {
	var parts, ids []string
	for i := range p.encoder.buffers {
		b := &p.encoder.buffers[i]
		parts = append(parts, b.relation.differing(b.rows > 0))
	}
	for _, o := range objects {
		if o.part == p && o.found == equal {
			ids = append(ids, o.id)
		}
	}
	// The temporary tables are others each time: a prepared statement would know the last ones.
	rows, err := tx.Query(ctx, strings.Join(parts, "\nUNION\n"), pgx.QueryExecModeExec, w.owner.org, w.owner.id, ids)
	if err != nil {
		return err
	}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		differ[&w.objects[p.objects[id]]] = true
		return nil
	})
	return err
}

// drafted is the name of a relation's temporary table.
func (r *relation) drafted() string { return "pg_temp." + quote(r.Name) }

// draft makes a temporary table of the columns that the encoder writes.
func (r *relation) draft() string {
	return fmt.Sprintf("CREATE TEMP TABLE %s AS SELECT %s FROM %s WITH NO DATA", quote(r.Name), strings.Join(r.copied(), ", "), r.name)
}

func (r *relation) copyDraft() string {
	return fmt.Sprintf("COPY %s FROM STDIN (FORMAT binary)", r.drafted())
}

// differing returns the SELECT of the objects among $3 whose stored rows are not the drafted ones.
// drafted says that there are any. *<> compares rows bit by bit, null with null too.
func (r *relation) differing(drafted bool) string {
	columns := r.copied()
	columns = columns[:len(columns)-1] // not synced_at
	stored := fmt.Sprintf(`SELECT f.* FROM unnest($3::text[]) AS m (object)
CROSS JOIN LATERAL (SELECT %s FROM %s WHERE org_id = $1 AND connection_id = $2 AND %s = m.object OFFSET 0) AS f`, strings.Join(columns, ", "), r.name, r.rootID)
	if !drafted {
		return fmt.Sprintf("SELECT h.%s FROM (%s) AS h", r.rootID, stored)
	}
	same := "w." + r.rootID + " = h." + r.rootID
	if r.Parent != nil {
		same += " AND w.position = h.position"
	}
	return fmt.Sprintf(`SELECT coalesce(w.%[1]s, h.%[1]s) FROM (SELECT %[2]s FROM %[3]s) AS w FULL JOIN (%[4]s) AS h ON %[5]s
WHERE w.%[1]s IS NULL OR h.%[1]s IS NULL OR w *<> h`, r.rootID, strings.Join(columns, ", "), r.drafted(), stored, same)
}
