package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

var _ tenant.Tenants = (*Store)(nil)

const (
	markLeaving = `UPDATE sync.organisations SET leaving_since = coalesce(leaving_since, clock_timestamp()) WHERE slug = $1`

	// A connection that was given up may have a token that nobody has ended. Not where the account is another's
	// connection by now: that one's login would end with it.
	leaveConnections = `UPDATE sync.connections SET state = 'leaving', reason = 'its organisation leaves' WHERE id IN (
	SELECT c.id FROM sync.connections AS c WHERE c.org_id = $1 AND c.state <> 'leaving' AND (c.state <> 'disconnected'
		OR (c.secret_version IS NOT NULL OR c.parked_token IS NOT NULL OR EXISTS (SELECT FROM sync.token_journal AS j WHERE j.connection_id = c.id AND j.finished_at IS NULL))
		AND NOT EXISTS (SELECT FROM sync.connections AS o WHERE o.provider = c.provider AND o.account = c.account AND o.state <> 'disconnected' AND o.id <> c.id)
		AND NOT EXISTS (SELECT FROM sync.erasures AS e WHERE e.id = $2 AND c.id = ANY (e.dealt_with)))
	ORDER BY c.id FOR NO KEY UPDATE)`

	openErasure = `INSERT INTO sync.erasures AS e (org_digest, version) VALUES ($1, $2)
ON CONFLICT (org_digest) WHERE finished_at IS NULL DO UPDATE SET version = excluded.version
RETURNING ` + erasure + `, xmax <> 0`

	erasure = `id, version, started_at, coalesce(finished_at, 'epoch'), connections, logins_ended, logins_kept, secrets, rows, login_kept`

	lastErasure = `SELECT ` + erasure + `, true FROM sync.erasures WHERE org_digest = $1 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`

	// A run or a callback that was at work when its connection was marked may have given it another state since.
	holdLogin = `WITH before AS (
	SELECT id, coalesce(lease_until > statement_timestamp(), false) AS held FROM sync.connections WHERE id = $1 AND state <> 'disconnected' FOR NO KEY UPDATE
)
UPDATE sync.connections AS c SET state = 'leaving',
	fence = CASE WHEN held THEN fence ELSE ` + nextFence + ` END,
	lease_holder = CASE WHEN held THEN lease_holder ELSE $2 END,
	lease_ttl = CASE WHEN held THEN lease_ttl ELSE $3 END,
	lease_until = CASE WHEN held THEN lease_until ELSE statement_timestamp() + $3 END
FROM before WHERE c.id = before.id RETURNING c.fence, NOT before.held`

	loginEnded = `UPDATE sync.connections SET state = 'disconnected', reason = 'its organisation leaves', tick_noted = false, lease_until = NULL, lease_holder = NULL WHERE id = $1`

	countLogin = `UPDATE sync.erasures SET logins_ended = logins_ended + CASE WHEN $2 THEN 0 ELSE 1 END, logins_kept = logins_kept + CASE WHEN $2 THEN 1 ELSE 0 END,
	dealt_with = dealt_with || $3::bigint WHERE id = $1`
)

// slugDigest is what is kept of a slug.
func slugDigest(slug org.Slug) []byte {
	sum := sha256.Sum256([]byte(slug))
	return sum[:]
}

// Leave marks an organisation as leaving. See tenant.Tenants.
func (s *Store) Leave(ctx context.Context, slug org.Slug, version string) (x tenant.Erasure, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, markLeaving, slug) // waits for whoever is attaching an account
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			x, err = scanErasure(tx.QueryRow(ctx, lastErasure, slugDigest(slug)))
			if errors.Is(err, pgx.ErrNoRows) {
				return fault.New(fault.NotFound, "there is no organisation "+string(slug))
			}
			return err
		}
		if x, err = scanErasure(tx.QueryRow(ctx, openErasure, slugDigest(slug), version)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, leaveConnections, slug, x.ID)
		return err
	})
	return x, failure("mark an organisation as leaving", err)
}

func scanErasure(row pgx.Row) (x tenant.Erasure, err error) {
	err = row.Scan(&x.ID, &x.Version, &x.Began, &x.Ended, &x.Connections, &x.LoginsEnded, &x.LoginsKept, &x.Secrets, &x.Rows, &x.ReaderKept, &x.Again)
	if x.Ended.Unix() == 0 {
		x.Ended = time.Time{}
	}
	return x, err
}

// Logins returns the organisation's connections that are leaving. See tenant.Tenants.
func (s *Store) Logins(ctx context.Context, slug org.Slug) ([]org.Connection, error) {
	return s.connections(ctx, connections+`WHERE org_id = $1 AND state <> 'disconnected' ORDER BY id`, slug)
}

// HoldLogin takes a leaving connection's lease. See tenant.Tenants.
func (s *Store) HoldLogin(ctx context.Context, id org.ConnectionID, holder string, ttl time.Duration) (l org.Lease, ok bool, err error) {
	l.Connection = id
	err = s.pool.QueryRow(ctx, holdLogin, id, shortened(holder, maxText), ttl).Scan(&l.Fence, &ok)
	if errors.Is(err, pgx.ErrNoRows) {
		return org.Lease{}, false, fault.New(fault.NotFound, "connection "+id.String()+" has ended")
	}
	return l, ok && err == nil, failure("take the lease on connection "+id.String(), err)
}

// EndLogin notes that a login was ended, or left where it is. See tenant.Tenants.
func (s *Store) EndLogin(ctx context.Context, erasure int64, l org.Lease, kept bool) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if _, _, err := hold(ctx, tx, l); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, loginEnded, l.Connection); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, countLogin, erasure, kept, l.Connection)
		return err
	})
	return failure("end connection "+l.Connection.String(), err)
}
