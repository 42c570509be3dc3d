package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// after is an entry that says to have taken another's place.
func after(id, before string) engine.Record { return entry(id, fmt.Sprintf(`"Before":%q`, before)) }

// keyed is an entry that is told by its key, dated one by account, day and amount.
func keyed(id, key string) engine.Record { return entry(id, fmt.Sprintf(`"Key":%q`, key)) }

func dated(id, day, amount string) engine.Record {
	return entry(id, fmt.Sprintf(`"Account":"1","Day":%q,"Amount":%s`, day, amount))
}

// succession shows each entry as id, >merged_into, =origin_id, and a - before it when it is deleted.
func (f *fixture) succession() string {
	f.Helper()
	return f.value(`SELECT coalesce(string_agg(CASE WHEN deleted_at IS NULL THEN '' ELSE '-' END || id || coalesce('>' || merged_into, '') || coalesce('=' || origin_id, ''), ' ' ORDER BY id), '')
		FROM testbooks.entries WHERE connection_id = $1`, f.id)
}

func TestSuccession(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	type units [][]engine.Record
	for _, tt := range []struct {
		name  string
		units units
		want  string
	}{
		{"pending, then posted", units{{entry("p", "")}, {after("q", "p"), dropped("p")}}, "-p>q q=p"},
		{"gone before it is posted", units{{entry("p", "")}, {dropped("p")}, {after("q", "p")}}, "-p>q q=p"},
		{"posted before it is gone", units{{entry("p", "")}, {after("q", "p")}, {dropped("p")}}, "-p>q q=p"},
		{"both stay", units{{entry("p", ""), after("q", "p")}}, "p>q q=p"},
		{"posted before it was heard of", units{{after("q", "p")}, {entry("p", "")}}, "p>q q=p"},
		{"gone without having been heard of", units{{after("q", "p")}, {dropped("p")}}, "-p>q q=p"},
		{"never heard of", units{{after("q", "p")}}, "q=p"},
		{"nobody named", units{{entry("q", `"Before":null`)}}, "q"},
		{"itself", units{{after("q", "q")}}, "q"},
		{"written anew", units{{entry("p", "")}, {after("q", "p"), dropped("p")}, {entry("q", `"Before":"p","Note":"n"`)}, {entry("q", `"Before":"p","Note":"m"`)}}, "-p>q q=p"},
		{"told later", units{{entry("p", ""), entry("q", "")}, {after("q", "p")}}, "p>q q=p"},
		{"told no longer", units{{entry("p", ""), after("q", "p")}, {entry("q", "")}}, "p q"},
		{"told no longer, of nobody known", units{{after("q", "p")}, {entry("q", "")}, {entry("p", "")}}, "p q"},
		{"told no longer, of one that is gone", units{{entry("p", "")}, {after("q", "p"), dropped("p")}, {entry("q", "")}}, "-p>q q=p"},
		{"and another says so", units{{entry("p", "")}, {after("q", "p"), dropped("p")}, {entry("q", "")}, {after("r", "p")}}, "-p>r q r=p"},
		{"told of another", units{{entry("o", ""), entry("p", ""), after("q", "p")}, {after("q", "o")}}, "o>q p q=o"},
		{"the posted one goes", units{{entry("p", ""), after("q", "p")}, {dropped("q")}}, "p -q"},
		{"and comes back", units{{entry("p", ""), after("q", "p")}, {dropped("q")}, {after("q", "p")}}, "p>q q=p"},
		{"both go", units{{entry("p", ""), after("q", "p")}, {dropped("p"), dropped("q")}}, "-p>q -q=p"},
		{"the pending one comes back", units{{entry("p", "")}, {after("q", "p"), dropped("p")}, {entry("p", "")}}, "p>q q=p"},
		{"and the posted one has gone", units{{entry("p", "")}, {after("q", "p"), dropped("p")}, {dropped("q")}, {entry("p", "")}}, "p -q"},
		{"a line of three", units{{entry("p", "")}, {after("q", "p"), dropped("p")}, {after("r", "q"), dropped("q")}}, "-p>q -q>r=p r=p"},
		{"two say to be it", units{{entry("p", ""), after("q", "p"), after("r", "p")}}, "p>q q=p r"},
		{"a second one", units{{entry("p", ""), after("r", "p")}, {after("q", "p")}}, "p>r q r=p"},
		{"a second one, of nobody known", units{{after("r", "p")}, {after("q", "p")}}, "q r=p"},
		{"the first of two goes", units{{entry("p", ""), after("q", "p"), after("r", "p")}, {dropped("q")}}, "p>r -q r=p"},
		{"each other", units{{after("p", "q"), after("q", "p")}}, "p q"},
		{"each other, one by one", units{{after("p", "q")}, {after("q", "p")}}, "p q"},
		{"three in a ring", units{{after("p", "r"), after("q", "p")}, {after("r", "q")}}, "p q>r r=q"},

		{"the same under another id", units{{dated("a", "2026-01-01", "5.0")}, {dropped("a"), dated("b", "2026-01-01", "5.00")}}, "-a>b b=a"},
		{"in another unit", units{{dated("a", "2026-01-01", "5")}, {dropped("a")}, {dated("b", "2026-01-01", "5")}}, "-a b"},
		{"not the same", units{{dated("a", "2026-01-01", "5")}, {dropped("a"), dated("b", "2026-01-01", "6")}}, "-a b"},
		{"by nothing", units{{entry("a", `"Account":"1","Day":"2026-01-01"`)}, {dropped("a"), entry("b", `"Account":"1","Day":"2026-01-01"`)}}, "-a b"},
		{"not a new one", units{{dated("a", "2026-01-01", "5"), dated("b", "2026-01-01", "5")}, {dropped("a"), entry("b", `"Account":"1","Day":"2026-01-01","Amount":5,"Note":"n"`)}}, "-a b"},
		{"the first to the first", units{{dated("b", "2026-01-01", "5"), dated("a", "2026-01-01", "5"), dated("c", "2026-01-01", "5")}, {dated("z", "2026-01-01", "5"), dropped("a"), dropped("c"), dropped("b"), dated("y", "2026-01-01", "5")}}, "-a>y -b>z -c y=a z=b"},
		{"by the first list that tells", units{{entry("a", `"Key":"k","Account":"1","Day":"2026-01-01","Amount":5`)}, {dropped("a"), dated("b", "2026-01-01", "5"), keyed("c", "k")}}, "-a>c b c=a"},
		{"again and again", units{{keyed("a", "k")}, {dropped("a"), keyed("b", "k")}, {dropped("b"), keyed("c", "k")}}, "-a>b -b>c=a c=a"},
		{"and back", units{{keyed("a", "k")}, {dropped("a"), keyed("b", "k")}, {dropped("b"), keyed("a", "k")}}, "a -b"},
		{"back beside the new one", units{{keyed("a", "k")}, {dropped("a"), keyed("b", "k")}, {keyed("a", "k")}}, "a b"},
		{"back beside the line", units{{keyed("a", "k")}, {dropped("a"), keyed("b", "k")}, {dropped("b"), keyed("c", "k")}, {keyed("a", "k")}}, "a -b>c c=b"},
		{"come and gone within the unit", units{{keyed("b", "k")}, {keyed("a", "k"), dropped("a"), dropped("b"), keyed("c", "k")}}, "-a -b>c c=b"},
		{"posted under another id", units{{entry("p", "")}, {entry("q", `"Before":"p","Key":"k"`), dropped("p")}, {dropped("q"), keyed("r", "k")}}, "-p>q -q>r=p r=p"},
		{"posted under another id that says so", units{{entry("p", "")}, {entry("q", `"Before":"p","Key":"k"`), dropped("p")}, {dropped("q"), entry("r", `"Before":"p","Key":"k"`)}}, "-p>r -q r=p"},
		{"named, though the same as another", units{{keyed("p", "k")}, {dropped("p"), after("q", "p"), keyed("r", "k")}}, "-p>q q=p r"},
		{"pending under another id, then posted", units{{keyed("o", "k")}, {dropped("o"), keyed("p", "k")}, {dropped("p"), after("q", "p")}}, "-o>p -p>q=o q=o"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{100, 1, 2} { // of a part
				f.connect(fmt.Sprint(tt.name, size))
				for _, records := range tt.units {
					for len(records) > size {
						f.part(records[:size]...)
						records = records[size:]
					}
					f.apply(records...)
				}
				if got := f.succession(); got != tt.want {
					t.Errorf("in parts of %d: %s, want %s", size, got, tt.want)
				}
			}
		})
	}
}

