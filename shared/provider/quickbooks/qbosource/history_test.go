package qbosource_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// historian lets a company live: things are created, edited, deleted, voided, merged, deactivated, and
// brought back, of every kind.
type historian struct {
	worker
	quiet  bool // also what no query by time tells of
	gone   []webhook.Event
	losers []string // of merges, that are still there
	events []webhook.Event
	done   map[string]int
}

// note takes down what has happened.
func (h *historian) note(what, stream, id string, c engine.Change, loser string) {
	h.done[what]++
	h.events = append(h.events, webhook.Event{Stream: stream, Object: id, Change: c, Loser: loser})
}

func (h *historian) any(names ...string) string { return names[h.rand.IntN(len(names))] }

// step does one thing, or finds that it may not be done.
func (h *historian) step() {
	stream := h.tables[h.rand.IntN(len(h.tables))].Stream
	if h.company.Count(stream) == 0 {
		return
	}
	id := h.pick(stream)
	switch h.rand.IntN(8) {
	case 0, 1:
		body := fmt.Sprintf(`{"Id":%q,"sparse":true,%q:"note %d"}`, id, h.any("PrivateNote", "Notes", "Description", "Note"), h.rand.Uint32())
		if _, err := h.company.Update(stream, body); err == nil {
			h.note("edit", stream, id, engine.Updated, "")
		}
	case 2:
		how := qbosim.Properly
		if h.quiet && h.rand.IntN(3) == 0 {
			how = qbosim.OldTombstone
		}
		if h.company.Delete(stream, id, how) == nil {
			h.note("delete", stream, id, engine.Deleted, "")
			h.gone = append(h.gone, h.events[len(h.events)-1])
		}
	case 3:
		if h.company.Void(stream, id) == nil {
			h.note("void", stream, id, engine.Voided, "")
		}
	case 4:
		if h.company.Deactivate(stream, id) == nil {
			h.note("deactivate", stream, id, engine.Updated, "")
		}
	case 5:
		if h.company.Reactivate(stream, id) == nil {
			h.note("reactivate", stream, id, engine.Updated, "")
		}
	case 6:
		h.merge()
	case 7:
		h.restore()
	}
}

func (h *historian) merge() {
	stream := h.any("Customer", "Vendor", "Account", "Class", "Department", "Employee", "Item", "PaymentMethod")
	if h.company.Count(stream) < 2 {
		return
	}
	winner, loser, how := h.pick(stream), h.pick(stream), qbosim.LoserVanishes
	if h.quiet && h.rand.IntN(2) == 0 {
		how = qbosim.LoserInactive
	}
	if winner == loser || slices.Contains(h.losers, stream+winner) || slices.Contains(h.losers, stream+loser) {
		return
	}
	if h.company.Merge(stream, winner, loser, how) == nil {
		h.losers = append(h.losers, stream+loser)
		h.note("merge", stream, winner, engine.Merged, loser)
	}
}

func (h *historian) restore() {
	if len(h.gone) == 0 {
		return
	}
	i, how := h.rand.IntN(len(h.gone)), qbosim.NewTime
	if h.quiet && h.rand.IntN(2) == 0 {
		how = qbosim.SameTime
	}
	e := h.gone[i]
	h.gone = slices.Delete(h.gone, i, i+1)
	if h.company.Restore(e.Stream, e.Object, how) == nil {
		h.note("restore", e.Stream, e.Object, engine.Created, "")
	}
}

