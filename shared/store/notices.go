package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

var _ webhook.Store = (*Store)(nil)

const (
	// Notices are locked in the order of their events, here and where they are settled, so that nobody
	// waits for somebody who waits for him.
	recordNotices = `WITH told AS (
	SELECT t.event, t.account, t.stream, t.object_id, t.change, t.loser_id, t.told_at, t.raw, t.deliveries, t.problem, t.noted
	FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::integer[], $11::text[], $12::boolean[])
		AS t (event, account, stream, object_id, change, loser_id, told_at, raw, deliveries, problem, noted)
), companies AS (
	SELECT DISTINCT ON (c.account) c.account, c.id, c.state FROM sync.connections AS c
	WHERE c.provider = $1 AND c.account IN (SELECT t.account FROM told AS t) ORDER BY c.account, c.state = 'disconnected', c.id DESC
), judged AS (
	SELECT t.event, t.account, c.id AS connection_id, t.stream, t.object_id, t.change, t.loser_id, t.told_at, t.raw, t.deliveries, t.problem, CASE
		WHEN t.problem <> '' THEN 'malformed' WHEN t.noted THEN 'noted' WHEN c.id IS NULL THEN 'unknown company' WHEN t.stream = '' THEN 'unknown kind'
		WHEN c.state IN ('connecting', 'disconnected') THEN 'not synced' END AS outcome
	FROM told AS t LEFT JOIN companies AS c ON c.account = t.account
), kept AS (
	INSERT INTO sync.notices AS n (provider, account, connection_id, event, stream, object_id, change, loser_id, told_at, raw, deliveries, problem, outcome, settled_at)
	SELECT $1, j.account, j.connection_id, j.event, j.stream, j.object_id, j.change, nullif(j.loser_id, ''), j.told_at, j.raw, j.deliveries, nullif(j.problem, ''), j.outcome,
		CASE WHEN j.outcome IS NOT NULL THEN clock_timestamp() END
	FROM judged AS j ORDER BY j.event COLLATE "C"
	ON CONFLICT (provider, event) DO UPDATE SET deliveries = n.deliveries + excluded.deliveries,
		settled_at = CASE WHEN n.outcome = 'read' AND n.told_at IS NULL THEN NULL ELSE n.settled_at END,
		outcome = CASE WHEN n.outcome = 'read' AND n.told_at IS NULL THEN NULL ELSE n.outcome END
	RETURNING n.connection_id, n.settled_at IS NULL AS open, n.xmax = 0 AS fresh, n.outcome
)
SELECT coalesce(c.id, 0), coalesce(c.org_id, ''), coalesce(c.account, ''), coalesce(c.state, ''), coalesce(c.reason, ''), bool_or(k.open),
	count(*) FILTER (WHERE k.fresh), count(*) FILTER (WHERE k.fresh AND k.outcome IN ('unknown company', 'unknown kind'))
FROM kept AS k LEFT JOIN sync.connections AS c ON c.id = k.connection_id GROUP BY c.id ORDER BY c.id`

	// Whoever writes rows of a connection locks it before its notices: so does this, in a statement of its
	// own. What was told before, and is only sent again, mends nothing.
	mendConnections = `UPDATE sync.connections AS c SET state = 'active', reason = '', not_before = NULL, next_sync_at = least(c.next_sync_at, clock_timestamp())
FROM (SELECT o.id FROM sync.connections AS o WHERE o.provider = $1 AND o.state = 'needs_reauth' AND o.account IN (
	SELECT t.account FROM unnest($2::text[], $3::text[]) AS t (account, event)
	WHERE NOT EXISTS (SELECT FROM sync.notices AS n WHERE n.provider = $1 AND n.event = t.event AND n.told_at IS NOT NULL)
) ORDER BY o.id FOR NO KEY UPDATE) AS mended
WHERE c.id = mended.id`

	settleNotices = `UPDATE sync.notices AS n SET settled_at = clock_timestamp(), outcome = 'read'
FROM (SELECT o.id FROM sync.notices AS o WHERE o.connection_id = $1 AND o.id = ANY ($2) AND o.settled_at IS NULL
	ORDER BY o.event FOR NO KEY UPDATE) AS settled
WHERE n.id = settled.id`
)

