package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// unit is what one transaction of Apply stores: a batch, and before it the parts that were kept back
// in the database until it came. Parts are read one at a time, so that memory stays flat.
type unit struct {
	home    *Store
	tx      pgx.Tx
	run     engine.RunID
	batch   engine.Batch // the one that ends the unit, or a part
	usage   engine.Usage
	letters []letter // that each record of the batch came from, in a replay

	owner owner
	now   time.Time // the transaction's, by the database's clock
	begun bool      // there is such a run of the connection
	kept  int       // parts that the run has kept back

	applied engine.Applied
	tallies map[string]*tally // by stream
	live    map[string]int    // by stream, records of the parts that are no deletions
	grounds map[*table]*ground
	roll    roll
}

const (
	holdUnit = `UPDATE sync.connections SET lease_until = greatest(lease_until, clock_timestamp() + lease_ttl)` + held +
		`RETURNING org_id, provider, clock_timestamp(), (SELECT r.parts FROM sync.runs AS r WHERE r.id = $3 AND r.connection_id = $1)`

	// A long unit may have used up what it had of the lease: until it ends nobody can renew it.
	prolong = `UPDATE sync.connections SET lease_until = greatest(lease_until, clock_timestamp() + lease_ttl) WHERE id = $1`
)

// hold is hold for a batch: it finds out, too, what the run has kept back.
func (u *unit) hold(ctx context.Context, l org.Lease) error {
	u.owner.id = l.Connection
	var kept *int
	err := u.tx.QueryRow(ctx, holdUnit, l.Connection, l.Fence, u.run).Scan(&u.owner.org, &u.owner.provider, &u.now, &kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return lost(l.Connection)
	}
	if kept != nil {
		u.begun, u.kept = true, *kept
	}
	return err
}

// store puts the unit's records into the tables, those of its parts first, and ends it.
func (u *unit) store(ctx context.Context) error {
	if err := u.check(); err != nil {
		return err
	}
	if err := u.storeParts(ctx); err != nil {
		return err
	}
	w, err := u.take(ctx, u.batch.Records, len(u.batch.Whole) > 0)
	if err != nil {
		return err
	}
	if err := u.deleteRest(ctx); err != nil {
		return err
	}
	if err := u.pair(ctx); err != nil {
		return err
	}
	return u.close(ctx, w)
}

// take puts records on the road to the tables. further: rows of other records follow.
func (u *unit) take(ctx context.Context, records []engine.Record, further bool) (*work, error) {
	w, err := u.home.newWork(u.owner, u.now, records)
	if err != nil {
		return nil, err
	}
	defer w.release()
	w.verified, w.further = u.batch.Verify, further
	for _, p := range w.parts {
		if p.ground, err = u.ground(ctx, p.table); err != nil {
			return nil, err
		}
	}
	for _, step := range [...]func(context.Context, pgx.Tx) error{w.read, w.verify, w.store} {
		if err := step(ctx, u.tx); err != nil {
			return nil, err
		}
	}
	u.applied = u.applied.Add(w.count())
	u.tally(w)
	if err := u.succeed(ctx, w); err != nil {
		return nil, err
	}
	u.name(w)
	return w, u.roll.spill(ctx, u.tx)
}

// takeMore is take for records that are not the batch's own: it writes down at once what is to be noted of them.
func (u *unit) takeMore(ctx context.Context, records []engine.Record) error {
	w, err := u.take(ctx, records, true)
	if err != nil {
		return err
	}
	var notes pgx.Batch
	w.queueLetters(&notes, nil)
	w.queueCensus(&notes, u.batch)
	if notes.Len() == 0 {
		return nil
	}
	return u.tx.SendBatch(ctx, &notes).Close()
}

// check refuses a Whole that cannot be told, before anything is done for it.
func (u *unit) check() error {
	for i := range u.batch.Whole {
		if _, err := u.rest(&u.batch.Whole[i]); err != nil {
			return err
		}
	}
	return nil
}
