package plaidsim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// TestHistories: whatever happens between and during runs, and however small the pages, whoever replays
// the pages has what the bank has.
func TestHistories(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			g := newRig(t, plaidsim.Config{Seed: seed, NoLimits: true, NotReadyCalls: r.IntN(3)}, plaidsim.LoginSpec{Seed: seed, Transactions: r.IntN(40), Pending: 3})
			during := r.IntN(3) == 0
			g.sim.Mutate(func(string, int) bool { return during && r.IntN(4) == 0 })
			copied := &replica{rows: map[string]string{}}
			for range 12 {
				for range r.IntN(8) {
					g.happen(r)
				}
				if _, code := g.pull(copied, 1+r.IntN(9)); code != "" && code != "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION" {
					t.Fatal(code)
				}
			}
			during = false
			g.settle(copied)
			g.agrees(copied)
			again := &replica{rows: map[string]string{}}
			g.settle(again)
			g.agrees(again)
		})
	}
}

// settle pulls until nothing new comes.
func (g *rig) settle(r *replica) {
	g.Helper()
	for range 5 {
		if _, code := g.pull(r, 500); code != "" {
			g.Fatal(code)
		}
	}
}

// happen does something at the bank. Accounts keep their transactions, or say that they go: a reader
// could not know otherwise.
func (g *rig) happen(r *rand.Rand) {
	g.Helper()
	all, pending := g.transactions()
	pages := plaidsim.Pages(r.IntN(3))
	switch n := r.IntN(8); {
	case n == 0 || len(all) == 0:
		ok[string](g)(g.it.Add(plaidsim.TransactionSpec{}))
	case n == 1:
		ok[string](g)(g.it.Pend(plaidsim.TransactionSpec{Amount: "12.30"}))
	case n <= 3 && len(pending) > 0:
		ok[string](g)(g.it.Post(pending[r.IntN(len(pending))], plaidsim.PostSpec{Amount: "13", NoLink: r.IntN(3) == 0, Pages: pages}))
	case n == 4:
		if err := g.it.Modify(all[r.IntN(len(all))], `{"merchant_name":null,"amount":1.50}`); err != nil {
			g.Fatal(err)
		}
	case n == 5:
		if err := g.it.Remove(all[r.IntN(len(all))]); err != nil {
			g.Fatal(err)
		}
	case n == 6:
		ok[string](g)(g.it.Rekey(all[r.IntN(len(all))], pages))
	case len(g.it.AccountIDs()) > 6:
		if err := g.it.CloseAccount(g.it.AccountIDs()[0], true); err != nil {
			g.Fatal(err)
		}
	}
}

func TestNetEffect(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 5})
	c := &replica{rows: map[string]string{}}
	g.settle(c)
	gone := ok[string](g)(g.it.Add(plaidsim.TransactionSpec{}))
	if err := g.it.Remove(gone); err != nil {
		t.Fatal(err)
	}
	kept := ok[string](g)(g.it.Add(plaidsim.TransactionSpec{Name: "first"}))
	if err := g.it.Modify(kept, `{"name":"second"}`); err != nil {
		t.Fatal(err)
	}
	out := g.want("", "/transactions/sync", map[string]any{"cursor": c.cursor})
	added := out["added"].([]any)
	if len(added) != 1 || added[0].(map[string]any)["name"] != "second" || len(out["modified"].([]any))+len(out["removed"].([]any)) != 0 {
		t.Errorf("added and modified is one added, added and removed is nothing: %v", out)
	}
	if _, has := added[0].(map[string]any)["original_description"]; has {
		t.Error("original_description comes without being asked for")
	}
	if accounts := out["accounts"].([]any); len(accounts) != 1 {
		t.Errorf("%d accounts with one transaction", len(accounts))
	}
}

// TestPageLimit: count is of all three lists together.
func TestPageLimit(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 9})
	c := &replica{rows: map[string]string{}}
	if pages, code := g.pull(c, 2); pages != 5 || code != "" {
		t.Fatal(pages, code)
	}
	for i, id := range all(g)[:3] {
		err := g.it.Modify(id, `{"name":"x"}`)
		if i == 1 {
			err = g.it.Remove(id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ok[string](g)(g.it.Add(plaidsim.TransactionSpec{}))
	if pages, code := g.pull(c, 2); pages != 2 || code != "" {
		t.Error("four updates in pages of two:", pages, code)
	}
	g.agrees(c)
}

func TestSplitOverPages(t *testing.T) {
	for _, tt := range []struct {
		pages plaidsim.Pages
		first string
	}{{plaidsim.RemovedFirst, "removed"}, {plaidsim.AddedFirst, "added"}} {
		g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{})
		pending := ok[string](g)(g.it.Pend(plaidsim.TransactionSpec{}))
		c := &replica{rows: map[string]string{}}
		g.settle(c)
		posted := ok[string](g)(g.it.Post(pending, plaidsim.PostSpec{Pages: tt.pages}))
		out := g.want("", "/transactions/sync", map[string]any{"cursor": c.cursor, "count": 500})
		if len(out[tt.first].([]any)) != 1 || out["has_more"] != true {
			t.Errorf("first page: %v", out)
		}
		if pages, code := g.pull(c, 500); pages != 2 || code != "" {
			t.Error(pages, code)
		}
		if got := all(g); !slices.Equal(got, []string{posted}) {
			t.Errorf("the bank has %v, want %s", got, posted)
		}
		g.agrees(c)
	}
}

func TestMutationAtEveryPage(t *testing.T) {
	for page := 1; page <= 5; page++ {
		g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 10})
		left := 2
		g.sim.Mutate(func(item string, at int) bool {
			if item != g.it.ID() || at != page || left == 0 {
				return false
			}
			left--
			return true
		})
		c := &replica{rows: map[string]string{}}
		refused := 0
		for {
			_, code := g.pull(c, 2)
			if code == "" {
				break
			}
			if refused++; code != "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION" {
				t.Fatal(code)
			}
		}
		if want := map[bool]int{true: 0, false: 2}[page == 1]; refused != want {
			t.Errorf("page %d: refused %d times, want %d", page, refused, want)
		}
		g.agrees(c)
	}
}

