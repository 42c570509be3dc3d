package store

import (
	"context"
	"fmt"
	"strings"
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

	NextSync       *time.Time    // when its changes are looked for next; nil: at the next tick
	LastSync       *time.Time    // when the last finished look for changes began
	SyncEvery      time.Duration // between two looks; zero: none has been finished yet
	WebhooksProven *time.Time    // when a look last found that webhooks had told of all; nil: they are not trusted
	OpenNotices    int           // objects that webhooks named and that are yet to be read
	LastNotice     *time.Time    // when the last one came
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

	Loading   bool          // in its first load or being read again
	LoadDone  int           // objects that this load has read
	LoadTotal int           // how many there are to read; zero: not known
	LoadShare int           // of these, in percent; 0 when not known
	LoadLeft  time.Duration // at the pace so far; zero: not known
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
			err = s.details(ctx, &all[i])
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
		WHERE u.connection_id = c.id AND u.day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date),
	nullif(c.next_sync_at, '-infinity'), c.last_swept_at, coalesce(c.sweep_every, '0'), c.webhooks_proven_at,
	(SELECT count(*) FROM sync.notices AS n WHERE n.connection_id = c.id AND n.settled_at IS NULL),
	(SELECT max(n.received_at) FROM sync.notices AS n WHERE n.connection_id = c.id)
FROM sync.organisations AS o LEFT JOIN sync.connections AS c ON c.org_id = o.slug
ORDER BY o.slug, c.id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c ConnectionStatus, err error) {
		err = row.Scan(&c.Org, &c.OrgName, &c.ID, &c.Provider, &c.Account, &c.AccountName, &c.State, &c.Reason,
			&c.DeadLetters, &c.CallsToday, &c.MeteredCallsThisMonth,
			&c.NextSync, &c.LastSync, &c.SyncEvery, &c.WebhooksProven, &c.OpenNotices, &c.LastNotice)
		return c, err
	})
}

const (
	streamStatuses = `SELECT name, coalesce(status, ''), last_attempt, last_success, failures, coalesce(error, ''), loading, load_done, coalesce(load_total, 0),
	coalesce(clock_timestamp() - load_started_at, '0')
FROM sync.streams WHERE connection_id = $1 ORDER BY name`

	runStatuses = `SELECT id, reason, coalesce(outcome, ''), coalesce(error, ''), started_at, finished_at,
	written, deleted, unchanged, dead, calls
FROM sync.runs WHERE connection_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2`
)

// details fills in a connection's streams and runs, in one round trip.
func (s *Store) details(ctx context.Context, c *ConnectionStatus) error {
	rows := map[string]int{}
	var batch pgx.Batch
	if count := s.countAll(c.Provider); count != "" {
		batch.Queue(count, c.Org, c.ID).Query(func(found pgx.Rows) error {
			var stream string
			var n int
			_, err := pgx.ForEachRow(found, []any{&stream, &n}, func() error { rows[stream] = n; return nil })
			return err
		})
	}
	batch.Queue(streamStatuses, c.ID).Query(func(found pgx.Rows) (err error) {
		c.Streams, err = pgx.CollectRows(found, scanStream)
		return err
	})
	batch.Queue(runStatuses, c.ID, maxRuns).Query(func(found pgx.Rows) (err error) {
		c.Runs, err = pgx.CollectRows(found, scanRun)
		return err
	})
	err := s.pool.SendBatch(ctx, &batch).Close()
	for i := range c.Streams {
		c.Streams[i].Rows = rows[c.Streams[i].Name]
	}
	return err
}

// countAll is the statement that counts the live rows of all of a provider's streams.
func (s *Store) countAll(p org.Provider) string {
	var parts []string
	for _, t := range s.tables {
		if t.Provider == p {
			parts = append(parts, fmt.Sprintf(`SELECT %s AS stream, count(*) AS live FROM %s WHERE org_id = $1 AND connection_id = $2 AND deleted_at IS NULL`,
				literal(t.Stream), t.relations[0].name))
		}
	}
	return strings.Join(parts, " UNION ALL ")
}

func scanStream(row pgx.CollectableRow) (t StreamStatus, err error) {
	var lasted time.Duration
	err = row.Scan(&t.Name, &t.Status, &t.LastAttempt, &t.LastSuccess, &t.Failures, &t.Error, &t.Loading, &t.LoadDone, &t.LoadTotal, &lasted)
	t.LoadShare, t.LoadLeft = progress(t.LoadDone, t.LoadTotal, lasted)
	return t, err
}

// progress returns how much of total is done, in percent, and how long the rest takes when it goes on
// like that. Both are zero when that is not known.
func progress(done, total int, lasted time.Duration) (share int, left time.Duration) {
	if total <= 0 {
		return 0, 0
	}
	done = min(done, total) // what was changed meanwhile is read twice
	if done > 0 {
		left = (lasted / time.Duration(done) * time.Duration(total-done)).Round(time.Second)
	}
	return done * 100 / total, left
}

func scanRun(row pgx.CollectableRow) (r RunStatus, err error) {
	err = row.Scan(&r.ID, &r.Reason, &r.Outcome, &r.Error, &r.Started, &r.Finished, &r.Written, &r.Deleted, &r.Unchanged, &r.Dead, &r.Calls)
	return r, err
}
