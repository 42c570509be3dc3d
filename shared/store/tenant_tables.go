package store

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// What belongs to an organisation is found in the database's own catalog, so that a table of tomorrow is
// exported and erased without anybody's remembering it.
const (
	// As in sync.admit_programs. What others keep in this database may have columns of the same names, and mean
	// something else by them; in public that may be anybody.
	ourSchemas = `n.nspname !~ '^(pg_|intake_|information_schema$|public$)' AND n.nspowner = (SELECT s.nspowner FROM pg_catalog.pg_namespace AS s WHERE s.nspname = 'sync')`

	// Partitions are tables, what they are parts of has no rows. A column that follows from others is not copied.
	tenantTables = `SELECT n.nspname, c.relname, has_table_privilege(c.oid, 'DELETE'), array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
	array_agg(a.attname::text ORDER BY a.attnum), array_agg(pg_catalog.format_type(a.atttypid, NULL) ORDER BY a.attnum)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND ` + ourSchemas + `
GROUP BY c.oid, n.nspname, c.relname ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`

	tenantReferences = `SELECT n.nspname || '.' || c.relname, pn.nspname || '.' || p.relname FROM pg_catalog.pg_constraint AS f
JOIN pg_catalog.pg_class AS c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS p ON p.oid = f.confrelid JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
WHERE f.contype = 'f' AND f.conrelid <> f.confrelid`
)

// The tables at the root: what hangs on them goes before them.
const (
	organisationTable = "sync.organisations"
	connectionTable   = "sync.connections"
)

// tenantTable is a table as erasing and exporting see it.
type tenantTable struct {
	schema, name string
	deletable    bool     // by this login
	columns      []string // that can be written
	all          []string
	types        []string // of all
}

// String is the name that people know.
func (t tenantTable) String() string { return t.schema + "." + t.name }

func (t tenantTable) quoted() string { return pgx.Identifier{t.schema, t.name}.Sanitize() }

func (t tenantTable) has(columns ...string) bool {
	for _, c := range columns {
		if !slices.Contains(t.all, c) {
			return false
		}
	}
	return true
}

// owning is an organisation with what its rows are known by.
type owning struct {
	slug        org.Slug
	connections []int64
	providers   []string // with accounts: those that no other organisation has ever had
	accounts    []string
}

// owned returns the condition that a row of the table, called t, is the organisation's, and its arguments: an
// organisation's, a connection's, or an account's. "" when nothing in the table says whose a row is.
func (t tenantTable) owned(of owning) (where string, args []any) {
	// Where calls are counted by what is called, too, that stands before the account.
	const ofAccount = `EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS k (provider, account)
	WHERE k.provider = t.provider AND (t.account = k.account OR right(t.account, length(k.account) + 1) = ' ' || k.account))`
	switch {
	case t.String() == organisationTable, t.String() == connectionTable:
		return "", nil
	case t.has("org_id"):
		return `org_id = $1`, []any{of.slug}
	case t.has("connection_id", "provider", "account"): // of a webhook whose connection nobody knew
		return `(connection_id = ANY ($3::bigint[]) OR connection_id IS NULL AND ` + ofAccount + `)`, []any{of.providers, of.accounts, of.connections}
	case t.has("connection_id"):
		return `connection_id = ANY ($1::bigint[])`, []any{of.connections}
	case t.has("provider", "account"):
		return ofAccount, []any{of.providers, of.accounts}
	}
	return "", nil
}

// querier is a pool, a connection, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// tablesOfTenants returns all tables of ours, those that others refer to first.
func tablesOfTenants(ctx context.Context, q querier) ([]tenantTable, error) {
	rows, err := q.Query(ctx, tenantTables)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t tenantTable, err error) {
		return t, row.Scan(&t.schema, &t.name, &t.deletable, &t.columns, &t.all, &t.types)
	})
	if err != nil {
		return nil, err
	}
	if rows, err = q.Query(ctx, tenantReferences); err != nil {
		return nil, err
	}
	parents := map[string][]string{}
	var child, parent string
	if _, err = pgx.ForEachRow(rows, []any{&child, &parent}, func() error {
		if slices.ContainsFunc(all, func(t tenantTable) bool { return t.String() == parent }) {
			parents[child] = append(parents[child], parent)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return parentsFirst(all, parents)
}

// parentsFirst sorts tables so that each comes after those that it refers to.
func parentsFirst(all []tenantTable, parents map[string][]string) (sorted []tenantTable, err error) {
	done := map[string]bool{}
	for len(sorted) < len(all) {
		before := len(sorted)
		for _, t := range all {
			waits := slices.ContainsFunc(parents[t.String()], func(p string) bool { return !done[p] })
			if !done[t.String()] && !waits {
				done[t.String()] = true
				sorted = append(sorted, t)
			}
		}
		if len(sorted) == before {
			var stuck []string
			for _, t := range all {
				if !done[t.String()] {
					stuck = append(stuck, t.String())
				}
			}
			return nil, fault.New(fault.Internal, "tables refer to each other in a circle, so that no order of deleting is right: "+strings.Join(stuck, ", "))
		}
	}
	return sorted, nil
}

const (
	tenantConnections = `SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM sync.connections WHERE org_id = $1`

	// An account may have been another organisation's once: then what only names the account is left.
	tenantAccounts = `SELECT DISTINCT c.provider, c.account FROM sync.connections AS c WHERE c.org_id = $1 AND NOT EXISTS (
	SELECT FROM sync.connections AS o WHERE o.provider = c.provider AND o.account = c.account AND o.org_id <> c.org_id)
ORDER BY c.provider, c.account`
)

// owning looks up what an organisation's rows are known by.
func (s *Store) owning(ctx context.Context, slug org.Slug) (of owning, err error) {
	of = owning{slug: slug, providers: []string{}, accounts: []string{}}
	if err := s.pool.QueryRow(ctx, tenantConnections, slug).Scan(&of.connections); err != nil {
		return of, err
	}
	rows, err := s.pool.Query(ctx, tenantAccounts, slug)
	if err != nil {
		return of, err
	}
	var provider, account string
	_, err = pgx.ForEachRow(rows, []any{&provider, &account}, func() error {
		of.providers, of.accounts = append(of.providers, provider), append(of.accounts, account)
		return nil
	})
	return of, err
}
