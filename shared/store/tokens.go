package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

const (
	// Whichever token Intuit is asked with, it ends all that the app may do with the account.
	taken = `EXISTS (SELECT FROM sync.connections AS o WHERE o.provider = c.provider AND o.account = c.account AND o.state <> 'disconnected' AND o.id <> c.id)`

	seizeLeft = `UPDATE sync.connections AS c SET fence = ` + nextFence + `, lease_holder = $2, lease_ttl = $3, lease_until = clock_timestamp() + $3
WHERE id = $1 AND state = 'disconnected' AND (lease_until IS NULL OR lease_until <= clock_timestamp()) AND NOT ` + taken + `
RETURNING id, fence, org_id, provider, account, state, reason`

	countOrphan = countLogin + ` AND $3::bigint <> ALL (dealt_with)`
)

// Tokens returns what the ledger says of the tokens of all connections, in every state.
func (b Ledger) Tokens(ctx context.Context) ([]vault.Kept, error) {
	rows, err := b.s.pool.Query(ctx, `SELECT id, org_id, provider, account, state, reason, coalesce(secret_version, 0), parked_token IS NOT NULL,
	state = 'disconnected' AND `+taken+` FROM sync.connections AS c ORDER BY id`)
	if err != nil {
		return nil, failure("look up all tokens", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k vault.Kept, err error) {
		return k, row.Scan(&k.ID, &k.Org, &k.Provider, &k.Account, &k.State, &k.Reason, &k.Version, &k.Parked, &k.Taken)
	})
	return all, failure("look up all tokens", err)
}

// HoldLeft takes the lease of a disconnected connection. See connect.Leftovers.
func (s *Store) HoldLeft(ctx context.Context, id org.ConnectionID, holder string, ttl time.Duration) (c org.Connection, l org.Lease, ok bool, err error) {
	err = s.pool.QueryRow(ctx, seizeLeft, id, shortened(holder, maxText), ttl).Scan(&c.ID, &l.Fence, &c.Org, &c.Provider, &c.Account, &c.State, &c.Reason)
	if errors.Is(err, pgx.ErrNoRows) {
		return org.Connection{}, org.Lease{}, false, nil
	}
	l.Connection = c.ID
	return c, l, err == nil, failure("take up what a disconnected connection has left", err)
}

// CountOrphan notes that a login of which only the secret tells was ended, or left where it is. See tenant.Tenants.
func (s *Store) CountOrphan(ctx context.Context, erasure int64, id org.ConnectionID, kept bool) error {
	_, err := s.pool.Exec(ctx, countOrphan, erasure, kept, id)
	return failure("count a login", err)
}

// DealtWith returns the connections whose logins an erasure has ended, or left. See tenant.Tenants.
func (s *Store) DealtWith(ctx context.Context, erasure int64) (ids []org.ConnectionID, err error) {
	err = s.pool.QueryRow(ctx, `SELECT dealt_with FROM sync.erasures WHERE id = $1`, erasure).Scan(&ids)
	return ids, failure("look up an erasure", err)
}

// AccountInUse reports whether a connection that is not disconnected has the account, and whether it has a
// token: one that has none may still come to nothing.
func (s *Store) AccountInUse(ctx context.Context, p org.Provider, account string) (used, token bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) > 0, coalesce(bool_or(secret_version IS NOT NULL OR parked_token IS NOT NULL), false)
FROM sync.connections WHERE provider = $1 AND account = $2 AND state <> 'disconnected'`, p, account).Scan(&used, &token)
	return used, token, failure("look up who has an account", err)
}
