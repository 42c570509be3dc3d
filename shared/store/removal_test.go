package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// buyers can be merged.
func buyers() catalog.Table {
	return catalog.Table{
		Provider: books, Stream: "Buyer", Name: "buyers", One: "buyer", ID: "Id", Version: "Updated", Merges: true,
		Columns:  []catalog.Column{{Path: "Id"}, {Path: "Updated", Type: catalog.Timestamp}, {Path: "Active", Type: catalog.Boolean}},
		Children: []catalog.Child{{Path: "Phone", Name: "buyer_phones", Columns: []catalog.Column{{Path: "Number"}}}},
	}
}

func buyer(id string, v int, active bool) engine.Record {
	return engine.Record{Stream: "Buyer", ID: id, Version: version(v), Raw: fmt.Appendf(nil,
		`{"Id":%q,"Updated":%q,"Active":%v,"Phone":[{"Number":"%d"}]}`, id, version(v).Format(time.RFC3339), active, v)}
}

func newBuyers(t *testing.T) *fixture {
	f := &fixture{Store: storetest.New(t, orders(), buyers()), TB: t, ctx: t.Context()}
	f.id = f.Connect(t, "onpoint", books, "realm-1")
	f.lease = f.Lease(t, f.id)
	return f
}

// The survivor is named however the loser ends and whatever comes after, until it comes back.
func TestMergedInto(t *testing.T) {
	t.Parallel()
	gone := func(v int) engine.Record {
		return engine.Record{Stream: "Buyer", ID: "1", Version: version(v), Seen: version(v), Deleted: true}
	}
	into := func(r engine.Record, id string) engine.Record { r.MergedInto = id; return r }
	seen := func(r engine.Record, v int) engine.Record { r.Seen = version(v); return r }
	for _, tt := range []struct {
		name    string
		records []engine.Record
		want    string // merged_into, is it live, active, its phone
		last    engine.Applied
	}{
		{"gone", []engine.Record{buyer("1", 1, true), into(gone(2), "9")}, "(9,f,t,1)", engine.Applied{Deleted: 1}},
		{"gone, the survivor is told later", []engine.Record{buyer("1", 1, true), gone(2), into(gone(3), "9")}, "(9,f,t,1)", engine.Applied{Written: 1}},
		{"gone, told again without the survivor", []engine.Record{buyer("1", 1, true), into(gone(2), "9"), gone(3)}, "(9,f,t,1)", engine.Applied{Unchanged: 1}},
		{"never stored", []engine.Record{into(gone(2), "9")}, "(9,f,,)", engine.Applied{Deleted: 1}},
		{"never stored, older content comes late", []engine.Record{into(gone(2), "9"), buyer("1", 1, true)}, "(9,f,t,1)", engine.Applied{Written: 1}},
		{"stays inactive", []engine.Record{buyer("1", 1, true), into(buyer("1", 2, false), "9")}, "(9,t,f,2)", engine.Applied{Written: 1}},
		{"stays inactive, the survivor is told later", []engine.Record{buyer("1", 2, false), into(buyer("1", 2, false), "9")}, "(9,t,f,2)", engine.Applied{Written: 1}},
		{"rewritten", []engine.Record{into(buyer("1", 2, false), "9"), buyer("1", 3, false)}, "(9,t,f,3)", engine.Applied{Written: 1}},
		{"active again", []engine.Record{into(buyer("1", 2, false), "9"), buyer("1", 3, true)}, "(9,t,t,3)", engine.Applied{Written: 1}},
		{"undeleted", []engine.Record{buyer("1", 1, true), into(gone(2), "9"), seen(buyer("1", 1, true), 4)}, "(,t,t,1)", engine.Applied{Written: 1}},
		{"undeleted by an update", []engine.Record{buyer("1", 1, true), into(gone(2), "9"), buyer("1", 4, true)}, "(,t,t,4)", engine.Applied{Written: 1}},
		{"unchanged", []engine.Record{into(buyer("1", 2, false), "9"), buyer("1", 2, false)}, "(9,t,f,2)", engine.Applied{Unchanged: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newBuyers(t)
			var last engine.Applied
			for _, r := range tt.records {
				last = f.apply(r)
			}
			got := f.rows(`SELECT b.merged_into, b.deleted_at IS NULL, b.active, p.number FROM testbooks.buyers AS b LEFT JOIN testbooks.buyer_phones AS p ON p.buyer_id = b.id`)
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" || last != tt.last {
				t.Errorf("last applied %+v, want %+v (-want +got):\n%s", last, tt.last, diff)
			}
			f.apply(tt.records[len(tt.records)-1])
			if again := f.rows(`SELECT b.merged_into, b.deleted_at IS NULL, b.active, p.number FROM testbooks.buyers AS b LEFT JOIN testbooks.buyer_phones AS p ON p.buyer_id = b.id`); !cmp.Equal(got, again) {
				t.Errorf("twice: %s", again)
			}
			f = newBuyers(t) // in one batch
			f.apply(tt.records...)
			if batch := f.rows(`SELECT b.merged_into, b.deleted_at IS NULL, b.active, p.number FROM testbooks.buyers AS b LEFT JOIN testbooks.buyer_phones AS p ON p.buyer_id = b.id`); !cmp.Equal(got, batch) {
				t.Errorf("in one batch: %s", batch)
			}
		})
	}
}

