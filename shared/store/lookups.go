package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Organisation returns an organisation. fault.NotFound: there is none of that slug.
func (s *Store) Organisation(ctx context.Context, slug org.Slug) (o org.Organisation, err error) {
	err = s.pool.QueryRow(ctx, `SELECT slug, name FROM sync.organisations WHERE slug = $1`, slug).Scan(&o.Slug, &o.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		return o, fault.New(fault.NotFound, "there is no organisation "+clean(string(slug)))
	}
	return o, failure("look up an organisation", err)
}

const connections = `SELECT id, org_id AS org, provider, account, state, reason FROM sync.connections `

// Connection returns a connection. fault.NotFound: there is none of that number.
func (s *Store) Connection(ctx context.Context, id org.ConnectionID) (org.Connection, error) {
	found, err := s.connections(ctx, connections+`WHERE id = $1`, id)
	if err == nil && len(found) == 0 {
		return org.Connection{}, fault.New(fault.NotFound, "there is no connection "+id.String())
	}
	if err != nil {
		return org.Connection{}, err
	}
	return found[0], nil
}

// Connections returns the organisation's connections in every state, the oldest first.
func (s *Store) Connections(ctx context.Context, slug org.Slug) ([]org.Connection, error) {
	return s.connections(ctx, connections+`WHERE org_id = $1 ORDER BY id`, slug)
}

func (s *Store) connections(ctx context.Context, sql string, args ...any) ([]org.Connection, error) {
	var found []org.Connection
	rows, err := s.pool.Query(ctx, sql, args...)
	if err == nil {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[org.Connection])
	}
	return found, failure("look up connections", err)
}
