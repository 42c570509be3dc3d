package main

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/store"
)

// createDatabase makes a database unless it is there.
func createDatabase(ctx context.Context, server, name string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return err
}

// functionsLogin is what the functions and jobs sign in as. As in the cloud it reads and writes rows,
// and owns nothing: that is the first login's, which migrates.
const functionsLogin = "countinghouse_functions"

// asFunctions returns a database's address for the functions and jobs.
func asFunctions(address string) string {
	return strings.Replace(address, "postgres@", functionsLogin+"@", 1)
}

// createLogin makes the functions' login unless it is there.
func createLogin(ctx context.Context, server string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", functionsLogin).Scan(&there); err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE ROLE "+functionsLogin+" LOGIN")
	return err
}

// migrateFor migrates the database at an address and lets the functions in.
func migrateFor(ctx context.Context, s *store.Store, address string) error {
	if err := createLogin(ctx, address); err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	_, _, err := s.SetPrograms(ctx, []string{functionsLogin})
	return err
}
