package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

// attempt is a connection that is being connected, and its lease.
func (f *fixture) attempt(account string) (org.Connection, org.Lease) {
	f.Helper()
	c, l, ok, err := f.Attach(f.ctx, connect.Attempt{Org: "onpoint", Provider: books}, account, "me", time.Minute,
		func([]connect.Existing) (org.ConnectionID, error) { return 0, nil })
	if err != nil || !ok || c.State != org.Connecting || c.Account != account {
		f.Fatalf("attach %s: %+v, %t, %v", account, c, ok, err)
	}
	return c, l
}

// TestGiveUp: what never was connected and has nothing is gone; anything else is kept.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, tt := range []struct {
		name string
		sql  string // what has happened meanwhile
		want string // state and reason; empty: it is gone
	}{
		{"nothing", `SELECT $1::bigint`, ""},
		{"a tick and a webhook came", `WITH n AS (INSERT INTO sync.notices (provider, account, connection_id, event, stream, object_id, change, raw)
			VALUES ('testbooks', 'a', $1, 'e', 'Order', '1', 'updated', '')) UPDATE sync.connections SET tick_noted = true WHERE id = $1`, ""},
		{"an attempt for a token ended without one", `INSERT INTO sync.token_journal (connection_id, fence, finished_at) VALUES ($1, 1, now())`, ""},
		{"an attempt for a token never ended", `INSERT INTO sync.token_journal (connection_id, fence) VALUES ($1, 1)`, "disconnected it broke: a token was asked for"},
		{"it has a token", `UPDATE sync.connections SET secret_version = 1 WHERE id = $1`, "disconnected it broke"},
		{"it has a parked token", `UPDATE sync.connections SET parked_token = '\x01' WHERE id = $1`, "disconnected it broke"},
		{"it was connected before", `UPDATE sync.connections SET connected_at = now() WHERE id = $1`, "disconnected it broke"},
		{"it has had a run", `INSERT INTO sync.runs (org_id, connection_id, reason, streams) VALUES ('onpoint', $1, 'manual', '{}')`, "disconnected it broke"},
		{"calls were counted", `INSERT INTO sync.api_usage (connection_id, day) VALUES ($1, now())`, "disconnected it broke"},
		{"a link was used for it", `INSERT INTO sync.connect_links (nonce_digest, connection_id, expires_at) VALUES ('x', $1, now())`, "disconnected it broke"},
		{"it is active", `UPDATE sync.connections SET state = 'active' WHERE id = $1`, "active"},
	} {
		c, l := f.attempt("new-" + string(rune('a'+i)))
		f.exec(tt.sql, c.ID)
		if _, err := f.GiveUp(f.ctx, l, "it broke"); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got := strings.Join(f.rows(`SELECT state || ' ' || reason, lease_until IS NULL FROM sync.connections WHERE id = $1`, c.ID), "")
		if tt.want == "" && got != "" || tt.want != "" && (!strings.Contains(got, tt.want) || !strings.HasSuffix(got, ",t)")) {
			t.Errorf("%s: got %s, want %q", tt.name, got, tt.want)
		}
		if _, err := f.GiveUp(f.ctx, l, "again"); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: a second time: %v, want a conflict", tt.name, err)
		}
	}
	if diff := cmp.Diff([]string{`(,t,"not synced")`}, f.rows(`SELECT connection_id, settled_at IS NOT NULL, outcome FROM sync.notices`)); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// Programs die without giving up. What they leave is ended first, and dropped then.
