package quickbooks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// snapshot is one object as a file has it.
type snapshot struct {
	table *catalog.Table
	id    string
	raw   json.RawMessage
}

// comparison compares what files hold with what the database makes of it.
type comparison struct {
	store  *storetest.Store
	tables map[string]*catalog.Table // by entity
	got    figures
}

// compareFiles stores the objects of each file and compares what is read back. odd says what the
// dead letters must hold.
func compareFiles(t *testing.T, pattern string, odd map[string][]string) figures {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	c := newComparison(t)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			if !json.Valid(raw) {
				t.Fatal("is not JSON")
			}
			c.file(t, name, raw, odd[name])
		})
	}
	return c.got
}

func newComparison(t *testing.T) *comparison {
	t.Helper()
	c := tablesOnly()
	c.store = storetest.New(t, quickbooks.Catalog()...)
	return c
}

// tablesOnly returns a comparison that finds objects but has nowhere to store them.
func tablesOnly() *comparison {
	c := &comparison{tables: map[string]*catalog.Table{}, got: figures{Of: map[string]int{}}}
	list := quickbooks.Catalog()
	for i := range list {
		c.tables[list[i].Stream] = &list[i]
	}
	return c
}

// table returns the table of what stands under a key, or nil. One entity has another name in answers.
func (c *comparison) table(key string) *catalog.Table {
	if key == "CreditCardPaymentTxn" {
		key = "CreditCardPayment"
	}
	return c.tables[key]
}

// file gives each further snapshot of an object that the file has already shown an account of its
// own, so that none replaces another.
func (c *comparison) file(t *testing.T, name string, raw json.RawMessage, odd []string) {
	var accounts [][]snapshot
	c.find(raw, func(s snapshot) {
		for i, held := range accounts {
			if !slices.ContainsFunc(held, func(h snapshot) bool { return h.table == s.table && h.id == s.id }) {
				accounts[i] = append(held, s)
				return
			}
		}
		accounts = append(accounts, []snapshot{s})
	})
	if len(accounts) > 0 {
		c.got.Files++
	}
	var letters []string
	for i, held := range accounts {
		id := c.store.Connect(t, "onpoint", quickbooks.Provider, fmt.Sprint(name, " ", i))
		letters = append(letters, c.account(t, id, held)...)
	}
	if diff := cmp.Diff(odd, letters); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

// find visits what stands under a key that is an entity of the catalog, wherever that is.
func (c *comparison) find(raw json.RawMessage, visit func(snapshot)) {
	for _, e := range elements(raw) {
		c.find(e, visit)
	}
	for _, m := range members(raw) {
		table := c.table(m.key)
		found := append(elements(m.value), m.value)
		for _, o := range found {
			switch {
			case table != nil && o[0] == '{':
				s := snapshot{table: table, raw: o}
				if id := lookup(o, table.ID); id != nil {
					s.id = characters(id)
				}
				visit(s)
			case table == nil && &o[0] == &m.value[0]:
				c.find(o, visit)
			}
		}
	}
}

// account stores snapshots, compares them, and returns what the dead letters say.
func (c *comparison) account(t *testing.T, id org.ConnectionID, held []snapshot) (letters []string) {
	var b engine.Batch
	for _, s := range held {
		object, version, err := s.table.Identify(s.raw)
		r := engine.Record{Stream: s.table.Stream, ID: object, Version: version, Raw: s.raw, Deleted: deleted(s.raw)}
		if err != nil {
			r.Problem = err.Error()
		}
		b.Records = append(b.Records, r)
	}
	n, err := c.store.Apply(t.Context(), c.store.Lease(t, id), 0, b, engine.Usage{})
	if err != nil || n.Dead+n.Written+n.Deleted != len(held) {
		t.Fatalf("stored %+v of %d objects: %v", n, len(held), err)
	}
	dead := c.dead(t, id)
	held = slices.DeleteFunc(held, func(s snapshot) bool {
		reason, isDead := dead[s.table.Stream+" "+s.id]
		if isDead {
			letters = append(letters, strings.TrimSpace(s.table.Stream+" "+s.id)+": "+reason)
		}
		return isDead
	})
	c.got.Objects += n.Dead + len(held)
	for _, s := range held {
		c.got.Of[s.table.Stream]++
	}
	c.got.Dead += n.Dead
	c.compare(t, id, held)
	return letters
}

// dead returns the reasons of a connection's dead letters, by entity and id.
func (c *comparison) dead(t *testing.T, id org.ConnectionID) map[string]string {
	found, err := c.store.Pool.Query(t.Context(), `SELECT stream || ' ' || coalesce(record_id, ''), reason FROM sync.dead_letters WHERE connection_id = $1`, id)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var object, reason string
	if _, err := pgx.ForEachRow(found, []any{&object, &reason}, func() error {
		out[object] = reason
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}
