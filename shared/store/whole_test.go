package store_test

import (
	"fmt"
	"testing"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// entries have no version, give way to one another, and have lines.
func entries() catalog.Table {
	return catalog.Table{
		Provider: books, Stream: "Entry", Name: "entries", One: "entry", ID: "Id",
		Columns: []catalog.Column{
			{Path: "Id"}, {Path: "Account"}, {Path: "Day", Type: catalog.Date}, {Path: "Amount", Type: catalog.Numeric},
			{Path: "Before"}, {Path: "Key"}, {Path: "Note"},
		},
		Children:   []catalog.Child{{Path: "Line", Name: "entry_lines", Columns: []catalog.Column{{Path: "Text"}}}},
		Indexes:    []string{"before", "account, day", "key"},
		Succession: &catalog.Succession{By: "Before", Same: [][]string{{"Key"}, {"Account", "Day", "Amount"}}},
	}
}

// entry is a record of an entry with a line; rest are further members of its JSON.
func entry(id, rest string) engine.Record {
	if rest != "" {
		rest = "," + rest
	}
	return engine.Record{Stream: "Entry", ID: id, Raw: fmt.Appendf(nil, `{"Id":%q,"Line":[{"Text":"x"}]%s}`, id, rest)}
}

func dropped(id string) engine.Record { return engine.Record{Stream: "Entry", ID: id, Deleted: true} }

func (f *fixture) entries() string {
	f.Helper()
	return f.value(`SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM testbooks.entries WHERE deleted_at IS NULL AND connection_id = $1`, f.id)
}

func TestWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	among := func(all ...engine.Among) []engine.Whole {
		return []engine.Whole{{Stream: "Entry", Among: all}}
	}
	odd := entry("b", "")
	odd.Problem = "odd"
	unstorable := entry("c", `"Amount":"much"`)
	for _, tt := range []struct {
		name    string
		whole   []engine.Whole
		records []engine.Record
		live    string
		n       engine.Applied
	}{
		{"nothing is said to be all", nil, []engine.Record{entry("new", "")}, "a b c d new", engine.Applied{Written: 1}},
		{"all there is", among(), []engine.Record{entry("a", `"Account":"1","Day":"2026-01-01"`), entry("new", "")}, "a new", engine.Applied{Written: 1, Unchanged: 1, Deleted: 3}},
		{"nothing is there", among(), nil, "", engine.Applied{Deleted: 4}},
		{"what cannot be stored is there", among(), []engine.Record{odd, unstorable}, "b c", engine.Applied{Dead: 2, Deleted: 2}},
		{"what is deleted is not", among(), []engine.Record{dropped("a"), entry("b", "")}, "b", engine.Applied{Written: 1, Deleted: 3}},
		{"of two accounts", among(engine.Among{Path: "Account", In: []string{"1", "9"}}), nil, "c d", engine.Applied{Deleted: 2}},
		{"of no account", among(engine.Among{Path: "Account"}), nil, "a b c d", engine.Applied{}},
		{"of a number", among(engine.Among{Path: "Amount", In: []string{"7.50"}}), nil, "a b d", engine.Applied{Deleted: 1}},
		{"from a day on", among(engine.Among{Path: "Day", From: "2026-01-02"}), []engine.Record{entry("c", `"Account":"2","Day":"2026-02-01","Amount":7.50`)}, "a c d", engine.Applied{Unchanged: 1, Deleted: 1}},
		{"of an account from a day on", among(engine.Among{Path: "Day", From: "2026-01-01"}, engine.Among{Path: "Account", In: []string{"2"}}), nil, "a b d", engine.Applied{Deleted: 1}},
		{"two halves", []engine.Whole{{Stream: "Entry", Among: []engine.Among{{Path: "Account", In: []string{"1"}}}}, {Stream: "Entry", Among: []engine.Among{{Path: "Account", In: []string{"2"}}}}}, []engine.Record{entry("b", `"Account":"1"`)}, "b d", engine.Applied{Written: 1, Deleted: 2}},
		{"of another stream", []engine.Whole{{Stream: "Tag"}}, nil, "a b c d", engine.Applied{Deleted: 1}},
	} {
		for _, parts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in parts %v", tt.name, parts), func(t *testing.T) {
				f.connect(t.Name())
				f.apply(entry("a", `"Account":"1","Day":"2026-01-01"`), entry("b", `"Account":"1","Day":"2026-01-02"`),
					entry("c", `"Account":"2","Day":"2026-02-01","Amount":7.50`), entry("d", ""), tag("t", "x"))
				f.apply(entry("gone", `"Account":"1"`), dropped("gone"))
				records := tt.records
				if parts {
					for i := range records {
						f.part(records[i])
					}
					records = nil
				}
				if n := f.applyBatch(engine.Batch{Records: records, Whole: tt.whole}); n != tt.n {
					t.Errorf("applied %+v, want %+v", n, tt.n)
				}
				if got := f.entries(); got != tt.live {
					t.Errorf("live: %q, want %q", got, tt.live)
				}
				if got := f.value(`SELECT count(*) FROM testbooks.entries AS e JOIN testbooks.entry_lines AS l ON l.connection_id = e.connection_id AND l.entry_id = e.id WHERE l.deleted_at IS DISTINCT FROM e.deleted_at`); got != "0" {
					t.Errorf("%s lines are not as their entries are", got)
				}
			})
		}
	}
}