// Comparing values keeps the survivor, and a stream whose objects are not merged has none to keep.
func TestMergedIntoBesides(t *testing.T) {
	t.Parallel()
	f := newBuyers(t)
	loser := buyer("1", 2, false)
	loser.MergedInto = "9"
	f.apply(loser)
	f.exec(`UPDATE testbooks.buyer_phones SET number = 'wrong'`)
	f.applyBatch(engine.Batch{Verify: true, Census: "c", Records: []engine.Record{buyer("1", 2, false)}})
	if got := f.value(`SELECT b.merged_into || p.number FROM testbooks.buyers AS b, testbooks.buyer_phones AS p`); got != "92" {
		t.Errorf("after mending: %s", got)
	}
	o := order("1", 1)
	o.MergedInto = "2"
	if n := f.apply(o); n.Written != 1 {
		t.Errorf("an order that is said to be merged: %+v", n)
	}
}

// An object's tombstone may be older than its content, and it may come back as it was.
func TestSeen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	gone := deleted("1", 1)
	gone.Seen = version(8)
	back := order("1", 3)
	back.Seen = version(9)
	f.apply(order("1", 3))
	if n := f.apply(gone); n.Deleted != 1 || f.value(`SELECT deleted_at = $1 FROM testbooks.orders`, version(8)) != "true" {
		t.Errorf("an old tombstone: %+v", n)
	}
	if got := f.value(`SELECT count(*) FROM testbooks.order_lines WHERE deleted_at IS NULL`); got != "0" {
		t.Errorf("%s lines are live", got)
	}
	if n := f.apply(order("1", 3)); n.Unchanged != 1 {
		t.Errorf("a late copy: %+v", n)
	}
	if n := f.apply(back); n.Written != 1 || f.value(`SELECT count(*) FROM testbooks.order_lines WHERE deleted_at IS NULL`) != "3" {
		t.Errorf("back as it was: %+v", n)
	}
}

func TestLocalValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.apply(order("1", 3), order("2", 2), order("3", 1), deleted("3", 2), tag("1", ""), engine.Record{Stream: "Tag", ID: "2", Raw: []byte(`{"Id":"2"}`)})
	local := f.Local(f.id)
	for _, tt := range []struct {
		stream, path string
		want         map[string]string
	}{
		{"Order", "Total", map[string]string{"1": "3.00", "2": "2.00"}},
		{"Order", "Meta.Updated", map[string]string{"1": "2026-03-01 12:00:03+00", "2": "2026-03-01 12:00:02+00"}},
		{"Tag", "Label", map[string]string{"1": "", "2": ""}},
	} {
		got, err := local.Values(f.ctx, tt.stream, tt.path, []string{"1", "2", "3", "4"})
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s %s: %v (-want +got):\n%s", tt.stream, tt.path, err, diff)
		}
	}
	if _, err := local.Values(f.ctx, "Order", "Line.Id", nil); err == nil {
		t.Error("a path that no column reads has values")
	}
	if n, err := f.Live(f.ctx, f.id, "Order"); n != 2 || err != nil {
		t.Errorf("%d live orders, %v", n, err)
	}
	if _, err := f.Live(f.ctx, f.id, "Nothing"); err == nil {
		t.Error("a stream without a table has rows")
	}
}

// Everything that names a customer is found: an object of its own, its lines, another customer, and
// only within the company.
func TestLocalReferring(t *testing.T) {
	t.Parallel()
	f := &fixture{Store: storetest.New(t, quickbooks.Catalog()...), TB: t, ctx: t.Context()}
	record := func(stream, id, rest string) engine.Record {
		return engine.Record{Stream: stream, ID: id, Version: salesVersion, Raw: fmt.Appendf(nil,
			`{"Id":%q,"SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-01-14T15:25:53-08:00"}%s}`, id, rest)}
	}
	records := []engine.Record{
		record("Customer", "12", ""), record("Customer", "13", `,"ParentRef":{"value":"12"}`),
		record("Invoice", "1", `,"CustomerRef":{"value":"12"}`), record("Invoice", "2", `,"CustomerRef":{"value":"13"}`),
		record("Invoice", "12", ""), record("Invoice", "10", `,"CustomerRef":{"value":"12"}`),
		record("Payment", "3", `,"CustomerRef":{"value":"12"}`), record("Payment", "4", `,"CustomerRef":{"value":"12"}`),
		record("Item", "7", ""), record("Invoice", "20", `,"Line":[{"Id":"1","SalesItemLineDetail":{"ItemRef":{"value":"7"}}},{"Id":"2","SalesItemLineDetail":{"ItemRef":{"value":"7"}}}]`),
		{Stream: "Payment", ID: "4", Version: salesVersion.Add(time.Hour), Deleted: true},
	}
	for _, account := range []string{"1", "2"} {
		f.id = f.Connect(t, "onpoint", "quickbooks", account)
		f.lease = f.Lease(t, f.id)
		f.apply(records...)
		records = records[:len(records)-2]
	}
	first := f.id - 1
	for _, tt := range []struct {
		stream, id string
		want       map[string][]string
	}{
		{"Customer", "12", map[string][]string{"Customer": {"13"}, "Invoice": {"1", "10"}, "Payment": {"3"}}},
		{"Item", "7", map[string][]string{"Invoice": {"20"}}},
		{"Item", "12", map[string][]string{}},
	} {
		got, err := f.Local(first).Referring(f.ctx, tt.stream, tt.id)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s %s: %v (-want +got):\n%s", tt.stream, tt.id, err, diff)
		}
	}
	if _, err := f.Local(first).Referring(f.ctx, "Nothing", "1"); err == nil {
		t.Error("a stream without a table is referred to")
	}
}
