package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

var _ schedule.Store = (*Store)(nil)

const (
	// A connection under a lease is left to its owner, and one whose tick was sent for this same sweep
	// is left alone for a while. Rows that another dispatcher holds are passed over: it sends theirs.
	dispatch = `WITH due AS (
	SELECT c.id, c.next_sync_at AS since FROM sync.connections AS c
	WHERE c.state IN ('active', 'paused') AND c.next_sync_at <= statement_timestamp() AND ` + free + `
		AND (c.dispatched_at IS NULL OR c.dispatched_at < c.next_sync_at OR c.dispatched_at <= statement_timestamp() - $2::interval)
	ORDER BY c.next_sync_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), told AS (
	SELECT c.id, (SELECT min(n.received_at) FROM sync.notices AS n WHERE n.connection_id = c.id AND n.settled_at IS NULL) AS since
	FROM sync.connections AS c
	WHERE c.id IN (SELECT n.connection_id FROM sync.notices AS n WHERE n.settled_at IS NULL AND n.received_at <= statement_timestamp() - $2::interval)
		AND c.state IN ('active', 'paused') AND ` + free + ` AND (c.dispatched_at IS NULL OR c.dispatched_at <= statement_timestamp() - $2::interval)
	ORDER BY since LIMIT $1 FOR NO KEY UPDATE OF c SKIP LOCKED
), chosen AS (
	SELECT b.id, min(b.since) AS since FROM (SELECT d.id, d.since FROM due AS d UNION ALL SELECT t.id, t.since FROM told AS t) AS b
	GROUP BY b.id ORDER BY min(b.since), b.id LIMIT $1
), noted AS (
	UPDATE sync.connections AS c SET dispatched_at = statement_timestamp() FROM chosen AS h WHERE c.id = h.id
	RETURNING c.id, c.org_id, h.since, c.dispatched_at
)
SELECT n.org_id, n.id, n.dispatched_at FROM noted AS n ORDER BY n.since, n.id`

	notDispatched = `UPDATE sync.connections SET dispatched_at = NULL WHERE id = ANY ($1) AND dispatched_at = $2`

	free = `(c.not_before IS NULL OR c.not_before <= statement_timestamp()) AND (c.lease_until IS NULL OR c.lease_until <= statement_timestamp())`

	// The month of schedule.Month, which begins late by $2.
	month = `date_trunc('month', (now() AT TIME ZONE 'UTC') - $2::interval)::date`

	// The first day that anybody asks about.
	firstDay = `least(` + month + `, (now() AT TIME ZONE 'UTC')::date - 6)`

	// A day is over an hour after its end, when no transaction of it can be open any more.
	closeDays = `INSERT INTO sync.usage_days (provider, day, metered_calls)
SELECT $1, d.day, (SELECT coalesce(sum(u.metered_calls), 0) FROM sync.api_usage AS u JOIN sync.connections AS c ON c.id = u.connection_id
	WHERE u.day = d.day AND c.provider = $1)
FROM (SELECT ` + today + ` - ago AS day FROM generate_series(1, 32) AS ago) AS d
WHERE d.day >= ` + firstDay + `
	AND NOT EXISTS (SELECT FROM sync.usage_days AS k WHERE k.provider = $1 AND k.day = d.day) ON CONFLICT (provider, day) DO NOTHING`

	// The first day that may still grow.
	today = `(now() AT TIME ZONE 'UTC' - interval '1 hour')::date`

	usage = `WITH days AS (
	SELECT k.day, k.metered_calls FROM sync.usage_days AS k WHERE k.provider = $1 AND k.day < ` + today + `
	UNION ALL SELECT u.day, u.metered_calls FROM sync.api_usage AS u JOIN sync.connections AS c ON c.id = u.connection_id
	WHERE c.provider = $1 AND u.day >= ` + today + `
	UNION ALL SELECT e.day, e.metered_calls FROM sync.erased_usage AS e WHERE e.provider = $1
)
SELECT clock_timestamp(),
	(SELECT coalesce(sum(d.metered_calls) FILTER (WHERE d.day >= ` + month + `), 0)::bigint FROM days AS d),
	(SELECT coalesce(sum(d.metered_calls) FILTER (WHERE d.day >= (now() AT TIME ZONE 'UTC')::date - 6), 0)::bigint FROM days AS d),
	(SELECT count(*) FROM sync.connections AS c WHERE c.provider = $1 AND c.state = 'active'),
	a.refused_since, coalesce(cardinality(a.refused_accounts), 0), a.exhausted_at, a.probe_at
FROM (SELECT) AS one LEFT JOIN sync.allowances AS a ON a.provider = $1 AND a.month = ` + month

	// What is noted already is not written again: when all are refused, all say so. A hundred accounts are as good as all.
	refused = `INSERT INTO sync.allowances AS a (provider, month, refused_since, refused_accounts)
SELECT $1, ` + month + `, clock_timestamp(), ARRAY[$3::text]
WHERE NOT EXISTS (SELECT FROM sync.allowances AS k WHERE k.provider = $1 AND k.month = ` + month + ` AND k.refused_since IS NOT NULL
	AND ($3 = ANY (k.refused_accounts) OR cardinality(k.refused_accounts) >= 100))
ON CONFLICT (provider, month) DO UPDATE SET refused_since = coalesce(a.refused_since, excluded.refused_since),
	refused_accounts = CASE WHEN $3 = ANY (a.refused_accounts) THEN a.refused_accounts ELSE a.refused_accounts || $3 END`

	answered = `UPDATE sync.allowances SET refused_since = NULL, refused_accounts = '{}', exhausted_at = NULL, probe_at = NULL
WHERE provider = $1 AND month = ` + month + ` AND (refused_since IS NOT NULL OR exhausted_at IS NOT NULL)`

	exhausted = `INSERT INTO sync.allowances AS a (provider, month, exhausted_at, probe_at) VALUES ($1, ` + month + `, clock_timestamp(), $3)
ON CONFLICT (provider, month) DO UPDATE SET exhausted_at = coalesce(a.exhausted_at, excluded.exhausted_at), probe_at = excluded.probe_at`
)