// Whatever happens to a company's objects, and in whatever way webhooks tell of it, the database is
// like the company after the sweep.
func TestHistories(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	var mu sync.Mutex
	done := map[string]int{}
	t.Cleanup(func() {
		for _, what := range []string{"edit", "delete", "void", "deactivate", "reactivate", "merge", "restore"} {
			if done[what] < storetest.Seeds(20) {
				t.Errorf("%s has happened %d times only", what, done[what])
			}
		}
	})
	for _, tt := range []struct {
		name  string
		seeds int
		tell  func(*historian) []webhook.Event
		quiet bool
	}{
		{name: "without webhooks", seeds: 40, tell: func(*historian) []webhook.Event { return nil }},
		{name: "webhooks lost, repeated, in any order", seeds: 30, tell: (*historian).badly},
		{name: "webhooks tell of what moves no time", seeds: 30, quiet: true, tell: func(h *historian) []webhook.Event { return h.events }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range storetest.Seeds(tt.seeds) {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, db, fmt.Sprintf("93%d%d", tt.seeds, seed+100*len(tt.name)), 8, 0)
					w.tables = quickbooks.Catalog()
					h := &historian{worker: worker{world: w, rand: rand.New(rand.NewPCG(uint64(seed), 3))}, quiet: tt.quiet, done: map[string]int{}}
					w.sync()
					for range 3 {
						h.events = nil
						for range 25 {
							h.step()
							w.clock.add(time.Duration(h.rand.IntN(3000)) * time.Millisecond)
						}
						if events := tt.tell(h); len(events) > 0 {
							w.told(events...)
						}
						w.clock.add(3 * time.Minute)
						w.sync()
						h.alike(func(stream string) bool { return h.covered(stream) })
					}
					w.clock.add(11 * 24 * time.Hour) // all timers go off
					w.sync()
					h.alike(func(string) bool { return true })
					mu.Lock()
					defer mu.Unlock()
					for what, n := range h.done {
						done[what] += n
					}
				})
			}
		})
	}
}

// badly loses some of the events, repeats some, and mixes all.
func (h *historian) badly() (told []webhook.Event) {
	for i, e := range h.events {
		e.Key = fmt.Sprintf("%s %p %d", h.conn.Account, h.events, i)
		for range h.rand.IntN(3) {
			told = append(told, e)
		}
	}
	h.rand.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
	return told
}

func (h *historian) covered(stream string) bool {
	return slices.ContainsFunc(h.tables, func(t catalog.Table) bool { return t.Stream == stream && t.Every == 0 })
}

// alike compares every object with the database, but for the names of what it refers to: those change
// everywhere with a rename, and nothing tells of it.
func (h *historian) alike(which func(stream string) bool) {
	h.t.Helper()
	for i := range h.tables {
		t := &h.tables[i]
		if !which(t.Stream) {
			continue
		}
		want := map[string]any{}
		for raw := range h.company.All(t.Stream) {
			id, _, err := t.Identify(raw)
			if err != nil {
				h.t.Fatal(err)
			}
			want[id] = nameless(h.t, raw)
		}
		got := map[string]any{}
		for _, raw := range h.column(`SELECT raw::text FROM quickbooks.`+t.Name+` WHERE connection_id = $1 AND deleted_at IS NULL`, h.conn.ID) {
			id, _, err := t.Identify([]byte(raw))
			if err != nil {
				h.t.Fatal(err)
			}
			got[id] = nameless(h.t, []byte(raw))
		}
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if got[id] == nil {
				h.t.Errorf("%s %s is missing", t.Stream, id)
			} else if !reflect.DeepEqual(got[id], want[id]) {
				h.t.Errorf("%s %s is stale:\n%s\n%s", t.Stream, id, shown(got[id]), shown(want[id]))
			}
			delete(got, id)
		}
		for id := range got {
			h.t.Errorf("%s %s is surplus", t.Stream, id)
		}
	}
}

func shown(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// undeposited reports whether a link leads to something else than a deposit: what is put into one, or
// taken out again, shows no new time.
func undeposited(link any) bool {
	l, _ := link.(map[string]any)
	return l["TxnType"] != "Deposit"
}

// nameless is an object without what changes and moves no time.
func nameless(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var strip func(any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, ref := v["value"]; ref {
				delete(v, "name")
			}
			delete(v, "FullyQualifiedName") // of what is below a renamed object
			if links, ok := v["LinkedTxn"].([]any); ok && !slices.ContainsFunc(links, undeposited) {
				delete(v, "LinkedTxn")
			}
			for _, m := range v {
				strip(m)
			}
		case []any:
			for _, e := range v {
				strip(e)
			}
		}
	}
	strip(v)
	return v
}