// Record keeps events once each, in one transaction and one statement. An event that comes again is
// counted, in the same call too, and stays as it was kept first; only one that tells no time is open
// again, because it may be another of the same words. Of several connections to an
// account the one that is not disconnected is meant, else the newest.
//
// An event is settled at once when no run is to read its object: it is malformed (it has a Problem,
// or no id that can be kept), its company or its kind is unknown, or its connection is not connected. Those
// of one that needs a new login wait for it. One that is told for information is settled too, as noted.
//
// One that says that the login works again makes a connection that needs a new one active, with a
// sweep due at once: the next run finds out whether it is true.
func (s *Store) Record(ctx context.Context, p org.Provider, events []webhook.Event) (webhook.Recorded, error) {
	r := webhook.Recorded{}
	if len(events) == 0 {
		return r, nil
	}
	all := distinct(events)
	var batch pgx.Batch
	if accounts, keys := mended(all); len(accounts) > 0 {
		batch.Queue(mendConnections, p, accounts, keys)
	}
	batch.Queue(recordNotices, append([]any{p}, columnsOf(all)...)...).Query(func(rows pgx.Rows) error {
		c := org.Connection{Provider: p}
		var open bool
		var fresh, unknown int
		_, err := pgx.ForEachRow(rows, []any{&c.ID, &c.Org, &c.Account, &c.State, &c.Reason, &open, &fresh, &unknown}, func() error {
			r.New += fresh
			r.Unknown += unknown
			if open && c.State.Syncs() {
				r.Connections = append(r.Connections, c)
			}
			return nil
		})
		return err
	})
	err := s.pool.SendBatch(ctx, &batch).Close()
	if reason, ok := unstorable(err); ok {
		return webhook.Recorded{}, fault.New(fault.Invalid, reason)
	}
	if err != nil {
		return webhook.Recorded{}, failure("keep what a webhook told", err)
	}
	r.Repeated = len(events) - r.New
	return r, nil
}

// mended returns the accounts whose login is told to work again, and the keys of the events that tell.
func mended(events []heard) (accounts, keys []string) {
	for i := range events {
		if e := &events[i].Event; e.Mends && problem(e) == "" {
			accounts, keys = append(accounts, e.Account), append(keys, e.Key)
		}
	}
	return accounts, keys
}

// heard is an event and how often it came.
type heard struct {
	webhook.Event
	times int
}

// distinct returns the events once each, in the order of their keys. Of one that came several times
// the first counts.
func distinct(events []webhook.Event) []heard {
	by := make(map[string]heard, len(events))
	for i := range events {
		key := eventKey(&events[i])
		t, known := by[key]
		if !known {
			t.Event, t.Key = events[i], key
		}
		t.times++
		by[key] = t
	}
	return slices.SortedFunc(maps.Values(by), func(a, b heard) int { return cmp.Compare(a.Key, b.Key) })
}

// eventKey returns an event's key as it is kept. One that does not fit the index, or that is no text,
// is told by its digest.
func eventKey(e *webhook.Event) string {
	switch {
	case e.Key == "":
		return fmt.Sprintf("sha256:%x", sha256.Sum256(e.Raw))
	case len(e.Key) > maxID, clean(e.Key) != e.Key:
		return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(e.Key)))
	}
	return e.Key
}

// columnsOf returns what recordNotices takes after the provider.
func columnsOf(events []heard) []any {
	n := len(events)
	var texts [8][]string // event, account, stream, object, change, loser, raw, problem
	for i := range texts {
		texts[i] = make([]string, n)
	}
	at, times, noted := make([]*time.Time, n), make([]int32, n), make([]bool, n)
	for i := range events {
		e := &events[i]
		for j, text := range [...]string{
			e.Key, shortened(e.Account, maxID), shortened(e.Stream, maxID), shortened(e.Object, maxID),
			shortened(string(e.Change), maxID), shortened(e.Loser, maxID), shortened(string(e.Raw), maxBody), problem(&e.Event),
		} {
			texts[j][i] = text
		}
		if !e.At.IsZero() {
			at[i] = &e.At
		}
		times[i], noted[i] = int32(e.times), e.Told
	}
	return []any{texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], at, texts[6], times, texts[7], noted}
}

// problem says why no run can read what an event names, or "".
func problem(e *webhook.Event) string {
	switch {
	case e.Problem != "":
		return cmp.Or(shortened(e.Problem, maxText), "not told in words")
	case e.Object == "" && !e.Told:
		return "it names no object"
	}
	for _, name := range [...]string{e.Account, e.Stream, e.Object, e.Loser} {
		if len(name) > maxID || clean(name) != name {
			return "it names something by more than 500 bytes, or by what is no text"
		}
	}
	return ""
}
