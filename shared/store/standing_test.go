package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	id, other := s.Connect(t, "onpoint", "quickbooks", "100"), s.Connect(t, "onpoint", "quickbooks", "200")
	exec := func(sql string) {
		t.Helper()
		if _, err := s.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	standing := func(id org.ConnectionID) reconcile.Standing {
		t.Helper()
		got, err := s.Standing(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := reconcile.Standing{State: org.Active, Streams: map[string]reconcile.Stream{}}
	if diff := cmp.Diff(want, standing(id), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("at rest (-want +got):\n%s", diff)
	}

	exec(`INSERT INTO sync.streams (connection_id, name, loading, last_success, load_done, load_total, load_started_at) VALUES
	(1, 'Invoice', true, now(), 25, 100, clock_timestamp() - interval '26 hours'), (1, 'Bill', true, NULL, 0, NULL, NULL), (2, 'Term', false, now(), 0, NULL, NULL)`)
	exec(`INSERT INTO sync.reconciliations (org_id, connection_id, stream, reading, method, started_at, finished_at, checked, equal, missing, stale, damaged, surplus, mended, examples) VALUES
	('onpoint', 1, 'Invoice', 'new', 'values', now() - interval '1 day', NULL, 10, 1, 2, 3, 4, 5, 14, '[{"id": "17", "was": "stale"}]'),
	('onpoint', 1, 'Invoice', 'old', 'counts', now() - interval '2 days', now() - interval '1 day', 7, 7, 0, 0, 0, 0, 0, DEFAULT),
	('onpoint', 1, 'Invoice', 'forgotten', 'values', now() - interval '41 days', now(), 0, 0, 0, 0, 0, 0, 0, DEFAULT),
	('onpoint', 2, 'Invoice', 'another company', 'values', now(), NULL, 0, 0, 0, 0, 0, 0, 0, DEFAULT)`)
	exec(`UPDATE sync.connections SET state = 'paused', reason = 'closed', not_before = clock_timestamp() + interval '1 day' WHERE id = 1`)
	got := standing(id)
	if got.Closed < 23*time.Hour || got.Closed > 24*time.Hour {
		t.Errorf("closed for %s, want a day", got.Closed)
	}
	if at := got.Streams["Invoice"]; at.For < 26*time.Hour || at.For > 27*time.Hour {
		t.Errorf("loading for %s, want 26 hours", at.For)
	}
	want = reconcile.Standing{State: org.Paused, Reason: "closed", Streams: map[string]reconcile.Stream{
		"Invoice": {Loading: true, Ever: true, Done: 25, Total: 100}, "Bill": {Loading: true},
	}, Readings: []reconcile.Reading{
		{Stream: "Invoice", Name: "old", Checked: 7, Equal: 7},
		{Stream: "Invoice", Name: "new", Values: true, Checked: 10, Equal: 1, Missing: 2, Stale: 3, Damaged: 4, Surplus: 5, Mended: 14,
			Examples: []reconcile.Example{{ID: "17", Was: "stale"}}},
	}}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreTypes(time.Duration(0), time.Time{})); diff != "" {
		t.Errorf("at work (-want +got):\n%s", diff)
	}
	if got.Readings[0].Ended.IsZero() || !got.Readings[1].Ended.IsZero() {
		t.Errorf("ended at %s and %s, want the first one only", got.Readings[0].Ended, got.Readings[1].Ended)
	}

	s.Lease(t, other)
	if !standing(other).Held {
		t.Error("nobody is said to hold it")
	}
	if _, err := s.Standing(t.Context(), 99); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown connection: %v", err)
	}
	all, err := s.AllConnections(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != id || all[1].ID != other {
		t.Errorf("%v, %v; want both connections", all, err)
	}
}
