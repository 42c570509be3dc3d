package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

// mortal is the store of a process that dies at one of its batches, before or after that is stored:
// nothing comes from it any more, not even that it gives its lease back.
type mortal struct {
	*storetest.Store
	left  int
	after bool
	die   func()
	dead  bool
}

var errKilled = fault.New(fault.Conflict, "the process is dead")

func (m *mortal) Apply(ctx context.Context, l org.Lease, run engine.RunID, b engine.Batch, u engine.Usage) (n engine.Applied, err error) {
	m.left--
	if m.left > 0 || m.after {
		n, err = m.Store.Apply(ctx, l, run, b, u)
	}
	if m.left > 0 || err != nil {
		return n, err
	}
	m.dead = true
	m.die()
	return engine.Applied{}, errKilled
}

func (m *mortal) Finish(ctx context.Context, l org.Lease, run engine.RunID, r engine.Result) error {
	if m.dead {
		return errKilled
	}
	return m.Store.Finish(ctx, l, run, r)
}

func (m *mortal) Abandon(ctx context.Context, l org.Lease) (bool, error) {
	if m.dead {
		return false, errKilled
	}
	return m.Store.Abandon(ctx, l)
}

// doomed does f in a process that is killed, or stopped, at some moment, and reports whether it was.
func (w *world) doomed(dice *rand.Rand, f func(context.Context, *reconcile.Worker) error) (ended bool) {
	w.Helper()
	worker := w.worker()
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	if dice.IntN(2) == 0 {
		e := w.engine()
		e.Store = &mortal{Store: w.store, left: 1 + dice.IntN(25), after: dice.IntN(2) == 0, die: cancel}
		worker.Run = e.Run
	} else {
		at := 1 + dice.IntN(25)
		w.each(func(call int, _ *http.Request) {
			if call == at {
				cancel()
			}
		})
		defer w.each(nil)
	}
	err := f(ctx, worker)
	if err != nil && !fault.Is(err, fault.Stopped) {
		w.Fatal(err)
	}
	w.exec(`UPDATE sync.connections SET lease_until = now() - interval '1 second' WHERE id = $1 AND lease_until IS NOT NULL`, w.conn.ID)
	return err != nil
}

// A full check and a backfill that are killed or stopped at any moment, again and again, find and
// mend the same: nothing is lost, nothing is counted twice.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, quickbooks.Catalog()...)
	for n, job := range map[string]func(w *world) func(context.Context, *reconcile.Worker) error{
		"full check": func(w *world) func(context.Context, *reconcile.Worker) error {
			return func(ctx context.Context, worker *reconcile.Worker) error {
				_, err := worker.Check(ctx, w.conn, reconcile.Check{Tables: w.tables, Full: true})
				return err
			}
		},
		"backfill": func(w *world) func(context.Context, *reconcile.Worker) error {
			return func(ctx context.Context, worker *reconcile.Worker) error {
				_, err := worker.Backfill(ctx, w.conn, reconcile.Backfill{Streams: streams})
				return err
			}
		},
	} {
		t.Run(n, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, db, n, 12, streams...)
			w.page = 6
			kills := 0
			for seed := range uint64(10) {
				w.pass(time.Hour)
				dice := rand.New(rand.NewPCG(seed, 2))
				want, names := w.plant(dice, 5)
				before := w.readings()
				for w.doomed(dice, job(w)) {
					kills++
					w.pass(time.Minute)
					if dice.IntN(3) == 0 {
						w.sync() // the schedule does its work meanwhile
					}
				}
				all := w.readings()[len(before):]
				if diff := cmp.Diff(want, told(all)); diff != "" {
					t.Errorf("seed %d, %q: found (-want +got):\n%s", seed, names, diff)
				}
				for _, r := range all {
					// The last object before an end is met again after it.
					if r.Checked < w.company.Count(r.Stream) || r.Mended != r.Wrong() || r.Ended.IsZero() {
						t.Errorf("seed %d: %+v; want %d checked, all mended, and ended", seed, r, w.company.Count(r.Stream))
					}
				}
				w.agree()
			}
			if kills < 10 {
				t.Errorf("killed %d times only", kills)
			}
		})
	}
}

// readings are all comparisons of values so far.
func (w *world) readings() []reconcile.Reading {
	w.Helper()
	s, err := w.store.Standing(w.Context(), w.conn.ID)
	if err != nil {
		w.Fatal(err)
	}
	return slices.DeleteFunc(s.Readings, func(r reconcile.Reading) bool { return !r.Values })
}

// Two jobs at once work on one reading, one after the other, or one begins its own when the other's has
// ended: what one finds the other does not find again.
func TestTwoJobsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 30, streams...)
	w.page = 6
	w.pass(time.Hour)
	want, _ := w.plant(rand.New(rand.NewPCG(1, 3)), 12)
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i := range errs {
		worker := w.worker()
		worker.Wait = func(ctx context.Context, _ time.Duration) error {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
			return ctx.Err()
		}
		worker.Now = func() time.Time { return w.clock().Add(time.Duration(i) * time.Millisecond) }
		e := w.engine()
		e.Holder, e.Budget = fmt.Sprint("job ", i), 100*time.Millisecond // they take turns
		worker.Run = e.Run
		both.Go(func() {
			_, errs[i] = worker.Check(t.Context(), w.conn, reconcile.Check{Tables: w.tables, Full: true})
		})
	}
	both.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, told(w.readings())); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	w.agree()
}