// TestFailedPage: the page that was refused stays refused; the first one of the run works.
func TestFailedPage(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 10})
	first := g.want("", "/transactions/sync", map[string]any{"count": 3})
	middle := map[string]any{"cursor": first["next_cursor"], "count": 3}
	g.want("", "/transactions/sync", middle)
	ok[string](g)(g.it.Add(plaidsim.TransactionSpec{}))
	g.want("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", "/transactions/sync", middle)
	g.want("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", "/transactions/sync", middle)
	g.want("", "/transactions/sync", map[string]any{"count": 3})
}

func TestCursors(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 10})
	c := &replica{rows: map[string]string{}}
	g.settle(c)
	one := g.it.AccountIDs()[0]
	alone := g.want("", "/transactions/sync", map[string]any{"options": map[string]any{"account_id": one}})
	for _, v := range alone["added"].([]any) {
		if v.(map[string]any)["account_id"] != one {
			t.Errorf("asked for %s: %v", one, v)
		}
	}
	g.want("INVALID_FIELD", "/transactions/sync", map[string]any{"cursor": alone["next_cursor"]})
	g.want("INVALID_ACCOUNT_ID", "/transactions/sync", map[string]any{"options": map[string]any{"account_id": "nobody's"}})
	g.want("INVALID_FIELD", "/transactions/sync", map[string]any{"cursor": "neither base64 nor ours"})
	if now := g.want("", "/transactions/sync", map[string]any{"cursor": "now"}); len(now["added"].([]any)) != 0 {
		t.Error("a start from now tells of the past")
	}
	other := g.linked(g.it.Login(), "transactions")
	if other.ID() == g.it.ID() || slices.ContainsFunc(other.AccountIDs(), func(id string) bool { return slices.Contains(g.it.AccountIDs(), id) }) {
		t.Error("two Items of one login share an id")
	}
	_, out := g.call("/transactions/sync", map[string]any{"access_token": other.AccessToken(), "cursor": c.cursor})
	if out["error_code"] != "INVALID_FIELD" || out["error_message"] != "cursor not associated with access_token" {
		t.Errorf("another Item's cursor: %v", out)
	}
}

// TestNotReady: nothing, then the last thirty days, then all of it.
func TestNotReady(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true, NotReadyCalls: 2}, plaidsim.LoginSpec{Transactions: 90, Days: 90})
	g.want("PRODUCT_NOT_READY", "/transactions/get", map[string]any{"start_date": "2026-01-01", "end_date": "2026-06-30"})
	for range 2 {
		out := g.want("", "/transactions/sync", nil)
		if out["transactions_update_status"] != "NOT_READY" || out["next_cursor"] != "" || out["has_more"] != false {
			t.Errorf("not ready: %v", out)
		}
	}
	c := &replica{rows: map[string]string{}}
	for _, want := range []int{31, 90} {
		if _, code := g.pull(c, 500); code != "" || len(c.rows) != want {
			t.Errorf("%d transactions (%s), want %d", len(c.rows), code, want)
		}
	}
	g.agrees(c)
	told := g.sim.Stats().Told
	if told["TRANSACTIONS/INITIAL_UPDATE"] != 1 || told["TRANSACTIONS/HISTORICAL_UPDATE"] != 1 || told["TRANSACTIONS/SYNC_UPDATES_AVAILABLE"] != 2 {
		t.Errorf("told: %v", told)
	}
}

// TestNews: who has never synced is not told of updates, and changes that come together are told of once.
func TestNews(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 1})
	ok[string](g)(g.it.Add(plaidsim.TransactionSpec{}))
	if told := g.sim.Stats().Told; told["TRANSACTIONS/SYNC_UPDATES_AVAILABLE"] != 0 || told["TRANSACTIONS/DEFAULT_UPDATE"] != 1 {
		t.Errorf("before the first sync: %v", told)
	}
	g.want("", "/transactions/sync", nil)
	g.it.Together(func() {
		id := ok[string](g)(g.it.Pend(plaidsim.TransactionSpec{}))
		ok[string](g)(g.it.Post(id, plaidsim.PostSpec{}))
	})
	told := g.sim.Stats().Told
	if told["TRANSACTIONS/SYNC_UPDATES_AVAILABLE"] != 1 || told["TRANSACTIONS/TRANSACTIONS_REMOVED"] != 1 {
		t.Errorf("after it: %v", told)
	}
}

func TestTransactionsGet(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 50, Days: 50})
	window := map[string]any{"start_date": "2026-06-01", "end_date": "2026-06-10"}
	all := g.want("", "/transactions/get", window)
	rows := all["transactions"].([]any)
	window["options"] = map[string]any{"count": 3, "offset": 8}
	part := g.want("", "/transactions/get", window)
	if len(rows) != 10 || fmt.Sprintf("%v %v %v", all["total_transactions"], part["total_transactions"], len(part["transactions"].([]any))) != "10 10 2" {
		t.Errorf("ten days: %d rows; then %v", len(rows), part["total_transactions"])
	}
	for i, v := range rows[1:] {
		if v.(map[string]any)["date"].(string) > rows[i].(map[string]any)["date"].(string) {
			t.Error("the newest do not come first")
		}
	}
	g.want("INVALID_FIELD", "/transactions/get", map[string]any{"start_date": "2026-06-10", "end_date": "2026-06-01"})
}
