package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// part keeps records back.
func (f *fixture) part(records ...engine.Record) {
	f.Helper()
	if n := f.applyBatch(engine.Batch{Part: true, Records: records}); n != (engine.Applied{}) {
		f.Errorf("a part came to %+v before its unit has ended", n)
	}
}

// live lists the connection's live ids of both streams.
func (f *fixture) live() string {
	f.Helper()
	return f.value(`SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM (
		SELECT id FROM testbooks.orders WHERE deleted_at IS NULL AND connection_id = $1 UNION ALL SELECT id FROM testbooks.tags WHERE deleted_at IS NULL AND connection_id = $1) AS l`, f.id)
}

// Until its last batch has come a unit has changed nothing; then it has changed everything.
func TestUnitIsOneTransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.apply(tag("old", "x"))
	f.part(order("1", 1), tag("t", "a"))
	f.part(order("2", 1), engine.Record{Stream: "Order", ID: "odd", Problem: "odd"})
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Part: true, Records: []engine.Record{order("1", 2), {Stream: "Order", ID: "old", Deleted: true}}}, engine.Usage{Calls: 4, Metered: 1}); err != nil {
		t.Fatal(err)
	}
	if got := f.live(); got != "old" {
		t.Errorf("live rows before the unit has ended: %q", got)
	}
	if got := f.rows(`SELECT parts, batches, calls, written, (SELECT sum(calls) FROM sync.api_usage), (SELECT count(*) FROM sync.dead_letters), (SELECT count(*) FROM sync.parts) FROM sync.runs`); got[0] != "(3,4,4,1,4,0,3)" {
		t.Errorf("the run before the unit has ended: %s", got[0])
	}
	n := f.applyBatch(engine.Batch{Records: []engine.Record{tag("t", "b"), deleted("2", 5)}, Checkpoints: engine.Checkpoints{"Order": []byte(`2`)}, Loading: []string{"Order"}, Totals: map[string]int{"Order": 9}})
	if n != (engine.Applied{Written: 5, Deleted: 2, Dead: 1}) {
		t.Errorf("applied %+v", n)
	}
	if got := f.live(); got != "1 old t" {
		t.Errorf("live rows after the unit: %q", got)
	}
	if got := f.value(`SELECT (SELECT label FROM testbooks.tags WHERE id = 't') || (SELECT name FROM testbooks.orders WHERE id = '1') || (SELECT record_id FROM sync.dead_letters)`); got != "bv2odd" {
		t.Errorf("what came later in the unit: %q", got)
	}
	if got := f.rows(`SELECT r.parts, r.batches, r.written, r.deleted, r.dead, s.checkpoint, s.load_done, s.load_total, (SELECT count(*) FROM sync.parts) FROM sync.runs AS r, sync.streams AS s WHERE s.name = 'Order'`); got[0] != "(0,5,6,2,1,2,4,9,0)" {
		t.Errorf("the run after the unit: %s", got[0])
	}
}

// Whoever dies between two parts has changed nothing, and the next run begins anew.
func TestUnitThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.part(order("1", 1))
	f.part(order("2", 1))
	f.begin() // the process was killed: another one has the lease
	f.part(order("3", 1))
	if got := f.value(`SELECT string_agg(run_id || ':' || number, ' ') FROM sync.parts`); got != fmt.Sprintf("%d:1", f.run) {
		t.Errorf("kept back: %s", got)
	}
	f.applyBatch(engine.Batch{Records: []engine.Record{order("4", 1)}})
	if got := f.live(); got != "3 4" {
		t.Errorf("live: %q", got)
	}
	f.part(order("5", 1))
	if err := f.Finish(f.ctx, f.lease, f.run, engine.Result{Outcome: engine.Halted}); err != nil {
		t.Fatal(err)
	}
	if got := f.value(`SELECT count(*) FROM sync.parts`); got != "0" {
		t.Errorf("%s parts are left of a run that has ended", got)
	}
	f.begin()
	f.part(order("6", 1))
	f.exec(`UPDATE sync.connections SET lease_until = now() - interval '2 h' WHERE id = $1`, f.id)
	other := f.id
	f.connect("realm-2")
	f.part(order("7", 1))
	if n, err := f.Prune(f.ctx); err != nil || n != 1 {
		t.Errorf("dropped %d, %v", n, err)
	}
	if got := f.rows(`SELECT connection_id FROM sync.parts`); len(got) != 1 || got[0] == "("+other.String()+")" {
		t.Errorf("after pruning: %v", got)
	}
	f.applyBatch(engine.Batch{})
	if got := f.live(); got != "7" {
		t.Errorf("live: %q", got)
	}
}

