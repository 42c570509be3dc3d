package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/sync/watch"
)

var _ watch.Store = (*Store)(nil)

const (
	// Of what is too much to tell one half is what has waited longest, the other what began last: what is
	// new gets through however long the old stays.
	//
	// What is open or failed is little, and has an index of its own; of the rest the connections alone are
	// read. A load that goes on for longer than a tick is not late, for a day: its runs store page after page.
	//
	// A stream has failed since the first run that failed after its last success. Where that run is
	// forgotten already it was long ago. Of several streams the one that has waited longest stands for all.
	lateConnections = `WITH at AS MATERIALIZED (
	SELECT statement_timestamp() AS now, statement_timestamp() - $1::interval AS edge
), opened AS (
	SELECT r.connection_id, max(r.started_at) AS began FROM sync.runs AS r WHERE r.finished_at IS NULL GROUP BY r.connection_id
), told AS (
	SELECT n.connection_id, min(n.received_at) AS since, count(*) AS open FROM sync.notices AS n CROSS JOIN at
	WHERE n.settled_at IS NULL AND n.received_at <= at.edge GROUP BY n.connection_id
), seen AS (
	SELECT c.id, c.state, coalesce(c.connected_at, c.created_at) AS connected, greatest(c.next_sync_at, coalesce(c.connected_at, c.created_at)) AS due,
		greatest(c.next_sync_at, coalesce(c.connected_at, c.created_at), CASE WHEN c.state = 'paused' OR c.provider = ANY ($2) THEN c.not_before END) <= at.edge AS overdue,
		c.provider = ANY ($2) AND c.not_before > at.edge AS excused,
		CASE WHEN o.began <= at.edge AND c.lease_until > at.now THEN o.began END AS stuck, t.since AS notice, coalesce(t.open, 0) AS notices
	FROM sync.connections AS c CROSS JOIN at LEFT JOIN opened AS o ON o.connection_id = c.id LEFT JOIN told AS t ON t.connection_id = c.id
	WHERE c.state IN ('active', 'paused')
), judged AS (
	SELECT s.id, s.stuck, CASE WHEN s.overdue AND NOT m.moving THEN s.due END AS due,
		CASE WHEN s.state = 'active' AND s.excused IS NOT TRUE AND NOT m.moving THEN s.notice END AS notice, s.notices,
		CASE WHEN s.state = 'active' AND s.excused IS NOT TRUE THEN s.connected END AS connected
	FROM seen AS s CROSS JOIN at CROSS JOIN LATERAL (SELECT (s.overdue OR s.notice IS NOT NULL) AND least(s.due, s.notice) > at.now - interval '1 day'
		AND EXISTS (SELECT FROM sync.runs AS r WHERE r.connection_id = s.id AND r.started_at > at.edge AND r.batches > 0 AND coalesce(r.outcome, 'stopped') = 'stopped') AS moving) AS m
), failed AS (
	SELECT DISTINCT ON (s.connection_id) s.connection_id, s.name, s.error, s.last_success, count(*) OVER (PARTITION BY s.connection_id) AS streams
	FROM sync.streams AS s WHERE s.status = 'failed' ORDER BY s.connection_id, s.last_success NULLS FIRST, s.name
), failing AS (
	SELECT j.id, f.since FROM judged AS j CROSS JOIN at JOIN failed AS s ON s.connection_id = j.id
	CROSS JOIN LATERAL (SELECT greatest(j.connected, coalesce((SELECT min(r.started_at) FROM sync.runs AS r WHERE r.connection_id = s.connection_id
		AND r.started_at > coalesce(s.last_success, '-infinity') AND r.outcome IN ('failed', 'partial') AND s.name = ANY (r.streams)), s.last_success)) AS since OFFSET 0) AS f
	WHERE j.connected IS NOT NULL AND j.stuck IS NULL AND j.due IS NULL AND greatest(j.connected, s.last_success) <= at.edge AND f.since <= at.edge
), waiting AS (
	SELECT j.id, j.stuck, j.due, f.since AS failing, j.notice, j.notices, least(j.stuck, j.due, f.since, j.notice) AS since
	FROM judged AS j LEFT JOIN failing AS f ON f.id = j.id WHERE coalesce(j.stuck, j.due, f.since, j.notice) IS NOT NULL
), placed AS (
	SELECT w.id, w.stuck, w.due, w.failing, w.notice, w.notices, w.since, count(*) OVER () AS total, row_number() OVER (ORDER BY w.since, w.id) AS place FROM waiting AS w
), late AS (
	SELECT p.id, p.stuck, p.due, p.failing, p.notice, p.notices, p.since, p.total FROM placed AS p WHERE p.place <= $3::int / 2 OR p.place > p.total - ($3 + 1) / 2
)
SELECT l.total, c.id, c.org_id, c.provider, c.account, c.state, c.reason, coalesce(CASE WHEN c.lease_until > at.now THEN c.lease_holder END, ''),
	l.stuck, l.due, c.not_before, r.started_at, coalesce(r.outcome, ''), coalesce(r.error, ''), coalesce(r.batches, 0),
	l.failing, coalesce(s.name, ''), coalesce(s.error, ''), coalesce(s.streams, 0), l.notice, l.notices
FROM late AS l CROSS JOIN at JOIN sync.connections AS c ON c.id = l.id
LEFT JOIN LATERAL (SELECT r.started_at, r.outcome, r.error, r.batches FROM sync.runs AS r
	WHERE r.connection_id = l.id AND r.started_at >= greatest(l.due, at.edge) AND l.due IS NOT NULL ORDER BY r.started_at DESC, r.id DESC LIMIT 1) AS r ON true
LEFT JOIN failed AS s ON s.connection_id = l.id
ORDER BY l.since, l.id`

	// A connection that cannot be synced has no runs: its last one is about when that began.
	closedConnections = `SELECT p.total, p.id, p.org_id, p.provider, p.account, p.state, p.reason, p.started_at FROM (
	SELECT c.id, c.org_id, c.provider, c.account, c.state, c.reason, r.started_at, count(*) OVER (PARTITION BY c.state) AS total,
		row_number() OVER (PARTITION BY c.state ORDER BY coalesce(r.started_at, c.connected_at, c.created_at), c.id) AS place
	FROM sync.connections AS c LEFT JOIN LATERAL (SELECT r.started_at FROM sync.runs AS r WHERE r.connection_id = c.id ORDER BY r.started_at DESC LIMIT 1) AS r ON true
	WHERE c.state IN ('needs_reauth', 'paused')
) AS p WHERE p.place <= $1::int / 2 OR p.place > p.total - ($1 + 1) / 2 ORDER BY p.place, p.id`

	// Of what has been disconnected nobody mends anything.
	deadLetters = `SELECT p.total, p.letters, p.id, p.org_id, p.provider, p.account, p.state, p.reason, p.open, p.since FROM (
	SELECT count(*) OVER () AS total, sum(d.open) OVER ()::bigint AS letters, c.id, c.org_id, c.provider, c.account, c.state, c.reason, d.open, d.since,
		row_number() OVER (ORDER BY d.since, c.id) AS place
	FROM (SELECT connection_id, count(*) AS open, min(first_seen) AS since FROM sync.dead_letters WHERE resolved_at IS NULL GROUP BY connection_id) AS d
	JOIN sync.connections AS c ON c.id = d.connection_id WHERE c.state <> 'disconnected'
) AS p WHERE p.place <= $1::int / 2 OR p.place > p.total - ($1 + 1) / 2 ORDER BY p.place`
)

