package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// prepare migrates a database and puts an active connection into it.
func prepare(ctx context.Context, url string, to org.Connection, tables []catalog.Table) (c org.Connection, pool *pgxpool.Pool, err error) {
	if pool, err = pgxpool.New(ctx, url); err != nil {
		return c, nil, err
	}
	s, err := store.New(pool, tables)
	if err != nil {
		return c, pool, err
	}
	if err = migrateFor(ctx, s, url); err != nil {
		return c, pool, err
	}
	if _, err = pool.Exec(ctx, "INSERT INTO sync.organisations (slug, name) VALUES ('bench', 'Bench')"); err != nil {
		return c, pool, err
	}
	err = pool.QueryRow(ctx, "INSERT INTO sync.connections (org_id, provider, account, state) VALUES ('bench', $1, $2, 'active') RETURNING id",
		to.Provider, to.Account).Scan(&c.ID)
	return c, pool, err
}

// plainCopy takes the rows of a table and its children out, empties them, and measures how long
// PostgreSQL takes to get the same rows back by plain COPY, in one transaction.
func plainCopy(ctx context.Context, pool *pgxpool.Pool, t *catalog.Table) (time.Duration, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	var names []string
	var files []*os.File
	for _, r := range t.Relations() {
		f, err := os.CreateTemp("", "countinghouse-bench-")
		if err != nil {
			return 0, err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		if _, err := conn.Conn().PgConn().CopyTo(ctx, f, "COPY "+r.Qualified()+" TO STDOUT BINARY"); err != nil {
			return 0, err
		}
		names, files = append(names, r.Qualified()), append(files, f)
	}
	if _, err := conn.Exec(ctx, "TRUNCATE "+strings.Join(names, ", ")); err != nil {
		return 0, err
	}
	began := time.Now()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for i, f := range files {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
			if _, err := tx.Conn().PgConn().CopyFrom(ctx, f, "COPY "+names[i]+" FROM STDIN BINARY"); err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(began), err
}

// lost compares every invoice of the provider with the database and returns how many differ.
func lost(ctx context.Context, pool *pgxpool.Pool, id org.ConnectionID, at provider) (int, error) {
	if _, err := pool.Exec(ctx, "ANALYZE"); err != nil { // else the comparison reads whole tables for each page
		return 0, err
	}
	client := benchClient(at.URL, at.Token, nil)
	var failed error
	live := iter.Seq[json.RawMessage](func(yield func(json.RawMessage) bool) {
		for start, more := 1, true; more; {
			page, err := client.Query(ctx, quickbooks.Query{Entity: "Invoice", Start: start}, func(raw []byte) error {
				if !yield(append(json.RawMessage(nil), raw...)) {
					return io.EOF
				}
				return nil
			})
			if err != nil {
				failed = err
				return
			}
			start, more = start+page.Rows, page.Full()
		}
	})
	diff, err := storetest.Compare(ctx, pool, id, invoiceTable(), live)
	if err == nil && failed != nil {
		err = fmt.Errorf("read the provider: %w", failed)
	}
	return len(diff.Missing) + len(diff.Stale) + len(diff.Surplus) + len(diff.WrongColumns), err
}
