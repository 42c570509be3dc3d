package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// unleased returns a fixture whose connection nobody holds, with a sweep that is due in so long.
func unleased(t testing.TB, due time.Duration) *fixture {
	t.Helper()
	f := newFixture(t)
	if _, err := f.Abandon(f.ctx, f.lease); err != nil {
		t.Fatal(err)
	}
	f.exec(`UPDATE sync.connections SET next_sync_at = now() + $1, asked_at = NULL`, due)
	return f
}

// tell records events and fails the test on an error.
func (f *fixture) tell(events ...webhook.Event) webhook.Recorded {
	f.Helper()
	r, err := f.Record(f.ctx, books, events)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// event is what a webhook tells of an order of the fixture's company.
func event(key, object string) webhook.Event {
	return webhook.Event{
		Key: key, Account: "realm-1", Stream: "Order", Kind: "order", Object: object, Change: engine.Updated,
		At: base, Raw: []byte(`{"id":"` + key + `"}`),
	}
}

// Who takes a connection, and what a tick leaves behind, by what there is to do and by the tick's reason.
func TestAcquireByReason(t *testing.T) {
	t.Parallel()
	f := unleased(t, 0)
	type outcome struct{ Taken, Noted, Due bool }
	all := []org.Reason{org.Schedule, org.Webhook, org.Manual, org.Backfill, org.Reconcile}
	for _, tt := range []struct {
		name   string
		due    time.Duration
		notice bool
		held   bool
		barred bool
		want   [5]outcome // in the order of all
	}{
		{"overdue", -time.Hour, false, false, false, [5]outcome{{true, false, true}, {true, false, true}, {true, false, true}, {true, false, true}, {true, false, true}}},
		{"due in 8 s", 8 * time.Second, false, false, false, [5]outcome{{true, false, true}, {true, false, true}, {true, false, true}, {true, false, true}, {true, false, true}}},
		{"due in a minute", time.Minute, false, false, false, [5]outcome{{false, false, false}, {true, false, false}, {true, false, true}, {true, false, true}, {true, false, true}}},
		{"due in a minute, with a notice", time.Minute, true, false, false, [5]outcome{{true, false, false}, {true, false, false}, {true, false, true}, {true, false, true}, {true, false, true}}},
		{"overdue and held", -time.Hour, false, true, false, [5]outcome{{false, true, true}, {false, true, true}, {false, true, true}, {false, true, true}, {false, true, true}}},
		{"due in a minute and held", time.Minute, false, true, false, [5]outcome{{false, false, false}, {false, true, false}, {false, true, true}, {false, true, true}, {false, true, true}}},
		{"held, with a notice", time.Minute, true, true, false, [5]outcome{{false, true, false}, {false, true, false}, {false, true, true}, {false, true, true}, {false, true, true}}},
		{"overdue and barred", -time.Hour, true, false, true, [5]outcome{{false, false, true}, {false, false, true}, {false, false, true}, {false, false, true}, {false, false, true}}},
		{"due in a minute and barred", time.Minute, true, false, true, [5]outcome{{false, false, false}, {false, false, false}, {false, false, true}, {false, false, true}, {false, false, true}}},
	} {
		for i, reason := range all {
			f.exec(`TRUNCATE sync.notices`)
			if tt.notice {
				f.tell(event("e", "1"))
			}
			f.exec(`UPDATE sync.connections SET lease_until = NULL, lease_holder = NULL, tick_noted = false, next_sync_at = now() + $1, not_before = NULL`, tt.due)
			if tt.held {
				f.exec(`UPDATE sync.connections SET fence = fence + 1, lease_holder = 'another', lease_ttl = '1 min', lease_until = now() + interval '1 min'`)
			}
			if tt.barred {
				f.exec(`UPDATE sync.connections SET not_before = now() + interval '1 hour'`)
			}
			fence := f.value(`SELECT fence FROM sync.connections`)
			_, ok, err := f.Acquire(f.ctx, f.id, reason, "me", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			got := outcome{ok, f.value(`SELECT tick_noted FROM sync.connections`) == "true",
				f.value(`SELECT next_sync_at <= now() + interval '9 s' FROM sync.connections`) == "true"}
			if got != tt.want[i] {
				t.Errorf("%s: a tick of %s: %+v, want %+v", tt.name, reason, got, tt.want[i])
			}
			if moved := f.value(`SELECT fence FROM sync.connections`) != fence; moved != ok {
				t.Errorf("%s: a tick of %s: fence moved: %v", tt.name, reason, moved)
			}
		}
	}
}

// A tick that comes while a connection cannot be looked at for now is not lost with it.
func TestAskedWhileBarred(t *testing.T) {
	t.Parallel()
	f := unleased(t, 4*time.Hour)
	f.exec(`UPDATE sync.connections SET not_before = now() + interval '1 min'`)
	if _, ok, err := f.Acquire(f.ctx, f.id, org.Manual, "me", time.Minute); ok || err != nil {
		t.Fatal(ok, err)
	}
	f.exec(`UPDATE sync.connections SET not_before = now()`)
	if _, ok, err := f.Acquire(f.ctx, f.id, org.Schedule, "me", time.Minute); !ok || err != nil {
		t.Errorf("the next scheduled tick: %v, %v", ok, err)
	}
}

func TestIdleTickWritesNothing(t *testing.T) {
	t.Parallel()
	f := unleased(t, time.Minute)
	before := f.value(`SELECT xmin || ' ' || xmax FROM sync.connections`)
	if _, ok, err := f.Acquire(f.ctx, f.id, org.Schedule, "me", time.Minute); ok || err != nil {
		t.Fatal(ok, err)
	}
	if after := f.value(`SELECT xmin || ' ' || xmax FROM sync.connections`); after != before {
		t.Errorf("the row was written or locked: %s, before %s", after, before)
	}
}

func TestAgenda(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	agenda := func() engine.Agenda {
		t.Helper()
		a, err := f.Agenda(f.ctx, f.lease)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	f.exec(`UPDATE sync.connections SET connected_at = NULL`)
	if diff := cmp.Diff(engine.Agenda{Sweep: true}, agenda()); diff != "" {
		t.Errorf("of a new connection (-want +got):\n%s", diff)
	}
	f.exec(`UPDATE sync.connections SET connected_at = $1`, base)
	if diff := cmp.Diff(engine.Agenda{Sweep: true, Connected: base}, agenda()); diff != "" {
		t.Errorf("of a connected one (-want +got):\n%s", diff)
	}
	for i := range 3 {
		e := event(fmt.Sprint("e", i), fmt.Sprint(i))
		if i == 2 {
			e.Change, e.Loser = engine.Merged, "9"
		}
		f.tell(e) // each later than the one before
	}
	f.exec(`UPDATE sync.notices SET received_at = received_at - interval '2 days' WHERE event = 'e0'`)
	f.exec(`UPDATE sync.notices SET received_at = received_at + interval '1 hour' WHERE event = 'e2'`) // a clock that jumped
	f.exec(`UPDATE sync.connections SET next_sync_at = now() + interval '1 min', sweep_every = '72 min', webhooks_proven_at = $1`, base)
	f.exec(`UPDATE sync.notices SET settled_at = now() WHERE event = 'e1'`)
	a := agenda()
	if a.Sweep || a.Pace.Every != 72*time.Minute || !a.Pace.Proven.Equal(base) || len(a.Notices) != 2 {
		t.Fatalf("%+v", a)
	}
	if age := a.Notices[0].Age; age < 48*time.Hour || age > 49*time.Hour {
		t.Errorf("a notice of two days ago is %s old", age)
	}
	for i := range a.Notices {
		if a.Notices[i].ID == 0 {
			t.Errorf("notice %d has no number", i)
		}
		a.Notices[i].ID = 0
	}
	a.Notices[0].Age = 0
	want := []engine.Notice{{Stream: "Order", Object: "0", Change: engine.Updated}, {Stream: "Order", Object: "2", Change: engine.Merged, Loser: "9"}}
	if diff := cmp.Diff(want, a.Notices); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := f.Agenda(f.ctx, org.Lease{Connection: f.id, Fence: f.lease.Fence + 1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("another owner's: %v", err)
	}
	if _, err := f.Abandon(f.ctx, f.lease); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Agenda(f.ctx, f.lease); !fault.Is(err, fault.Conflict) {
		t.Errorf("after giving the lease back: %v", err)
	}
}

func TestAgendaHasAnEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var events []webhook.Event
	for i := range engine.MaxOfStream + 5 {
		events = append(events, event(fmt.Sprint("e", i), fmt.Sprint(i)))
	}
	f.tell(events...)
	a, err := f.Agenda(f.ctx, f.lease)
	if err != nil || len(a.Notices) != engine.MaxOfStream || !a.More {
		t.Fatalf("%d notices, more %t, %v", len(a.Notices), a.More, err)
	}
	var settled []int64
	for _, n := range a.Notices {
		settled = append(settled, n.ID)
	}
	other := f.Connect(t, "powergen", books, "realm-2")
	l := f.Lease(t, other)
	if _, err := f.Apply(f.ctx, l, 0, engine.Batch{Settled: settled}, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	if got := f.value(`SELECT count(*) FROM sync.notices WHERE settled_at IS NOT NULL`); got != "0" {
		t.Errorf("another connection's run has settled %s notices", got)
	}
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Settled: settled}, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	if got := f.rows(`SELECT count(*) FILTER (WHERE settled_at IS NULL), count(*) FILTER (WHERE outcome = 'read') FROM sync.notices`); got[0] != "(5,900)" {
		t.Errorf("open and read: %s", got)
	}
	if a, err := f.Agenda(f.ctx, f.lease); err != nil || len(a.Notices) != 5 {
		t.Errorf("%d notices are left, %v", len(a.Notices), err)
	}
}

// finish ends the fixture's run and begins another.
func (f *fixture) finish(r engine.Result) {
	f.Helper()
	if err := f.Finish(f.ctx, f.lease, f.run, r); err != nil {
		f.Fatal(err)
	}
	var err error
	if f.run, err = f.Begin(f.ctx, f.lease, []string{"Order"}, org.Schedule); err != nil {
		f.Fatal(err)
	}
}

func TestFinishSetsTheNextSweep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const due = `SELECT next_sync_at <= clock_timestamp() FROM sync.connections`
	done := engine.Result{Outcome: engine.Done, State: org.Active}
	f.finish(done)
	if f.value(due) != "true" {
		t.Error("a run that did not sweep has moved the sweep")
	}
	proven := time.Now().Truncate(time.Second).UTC()
	swept := done
	swept.Swept, swept.Pace, swept.Reason = true, engine.Pace{Every: time.Hour, Proven: proven}, "first loads wait until 1 December"
	began := f.value(`SELECT started_at FROM sync.runs WHERE id = $1`, f.run)
	f.finish(swept)
	var next, now time.Time
	if err := f.Pool.QueryRow(f.ctx, `SELECT next_sync_at, clock_timestamp() FROM sync.connections`).Scan(&next, &now); err != nil {
		t.Fatal(err)
	}
	if in := next.Sub(now); in < 0 || in > time.Hour+10*time.Second {
		t.Errorf("the next sweep is due in %s", in)
	}
	if grid := schedule.After(f.id, time.Hour, next.Add(-time.Microsecond)); !grid.Round(time.Microsecond).Equal(next) {
		t.Errorf("due at %s, the grid says %s", next, grid)
	}
	want := []string{`(01:00:00,t,t,"first loads wait until 1 December",active)`}
	got := f.rows(`SELECT sweep_every, webhooks_proven_at = $1::timestamptz, last_swept_at = $2::timestamptz, reason, state FROM sync.connections`, proven, began)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	swept.Pace, swept.Reason = engine.Pace{}, ""
	f.finish(swept)
	if got := f.rows(`SELECT sweep_every, webhooks_proven_at IS NOT NULL, reason FROM sync.connections`)[0]; got != `(01:00:00,t,"")` {
		t.Errorf("without a pace: %s", got)
	}
	swept.Pace = engine.Pace{Every: 3 * time.Minute}
	f.finish(swept)
	if got := f.rows(`SELECT sweep_every, webhooks_proven_at, next_sync_at < clock_timestamp() + interval '191 s' FROM sync.connections`)[0]; got != `(00:03:00,,t)` {
		t.Errorf("without trust: %s", got)
	}
	f.finish(engine.Result{Outcome: engine.Failed, Err: fault.New(fault.RateLimited, "wait"), NotUntil: time.Minute, Reason: "wait"})
	if got := f.rows(`SELECT not_before > now() + interval '50 s', next_sync_at > clock_timestamp() FROM sync.connections`)[0]; got != "(t,t)" {
		t.Errorf("after a failure: %s", got)
	}
}

// The budget may leave no call for a sweep that was due: the next one is due later all the same. What
// was read because of webhooks brings the next sweep forward, never back.
func TestFinishWithoutSweep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.finish(engine.Result{Outcome: engine.Done, State: org.Active, Pace: engine.Pace{Every: 4 * time.Hour}})
	if got := f.rows(`SELECT next_sync_at > clock_timestamp(), last_swept_at IS NULL, sweep_every FROM sync.connections`)[0]; got != "(t,t,04:00:00)" {
		t.Errorf("left out for want of calls: %s", got)
	}
	for _, tt := range []struct{ due, soon, want time.Duration }{
		{3 * time.Hour, 30 * time.Minute, 30 * time.Minute},
		{20 * time.Minute, 30 * time.Minute, 20 * time.Minute},
		{3 * time.Hour, 0, 3 * time.Hour},
	} {
		f.exec(`UPDATE sync.connections SET next_sync_at = clock_timestamp() + $1`, tt.due)
		f.finish(engine.Result{Outcome: engine.Done, State: org.Active, Soon: tt.soon})
		if f.value(`SELECT abs(extract(epoch FROM next_sync_at - clock_timestamp() - $1::interval)) < 60 FROM sync.connections`, tt.want) != "true" {
			t.Errorf("due in %s, soon %s: not in %s", tt.due, tt.soon, tt.want)
		}
	}
}

// Somebody who asks while a sweep is under way gets one that began after.
func TestFinishKeepsWhatWasAskedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, reason := range []org.Reason{org.Manual, org.Backfill, org.Reconcile, org.Webhook, org.Schedule} {
		f.exec(`UPDATE sync.connections SET next_sync_at = now()`)
		if _, ok, err := f.Acquire(f.ctx, f.id, reason, "another", time.Minute); ok || err != nil {
			t.Fatal(ok, err)
		}
		swept := engine.Result{Outcome: engine.Done, State: org.Active, Swept: true, Pace: engine.Pace{Every: 4 * time.Hour}}
		f.finish(swept)
		asked := reason != org.Webhook && reason != org.Schedule
		if a, err := f.Agenda(f.ctx, f.lease); err != nil || a.Sweep != asked {
			t.Errorf("%s: sweep again: %v, %v", reason, a.Sweep, err)
		}
		f.finish(swept)
		if a, err := f.Agenda(f.ctx, f.lease); err != nil || a.Sweep {
			t.Errorf("%s: a third sweep: %v, %v", reason, a.Sweep, err)
		}
	}
}