// A job whose turn comes when another of the same round has read everything does not begin again: that
// would wipe out what was found.
func TestJobThatComesTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 12, streams...)
	w.pass(time.Hour)
	want, _ := w.plant(rand.New(rand.NewPCG(1, 3)), 6)
	check := reconcile.Check{Tables: w.tables, Full: true}
	late, first := w.worker(), true
	run := late.Run
	late.Run = func(ctx context.Context, c org.Connection, o engine.Order, stop <-chan struct{}) (engine.Report, error) {
		if first { // it has planned what to do
			first = false
			if _, err := w.worker().Check(ctx, w.conn, check); err != nil {
				t.Error(err)
			}
		}
		return run(ctx, c, o, stop)
	}
	if _, err := late.Check(t.Context(), w.conn, check); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, told(w.readings())); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	w.agree()
}

// A backfill of a range of time brings back what was damaged there, and touches nothing else.
func TestBackfillOfARange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 12, streams...)
	w.pass(10 * 24 * time.Hour)
	invoices := slices.Collect(w.company.IDs("Invoice"))
	from := w.clock().Add(-time.Hour)
	for _, id := range invoices[:3] {
		if _, err := w.company.Update("Invoice", fmt.Sprintf(`{"Id":%q,"sparse":true,"PrivateNote":"edited"}`, id)); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(time.Hour)
	w.sync()
	to := w.clock()
	w.pass(24 * time.Hour)

	invoice := w.table("Invoice")
	damages[4].plant(w, invoice, invoices[0])
	damages[0].plant(w, invoice, invoices[1])
	damages[4].plant(w, invoice, invoices[5]) // not changed in that time
	damages[3].plant(w, invoice, invoices[2]) // not at QuickBooks
	readings, err := w.worker().Backfill(t.Context(), w.conn, reconcile.Backfill{Streams: []string{"Invoice"}, From: from, To: to})
	if err != nil || len(readings) != 1 {
		t.Fatalf("%+v, %v", readings, err)
	}
	if diff := cmp.Diff(map[string]map[string]int{"Invoice": {"missing": 1, "damaged": 1}}, told(readings)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if r := readings[0]; r.Checked != 3 || r.Mended != 2 || r.Ended.IsZero() {
		t.Errorf("%+v; want three invoices read, two mended", r)
	}
	diff := w.diff("Invoice")
	if len(diff.Missing)+len(diff.Stale) != 0 || len(diff.Surplus) != 1 || len(diff.WrongColumns) == 0 {
		t.Errorf("afterwards %v; want what lies outside as it was", diff)
	}

	if _, err := w.worker().Backfill(t.Context(), w.conn, reconcile.Backfill{Streams: []string{"Invoice"}}); err != nil {
		t.Fatal(err)
	}
	w.agree()
}

// A backfill of a company that nobody has synced yet is its first load.
func TestBackfillOfANewCompany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 12)
	w.tables = declared(streams...)
	w.page = 5
	if _, err := w.worker().Backfill(t.Context(), w.conn, reconcile.Backfill{Streams: streams}); err != nil {
		t.Fatal(err)
	}
	w.agree()
}

// Changes come in as always while a stream is read again.
func TestChangesWhileReading(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 40, streams...)
	w.page = 5
	w.pass(time.Hour)
	dice := rand.New(rand.NewPCG(1, 4))
	w.plant(dice, 10)
	w.each(func(call int, r *http.Request) {
		if r.URL.Path[len(r.URL.Path)-3:] == "cdc" || call%2 == 0 {
			return
		}
		w.pass(time.Second)
		ids := slices.Collect(w.company.IDs("Invoice"))
		id := ids[dice.IntN(len(ids))]
		if dice.IntN(4) == 0 {
			w.company.Delete("Invoice", id) //nolint:errcheck // one with payments cannot be
			return
		}
		w.company.Update("Invoice", fmt.Sprintf(`{"Id":%q,"sparse":true,"PrivateNote":"edit %d"}`, id, call)) //nolint:errcheck // see above
	})
	if _, err := w.worker().Backfill(t.Context(), w.conn, reconcile.Backfill{Streams: streams}); err != nil {
		t.Fatal(err)
	}
	w.each(nil)
	w.pass(time.Hour)
	w.sync()
	w.agree()
}

// Whoever looks at a reading that is under way sees how far it is.
func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 40, streams...)
	w.page = 8
	w.pass(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	pages := 0
	w.each(func(_ int, r *http.Request) {
		if q := r.URL.Query().Get("query"); strings.Contains(q, "FROM Invoice") && !strings.Contains(q, "COUNT") {
			if pages++; pages == 4 {
				cancel()
			}
		}
	})
	var log bytes.Buffer
	worker := w.worker()
	worker.Log = slog.New(slog.NewTextHandler(&log, nil))
	if _, err := worker.Backfill(ctx, w.conn, reconcile.Backfill{Streams: []string{"Invoice"}}); !fault.Is(err, fault.Stopped) {
		t.Fatal(err)
	}
	s, err := w.store.Standing(t.Context(), w.conn.ID)
	if err != nil {
		t.Fatal(err)
	}
	at := s.Streams["Invoice"]
	if !at.Loading || at.Total != w.company.Count("Invoice") || at.Done < 8 || at.Done > at.Total || at.Share() < 8*100/at.Total {
		t.Errorf("%+v of %d invoices", at, w.company.Count("Invoice"))
	}
	if err := worker.Progress(t.Context(), w.conn); err != nil || !strings.Contains(log.String(), fmt.Sprintf("event=progress org=onpoint connection=%s stream=Invoice done=%d total=%d share=%d%% left=", w.conn.ID, at.Done, at.Total, at.Share())) {
		t.Errorf("%v, log %s", err, &log)
	}
}
