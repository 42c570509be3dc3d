package storetest

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
)

// login is what the tests' programs sign in as. It is a member of the programs' group and nothing else.
const (
	login    = "countinghouse_test_program"
	password = "test"
)

// enrol makes the login of the programs, on a server whose template is ready. The caller holds the lock.
func (c *cluster) enrol(ctx context.Context, conn *pgxpool.Conn) error {
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, login).Scan(&there); err != nil || there {
		return err
	}
	_, err := conn.Exec(ctx, fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s' IN ROLE countinghouse_program`, login, password))
	return err
}

// What takes the owner of the database is done as its owner.

// Migrate is store.Store's.
func (s *Store) Migrate(ctx context.Context) error { return s.Owner.Migrate(ctx) }

// RebuildViews is store.Store's.
func (s *Store) RebuildViews(ctx context.Context) error { return s.Owner.RebuildViews(ctx) }

// EnsureOrganisation is store.Store's.
func (s *Store) EnsureOrganisation(ctx context.Context, o org.Organisation) error {
	return s.Owner.EnsureOrganisation(ctx, o)
}

// SetCustomColumn is store.Store's.
func (s *Store) SetCustomColumn(ctx context.Context, c store.CustomColumn) error {
	return s.Owner.SetCustomColumn(ctx, c)
}

// DropCustomColumn is store.Store's.
func (s *Store) DropCustomColumn(ctx context.Context, slug org.Slug, view, field string) error {
	return s.Owner.DropCustomColumn(ctx, slug, view, field)
}