// A crash of the server takes what is kept back: the unit is refused as a whole, and read anew.
func TestUnitLostInACrash(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, crash := range []string{`TRUNCATE sync.parts`, `DELETE FROM sync.parts WHERE number = 2`, `DELETE FROM sync.parts WHERE number = 3`} {
		f.begin()
		f.part(order("1", 1))
		f.part(order("2", 1))
		f.part(order("3", 1))
		f.exec(crash)
		_, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Records: []engine.Record{order("4", 1)}, Checkpoints: engine.Checkpoints{"Order": []byte(`1`)}}, engine.Usage{})
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", crash, err)
		}
		if got := f.live() + f.value(`SELECT count(*) FROM sync.streams WHERE checkpoint IS NOT NULL`); got != "0" {
			t.Errorf("%s: stored %q", crash, got)
		}
	}
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Anew: true, Part: true, Records: []engine.Record{order("5", 1)}}, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	f.applyBatch(engine.Batch{Records: []engine.Record{order("6", 1)}})
	if got := f.live(); got != "5 6" {
		t.Errorf("live: %q", got)
	}
}

func TestUnitLostByABrokenPart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.part(order("1", 1))
	f.exec(`UPDATE sync.parts SET records = substr(records, 1, 20)`)
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{}, engine.Usage{}); !fault.Is(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}

func TestUnitAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.part(order("1", 1))
	f.part(order("2", 1))
	f.applyBatch(engine.Batch{Part: true, Anew: true, Records: []engine.Record{order("3", 1)}})
	f.part(order("4", 1))
	f.applyBatch(engine.Batch{Records: []engine.Record{order("5", 1)}})
	if got := f.live(); got != "3 4 5" {
		t.Errorf("begun anew by a part: %q", got)
	}
	f.part(order("6", 1))
	f.applyBatch(engine.Batch{Anew: true, Records: []engine.Record{order("7", 1)}})
	f.applyBatch(engine.Batch{Anew: true})
	if got := f.live(); got != "3 4 5 7" {
		t.Errorf("begun anew by the last batch: %q", got)
	}
	if got := f.value(`SELECT parts + (SELECT count(*) FROM sync.parts) FROM sync.runs`); got != "0" {
		t.Errorf("%s parts are left", got)
	}
}

func TestPartHoldsRecordsAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, b := range map[string]engine.Batch{
		"checkpoints": {Checkpoints: engine.Checkpoints{"Order": []byte(`1`)}}, "loading": {Loading: []string{"Order"}}, "a census": {Census: "c"},
		"a census's end": {EndCensus: []string{"Order"}}, "settled": {Settled: []int64{1}}, "totals": {Totals: map[string]int{"Order": 1}}, "verify": {Verify: true},
		"swept": {Swept: &engine.Swept{}}, "whole": {Whole: []engine.Whole{{Stream: "Order"}}},
		"a stream without a table": {Records: []engine.Record{tag("1", "x"), {Stream: "Nothing", ID: "1", Raw: []byte("{}")}}},
	} {
		b.Part = true
		if _, err := f.Apply(f.ctx, f.lease, f.run, b, engine.Usage{}); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mine := f.run
	f.connect("realm-2")
	for name, run := range map[string]engine.RunID{"no run": 0, "another connection's run": mine} {
		if _, err := f.Apply(f.ctx, f.lease, run, engine.Batch{Part: true}, engine.Usage{}); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.exec(`UPDATE sync.connections SET fence = fence + 1 WHERE id = $1`, f.id)
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Part: true}, engine.Usage{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a late owner's part: %v", err)
	}
	if got := f.value(`SELECT count(*) FROM sync.parts`); got != "0" {
		t.Errorf("%s parts are kept", got)
	}
}

// weird is a random record: old and new ones of few objects, deletions, what cannot be stored.
func weird(rng *rand.Rand) engine.Record {
	id := fmt.Sprint("o", rng.IntN(6))
	switch rng.IntN(12) {
	case 0, 1:
		return deleted(id, rng.IntN(8))
	case 2:
		return engine.Record{Stream: "Order", ID: id, Deleted: true, Seen: version(rng.IntN(8))}
	case 3:
		return engine.Record{Stream: "Order", ID: id, Version: version(3), Raw: []byte(`{"Id":"` + id + `","Meta":{"Updated":"2026-03-01T12:00:03Z"},"Total":"much"}`)}
	case 4:
		return engine.Record{Stream: "Order", Problem: "no id", Raw: fmt.Append(nil, rng.IntN(3))}
	case 5:
		return engine.Record{Stream: "Order", ID: id, Version: version(4), Raw: []byte(`{"Id":"` + id + `","Meta":{"Updated":"2026-03-01T12:00:04Z"},"Extra":"\ud800"}`)}
	case 6, 7:
		return tag(id, fmt.Sprint(rng.IntN(3)))
	case 8:
		return engine.Record{Stream: "Tag", ID: id, Deleted: true}
	}
	return order(id, rng.IntN(8))
}

