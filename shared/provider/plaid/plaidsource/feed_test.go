package plaidsource_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const feedPath = "/transactions/sync"

// A new Item is read whole, in one pull: the Item before anything else, and transactions as one unit.
// From then on a pull in which nothing changed is one call.
func TestFirstLoad(t *testing.T) {
	w := newWorld(t, setting{transactions: 45})
	var order []string
	w.each(func(path string) { order = append(order, path) })
	out := w.sync()
	w.each(nil)
	w.agree()
	if got := strings.Join(order[:3], " "); got != "/item/get /accounts/get "+feedPath {
		t.Errorf("it begins with %s", got)
	}
	if w.book.point("transactions")["status"] != plaid.HistoricalComplete || w.book.point("transactions")["cursor"] == nil {
		t.Errorf("checkpoint %s", w.book.at["transactions"])
	}
	for _, name := range w.source().Streams() {
		if w.book.at[name] == nil || w.book.loading[name] {
			t.Errorf("%s: checkpoint %s, loading %v", name, w.book.at[name], w.book.loading[name])
		}
	}
	parts := slices.IndexFunc(out.batches, func(b engine.Batch) bool { return b.Part })
	if parts < 0 {
		t.Fatal("45 transactions in pages of 10 are no unit of parts")
	}
	for range 5 {
		w.clock.add(3 * time.Minute)
		if out := w.sync(); out.calls != feedPath+" 1" || out.swept == nil || *out.swept != (engine.Swept{}) {
			t.Fatalf("an idle pull is %s, and says %+v of webhooks", out.calls, out.swept)
		}
	}
}

// However a pull ends, the next one goes on from the stored cursor, and nothing was stored of a unit that
// was not read to its end.
func TestKilledAfterAnyBatch(t *testing.T) {
	for kill := 1; ; kill++ {
		w := newWorld(t, setting{transactions: 45})
		w.pullUntil(w.task(), kill)
		if n := len(w.book.live("transactions")); n != 0 && n != 45 {
			t.Fatalf("killed after %d batches: %d transactions are stored", kill, n)
		}
		if n, at := len(w.book.live("transactions")), w.book.point("transactions")["cursor"]; (n == 0) != (at == nil) {
			t.Fatalf("killed after %d batches: %d transactions and the cursor %v", kill, n, at)
		}
		out := w.sync()
		w.agree()
		if strings.Count(out.calls, " ") == 1 { // the sweep alone: the first pull was whole
			return
		}
	}
}

// Plaid fails at any call of a pull: what has come whole is kept, and the next pull brings the rest.
func TestPlaidFailsAtAnyCall(t *testing.T) {
	for _, code := range []string{"INTERNAL_SERVER_ERROR", "RATE_LIMIT", "PRODUCT_NOT_READY", plaidsim.Truncated, plaidsim.HTML502} {
		t.Run(code, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newWorld(t, setting{transactions: 45})
				w.sync()
				w.clock.add(30 * time.Hour)
				w.move()
				calls, hit := 0, ""
				w.each(func(path string) {
					if calls++; calls == at {
						hit = path
						w.sim.Fail(path, 1, code)
					}
				})
				out := w.pull(w.task())
				w.each(nil)
				if hit == "" {
					if at < 12 {
						t.Fatalf("only %d calls were made", calls)
					}
					return
				}
				fails := len(out.failed) > 0 || out.err != nil
				if at > 4 && !fails && code != "PRODUCT_NOT_READY" { // of the first calls one only finds out how webhooks do
					t.Errorf("call %d, of %s, fails and nobody hears of it", at, hit)
				}
				w.clock.add(2 * time.Hour)
				w.sync()
				w.clock.add(48 * time.Hour) // all timers go off
				w.sync()
				w.agree()
			}
		})
	}
}

