package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

var _ connect.Store = (*Store)(nil)

const (
	dropStates = `DELETE FROM sync.connect_states WHERE expires_at < now() - interval '1 day'`
	dropLinks  = `DELETE FROM sync.connect_links WHERE expires_at < now() - interval '1 day'`

	saveState = `INSERT INTO sync.connect_states (state_digest, browser_digest, link_digest, link_expires_at, org_id, provider, connection_id, is_addition, memo, expires_at)
SELECT $1, $2, $3, $4, o.slug, $6, nullif($7::bigint, 0), $8, $9, now() + $10::interval FROM sync.organisations AS o WHERE o.slug = $5 AND o.leaving_since IS NULL`

	goodState = ` WHERE state_digest = $1 AND browser_digest = $2 AND used_at IS NULL AND expires_at > now()`

	findState = `SELECT link_digest, link_expires_at, org_id, provider, coalesce(connection_id, 0), is_addition, memo FROM sync.connect_states` + goodState

	takeState = `UPDATE sync.connect_states SET used_at = now(), memo = NULL` + goodState

	voidState = `UPDATE sync.connect_states SET used_at = now(), memo = NULL WHERE state_digest = $1 AND memo IS NOT NULL AND used_at IS NULL AND expires_at > now()`

	whyNotState = `SELECT used_at IS NOT NULL FROM sync.connect_states WHERE state_digest = $1 AND expires_at > now()`

	useLink = `INSERT INTO sync.connect_links (nonce_digest, connection_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

	// What webhooks told while it was not synced was not kept for it: all changes are looked for at once.
	activate = `UPDATE sync.connections SET account = $2, account_name = coalesce(nullif($3, ''), account_name), shown = coalesce($4, shown),
	state = 'active', reason = '', not_before = NULL, connected_at = clock_timestamp(),
	next_sync_at = least(next_sync_at, clock_timestamp()), tick_noted = false, lease_until = NULL, lease_holder = NULL WHERE id = $1`

	disconnect = `UPDATE sync.connections SET state = 'disconnected', reason = $2, not_before = NULL,
	tick_noted = false, lease_until = NULL, lease_holder = NULL WHERE id = $1`

	// An attempt in the journal that never ended is a question whose answer nobody has.
	giveUp = `UPDATE sync.connections AS c SET tick_noted = false, lease_until = NULL, lease_holder = NULL,
	reason = CASE WHEN c.state <> 'connecting' THEN c.reason
		WHEN EXISTS (SELECT FROM sync.token_journal AS j WHERE j.connection_id = c.id AND j.finished_at IS NULL)
		THEN $2 || ': a token was asked for, and its answer is lost. The provider may keep a login that only its support can end' ELSE $2 END,
	state = CASE WHEN c.state = 'connecting' THEN 'disconnected' ELSE c.state END
WHERE id = $1`

	// What never was connected and has nothing is not kept.
	voids = `SELECT c.id FROM sync.connections AS c
	WHERE c.connected_at IS NULL AND c.state IN ('connecting', 'disconnected') AND c.secret_version IS NULL AND c.parked_token IS NULL
		AND NOT EXISTS (SELECT FROM sync.token_journal AS j WHERE j.connection_id = c.id AND j.finished_at IS NULL)
		AND NOT EXISTS (SELECT FROM sync.connect_links AS l WHERE l.connection_id = c.id)
		AND NOT EXISTS (SELECT FROM sync.runs AS r WHERE r.connection_id = c.id)
		AND NOT EXISTS (SELECT FROM sync.streams AS s WHERE s.connection_id = c.id)
		AND NOT EXISTS (SELECT FROM sync.api_usage AS u WHERE u.connection_id = c.id)
		AND NOT EXISTS (SELECT FROM sync.dead_letters AS d WHERE d.connection_id = c.id)
		AND NOT EXISTS (SELECT FROM sync.reconciliations AS r WHERE r.connection_id = c.id)`

	withoutVoids = `), attempts AS (
	DELETE FROM sync.token_journal WHERE connection_id IN (SELECT id FROM void)
), notices AS (
	UPDATE sync.notices SET connection_id = NULL, settled_at = coalesce(settled_at, clock_timestamp()), outcome = coalesce(outcome, 'not synced')
	WHERE connection_id IN (SELECT id FROM void)
) DELETE FROM sync.connections WHERE id IN (SELECT id FROM void)`

	dropVoid = `WITH void AS (` + voids + ` AND c.id = $1` + withoutVoids
	// One that is still connecting is left to whoever ends its login: it may have a token that is not noted. So may
	// one that another attempt has put aside: jobs/daily has a week to find it.
	dropVoids = `WITH void AS (` + voids + ` AND c.state = 'disconnected' AND c.created_at < now() - interval '7 days'
		AND (c.lease_until IS NULL OR c.lease_until < now() - interval '1 hour') LIMIT $1 FOR UPDATE OF c SKIP LOCKED` + withoutVoids
)

// LinkUsed reports whether a link has done its work.
func (s *Store) LinkUsed(ctx context.Context, link connect.Digest) (used bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sync.connect_links WHERE nonce_digest = $1)`, link[:]).Scan(&used)
	return used, failure("look up a link", err)
}