// However records are split into parts, a unit comes to what the same batches come to one by one.
func TestUnitIsTheSumOfItsParts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// What is deleted by the database's clock is so at another instant.
	const at = `CASE WHEN deleted_at - timestamptz '2026-03-01T12:00Z' BETWEEN '0' AND '1 min' THEN deleted_at::text ELSE (deleted_at IS NULL)::text END`
	state := func() (all string) {
		for _, q := range []string{
			`SELECT stream, record_id, reason, raw, resolved_at IS NULL FROM sync.dead_letters WHERE connection_id = $1 ORDER BY 1, 2, 3, 4, 5`,
			`SELECT id, meta_updated, name, total, raw, digest, ` + at + ` FROM testbooks.orders WHERE connection_id = $1 ORDER BY id`,
			`SELECT order_id, position, amount, ` + at + ` FROM testbooks.order_lines WHERE connection_id = $1 ORDER BY 1, 2`,
			`SELECT id, label, deleted_at IS NULL FROM testbooks.tags WHERE connection_id = $1 ORDER BY id`,
		} {
			all += strings.Join(f.rows(q, f.id), "\n") + "\n"
		}
		return all
	}
	for seed := range uint64(storetest.Seeds(60)) {
		rng := rand.New(rand.NewPCG(seed, 7))
		before, records := make([]engine.Record, rng.IntN(8)), make([]engine.Record, 1+rng.IntN(30))
		for i := range before {
			before[i] = weird(rng)
		}
		for i := range records {
			records[i] = weird(rng)
		}
		var cuts []int
		for n := 0; n < len(records); n += 1 + rng.IntN(9) {
			cuts = append(cuts, n)
		}
		cuts = append(cuts, len(records))
		verify := rng.IntN(3) == 0
		run := func(name string, parts bool) (engine.Applied, string) {
			f.connect(fmt.Sprint(name, seed))
			f.apply(before...)
			var sum engine.Applied
			for i := 1; i < len(cuts); i++ {
				b := engine.Batch{Records: records[cuts[i-1]:cuts[i]], Part: parts && i < len(cuts)-1}
				b.Verify = verify && !b.Part
				sum = sum.Add(f.applyBatch(b))
			}
			return sum, state()
		}
		want, rows := run("batches", false)
		got, unit := run("unit", true)
		if want != got || rows != unit {
			t.Fatalf("seed %d: %d records in %d batches: %+v, as a unit %+v (-batches +unit)\n%s", seed, len(records), len(cuts)-1, want, got, cmp.Diff(rows, unit))
		}
	}
}

// A unit that takes long holds its connection's row. Webhooks are recorded meanwhile; who renews the lease,
// or comes for it, waits, and finds it as it must be.
func TestUnitHoldsItsLease(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.part(order("1", 1))
	f.exec(`UPDATE sync.connections SET lease_until = clock_timestamp() + interval '1 s', lease_ttl = interval '1 h' WHERE id = $1`, f.id)
	f.applyBatch(engine.Batch{})
	if got := f.value(`SELECT lease_until > clock_timestamp() + interval '59 min' FROM sync.connections WHERE id = $1`, f.id); got != "true" {
		t.Error("the lease does not last from the unit's end")
	}
	long, err := f.Pool.Begin(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long.Exec(f.ctx, `UPDATE sync.connections SET lease_until = clock_timestamp() + interval '1 h' WHERE id = $1`, f.id); err != nil {
		t.Fatal(err)
	}
	mends := event("e2", "2")
	mends.Mends = true
	if r := f.tell(event("e1", "1"), mends); len(r.Connections) != 1 { // if it waited, it would do so until the lock's timeout
		t.Errorf("recorded: %+v", r)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := f.Renew(f.ctx, f.lease, time.Minute); err != nil {
			t.Errorf("renewing meanwhile: %v", err)
		}
	})
	wait.Go(func() {
		if _, ok, err := f.Acquire(f.ctx, f.id, org.Manual, "another", time.Minute); ok || err != nil {
			t.Errorf("another owner: %v, %v", ok, err)
		}
	})
	if err := long.Commit(f.ctx); err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	if got := f.value(`SELECT tick_noted FROM sync.connections WHERE id = $1`, f.id); got != "true" {
		t.Error("the tick of who came meanwhile is not noted")
	}
}

// A reading of many objects of which the planner knows nothing ends in time: each row is looked up by itself.
func TestUnitVerifiedWithoutStatistics(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	for _, verify := range []bool{false, true} {
		const parts, each = 50, 500
		for p := range parts {
			records := make([]engine.Record, each)
			for i := range records {
				records[i] = entry(fmt.Sprintf("e%06d", p*each+i), `"Account":"1","Day":"2026-01-01","Amount":5`)
			}
			f.part(records...)
		}
		b := engine.Batch{Whole: []engine.Whole{{Stream: "Entry"}}}
		if verify {
			b.Verify, b.Census, b.EndCensus = true, "reading", []string{"Entry"}
		}
		want := engine.Applied{Written: parts * each}
		if verify {
			want = engine.Applied{Unchanged: parts * each}
		}
		if got := f.applyBatch(b); got != want {
			t.Errorf("verified %t: %+v, want %+v", verify, got, want)
		}
	}
}
