package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// customer and payment are as small as real ones get; invoice stands with the benchmarks.
func customer(n int) []byte {
	return fmt.Appendf(nil, `{"Id":"%d","SyncToken":"1","MetaData":{"CreateTime":"2026-01-14T15:25:52-08:00","LastUpdatedTime":"2026-01-14T15:25:53-08:00"},`+
		`"DisplayName":"Customer %d","CompanyName":"Jeff's Jalopies","Balance":%d.10,"Active":true,"BillAddr":{"Line1":"12 Willow Rd."}}`, n, n, n)
}

func payment(n int) []byte {
	return fmt.Appendf(nil, `{"Id":"%d","SyncToken":"0","MetaData":{"CreateTime":"2026-01-14T15:25:52-08:00","LastUpdatedTime":"2026-01-14T15:25:53-08:00"},"TxnDate":"2026-01-14",`+
		`"CustomerRef":{"value":"12","name":"Jeff's Jalopies"},"TotalAmt":%d.00,"UnappliedAmt":0,"PrivateNote":"cheque %d","Line":[{"Amount":%d.00,"LinkedTxn":[{"TxnId":"%d","TxnType":"Invoice"}]},{"Amount":0.10,"LinkedTxn":[]}]}`, n, n, n, n, n)
}

// salesVersion is the instant of the last change of all of them.
var salesVersion = time.Date(2026, 1, 14, 23, 25, 53, 0, time.UTC)

// kind is a stream of the tests, with a table of its lines where it has one.
type kind struct {
	stream, table, amount, lines, one string
	body                              func(int) []byte
}

var kinds = []kind{
	{"Customer", "customers", "balance", "", "", customer},
	{"Invoice", "invoices", "total_amt", "invoice_lines", "invoice", invoice},
	{"Payment", "payments", "total_amt", "payment_lines", "payment", payment},
}

func (k kind) catalog() *catalog.Table {
	all := quickbooks.Catalog()
	return &all[slices.IndexFunc(all, func(t catalog.Table) bool { return t.Stream == k.stream })]
}

func (k kind) record(n int) engine.Record {
	return engine.Record{Stream: k.stream, ID: fmt.Sprint(n), Version: salesVersion, Raw: k.body(n)}
}

// damage is one way in which somebody can spoil a stored object. SQL is given the connection and the id.
type damage struct {
	name, found string
	lines       bool // only where there are lines
	sql         string
}

