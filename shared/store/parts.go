package store

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	// The table of the parts does not outlive a crash of the server, the number in the run does. The
	// first one must: a unit without any would be taken for a batch alone. So its commit waits for the
	// disk, also on a server whose commits do not.
	waitForDisk = `SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)`

	keepPart = `INSERT INTO sync.parts (connection_id, run_id, number, records) VALUES ($1, $2, $3, $4)`

	addPartToRun = `UPDATE sync.runs SET parts = $2, batches = batches + 1, calls = calls + $3, metered_calls = metered_calls + $4 WHERE id = $1`

	readPart = `SELECT records FROM sync.parts WHERE connection_id = $1 AND run_id = $2 AND number = $3`

	dropParts = `DELETE FROM sync.parts WHERE connection_id = $1`

	endUnit = `UPDATE sync.runs SET parts = 0 WHERE id = $1`
)

// written holds buffers in which parts are written.
var written = sync.Pool{New: func() any { return new([]byte) }}

// keepBack keeps a part until the batch comes that ends its unit.
func (u *unit) keepBack(ctx context.Context) error {
	if err := u.bare(); err != nil {
		return err
	}
	if u.batch.Anew {
		u.kept = 0
	}
	buffer := written.Get().(*[]byte)
	defer written.Put(buffer)
	text := appendRecords((*buffer)[:0], u.batch.Records)
	*buffer = text
	if cap(text) > keep {
		*buffer = nil
	}
	var batch pgx.Batch
	if u.kept == 0 {
		batch.Queue(waitForDisk)
		batch.Queue(dropParts, u.owner.id)
	}
	batch.Queue(keepPart, u.owner.id, u.run, u.kept+1, text)
	batch.Queue(addPartToRun, u.run, u.kept+1, u.usage.Calls, u.usage.Metered)
	queueUsage(&batch, u.owner, u.usage)
	return u.tx.SendBatch(ctx, &batch).Close()
}

// bare refuses a part that holds more than records, or records that no table takes.
func (u *unit) bare() error {
	b := &u.batch
	switch {
	case !u.begun:
		return fault.New(fault.Internal, "store: a part of a unit needs a run of its connection")
	case len(b.Checkpoints)+len(b.Loading)+len(b.EndCensus)+len(b.Settled)+len(b.Totals)+len(b.Whole) > 0, b.Census != "", b.Verify, b.Swept != nil:
		return fault.New(fault.Internal, "store: a part of a unit holds more than records")
	}
	for i := range b.Records {
		if i > 0 && b.Records[i].Stream == b.Records[i-1].Stream {
			continue
		}
		if _, err := u.home.table(u.owner.provider, b.Records[i].Stream); err != nil {
			return err
		}
	}
	return nil
}

// storeParts stores what was kept back, in the order in which it came, and drops it.
func (u *unit) storeParts(ctx context.Context) error {
	if u.kept == 0 {
		return nil
	}
	if !u.batch.Anew {
		if err := u.storeKept(ctx); err != nil {
			return err
		}
	}
	var batch pgx.Batch
	batch.Queue(dropParts, u.owner.id)
	batch.Queue(endUnit, u.run)
	return u.tx.SendBatch(ctx, &batch).Close()
}

// atOnce is how many records of parts are put on their way together at most: statements and savepoints
// cost by the time, not by the record.
const atOnce = 2000

// storeKept stores parts, some together where none tells of another's objects.
func (u *unit) storeKept(ctx context.Context) error {
	var together []engine.Record
	told := map[[2]string]bool{} // objects of these, by stream and id
	for n := 1; n <= u.kept; n++ {
		records, err := u.readPart(ctx, n)
		if err != nil {
			return err
		}
		again := slices.ContainsFunc(records, func(r engine.Record) bool { return told[[2]string{r.Stream, r.ID}] })
		if again || len(together)+len(records) > atOnce {
			if err := u.takeMore(ctx, together); err != nil {
				return err
			}
			together = nil
			clear(told)
		}
		for i := range records {
			told[[2]string{records[i].Stream, records[i].ID}] = true
		}
		together = append(together, records...)
	}
	return u.takeMore(ctx, together)
}

// readPart returns the records of a part.
func (u *unit) readPart(ctx context.Context, n int) ([]engine.Record, error) {
	var text []byte
	err := u.tx.QueryRow(ctx, readPart, u.owner.id, u.run, n).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.Unavailable, "a crash of the database has lost what was kept back of a unit: it is read anew")
	}
	if err != nil {
		return nil, err
	}
	records, err := readRecords(text)
	for i := range records {
		if !records[i].Deleted {
			if u.live == nil {
				u.live = map[string]int{}
			}
			u.live[records[i].Stream]++
		}
	}
	return records, err
}

// loaded counts the records of the unit that bring a stream's load on.
func (u *unit) loaded(stream string) int {
	n := u.live[stream]
	for i := range u.batch.Records {
		if r := &u.batch.Records[i]; r.Stream == stream && !r.Deleted {
			n++
		}
	}
	return n
}
