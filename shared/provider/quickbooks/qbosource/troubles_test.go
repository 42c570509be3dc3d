package qbosource_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// What goes wrong on the way: what is tried again, what is said, and that the next run mends it.
func TestTroublesOnTheWay(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	for i, tt := range []struct {
		name    string
		fault   qbosim.Fault
		retries int
		outcome engine.Outcome
		kind    fault.Kind // of the run
		stream  fault.Kind // of the stream Invoice
		state   org.State
		says    string
	}{
		{name: "one HTML 502 is tried again", fault: qbosim.Fault{Kind: qbosim.HTML502, Entity: "Invoice", Times: 1}, retries: 1, outcome: engine.Done},
		{name: "HTML 502 for one stream leaves the others be", fault: qbosim.Fault{Kind: qbosim.HTML502, Entity: "Invoice", On: qbosim.Query, Times: 2}, retries: 1,
			outcome: engine.Partial, stream: fault.Unavailable, says: "QuickBooks"},
		{name: "HTML 502 for everything", fault: qbosim.Fault{Kind: qbosim.HTML502}, outcome: engine.Failed, kind: fault.Unavailable, says: "QuickBooks"},
		{name: "truncated JSON is tried again", fault: qbosim.Fault{Kind: qbosim.TruncatedJSON, Entity: "Invoice", Times: 1}, retries: 1, outcome: engine.Done},
		{name: "truncated JSON again and again", fault: qbosim.Fault{Kind: qbosim.TruncatedJSON, Entity: "Invoice", On: qbosim.Query, Times: 2}, retries: 1,
			outcome: engine.Partial, stream: fault.Unavailable, says: "QuickBooks"},
		{name: "an empty body is no empty company", fault: qbosim.Fault{Kind: qbosim.EmptyBody, Entity: "Invoice", On: qbosim.Query, Times: 1}, outcome: engine.Partial, stream: fault.Unavailable, says: "QuickBooks"},
		{name: "a fault inside HTTP 200", fault: qbosim.Fault{Kind: qbosim.FaultIn200, Entity: "Invoice", On: qbosim.Query, Times: 1}, outcome: engine.Partial, says: "QuickBooks"},
		{name: "XML 429", fault: qbosim.Fault{Kind: qbosim.XML429, Times: 1}, outcome: engine.Failed, kind: fault.RateLimited, says: "QuickBooks"},
		{name: "a subscription that has ended", fault: qbosim.Fault{Kind: qbosim.Status6190, Times: 1}, outcome: engine.Failed, kind: fault.Paused, state: org.Paused, says: "subscription"},
		{name: "an app that is not entitled", fault: qbosim.Fault{Kind: qbosim.Forbidden403}, outcome: engine.Failed, kind: fault.Forbidden, stream: fault.Forbidden, says: "QuickBooks"},
		{name: "a cut connection is tried again", fault: qbosim.Fault{Kind: qbosim.LostAnswer, Entity: "Invoice", Times: 1}, retries: 1, outcome: engine.Done},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, db, fmt.Sprintf("9140%d", i), 30, 10)
			w.retries = tt.retries
			w.rateWaits = -1 // what waits for a minute is the client's own test
			remove := w.sim.Inject(tt.fault)
			rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil)
			r := rep.Result
			if r.Outcome != tt.outcome || fault.Of(err) != tt.kind {
				t.Errorf("outcome %q, error %v; want %q, kind %q", r.Outcome, err, tt.outcome, tt.kind)
			}
			if tt.stream != "" && fault.Of(r.Streams["Invoice"]) != tt.stream {
				t.Errorf("Invoice failed with %v, want %s", r.Streams["Invoice"], tt.stream)
			}
			if tt.state != "" && r.State != tt.state {
				t.Errorf("state %q, want %q", r.State, tt.state)
			}
			if said := fmt.Sprint(r.Reason, r.Streams); !strings.Contains(said, tt.says) {
				t.Errorf("said %q, want words with %q", said, tt.says)
			}
			remove()
			w.wake()
			w.clock.add(3 * time.Minute)
			w.sync()
			w.agree()
		})
	}
}

