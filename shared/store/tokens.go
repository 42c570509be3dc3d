package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// Tokens returns what the ledger says of the tokens of all connections, in every state.
func (b Ledger) Tokens(ctx context.Context) ([]vault.Kept, error) {
	rows, err := b.s.pool.Query(ctx, `SELECT id, org_id, provider, account, state, reason, coalesce(secret_version, 0), parked_token IS NOT NULL FROM sync.connections ORDER BY id`)
	if err != nil {
		return nil, failure("look up all tokens", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k vault.Kept, err error) {
		return k, row.Scan(&k.ID, &k.Org, &k.Provider, &k.Account, &k.State, &k.Reason, &k.Version, &k.Parked)
	})
	return all, failure("look up all tokens", err)
}