func TestPruneDropsAttemptsThatDied(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for account, sql := range map[string]string{
		"dead":          `UPDATE sync.connections SET created_at = now() - interval '8 days', lease_until = now() - interval '2 h' WHERE id = $1`,
		"given up":      `UPDATE sync.connections SET created_at = now() - interval '8 days', lease_until = NULL, state = 'disconnected' WHERE id = $1`,
		"new":           `UPDATE sync.connections SET lease_until = NULL WHERE id = $1`,
		"at work":       `UPDATE sync.connections SET created_at = now() - interval '8 days' WHERE id = $1`,
		"with a token":  `UPDATE sync.connections SET created_at = now() - interval '8 days', lease_until = NULL, secret_version = 1 WHERE id = $1`,
		"answer lost":   `WITH j AS (INSERT INTO sync.token_journal (connection_id, fence) VALUES ($1, 1)) UPDATE sync.connections SET created_at = now() - interval '8 days', lease_until = NULL WHERE id = $1`,
		"once attached": `UPDATE sync.connections SET created_at = now() - interval '8 days', lease_until = NULL, state = 'disconnected', connected_at = now() WHERE id = $1`,
	} {
		c, _ := f.attempt(account)
		f.exec(sql, c.ID)
	}
	if n, err := f.Prune(f.ctx); err != nil || n != 1 {
		t.Errorf("dropped %d, %v", n, err)
	}
	want := []string{`("answer lost")`, `("at work")`, "(dead)", "(new)", `("once attached")`, "(realm-1)", `("with a token")`}
	if diff := cmp.Diff(want, f.rows(`SELECT account FROM sync.connections ORDER BY account`)); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
}

func TestHoldStale(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	stale := func(p org.Provider) (org.Connection, bool) {
		c, l, ok, err := f.HoldStale(f.ctx, p, "me", time.Minute, time.Hour)
		if err != nil || ok && (l.Connection != c.ID || f.Renew(f.ctx, l, time.Minute) != nil) {
			t.Fatalf("%+v, %+v, %v", c, l, err)
		}
		return c, ok
	}
	dead, _ := f.attempt("dead")
	f.attempt("at work")
	if c, ok := stale(books); ok {
		t.Errorf("took %+v: somebody is at it", c)
	}
	f.exec(`UPDATE sync.connections SET lease_until = now() - interval '1 s' WHERE account = 'dead'`)
	if c, ok := stale("plaid"); ok {
		t.Errorf("took %+v: it is another provider's", c)
	}
	if c, ok := stale(books); !ok || c != dead {
		t.Errorf("took %+v, %t", c, ok)
	}
	f.exec(`UPDATE sync.connections SET lease_until = NULL WHERE account = 'dead'`)
	if c, ok := stale(books); ok {
		t.Errorf("took %+v twice within the pause", c)
	}
}

func TestStatesAreFoundOftenAndTakenOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	state, browser, memo := connect.Digest{1}, connect.Digest{2}, []byte{0, 1, 255}
	want := connect.Attempt{Link: connect.Digest{3}, LinkEnds: time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond), Org: "onpoint", Provider: books, Connection: 7, Add: true, Memo: memo}
	if err := f.SaveState(f.ctx, state, browser, want, time.Minute); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := f.FindState(f.ctx, state, browser)
		got.LinkEnds = got.LinkEnds.UTC()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	_, other := f.FindState(f.ctx, state, connect.Digest{9})
	_, unknown := f.FindState(f.ctx, connect.Digest{9}, browser)
	if !fault.Is(other, fault.Forbidden) || !fault.Is(unknown, fault.NotFound) || !fault.Is(f.TakeState(f.ctx, state, connect.Digest{9}), fault.Forbidden) {
		t.Errorf("another browser: %v, an unknown state: %v", other, unknown)
	}
	if err := f.TakeState(f.ctx, state, browser); err != nil {
		t.Error(err)
	}
	if _, err := f.FindState(f.ctx, state, browser); !fault.Is(err, fault.Conflict) || !fault.Is(f.TakeState(f.ctx, state, browser), fault.Conflict) {
		t.Errorf("a second time: %v, want a conflict", err)
	}
	if got := f.rows(`SELECT memo IS NULL FROM sync.connect_states`); len(got) != 1 || got[0] != "(t)" {
		t.Errorf("memo dropped: %v", got)
	}
}
