package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// Ledger is the vault's book of which version of a secret holds a connection's token, and of each
// attempt to renew it.
type Ledger struct{ s *Store }

var _ vault.Ledger = Ledger{}

// Ledger returns the vault's ledger.
func (s *Store) Ledger() Ledger { return Ledger{s} }

const (
	// The attempt that matters is one made with the token that is still the current one.
	entry = `SELECT coalesce(c.secret_version, 0), c.parked_token, coalesce(c.token_expires_at, 'epoch'), coalesce(j.id, 0), coalesce(j.started_at, 'epoch')
FROM sync.connections AS c LEFT JOIN LATERAL (
	SELECT id, started_at FROM sync.token_journal
	WHERE connection_id = c.id AND finished_at IS NULL AND from_version IS NOT DISTINCT FROM c.secret_version
	ORDER BY id DESC LIMIT 1
) AS j ON true WHERE c.id = $1`

	startRefresh = `INSERT INTO sync.token_journal (connection_id, fence, from_version)
SELECT id, fence, secret_version FROM sync.connections WHERE id = $1 RETURNING id, started_at`

	endRefresh = `UPDATE sync.token_journal SET finished_at = clock_timestamp(), outcome = $3, detail = $4
WHERE id = $2 AND connection_id = $1 AND finished_at IS NULL`

	settle = `UPDATE sync.connections SET secret_version = nullif($2::bigint, 0), parked_token = NULL, token_expires_at = $3 WHERE id = $1`

	park = `UPDATE sync.connections SET parked_token = $2, token_expires_at = $3 WHERE id = $1`

	// Only the last attempt can have led to the token: nobody got the answers to those before it.
	conclude = `UPDATE sync.token_journal AS j SET finished_at = clock_timestamp(),
	outcome = CASE WHEN j.id = last.id THEN $2 ELSE 'answer lost' END, to_version = CASE WHEN j.id = last.id THEN nullif($3::bigint, 0) END
FROM (SELECT max(id) AS id FROM sync.token_journal WHERE connection_id = $1) AS last
WHERE j.connection_id = $1 AND j.finished_at IS NULL`
)

// Entry returns what the ledger holds of a connection. fault.NotFound: there is none of that number.
func (b Ledger) Entry(ctx context.Context, id org.ConnectionID) (vault.Entry, error) {
	var e vault.Entry
	var a vault.Attempt
	err := b.s.pool.QueryRow(ctx, entry, id).Scan(&e.Version, &e.Parked, &e.Expires, &a.ID, &a.Started)
	if errors.Is(err, pgx.ErrNoRows) {
		return vault.Entry{}, fault.New(fault.NotFound, "there is no connection "+id.String())
	}
	if err != nil {
		return vault.Entry{}, failure("look up the token of connection "+id.String(), err)
	}
	if a.ID != 0 {
		e.Open = &a
	}
	return e, nil
}

// StartRefresh journals that a refresh from the entry's version is about to be sent.
func (b Ledger) StartRefresh(ctx context.Context, l org.Lease) (vault.Attempt, error) {
	var a vault.Attempt
	err := b.write(ctx, l, "journal a token refresh", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, startRefresh, l.Connection).Scan(&a.ID, &a.Started)
	})
	return a, err
}

// EndRefresh journals how an attempt ended without a token.
func (b Ledger) EndRefresh(ctx context.Context, l org.Lease, attempt int64, outcome, detail string) error {
	return b.write(ctx, l, "journal a token refresh", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, endRefresh, l.Connection, attempt, outcome, shortened(detail, maxText))
		return err
	})
}

// Settle moves the pointer to version (zero: no token), drops a parked token, and concludes all open attempts.
func (b Ledger) Settle(ctx context.Context, l org.Lease, version int64, expires time.Time) error {
	return b.write(ctx, l, "note a token's version", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, conclude, l.Connection, "stored", version); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, settle, l.Connection, version, instantOrNull(expires))
		return err
	})
}

// Park keeps a sealed token until Secret Manager takes it, and concludes all open attempts.
func (b Ledger) Park(ctx context.Context, l org.Lease, sealed []byte, expires time.Time) error {
	return b.write(ctx, l, "park a token", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, conclude, l.Connection, "parked", 0); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, park, l.Connection, sealed, instantOrNull(expires))
		return err
	})
}

// write runs f in one transaction, as the lease's owner.
func (b Ledger) write(ctx context.Context, l org.Lease, doing string, f func(pgx.Tx) error) error {
	err := b.s.inTx(ctx, func(tx pgx.Tx) error {
		if _, _, err := hold(ctx, tx, l); err != nil {
			return err
		}
		return f(tx)
	})
	return failure(doing+" of connection "+l.Connection.String(), err)
}

func instantOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