// Where no object says whose place it takes, one that comes back has its own again.
func TestSuccessionThatNobodyTells(t *testing.T) {
	t.Parallel()
	table := entries()
	table.Succession = &catalog.Succession{Same: table.Succession.Same}
	f := newFixture(t, table)
	for _, step := range []struct {
		records []engine.Record
		want    string
	}{
		{[]engine.Record{keyed("a", "k"), after("q", "a")}, "a q"},
		{[]engine.Record{keyed("b", "k"), dropped("a")}, "-a>b b=a q"},
		{[]engine.Record{keyed("c", "k"), dropped("b")}, "-a>b -b>c=a c=a q"},
		{[]engine.Record{keyed("a", "k")}, "a -b>c c=b q"},
		{[]engine.Record{keyed("b", "k"), dropped("c")}, "a b -c q"},
	} {
		if f.apply(step.records...); f.succession() != step.want {
			t.Errorf("%s, want %s", f.succession(), step.want)
		}
	}
}

// A Whole's deletions are deletions like others.
func TestSuccessionByWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	f.apply(entry("p", ""), after("q", "p"), keyed("a", "k"))
	f.applyBatch(engine.Batch{Records: []engine.Record{entry("p", ""), keyed("b", "k")}, Whole: []engine.Whole{{Stream: "Entry"}}})
	if got := f.succession(); got != "-a>b b=a p -q" {
		t.Errorf("%s", got)
	}
}

