package plaidsource_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	gosync "sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// historian lets an Item live.
type historian struct {
	*house
	rand    *rand.Rand
	removed map[string]bool  // transactions that Plaid says are removed
	kept    map[string]bool  // those of accounts that vanished without a word
	known   map[string]thing // the live rows of the last look
	done    map[string]int
}

func newHistorian(h *house, seed uint64) *historian {
	return &historian{house: h, rand: rand.New(rand.NewPCG(seed, 4)), removed: map[string]bool{}, kept: map[string]bool{}, done: map[string]int{}}
}

func (h *historian) note(what string, err error) {
	if err == nil {
		h.done[what]++
	}
}

// pick returns some transaction, and some pending one; empty: there is none.
func (h *historian) pick() (id, pending string) {
	var all, open []string
	for raw := range h.item.Transactions() {
		o := parsed(raw).(map[string]any)
		all = append(all, o["transaction_id"].(string))
		if o["pending"] == true {
			open = append(open, o["transaction_id"].(string))
		}
	}
	return h.any(all), h.any(open)
}

func (h *historian) any(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[h.rand.IntN(len(all))]
}

func (h *historian) pages() plaidsim.Pages {
	return []plaidsim.Pages{plaidsim.OnePage, plaidsim.RemovedFirst, plaidsim.AddedFirst}[h.rand.IntN(3)]
}

// step does one thing, or finds that it may not be done.
func (h *historian) step() {
	h.clock.add(time.Duration(h.rand.IntN(4000)) * time.Second)
	id, pending := h.pick()
	spec := plaidsim.TransactionSpec{Amount: fmt.Sprint(h.rand.IntN(3), ".50"), Name: h.any([]string{"coffee", "tea", "fuel"})}
	switch h.rand.IntN(14) {
	case 0, 1, 2:
		_, err := h.item.Add(spec)
		h.note("add", err)
	case 3, 4:
		_, err := h.item.Pend(spec)
		h.note("pend", err)
	case 5, 6, 7:
		h.post(pending)
	case 8, 9:
		h.note("modify", h.item.Modify(id, fmt.Sprintf(`{"name":"note %d","amount":%d.25}`, h.rand.IntN(50), h.rand.IntN(9))))
	case 10:
		h.removed[id] = true
		h.note("remove", h.item.Remove(id))
	case 11:
		h.removed[id] = true
		_, err := h.item.Rekey(id, h.pages())
		h.note("rekey", err)
	case 12:
		h.note("balance", h.item.SetBalance(h.any(h.item.AccountIDs()), fmt.Sprint(h.rand.IntN(900)), "7.125", ""))
	case 13:
		h.account()
	}
}

func (h *historian) post(pending string) {
	spec := plaidsim.PostSpec{NoLink: h.rand.IntN(3) == 0, Pages: h.pages()}
	if h.rand.IntN(2) == 0 {
		spec.Amount = fmt.Sprint(h.rand.IntN(9), ".75")
	}
	h.removed[pending] = true
	_, err := h.item.Post(pending, spec)
	h.note("post", err)
}

// account lets something happen to some account.
func (h *historian) account() {
	all := h.item.AccountIDs()
	account := h.any(all)
	switch what := h.rand.IntN(4); {
	case what == 0:
		_, err := h.item.OpenAccount(plaidsim.AccountSpec{Name: "another", Type: "depository", Subtype: "checking", Mask: fmt.Sprint(h.rand.IntN(9000)), Current: "5"}, false)
		h.note("open account", err)
	case len(all) < 2: // one must stay
	case what == 1:
		for _, id := range h.stored(account) {
			h.removed[id] = true
		}
		for raw := range h.item.Transactions() {
			if o := parsed(raw).(map[string]any); o["account_id"] == account {
				h.removed[o["transaction_id"].(string)] = true
			}
		}
		h.note("close account, told", h.item.CloseAccount(account, true))
	case what == 2:
		h.keep(account)
		h.note("close account", h.item.CloseAccount(account, false))
	default:
		h.keep(account)
		_, err := h.item.RekeyAccount(account)
		h.note("rekey account", err)
	}
}

// keep notes that what is stored of an account is to stay, though nobody will tell of it any more.
func (h *historian) keep(account string) {
	for _, id := range h.stored(account) {
		if !h.removed[id] {
			h.kept[id] = true
		}
	}
}

// stored are the live transactions of an account.
func (h *historian) stored(account string) []string {
	return h.column(`SELECT id FROM plaid.transactions WHERE connection_id = $1 AND deleted_at IS NULL AND account_id = $2`, h.conn.ID, account)
}

