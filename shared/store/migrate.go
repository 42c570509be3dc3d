package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the files that Migrate runs, in the order of their names.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name is a constant
	}
	return files
}

// Migrate brings the database's schema up to date and builds the views again. Of several callers
// one works and the others wait. A migration that fails is undone, those before it stay, and the
// error says which it was. The caller becomes the owner of what it makes, and must be the same each
// time: it needs CREATEROLE, and must own the database or belong to its owner.
//
// A database that has a migration which this program has not is left as it is, its views too:
// fault.Invalid, which names the newest of them.
func (s *Store) Migrate(ctx context.Context) error {
	settings := s.pool.Config()
	settings.ConnConfig.RuntimeParams["statement_timeout"] = "0" // a migration takes its time
	settings.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return failure("open the database", err)
	}
	defer pool.Close()
	if err := foreign(ctx, pool); err != nil {
		return err
	}
	if err := migrate(ctx, pool); err != nil {
		return err
	}
	if err := foreign(ctx, pool); err != nil { // a newer version may have worked while we waited
		return err
	}
	if err := secure(ctx, pool); err != nil {
		return err
	}
	if err := s.RebuildViews(ctx); err != nil {
		return err
	}
	return admit(ctx, pool)
}

func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS sync`); err != nil { // goose keeps its list there
		return failure("make the schema sync", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := newProvider(db)
	if err != nil {
		return failure("read the migrations", err)
	}
	_, err = provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) && partial.Failed != nil && partial.Failed.Source != nil {
		return failure("migration "+partial.Failed.Source.Path, partial.Err)
	}
	return failure("run the migrations", err)
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, Migrations(),
		goose.WithTableName("sync.migrations"),
		goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true), // numbers come from several hands
	)
}

// secure takes from everybody what a new database gives to everybody.
func secure(ctx context.Context, pool *pgxpool.Pool) error {
	err := retryShared(ctx, func() error {
		_, err := pool.Exec(ctx, `SELECT sync.secure_database()`)
		return err
	})
	return failure("secure the database", err)
}
