package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

var _ connect.Store = (*Store)(nil)

const (
	dropStates = `DELETE FROM sync.connect_states WHERE expires_at < now() - interval '1 day'`
	dropLinks  = `DELETE FROM sync.connect_links WHERE expires_at < now() - interval '1 day'`

	saveState = `INSERT INTO sync.connect_states (state_digest, browser_digest, link_digest, link_expires_at, org_id, provider, connection_id, is_addition, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, nullif($7::bigint, 0), $8, now() + $9)`

	takeState = `UPDATE sync.connect_states SET used_at = now()
WHERE state_digest = $1 AND browser_digest = $2 AND used_at IS NULL AND expires_at > now()
RETURNING link_digest, link_expires_at, org_id, provider, coalesce(connection_id, 0), is_addition`

	whyNotState = `SELECT used_at IS NOT NULL FROM sync.connect_states WHERE state_digest = $1 AND expires_at > now()`

	useLink = `INSERT INTO sync.connect_links (nonce_digest, connection_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

	// What webhooks told while it was not synced was not kept for it: all changes are looked for at once.
	activate = `UPDATE sync.connections SET state = 'active', reason = '', not_before = NULL, connected_at = clock_timestamp(),
	next_sync_at = least(next_sync_at, clock_timestamp()), tick_noted = false, lease_until = NULL, lease_holder = NULL WHERE id = $1`

	disconnect = `UPDATE sync.connections SET state = 'disconnected', reason = $2, not_before = NULL,
	tick_noted = false, lease_until = NULL, lease_holder = NULL WHERE id = $1`

	giveUp = `WITH before AS (SELECT id, tick_noted FROM sync.connections` + held + `FOR NO KEY UPDATE)
UPDATE sync.connections AS c SET tick_noted = false, lease_until = NULL, lease_holder = NULL,
	reason = CASE WHEN c.state = 'connecting' THEN $3 ELSE c.reason END,
	state = CASE WHEN c.state = 'connecting' THEN 'disconnected' ELSE c.state END
FROM before WHERE c.id = before.id RETURNING before.tick_noted`
)

// LinkUsed reports whether a link has done its work.
func (s *Store) LinkUsed(ctx context.Context, link connect.Digest) (used bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sync.connect_links WHERE nonce_digest = $1)`, link[:]).Scan(&used)
	return used, failure("look up a link", err)
}

// SaveState keeps a state for ttl, bound to a browser. It drops what nobody can need any more.
func (s *Store) SaveState(ctx context.Context, state, browser connect.Digest, a connect.Attempt, ttl time.Duration) error {
	var batch pgx.Batch
	batch.Queue(dropStates)
	batch.Queue(dropLinks)
	batch.Queue(saveState, state[:], browser[:], a.Link[:], a.LinkEnds, a.Org, a.Provider, a.Connection, a.Add, ttl)
	return failure("keep a state", s.pool.SendBatch(ctx, &batch).Close())
}

// TakeState uses a state up, once. fault.NotFound when it is unknown or too old, fault.Conflict when
// it is used up, fault.Forbidden for another browser, which leaves it as it is.
func (s *Store) TakeState(ctx context.Context, state, browser connect.Digest) (connect.Attempt, error) {
	var a connect.Attempt
	var link []byte
	err := s.pool.QueryRow(ctx, takeState, state[:], browser[:]).Scan(&link, &a.LinkEnds, &a.Org, &a.Provider, &a.Connection, &a.Add)
	if err == nil {
		copy(a.Link[:], link)
		return a, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return a, failure("use a state up", err)
	}
	var used bool
	err = s.pool.QueryRow(ctx, whyNotState, state[:]).Scan(&used)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return a, fault.New(fault.NotFound, "the state is unknown or too old")
	case err != nil:
		return a, failure("look up a state", err)
	case used:
		return a, fault.New(fault.Conflict, "the state is used up")
	}
	return a, fault.New(fault.Forbidden, "the state belongs to another browser")
}

// Activate makes the connection active, uses the link up and gives the lease back. Not fresh: the
// link was used meanwhile, and nothing has changed.
func (s *Store) Activate(ctx context.Context, l org.Lease, link connect.Digest, linkEnds time.Time) (fresh bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if _, _, err := hold(ctx, tx, l); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, useLink, link[:], l.Connection, linkEnds)
		if fresh = tag.RowsAffected() == 1; err != nil || !fresh {
			return err
		}
		_, err = tx.Exec(ctx, activate, l.Connection)
		return err
	})
	return fresh && err == nil, failure("activate connection "+l.Connection.String(), err)
}

// Disconnect makes the connection disconnected, uses the link up and gives the lease back.
func (s *Store) Disconnect(ctx context.Context, l org.Lease, link connect.Digest, linkEnds time.Time, reason string) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if _, _, err := hold(ctx, tx, l); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, useLink, link[:], l.Connection, linkEnds); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, disconnect, l.Connection, shortened(reason, maxText))
		return err
	})
	return failure("disconnect connection "+l.Connection.String(), err)
}

// GiveUp gives the lease back; a connection that is still connecting becomes disconnected.
func (s *Store) GiveUp(ctx context.Context, l org.Lease, reason string) (noted bool, err error) {
	err = s.pool.QueryRow(ctx, giveUp, l.Connection, l.Fence, shortened(reason, maxText)).Scan(&noted)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, lost(l.Connection)
	}
	return noted, failure("give up connection "+l.Connection.String(), err)
}