// trouble is a run in which something goes wrong: data change between pages, calls fail, the process is
// killed, the cursor is lost.
func (h *historian) trouble() {
	calls := 1 + h.rand.IntN(6)
	switch h.rand.IntN(6) {
	case 0, 1:
		page, left := 2+h.rand.IntN(4), 1+h.rand.IntN(2)
		h.sim.Mutate(func(_ string, at int) bool {
			if at == page && left > 0 {
				left--
				h.done["mutation"]++
				return true
			}
			return false
		})
		defer h.sim.Mutate(nil)
	case 2:
		code := h.any([]string{"INTERNAL_SERVER_ERROR", "INSTITUTION_DOWN", plaidsim.Lost, plaidsim.Truncated, plaidsim.HTML502})
		h.each(func(path string) {
			if calls--; calls == 0 {
				h.sim.Fail(path, 1, code)
				h.done["failure"]++
			}
		})
		defer h.each(nil)
	case 3:
		h.wrap = func(s engine.Store) engine.Store {
			return &dying{Store: s, left: 1 + h.rand.IntN(9), heard: h.rand.IntN(2) == 0}
		}
		h.done["kill"]++
		defer func() { h.wrap = nil }()
	case 4:
		h.exec(`UPDATE sync.streams SET checkpoint = jsonb_set(checkpoint, '{cursor}', '"nobody knows it"') WHERE connection_id = $1 AND name = 'transactions' AND checkpoint IS NOT NULL`, h.conn.ID)
		h.done["cursor"]++
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	if h.rand.IntN(5) == 0 {
		h.each(func(string) {
			if calls--; calls == 0 {
				cancel()
				h.done["stop"]++
			}
		})
		defer h.each(nil)
	}
	h.wake()
	h.run(ctx, engine.Order{Reason: org.Manual}) //nolint:errcheck // whatever comes of it
}

// thing is what a transaction is known as: by the id under which it was first known, on an account.
type thing struct{ first, account string }

// things checks that what is there is known as it was before: through changes of a row, and from pending
// to posted. The history of an account that comes again under another is another.
func (h *historian) things() {
	h.t.Helper()
	now := map[string]thing{}
	rows, err := h.store.Pool.Query(context.Background(), `SELECT t.id, coalesce(t.origin_id, t.id), t.account_id, coalesce(t.pending_transaction_id, ''),
	CASE WHEN t.merged_into IS NOT NULL AND NOT EXISTS (SELECT FROM plaid.transactions AS n
		WHERE n.connection_id = $1 AND n.id = t.merged_into AND n.pending_transaction_id = t.id AND n.deleted_at IS NULL) THEN t.merged_into ELSE '' END
FROM plaid.transactions AS t WHERE t.connection_id = $1 AND t.deleted_at IS NULL`, h.conn.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	var is thing
	var id, pending, merged string
	if _, err := pgx.ForEachRow(rows, []any{&id, &is.first, &is.account, &pending, &merged}, func() error {
		now[id] = is
		if was, ok := h.known[id]; ok && was != is {
			h.t.Errorf("%s was known as %s, and now as %s", id, was, is)
		}
		if was := h.known[pending]; was.account == is.account {
			if h.done["linked"]++; was != is {
				h.t.Errorf("%s was pending as %s, known as %s, and is now known as %s", id, pending, was, is)
			}
		}
		if merged != "" {
			h.t.Errorf("%s is there, and is said to have become %s, which does not say so", id, merged)
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	h.known = now
}

// quiet is a run in which nothing goes wrong, after which the database is like the bank.
func (h *historian) quiet() {
	h.t.Helper()
	for h.item.Advance() { // Plaid has all of the history by now
	}
	h.sync()
	h.agree()
	h.things()
	live := h.column(`SELECT id FROM plaid.transactions WHERE connection_id = $1 AND deleted_at IS NULL`, h.conn.ID)
	for id := range h.kept {
		if !slices.Contains(live, id) {
			h.t.Errorf("%s is gone, of an account that has vanished without a word", id)
		}
	}
	var days []string
	for _, account := range h.item.AccountIDs() {
		days = append(days, account+"|"+h.clock.now().Format(time.DateOnly))
	}
	there := h.column(`SELECT id FROM plaid.balances WHERE connection_id = $1`, h.conn.ID)
	for _, id := range days {
		if !slices.Contains(there, id) {
			h.t.Errorf("the balances of %s are not there", id)
		}
	}
}

// Whatever happens to an Item, and whatever goes wrong while it is read, the database is like the bank
// after a look in which nothing goes wrong.
func TestHistories(t *testing.T) {
	histories := storetest.Seeds(500)
	db := storetest.New(t, plaid.Catalog()...)
	var mu gosync.Mutex
	done := map[string]int{}
	t.Cleanup(func() {
		var rare []string
		for _, what := range []string{"add", "pend", "post", "linked", "modify", "remove", "rekey", "balance", "open account", "close account",
			"close account, told", "rekey account", "mutation", "failure", "kill", "stop", "cursor"} {
			if done[what] < histories/10 {
				rare = append(rare, fmt.Sprint(what, " ", done[what]))
			}
		}
		if len(rare) > 0 && !t.Failed() {
			t.Errorf("too rarely: %s", strings.Join(rare, ", "))
		}
	})
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := setting{products: []string{"transactions"}, transactions: 12, page: 3, notReady: int(seed % 3), seed: seed}
			h := newHistorian(newHouse(t, db, s), seed)
			h.trouble()
			for range 2 {
				for range 9 {
					h.step()
				}
				h.trouble()
				for range 2 {
					h.step()
				}
				h.clock.add(7 * time.Hour) // what no look at the feed tells of
				h.quiet()
			}
			mu.Lock()
			defer mu.Unlock()
			for what, n := range h.done {
				done[what] += n
			}
		})
	}
}
