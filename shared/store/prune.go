package store

import "context"

// How much one statement drops: its locks last some milliseconds.
const pruned = 5000

// What is dropped, oldest first. Each takes up to $1 rows, and leaves those that somebody else holds.
var prunes = [...]struct{ what, sql string }{
	// The last run of a connection that is no longer synced tells why.
	{"idle runs", `DELETE FROM sync.runs WHERE id IN (SELECT r.id FROM sync.runs AS r
	WHERE r.written = 0 AND r.deleted = 0 AND r.dead = 0 AND r.started_at < now() - interval '2 days'
		AND EXISTS (SELECT FROM sync.runs AS l WHERE l.connection_id = r.connection_id AND l.started_at > r.started_at)
	ORDER BY r.started_at LIMIT $1 FOR UPDATE OF r SKIP LOCKED)`},
	// Numbers grow with time: what is old is among the first.
	{"old runs", `DELETE FROM sync.runs WHERE started_at < now() - interval '90 days' AND id IN (SELECT r.id FROM sync.runs AS r
	ORDER BY r.id LIMIT $1 FOR UPDATE SKIP LOCKED)`},
	{"settled notices", `DELETE FROM sync.notices WHERE id IN (SELECT n.id FROM sync.notices AS n
	WHERE n.settled_at IS NOT NULL AND n.received_at < now() - interval '30 days'
	ORDER BY n.received_at LIMIT $1 FOR UPDATE SKIP LOCKED)`},
	{"old rejected messages", `DELETE FROM sync.rejected_messages WHERE received_at < now() - interval '30 days' AND id IN (SELECT m.id FROM sync.rejected_messages AS m
	ORDER BY m.id LIMIT $1 FOR UPDATE SKIP LOCKED)`},
	// A company at work may be reading a stream between two of its batches.
	{"ids of ended readings", `DELETE FROM sync.census WHERE ctid IN (SELECT i.ctid FROM sync.streams AS s
	JOIN sync.census AS i ON i.connection_id = s.connection_id AND i.stream = s.name JOIN sync.connections AS c ON c.id = s.connection_id
	WHERE NOT s.loading AND (c.lease_until IS NULL OR c.lease_until < now() - interval '1 hour') LIMIT $1)`},
	{"attempts to connect that came to nothing", dropVoids},
	// The same holds of what a run has kept back of a unit.
	{"parts of units that have been given up", `DELETE FROM sync.parts WHERE ctid IN (SELECT p.ctid FROM sync.parts AS p JOIN sync.connections AS c ON c.id = p.connection_id
	WHERE c.lease_until IS NULL OR c.lease_until < now() - interval '1 hour' LIMIT $1)`},
	{"calls of yesterday", `DELETE FROM sync.call_windows WHERE (provider, account) IN (SELECT w.provider, w.account FROM sync.call_windows AS w
	WHERE greatest(w.recent[cardinality(w.recent)], w.held_until) < now() - interval '1 day' LIMIT $1 FOR UPDATE SKIP LOCKED)`},
}

// A notice of a connection that has ended is read by nobody: the next first look finds all changes.
const settleEnded = `UPDATE sync.notices AS n SET settled_at = clock_timestamp(), outcome = 'not synced' FROM (
	SELECT o.id FROM sync.notices AS o JOIN sync.connections AS c ON c.id = o.connection_id
	WHERE o.settled_at IS NULL AND c.state = 'disconnected' ORDER BY o.event LIMIT $1 FOR UPDATE OF o SKIP LOCKED
) AS ended WHERE n.id = ended.id`

// Prune drops what nobody looks at any more: runs that changed nothing after two days, all runs after
// 90 days, settled notices and rejected messages after 30 days, the ids of readings that have ended, connections that never
// came about, and the calls of accounts that have been at rest for a day. It takes as long as there is
// something to drop, in small transactions; when ctx ends the rest is left for the next time. It returns
// how many rows it dropped.
func (s *Store) Prune(ctx context.Context) (dropped int, err error) {
	if _, err := s.repeat(ctx, settleEnded); err != nil {
		return 0, failure("settle notices of ended connections", err)
	}
	for _, p := range prunes {
		n, err := s.repeat(ctx, p.sql)
		dropped += n
		if err != nil {
			return dropped, failure("drop "+p.what, err)
		}
	}
	return dropped, nil
}

// repeat runs a statement until it finds nothing, and returns how many rows it found.
func (s *Store) repeat(ctx context.Context, sql string) (all int, err error) {
	for {
		tag, err := s.pool.Exec(ctx, sql, pruned)
		n := int(tag.RowsAffected())
		if all += n; err != nil || n == 0 {
			return all, err
		}
	}
}
