package store_test

import (
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/watch"
)

// BenchmarkStandings is one look at ten thousand connections of 40 streams and ten runs each.
func BenchmarkStandings(b *testing.B) {
	f := &fixture{Store: storetest.New(b), TB: b, ctx: b.Context()}
	f.exec(`INSERT INTO sync.organisations (slug, name) SELECT 'o' || i, 'o' FROM generate_series(1, 10000) AS i`)
	f.exec(`INSERT INTO sync.connections (org_id, provider, account, state, connected_at, next_sync_at, last_swept_at)
		SELECT 'o' || i, 'testbooks', 'r' || i, 'active', now() - interval '30 days', now() + interval '2 min', now() FROM generate_series(1, 10000) AS i`)
	f.exec(`INSERT INTO sync.streams (connection_id, name, status, checkpoint, last_success) SELECT c.id, 'Stream' || n, 'ok', '{}', now() - interval '1 min'
		FROM sync.connections AS c CROSS JOIN generate_series(1, 40) AS n`)
	f.exec(`INSERT INTO sync.runs (org_id, connection_id, reason, streams, started_at, finished_at, outcome, batches)
		SELECT c.org_id, c.id, 'schedule', (SELECT array_agg('Stream' || n) FROM generate_series(1, 40) AS n), now() - i * interval '3 min', now() - i * interval '3 min', 'done', 2
		FROM generate_series(1, 10) AS i CROSS JOIN sync.connections AS c`)
	f.exec(`INSERT INTO sync.notices (provider, account, connection_id, event, stream, object_id, change, raw, received_at, settled_at, outcome)
		SELECT 'testbooks', c.account, c.id, c.id || '.' || i, 'Stream1', '1', 'updated', '', now() - i * interval '1 h', now(), 'read' FROM sync.connections AS c CROSS JOIN generate_series(1, 10) AS i`)
	f.exec(`ANALYZE`)
	look := func(name string, late int) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := f.Standings(b.Context(), watch.Question{Behind: 15 * time.Minute, Most: watch.Most})
				if err != nil || s.AllLate != late || s.Connections != 10_000 {
					b.Fatalf("%d late of %d, %v", s.AllLate, s.Connections, err)
				}
			}
		})
	}
	look("healthy", 0)
	f.exec(`UPDATE sync.streams SET status = 'failed', failures = 1, error = 'x', last_success = now() - interval '14 min'`)
	f.exec(`UPDATE sync.runs SET outcome = 'failed' WHERE started_at > now() - interval '14 min'`)
	f.exec(`UPDATE sync.connections SET next_sync_at = now() - interval '13 min'`)
	f.exec(`VACUUM ANALYZE`)
	look("all began to fail", 0)
	f.exec(`UPDATE sync.streams SET last_success = now() - interval '30 min'`)
	f.exec(`UPDATE sync.runs SET outcome = 'partial'`)
	f.exec(`UPDATE sync.connections SET next_sync_at = now() + interval '1 min'`)
	f.exec(`VACUUM ANALYZE`)
	look("each stream of all fails", 10_000)
	f.exec(`UPDATE sync.connections SET next_sync_at = now() - interval '40 min'`)
	f.exec(`VACUUM ANALYZE`)
	look("all are late", 10_000)
}