// Standings returns what is wrong with connections at this moment. See watch.Store.
func (s *Store) Standings(ctx context.Context, q watch.Question) (out watch.Standings, err error) {
	var batch pgx.Batch
	batch.Queue(`SELECT clock_timestamp(), count(*) FROM sync.connections WHERE state IN ('active', 'paused', 'needs_reauth')`).QueryRow(func(row pgx.Row) error {
		return row.Scan(&out.Now, &out.Connections)
	})
	batch.Queue(lateConnections, q.Behind, q.Waiting, q.Most).Query(func(rows pgx.Rows) (err error) {
		out.Late, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (watch.Late, error) { return scanLate(row, &out.AllLate) })
		return err
	})
	batch.Queue(closedConnections, q.Most).Query(func(rows pgx.Rows) error { return scanClosed(rows, &out) })
	batch.Queue(deadLetters, q.Most).Query(func(rows pgx.Rows) (err error) {
		out.Letters, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l watch.Letters, err error) {
			return l, row.Scan(&out.AllLetters, &out.OpenLetters, &l.ID, &l.Org, &l.Provider, &l.Account, &l.State, &l.Reason, &l.Open, &l.Since)
		})
		return err
	})
	batch.Queue(`SELECT job, ended_at FROM sync.job_runs ORDER BY job`).Query(func(rows pgx.Rows) (err error) {
		out.Jobs, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (j watch.Job, err error) { return j, row.Scan(&j.Name, &j.Ended) })
		return err
	})
	return out, failure("look at all connections", s.pool.SendBatch(ctx, &batch).Close())
}

func scanLate(row pgx.CollectableRow, all *int) (l watch.Late, err error) {
	var stuck, due, notBefore, began, failing, notice *time.Time
	err = row.Scan(all, &l.ID, &l.Org, &l.Provider, &l.Account, &l.State, &l.Reason, &l.Holder,
		&stuck, &due, &notBefore, &began, &l.Last.Outcome, &l.Last.Error, &l.Last.Batches,
		&failing, &l.Stream, &l.Error, &l.Streams, &notice, &l.Notices)
	l.Stuck, l.Due, l.NotBefore, l.Last.Began, l.Failing, l.Notice = known(stuck), known(due), known(notBefore), known(began), known(failing), known(notice)
	return l, err
}

// scanClosed sorts connections that somebody outside must open by what they need.
func scanClosed(rows pgx.Rows, out *watch.Standings) error {
	var total int
	var c watch.Closed
	var since *time.Time
	_, err := pgx.ForEachRow(rows, []any{&total, &c.ID, &c.Org, &c.Provider, &c.Account, &c.State, &c.Reason, &since}, func() error {
		c.Since = known(since)
		if c.State.Syncs() {
			out.Paused, out.AllPaused = append(out.Paused, c), total
		} else {
			out.NeedLogin, out.AllNeed = append(out.NeedLogin, c), total
		}
		return nil
	})
	return err
}
