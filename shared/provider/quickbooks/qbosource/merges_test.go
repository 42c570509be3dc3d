package qbosource_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// mates are two customers that can be merged, with invoices both.
func (k *worker) mates() (winner, loser string) {
	k.t.Helper()
	for range 1000 {
		winner, loser = k.active("Customer"), k.active("Customer")
		if winner != loser && k.refers(loser) > 0 && k.company.Merge("Customer", winner, loser, k.how) == nil {
			return winner, loser
		}
	}
	k.t.Fatal("no two customers can be merged")
	return "", ""
}

// refers counts the stored invoices of a customer.
func (k *worker) refers(customer string) int {
	k.t.Helper()
	var n int
	err := k.store.Pool.QueryRow(context.Background(), `SELECT count(*) FROM quickbooks.invoices
WHERE connection_id = $1 AND customer_ref_value = $2 AND deleted_at IS NULL`, k.conn.ID, customer).Scan(&n)
	if err != nil {
		k.t.Fatal(err)
	}
	return n
}

// A merge that a webhook tells of names the survivor, and what referred to the loser refers to it,
// whether the loser has gone or became inactive. The run may be broken off at any batch.
func TestMerges(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	for _, how := range []qbosim.MergeHow{qbosim.LoserVanishes, qbosim.LoserInactive} {
		for broken := range 5 {
			t.Run(fmt.Sprintf("how %d, batch %d is lost", how, broken), func(t *testing.T) {
				w := newWorld(t, db, fmt.Sprintf("94%d%d", how, broken), 80, 0)
				w.tables = quickbooks.Catalog()
				w.sync()
				k := &worker{world: w, rand: rand.New(rand.NewPCG(7, 1)), how: how}
				w.clock.add(time.Hour)
				winner, loser := k.mates()
				n := k.refers(winner) + k.refers(loser)
				w.clock.add(time.Second)

				w.engine.Store = &failing{Store: db, at: broken}
				w.record(webhook.Event{Stream: "Customer", Object: winner, Change: engine.Merged, Loser: loser})
				for range 2 {
					w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Webhook}, nil) //nolint:errcheck // broken off
					w.wake()
				}
				if broken > 0 { // what the notice has left to do is kept, for the next run whatever its reason
					w.sync()
				}
				if got := k.refers(winner); got != n || k.refers(loser) != 0 || w.open() != "0" {
					t.Errorf("%d of %d invoices refer to the survivor, %d to the loser; %s notices are open", got, n, k.refers(loser), w.open())
				}
				if got := w.column(`SELECT coalesce(merged_into, '') FROM quickbooks.customers WHERE connection_id = $1 AND id = $2`, w.conn.ID, loser); got[0] != winner {
					t.Errorf("the loser was merged into %q, want %q", got[0], winner)
				}
				w.clock.add(3 * time.Minute)
				w.sync()
				(&historian{worker: *k}).alike(func(string) bool { return true })
			})
		}
	}
}

// A list object that has gone was merged, even though nobody tells into what.
func TestAMergeThatNobodyTellsOf(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	for life := range 10 {
		broken, how := life/2, []qbosim.MergeHow{qbosim.LoserVanishes, qbosim.LoserInactive}[life%2]
		t.Run(fmt.Sprintf("how %d, batch %d is lost", how, broken), func(t *testing.T) {
			w := newWorld(t, db, fmt.Sprintf("950%d", life), 80, 0)
			w.sync()
			k := &worker{world: w, rand: rand.New(rand.NewPCG(7, 1)), how: how}
			w.clock.add(time.Hour)
			winner, loser := k.mates()
			n := k.refers(winner) + k.refers(loser)
			w.clock.add(3 * time.Minute)
			w.engine.Store = &failing{Store: db, at: broken}
			for range 2 {
				w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil) //nolint:errcheck // broken off
				w.wake()
			}
			if got := k.refers(winner); got != n || k.refers(loser) != 0 {
				t.Errorf("%d of %d invoices refer to the survivor, %d to the loser", got, n, k.refers(loser))
			}
			(&historian{worker: *k}).alike(func(string) bool { return true })
			w.clock.add(5 * time.Minute)
			w.sync()
			w.clock.add(3 * time.Minute)
			if n := w.metered(); n != 1 {
				t.Errorf("an idle sweep afterwards takes %d calls", n)
			}
		})
	}
}
