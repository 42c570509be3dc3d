package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Leases go by the database's clock. An expired lease can still be renewed, and its owner can still
// write, as long as nobody else has taken it: the fence decides, not the time.
const (
	// A tick of the schedule that finds nothing to do writes nothing. One that asks for a sweep makes it
	// due even when nobody may look now: asked_at tells a sweep that began earlier that it is no answer.
	acquire = `WITH before AS (SELECT id, coalesce(lease_until > statement_timestamp(), false) AS held,
	coalesce(not_before > statement_timestamp(), false) AS barred FROM sync.connections AS c
	WHERE id = $1 AND state IN ('active', 'paused') AND ($5 OR (not_before IS NULL OR not_before <= statement_timestamp())
		AND (NOT $4 OR next_sync_at <= statement_timestamp() + ` + tolerance + `
			OR EXISTS (SELECT FROM sync.notices AS n WHERE n.connection_id = c.id AND n.settled_at IS NULL)))
	FOR NO KEY UPDATE)
UPDATE sync.connections AS c SET
	fence = CASE WHEN held OR barred THEN fence ELSE ` + nextFence + ` END,
	lease_holder = CASE WHEN held OR barred THEN lease_holder ELSE $2 END,
	lease_ttl = CASE WHEN held OR barred THEN lease_ttl ELSE $3 END,
	lease_until = CASE WHEN held OR barred THEN lease_until ELSE statement_timestamp() + $3 END,
	tick_noted = CASE WHEN barred THEN tick_noted ELSE held END,
	next_sync_at = CASE WHEN $5 THEN least(next_sync_at, statement_timestamp()) ELSE next_sync_at END,
	asked_at = CASE WHEN $5 THEN greatest(asked_at, statement_timestamp()) ELSE asked_at END
FROM before WHERE c.id = before.id RETURNING fence, NOT (held OR barred), held AND NOT barred`

	// Fences grow with the clock, so that they never come back: in a database that was restored from a
	// backup a number counted up by ones would soon be that of an owner who is still at work.
	nextFence = `greatest(fence + 1, (extract(epoch FROM statement_timestamp()) * 1000)::bigint)`

	// Ticks do not come to the second: one that is a little early is taken for the one that is due.
	early     = 10 * time.Second
	tolerance = `interval '10 seconds'`

	held = ` WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL `

	holdLease = `UPDATE sync.connections SET lease_until = greatest(lease_until, clock_timestamp() + lease_ttl)` + held +
		`RETURNING org_id, provider, clock_timestamp()`

	renew = `UPDATE sync.connections SET lease_until = clock_timestamp() + $3, lease_ttl = $3` + held

	// A note counts only while the connection may be synced: otherwise the tick would not have been taken either.
	release = `WITH before AS (SELECT id, tick_noted AND state IN ('active', 'paused')
	AND (not_before IS NULL OR not_before <= clock_timestamp()) AS again FROM sync.connections` + held + `FOR NO KEY UPDATE)
UPDATE sync.connections AS c SET tick_noted = false,
	lease_until = CASE WHEN before.again THEN clock_timestamp() + c.lease_ttl END,
	lease_holder = CASE WHEN before.again THEN c.lease_holder END
FROM before WHERE c.id = before.id RETURNING before.again`

	abandon = `WITH before AS (SELECT id, tick_noted FROM sync.connections` + held + `FOR NO KEY UPDATE)
UPDATE sync.connections AS c SET tick_noted = false, lease_until = NULL, lease_holder = NULL
FROM before WHERE c.id = before.id RETURNING before.tick_noted`
)

// Acquire takes the lease on a connection for ttl. When another owner holds it, the tick is noted
// on the connection, where that owner finds it at Release, and ok is false. ok is false too, without
// a note, when the connection is not to be synced now: it is neither active nor paused, the time
// before which it must not be tried has not come, or there is none of that number.
//
// The schedule's ticks are taken, and noted, only when the sweep is due within ten seconds or a
// notice is open. A webhook's is always taken, and leaves the sweep as it is. Any other reason makes
// the sweep due, also when the tick comes too early to be taken.
func (s *Store) Acquire(ctx context.Context, id org.ConnectionID, reason org.Reason, holder string, ttl time.Duration) (l org.Lease, ok bool, err error) {
	l.Connection = id
	scheduled, asked := reason == org.Schedule, reason != org.Schedule && reason != org.Webhook
	var merged bool
	err = s.pool.QueryRow(ctx, acquire, id, shortened(holder, maxText), ttl, scheduled, asked).Scan(&l.Fence, &ok, &merged)
	if errors.Is(err, pgx.ErrNoRows) {
		return org.Lease{}, false, nil
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.Bool("merged", merged)) // the tick is noted for the owner
	if err != nil || !ok {
		return org.Lease{}, false, failure("take the lease on connection "+id.String(), err)
	}
	return l, true, nil
}

// Renew makes the lease last ttl from now. fault.Conflict: it has passed to another owner.
func (s *Store) Renew(ctx context.Context, l org.Lease, ttl time.Duration) error {
	tag, err := s.pool.Exec(ctx, renew, l.Connection, l.Fence, ttl)
	if err == nil && tag.RowsAffected() == 0 {
		return lost(l.Connection)
	}
	return failure("renew the lease on connection "+l.Connection.String(), err)
}

// Release gives the lease back, unless a tick was noted meanwhile and the connection may be synced
// now: then the lease stays, the note is cleared, and again is true.
func (s *Store) Release(ctx context.Context, l org.Lease) (again bool, err error) {
	return s.letGo(ctx, l, release)
}

// Abandon gives the lease back and reports whether a tick was noted; the note is cleared.
func (s *Store) Abandon(ctx context.Context, l org.Lease) (noted bool, err error) {
	return s.letGo(ctx, l, abandon)
}

func (s *Store) letGo(ctx context.Context, l org.Lease, sql string) (noted bool, err error) {
	err = s.pool.QueryRow(ctx, sql, l.Connection, l.Fence).Scan(&noted)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, lost(l.Connection)
	}
	return noted, failure("give back the lease on connection "+l.Connection.String(), err)
}

// hold checks the lease, makes it last, and keeps others from taking it until tx ends.
func hold(ctx context.Context, tx pgx.Tx, l org.Lease) (o owner, now time.Time, err error) {
	o.id = l.Connection
	err = tx.QueryRow(ctx, holdLease, l.Connection, l.Fence).Scan(&o.org, &o.provider, &now)
	if errors.Is(err, pgx.ErrNoRows) {
		return owner{}, time.Time{}, lost(l.Connection)
	}
	return o, now, err
}
