package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
)

const (
	// A reading that is begun again under the name of one that has ended is a new one.
	forgetFindings = `DELETE FROM sync.reconciliations WHERE connection_id = $1 AND stream = $2 AND reading = $3 AND (finished_at IS NOT NULL OR method = 'counts')`

	addFindings = `INSERT INTO sync.reconciliations AS r (org_id, connection_id, stream, reading, method, checked, equal, missing, stale, damaged, surplus, mended, examples)
VALUES ($1, $2, $3, $4, 'values', $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (connection_id, stream, reading) DO UPDATE SET checked = r.checked + excluded.checked, equal = r.equal + excluded.equal,
	missing = r.missing + excluded.missing, stale = r.stale + excluded.stale, damaged = r.damaged + excluded.damaged,
	surplus = r.surplus + excluded.surplus, mended = r.mended + excluded.mended,
	examples = CASE WHEN excluded.examples = '[]' THEN r.examples ELSE jsonb_path_query_array(r.examples || excluded.examples, '$[0 to 19]') END`

	endFindings = `UPDATE sync.reconciliations SET finished_at = clock_timestamp()
WHERE connection_id = $1 AND stream = ANY ($2) AND reading = $3 AND method = 'values' AND finished_at IS NULL`

	addCounts = `INSERT INTO sync.reconciliations AS r (org_id, connection_id, stream, reading, method, finished_at, checked, equal, missing, surplus)
VALUES ($1, $2, $3, $4, 'counts', clock_timestamp(), $5, $6, $7, $8)
ON CONFLICT (connection_id, stream, reading) DO UPDATE SET finished_at = excluded.finished_at, checked = excluded.checked,
	equal = excluded.equal, missing = excluded.missing, surplus = excluded.surplus WHERE r.method = 'counts'`
)

// tally is what comparing a stream's objects has come to.
type tally struct {
	counts   [surplus + 1]int
	mended   int
	examples []example
}

// example is an object that was not equal.
type example struct {
	ID  string `json:"id"`
	Was string `json:"was"`
}

// maxExamples are kept of a reading.
const maxExamples = 20

var was = [...]string{missing: "missing", stale: "stale", damaged: "damaged", surplus: "surplus"}

// queueFindings adds what a unit with Verify has found to its reading, which is named like its
// census, and ends the readings whose census is done with. A stream whose reading has only begun
// gets its row too.
func (u *unit) queueFindings(batch *pgx.Batch) {
	b := &u.batch
	if !b.Verify || b.Census == "" {
		return
	}
	for _, stream := range slices.Concat(b.Loading, b.EndCensus) {
		u.of(stream)
	}
	for stream, t := range u.tallies {
		n := t.counts
		examples, _ := json.Marshal(append([]example{}, t.examples...)) // of plain text: it cannot fail
		batch.Queue(forgetFindings, u.owner.id, stream, b.Census)
		batch.Queue(addFindings, u.owner.org, u.owner.id, stream, b.Census, n[equal]+n[missing]+n[stale]+n[damaged],
			n[equal], n[missing], n[stale], n[damaged], n[surplus], t.mended, examples)
	}
	for _, stream := range b.EndCensus {
		if t, err := u.home.table(u.owner.provider, stream); err == nil && len(t.relations) > 1 {
			batch.Queue(t.sweepLines(), u.owner.org, u.owner.id, stream, b.Census)
		}
	}
	if len(b.EndCensus) > 0 {
		batch.Queue(endFindings, u.owner.id, b.EndCensus, b.Census)
	}
}

// sweepLines returns the statement that removes child rows whose object is not there at all, and
// adds the objects that they name to the surplus of a reading. Each object is looked up by itself: without
// statistics of the connection's rows, as after a load, the planner would join the tables row by row.
func (t *table) sweepLines() string {
	var deletes, gone []string
	for i, r := range t.relations[1:] {
		deletes = append(deletes, fmt.Sprintf(`gone%d AS (DELETE FROM %s AS c WHERE c.org_id = $1 AND c.connection_id = $2 AND NOT EXISTS (
	SELECT FROM %s AS r WHERE r.org_id = $1 AND r.connection_id = $2 AND r.id = c.%s OFFSET 0) RETURNING c.%s AS id)`, i, r.name, t.relations[0].name, r.rootID, r.rootID))
		gone = append(gone, fmt.Sprintf("SELECT id FROM gone%d", i))
	}
	return fmt.Sprintf(`WITH %s,
found AS (SELECT count(*) AS n, coalesce(jsonb_agg(jsonb_build_object('id', id, 'was', 'surplus') ORDER BY id), '[]') AS examples FROM (%s) AS g)
UPDATE sync.reconciliations AS r SET surplus = r.surplus + found.n, mended = r.mended + found.n,
	examples = jsonb_path_query_array(r.examples || found.examples, '$[0 to 19]')
FROM found WHERE r.connection_id = $2 AND r.stream = $3 AND r.reading = $4`, strings.Join(deletes, ",\n"), strings.Join(gone, " UNION "))
}

// of returns a stream's tally.
func (u *unit) of(stream string) *tally {
	t := u.tallies[stream]
	if t == nil {
		if u.tallies == nil {
			u.tallies = map[string]*tally{}
		}
		t = &tally{}
		u.tallies[stream] = t
	}
	return t
}

// tally counts the findings of a work, once its objects are written.
func (u *unit) tally(w *work) {
	if !w.verified {
		return
	}
	for i := range w.objects {
		o := &w.objects[i]
		t := u.of(o.part.table.Stream)
		t.counts[o.found]++
		if o.found <= equal {
			continue
		}
		if o.content >= 0 || o.found == surplus {
			t.mended++
		}
		if len(t.examples) < maxExamples {
			t.examples = append(t.examples, example{o.id, was[o.found]})
		}
	}
}

// Counted records that a provider has theirs objects of a stream and the database ours, live ones,
// as the result of one reading. Which of them differ is not known, so nothing is mended. What a
// reading of that name has found by comparing values stays.
func (s *Store) Counted(ctx context.Context, id org.ConnectionID, stream, reading string, theirs, ours int) error {
	o, err := s.owner(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, addCounts, o.org, o.id, stream, reading, theirs, min(theirs, ours), max(theirs-ours, 0), max(ours-theirs, 0))
	return failure("record the counts of "+stream+" of connection "+id.String(), err)
}
