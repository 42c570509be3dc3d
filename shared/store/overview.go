package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
)

// ConnectionStatus is how one connection is doing, for a person to look at.
type ConnectionStatus struct {
	org.Connection
	OrgName               string
	AccountName           string
	Streams               []StreamStatus
	Runs                  []RunStatus // the latest first
	DeadLetters           int         // open ones
	CallsToday            int
	MeteredCallsThisMonth int
}

// StreamStatus is how one stream is doing.
type StreamStatus struct {
	Name        string
	Status      string // ok, loading, failed; empty before the first run
	Rows        int    // live ones
	LastAttempt *time.Time
	LastSuccess *time.Time
	Failures    int // runs in a row
	Error       string
}

// RunStatus is how one run went.
type RunStatus struct {
	ID                                int64
	Reason, Outcome, Error            string
	Started                           time.Time
	Finished                          *time.Time
	Written, Deleted, Unchanged, Dead int
	Calls                             int
}

// maxRuns is how many runs an overview shows of each connection.
const maxRuns = 5

// Overview returns every connection of every organisation, organisations without one among them
// with a zero ID, in the order of their slugs.
func (s *Store) Overview(ctx context.Context) ([]ConnectionStatus, error) {
	all, err := s.connectionStatuses(ctx)
	for i := range all {
		if err == nil && all[i].ID != 0 {
			all[i].Streams, err = s.streamStatuses(ctx, all[i].Connection)
		}
		if err == nil && all[i].ID != 0 {
			all[i].Runs, err = s.runStatuses(ctx, all[i].ID)
		}
	}
	return all, failure("look at the connections", err)
}

func (s *Store) connectionStatuses(ctx context.Context) ([]ConnectionStatus, error) {
	rows, err := s.pool.Query(ctx, `SELECT o.slug, o.name, coalesce(c.id, 0), coalesce(c.provider, ''), coalesce(c.account, ''),
	coalesce(c.account_name, ''), coalesce(c.state, ''), coalesce(c.reason, ''),
	(SELECT count(*) FROM sync.dead_letters AS d WHERE d.connection_id = c.id AND d.resolved_at IS NULL),
	(SELECT coalesce(sum(calls), 0)::bigint FROM sync.api_usage AS u WHERE u.connection_id = c.id AND u.day = (now() AT TIME ZONE 'UTC')::date),
	(SELECT coalesce(sum(metered_calls), 0)::bigint FROM sync.api_usage AS u
		WHERE u.connection_id = c.id AND u.day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date)
FROM sync.organisations AS o LEFT JOIN sync.connections AS c ON c.org_id = o.slug
ORDER BY o.slug, c.id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c ConnectionStatus, err error) {
		err = row.Scan(&c.Org, &c.OrgName, &c.ID, &c.Provider, &c.Account, &c.AccountName, &c.State, &c.Reason,
			&c.DeadLetters, &c.CallsToday, &c.MeteredCallsThisMonth)
		return c, err
	})
}

func (s *Store) streamStatuses(ctx context.Context, c org.Connection) ([]StreamStatus, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, coalesce(status, ''), last_attempt, last_success, failures, coalesce(error, '')
FROM sync.streams WHERE connection_id = $1 ORDER BY name`, c.ID)
	if err != nil {
		return nil, err
	}
	streams, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t StreamStatus, err error) {
		err = row.Scan(&t.Name, &t.Status, &t.LastAttempt, &t.LastSuccess, &t.Failures, &t.Error)
		return t, err
	})
	for i := range streams {
		if err == nil && s.streams[streamKey{c.Provider, streams[i].Name}] != nil {
			streams[i].Rows, err = local{s, c.ID}.live(ctx, streams[i].Name)
		}
	}
	return streams, err
}

func (s *Store) runStatuses(ctx context.Context, id org.ConnectionID) ([]RunStatus, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, reason, coalesce(outcome, ''), coalesce(error, ''), started_at, finished_at,
	written, deleted, unchanged, dead, calls
FROM sync.runs WHERE connection_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2`, id, maxRuns)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r RunStatus, err error) {
		err = row.Scan(&r.ID, &r.Reason, &r.Outcome, &r.Error, &r.Started, &r.Finished, &r.Written, &r.Deleted, &r.Unchanged, &r.Dead, &r.Calls)
		return r, err
	})
}
