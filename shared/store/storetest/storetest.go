// Package storetest gives tests a migrated database of their own on a real PostgreSQL, and compares
// what is stored with what a provider holds.
package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/store"
)

// Store is a store in a database of its own. What is done through it is done as a program does it, by a
// login that owns nothing, save what takes the owner: see owner.go.
type Store struct {
	*store.Store
	Owner *store.Store
	Pool  *pgxpool.Pool // of the owner, who is a superuser
	URL   string        // the database's address for the owner, for DATABASE_URL

	ProgramURL string // the same for functions and jobs
}

// New returns a store of the tables in a new, migrated database that is dropped when t ends. Tables
// that no migration makes are made from their declarations. The server is that of
// TEST_DATABASE_URL, whose login must be a superuser, else one that is started once for the test
// program and ends with it. It takes some 50 ms, and a second the first time.
//
// With -short the test is skipped. Where no server can be had it fails, and says what to install.
func New(t testing.TB, tables ...catalog.Table) *Store {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL: not with -short")
	}
	ctx := context.Background()
	c, err := shared()
	if err != nil {
		t.Fatalf("the tests' PostgreSQL: %v", err)
	}
	address, err := c.database(ctx, t)
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(ctx, t, address, withLogin(address, login, password), tables)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open returns the store behind the two addresses.
func open(ctx context.Context, t testing.TB, owner, program string, tables []catalog.Table) (*Store, error) {
	s := &Store{URL: owner, ProgramURL: program}
	for _, to := range []struct {
		address string
		store   **store.Store
	}{{owner, &s.Owner}, {program, &s.Store}} {
		pool, err := store.Open(ctx, store.Config{DatabaseURL: config.Secret(to.address)})
		if err != nil {
			return nil, err
		}
		t.Cleanup(pool.Close)
		if *to.store, err = store.New(pool, tables); err != nil {
			return nil, err
		}
	}
	s.Pool = s.Owner.Pool()
	return s, complete(ctx, s.Owner, tables)
}

// Connect makes an active connection, and its organisation with that slug as its name if need be.
func (s *Store) Connect(t testing.TB, slug org.Slug, p org.Provider, account string) org.ConnectionID {
	t.Helper()
	ctx := context.Background()
	if _, err := s.Organisation(ctx, slug); err != nil {
		if err := s.EnsureOrganisation(ctx, org.Organisation{Slug: slug, Name: string(slug)}); err != nil {
			t.Fatal(err)
		}
	}
	var id org.ConnectionID
	err := s.Pool.QueryRow(ctx, `INSERT INTO sync.connections (org_id, provider, account, state, connected_at)
VALUES ($1, $2, $3, 'active', now()) RETURNING id`, slug, p, account).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Lease takes the lease on a connection for a minute, for a reason that makes its sweep due.
func (s *Store) Lease(t testing.TB, id org.ConnectionID) org.Lease {
	t.Helper()
	l, ok, err := s.Acquire(context.Background(), id, org.Manual, t.Name(), time.Minute)
	if err != nil || !ok {
		t.Fatalf("take the lease on connection %s: got %v, %v", id, ok, err)
	}
	return l
}

// complete makes the tables that no migration makes.
func complete(ctx context.Context, s *store.Store, tables []catalog.Table) error {
	made := false
	for i := range tables {
		for _, r := range tables[i].Relations() {
			var exists bool
			err := s.Pool().QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, r.Qualified()).Scan(&exists)
			if err != nil || exists {
				if err != nil {
					return err
				}
				continue
			}
			schema := pgx.Identifier{r.Schema}.Sanitize()
			sql := fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s; GRANT USAGE ON SCHEMA %s TO countinghouse_reader;\n%s", schema, schema, store.DDL(r))
			if _, err := s.Pool().Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("make %s: %w", r.Qualified(), err)
			}
			made = true
		}
	}
	if !made && len(tables) == 0 {
		return nil
	}
	if err := s.RebuildViews(ctx); err != nil {
		return err
	}
	_, err := s.Pool().Exec(ctx, `SELECT sync.admit_programs()`)
	return err
}

