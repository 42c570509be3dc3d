package storetest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
)

// Managed is a server of a test's own as a cloud runs it: there is a superuser, but it is not ours. The
// logins' names and rights are those that Cloud SQL gives, a user with a password and an account each.
type Managed struct {
	server *postgres.Server
	admin  *pgx.Conn
	made   int
}

// The logins of a managed server.
const (
	ManagedGroup   = "cloudsqlsuperuser" // owns what the instance's owner makes
	ManagedOwner   = "migrate"
	ManagedProgram = "run-syncorg@demo.iam"
)

// StartManaged starts the server, which takes a second and ends with the test.
func StartManaged(t testing.TB) *Managed {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL: not with -short")
	}
	ctx := context.Background()
	server, err := postgres.Start(ctx, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() }) //nolint:errcheck // the test is over
	m := &Managed{server: server}
	if m.admin, err = pgx.Connect(ctx, server.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.admin.Close(ctx) }) //nolint:errcheck // the test is over
	m.Exec(t, `CREATE ROLE `+ManagedGroup+` NOLOGIN CREATEROLE CREATEDB`)
	m.Exec(t, `CREATE ROLE `+ManagedOwner+` LOGIN CREATEROLE CREATEDB IN ROLE `+ManagedGroup)
	m.Login(t, ManagedProgram)
	return m
}

// Exec does what only the cloud can.
func (m *Managed) Exec(t testing.TB, sql string) {
	t.Helper()
	if _, err := m.admin.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

// Client returns the path of one of PostgreSQL's client programs. A downloaded server comes without: then
// the test is skipped, but not where CI is set.
func (m *Managed) Client(t testing.TB, name string) string {
	t.Helper()
	path, err := m.server.Client(name)
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Login makes a login as an account gets it: without any right.
func (m *Managed) Login(t testing.TB, name string) {
	t.Helper()
	m.Exec(t, "CREATE ROLE "+pgx.Identifier{name}.Sanitize()+" LOGIN")
}

// Empty makes a database without tables that belongs to a role, and returns its address for a login.
func (m *Managed) Empty(t testing.TB, owner string) (address func(login string) string) {
	t.Helper()
	m.made++
	name := fmt.Sprintf("managed%d", m.made)
	m.Exec(t, "CREATE DATABASE "+name+" OWNER "+pgx.Identifier{owner}.Sanitize())
	return func(login string) string { return withLogin(m.server.URL(name), login, password) }
}

// New returns a store in a database that belongs to a role, migrated by ManagedOwner from nothing.
func (m *Managed) New(t testing.TB, owner string, tables ...catalog.Table) *Store {
	t.Helper()
	ctx := context.Background()
	address := m.Empty(t, owner)
	if err := migrated(ctx, address(ManagedOwner)); err != nil {
		t.Fatal(err)
	}
	s, err := open(ctx, t, address(ManagedOwner), address(ManagedProgram), tables)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Owner.SetPrograms(ctx, []string{ManagedProgram}); err != nil {
		t.Fatal(err)
	}
	return s
}