var damages = []damage{
	{"the row and its lines are gone", "missing", true, `WITH l AS (DELETE FROM quickbooks.{lines} WHERE connection_id = $1 AND {one}_id = $2) DELETE FROM quickbooks.{table} WHERE connection_id = $1 AND id = $2`},
	{"the row is gone, its lines are not", "missing", false, `DELETE FROM quickbooks.{table} WHERE connection_id = $1 AND id = $2`},
	{"marked as deleted", "missing", false, `UPDATE quickbooks.{table} SET deleted_at = now() WHERE connection_id = $1 AND id = $2`},
	{"marked as deleted in the far future", "missing", false, `UPDATE quickbooks.{table} SET deleted_at = '2200-01-01' WHERE connection_id = $1 AND id = $2`},
	{"only a mark is left", "missing", false, `UPDATE quickbooks.{table} SET deleted_at = now(), digest = '', raw = '{}', meta_data_last_updated_time = NULL WHERE connection_id = $1 AND id = $2`},
	{"an older version", "stale", false, `UPDATE quickbooks.{table} SET meta_data_last_updated_time = '2026-01-01', {amount} = 5, digest = sha256('old') WHERE connection_id = $1 AND id = $2`},
	{"an older version's time", "stale", false, `UPDATE quickbooks.{table} SET meta_data_last_updated_time = '2026-01-01' WHERE connection_id = $1 AND id = $2`},
	{"a version from the future", "stale", false, `UPDATE quickbooks.{table} SET meta_data_last_updated_time = '2200-01-01' WHERE connection_id = $1 AND id = $2`},
	{"other bytes of the version", "stale", false, `UPDATE quickbooks.{table} SET digest = substr(sha256('other'), 1, 16) WHERE connection_id = $1 AND id = $2`},
	{"a wrong amount", "damaged", false, `UPDATE quickbooks.{table} SET {amount} = {amount} + 0.01 WHERE connection_id = $1 AND id = $2`},
	{"an amount with another digit", "damaged", false, `UPDATE quickbooks.{table} SET {amount} = ({amount}::text || '0')::numeric WHERE connection_id = $1 AND id = $2`},
	{"an amount that is gone", "damaged", false, `UPDATE quickbooks.{table} SET {amount} = NULL WHERE connection_id = $1 AND id = $2`},
	{"a text that was null", "damaged", false, `UPDATE quickbooks.{table} SET currency_ref_name = coalesce(currency_ref_name, '') || 'x' WHERE connection_id = $1 AND id = $2`},
	{"other JSON", "damaged", false, `UPDATE quickbooks.{table} SET raw = raw || '{"Extra":1}' WHERE connection_id = $1 AND id = $2`},
	{"an amount in the JSON with another digit", "damaged", false, `UPDATE quickbooks.{table} SET raw = raw || '{"SyncToken":1.0}' WHERE connection_id = $1 AND id = $2`},
	{"a wrong line", "damaged", true, `UPDATE quickbooks.{lines} SET amount = amount + 1 WHERE connection_id = $1 AND {one}_id = $2 AND position = 1`},
	{"a missing line", "damaged", true, `DELETE FROM quickbooks.{lines} WHERE connection_id = $1 AND {one}_id = $2 AND position = 2`},
	{"no lines", "damaged", true, `DELETE FROM quickbooks.{lines} WHERE connection_id = $1 AND {one}_id = $2`},
	{"an extra line", "damaged", true, `INSERT INTO quickbooks.{lines} (org_id, connection_id, {one}_id, position, amount, synced_at) VALUES ('onpoint', $1, $2, 99, 7, now())`},
	{"a line marked as deleted", "damaged", true, `UPDATE quickbooks.{lines} SET deleted_at = now() WHERE connection_id = $1 AND {one}_id = $2 AND position = 1`},
	{"two lines in each other's place", "damaged", true, `UPDATE quickbooks.{lines} SET position = position + 1000 WHERE connection_id = $1 AND {one}_id = $2 AND position = 1`},
	{"an object that nobody has", "surplus", false, `INSERT INTO quickbooks.{table} (org_id, connection_id, id, {amount}, raw, digest, synced_at) VALUES ('onpoint', $1, 'surplus-' || $2, 1, '{}', sha256('x'), now())`},
	{"lines of an object that nobody has", "surplus", true, `INSERT INTO quickbooks.{lines} (org_id, connection_id, {one}_id, position, amount, synced_at) VALUES ('onpoint', $1, 'lost-' || $2, 1, 7, now()), ('onpoint', $1, 'lost-' || $2, 2, 7, now())`},
}

// The sum of a reading's findings.
type found struct {
	Checked, Equal, Missing, Stale, Damaged, Surplus, Mended int
	Done                                                     bool
}

