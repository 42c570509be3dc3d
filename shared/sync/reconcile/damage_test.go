package reconcile_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

// damage is a way to spoil an object's rows by hand, and what it is to be found as. It reports
// whether the object could be spoilt in that way.
type damage struct {
	name, was string
	plant     func(w *world, t *catalog.Table, id string) bool
}

var damages = []damage{
	{"a row is gone", "missing", func(w *world, t *catalog.Table, id string) bool {
		return w.onAll(t, "DELETE FROM %s WHERE connection_id = $1 AND %s = $2", id)
	}},
	{"a row is marked deleted", "missing", func(w *world, t *catalog.Table, id string) bool {
		return w.onAll(t, "UPDATE %s SET deleted_at = now() WHERE connection_id = $1 AND %s = $2", id)
	}},
	{"an older version", "stale", func(w *world, t *catalog.Table, id string) bool {
		r := t.Relations()[0]
		version := ""
		for _, c := range r.Columns {
			if c.Path == t.Version {
				version = c.Name
			}
		}
		return version != "" && w.exec(fmt.Sprintf(`UPDATE %s SET %s = %s - interval '1 hour', digest = set_byte(digest, 0, 255 - get_byte(digest, 0)), raw = raw || '{"SyncToken": "0"}'
WHERE connection_id = $1 AND id = $2`, r.Qualified(), version, version), w.conn.ID, id) == 1
	}},
	{"an object that is not at QuickBooks", "surplus", func(w *world, t *catalog.Table, id string) bool {
		w.strays++
		for _, r := range t.Relations() {
			columns := w.columns(r)
			values := strings.Replace(columns, `"`+r.RootID()+`"`, "'"+w.stray()+"'", 1)
			w.exec(fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s WHERE connection_id = $1 AND %[4]s = $2",
				r.Qualified(), columns, values, r.RootID()), w.conn.ID, id)
		}
		return true
	}},
	{"a wrong amount", "damaged", func(w *world, t *catalog.Table, id string) bool {
		return w.onColumn(t.Relations()[0], catalog.Numeric, "coalesce(%s, 0) + 0.01", id)
	}},
	{"a wrong name", "damaged", func(w *world, t *catalog.Table, id string) bool {
		return w.onColumn(t.Relations()[0], catalog.Text, "%s || 'x'", id)
	}},
	{"an amount with a digit too many", "damaged", func(w *world, t *catalog.Table, id string) bool {
		return w.onColumn(t.Relations()[0], catalog.Numeric, "%[1]s * 1.0", id)
	}},
	{"another JSON", "damaged", func(w *world, t *catalog.Table, id string) bool {
		return w.exec(fmt.Sprintf(`UPDATE %s SET raw = raw || '{"PrivateNote": "not theirs"}' WHERE connection_id = $1 AND id = $2`,
			t.Relations()[0].Qualified()), w.conn.ID, id) == 1
	}},
	{"a line with a wrong amount", "damaged", func(w *world, t *catalog.Table, id string) bool {
		return slices.ContainsFunc(t.Relations()[1:], func(r *catalog.Relation) bool {
			return w.onColumn(r, catalog.Numeric, "coalesce(%s, 0) + 0.01", id)
		})
	}},
	{"a line too few", "damaged", func(w *world, t *catalog.Table, id string) bool {
		return slices.ContainsFunc(t.Relations()[1:], func(r *catalog.Relation) bool {
			return w.exec(fmt.Sprintf("DELETE FROM %s WHERE connection_id = $1 AND %s = $2 AND position = 1", r.Qualified(), r.RootID()), w.conn.ID, id) > 0
		})
	}},
	{"a line too many", "damaged", func(w *world, t *catalog.Table, id string) bool {
		return slices.ContainsFunc(t.Relations()[1:], func(r *catalog.Relation) bool {
			columns := w.columns(r)
			return w.exec(fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s WHERE connection_id = $1 AND %[4]s = $2 LIMIT 1",
				r.Qualified(), columns, strings.Replace(columns, `"position"`, "position + 1000", 1), r.RootID()), w.conn.ID, id) > 0
		})
	}},
}