// Comparing all values leaves the succession as it is, and finds it again where a row has been lost.
func TestSuccessionWithVerify(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	f.apply(keyed("a", "k"), entry("p", ""))
	all := []engine.Record{keyed("b", "k"), after("q", "p"), dropped("a"), dropped("p")}
	f.apply(all...)
	const want = "-a>b b=a -p>q q=p"
	if n := f.applyBatch(engine.Batch{Verify: true, Records: all}); n.Unchanged != 4 || f.succession() != want {
		t.Errorf("%+v, %s", n, f.succession())
	}
	f.exec(`UPDATE testbooks.entries SET note = 'damaged' WHERE id IN ('b', 'q')`)
	if n := f.applyBatch(engine.Batch{Verify: true, Records: all}); n.Written != 2 || f.succession() != want {
		t.Errorf("%+v, %s", n, f.succession())
	}
	f.exec(`DELETE FROM testbooks.entries WHERE id = 'q'`)
	if f.applyBatch(engine.Batch{Verify: true, Records: all}); f.succession() != want {
		t.Errorf("%s", f.succession())
	}
}

// Thousands of objects under new ids at once take no longer than their number asks for.
func TestSuccessionOfMany(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	const n = 4000
	for generation := range 3 {
		for i := 0; i < n; i += 500 {
			var records []engine.Record
			for j := i; j < i+500; j++ {
				records = append(records, dated(fmt.Sprintf("%c%04d", 'a'+generation, j), fmt.Sprintf("2026-01-%02d", 1+j%20), fmt.Sprint(j/40)))
			}
			f.part(records...)
		}
		f.applyBatch(engine.Batch{Whole: []engine.Whole{{Stream: "Entry"}}})
	}
	if got := f.value(`SELECT count(*) FROM testbooks.entries WHERE deleted_at IS NULL AND origin_id = 'a' || substr(id, 2) AND merged_into IS NULL`); got != fmt.Sprint(n) {
		t.Errorf("%s of %d have kept their origin", got, n)
	}
	if got := f.value(`SELECT count(*) FROM testbooks.entries WHERE deleted_at IS NOT NULL AND merged_into = chr(ascii(id) + 1) || substr(id, 2)`); got != fmt.Sprint(2*n) {
		t.Errorf("%s of %d have given way", got, 2*n)
	}
}