func TestWholeOfWhatTheCatalogDoesNotHave(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	f.apply(entry("a", `"Day":"2026-01-01"`))
	for name, w := range map[string]engine.Whole{
		"a stream":         {Stream: "Nothing"},
		"a path":           {Stream: "Entry", Among: []engine.Among{{Path: "Nothing", In: []string{"1"}}}},
		"a child's path":   {Stream: "Entry", Among: []engine.Among{{Path: "Line.Text", In: []string{"1"}}}},
		"a day of no date": {Stream: "Entry", Among: []engine.Among{{Path: "Account", From: "2026-01-01"}}},
		"no day":           {Stream: "Entry", Among: []engine.Among{{Path: "Day", From: "yesterday"}}},
	} {
		_, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Records: []engine.Record{entry("b", "")}, Whole: []engine.Whole{w}}, engine.Usage{})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := f.entries(); got != "a" {
		t.Errorf("live: %q", got)
	}
}

// Another connection's rows, and another organisation's, are none of the unit's business.
func TestWholeOfOneConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	f.apply(entry("a", ""))
	first := f.id
	f.connect("realm-2")
	f.apply(entry("b", ""))
	f.applyBatch(engine.Batch{Whole: []engine.Whole{{Stream: "Entry"}}})
	if got := f.entries(); got != "" {
		t.Errorf("live: %q", got)
	}
	f.id = first
	if got := f.entries(); got != "a" {
		t.Errorf("of the other connection: %q", got)
	}
}

// A reading in parts finds and mends what a reading batch by batch does, and what is left is surplus.
func TestWholeWithVerify(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	var all []engine.Record
	for i := range 30 {
		all = append(all, entry(fmt.Sprintf("%02d", i), fmt.Sprintf(`"Amount":%d.50`, i)))
	}
	f.apply(all...)
	f.exec(`DELETE FROM testbooks.entries WHERE id IN ('01', '02')`)
	f.exec(`UPDATE testbooks.entries SET amount = 9 WHERE id IN ('03', '13')`)
	f.exec(`UPDATE testbooks.entries SET digest = 'x' WHERE id = '04'`)
	f.exec(`UPDATE testbooks.entry_lines SET text = 'y' WHERE entry_id = '05'`)
	f.exec(`INSERT INTO testbooks.entry_lines (org_id, connection_id, entry_id, position, synced_at) VALUES ('onpoint', $1, 'lost', 1, now())`, f.id)
	for i := 0; i < 25; i += 5 {
		f.part(all[i : i+5]...)
	}
	n := f.applyBatch(engine.Batch{Records: all[25:28], Whole: []engine.Whole{{Stream: "Entry"}}, Verify: true, Census: "c", EndCensus: []string{"Entry"}, Loading: []string{"Entry"}})
	if n != (engine.Applied{Written: 6, Deleted: 2, Unchanged: 22}) {
		t.Errorf("applied %+v", n)
	}
	if got := f.reading(`checked, equal, missing, stale, damaged, surplus, mended, finished_at IS NOT NULL`); got != "(28,22,2,1,3,3,9,t)" {
		t.Errorf("found %s", got)
	}
	if got := f.value(`SELECT count(*) || ' ' || sum(amount) FROM testbooks.entries WHERE deleted_at IS NULL`); got != "28 392.00" {
		t.Errorf("live entries and their sum: %s", got)
	}
	if got := f.value(`SELECT count(*) FROM sync.census`); got != "0" {
		t.Errorf("%s ids are left of the census", got)
	}
}

// Thousands of ids do not stand in memory: they give the same.
func TestWholeOfMany(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	const n = 7000
	load := func(from, to int, last engine.Batch) engine.Applied {
		for ; from < to; from += 500 {
			var records []engine.Record
			for i := from; i < min(to, from+500); i++ {
				records = append(records, entry(fmt.Sprint("e", i), `"Account":"1"`))
			}
			f.part(records...)
		}
		return f.applyBatch(last)
	}
	all := engine.Batch{Whole: []engine.Whole{{Stream: "Entry"}}}
	if got := load(0, n, all); got != (engine.Applied{Written: n}) {
		t.Errorf("a first load: %+v", got)
	}
	if got := load(3000, n+1000, all); got != (engine.Applied{Written: 1000, Deleted: 3000, Unchanged: n - 3000}) {
		t.Errorf("read again: %+v", got)
	}
	if got := f.value(`SELECT count(*) || ' ' || count(*) FILTER (WHERE deleted_at IS NULL) FROM testbooks.entries`); got != "8000 5000" {
		t.Errorf("entries, and live ones: %s", got)
	}
	if got := load(0, 2500, engine.Batch{Whole: []engine.Whole{{Stream: "Entry"}, {Stream: "Tag"}}}); got != (engine.Applied{Written: 2500, Deleted: 5000}) {
		t.Errorf("all others: %+v", got)
	}
}