// stray is the id of the last object that was made up.
func (w *world) stray() string { return fmt.Sprint(900_000 + w.strays) }

// onAll runs a statement on all rows of an object.
func (w *world) onAll(t *catalog.Table, sql, id string) bool {
	for _, r := range t.Relations() {
		w.exec(fmt.Sprintf(sql, r.Qualified(), r.RootID()), w.conn.ID, id)
	}
	return true
}

// onColumn changes the first column of a type that has a value in some row of the object, but for
// its key.
func (w *world) onColumn(r *catalog.Relation, of catalog.Type, value, id string) bool {
	return slices.ContainsFunc(r.Columns, func(c catalog.Column) bool {
		return c.Type == of && c.Name != "id" && w.exec(fmt.Sprintf("UPDATE %s SET %s = %s WHERE connection_id = $1 AND %s = $2 AND %[2]s IS NOT NULL",
			r.Qualified(), c.Name, fmt.Sprintf(value, c.Name), r.RootID()), w.conn.ID, id) > 0
	})
}

// columns lists the columns of a relation that can be written.
func (w *world) columns(r *catalog.Relation) string {
	w.Helper()
	rows, err := w.store.Pool.Query(context.Background(), `SELECT column_name FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 AND is_generated = 'NEVER' ORDER BY ordinal_position`, r.Schema, r.Name)
	if err != nil {
		w.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.Fatal(err)
	}
	for i := range names {
		names[i] = `"` + names[i] + `"`
	}
	return strings.Join(names, ", ")
}

// plant spoils a few objects at random, each in one way, and returns what is to be found of each
// stream.
func (w *world) plant(dice *rand.Rand, n int) (found map[string]map[string]int, names []string) {
	w.Helper()
	found = map[string]map[string]int{}
	spoilt := map[string]bool{}
	for len(names) < n {
		t := &w.tables[dice.IntN(len(w.tables))]
		d := damages[dice.IntN(len(damages))]
		ids := slices.Collect(w.company.IDs(t.Stream))
		if len(ids) == 0 {
			continue
		}
		id := ids[dice.IntN(len(ids))]
		if spoilt[t.Stream+id] || !d.plant(w, t, id) {
			continue
		}
		spoilt[t.Stream+id] = true
		if found[t.Stream] == nil {
			found[t.Stream] = map[string]int{}
		}
		found[t.Stream][d.was]++
		names = append(names, fmt.Sprintf("%s %s: %s", t.Stream, id, d.name))
	}
	return found, names
}

// told is what a check says that it has found, by stream.
func told(readings []reconcile.Reading) map[string]map[string]int {
	found := map[string]map[string]int{}
	for _, r := range readings {
		if r.Wrong() == 0 {
			continue
		}
		if found[r.Stream] == nil {
			found[r.Stream] = map[string]int{}
		}
		for was, n := range map[string]int{"missing": r.Missing, "stale": r.Stale, "damaged": r.Damaged, "surplus": r.Surplus} {
			if n > 0 {
				found[r.Stream][was] += n
			}
		}
	}
	return found
}

var streams = []string{"Customer", "Item", "Invoice", "Payment"}

// A full check finds and mends what was planted, and says just that, whatever it is.
func TestFullCheckFindsAndMends(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, quickbooks.Catalog()...)
	const seeds, worlds = 100, 4
	for n := range worlds {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, db, fmt.Sprint(100+n), 12, streams...)
			w.page = 10 + 5*n
			for seed := n; seed < seeds; seed += worlds {
				w.pass(time.Hour)
				want, names := w.plant(rand.New(rand.NewPCG(uint64(seed), 1)), 1+seed%7)
				sum, err := w.worker().Check(t.Context(), w.conn, reconcile.Check{Tables: w.tables, Full: true})
				if err != nil {
					t.Fatalf("seed %d, %q: %v", seed, names, err)
				}
				if diff := cmp.Diff(want, told(sum.Readings)); diff != "" {
					t.Errorf("seed %d, %q: found (-want +got):\n%s", seed, names, diff)
				}
				if wrong, mended := sum.Wrong(); wrong != len(names) || mended != wrong || len(sum.Readings) != len(w.tables) {
					t.Errorf("seed %d: %d planted, %d wrong, %d mended in %d streams", seed, len(names), wrong, mended, len(sum.Readings))
				}
				w.agree()
			}
		})
	}
}