// move lets something happen to the Item, more than one page of it.
func (b *bank) move() {
	b.t.Helper()
	ids := b.add(15)
	if err := b.item.Remove(ids[3]); err != nil {
		b.t.Fatal(err)
	}
	for raw := range b.item.Transactions() {
		var o struct {
			ID string `json:"transaction_id"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			b.t.Fatal(err)
		}
		if o.ID != ids[5] {
			if err := b.item.Modify(o.ID, `{"name":"changed"}`); err != nil {
				b.t.Fatal(err)
			}
		}
		if b.clock.add(time.Second); o.ID[0] > 'P' {
			return
		}
	}
}

// The data change before any page of a look: it begins again from the cursor that is stored.
func TestMutationAtEveryPage(t *testing.T) {
	for page := 2; page <= 5; page++ {
		for _, first := range []bool{true, false} {
			t.Run(fmt.Sprint("page ", page, " first load ", first), func(t *testing.T) {
				w := newWorld(t, setting{transactions: 45})
				if !first {
					w.sync()
					w.add(45)
					w.clock.add(3 * time.Minute)
				}
				left := 2
				w.sim.Mutate(func(_ string, at int) bool {
					if at != page || left == 0 {
						return false
					}
					left--
					return true
				})
				var cursors []string
				w.sync()
				w.sim.Mutate(nil)
				if left != 0 {
					t.Fatalf("it has changed %d times too few: %v", left, cursors)
				}
				w.agree("transactions", "accounts")
				w.clock.add(3 * time.Minute)
				if out := w.sync(); out.calls != feedPath+" 1" {
					t.Errorf("then a pull is %s", out.calls)
				}
			})
		}
	}
}

// Data that never rest cost a stream its turn, and nothing of them is stored; the others go on.
func TestDataThatNeverRest(t *testing.T) {
	w := newWorld(t, setting{transactions: 45})
	w.sim.Mutate(func(_ string, page int) bool { return page == 3 })
	out := w.pull(w.task())
	err := out.failed["transactions"]
	if out.err != nil || !fault.Is(err, fault.Unavailable) || fault.After(err) < time.Minute || len(out.failed) > 1 {
		t.Fatalf("%v, streams %v; want transactions alone to be unavailable for some minutes", out.err, out.failed)
	}
	if n := len(w.book.rows["transactions"]); n > 0 || w.book.at["transactions"] != nil {
		t.Errorf("%d transactions are stored, and the checkpoint %s", n, w.book.at["transactions"])
	}
	if n := w.calls()[feedPath]; n > 3*11 {
		t.Errorf("it took %d calls to give up", n)
	}
	w.agree("credit_liabilities", "holdings", "investment_transactions")
	w.sim.Mutate(nil)
	w.sync()
	w.agree()
}

// While Plaid has nothing, or only a part of the history, the stream is loading, and what repeats is not
// asked for.
func TestPlaidIsNotReady(t *testing.T) {
	w := newWorld(t, setting{transactions: 45, notReady: 2})
	w.sync()
	if at := w.book.point("transactions"); at["cursor"] != nil || !w.book.loading["transactions"] || len(w.book.rows["transactions"]) > 0 {
		t.Fatalf("nothing is there, and the checkpoint is %v, loading %v", at, w.book.loading["transactions"])
	}
	for range 12 {
		w.clock.add(3 * time.Minute)
		w.sync()
		status := w.book.point("transactions")["status"]
		if loading, asked := w.book.loading["transactions"], w.calls()["/transactions/recurring/get"]; loading != (status != plaid.HistoricalComplete) || loading && asked > 0 {
			t.Fatalf("status %v: loading %v, and what repeats was asked for %d times", status, loading, asked)
		}
		if status == plaid.HistoricalComplete {
			break
		}
	}
	w.agree()
}

// A stored cursor outlives an answer without one.
func TestCursorOutlivesNotReady(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	at := w.book.point("transactions")["cursor"]
	w.clock.add(3 * time.Minute)
	w.altering(func(path string, answer []byte) []byte {
		if path == feedPath {
			return []byte(`{"transactions_update_status":"NOT_READY","accounts":[],"added":[],"modified":[],"removed":[],"next_cursor":"","has_more":false,"request_id":"r"}`)
		}
		return answer
	})
	w.sync()
	w.altering(nil)
	if now := w.book.point("transactions")["cursor"]; now != at {
		t.Errorf("the cursor %v has become %v", at, now)
	}
	if w.book.loading["transactions"] {
		t.Error("what was loaded is loading again")
	}
	w.agree("transactions")
}

// With a cursor that Plaid does not take, all is read again, and what is gone is found. Transactions of
// accounts that have vanished stay.
func TestCursorThatPlaidDoesNotTake(t *testing.T) {
	for name, damage := range map[string]func(w *world){
		"of another Item": func(w *world) { w.book.at["transactions"] = w.elsewhere() },
		"damaged":         func(w *world) { w.book.at["transactions"] = json.RawMessage(`"x"`) },
		"lost":            func(w *world) { delete(w.book.at, "transactions") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, setting{transactions: 45})
			w.sync()
			kept, before := w.closeOne(), w.book.live("transactions")
			var gone string
			for _, id := range before {
				if !slices.Contains(kept, id) {
					gone = id
				}
			}
			if err := w.item.Remove(gone); err != nil {
				t.Fatal(err)
			}
			damage(w)
			w.clock.add(10 * time.Minute)
			out := w.sync()
			if *out.swept != (engine.Swept{}) {
				t.Errorf("it says %+v of webhooks", out.swept)
			}
			want := slices.DeleteFunc(before, func(id string) bool { return id == gone })
			if got := w.book.live("transactions"); !slices.Equal(got, want) {
				t.Errorf("%d transactions are there, want %d: all but the one that is gone", len(got), len(want))
			}
			w.clock.add(3 * time.Minute)
			if out := w.sync(); out.calls != feedPath+" 1" {
				t.Errorf("then a pull is %s", out.calls)
			}
		})
	}
}

// elsewhere is the checkpoint of another Item's transactions.
func (w *world) elsewhere() json.RawMessage {
	other := &world{bank: newBank(w.t, setting{transactions: 3, seed: 77}), book: newBook(w.t)}
	other.sync()
	return other.book.at["transactions"]
}

// closeOne closes an account without a word about its transactions, and returns them.
func (w *world) closeOne() (transactions []string) {
	w.t.Helper()
	by := map[string][]string{}
	for id, r := range w.book.rows["transactions"] {
		account, _ := parsed([]byte(r.raw)).(map[string]any)["account_id"].(string)
		by[account] = append(by[account], id)
	}
	account := slices.Min(slices.Collect(maps.Keys(by)))
	if err := w.item.CloseAccount(account, false); err != nil {
		w.t.Fatal(err)
	}
	return by[account]
}

// Accounts move with what moves on them, in one transaction, and each day keeps its balances.
func TestAccountsMoveWithTransactions(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	account := w.item.AccountIDs()[0]
	w.clock.add(24 * time.Hour)
	if err := w.item.SetBalance(account, "1.10", "2.200", ""); err != nil {
		t.Fatal(err)
	}
	w.add(1)
	out := w.sync()
	last := slices.IndexFunc(out.batches, func(b engine.Batch) bool { return b.Checkpoints["transactions"] != nil })
	if b := out.batches[last]; b.Checkpoints["accounts"] == nil || b.Checkpoints["balances"] == nil {
		t.Error("the accounts are not stored together with the transactions")
	}
	w.agree("accounts")
	for day, want := range map[string]string{"2026-05-05": "110", "2026-05-06": "2.200"} {
		var o struct{ Balances struct{ Current json.Number } }
		raw := w.book.rows["balances"][account+"|"+day].raw
		if err := json.Unmarshal([]byte(raw), &o); err != nil || o.Balances.Current.String() != want {
			t.Errorf("on %s the balance is %s, want %s", day, raw, want)
		}
	}
}

// An account that Plaid gives a new id goes in the same transaction in which the new one comes, so that
// the two are known as one. An account that came with transactions and is listed no more is there, as gone.
func TestAccountsThatGo(t *testing.T) {
	w := newWorld(t, setting{transactions: 45})
	w.sync()
	old := w.closeable()
	again, err := w.item.RekeyAccount(old)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.add(3 * time.Minute)
	before := len(w.book.live("transactions"))
	out := w.sync()
	for _, b := range out.batches {
		if b.Checkpoints["accounts"] != nil && b.Checkpoints["transactions"] == nil {
			t.Error("accounts are stored apart from their transactions")
		}
	}
	if !w.book.rows["accounts"][old].gone || w.book.rows["accounts"][again].raw == "" || w.book.rows["accounts"][again].gone {
		t.Error("the old account is there, or the new one is not")
	}
	if len(w.book.live("transactions")) <= before {
		t.Error("the transactions of the account that has gone have gone too")
	}

	w.clock.add(3 * time.Minute)
	if _, err := w.item.Add(plaidsim.TransactionSpec{Account: again}); err != nil {
		t.Fatal(err)
	}
	w.each(func(path string) {
		if path == "/accounts/get" {
			w.item.CloseAccount(again, false)
		}
	})
	w.sync()
	w.each(nil)
	if r := w.book.rows["accounts"][again]; !r.gone {
		t.Error("the account that vanished while it was read is still there")
	}
}

func next(all iter.Seq[json.RawMessage]) json.RawMessage {
	for raw := range all {
		return raw
	}
	return nil
}

// closeable is an account with transactions.
func (w *world) closeable() string {
	for _, r := range w.book.rows["transactions"] {
		return parsed([]byte(r.raw)).(map[string]any)["account_id"].(string)
	}
	return ""
}

// What cannot be stored goes to the dead letters, and takes nothing else with it.
func TestWeirdRecords(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.add(3)
	w.clock.add(3 * time.Minute)
	w.altering(func(path string, answer []byte) []byte {
		if path != feedPath {
			return answer
		}
		return []byte(strings.Replace(string(answer), `"added": [`, `"added": [ 5, {"amount": 1}, null, {"transaction_id": {"a": 1}},`, 1))
	})
	w.sync()
	w.altering(nil)
	if len(w.book.dead) != 4 {
		t.Errorf("dead letters %q, want 4", w.book.dead)
	}
	w.agree("transactions")

	w.clock.add(7 * time.Hour)
	w.replacing("/accounts/get", `"accounts": [`, `"accounts": [ {"name": "who?"}, `)
	w.item.CloseAccount(w.closeable(), false)
	before := w.book.live("accounts")
	w.sync()
	w.altering(nil)
	if got := w.book.live("accounts"); !slices.Equal(got, before) {
		t.Errorf("with an account that nobody can tell, %d have gone", len(before)-len(got))
	}
	w.clock.add(7 * time.Hour)
	w.sync()
	w.agree("accounts")

	delete(w.book.at, "transactions")
	gone, _ := parsed(next(w.item.Transactions())).(map[string]any)["transaction_id"].(string)
	w.item.Remove(gone)
	w.replacing(feedPath, `"added": [`, `"added": [ {"amount": 1}, `)
	w.sync()
	w.altering(nil)
	if w.book.rows["transactions"][gone].gone {
		t.Error("with a transaction that nobody can tell, another one has gone")
	}
}

// One page names one transaction in several lists: what is gone counts last.
func TestOnePageSaysSeveralThings(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.clock.add(3 * time.Minute)
	w.altering(func(path string, answer []byte) []byte {
		if path != feedPath {
			return answer
		}
		return []byte(`{"transactions_update_status":"HISTORICAL_UPDATE_COMPLETE","accounts":[],"added":[{"transaction_id":"a","n":1},{"transaction_id":"b","n":1}],
			"modified":[{"transaction_id":"b","n":2}],"removed":[{"transaction_id":"a","account_id":"c"}],"next_cursor":"next","has_more":false,"request_id":"r"}`)
	})
	w.sync()
	if a, b := w.book.rows["transactions"]["a"], w.book.rows["transactions"]["b"]; !a.gone || b.gone || b.raw != `{"transaction_id":"b","n":2}` {
		t.Errorf("the one that is gone: %+v, the one that is modified: %+v", a, b)
	}
}

// Plaid gives the same page for the next one: that ends, and stores nothing.
func TestPagesThatDoNotEnd(t *testing.T) {
	w := newWorld(t, setting{transactions: 45})
	asked := 0
	w.altering(func(path string, answer []byte) []byte {
		if path != feedPath {
			return answer
		}
		asked++
		return fmt.Appendf(nil, `{"transactions_update_status":"HISTORICAL_UPDATE_COMPLETE","accounts":[],"added":[{"transaction_id":"a"}],"modified":[],"removed":[],
			"next_cursor":"same","has_more":%v,"request_id":"r"}`, asked < 20)
	})
	out := w.pull(w.task())
	if err := out.failed["transactions"]; !fault.Is(err, fault.Unavailable) || len(w.book.rows["transactions"]) > 0 || asked > 2 {
		t.Errorf("%v after %d pages, and %d transactions are stored", err, asked, len(w.book.rows["transactions"]))
	}
	w.altering(nil)
	w.sync()
	w.agree()
}

// What a sweep says of webhooks: what they told of, what they did not, and nothing of what they may yet
// tell of.
func TestHowWebhooksDo(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.clock.add(10 * time.Minute)
	if out := w.sync(); *out.swept != (engine.Swept{}) {
		t.Errorf("the first load says %+v", out.swept)
	}
	w.clock.add(3 * time.Minute)
	w.add(2)
	if out := w.sync(engine.Notice{Stream: "transactions"}); *out.swept != (engine.Swept{Found: 2}) {
		t.Errorf("told of, two transactions are %+v", out.swept)
	}
	w.add(1)
	w.clock.add(4 * time.Minute)
	if out := w.sync(); *out.swept != (engine.Swept{}) || !strings.Contains(out.calls, "/item/get 1") {
		t.Errorf("four minutes old and not told of: %+v, after %s", out.swept, out.calls)
	}
	w.add(3)
	w.clock.add(6 * time.Minute)
	if out := w.sync(); *out.swept != (engine.Swept{Found: 3, Missed: 3}) {
		t.Errorf("six minutes old and not told of: %+v", out.swept)
	}
	if out := w.sync(engine.Notice{Stream: "transactions"}); *out.swept != (engine.Swept{}) {
		t.Errorf("told of and nothing there: %+v", out.swept)
	}
	w.add(1)
	task := w.task(engine.Notice{Stream: "transactions"})
	task.Sweep = false
	if out := w.pull(task); out.swept == nil || out.swept.Found != 1 || !strings.HasPrefix(out.calls, "/accounts/get 1, /transactions/sync 1") {
		t.Errorf("a pull for a webhook alone: %+v, %s", out.swept, out.calls)
	}
}

// A cursor that is refused while Plaid has only the last days of a bank: what was removed meanwhile is found
// once Plaid has all of it.
func TestResyncOfAnIncompleteHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{transactions: 45, products: []string{"transactions"}})
	w.sync()
	gone := w.book.live("transactions")[0]
	if err := w.item.Remove(gone); err != nil {
		t.Fatal(err)
	}
	w.book.at["transactions"] = json.RawMessage(`"damaged"`)
	w.altering(func(path string, answer []byte) []byte {
		if path == "/transactions/sync" {
			return bytes.ReplaceAll(answer, []byte("HISTORICAL_UPDATE_COMPLETE"), []byte("INITIAL_UPDATE_COMPLETE"))
		}
		return answer
	})
	w.clock.add(10 * time.Minute)
	w.sync()
	if !slices.Contains(w.book.live("transactions"), gone) {
		t.Fatal("what Plaid has not got yet was taken for gone")
	}
	w.altering(nil)
	for range 3 {
		w.clock.add(10 * time.Minute)
		w.sync()
	}
	if slices.Contains(w.book.live("transactions"), gone) {
		t.Errorf("%s is gone at the bank and live here", gone)
	}
}

// An answer without any account is not believed: an Item has one at least.
func TestNoAccountAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{transactions: 5, products: []string{"transactions"}})
	w.sync()
	want := w.book.live("accounts")
	w.altering(func(path string, answer []byte) []byte {
		if path == "/accounts/get" {
			return []byte(`{"accounts":[],"item":{"item_id":"i","error":null},"request_id":"r"}`)
		}
		return answer
	})
	w.clock.add(10 * time.Hour)
	w.sync()
	if got := w.book.live("accounts"); !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("accounts %v, want %v", got, want)
	}
}