func TestSuccessionOfWhatTheCatalogDoesNotHave(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*catalog.Table){
		"no such column":         func(c *catalog.Table) { c.Succession = &catalog.Succession{By: "Nothing"} },
		"no text":                func(c *catalog.Table) { c.Succession = &catalog.Succession{By: "Day"} },
		"no index":               func(c *catalog.Table) { c.Indexes = c.Indexes[1:] },
		"the same in nothing":    func(c *catalog.Table) { c.Succession = &catalog.Succession{Same: [][]string{{}}} },
		"no such value":          func(c *catalog.Table) { c.Succession = &catalog.Succession{Same: [][]string{{"Nothing"}}} },
		"merged and succeeded":   func(c *catalog.Table) { c.Merges = true },
		"a column of the same":   func(c *catalog.Table) { c.Columns = append(c.Columns, catalog.Column{Path: "OriginId"}) },
		"nothing is wrong, as a": nil,
	} {
		c := entries()
		if change != nil {
			change(&c)
		}
		if _, err := store.New(nil, []catalog.Table{c}); change == nil && err != nil || change != nil && !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fact is what is true of a thing in the end: the entries that it has been, one after the other, all
// but the last deleted, and whether the last is too, and whether the first was heard of.
type fact struct {
	ids   []string
	alive bool
	heard bool
}

// Whatever the order in which the same facts come, and however they are split into units and parts: the
// same entries are live, and each thing is known by the id under which it was first known.
func TestSuccessionInAnyOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	for seed := range uint64(storetest.Seeds(80)) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var facts []fact
		for i := range 1 + rng.IntN(5) {
			n := 1 + rng.IntN(2)
			one := fact{alive: rng.IntN(4) > 0, heard: rng.IntN(4) > 0}
			for j := range n {
				one.ids = append(one.ids, fmt.Sprintf("%c%d", "zyxw"[rng.IntN(4)], 10*i+j))
			}
			facts = append(facts, one)
		}
		records, want, live := told(facts, rng)
		for try := range 4 {
			f.connect(fmt.Sprintf("seed %d.%d", seed, try))
			f.inUnits(shuffled(records, rng), rng)
			if got := f.visible(); !maps.Equal(got, want) {
				t.Fatalf("seed %d, %d: %v, want %v; %s", seed, try, got, want, f.succession())
			}
			f.compare(live)
		}
	}
}

// told returns what a provider tells of facts: for each entry its records in order; what a reader sees
// in the end, ids by key; and the JSON of the live ones.
func told(facts []fact, rng *rand.Rand) (records [][]engine.Record, seen map[string]string, live []json.RawMessage) {
	seen = map[string]string{}
	for _, one := range facts {
		last := len(one.ids) - 1
		for i, id := range one.ids {
			r := entry(id, "")
			if i > 0 {
				r = after(id, one.ids[i-1])
			}
			of := []engine.Record{r}
			if i == 0 && last > 0 && !one.heard {
				of = nil
			}
			if i < last || !one.alive {
				of = append(of, dropped(id))
			}
			if rng.IntN(3) == 0 {
				of = append(of, of[len(of)-1])
			}
			records = append(records, of)
		}
		if one.alive {
			seen[one.ids[0]] = one.ids[last]
			r := entry(one.ids[last], "")
			if last > 0 {
				r = after(one.ids[last], one.ids[last-1])
			}
			live = append(live, r.Raw)
		}
	}
	return records, seen, live
}

// shuffled mixes lists, and keeps the order of each.
func shuffled(lists [][]engine.Record, rng *rand.Rand) (all []engine.Record) {
	lists = slices.Clone(lists)
	for len(lists) > 0 {
		i := rng.IntN(len(lists))
		all = append(all, lists[i][0])
		if lists[i] = lists[i][1:]; len(lists[i]) == 0 {
			lists = slices.Delete(lists, i, i+1)
		}
	}
	return all
}

// inUnits applies records in random units of random parts.
func (f *fixture) inUnits(records []engine.Record, rng *rand.Rand) {
	f.Helper()
	for len(records) > 0 {
		n := 1 + rng.IntN(len(records))
		if rng.IntN(2) == 0 {
			f.part(records[:n]...)
		} else {
			f.apply(records[:n]...)
		}
		records = records[n:]
	}
	f.applyBatch(engine.Batch{})
}

// visible returns what readers see: ids by key. Two of one key fail the test.
func (f *fixture) visible() map[string]string {
	f.Helper()
	seen := map[string]string{}
	for _, row := range f.rows(`SELECT coalesce(origin_id, id) || ' ' || id FROM testbooks.entries WHERE connection_id = $1 AND deleted_at IS NULL AND merged_into IS NULL`, f.id) {
		key, id, _ := strings.Cut(strings.Trim(row, `(")`), " ")
		if seen[key] != "" {
			f.Fatalf("two entries are known as %s: %s and %s; %s", key, seen[key], id, f.succession())
		}
		seen[key] = id
	}
	return seen
}

// compare fails the test when the connection's live entries are others than the provider's.
func (f *fixture) compare(live []json.RawMessage) {
	f.Helper()
	table := entries()
	diff, err := storetest.Compare(context.Background(), f.Pool, f.id, &table, slices.Values(live))
	if err != nil || !diff.Empty() {
		f.Fatalf("%v, %v; %s", err, diff, f.succession())
	}
}

