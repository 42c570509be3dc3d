package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// ErrOldSchema is in the chain of an error when it is certain that the database lacks a migration that
// this program was written for. It is compared with, never changed.
var ErrOldSchema = errors.New("the database is older than this program")

const (
	lackedMigrations = `SELECT coalesce(array_agg(v.version ORDER BY v.version), '{}') FROM unnest($1::bigint[]) AS v (version)
WHERE NOT EXISTS (SELECT FROM sync.migrations AS m WHERE m.version_id = v.version)`

	// goose begins its list with a row of number 0.
	foreignMigration = `SELECT coalesce(max(version_id), 0) FROM sync.migrations WHERE version_id > 0 AND version_id <> ALL ($1)`
)

// versions are the numbers of the migrations that this program has, in their order.
var versions = sync.OnceValue(func() (all []int64) {
	names, _ := fs.Glob(Migrations(), "*.sql") // the pattern is a constant
	for _, name := range names {
		digits, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			panic("migration without a number: " + name) // a test would have found it
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return all
})

// Current returns nil when the database answers and has every migration that this program has. Others
// besides are welcome: code goes on working after migrations that came with later code. It is one query.
//
// fault.Unavailable with ErrOldSchema in the chain: a migration is missing, and jobs/migrate mends that.
// Any other error: the database could not be asked.
func (s *Store) Current(ctx context.Context) error {
	var lacked []int64
	err := s.pool.QueryRow(ctx, lackedMigrations, versions()).Scan(&lacked)
	switch {
	case unmade(err):
		return fault.Wrap(fault.Unavailable, "the database has no tables yet: run jobs/migrate", ErrOldSchema)
	case err != nil:
		return failure("ask the database for its migrations", err)
	case len(lacked) > 0:
		others := ""
		if len(lacked) > 1 {
			others = fmt.Sprintf(" and %d before it", len(lacked)-1)
		}
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("the database lacks migration %05d%s: run jobs/migrate of this version", lacked[len(lacked)-1], others), ErrOldSchema)
	}
	return nil
}

// foreign returns fault.Invalid when the database has a migration that this program does not have:
// then another version has been at work, and what this one would make of the rest is nobody's wish.
func foreign(ctx context.Context, pool *pgxpool.Pool) error {
	var newest int64
	err := pool.QueryRow(ctx, foreignMigration, versions()).Scan(&newest)
	if unmade(err) {
		return nil
	}
	if err != nil {
		return failure("ask the database for its migrations", err)
	}
	if newest == 0 {
		return nil
	}
	return fault.New(fault.Invalid, fmt.Sprintf("the database has migration %05d, and this program has none of that number (its last is %05d): a newer version has migrated it. "+
		"Nothing was changed. Older code runs on that database as it is: to go back to an older release change the code alone; to migrate, use the newest version that ever did",
		newest, versions()[len(versions())-1]))
}

// unmade reports whether err says that the list of migrations is not there: nothing was migrated yet.
func unmade(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}
