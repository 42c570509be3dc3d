package store_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

func raw(id, json string) engine.Record {
	return engine.Record{Stream: "Order", ID: id, Raw: []byte(json)}
}

func TestBadRecordsDoNotBlockGoodOnes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bad := []engine.Record{
		raw("", `{"Name":"no id"}`),
		raw("b1", `{"Id":"b1","Total":"much"}`),
		raw("b2", `{"Id":"b2","Name":"a\u0000b"}`),
		raw("b3", `{"Id":"b3","Name":"x","Extra":"\ud800"}`), // PostgreSQL refuses a lone surrogate
		raw("b4", `{"Id":"b4","Line":{}}`),
		raw("b5", `{"Id":"other"}`),
		raw("b6", `not JSON`),
		raw("b7", `{"Id":"b7","Total":1e999999}`),
		raw("b8", `{"Id":"b8","Unknown":1e200000}`), // only jsonb finds this one
		raw("b9", "{\"Id\":\"b9\",\"Name\":\"\xff\"}"),
		{Stream: "Order", ID: "b10", Problem: "the provider sent half of it", Raw: []byte(`{"Id":`)},
		raw(strings.Repeat("long", 200), `{"Id":"x"}`),
		raw("nul\x00", `{}`),
		raw("c1", ``),
	}
	var all []engine.Record
	for i, r := range bad {
		all = append(all, r, order(fmt.Sprint("good", i), i), tag(fmt.Sprint(i), "t"))
	}
	n := f.apply(all...)
	if n != (engine.Applied{Written: 2 * len(bad), Dead: len(bad)}) {
		t.Errorf("applied %+v", n)
	}
	if got := f.value(`SELECT count(*) FROM testbooks.orders`); got != fmt.Sprint(len(bad)) {
		t.Errorf("%s orders", got)
	}
	for _, row := range f.rows(`SELECT coalesce(record_id, '-'), reason FROM sync.dead_letters`) {
		if strings.Contains(row, "much") || strings.Contains(row, "a\\u") {
			t.Errorf("a reason holds the customer's data: %s", row)
		}
	}
	for _, r := range bad {
		if got := f.value(`SELECT count(*) FROM sync.dead_letters WHERE raw = $1 AND resolved_at IS NULL AND reason <> ''`, append([]byte{}, r.Raw...)); got == "0" {
			t.Errorf("record %.20q is lost", r.ID)
		}
	}
	// The same again: still one open letter each.
	f.apply(all...)
	if got := f.value(`SELECT count(*) || ' ' || min(attempts) FROM sync.dead_letters`); got != fmt.Sprint(len(bad), " 2") {
		t.Errorf("letters and attempts: %s", got)
	}
}

func TestBisectFindsTheBadOnes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.apply(order("7", 1))
	var all []engine.Record
	for i := range 100 {
		all = append(all, order(fmt.Sprint(i), 2))
	}
	for _, i := range []int{0, 7, 8, 99} {
		all[i].Raw = bytes.Replace(all[i].Raw, []byte(`"Name":`), []byte(`"Odd":"\udc00","Name":`), 1)
	}
	n := f.apply(all...)
	if n != (engine.Applied{Written: 96, Dead: 4}) {
		t.Errorf("applied %+v", n)
	}
	if got := f.value(`SELECT count(*) || ' ' || (SELECT name FROM testbooks.orders WHERE id = '7') FROM testbooks.orders`); got != "97 v1" {
		t.Errorf("orders: %s", got)
	}
	if got := f.value(`SELECT count(*) FROM testbooks.order_lines`); got != fmt.Sprint(96*2+1) {
		t.Errorf("%s lines", got)
	}
}

func TestDeletionOutlivesItsBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := deleted("1", 4)
	d.Raw = []byte(`{"Id":"1","x":"\ud800"}`)
	e := deleted("2", 4)
	e.Raw = []byte(`oops`)
	if n := f.apply(d, e, order("3", 1)); n != (engine.Applied{Written: 1, Deleted: 2}) {
		t.Errorf("applied %+v", n)
	}
	if diff := cmp.Diff([]string{"(1,{},t)", "(2,{},t)"}, f.rows(`SELECT id, raw, deleted_at IS NOT NULL FROM testbooks.orders WHERE id < '3' ORDER BY id`)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of an object's records in one batch the good ones count.
func TestOlderRecordStandsInForABadOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bad := order("1", 5)
	bad.Raw = bytes.Replace(bad.Raw, []byte(`"Total":5.00`), []byte(`"Total":[]`), 1)
	if n := f.apply(order("1", 2), bad, order("1", 3)); n != (engine.Applied{Written: 1, Unchanged: 1, Dead: 1}) {
		t.Errorf("applied %+v", n)
	}
	if got := f.value(`SELECT name FROM testbooks.orders`); got != "v3" {
		t.Errorf("stored %s", got)
	}
	open := `SELECT count(*) FROM sync.dead_letters WHERE resolved_at IS NULL`
	f.apply(order("1", 4))
	if got := f.value(open); got != "1" {
		t.Errorf("something older has settled the letter: %s open", got)
	}
	f.apply(order("1", 6))
	if got := f.value(open); got != "0" {
		t.Errorf("something newer has not settled the letter: %s open", got)
	}
}

func TestReplayDeadLetters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	mended := order("1", 5)
	mended.Problem = "the provider was thought to be wrong"
	anonymous := order("2", 1)
	anonymous.ID, anonymous.Problem = "", "no id was found"
	old := order("3", 1)
	old.Problem = "odd"
	f.apply(mended, anonymous, old, raw("4", `{"Id":"4","Total":{}}`), raw("", `{}`))
	f.exec(`UPDATE sync.dead_letters SET version = NULL WHERE record_id = '3'`)
	f.exec(`DELETE FROM testbooks.orders`)
	n, err := f.ReplayDeadLetters(f.ctx, f.lease, f.run, "Order")
	if err != nil || n != (engine.Applied{Written: 3, Dead: 2}) {
		t.Errorf("replayed %+v, %v", n, err)
	}
	want := []string{"(1,1,f)", "(2,,f)", "(3,3,f)", "(4,4,t)", "(5,,t)"}
	if diff := cmp.Diff(want, f.rows(`SELECT row_number() OVER (ORDER BY id), record_id, resolved_at IS NULL FROM sync.dead_letters`)); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

// Letters of any size are replayed, but not all of them are in memory at once.
func TestReplayIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var records []engine.Record
	for i, size := range []int{17, 0, 7, 8, 9, 0} { // MB
		records = append(records, raw(fmt.Sprint(i), "no JSON"+strings.Repeat("x", size<<20)))
	}
	f.apply(records...)
	before := f.value(`SELECT batches FROM sync.runs WHERE id = $1`, f.run)
	n, err := f.ReplayDeadLetters(f.ctx, f.lease, f.run, "Order")
	if err != nil || n != (engine.Applied{Dead: len(records)}) {
		t.Errorf("replayed %+v, %v", n, err)
	}
	if got := f.value(`SELECT batches - $2::int FROM sync.runs WHERE id = $1`, f.run, before); got != "3" { // 17 | 0, 7, 8 | 9, 0
		t.Errorf("%s transactions, want 3", got)
	}
}

func TestLargeRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var b bytes.Buffer
	b.WriteString(`{"Id":"1","Line":[`)
	const lines = 10_000
	for i := range lines {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Id":"%d","Amount":%d.25,"Text":%q}`, i, i, strings.Repeat("x", 1000))
	}
	b.WriteString(`]}`)
	if n := f.apply(raw("1", b.String())); n.Written != 1 {
		t.Errorf("applied %+v", n)
	}
	if got := f.value(`SELECT count(*) || ' ' || sum(amount) FROM testbooks.order_lines`); got != "10000 49997500.00" {
		t.Errorf("lines and sum: %s", got)
	}
}
