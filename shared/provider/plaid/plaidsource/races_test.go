package plaidsource_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	gosync "sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// onlyTransactions is an Item of that many transactions, in small pages.
func onlyTransactions(n int, seed uint64) setting {
	return setting{products: []string{"transactions"}, transactions: n, page: 5, seed: seed}
}

// A process is killed at any moment of a first load: of the transactions all are stored or none, and the
// next process brings the rest.
func TestKilledAtTwentyMoments(t *testing.T) {
	db := storetest.New(t, plaid.Catalog()...)
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, db, onlyTransactions(60, seed))
			r := rand.New(rand.NewPCG(seed, 8))
			for range 3 {
				h.wrap = func(s engine.Store) engine.Store {
					return &dying{Store: s, left: 1 + r.IntN(16), heard: r.IntN(2) == 0}
				}
				h.wake()
				h.run(t.Context(), engine.Order{Reason: org.Manual}) //nolint:errcheck // it is killed
				if n := h.column(`SELECT count(*)::text FROM plaid.transactions WHERE connection_id = $1`, h.conn.ID)[0]; n != "0" && n != "60" {
					t.Fatalf("%s of 60 transactions are stored", n)
				}
			}
			h.wrap = nil
			h.sync()
			h.agree()
		})
	}
}

// Two processes look after one Item at once, while it changes: one of them works, nothing is lost.
func TestTwoSyncsAtOnce(t *testing.T) {
	h := newHouse(t, storetest.New(t, plaid.Catalog()...), onlyTransactions(30, 5))
	for range 5 {
		h.add(12)
		h.wake()
		var both gosync.WaitGroup
		for range 2 {
			both.Go(func() {
				if _, err := h.run(t.Context(), engine.Order{Reason: org.Manual}); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		h.agree() // the second one's tick was merged into the first one's work
		h.clock.add(3 * time.Minute)
	}
}

// With the cursor of another Item all is read again, and what nobody has told of is found.
func TestCursorOfAnotherItem(t *testing.T) {
	db := storetest.New(t, plaid.Catalog()...)
	h, other := newHouse(t, db, onlyTransactions(30, 6)), newHouse(t, db, onlyTransactions(5, 7))
	h.sync()
	other.sync()
	gone := h.column(`SELECT min(id) FROM plaid.transactions WHERE connection_id = $1`, h.conn.ID)[0]
	if err := h.item.Remove(gone); err != nil {
		t.Fatal(err)
	}
	h.exec(`UPDATE sync.streams AS s SET checkpoint = o.checkpoint FROM sync.streams AS o
WHERE s.connection_id = $1 AND s.name = 'transactions' AND o.connection_id = $2 AND o.name = 'transactions'`, h.conn.ID, other.conn.ID)
	h.clock.add(3 * time.Minute)
	h.sync()
	h.agree()
}

// What is wrong in the database, though nothing has changed at the bank, is found by reading again,
// counted as what it is, and mended. What has changed at the bank is no damage.
func TestDamageIsFoundAndMended(t *testing.T) {
	h := newHouse(t, storetest.New(t, plaid.Catalog()...), onlyTransactions(30, 8))
	h.sync()
	at := h.column(`SELECT id FROM plaid.transactions WHERE connection_id = $1 ORDER BY id`, h.conn.ID)
	if err := h.item.Remove(at[3]); err != nil {
		t.Fatal(err)
	}
	h.sync()
	h.exec(`DELETE FROM plaid.transaction_counterparties WHERE connection_id = $1 AND transaction_id = $2`, h.conn.ID, at[0])
	h.exec(`DELETE FROM plaid.transactions WHERE connection_id = $1 AND id = $2`, h.conn.ID, at[0])
	h.exec(`UPDATE plaid.transactions SET amount = amount + 1 WHERE connection_id = $1 AND id = $2`, h.conn.ID, at[1])
	h.exec(`UPDATE plaid.transactions SET deleted_at = NULL WHERE connection_id = $1 AND id = $2`, h.conn.ID, at[3])
	h.exec(`UPDATE plaid.accounts SET deleted_at = now() WHERE connection_id = $1 AND id = (SELECT min(id) FROM plaid.accounts WHERE connection_id = $1)`, h.conn.ID)
	if diff := cmp.Diff([]string{
		"accounts checked 8 equal 7 missing 1 stale 0 damaged 0 surplus 0 mended 1",
		"balances checked 8 equal 8 missing 0 stale 0 damaged 0 surplus 0 mended 0",
		"transactions checked 29 equal 27 missing 1 stale 0 damaged 1 surplus 1 mended 3",
	}, h.findings("first")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if err := h.item.Modify(at[2], `{"name":"changed at the bank"}`); err != nil {
		t.Fatal(err)
	}
	h.add(2)
	if err := h.item.SetBalance(h.item.AccountIDs()[0], "1", "2", ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"accounts checked 8 equal 8 missing 0 stale 0 damaged 0 surplus 0 mended 0",
		"balances checked 8 equal 8 missing 0 stale 0 damaged 0 surplus 0 mended 0",
		"transactions checked 31 equal 31 missing 0 stale 0 damaged 0 surplus 0 mended 0",
	}, h.findings("second")); diff != "" {
		t.Errorf("findings once all is mended (-want +got):\n%s", diff)
	}
}

// findings reads all again, and returns what was found.
func (h *house) findings(name string) []string {
	h.t.Helper()
	h.clock.add(3 * time.Minute)
	h.wake()
	order := engine.Order{Reason: org.Reconcile, Reread: func(context.Context, engine.Rereader) (map[string]engine.Reading, error) {
		r := engine.Reading{Name: name, Verify: true}
		return map[string]engine.Reading{"transactions": r, "accounts": r, "balances": r}, nil
	}}
	if rep, err := h.run(h.t.Context(), order); err != nil || rep.Result.Outcome != engine.Done {
		h.t.Fatalf("%v, %+v", err, rep)
	}
	h.agree()
	return h.column(`SELECT concat_ws(' ', stream, 'checked', checked, 'equal', equal, 'missing', missing, 'stale', stale, 'damaged', damaged,
	'surplus', surplus, 'mended', mended, CASE WHEN finished_at IS NULL THEN 'and goes on' END)
FROM sync.reconciliations WHERE connection_id = $1 AND reading = $2 ORDER BY stream`, h.conn.ID, name)
}