func TestLoadsShowProgress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	n := 0
	step := func(loading bool, total, records int) string {
		t.Helper()
		b := engine.Batch{Checkpoints: engine.Checkpoints{"Order": []byte(fmt.Sprint(n)), "Tag": []byte(`1`)}}
		if loading {
			b.Loading = []string{"Order"}
		}
		if total > 0 {
			b.Totals = map[string]int{"Order": total, "Tag": 99}
		}
		for range records {
			n++
			b.Records = append(b.Records, order(fmt.Sprint(n), 1))
		}
		b.Records = append(b.Records, deleted("gone", 1), tag("t", fmt.Sprint(n)))
		if _, err := f.Apply(f.ctx, f.lease, f.run, b, engine.Usage{}); err != nil {
			t.Fatal(err)
		}
		if got := f.rows(`SELECT load_total, load_done, load_started_at FROM sync.streams WHERE name = 'Tag'`)[0]; got != "(,0,)" {
			t.Errorf("a stream that is not loading: %s", got)
		}
		all, err := f.Overview(f.ctx)
		if err != nil {
			t.Fatal(err)
		}
		s := all[0].Streams[0]
		return fmt.Sprint(s.Loading, " ", s.LoadDone, "/", s.LoadTotal, " ", s.LoadShare, "% ", s.LoadLeft > 0)
	}
	for i, tt := range []struct {
		loading        bool
		total, records int
		want           string
	}{
		{true, 0, 2, "true 2/0 0% false"}, {true, 20, 3, "true 5/20 25% true"}, {true, 0, 10, "true 15/20 75% true"}, {true, 0, 9, "true 24/20 100% false"},
		{false, 0, 1, "false 0/0 0% false"}, {true, 7, 0, "true 0/7 0% false"}, {true, 0, 1, "true 1/7 14% true"}, {false, 0, 0, "false 0/0 0% false"},
	} {
		f.exec(`UPDATE sync.streams SET load_started_at = load_started_at - interval '10 min'`)
		if got := step(tt.loading, tt.total, tt.records); got != tt.want {
			t.Errorf("step %d: %s, want %s", i, got, tt.want)
		}
	}
}

