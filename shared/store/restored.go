package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

const (
	// What webhooks have told since the backup is lost with the database, so all changes are looked for. A
	// login that did not work then may have been mended since, and an attempt to connect may have come about:
	// it is tried before anybody is asked again, or what they have agreed to is ended.
	resume = `WITH resumed AS (UPDATE sync.connections SET fence = ` + nextFence + `, lease_holder = NULL, lease_until = NULL, tick_noted = false,
	not_before = NULL, next_sync_at = least(next_sync_at, statement_timestamp()), asked_at = statement_timestamp(),
	reason = CASE WHEN state = 'needs_reauth' AND (secret_version IS NOT NULL OR parked_token IS NOT NULL) THEN '' ELSE reason END,
	state = CASE WHEN state = 'needs_reauth' AND (secret_version IS NOT NULL OR parked_token IS NOT NULL) THEN 'active'
		WHEN state = 'connecting' AND NOT starts_with(account, '` + connect.Unnamed + `') THEN 'active' ELSE state END
WHERE state <> 'disconnected' RETURNING state)
SELECT count(*) FILTER (WHERE state IN ('active', 'paused')), count(*) FILTER (WHERE state = 'needs_reauth'),
	count(*) FILTER (WHERE state = 'connecting'), count(*) FILTER (WHERE state = 'leaving') FROM resumed`

	// The provider has gone on since: what was compared with it, or is half compared, is to be compared again.
	endRounds = `UPDATE sync.connections SET restored_at = clock_timestamp()`

	// The number of a connection is part of its secret's name.
	skipNumbers = `SELECT setval('sync.connections_id_seq', (SELECT last_value + $1 FROM sync.connections_id_seq))`
	skipped     = 10_000

	dropSecrets = `UPDATE sync.connections SET secret_version = NULL, token_expires_at = CASE WHEN parked_token IS NULL THEN NULL ELSE token_expires_at END
WHERE secret_version IS NOT NULL`
)

// Resumed is how many connections of a restored database there are, by what becomes of them.
// Disconnected ones stay as they are.
type Resumed struct {
	Due        int64 // they are synced by the next ticks
	Logins     int64 // they need a new login, and have no token that could be tried first
	Connecting int64 // they were about to be connected, and their provider had not named them: that has to be begun anew
	Leaving    int64 // their organisation was about to be erased
}

// Restored prepares a database for work that was just restored from a backup: leases end, all
// connections are due now, those that needed a new login then, or were being connected, are tried once
// more: the vault finds a token that was stored since. Rounds of
// reconciling end too, so that the next one leaves nothing out. New connections get
// numbers that no connection has had that was made after the backup: its secret would be taken for
// theirs. Doing it again does no harm.
func (s *Store) Restored(ctx context.Context) (n Resumed, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, resume).Scan(&n.Due, &n.Logins, &n.Connecting, &n.Leaving); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endRounds); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, skipNumbers, skipped)
		return err
	})
	return n, failure("prepare a restored database", err)
}

// SecretsLost notes that the vault has none of the tokens any more, so that each connection asks for
// a new login instead of waiting for its secret to come back. Tokens that are parked in the database
// stay. It returns how many connections have lost theirs. It cannot be undone.
func (s *Store) SecretsLost(ctx context.Context) (connections int64, err error) {
	tag, err := s.pool.Exec(ctx, dropSecrets)
	return tag.RowsAffected(), failure("note that secrets are lost", err)
}
