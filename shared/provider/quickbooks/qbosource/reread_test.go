package qbosource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// again orders that streams be read again.
func again(r engine.Reading, streams ...string) engine.Order {
	return engine.Order{Reason: org.Backfill, Reread: func(context.Context, engine.Rereader) (map[string]engine.Reading, error) {
		all := map[string]engine.Reading{}
		for _, name := range streams {
			all[name] = r
		}
		return all, nil
	}}
}

// loading counts the streams that are still being loaded or read again.
func (w *world) loading() string {
	w.t.Helper()
	return w.column(`SELECT count(*)::text FROM sync.streams WHERE connection_id = $1 AND loading`, w.conn.ID)[0]
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.store.Pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// damage plants what no change will ever tell of: values, missing rows, rows that nobody has.
func (w *world) damage() {
	w.exec(`DELETE FROM quickbooks.invoice_lines WHERE connection_id = $1 AND invoice_id IN (SELECT min(id) FROM quickbooks.invoices WHERE connection_id = $1)`, w.conn.ID)
	w.exec(`UPDATE quickbooks.invoices SET total_amt = total_amt + 1 WHERE connection_id = $1 AND id IN (SELECT max(id) FROM quickbooks.invoices WHERE connection_id = $1)`, w.conn.ID)
	w.exec(`UPDATE quickbooks.payments SET deleted_at = now() WHERE connection_id = $1 AND id IN (SELECT max(id) FROM quickbooks.payments WHERE connection_id = $1)`, w.conn.ID)
}

// A re-reading is broken off at any call and goes on; changes are followed all the time; in the end
// all is right, and nothing is left of it.
func TestRereadingIsBrokenOffAnywhere(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	for seed := range 20 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, db, fmt.Sprintf("9220%d", seed), 45, 10)
			w.sync()
			w.damage()
			k := &worker{world: w, rand: rand.New(rand.NewPCG(uint64(seed), 9))}
			w.clock.add(5 * time.Minute)
			order := again(engine.Reading{Name: "2026-W19", Verify: true}, "Invoice", "Payment", "Customer")
			if err := k.remove(); err != nil {
				t.Fatal(err)
			}
			runs := 0
			for done := false; !done; runs++ {
				if runs > 60 {
					t.Fatal("it never ends")
				}
				calls, stop := 1+k.rand.IntN(6), make(chan struct{})
				w.each(func(*http.Request) {
					w.clock.add(time.Second)
					if calls--; calls == 0 {
						close(stop)
					}
				})
				rep, err := w.engine.Run(context.Background(), w.conn, order, stop)
				if err != nil {
					t.Fatal(err)
				}
				w.each(nil)
				for _, do := range []func() error{k.create, k.edit, k.remove} {
					if runs < 6 {
						if err := do(); err != nil {
							t.Fatal(err)
						}
					}
				}
				w.clock.add(3 * time.Minute)
				done = rep.Result.Outcome == engine.Done && w.loading() == "0"
				order = engine.Order{Reason: org.Manual}
				if runs < 3 { // a job that is started again orders it again
					order = again(engine.Reading{Name: "2026-W19", Verify: true}, "Invoice", "Payment", "Customer")
				}
			}
			w.sync()
			w.agree()
			if left := w.column(`SELECT count(*)::text FROM sync.census WHERE connection_id = $1`, w.conn.ID); left[0] != "0" {
				t.Errorf("%s ids are left of the census", left[0])
			}
		})
	}
}

// While a stream is read again its changes come with each sweep, though the reading waits.
func TestRereadingWaitsAndChangesDoNot(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9221", 30, 10)
	w.sync()
	w.damage()
	floor, stop := engine.Rereading, make(chan struct{})
	w.engine.Allow = allow(&floor)
	w.each(func(r *http.Request) {
		if asks(r, "COUNT(*) FROM Invoice") {
			close(stop)
		}
	})
	if _, err := w.engine.Run(t.Context(), w.conn, again(engine.Reading{Name: "x"}, "Invoice"), stop); err != nil {
		t.Fatal(err)
	}
	w.each(nil)
	floor = engine.Timing
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 9))}
	if err := k.create(); err != nil {
		t.Fatal(err)
	}
	w.clock.add(3 * time.Minute)
	if n := w.metered(); n != 1 {
		t.Errorf("%d calls while the re-reading waits, want 1", n)
	}
	if got := w.column(`SELECT count(*)::text FROM quickbooks.invoices WHERE connection_id = $1 AND doc_number = 'N-1'`, w.conn.ID); got[0] != "1" || w.loading() != "1" {
		t.Errorf("a new invoice: %s rows; %s streams loading, want 1 and 1", got[0], w.loading())
	}
	floor = engine.Rereading
	w.sync()
	if w.loading() != "0" {
		t.Error("the re-reading did not go on")
	}
}

