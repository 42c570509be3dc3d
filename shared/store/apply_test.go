package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

func TestApplyWritesEveryType(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	raw := `{"Id":"7","Meta":{"Updated":"2026-03-01T04:00:00.123456-08:00"},"Name":"Zoë \"x\" 😀","Total":-0012.50,"Count":"42","Open":true,
		"Day":"1999-12-31","Extra":{"b":[1,2.50]},"CustomerRef":{"value":"9","name":"N"},
		"Line":[{"Id":"1","Amount":1e3,"Group":{"Line":[{"Amount":0.0000001,"Part":[{"Sku":"a"},{"Sku":"b"}]}]}},{"Id":"2"}]}`
	raw = strings.Replace(raw, "-0012.50", "-12.50", 1)
	r := engine.Record{Stream: "Order", ID: "7", Version: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC), Raw: []byte(raw)}
	if n := f.apply(r); n != (engine.Applied{Written: 1}) {
		t.Errorf("applied %+v", n)
	}
	want := []string{`(onpoint,` + f.id.String() + `,7,"2026-03-01 12:00:00.123456+00","Zoë ""x"" 😀",-12.50,42,t,1999-12-31,"{""b"": [1, 2.50]}",9,t,t,)`}
	got := f.rows(`SELECT org_id, connection_id, id, meta_updated, name, total, count, open, day, extra, customer_ref_value,
		raw = $1::text::jsonb, digest = substr(sha256(convert_to($1, 'UTF8')), 1, 16), deleted_at FROM testbooks.orders`, raw)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	want = []string{"(7,1,,1,1000,)", "(7,2,1,,0.0000001,)", "(7,3,,2,,)"}
	if diff := cmp.Diff(want, f.rows(`SELECT order_id, position, parent_position, id, amount, deleted_at FROM testbooks.order_lines ORDER BY 2`)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	want = []string{"(7,1,2,a)", "(7,2,2,b)"}
	if diff := cmp.Diff(want, f.rows(`SELECT order_id, position, parent_position, sku FROM testbooks.order_parts ORDER BY 2`)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// Whatever the order, however often, in whatever batches: the same records give the same rows.
func TestApplyAnyOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for round := range 25 {
		rng := rand.New(rand.NewPCG(1, uint64(round)))
		var records []engine.Record
		for id := range 4 {
			for range 1 + rng.IntN(6) {
				name, v := fmt.Sprint("o", id), rng.IntN(8)
				if rng.IntN(3) == 0 {
					records = append(records, deleted(name, v))
				} else {
					records = append(records, order(name, v))
				}
			}
		}
		var first string
		for try := range 4 {
			f.exec(`TRUNCATE testbooks.orders, testbooks.order_lines, testbooks.order_parts`)
			shuffled := slices.Clone(records)
			rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for i := 0; i < len(shuffled); {
				n := 1 + rng.IntN(len(shuffled)-i)
				f.apply(shuffled[i : i+n]...)
				if rng.IntN(2) == 0 {
					f.apply(shuffled[i : i+n]...)
				}
				i += n
			}
			// A mark's raw is the first tombstone that came: only that it marks matters.
			got := f.everything()
			if try == 0 {
				first = got
			} else if got != first {
				t.Fatalf("round %d: the order of %d records matters (-first +this):\n%s", round, len(records), cmp.Diff(first, got))
			}
		}
	}
}

func TestApplyLeavesUnchangedRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all := []engine.Record{order("1", 1), order("2", 2), order("3", 3), deleted("4", 1), tag("5", "x")}
	f.apply(all...)
	const rows = `SELECT 'o', id, xmin FROM testbooks.orders UNION ALL SELECT 'l', order_id, xmin FROM testbooks.order_lines
		UNION ALL SELECT 't', id, xmin FROM testbooks.tags ORDER BY 1, 2`
	before := f.rows(rows)
	n := f.apply(append(slices.Clone(all), order("3", 2))...)
	if n != (engine.Applied{Unchanged: 6}) {
		t.Errorf("applied %+v", n)
	}
	if diff := cmp.Diff(before, f.rows(rows)); diff != "" {
		t.Errorf("rows were rewritten (-before +after):\n%s", diff)
	}
	n = f.apply(order("1", 5), order("2", 2), deleted("3", 9), deleted("9", 1), tag("5", "y"))
	if n != (engine.Applied{Written: 2, Deleted: 2, Unchanged: 1}) {
		t.Errorf("applied %+v", n)
	}
	if got := f.value(`SELECT string_agg(order_id || ':' || position || ':' || (deleted_at IS NOT NULL), ' ' ORDER BY order_id, position) FROM testbooks.order_lines`); got != "1:1:false 2:1:false 2:2:false 3:1:true 3:2:true 3:3:true" {
		t.Errorf("lines: %s", got)
	}
}

func TestApplyMovesCheckpointWithRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := engine.Batch{
		Records:     []engine.Record{order("1", 1)},
		Checkpoints: engine.Checkpoints{"Order": []byte(`{"page":2}`), "Tag": []byte(`1`)},
		Loading:     []string{"Order"},
	}
	if _, err := f.Apply(f.ctx, f.lease, f.run, b, engine.Usage{Calls: 3, Metered: 2}); err != nil {
		t.Fatal(err)
	}
	// A batch that fails leaves nothing behind: here because of a stream without a table.
	b = engine.Batch{Records: []engine.Record{order("2", 1), {Stream: "Nothing", ID: "1", Raw: []byte("{}")}}, Checkpoints: engine.Checkpoints{"Order": []byte(`{"page":3}`)}}
	if _, err := f.Apply(f.ctx, f.lease, f.run, b, engine.Usage{Calls: 9}); !fault.Is(err, fault.Internal) {
		t.Errorf("a stream without a table: %v", err)
	}
	c, err := f.Checkpoints(f.ctx, f.id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(engine.Checkpoints{"Order": []byte(`{"page": 2}`), "Tag": []byte(`1`)}, c); diff != "" {
		t.Errorf("checkpoints (-want +got):\n%s", diff)
	}
	got := f.rows(`SELECT (SELECT count(*) FROM testbooks.orders), (SELECT sum(calls) FROM sync.api_usage), (SELECT sum(metered_calls) FROM sync.api_usage),
		(SELECT calls FROM sync.runs), (SELECT bool_or(loading) FROM sync.streams WHERE name = 'Order')`)
	if diff := cmp.Diff([]string{"(1,3,2,3,t)"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCensus(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.apply(order("1", 1), order("2", 1), order("3", 1), order("B", 1), order("a", 1), deleted("5", 1))
	b := engine.Batch{Records: []engine.Record{order("2", 1), order("a", 2), {Stream: "Order", ID: "3", Problem: "odd"}}, Census: "c1"}
	if _, err := f.Apply(f.ctx, f.lease, f.run, b, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	local := f.Local(f.id)
	for _, tt := range []struct {
		after string
		limit int
		want  []string
	}{{"", 10, []string{"1", "B"}}, {"", 1, []string{"1"}}, {"1", 10, []string{"B"}}, {"B", 10, nil}} {
		got, err := local.Absent(f.ctx, "Order", "c1", tt.after, tt.limit)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("absent after %q: %v, %v; want %v", tt.after, got, err, tt.want)
		}
	}
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{EndCensus: []string{"Order"}}, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	if got := f.value(`SELECT count(*) FROM sync.census`); got != "0" {
		t.Errorf("%s ids are left of the census", got)
	}
}

func TestLateOwnerWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			for {
				l, ok, err := f.Acquire(f.ctx, f.id, org.Manual, fmt.Sprint(i), time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				if !ok { // the present owner is late: its time is up
					f.exec(`UPDATE sync.connections SET lease_until = now() - interval '1 second' WHERE id = $1 AND lease_until IS NOT NULL`, f.id)
					continue
				}
				fence := int(l.Fence)
				_, err = f.Apply(f.ctx, l, 0, engine.Batch{Records: []engine.Record{tag("writer", fmt.Sprint(fence))}}, engine.Usage{})
				if fault.Is(err, fault.Conflict) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	wait.Wait()
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Records: []engine.Record{tag("writer", "late")}}, engine.Usage{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a late owner's batch: %v", err)
	}
	if err := f.Finish(f.ctx, f.lease, f.run, engine.Result{Outcome: engine.Done, State: org.Active}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a late owner's finish: %v", err)
	}
	if got := f.value(`SELECT label FROM testbooks.tags`); got == "late" {
		t.Error("a late owner has written")
	}
}
