package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const (
	// What others' tables say of ours: rows that they refer to cannot be deleted.
	foreignReferences = `SELECT c.oid::regclass::text, p.oid::regclass::text FROM pg_catalog.pg_constraint AS f
JOIN pg_catalog.pg_class AS c ON c.oid = f.conrelid JOIN pg_catalog.pg_class AS p ON p.oid = f.confrelid
WHERE f.contype = 'f' AND f.confdeltype IN ('a', 'r') AND p.relkind = 'r' AND c.relkind IN ('r', 'p')
	AND p.relnamespace IN (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE ` + ourSchemas + `)
	AND c.relnamespace NOT IN (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE ` + ourSchemas + `) ORDER BY 1, 2`

	// Others' tables with a column that looks as if it had been copied from one of ours.
	lookAlikes = `SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'm') AND NOT (` + ourSchemas + `) AND n.nspname !~ '^(pg_|intake_|information_schema$)'
	AND (a.attname = 'org_id' AND a.atttypid IN ('text'::regtype, 'varchar'::regtype) OR a.attname = 'connection_id' AND a.atttypid = 'bigint'::regtype) ORDER BY 1`
)

// CheckErasable looks whether an organisation's rows could be deleted. See tenant.Tenants.
func (s *Store) CheckErasable(ctx context.Context) (others []string, err error) {
	tables, err := tablesOfTenants(ctx, s.pool)
	if err != nil {
		return nil, failure("look up the tables", err)
	}
	for _, t := range tables {
		if why := t.obstacle(); why != "" {
			return nil, fault.New(fault.Invalid, why+"; nothing was ended or deleted")
		}
	}
	if err := s.unreferenced(ctx); err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, lookAlikes)
	if err == nil {
		others, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	return others, failure("look up the tables of others", err)
}

// obstacle says why this login could not delete an organisation's rows from the table, and what to do.
func (t tenantTable) obstacle() string {
	where, _ := t.owned(owning{})
	switch column, typ := t.misfit(); {
	case where == "":
		return ""
	case column != "":
		return fmt.Sprintf("%s.%s is of the type %s, so it does not tell whose a row is: where the table is not this platform's, "+
			"give its schema another owner than that of the schema sync (ALTER SCHEMA %s OWNER TO …), or move it to one", t, column, typ, quote(t.schema))
	case !t.deletable:
		return fmt.Sprintf("this login may not delete from %s: sign in as the owner of the tables, or have the owner of this one GRANT DELETE ON %s to it", t, t.quoted())
	}
	return ""
}

// misfit returns a column that ought to say whose a row is, and has a type that cannot.
func (t tenantTable) misfit() (column, typ string) {
	texts, numbers := []string{"text", "character varying"}, []string{"smallint", "integer", "bigint"}
	for i, c := range t.all {
		fits := true
		switch {
		case c == "org_id", !t.has("org_id") && t.has("provider", "account") && (c == "provider" || c == "account"):
			fits = slices.Contains(texts, t.types[i])
		case c == "connection_id" && !t.has("org_id"):
			fits = slices.Contains(numbers, t.types[i])
		}
		if !fits {
			return c, t.types[i]
		}
	}
	return "", ""
}

// unreferenced fails when a table of somebody else's keeps rows of ours from being deleted.
func (s *Store) unreferenced(ctx context.Context) error {
	var child, parent string
	var all []string
	rows, err := s.pool.Query(ctx, foreignReferences)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&child, &parent}, func() error {
			all = append(all, child+" refers to "+parent)
			return nil
		})
	}
	if err == nil && len(all) > 0 {
		return fault.New(fault.Invalid, strings.Join(all, ", ")+": rows that tables of others refer to cannot be deleted: "+
			"drop the reference, or make it ON DELETE CASCADE or SET NULL; nothing was ended or deleted")
	}
	return failure("look up what refers to the tables", err)
}