// A stretch of time is read again: what is outside it stays as it is, and nothing is taken for deleted.
func TestRereadingAStretchOfTime(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9222", 60, 10)
	w.sync()
	updated := w.column(`SELECT meta_data_last_updated_time::text FROM quickbooks.invoices WHERE connection_id = $1 ORDER BY meta_data_last_updated_time`, w.conn.ID)
	at := func(i int) time.Time {
		d, err := time.Parse("2006-01-02 15:04:05-07", updated[i])
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	from, to := at(20), at(39)
	w.declare("Invoice", func(t *catalog.Table) {
		for _, r := range t.Relations() {
			w.exec(`DELETE FROM `+r.Qualified()+` WHERE connection_id = $1`, w.conn.ID)
		}
	})
	if _, err := w.engine.Run(t.Context(), w.conn, again(engine.Reading{Name: "May", From: from, To: to}, "Invoice"), nil); err != nil {
		t.Fatal(err)
	}
	got := w.column(`SELECT meta_data_last_updated_time::text FROM quickbooks.invoices WHERE connection_id = $1 ORDER BY meta_data_last_updated_time`, w.conn.ID)
	want := slices.DeleteFunc(slices.Clone(updated), func(s string) bool { return s < updated[20] || s > updated[39] })
	if !slices.Equal(got, want) || w.loading() != "0" {
		t.Errorf("%d invoices came back, want %d; %s streams loading", len(got), len(want), w.loading())
	}
}

// What Reread does with a checkpoint.
func TestReread(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9223", 5, 0)
	w.tables = quickbooks.Catalog()
	s := w.source()
	now := w.clock.now()
	loaded := fmt.Sprintf(`{"since":%q}`, now.Format(time.RFC3339))
	for _, tt := range []struct {
		name, stream, at string
		reading          engine.Reading
		kind             fault.Kind
		same             bool
		says             string
	}{
		{name: "a stream that is not one", stream: "Nothing", at: loaded, reading: engine.Reading{Name: "x"}, kind: fault.Invalid},
		{name: "a reading without a name", stream: "Invoice", at: loaded, kind: fault.Invalid},
		{name: "a range that is not one", stream: "Invoice", at: loaded, reading: engine.Reading{Name: "x", From: now, To: now.Add(-1)}, kind: fault.Invalid},
		{name: "not loaded yet", stream: "Invoice", reading: engine.Reading{Name: "x"}, same: true},
		{name: "a feature that is off", stream: "Class", at: loaded[:len(loaded)-1] + `,"off":"2026-05-05T10:00:00Z"}`, reading: engine.Reading{Name: "x"}, same: true},
		{name: "loaded", stream: "Invoice", at: loaded, reading: engine.Reading{Name: "x"}, says: `"census":"x"`},
		{name: "the changes go on", stream: "Invoice", at: loaded, reading: engine.Reading{Name: "x"}, says: `"since"`},
		{name: "a range needs no census", stream: "Invoice", at: loaded, reading: engine.Reading{Name: "x", To: now}, says: `"reread":{"name":"x","to"`},
		{name: "one that is under way", stream: "Invoice", at: loaded[:len(loaded)-1] + `,"reread":{"name":"x"}}`, reading: engine.Reading{Name: "x"}, same: true},
		{name: "another one is under way", stream: "Invoice", at: loaded[:len(loaded)-1] + `,"reread":{"name":"y"}}`, reading: engine.Reading{Name: "x"}, says: `"name":"x"`},
		{name: "a damaged checkpoint", stream: "Invoice", at: `{"since":17}`, reading: engine.Reading{Name: "x", Verify: true}, says: `{"load":{"name":"x","census":"x","verify":true}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Reread(tt.stream, json.RawMessage(tt.at), tt.reading)
			if fault.Of(err) != tt.kind || tt.same && string(got) != tt.at || !strings.Contains(string(got), tt.says) {
				t.Errorf("%s, %v; want same %v, words %s, kind %q", got, err, tt.same, tt.says, tt.kind)
			}
		})
	}
	if n, err := s.Count(t.Context(), "Customer"); err != nil || n != w.company.Count("Customer") {
		t.Errorf("%d customers, %v; want %d, inactive ones among them", n, err, w.company.Count("Customer"))
	}
	if _, err := s.Count(t.Context(), "Nothing"); !fault.Is(err, fault.Invalid) {
		t.Errorf("counted nothing: %v", err)
	}
}

// A checkpoint that cannot be read stops its stream only, and reading it again mends that.
func TestADamagedCheckpoint(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9224", 20, 0)
	w.sync()
	w.exec(`UPDATE sync.streams SET checkpoint = '{"since": 17}' WHERE connection_id = $1 AND name = 'Customer'`, w.conn.ID)
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 9))}
	if err := k.edit(); err != nil {
		t.Fatal(err)
	}
	w.clock.add(3 * time.Minute)
	rep, err := w.engine.Run(t.Context(), w.conn, engine.Order{Reason: org.Manual}, nil)
	if err != nil || rep.Result.Outcome != engine.Partial || len(rep.Result.Streams) != 1 || rep.Result.Applied.Written == 0 {
		t.Errorf("%v, %+v; want one stream failed and the others synced", err, rep.Result)
	}
	if _, err := w.engine.Run(t.Context(), w.conn, again(engine.Reading{Name: "x"}, "Customer"), nil); err != nil {
		t.Fatal(err)
	}
	w.sync()
	w.agree()
}

// Progress is told once a load has more than one page: how many there are, how many are read.
func TestProgress(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9225", 35, 10)
	w.sync()
	stop := make(chan struct{})
	pages := 0
	w.each(func(r *http.Request) {
		if asks(r, "FROM Invoice", "MAXRESULTS") {
			if pages++; pages == 3 {
				close(stop)
			}
		}
	})
	if _, err := w.engine.Run(t.Context(), w.conn, again(engine.Reading{Name: "x"}, "Invoice"), stop); err != nil {
		t.Fatal(err)
	}
	got := w.column(`SELECT load_total || ' ' || (load_done BETWEEN 1 AND 34) FROM sync.streams WHERE connection_id = $1 AND name = 'Invoice'`, w.conn.ID)
	if got[0] != "35 true" {
		t.Errorf("progress %s", got[0])
	}
}
