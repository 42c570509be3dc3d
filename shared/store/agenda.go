package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// A row for each notice, and one alone when there is none.
const agenda = `SELECT c.next_sync_at <= clock_timestamp() + ` + tolerance + `, coalesce(c.sweep_every, '0'), c.webhooks_proven_at, c.connected_at,
	coalesce(n.id, 0), coalesce(n.stream, ''), coalesce(n.object_id, ''), coalesce(n.change, ''), coalesce(n.loser_id, ''),
	greatest(coalesce(clock_timestamp() - n.received_at, '0'), '0'), coalesce(n.open, 0)
FROM sync.connections AS c LEFT JOIN LATERAL (
	SELECT p.id, p.stream, p.object_id, p.change, p.loser_id, p.received_at, p.open FROM (
		SELECT o.id, o.stream, o.object_id, o.change, o.loser_id, o.received_at,
			row_number() OVER (PARTITION BY o.stream ORDER BY o.id) AS place, count(*) OVER () AS open
		FROM sync.notices AS o WHERE o.connection_id = c.id AND o.settled_at IS NULL
	) AS p WHERE p.place <= $4 ORDER BY p.id LIMIT $3
) AS n ON true
WHERE c.id = $1 AND c.fence = $2 AND c.lease_until IS NOT NULL ORDER BY n.id`

// Agenda returns what there is to do for a connection: whether its sweep is due within ten seconds,
// the open notices, the oldest first and at most engine.MaxNotices, and whether there are others, the pace that Finish kept
// last, and when consent was last given. fault.Conflict: the lease has passed to another owner.
func (s *Store) Agenda(ctx context.Context, l org.Lease) (a engine.Agenda, err error) {
	found := false
	rows, err := s.pool.Query(ctx, agenda, l.Connection, l.Fence, engine.MaxNotices, engine.MaxOfStream)
	if err == nil {
		var n engine.Notice
		var open int
		var proven, connected *time.Time
		_, err = pgx.ForEachRow(rows, []any{
			&a.Sweep, &a.Pace.Every, &proven, &connected, &n.ID, &n.Stream, &n.Object, &n.Change, &n.Loser, &n.Age, &open,
		}, func() error {
			found = true
			if n.ID != 0 {
				a.Notices = append(a.Notices, n)
			}
			return nil
		})
		a.More = open > len(a.Notices)
		a.Pace.Proven, a.Connected = known(proven), known(connected)
	}
	if err != nil {
		return engine.Agenda{}, failure("look up what there is to do for connection "+l.Connection.String(), err)
	}
	if !found {
		return engine.Agenda{}, lost(l.Connection)
	}
	return a, nil
}