// cluster is the server that the test program uses.
type cluster struct {
	url      func(database string) string
	admin    *pgxpool.Pool
	template string
}

// shared starts or finds the server and migrates the template, once.
var shared = sync.OnceValues(func() (*cluster, error) {
	ctx := context.Background()
	c := &cluster{}
	main, own := "postgres", false
	if address := os.Getenv("TEST_DATABASE_URL"); address != "" {
		parsed, err := pgx.ParseConfig(address)
		if err != nil {
			return nil, fmt.Errorf("TEST_DATABASE_URL: %w", err)
		}
		main = parsed.Database
		c.url = func(database string) string { return withDatabase(address, database) }
	} else {
		server, err := serve(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w\n(TEST_DATABASE_URL names another server; -short leaves these tests out)", err)
		}
		c.url, own = server.URL, true
	}
	var err error
	if c.admin, err = pgxpool.New(ctx, c.url(main)); err != nil {
		return nil, err
	}
	if err := c.migrate(ctx); err != nil {
		where := "the server that was started here"
		if !own {
			where = "the server of TEST_DATABASE_URL"
		}
		return nil, fmt.Errorf("migrate %s: %w", where, err)
	}
	if !own {
		return c, nil
	}
	return c, c.tidy(ctx)
})

// migrate makes the database that tests' databases are copies of, named for the migrations: test
// programs on one server share it.
func (c *cluster) migrate(ctx context.Context) error {
	sum := sha256.New()
	files, err := fs.Glob(store.Migrations(), "*")
	for _, name := range files {
		b, _ := fs.ReadFile(store.Migrations(), name)
		fmt.Fprintf(sum, "%s %d ", name, len(b))
		sum.Write(b)
	}
	if err != nil {
		return err
	}
	c.template = fmt.Sprintf("countinghouse_template_%x", sum.Sum(nil)[:8])
	conn, err := c.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext('countinghouse template'))`); err != nil {
		return err
	}
	defer conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtext('countinghouse template'))`) //nolint:errcheck // ends with the session
	var ready bool
	err = conn.QueryRow(ctx, `SELECT count(*) > 0 FROM pg_database WHERE datname = $1 AND shobj_description(oid, 'pg_database') = 'ready'`, c.template).Scan(&ready)
	if err != nil {
		return err
	}
	if ready {
		return c.enrol(ctx, conn)
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + c.template + " WITH (FORCE)", "CREATE DATABASE " + c.template} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := migrated(ctx, c.url(c.template)); err != nil {
		return err
	}
	if _, err = conn.Exec(ctx, "COMMENT ON DATABASE "+c.template+" IS 'ready'"); err != nil {
		return err
	}
	return c.enrol(ctx, conn)
}

// tidy drops what earlier programs have left on a server that is this program's alone: databases of
// tests that were killed and templates of other migrations.
func (c *cluster) tidy(ctx context.Context) error {
	rows, err := c.admin.Query(ctx, `SELECT datname FROM pg_database
WHERE datname LIKE 'test\_%' OR datname LIKE 'countinghouse\_template\_%' AND datname <> $1`, c.template)
	if err != nil {
		return err
	}
	old, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range old {
		if _, err := c.admin.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
			return err
		}
	}
	return err
}

func migrated(ctx context.Context, address string) error {
	pool, err := store.Open(ctx, store.Config{DatabaseURL: config.Secret(address)})
	if err != nil {
		return err
	}
	defer pool.Close()
	s, err := store.New(pool, nil)
	if err != nil {
		return err
	}
	return s.Migrate(ctx)
}

// database makes a copy of the template that is dropped when t ends.
func (c *cluster) database(ctx context.Context, t testing.TB) (address string, err error) {
	name := fmt.Sprintf("test_%d_%x", os.Getpid(), rand.Uint64())
	if _, err := c.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+c.template); err != nil {
		return "", err
	}
	t.Cleanup(func() {
		if _, err := c.admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return c.url(name), nil
}