// Due calls publish with the ticks of up to limit connections whose sweep is due, the longest due
// first, or that have had a notice open for longer than again. That they are sent is noted before, so
// that nothing is locked while publish waits: until again has passed, or their next sweep is due, they
// are not sent a second time. When publish fails the note is taken back; a process that ends between
// the two leaves them to be sent once again has passed. Two calls at once never publish one connection twice.
func (s *Store) Due(ctx context.Context, limit int, again time.Duration, publish func([]org.Tick) error) (n int, err error) {
	var at time.Time
	var ticks []org.Tick
	rows, err := s.pool.Query(ctx, dispatch, limit, again)
	if err == nil {
		ticks, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t org.Tick, err error) {
			t.Reason = org.Schedule
			return t, row.Scan(&t.Org, &t.Connection, &at)
		})
	}
	if err != nil || len(ticks) == 0 {
		return 0, failure("look for ticks that are due", err)
	}
	if err := publish(ticks); err != nil {
		return 0, errors.Join(failure("send the ticks that are due", err), s.notDispatched(ctx, ticks, at))
	}
	return len(ticks), nil
}

// notDispatched makes connections due again whose ticks could not be sent.
func (s *Store) notDispatched(ctx context.Context, ticks []org.Tick, at time.Time) error {
	ids := make([]org.ConnectionID, len(ticks))
	for i, t := range ticks {
		ids[i] = t.Connection
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockTimeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, notDispatched, ids, at)
	return failure("note that ticks were not sent", err)
}

// Usage returns how the app's calls of a provider stand. The first call of a day adds up the one
// before; every other reads a row for each connection that was called today.
func (s *Store) Usage(ctx context.Context, p org.Provider) (u schedule.Usage, err error) {
	var since, at, probe *time.Time
	var batch pgx.Batch
	batch.Queue(closeDays, p, schedule.MonthEdge)
	batch.Queue(usage, p, schedule.MonthEdge).QueryRow(func(row pgx.Row) error {
		return row.Scan(&u.Now, &u.Month, &u.Week, &u.Connections, &since, &u.RefusedAccounts, &at, &probe)
	})
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return schedule.Usage{}, failure("add up the calls", err)
	}
	u.RefusedSince, u.ExhaustedAt, u.ProbeAt = known(since), known(at), known(probe)
	return u, nil
}

// known returns an instant, or the zero one for null.
func known(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Refused notes that a provider has refused a call of an account because of a limit. Up to a hundred
// accounts are told apart.
func (s *Store) Refused(ctx context.Context, p org.Provider, account string) error {
	_, err := s.pool.Exec(ctx, refused, p, schedule.MonthEdge, shortened(account, maxID))
	return failure("note a refused call", err)
}

// Answered notes that a provider has answered a call: that ends the refusals, and the exhaustion. It
// writes only where one of them was noted.
func (s *Store) Answered(ctx context.Context, p org.Provider) error {
	_, err := s.pool.Exec(ctx, answered, p, schedule.MonthEdge)
	return failure("note an answered call", err)
}

// Exhausted notes that the month's allowance has been found to be used up, and when to try again. A
// second call in the same month moves only the latter.
func (s *Store) Exhausted(ctx context.Context, p org.Provider, probe time.Time) error {
	_, err := s.pool.Exec(ctx, exhausted, p, schedule.MonthEdge, probe)
	return failure("note that the allowance is used up", err)
}

// pacing is what a run means for the connection's sweeps. Nil: as it was.
type pacing struct {
	every  *time.Duration
	proven *time.Time // with every: nil means that webhooks are not trusted
	next   *time.Time
}

// pace draws the conclusions from a run of a connection that is swept every so often so far; zero:
// not known. Ticks are taken when they come a little early: the instant that this one was for is over.
func pace(id org.ConnectionID, r engine.Result, every time.Duration, now time.Time) (p pacing) {
	if r.Pace != (engine.Pace{}) {
		every = r.Pace.Every
		p.every = &every
		if !r.Pace.Proven.IsZero() {
			p.proven = &r.Pace.Proven
		}
	}
	if r.Swept || p.every != nil {
		next := schedule.After(id, every, now.Add(early))
		p.next = &next
	}
	return p
}