// Records that cannot be stored are put aside with their reason; the rest goes on.
func TestRecordsThatCannotBeStored(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9150", 30, 10)
	at := w.clock.now().Add(-time.Hour)
	bad := map[string]string{ // raw → reason
		`{"SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"TotalAmt":5}`:                     "the record has no Id",
		`{"Id":"b1","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"TotalAmt":"a lot"}`:                     "TotalAmt is text, not a number",
		`{"Id":"b2","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"Line":[{"Amount":"x"}]}`:                "Line[1].Amount is text, not a number",
		`{"Id":"b3","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"PrivateNote":"a\u0000b"}`:               "the record holds the character U+0000, which PostgreSQL cannot store",
		`{"Id":"b4","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"CustomerRef":"12"}`:                     "CustomerRef is not an object",
		`{"Id":"b5","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"PrivateNote":"\ud800 alone","Line":[]}`: "",
	}
	n := 0
	for raw := range bad {
		n++
		w.company.PutRaw("Invoice", fmt.Sprint("bad", n), at, raw)
	}
	good := map[string]string{
		"g1": `{"Id":"g1","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"TotalAmt":"12.50","NewField":{"deep":[1]}}`,
		"g2": `{"Id":"g2","MetaData":{"LastUpdatedTime":"2026-05-05T02:00:00-07:00"},"Line":[` + strings.Repeat(`{"Amount":1.00,"Description":"`+strings.Repeat("x", 1000)+`"},`, 10_000) + `{"Amount":2}]}`,
	}
	for id, raw := range good {
		w.company.PutRaw("Invoice", id, at, raw)
	}
	r := w.sync()
	if r.Applied.Dead != len(bad) {
		t.Errorf("%d dead letters, want %d", r.Applied.Dead, len(bad))
	}
	reasons := w.column(`SELECT reason FROM sync.dead_letters WHERE connection_id = $1 AND resolved_at IS NULL ORDER BY reason`, w.conn.ID)
	for raw, reason := range bad {
		if !strings.Contains(strings.Join(reasons, "\n"), reason) {
			t.Errorf("%.60s: no dead letter says %q, but\n%s", raw, reason, strings.Join(reasons, "\n"))
		}
	}
	if got := w.column(`SELECT total_amt::text FROM quickbooks.invoices WHERE id = 'g1' AND connection_id = $1`, w.conn.ID); len(got) != 1 || got[0] != "12.50" {
		t.Errorf("amount %v, want 12.50", got)
	}
	if got := w.column(`SELECT count(*)::text FROM quickbooks.invoice_lines WHERE invoice_id = 'g2' AND connection_id = $1`, w.conn.ID); got[0] != "10001" {
		t.Errorf("%s lines of the long invoice, want 10001", got[0])
	}

	// The object is mended in QuickBooks: its letter is resolved.
	w.clock.add(3 * time.Minute)
	w.company.PutRaw("Invoice", "bad-later", w.clock.now(), `{"Id":"b1","MetaData":{"LastUpdatedTime":"`+w.clock.now().Format(time.RFC3339)+`"},"TotalAmt":7}`)
	w.clock.add(time.Minute)
	w.sync()
	if got := w.column(`SELECT count(*)::text FROM sync.dead_letters WHERE record_id = 'b1' AND resolved_at IS NULL`); got[0] != "0" {
		t.Error("the letter of a mended invoice is still open")
	}
}

// Change data capture has its limits; none of them loses a change.
func TestChangesBeyondChangeDataCapture(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	t.Run("more than 1000 changes of one entity, deletions among them", func(t *testing.T) {
		w := newWorld(t, db, "9160", 20, 0)
		w.sync()
		k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
		for i := range 1100 {
			if i%100 == 0 {
				w.clock.add(time.Second)
			}
			if err := k.create(); err != nil {
				t.Fatal(err)
			}
		}
		for range 15 {
			if err := k.remove(); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.add(3 * time.Minute)
		w.sync()
		w.agree()
		w.clock.add(3 * time.Minute)
		before := w.sim.Stats().Metered
		w.sync()
		if n := w.sim.Stats().Metered - before; n != 1 {
			t.Errorf("the tick after it took %d calls, want 1", n)
		}
	})
	t.Run("a checkpoint that is 31 days old", func(t *testing.T) {
		w := newWorld(t, db, "9161", 60, 20)
		w.sync()
		k := &worker{world: w, rand: rand.New(rand.NewPCG(2, 1))}
		for range 10 {
			if err := k.remove(); err != nil {
				t.Fatal(err)
			}
			if err := k.edit(); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.add(31 * 24 * time.Hour)
		w.sync()
		w.agree()
	})
	t.Run("a living object that it calls deleted", func(t *testing.T) {
		w := newWorld(t, db, "9162", 20, 0)
		w.sync()
		k := &worker{world: w, rand: rand.New(rand.NewPCG(3, 1))}
		w.clock.add(3 * time.Minute)
		if err := k.edit(); err != nil {
			t.Fatal(err)
		}
		w.sim.Inject(qbosim.Fault{Kind: qbosim.FalseTombstone, On: qbosim.CDC, Times: 1})
		w.clock.add(time.Second)
		w.sync()
		w.agree()
	})
	t.Run("every kind of change at once", func(t *testing.T) {
		w := newWorld(t, db, "9163", 60, 0)
		w.sync()
		k := &worker{world: w, rand: rand.New(rand.NewPCG(4, 1))}
		for round := range 5 {
			for range 8 {
				for _, do := range []func() error{k.create, k.edit, k.remove} {
					if err := do(); err != nil {
						t.Fatal(err)
					}
				}
				w.clock.add(time.Duration(k.rand.IntN(3000)) * time.Millisecond)
			}
			if err := w.company.Void("Invoice", k.pick("Invoice")); err != nil {
				t.Logf("round %d: void: %v", round, err)
			}
			w.clock.add(3 * time.Minute)
			w.sync()
			w.agree()
		}
	})
}