// Whatever somebody has done to the rows by hand, one reading of all objects makes them right again,
// and tells exactly what was wrong.
func TestVerifyFindsAndMends(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, quickbooks.Catalog()...)
	for seed := range uint64(storetest.Seeds(100)) {
		random := rand.New(rand.NewPCG(seed, 1))
		id := s.Connect(t, "onpoint", "quickbooks", fmt.Sprint(seed))
		v := &verification{T: t, Store: s, id: id, lease: s.Lease(t, id), name: fmt.Sprintf("seed %d", seed)}
		v.check(random)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

type verification struct {
	*testing.T
	*storetest.Store
	id    org.ConnectionID
	lease org.Lease
	name  string
}

func (v *verification) apply(b engine.Batch) engine.Applied {
	v.Helper()
	n, err := v.Apply(context.Background(), v.lease, 0, b, engine.Usage{})
	if err != nil {
		v.Fatal(err)
	}
	return n
}

// check plants damage in some objects of all kinds, reads all again, and compares.
func (v *verification) check(random *rand.Rand) {
	v.Helper()
	var records []engine.Record
	numbers := map[string]int{}
	for _, k := range kinds {
		numbers[k.stream] = 5 + random.IntN(15)
		for i := range numbers[k.stream] {
			records = append(records, k.record(i+1))
		}
	}
	v.apply(engine.Batch{Records: records})
	before, want, planted := map[string][]string{}, map[string]found{}, map[string]map[string]string{}
	for _, k := range kinds {
		before[k.stream] = v.live(k)
		want[k.stream], planted[k.stream] = v.spoil(k, random, numbers[k.stream])
	}
	v.read(random, records)
	for _, k := range kinds {
		if diff := cmp.Diff(want[k.stream], v.found(k)); diff != "" {
			v.Errorf("%s, %s: what was planted and what was found (-want +got):\n%s%v", v.name, k.stream, diff, planted[k.stream])
		}
		if diff := cmp.Diff(planted[k.stream], v.examples(k)); diff != "" && len(planted[k.stream]) <= 20 {
			v.Errorf("%s, %s: examples (-want +got):\n%s", v.name, k.stream, diff)
		}
		if diff := cmp.Diff(before[k.stream], v.live(k)); diff != "" {
			v.Errorf("%s, %s: after mending (-want +got):\n%s", v.name, k.stream, diff)
		}
		provider := func(yield func(json.RawMessage) bool) {
			for i := range numbers[k.stream] {
				if !yield(k.body(i + 1)) {
					return
				}
			}
		}
		if diff, err := storetest.Compare(context.Background(), v.Pool, v.id, k.catalog(), provider); err != nil || !diff.Empty() {
			v.Errorf("%s, %s: %v, %v", v.name, k.stream, err, diff)
		}
	}
}

// spoil plants damage in about half of n objects of a kind. It returns what is to be found, and by id
// what as.
func (v *verification) spoil(k kind, random *rand.Rand, n int) (want found, planted map[string]string) {
	v.Helper()
	want, planted = found{Checked: n, Equal: n, Done: true}, map[string]string{}
	for i := range n {
		d := damages[random.IntN(len(damages))]
		if random.IntN(2) == 0 || d.lines && k.lines == "" {
			continue
		}
		object := fmt.Sprint(i + 1)
		v.plant(k, d, object)
		want.Mended++
		want.Equal--
		switch d.found {
		case "missing":
			want.Missing++
		case "stale":
			want.Stale++
		case "damaged":
			want.Damaged++
		case "surplus":
			want.Surplus++
			want.Equal++
			object = map[bool]string{true: "lost-", false: "surplus-"}[d.lines] + object
		}
		planted[object] = d.found
	}
	return want, planted
}

func (v *verification) plant(k kind, d damage, object string) {
	v.Helper()
	sql := strings.NewReplacer("{table}", k.table, "{lines}", k.lines, "{one}", k.one, "{amount}", k.amount).Replace(d.sql)
	tag, err := v.Pool.Exec(context.Background(), sql, v.id, object)
	if err != nil || tag.RowsAffected() == 0 {
		v.Fatalf("%s, %s %s: %v, %v", v.name, k.stream, d.name, tag, err)
	}
}

// read reads all records again as a source does: in batches, then what no record has named.
func (v *verification) read(random *rand.Rand, records []engine.Record) {
	v.Helper()
	now := time.Now()
	again := slices.Clone(records)
	random.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
	for len(again) > 0 {
		size := min(len(again), 10+random.IntN(60))
		b := engine.Batch{Verify: true, Census: v.name, Records: slices.Clone(again[:size])}
		if random.IntN(2) == 0 { // a source may say when it has seen them, or not
			for i := range b.Records {
				b.Records[i].Seen = now
			}
		}
		v.apply(b)
		again = again[size:]
	}
	last := engine.Batch{Verify: true, Census: v.name}
	for _, k := range kinds {
		absent, err := v.Local(v.id).Absent(context.Background(), k.stream, v.name, "", 1000)
		if err != nil {
			v.Fatal(err)
		}
		for _, id := range absent {
			last.Records = append(last.Records, engine.Record{Stream: k.stream, ID: id, Version: now, Seen: now, Deleted: true})
		}
		last.EndCensus = append(last.EndCensus, k.stream)
	}
	v.apply(last)
}

func (v *verification) found(k kind) (f found) {
	v.Helper()
	err := v.Pool.QueryRow(context.Background(), `SELECT checked, equal, missing, stale, damaged, surplus, mended, finished_at IS NOT NULL FROM sync.reconciliations
WHERE connection_id = $1 AND stream = $2 AND reading = $3 AND method = 'values'`, v.id, k.stream, v.name).
		Scan(&f.Checked, &f.Equal, &f.Missing, &f.Stale, &f.Damaged, &f.Surplus, &f.Mended, &f.Done)
	if err != nil {
		v.Fatal(err)
	}
	return f
}

func (v *verification) examples(k kind) map[string]string {
	v.Helper()
	var examples []struct{ ID, Was string }
	err := v.Pool.QueryRow(context.Background(), `SELECT examples FROM sync.reconciliations WHERE connection_id = $1 AND stream = $2 AND reading = $3`, v.id, k.stream, v.name).Scan(&examples)
	if err != nil {
		v.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range examples {
		all[e.ID] = e.Was
	}
	return all
}

// live is everything that the connection's live rows of a kind say, except when they were written.
func (v *verification) live(k kind) []string {
	v.Helper()
	var all []string
	for _, r := range k.catalog().Relations() {
		sql := fmt.Sprintf(`SELECT (to_jsonb(r) - 'synced_at')::text FROM %s AS r WHERE connection_id = $1 AND deleted_at IS NULL ORDER BY 1`, r.Qualified())
		rows, err := v.Pool.Query(context.Background(), sql, v.id)
		if err != nil {
			v.Fatal(err)
		}
		var row string
		for rows.Next() {
			if err := rows.Scan(&row); err != nil {
				v.Fatal(err)
			}
			all = append(all, row)
		}
		if err := rows.Err(); err != nil {
			v.Fatal(err)
		}
	}
	return all
}

// reading returns the only reading's row.
func (f *fixture) reading(columns string) string {
	f.Helper()
	return f.value(`SELECT (` + columns + `) FROM sync.reconciliations`)
}

func (f *fixture) applyBatch(b engine.Batch) engine.Applied {
	f.Helper()
	n, err := f.Apply(f.ctx, f.lease, f.run, b, engine.Usage{})
	if err != nil {
		f.Fatal(err)
	}
	return n
}

// A reading leaves alone what is right, has a row from its first batch on, and ends with its census.
func TestVerifyLeavesAloneWhatIsRight(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.apply(order("1", 3), order("2", 2), deleted("3", 1), tag("a", "x"))
	f.exec(`UPDATE testbooks.orders SET synced_at = '2026-01-01'`)
	before := f.everything()

	const counts = `checked, equal, missing, stale, damaged, surplus, mended, finished_at IS NOT NULL`
	f.applyBatch(engine.Batch{Verify: true, Census: "one", Loading: []string{"Order"}})
	if got := f.reading(counts); got != "(0,0,0,0,0,0,0,f)" {
		t.Errorf("a reading that has only begun: %s", got)
	}
	n := f.applyBatch(engine.Batch{Verify: true, Census: "one", Records: []engine.Record{order("1", 3), order("2", 2), deleted("3", 1)}})
	if n != (engine.Applied{Unchanged: 3}) {
		t.Errorf("applied %+v", n)
	}
	if got := f.reading(counts); got != "(2,2,0,0,0,0,0,f)" {
		t.Errorf("a reading under way: %s", got)
	}
	f.applyBatch(engine.Batch{Verify: true, Census: "one", EndCensus: []string{"Order"}})
	if got := f.reading(counts); got != "(2,2,0,0,0,0,0,t)" {
		t.Errorf("a reading that has ended: %s", got)
	}
	f.applyBatch(engine.Batch{Verify: true, Census: "one", Records: []engine.Record{order("1", 3)}})
	if got := f.reading(counts); got != "(1,1,0,0,0,0,0,f)" {
		t.Errorf("the same reading anew: %s", got)
	}
	if got := f.everything(); got != before || f.value(`SELECT bool_and(synced_at = '2026-01-01') FROM testbooks.orders`) != "true" {
		t.Errorf("rows that were right are written: %s", cmp.Diff(before, got))
	}
	if n := f.applyBatch(engine.Batch{Verify: true, Records: []engine.Record{tag("a", "x"), order("9", 1)}}); n != (engine.Applied{Written: 1, Unchanged: 1}) {
		t.Errorf("a reading without a name: %+v", n)
	}
}

// What cannot be stored is counted, not mended, and stops nothing else.
func TestVerifyWithRecordsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var records []engine.Record
	for i := range 9 {
		records = append(records, order(fmt.Sprint(i), 2))
	}
	f.apply(records...)
	f.exec(`UPDATE testbooks.orders SET total = 7 WHERE id IN ('1', '2')`)
	f.exec(`ALTER TABLE testbooks.orders ADD CHECK (id <> '2' OR total = 7) NOT VALID`) // as odd as a database can be
	f.exec(`DELETE FROM testbooks.orders WHERE id = '3'`)
	bad := engine.Record{Stream: "Order", ID: "4", Version: version(2), Raw: []byte(`{"Id":"4","Meta":{"Updated":"2026-03-01T12:00:02Z"},"Total":"much"}`)}
	records[4] = bad
	refused := `{"Id":"5","Meta":{"Updated":"2026-03-01T12:00:02Z"},"Extra":"\ud800"}` // by PostgreSQL, and a row claims to hold it
	records[5].Raw = []byte(refused)
	f.exec(`UPDATE testbooks.orders SET digest = substr(sha256(convert_to($1, 'UTF8')), 1, 16) WHERE id = '5'`, refused)
	n := f.applyBatch(engine.Batch{Verify: true, Census: "c", Records: records})
	if n != (engine.Applied{Written: 2, Unchanged: 4, Dead: 3}) {
		t.Errorf("applied %+v", n)
	}
	got := f.rows(`SELECT checked, equal, missing, stale, damaged, mended FROM sync.reconciliations`)
	if diff := cmp.Diff([]string{"(9,4,1,1,3,2)"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.value(`SELECT string_agg(id || '=' || total, ' ' ORDER BY id) FROM testbooks.orders WHERE id IN ('1', '2', '3', '4')`); got != "1=2.00 2=7 3=2.00 4=2.00" {
		t.Errorf("totals %s", got)
	}
}

func TestCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	count := func(theirs, ours int) {
		t.Helper()
		if err := f.Counted(f.ctx, f.id, "Order", "r", theirs, ours); err != nil {
			t.Fatal(err)
		}
	}
	want := func(want string) {
		t.Helper()
		if got := f.reading(`method, checked, equal, missing, surplus, mended, finished_at IS NOT NULL`); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	count(7, 5)
	want("(counts,7,5,2,0,0,t)")
	count(5, 6)
	want("(counts,5,5,0,1,0,t)")
	count(6, 6)
	want("(counts,6,6,0,0,0,t)")
	f.applyBatch(engine.Batch{Verify: true, Census: "r", Records: []engine.Record{order("1", 1)}})
	want("(values,1,0,1,0,1,f)")
	count(6, 6)
	want("(values,1,0,1,0,1,f)")
}
