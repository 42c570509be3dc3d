// Package store keeps everything in PostgreSQL: rows, checkpoints, leases, runs, organisations and
// their logins. It is the only package with SQL.
//
// Provider tables follow the catalogs: DDL gives a table's migration, and the test that compares
// the migrated database with the catalogs prints what is missing.
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Store is safe for concurrent use. Its methods' errors are *fault.Error: Conflict when a lease has
// passed to another owner, Unavailable when the database cannot be reached or has no room, NotFound
// and Invalid where a method says so, else Internal. No error tells a value of a row.
type Store struct {
	pool    *pgxpool.Pool
	tables  []*table
	streams map[streamKey]*table
	known   sync.Map // org.ConnectionID → owner: which never changes
}

var _ engine.Store = (*Store)(nil)

type streamKey struct {
	provider org.Provider
	stream   string
}

// owner is what a connection's rows carry.
type owner struct {
	org      org.Slug
	provider org.Provider
	id       org.ConnectionID
}

// New returns a store of the tables that the catalogs declare. It asks the database nothing. Its
// error names a declaration that cannot become a table.
func New(pool *pgxpool.Pool, tables []catalog.Table) (*Store, error) {
	s := &Store{pool: pool, streams: map[streamKey]*table{}}
	for i := range tables {
		t, err := newTable(&tables[i])
		if err != nil {
			return nil, err
		}
		key := streamKey{tables[i].Provider, tables[i].Stream}
		if s.streams[key] != nil {
			return nil, fault.New(fault.Internal, fmt.Sprintf("store: the stream %s %s is declared twice", key.provider, key.stream))
		}
		s.tables = append(s.tables, t)
		s.streams[key] = t
	}
	return s, nil
}

// Pool returns the connections to the database, for tests and for closing.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// owner looks up whose connection id is.
func (s *Store) owner(ctx context.Context, id org.ConnectionID) (owner, error) {
	if o, ok := s.known.Load(id); ok {
		return o.(owner), nil
	}
	o := owner{id: id}
	err := s.pool.QueryRow(ctx, `SELECT org_id, provider FROM sync.connections WHERE id = $1`, id).Scan(&o.org, &o.provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return owner{}, fault.New(fault.NotFound, "there is no connection "+id.String())
	}
	if err != nil {
		return owner{}, failure("look up connection "+id.String(), err)
	}
	s.known.Store(id, o)
	return o, nil
}

// table returns the table of a stream.
func (s *Store) table(p org.Provider, stream string) (*table, error) {
	if t := s.streams[streamKey{p, stream}]; t != nil {
		return t, nil
	}
	return nil, fault.New(fault.Internal, fmt.Sprintf("store: no catalog declares the stream %s %s", p, stream))
}

// inTx runs f in one transaction: committed when f returns nil, else rolled back.
func (s *Store) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, f)
}