// Whatever a provider says, no two things are known by one id, and of what it has nothing is hidden
// but behind what has taken its place and can be seen. What a model in memory says is live is live.
func TestSuccessionOfNonsense(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	for seed := range uint64(storetest.Seeds(120)) {
		rng := rand.New(rand.NewPCG(seed, 4))
		f.connect(fmt.Sprint("seed ", seed))
		live := map[string]json.RawMessage{}
		for range 3 + rng.IntN(8) {
			var records []engine.Record
			for range 1 + rng.IntN(6) {
				r := nonsense(rng)
				records = append(records, r)
				if delete(live, r.ID); !r.Deleted {
					live[r.ID] = r.Raw
				}
			}
			whole := rng.IntN(6) == 0
			if whole {
				maps.DeleteFunc(live, func(id string, _ json.RawMessage) bool {
					return !slices.ContainsFunc(records, func(r engine.Record) bool { return r.ID == id && !r.Deleted })
				})
			}
			f.nonsense(records, whole, rng)
			f.compare(slices.Collect(maps.Values(live)))
			f.nothingHidden()
		}
	}
}

func nonsense(rng *rand.Rand) engine.Record {
	id := string("abcdef"[rng.IntN(6)])
	switch rng.IntN(6) {
	case 0, 1:
		return dropped(id)
	case 2:
		return keyed(id, string("kl"[rng.IntN(2)]))
	case 3:
		return entry(id, "")
	}
	return entry(id, fmt.Sprintf(`"Before":%q,"Key":%q`, string("abcdefg"[rng.IntN(7)]), string("kl"[rng.IntN(2)])))
}

func (f *fixture) nonsense(records []engine.Record, whole bool, rng *rand.Rand) {
	f.Helper()
	for len(records) > 1 && rng.IntN(2) == 0 {
		f.part(records[0])
		records = records[1:]
	}
	b := engine.Batch{Records: records, Verify: rng.IntN(4) == 0}
	if whole {
		b.Whole = []engine.Whole{{Stream: "Entry"}}
	}
	f.applyBatch(b)
}

// nothingHidden follows each live entry that is hidden to one that is seen.
func (f *fixture) nothingHidden() {
	f.Helper()
	f.visible()
	if got := f.rows(`WITH RECURSIVE hidden AS (
		SELECT id, merged_into FROM testbooks.entries WHERE connection_id = $1 AND deleted_at IS NULL
		UNION SELECT h.id, e.merged_into FROM hidden AS h JOIN testbooks.entries AS e ON e.connection_id = $1 AND e.id = h.merged_into AND e.deleted_at IS NULL
	) SELECT DISTINCT id FROM hidden EXCEPT SELECT id FROM hidden WHERE merged_into IS NULL`, f.id); len(got) > 0 {
		f.Fatalf("%v cannot be seen: %s", got, f.succession())
	}
}

// What the surest list says to be two things is not one because of the others.
func TestSuccessionContradicted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, entries())
	f.apply(entry("a", `"Key":"k1","Account":"1","Day":"2026-01-01","Amount":5`), entry("c", `"Account":"2","Day":"2026-01-01","Amount":5`))
	f.apply(dropped("a"), entry("b", `"Key":"k2","Account":"1","Day":"2026-01-01","Amount":5`),
		dropped("c"), entry("d", `"Key":"k3","Account":"2","Day":"2026-01-01","Amount":5`))
	if got := f.succession(); got != "-a b -c>d d=c" {
		t.Errorf("%s: want b to stand for itself, and d in c's place", got)
	}
}

// Where the catalog says so, values that several share tell nothing.
func TestSuccessionAlone(t *testing.T) {
	t.Parallel()
	table := entries()
	table.Succession = &catalog.Succession{By: table.Succession.By, Same: table.Succession.Same, Alone: true}
	f := newFixture(t, table)
	const twin = `"Account":"1","Day":"2026-01-01","Amount":5`
	f.apply(entry("a", twin), entry("b", twin), entry("x", `"Key":"k"`))
	f.apply(dropped("a"), dropped("b"), dropped("x"), entry("c", twin), entry("d", twin), entry("y", `"Key":"k"`))
	if got := f.succession(); got != "-a -b c d -x>y y=x" {
		t.Errorf("%s: want only x to have an heir", got)
	}
}
