package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// A process that has outlived its database does not write into the one that was restored from a
// backup, however many owners a connection has had since.
func TestFencesDoNotComeBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`UPDATE sync.connections SET fence = fence - 3, lease_until = NULL`) // as the backup has it
	for range 6 {
		l, ok, err := f.Acquire(f.ctx, f.id, org.Manual, "after the restore", time.Minute)
		if err != nil || !ok {
			t.Fatalf("acquire: %v, %v", ok, err)
		}
		if err := f.Renew(f.ctx, f.lease, time.Minute); !fault.Is(err, fault.Conflict) {
			t.Fatalf("the owner from before the restore, fence %d, beside fence %d: %v; want a conflict", f.lease.Fence, l.Fence, err)
		}
		if _, err := f.Abandon(f.ctx, l); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRestored(t *testing.T) {
	t.Parallel()
	f := &fixture{Store: storetest.New(t), TB: t, ctx: t.Context()}
	f.exec(`INSERT INTO sync.organisations (slug, name) VALUES ('onpoint', 'OnPoint')`)
	f.exec(`INSERT INTO sync.connections (org_id, provider, account, state, reason, secret_version, next_sync_at, not_before, lease_holder, lease_until, lease_ttl, tick_noted)
SELECT 'onpoint', 'testbooks', account, state, 'why', version, now() + interval '4 hours', now() + interval '1 hour', 'dead', now() + interval '1 hour', interval '1 minute', true
FROM (VALUES ('a', 'active', 1), ('b', 'paused', 1), ('c', 'needs_reauth', 1), ('d', 'needs_reauth', NULL), ('e', 'disconnected', NULL), ('f', 'connecting', NULL), ('g', 'leaving', NULL), ('unnamed h', 'connecting', NULL)) AS v (account, state, version)`)
	last := f.value(`SELECT max(id) FROM sync.connections`)
	n, err := f.Owner.Restored(f.ctx)
	if want := (store.Resumed{Due: 4, Logins: 1, Connecting: 1, Leaving: 1}); err != nil || n != want {
		t.Errorf("Restored: %+v, %v; want %+v", n, err, want)
	}
	got := f.value(`SELECT string_agg(concat_ws(' ', account, state, reason, CASE WHEN next_sync_at <= now() THEN 'due' END,
	CASE WHEN lease_until IS NOT NULL OR lease_holder IS NOT NULL OR tick_noted OR not_before IS NOT NULL THEN 'held' END), '; ' ORDER BY account) FROM sync.connections`)
	if want := "a active why due; b paused why due; c active  due; d needs_reauth why due; e disconnected why held; f active why due; g leaving why due; unnamed h connecting why due"; got != want {
		t.Errorf("connections %q, want %q", got, want)
	}
	id := f.Connect(t, "onpoint", "testbooks", "made after the restore")
	if skipped := f.value(`SELECT $1 - $2::bigint >= 10000`, id, last); skipped != "true" {
		t.Errorf("the next connection is %s after %s: its secret could be that of a connection made after the backup", id, last)
	}
	if again, err := f.Owner.Restored(f.ctx); err != nil || again.Due != n.Due+1 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
}

// What was compared before the backup was made, wholly or in half, says nothing of what was restored.
func TestRestoredForgetsComparisons(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	compared := func(stream string) {
		f.exec(`INSERT INTO sync.reconciliations (org_id, connection_id, stream, reading, method, finished_at)
SELECT org_id, id, $2, 'full 2026-W47 since then', 'values', CASE WHEN $2 <> 'half' THEN now() END FROM sync.connections WHERE id = $1`, f.id, stream)
	}
	known := func() (streams []string) {
		t.Helper()
		s, err := f.Standing(f.ctx, f.id)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range s.Readings {
			streams = append(streams, r.Stream)
		}
		return streams
	}
	compared("whole")
	compared("half")
	if got := known(); len(got) != 2 {
		t.Fatalf("before: %q", got)
	}
	if _, err := f.Owner.Restored(f.ctx); err != nil {
		t.Fatal(err)
	}
	compared("since")
	if got := known(); !slices.Equal(got, []string{"since"}) {
		t.Errorf("after the restore %q count, want since alone", got)
	}
	if n := f.value(`SELECT count(*) FROM sync.reconciliations`); n != "3" {
		t.Errorf("%s are kept for people to read, want 3", n)
	}
}

func TestSecretsLost(t *testing.T) {
	t.Parallel()
	f := &fixture{Store: storetest.New(t), TB: t, ctx: t.Context()}
	for _, account := range []string{"kept", "parked", "none"} {
		f.Connect(t, "onpoint", "testbooks", account)
	}
	f.exec(`UPDATE sync.connections SET secret_version = 7, token_expires_at = now() WHERE account <> 'none'`)
	f.exec(`UPDATE sync.connections SET parked_token = 'sealed' WHERE account = 'parked'`)
	if n, err := f.SecretsLost(f.ctx); err != nil || n != 2 {
		t.Errorf("SecretsLost: %d connections, %v; want 2", n, err)
	}
	got := f.value(`SELECT string_agg(concat_ws(' ', account, secret_version, parked_token IS NOT NULL, token_expires_at IS NOT NULL), '; ' ORDER BY account) FROM sync.connections`)
	if want := "kept f f; none f f; parked t t"; got != want { // version, parked, its end
		t.Errorf("connections %q, want %q", got, want)
	}
}
