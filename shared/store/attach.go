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

const (
	lockOrganisation = `SELECT leaving_since IS NOT NULL FROM sync.organisations WHERE slug = $1 FOR NO KEY UPDATE`

	existingConnections = `SELECT id, account, state, reason, connected_at IS NOT NULL, coalesce(lease_until > clock_timestamp(), false), coalesce(account_name, '')
FROM sync.connections WHERE org_id = $1 AND provider = $2 ORDER BY id`

	// Another organisation's attempt that died half-way does not keep the account from everybody.
	voidStale = `UPDATE sync.connections SET state = 'disconnected', reason = 'connecting was not finished'
WHERE provider = $1 AND account = $2 AND org_id <> $3 AND state = 'connecting' AND (lease_until IS NULL OR lease_until <= clock_timestamp())`

	addConnection = `INSERT INTO sync.connections (org_id, provider, account, fence, lease_holder, lease_ttl, lease_until)
VALUES ($1, $2, $3, (extract(epoch FROM statement_timestamp()) * 1000)::bigint, $4, $5, clock_timestamp() + $5) RETURNING id, fence, state, reason`

	seizeLease = `UPDATE sync.connections SET fence = ` + nextFence + `, lease_holder = $2, lease_ttl = $3, lease_until = clock_timestamp() + $3,
	state = CASE WHEN $4 AND state = 'disconnected' THEN 'connecting' ELSE state END
WHERE id = $1 AND (lease_until IS NULL OR lease_until <= clock_timestamp())
RETURNING id, fence, state, reason`

	seizeStale = `UPDATE sync.connections SET fence = ` + nextFence + `, lease_holder = $2, lease_ttl = $3, lease_until = clock_timestamp() + $3, clearing_at = clock_timestamp()
WHERE id = (SELECT c.id FROM sync.connections AS c WHERE c.provider = $1 AND c.state = 'connecting'
	AND (c.lease_until IS NULL OR c.lease_until <= clock_timestamp()) AND (c.clearing_at IS NULL OR c.clearing_at <= clock_timestamp() - $4::interval)
	ORDER BY c.clearing_at NULLS FIRST, c.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, fence, org_id, provider, account, state, reason`
)

// Attach finds or makes the connection that a consent for account is meant for, and takes its lease.
// See connect.Store.
func (s *Store) Attach(ctx context.Context, a connect.Attempt, account, holder string, ttl time.Duration,
	choose func([]connect.Existing) (org.ConnectionID, error),
) (c org.Connection, l org.Lease, ok bool, err error) {
	err = s.choosing(ctx, a.Org, a.Provider, choose, func(tx pgx.Tx, id org.ConnectionID, have org.Connection) error {
		c, ok = have, true
		var row pgx.Row
		if _, err := tx.Exec(ctx, voidStale, a.Provider, account, a.Org); err != nil {
			return err
		}
		if id == 0 {
			c = org.Connection{Org: a.Org, Provider: a.Provider, Account: account}
			row = tx.QueryRow(ctx, addConnection, a.Org, a.Provider, account, shortened(holder, maxText), ttl)
		} else {
			row = tx.QueryRow(ctx, seizeLease, id, shortened(holder, maxText), ttl, true)
		}
		err := row.Scan(&c.ID, &l.Fence, &c.State, &c.Reason)
		if errors.Is(err, pgx.ErrNoRows) {
			ok = false
			return nil
		}
		return attached(err)
	})
	l.Connection = c.ID
	return c, l, ok && err == nil, failure("attach an account", err)
}

// attached words the refusal of an account that another connection has.
func attached(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.ConstraintName {
	case "connections_one_organisation":
		return fault.New(fault.Forbidden, "What you chose is attached to another organisation. It has to be disconnected there first")
	case "connections_org_id_provider_account_key":
		return fault.New(fault.Forbidden, "Your organisation has what you chose already. Ask for a link that connects that one again")
	}
	return err
}

var _ connect.Remains = (*Store)(nil)

// HoldStale takes the lease of a connection of the provider that is still connecting although nobody is
// at it any more. See connect.Remains.
func (s *Store) HoldStale(ctx context.Context, p org.Provider, holder string, ttl, pause time.Duration) (c org.Connection, l org.Lease, ok bool, err error) {
	err = s.pool.QueryRow(ctx, seizeStale, p, shortened(holder, maxText), ttl, pause).Scan(&c.ID, &l.Fence, &c.Org, &c.Provider, &c.Account, &c.State, &c.Reason)
	if errors.Is(err, pgx.ErrNoRows) {
		return org.Connection{}, org.Lease{}, false, nil
	}
	l.Connection = c.ID
	return c, l, err == nil, failure("take up an attempt to connect that died", err)
}

// Hold takes the lease of a connection whatever its state, and leaves it as it is.
func (s *Store) Hold(ctx context.Context, slug org.Slug, p org.Provider, holder string, ttl time.Duration,
	choose func([]connect.Existing) (org.ConnectionID, error),
) (c org.Connection, l org.Lease, ok bool, err error) {
	err = s.choosing(ctx, slug, p, choose, func(tx pgx.Tx, id org.ConnectionID, have org.Connection) error {
		c, ok = have, true
		err := tx.QueryRow(ctx, seizeLease, id, shortened(holder, maxText), ttl, false).Scan(&c.ID, &l.Fence, &c.State, &c.Reason)
		if errors.Is(err, pgx.ErrNoRows) {
			ok = false
			return nil
		}
		return err
	})
	l.Connection = c.ID
	return c, l, ok && err == nil, failure("take a connection's lease", err)
}

// errLeaving is told whoever wants to connect an organisation that leaves. It is compared with, never changed.
var errLeaving = fault.New(fault.Forbidden, "Your organisation is leaving Countinghouse: what is connected is being ended, and nothing new can be connected")

// choosing lets choose pick one of an organisation's connections and hands it to f, all in one
// transaction, and one at a time for each organisation.
func (s *Store) choosing(ctx context.Context, slug org.Slug, p org.Provider,
	choose func([]connect.Existing) (org.ConnectionID, error), f func(pgx.Tx, org.ConnectionID, org.Connection) error,
) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		var leaving bool
		err := tx.QueryRow(ctx, lockOrganisation, slug).Scan(&leaving)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fault.New(fault.NotFound, "there is no organisation "+string(slug))
		case err != nil:
			return err
		case leaving:
			return errLeaving
		}
		rows, err := tx.Query(ctx, existingConnections, slug, p)
		if err != nil {
			return err
		}
		have, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e connect.Existing, err error) {
			e.Org, e.Provider = slug, p
			return e, row.Scan(&e.ID, &e.Account, &e.State, &e.Reason, &e.Ever, &e.Held, &e.Name)
		})
		if err != nil {
			return err
		}
		id, err := choose(have)
		if err != nil {
			return err
		}
		for _, e := range have {
			if e.ID == id {
				return f(tx, id, e.Connection)
			}
		}
		return f(tx, id, org.Connection{})
	})
}
