package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const (
	// What webhooks have told since the backup is lost with the database, so all changes are looked for. A
	// login that did not work then may have been mended since: it is tried before anybody is asked again.
	resume = `UPDATE sync.connections SET fence = ` + nextFence + `, lease_holder = NULL, lease_until = NULL, tick_noted = false,
	not_before = NULL, next_sync_at = least(next_sync_at, statement_timestamp()), asked_at = statement_timestamp(),
	reason = CASE WHEN state = 'needs_reauth' AND (secret_version IS NOT NULL OR parked_token IS NOT NULL) THEN '' ELSE reason END,
	state = CASE WHEN state = 'needs_reauth' AND (secret_version IS NOT NULL OR parked_token IS NOT NULL) THEN 'active' ELSE state END
WHERE state <> 'disconnected'`

	// The number of a connection is part of its secret's name.
	skipNumbers = `SELECT setval('sync.connections_id_seq', (SELECT last_value + $1 FROM sync.connections_id_seq))`
	skipped     = 10_000

	dropSecrets = `UPDATE sync.connections SET secret_version = NULL, token_expires_at = CASE WHEN parked_token IS NULL THEN NULL ELSE token_expires_at END
WHERE secret_version IS NOT NULL`
)

// Restored prepares a database for work that was just restored from a backup: leases end, all
// connections are due now, those that needed a new login then are tried once more. New connections get
// numbers that no connection has had that was made after the backup: its secret would be taken for
// theirs. It returns how many connections there are to sync. Doing it again does no harm.
func (s *Store) Restored(ctx context.Context) (connections int64, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, resume)
		if err != nil {
			return err
		}
		connections = tag.RowsAffected()
		_, err = tx.Exec(ctx, skipNumbers, skipped)
		return err
	})
	return connections, failure("prepare a restored database", err)
}

// SecretsLost notes that the vault has none of the tokens any more, so that each connection asks for
// a new login instead of waiting for its secret to come back. Tokens that are parked in the database
// stay. It returns how many connections have lost theirs. It cannot be undone.
func (s *Store) SecretsLost(ctx context.Context) (connections int64, err error) {
	tag, err := s.pool.Exec(ctx, dropSecrets)
	return tag.RowsAffected(), failure("note that secrets are lost", err)
}