// SaveState keeps a state for ttl, bound to a browser. It drops what nobody can need any more.
// fault.Forbidden: the organisation is leaving.
func (s *Store) SaveState(ctx context.Context, state, browser connect.Digest, a connect.Attempt, ttl time.Duration) error {
	var batch pgx.Batch
	batch.Queue(dropStates)
	batch.Queue(dropLinks)
	batch.Queue(saveState, state[:], browser[:], a.Link[:], a.LinkEnds, a.Org, a.Provider, a.Connection, a.Add, a.Memo, ttl).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return errLeaving
		}
		return nil
	})
	return failure("keep a state", s.pool.SendBatch(ctx, &batch).Close())
}

// FindState returns what a state stands for, and leaves it as it is. See connect.Store.
func (s *Store) FindState(ctx context.Context, state, browser connect.Digest) (connect.Attempt, error) {
	var a connect.Attempt
	var link []byte
	err := s.pool.QueryRow(ctx, findState, state[:], browser[:]).Scan(&link, &a.LinkEnds, &a.Org, &a.Provider, &a.Connection, &a.Add, &a.Memo)
	if errors.Is(err, pgx.ErrNoRows) {
		return connect.Attempt{}, s.whyNot(ctx, state)
	}
	copy(a.Link[:], link)
	return a, failure("look up a state", err)
}

// TakeState uses a state up, once, and drops its memo. See connect.Store.
func (s *Store) TakeState(ctx context.Context, state, browser connect.Digest) error {
	tag, err := s.pool.Exec(ctx, takeState, state[:], browser[:])
	if err == nil && tag.RowsAffected() == 0 {
		return s.whyNot(ctx, state)
	}
	return failure("use a state up", err)
}

// VoidState uses up a state that has a memo, whichever browser it belongs to. See connect.Store.
func (s *Store) VoidState(ctx context.Context, state connect.Digest) (done bool, err error) {
	tag, err := s.pool.Exec(ctx, voidState, state[:])
	return err == nil && tag.RowsAffected() == 1, failure("make a state void", err)
}

// whyNot says why a state is not good: fault.NotFound when it is unknown or too old, fault.Conflict
// when it is used up, else fault.Forbidden for another browser.
func (s *Store) whyNot(ctx context.Context, state connect.Digest) error {
	var used bool
	err := s.pool.QueryRow(ctx, whyNotState, state[:]).Scan(&used)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fault.New(fault.NotFound, "the state is unknown or too old")
	case err != nil:
		return failure("look up a state", err)
	case used:
		return fault.New(fault.Conflict, "the state is used up")
	}
	return fault.New(fault.Forbidden, "the state belongs to another browser")
}

// Activate makes the connection active under its account's final name, uses the link up and gives the
// lease back. Not fresh: the link was used meanwhile, and nothing has changed. See connect.Store.
func (s *Store) Activate(ctx context.Context, l org.Lease, account string, consent connect.Consent, link connect.Digest, linkEnds time.Time) (fresh bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if _, _, err := hold(ctx, tx, l); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, useLink, link[:], l.Connection, linkEnds)
		if fresh = tag.RowsAffected() == 1; err != nil || !fresh {
			return err
		}
		_, err = tx.Exec(ctx, activate, l.Connection, account, consent.Name, consent.Shown)
		return attached(err)
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

// GiveUp gives the lease back. A connection that is still connecting is gone when it has nothing, else
// it becomes disconnected.
func (s *Store) GiveUp(ctx context.Context, l org.Lease, reason string) (noted bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if _, _, err := hold(ctx, tx, l); err != nil {
			return err
		}
		var state org.State
		if err := tx.QueryRow(ctx, `SELECT state, tick_noted FROM sync.connections WHERE id = $1`, l.Connection).Scan(&state, &noted); err != nil {
			return err
		}
		if state == org.Connecting {
			tag, err := tx.Exec(ctx, dropVoid, l.Connection)
			if gone := tag.RowsAffected() == 1; err != nil || gone {
				noted = noted && !gone
				return err
			}
		}
		_, err := tx.Exec(ctx, giveUp, l.Connection, shortened(reason, maxText))
		return err
	})
	return noted && err == nil, failure("give up connection "+l.Connection.String(), err)
}