func TestOverviewTellsOfTheSchedule(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Connect(t, "powergen", books, "realm-2")
	f.apply(order("1", 1), order("2", 2), deleted("2", 3), tag("a", "x"))
	f.tell(event("e1", "1"), event("e2", "2"))
	f.exec(`UPDATE sync.notices SET settled_at = now() WHERE event = 'e1'`)
	f.finish(engine.Result{Outcome: engine.Done, State: org.Active, Swept: true, Pace: engine.Pace{Every: time.Hour, Proven: base}})
	all, err := f.Overview(f.ctx)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	c := all[0]
	if c.OpenNotices != 1 || c.LastNotice == nil || c.NextSync == nil || c.LastSync == nil || c.SyncEvery != time.Hour || c.WebhooksProven == nil || !c.WebhooksProven.Equal(base) {
		t.Errorf("%+v", c)
	}
	if len(c.Streams) != 2 || c.Streams[0].Rows != 1 || c.Streams[1].Rows != 1 || len(c.Runs) != 2 {
		t.Errorf("streams %+v, %d runs", c.Streams, len(c.Runs))
	}
	if c := all[1]; c.NextSync != nil || c.LastNotice != nil || c.WebhooksProven != nil || c.SyncEvery != 0 || c.OpenNotices != 0 {
		t.Errorf("a new connection: %+v", c)
	}
}

