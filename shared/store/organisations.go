package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// readers is the group that every organisation's login belongs to.
const readers = "countinghouse_reader"

// ReaderRole names the login that reads one organisation's rows. The operator, signed in as the owner,
// gives it a password (ALTER ROLE … PASSWORD), or makes a person's IAM login a member of it.
func ReaderRole(slug org.Slug) string { return "reader_" + string(slug) }

// EnsureOrganisation makes sure that an organisation has its row, with this name, and its read-only
// login without a password. Roles belong to the whole server: databases on one server that serve
// organisations of the same slug share that login; it may enter those that named it here.
func (s *Store) EnsureOrganisation(ctx context.Context, o org.Organisation) error {
	doing := "set up the organisation " + string(o.Slug)
	if _, err := org.ParseSlug(string(o.Slug)); err != nil {
		return err
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO sync.organisations AS o (slug, name) VALUES ($1, $2)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name WHERE o.name <> excluded.name`, o.Slug, clean(o.Name))
	if err != nil {
		return failure(doing, err)
	}
	if err := secure(ctx, s.pool); err != nil {
		return err
	}
	err = retryShared(ctx, func() error { return ensureReader(ctx, s.pool, ReaderRole(o.Slug)) })
	return failure(doing, err)
}

// settings of a reader's sessions. A client may change them: they guard against accidents, the
// rights and policies guard against the rest.
var readerSettings = [...]string{"default_transaction_read_only=on", "statement_timeout=20s", "idle_in_transaction_session_timeout=60s"}

const readerLimit = 20 // connections at a time

const readerState = `SELECT r.rolcanlogin AND r.rolinherit AND NOT r.rolcreatedb AND NOT r.rolcreaterole AND r.rolconnlimit = $2,
	r.rolbypassrls OR EXISTS (SELECT FROM pg_catalog.pg_roles AS g WHERE pg_has_role(r.oid, g.oid, 'MEMBER') AND (g.rolname = $4
		OR g.oid IN (SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname = 'sync' UNION ALL SELECT datdba FROM pg_catalog.pg_database WHERE datname = current_database()))),
	coalesce((SELECT setconfig FROM pg_catalog.pg_db_role_setting WHERE setrole = r.oid AND setdatabase = 0), '{}'),
	pg_has_role(r.oid, $3, 'MEMBER') FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1`

func ensureReader(ctx context.Context, pool *pgxpool.Pool, role string) error {
	name := quote(role)
	options := fmt.Sprintf("LOGIN INHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT %d", readerLimit)
	var exists, fits, unbound, member bool
	var have []string
	err := pool.QueryRow(ctx, readerState, role, readerLimit, readers, programs).
		Scan(&fits, &unbound, &have, &member)
	exists = err == nil
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	var todo []string
	switch {
	case unbound: // somebody made it so, or gcloud, whose users own what the instance owns: not ours to change without a word
		return fault.New(fault.Invalid, "the role "+role+" is a superuser, has BYPASSRLS, or is a member of "+programs+" or of the owner, so it would read every organisation's rows: "+
			"ALTER ROLE "+name+" NOSUPERUSER NOBYPASSRLS and REVOKE these from it, or drop it; here it is made anew")
	case !exists:
		todo = append(todo, "CREATE ROLE "+name+" "+options)
	case !fits:
		todo = append(todo, "ALTER ROLE "+name+" "+options)
	}
	if !exists || !contains(have, readerSettings[:]) {
		todo = append(todo,
			"ALTER ROLE "+name+" SET default_transaction_read_only = on",
			"ALTER ROLE "+name+" SET statement_timeout = '20s'",
			"ALTER ROLE "+name+" SET idle_in_transaction_session_timeout = '60s'")
	}
	if !member {
		todo = append(todo, "GRANT "+readers+" TO "+name)
	}
	for _, sql := range todo {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return unmanaged(readers, err)
		}
	}
	return letConnect(ctx, pool, role)
}

// letConnect lets the role connect to this database.
func letConnect(ctx context.Context, pool *pgxpool.Pool, role string) error {
	var database string
	var admitted bool
	err := pool.QueryRow(ctx, `SELECT current_database(), has_database_privilege($1, current_database(), 'CONNECT')`, role).Scan(&database, &admitted)
	if err != nil || admitted {
		return err
	}
	_, err = pool.Exec(ctx, "GRANT CONNECT ON DATABASE "+quote(database)+" TO "+quote(role))
	return err
}

func contains(have, want []string) bool {
	n := 0
	for _, w := range want {
		for _, h := range have {
			if h == w {
				n++
			}
		}
	}
	return n == len(want)
}

// retryShared runs f again when another session changed the same role or database at that moment,
// which PostgreSQL answers with an error instead of waiting.
func retryShared(ctx context.Context, f func() error) error {
	for i := 1; ; i++ {
		err := f()
		if err == nil || i == 20 || !raced(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(i) * 10 * time.Millisecond):
		}
	}
}

func raced(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42710", "23505", "XX000", "40001", "40P01": // duplicate object or its index row, tuple concurrently updated
		return true
	}
	return false
}
