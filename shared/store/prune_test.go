package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	gone := f.Connect(t, "powergen", books, "realm-2")
	f.exec(`TRUNCATE sync.runs`)
	run := func(name, age, rest string) {
		f.exec(`INSERT INTO sync.runs (org_id, connection_id, reason, streams, started_at, written, deleted, dead)
			SELECT 'onpoint', $1, $2, '{}', now() - $3::text::interval, `+rest, f.id, name, age)
	}
	run("idle, 3 days old", "3 days", "0, 0, 0")
	run("idle, a day old", "1 day", "0, 0, 0")
	run("written, 3 days old", "3 days", "1, 0, 0")
	run("deleted, 3 days old", "3 days", "0, 1, 0")
	run("dead, 3 days old", "3 days", "0, 0, 1")
	run("written, 91 days old", "91 days", "1, 0, 0")
	f.exec(`INSERT INTO sync.runs (org_id, connection_id, reason, streams, started_at) VALUES
		('powergen', $1, 'its last, idle', '{}', now() - interval '10 days'), ('powergen', $1, 'before its last', '{}', now() - interval '11 days')`, gone)

	f.exec(`INSERT INTO sync.notices (provider, account, connection_id, event, stream, object_id, change, raw, received_at, settled_at, outcome) VALUES
		('testbooks', 'a', $1, 'settled, old', 'Order', '1', 'updated', '', now() - interval '31 days', now() - interval '31 days', 'read'),
		('testbooks', 'a', $1, 'settled, new', 'Order', '1', 'updated', '', now() - interval '29 days', now() - interval '29 days', 'read'),
		('testbooks', 'a', $1, 'open, old', 'Order', '1', 'updated', '', now() - interval '31 days', NULL, NULL),
		('testbooks', 'b', $2, 'open, of one that has ended', 'Order', '1', 'updated', '', now(), NULL, NULL)`, f.id, gone)
	f.exec(`UPDATE sync.connections SET state = 'disconnected' WHERE id = $1`, gone)

	f.exec(`UPDATE sync.connections SET lease_until = NULL WHERE id = $1`, f.id)
	f.exec(`INSERT INTO sync.streams (connection_id, name, loading) VALUES ($1, 'Order', false), ($1, 'Tag', true), ($2, 'Order', false)
		ON CONFLICT (connection_id, name) DO UPDATE SET loading = excluded.loading`, f.id, gone)
	f.exec(`UPDATE sync.connections SET lease_until = now() WHERE id = $1`, gone)
	f.exec(`INSERT INTO sync.census (connection_id, stream, census, record_id) VALUES
		($1, 'Order', 'ended', '1'), ($1, 'Tag', 'under way', '1'), ($2, 'Order', 'perhaps at work', '1')`, f.id, gone)

	f.exec(`INSERT INTO sync.call_windows (provider, account, recent, held_until) VALUES
		('testbooks', 'resting', ARRAY[now() - interval '26 h', now() - interval '25 h'], '-infinity'),
		('testbooks', 'at work', ARRAY[now() - interval '26 h', now() - interval '1 h'], '-infinity'),
		('testbooks', 'held', ARRAY[now() - interval '25 h'], now() + interval '1 h'), ('testbooks', 'never called', '{}', now() - interval '2 days')`)

	f.exec(`INSERT INTO sync.rejected_messages (kind, reason, received_at) VALUES ('tick', '31 days old', now() - interval '31 days'), ('webhook', '29 days old', now() - interval '29 days')`)

	if n, err := f.Prune(f.ctx); err != nil || n != 8 {
		t.Errorf("dropped %d, %v", n, err)
	}
	for sql, want := range map[string][]string{
		`SELECT reason FROM sync.runs ORDER BY id`: {
			`("idle, a day old")`, `("written, 3 days old")`, `("deleted, 3 days old")`, `("dead, 3 days old")`, `("its last, idle")`,
		},
		`SELECT event, settled_at IS NULL, outcome FROM sync.notices ORDER BY id`: {
			`("settled, new",f,read)`, `("open, old",t,)`, `("open, of one that has ended",f,"not synced")`,
		},
		`SELECT reason FROM sync.rejected_messages`:              {`("29 days old")`},
		`SELECT census FROM sync.census ORDER BY census`:         {`("perhaps at work")`, `("under way")`},
		`SELECT account FROM sync.call_windows ORDER BY account`: {`("at work")`, `(held)`},
	} {
		if diff := cmp.Diff(want, f.rows(sql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sql, diff)
		}
	}
	if n, err := f.Prune(f.ctx); err != nil || n != 0 {
		t.Errorf("a second time: dropped %d, %v", n, err)
	}
}

// However much there is, no statement takes more than its share, and nothing is left over.
func TestPruneMuch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO sync.runs (org_id, connection_id, reason, streams, started_at) SELECT 'onpoint', $1, 'schedule', '{}', now() - interval '3 days' - i * interval '1 s'
		FROM generate_series(1, 12000) AS i`, f.id)
	f.exec(`INSERT INTO sync.runs (org_id, connection_id, reason, streams, started_at, written) SELECT 'onpoint', $1, 'schedule', '{}', now() - interval '91 days', 1
		FROM generate_series(1, 6000) AS i`, f.id)
	if n, err := f.Prune(f.ctx); err != nil || n != 18000 {
		t.Errorf("dropped %d, %v", n, err)
	}
}
