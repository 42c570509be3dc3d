package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

const (
	countSecret = `UPDATE sync.erasures SET secrets = secrets + 1 WHERE id = $1`

	// Where account names are kept beside what is not theirs.
	dropRefused = `UPDATE sync.allowances SET refused_accounts = ARRAY(
	SELECT a.account FROM unnest(refused_accounts) AS a (account) WHERE NOT EXISTS (
		SELECT FROM unnest($1::text[], $2::text[]) AS k (provider, account) WHERE k.provider = allowances.provider AND k.account = a.account))
WHERE refused_accounts && $2`

	// A message that nobody could take, of an organisation's ticks or with the name of an account in it. Webhooks
	// of several companies may have come in one: it goes. A short name says nothing where it stands alone.
	rejectedOf = `(attributes ->> 'org' = $1 OR EXISTS (SELECT FROM unnest($2::text[]) AS k (account) WHERE length(k.account) >= 6
	AND concat_ws(' ', body, reason, attributes::text) ~ ('(?<![[:alnum:]])' || regexp_replace(k.account, '([^[:alnum:]])', '\\\1', 'g') || '(?![[:alnum:]])')))`

	keepCalls = `WITH gone AS (
	DELETE FROM sync.api_usage AS u USING sync.connections AS c WHERE c.id = u.connection_id AND c.org_id = $1 AND u.day >= ` + firstDay + `
		AND NOT EXISTS (SELECT FROM sync.usage_days AS k WHERE k.provider = c.provider AND k.day = u.day)
	RETURNING c.provider, u.day, u.metered_calls
), kept AS (
	INSERT INTO sync.erased_usage AS e (provider, day, metered_calls)
	SELECT g.provider, g.day, sum(g.metered_calls) FROM gone AS g GROUP BY g.provider, g.day HAVING sum(g.metered_calls) > 0
	ON CONFLICT (provider, day) DO UPDATE SET metered_calls = e.metered_calls + excluded.metered_calls
)
UPDATE sync.erasures SET rows = rows + (SELECT count(*) FROM gone) WHERE id = $3`

	dropTenantConnections = `DELETE FROM sync.connections WHERE org_id = $1`
	dropTenant            = `DELETE FROM sync.organisations WHERE slug = $1`

	endErasure = `UPDATE sync.erasures SET connections = connections + $2, finished_at = clock_timestamp(), dealt_with = '{}' WHERE id = $1 RETURNING ` + erasure + `, true`
)

// CountSecret notes that a secret was deleted.
func (s *Store) CountSecret(ctx context.Context, erasure int64) error {
	_, err := s.pool.Exec(ctx, countSecret, erasure)
	return failure("count a deleted secret", err)
}

// DropRows deletes an organisation's rows, those first that refer to others. See tenant.Tenants.
func (s *Store) DropRows(ctx context.Context, erasure int64, slug org.Slug, told func(table string, rows int64)) error {
	of, err := s.owning(ctx, slug)
	if err != nil {
		return failure("look up what an organisation has", err)
	}
	if err := s.keepCalls(ctx, erasure, slug); err != nil {
		return err
	}
	tables, err := tablesOfTenants(ctx, s.pool)
	if err != nil {
		return failure("look up the tables", err)
	}
	for _, t := range slices.Backward(tables) {
		where, args := t.owned(of)
		if where == "" {
			continue
		}
		if err := s.dropRows(ctx, erasure, t.String(), t.quoted(), where, args, told); err != nil {
			return err
		}
	}
	if _, err := s.pool.Exec(ctx, dropRefused, of.providers, of.accounts); err != nil {
		return failure("forget refused accounts", err)
	}
	return s.dropRows(ctx, erasure, "sync.rejected_messages", "sync.rejected_messages", rejectedOf, []any{slug, of.accounts}, told)
}

