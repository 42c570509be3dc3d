package store_test

import (
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// TestHasten: a sweep comes forward to a while after the last one, never before, and only the call that
// has brought it forward to now is told so.
func TestHasten(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	s.Connect(t, "onpoint", "demo", "1")
	const rest = 15 * time.Minute
	for _, tt := range []struct {
		name          string
		state         string
		swept, next   string // intervals from now; "" for swept: never
		due           int
		want, atLeast string // next_sync_at lies in between, from now
	}{
		{"swept long ago, next in hours", "active", "-1 hour", "3 hours", 1, "0 s", "-1 minute"},
		{"never swept", "active", "", "3 hours", 1, "0 s", "-1 minute"},
		{"paused", "paused", "-1 hour", "3 hours", 1, "0 s", "-1 minute"},
		{"swept just now", "active", "-1 minute", "3 hours", 0, "14 minutes", "13 minutes"},
		{"due before it has rested", "active", "-1 minute", "2 minutes", 0, "2 minutes", "1 minute"},
		{"due in a moment", "active", "-1 hour", "5 s", 0, "5 s", "-1 minute"},
		{"due already", "active", "-1 hour", "-1 minute", 0, "-1 minute", "-3 minutes"},
		{"to be connected again", "needs_reauth", "-1 hour", "3 hours", 0, "3 hours", "2 hours"},
		{"disconnected", "disconnected", "-1 hour", "3 hours", 0, "3 hours", "2 hours"},
	} {
		_, err := s.Pool.Exec(t.Context(), `UPDATE sync.connections SET state = $1, last_swept_at = now() + nullif($2, '')::interval, next_sync_at = now() + $3::interval`, tt.state, tt.swept, tt.next)
		if err != nil {
			t.Fatal(err)
		}
		for call := range 2 {
			due, err := s.Hasten(t.Context(), "demo", "1", rest)
			if err != nil || call == 0 && len(due) != tt.due || call > 0 && len(due) != 0 {
				t.Errorf("%s: call %d: %v, %v", tt.name, call+1, due, err)
			}
			if len(due) == 1 && (due[0].Org != "onpoint" || due[0].Account != "1" || due[0].ID == 0) {
				t.Errorf("%s: %+v", tt.name, due)
			}
		}
		var right bool
		err = s.Pool.QueryRow(t.Context(), `SELECT next_sync_at <= now() + $1::interval AND next_sync_at > now() + $2::interval FROM sync.connections`, tt.want, tt.atLeast).Scan(&right)
		if err != nil || !right {
			t.Errorf("%s: the next sweep is not between %s and %s from now: %v", tt.name, tt.atLeast, tt.want, err)
		}
	}
	for _, other := range []string{"2", ""} {
		if due, err := s.Hasten(t.Context(), "demo", other, rest); err != nil || len(due) != 0 {
			t.Errorf("account %q: %v, %v", other, due, err)
		}
	}
}

// A sweep that is under way may have looked already: another follows it.
func TestHastenDuringASweep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var provider, account string
	if err := f.Pool.QueryRow(f.ctx, `UPDATE sync.connections SET next_sync_at = now() - interval '1 second', last_swept_at = now() - interval '1 hour' WHERE id = $1 RETURNING provider, account`, f.id).Scan(&provider, &account); err != nil {
		t.Fatal(err)
	}
	run, err := f.Begin(f.ctx, f.lease, nil, org.Schedule)
	if err != nil {
		t.Fatal(err)
	}
	if due, err := f.Hasten(f.ctx, org.Provider(provider), account, 15*time.Minute); err != nil || len(due) != 0 {
		t.Errorf("%v, %v", due, err)
	}
	if err := f.Finish(f.ctx, f.lease, run, engine.Result{Outcome: engine.Done, State: org.Active, Swept: true, Pace: engine.Pace{Every: 4 * time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if a, err := f.Agenda(f.ctx, f.lease); err != nil || !a.Sweep {
		t.Errorf("%+v, %v; want another sweep", a, err)
	}
}