// Each kind of damage is found as what it is, told by its id, and recorded.
func TestEachKindOfDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 12, streams...)
	for i, d := range damages {
		w.pass(time.Hour)
		table := w.table("Invoice")
		id := slices.Collect(w.company.IDs("Invoice"))[i]
		if !d.plant(w, table, id) {
			t.Fatalf("%s: an invoice cannot be spoilt like that", d.name)
		}
		if w.diff("Invoice").Empty() && d.name != "an amount with a digit too many" {
			t.Fatalf("%s: it does no harm", d.name)
		}
		sum, err := w.worker().Check(t.Context(), w.conn, reconcile.Check{Tables: []catalog.Table{*table}, Full: true})
		if err != nil || len(sum.Readings) != 1 {
			t.Fatalf("%s: %+v, %v", d.name, sum, err)
		}
		want := id
		if d.was == "surplus" {
			want = w.stray()
		}
		if diff := cmp.Diff([]reconcile.Example{{ID: want, Was: d.was}}, sum.Readings[0].Examples); diff != "" {
			t.Errorf("%s: told (-want +got):\n%s", d.name, diff)
		}
		w.agree()
	}
	var checked, equal, wrong, mended int
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT sum(checked), sum(equal), sum(missing + stale + damaged + surplus), sum(mended)
FROM sync.reconciliations WHERE stream = 'Invoice' AND method = 'values' AND finished_at IS NOT NULL`).Scan(&checked, &equal, &wrong, &mended); err != nil {
		t.Fatal(err)
	}
	if checked != equal+wrong-1 || wrong != len(damages) || mended != wrong {
		t.Errorf("recorded %d checked, %d equal, %d wrong, %d mended", checked, equal, wrong, mended)
	}
}

// Counting finds what is missing and what is too much, mends it with all that is wrong in those
// streams, and leaves alone what is equal.
func TestCountsFindAndMend(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "100", 12, streams...)
	sum, err := w.worker().Check(t.Context(), w.conn, reconcile.Check{Tables: w.tables})
	if err != nil || sum.Counted != len(streams) || len(sum.Readings) != 0 {
		t.Fatalf("nothing wrong: %+v, %v", sum, err)
	}
	var metered int
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT metered_calls FROM sync.runs WHERE reason = 'reconcile' ORDER BY id DESC LIMIT 1`).Scan(&metered); err != nil || metered != len(streams)+1 {
		t.Errorf("%d metered calls, %v; want one for each stream and one for changes", metered, err)
	}

	w.pass(time.Hour)
	invoice, payment := w.table("Invoice"), w.table("Payment")
	invoices, payments := slices.Collect(w.company.IDs("Invoice")), slices.Collect(w.company.IDs("Payment"))
	damages[0].plant(w, invoice, invoices[2])
	damages[4].plant(w, invoice, invoices[3])
	damages[3].plant(w, payment, payments[1])
	sum, err = w.worker().Check(t.Context(), w.conn, reconcile.Check{Tables: w.tables})
	if err != nil || sum.Counted != len(streams)-2 {
		t.Errorf("%+v, %v", sum, err)
	}
	want := map[string]map[string]int{"Invoice": {"missing": 1, "damaged": 1}, "Payment": {"surplus": 1}}
	if diff := cmp.Diff(want, told(sum.Readings)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	w.agree()
}