// keepCalls deletes the organisation's counts of calls of days that are not added up yet, and keeps their
// sum: what it has cost the app this month is still to be known. See closeDays.
func (s *Store) keepCalls(ctx context.Context, erasure int64, slug org.Slug) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		// A day that somebody else adds up meanwhile would count twice, or not at all.
		if _, err := tx.Exec(ctx, `LOCK TABLE sync.usage_days IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, keepCalls, slug, schedule.MonthEdge, erasure)
		return err
	})
	return failure("keep the sum of an organisation's calls", err)
}

// dropRows deletes what of a table fits the condition, some thousands at a time, and counts it in the
// same transactions.
func (s *Store) dropRows(ctx context.Context, erasure int64, name, quoted, where string, args []any, told func(string, int64)) error {
	sql := fmt.Sprintf(`WITH gone AS (DELETE FROM %[1]s WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM %[1]s AS t WHERE %[2]s LIMIT $%[3]d)) RETURNING 1)
UPDATE sync.erasures SET rows = rows + (SELECT count(*) FROM gone) WHERE id = $%[4]d AND EXISTS (SELECT FROM gone) RETURNING (SELECT count(*) FROM gone)`, quoted, where, len(args)+1, len(args)+2)
	var all int64
	for {
		var gone int64
		err := s.pool.QueryRow(ctx, sql, append(slices.Clone(args), pruned, erasure)...).Scan(&gone)
		if errors.Is(err, pgx.ErrNoRows) {
			break
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "23503" {
			return fault.New(fault.Conflict, "rows of "+pg.SchemaName+"."+pg.TableName+" refer to rows of "+name+" that are to be deleted: where that table is not this platform's, drop the reference, then start erase again, and it goes on")
		}
		if err != nil {
			return failure("delete an organisation's rows of "+name, err)
		}
		all += gone
	}
	if all > 0 {
		told(name, all)
	}
	return nil
}

// Forget deletes the organisation and its connections and ends the erasure. See tenant.Tenants.
func (s *Store) Forget(ctx context.Context, erasure int64, slug org.Slug) (x tenant.Erasure, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, dropTenantConnections, slug)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, dropTenant, slug); err != nil {
			return err
		}
		x, err = scanErasure(tx.QueryRow(ctx, endErasure, erasure, tag.RowsAffected()))
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23503" {
		return x, fault.New(fault.Conflict, "rows of "+pg.TableName+" were written while the organisation's were deleted: start erase again, and it goes on")
	}
	return x, failure("delete an organisation", err)
}

// DropReader drops the login that reads an organisation's rows. Roles belong to the whole server: one that
// another database knows too stays, and may not enter this one any more. That of an organisation which has
// come back under the slug stays. fault.Forbidden: the program's own login may not drop it.
func (s *Store) DropReader(ctx context.Context, erasure int64, slug org.Slug) (kept bool, err error) {
	role := ReaderRole(slug)
	doing := "drop the login " + role
	err = retryShared(ctx, func() error {
		kept, err = dropReader(ctx, s.pool, slug)
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return false, fault.Wrap(fault.Forbidden, doing+": that takes the login that made it, or a superuser", failure(doing, err))
	}
	if err == nil && kept {
		_, err = s.pool.Exec(ctx, `UPDATE sync.erasures SET login_kept = true WHERE id = $1`, erasure)
	}
	return kept, failure(doing, err)
}

func dropReader(ctx context.Context, q *pgxpool.Pool, slug org.Slug) (kept bool, err error) {
	role := ReaderRole(slug)
	var database string
	var exists bool
	err = q.QueryRow(ctx, `SELECT current_database(), EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)
	AND NOT EXISTS (SELECT FROM sync.organisations WHERE slug = $2 AND leaving_since IS NULL)`, role, slug).Scan(&database, &exists)
	if err != nil || !exists {
		return false, err
	}
	if _, err := q.Exec(ctx, "REVOKE ALL ON DATABASE "+quote(database)+" FROM "+quote(role)); err != nil {
		return false, err
	}
	_, err = q.Exec(ctx, "DROP ROLE IF EXISTS "+quote(role))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "2BP01" { // objects or rights depend on it
		return true, nil
	}
	return false, err
}