// Whoever connects again gets all that changed meanwhile at once.
func TestConnectingAgainIsDue(t *testing.T) {
	t.Parallel()
	f := unleased(t, 4*time.Hour)
	f.exec(`UPDATE sync.connections SET state = 'needs_reauth'`)
	if r := f.tell(event("e1", "1")); len(r.Connections) != 0 {
		t.Errorf("ticks for one that does not sync: %+v", r)
	}
	l := holdAny(t, f.Store, f.id)
	if fresh, err := f.Activate(f.ctx, l, "realm-1", connect.Consent{}, [32]byte{1}, time.Now().Add(time.Hour)); !fresh || err != nil {
		t.Fatal(fresh, err)
	}
	if _, ok, err := f.Acquire(f.ctx, f.id, org.Schedule, "me", time.Minute); !ok || err != nil {
		t.Errorf("a scheduled tick afterwards: %v, %v", ok, err)
	}
}

// holdAny takes a connection's lease whatever its state.
func holdAny(t testing.TB, s *storetest.Store, id org.ConnectionID) org.Lease {
	t.Helper()
	l := org.Lease{Connection: id}
	err := s.Pool.QueryRow(t.Context(), `UPDATE sync.connections SET fence = fence + 1, lease_holder = 'test', lease_ttl = '1 min',
	lease_until = now() + interval '1 min' WHERE id = $1 RETURNING fence`, id).Scan(&l.Fence)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAFailingStreamLeavesRoom: however many notices of one stream stay open, another's are found.
func TestAFailingStreamLeavesRoom(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var events []webhook.Event
	for i := range engine.MaxNotices + 5 {
		events = append(events, event(fmt.Sprintf("e%05d", i), fmt.Sprint(i)))
	}
	last := event("z", "1")
	last.Stream = "Tag"
	f.tell(append(events, last)...)
	a, err := f.Agenda(f.ctx, f.lease)
	if err != nil || len(a.Notices) != engine.MaxOfStream+1 || a.Notices[len(a.Notices)-1].Stream != "Tag" || !a.More {
		t.Errorf("%d notices, more %t, %v; want all of one stream and the other's", len(a.Notices), a.More, err)
	}
}
