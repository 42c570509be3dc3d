package plaidsource_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// again marks streams to be read again, as the engine does.
func (w *world) again(name string, streams ...string) {
	w.t.Helper()
	for _, stream := range streams {
		at, err := w.source().Reread(stream, w.book.at[stream], engine.Reading{Name: name, Verify: true})
		if err != nil {
			w.t.Fatal(err)
		}
		w.book.at[stream], w.book.loading[stream] = at, true
	}
}

// What is read again is compared with every value, under its reading's name, and its end is told.
func TestEveryStreamIsReadAgain(t *testing.T) {
	w := newWorld(t, setting{transactions: 25})
	w.sync()
	w.clock.add(3 * time.Minute)
	w.add(2)
	all := w.source().Streams()
	w.again("full", all...)
	out := w.sync()
	for _, name := range all {
		if w.book.loading[name] {
			t.Errorf("%s is still being read again", name)
		}
		if n, want := w.book.checked[name], len(w.book.live(name)); n != want {
			t.Errorf("%s: %d of %d were compared", name, n, want)
		}
	}
	for _, b := range out.batches {
		if b.Verify && (b.Census != "full" || len(b.EndCensus) != 1 || b.Swept != nil) {
			t.Errorf("a comparison is %+v", b)
		}
	}
	w.agree()
	w.clock.add(3 * time.Minute)
	if out := w.sync(); out.calls != feedPath+" 1" {
		t.Errorf("then a pull is %s", out.calls)
	}
}

// What has changed at the bank since it was read last is no damage: it is stored before the comparison,
// and what has not changed is compared alone.
func TestChangesAreNoDamage(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.clock.add(time.Minute)
	w.again("check", "accounts", "mortgages", "investment_transactions")
	if err := w.item.SetBalance(w.item.AccountIDs()[0], "1", "2", "3"); err != nil {
		t.Fatal(err)
	}
	plain := map[string]bool{}
	for _, b := range w.sync().batches {
		for _, whole := range b.Whole {
			if !b.Verify {
				plain[whole.Stream] = true
			}
		}
	}
	if !plain["accounts"] || plain["mortgages"] || plain["investment_transactions"] {
		t.Errorf("stored before they were compared: %v, want accounts alone", plain)
	}
	w.agree()
}

// A reading again is broken off after any batch, and goes on.
func TestReadingAgainIsBrokenOff(t *testing.T) {
	for kill := 1; ; kill++ {
		w := newWorld(t, setting{transactions: 25})
		w.sync()
		w.clock.add(3 * time.Minute)
		w.add(2)
		all := w.source().Streams()
		w.again("full", all...)
		whole := len(w.pullUntil(w.task(), kill).batches) < kill
		w.sync()
		for _, name := range all {
			if w.book.loading[name] || w.book.checked[name] != len(w.book.live(name)) {
				t.Fatalf("killed after %d batches: %s is not read again: loading %v, %d of %d", kill, name, w.book.loading[name],
					w.book.checked[name], len(w.book.live(name)))
			}
		}
		w.agree()
		if whole {
			return
		}
	}
}

func TestReread(t *testing.T) {
	w := newWorld(t, setting{transactions: 5, products: []string{"transactions"}})
	src, full := w.source(), engine.Reading{Name: "full", Verify: true}
	day := time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)
	for name, r := range map[string]engine.Reading{"nothing": full, "transactions": {}, "accounts": {Name: "r", From: day, To: day.Add(-1)}} {
		if _, err := src.Reread(name, nil, r); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s, %+v: %v, want invalid", name, r, err)
		}
	}
	w.sync()
	for name, at := range map[string]json.RawMessage{"transactions": nil, "mortgages": w.book.at["mortgages"]} {
		if got, err := src.Reread(name, at, full); err != nil || !bytes.Equal(got, at) {
			t.Errorf("%s at %s: %s, %v; want it as it is: there is nothing to read again", name, at, got, err)
		}
	}
	once, err := src.Reread("accounts", w.book.at["accounts"], full)
	if err != nil || bytes.Equal(once, w.book.at["accounts"]) {
		t.Fatalf("%s, %v", once, err)
	}
	if twice, err := src.Reread("accounts", once, full); err != nil || !bytes.Equal(once, twice) {
		t.Errorf("the same reading again: %s, %v, want %s", twice, err, once)
	}
}

// A damaged checkpoint is mended by reading again.
func TestReadingAgainMendsACheckpoint(t *testing.T) {
	for _, name := range []string{"transactions", "accounts", "items"} {
		w := newWorld(t, setting{transactions: 15})
		w.sync()
		w.book.at[name] = json.RawMessage(`[1`)
		w.again("mend", name)
		w.sync()
		w.agree()
		if w.book.loading[name] || w.book.checked[name] == 0 {
			t.Errorf("%s: loading %v, %d compared", name, w.book.loading[name], w.book.checked[name])
		}
	}
}

// Investment transactions move while they are read by position: they are read again from the start.
func TestInvestmentsMoveWhileTheyAreRead(t *testing.T) {
	w := newWorld(t, setting{transactions: 5, page: 3})
	moved := 0
	w.each(func(path string) {
		if path == "/investments/transactions/get" {
			if moved++; moved == 2 || moved == 4 {
				w.trade()
			}
		}
	})
	w.sync()
	w.each(nil)
	w.agree("investment_transactions", "securities")
	if moved < 5 {
		t.Fatalf("only %d pages were read", moved)
	}
	w.each(func(path string) {
		if path == "/investments/transactions/get" {
			w.trade()
		}
	})
	w.clock.add(30 * time.Hour)
	before := slices.Clone(w.book.live("investment_transactions"))
	out := w.pull(w.task())
	w.each(nil)
	if err := out.failed["investment_transactions"]; !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "keep moving") {
		t.Errorf("they never rest: %v", err)
	}
	if got := w.book.live("investment_transactions"); !slices.Equal(got, before) {
		t.Errorf("%d are stored of a reading that has no end, before it were %d", len(got), len(before))
	}
	w.clock.add(2 * time.Hour)
	w.sync()
	w.agree("investment_transactions", "securities")
}

// Pages of investment transactions that do not join are no reading: it begins again, and what was there only
// the first time is not stored.
func TestInvestmentPagesThatDoNotJoin(t *testing.T) {
	for name, second := range map[string]string{"another order": `"x","d","total":4`, "another number": `"c","d","e","total":5`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, setting{transactions: 5, page: 3})
			pages := []string{`"a","b","c","total":4`, second, `"x","a","b","total":4`, `"b","d","total":4`}
			w.altering(func(path string, answer []byte) []byte {
				if path != "/investments/transactions/get" || len(pages) == 0 {
					return answer
				}
				ids, total, _ := strings.Cut(pages[0], `,"total":`)
				pages = pages[1:]
				var all []string
				for id := range strings.SplitSeq(ids, ",") {
					all = append(all, `{"investment_transaction_id":`+id+`}`)
				}
				return []byte(`{"accounts":[],"securities":[],"investment_transactions":[` + strings.Join(all, ",") +
					`],"total_investment_transactions":` + total + `,"request_id":"r"}`)
			})
			w.sync()
			if got := w.book.live("investment_transactions"); !slices.Equal(got, []string{"a", "b", "d", "x"}) {
				t.Errorf("stored are %q", got)
			}
		})
	}
}

// What is to be read again stays so while that has to wait, and while changes do not come through.
func TestReadingAgainWaits(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.again("full", "accounts", "transactions")
	w.add(1)
	task := w.task()
	task.Floor = engine.Timing
	if out := w.pull(task); out.calls != "/accounts/get 1, /item/get 1, "+feedPath+" 1" || !w.book.loading["accounts"] || !w.book.loading["transactions"] {
		t.Errorf("it asks %s, and is still to be read again: %v", out.calls, w.book.loading)
	}
	w.sim.Fail(feedPath, 1, "INTERNAL_SERVER_ERROR")
	if out := w.pull(w.task()); !strings.HasSuffix(out.calls, feedPath+" 1") || !w.book.loading["transactions"] || w.book.loading["accounts"] {
		t.Errorf("changes do not come through, and it asks %s", out.calls)
	}
	w.sync()
	if w.book.loading["transactions"] {
		t.Error("it is never read again")
	}
}

func TestCount(t *testing.T) {
	w := newWorld(t, setting{transactions: 25})
	w.sync()
	for _, stream := range w.source().Streams() {
		want := len(w.book.live(stream))
		if n, err := w.source().Count(t.Context(), stream); err != nil || n != want {
			t.Errorf("%s: %d, %v; stored are %d", stream, n, err, want)
		}
	}
	w.sim.Fail("/liabilities/get", 1, "NO_LIABILITY_ACCOUNTS")
	if n, err := w.source().Count(t.Context(), "mortgages"); n != 0 || err != nil {
		t.Errorf("what the bank does not have: %d, %v", n, err)
	}
	if _, err := w.source().Count(t.Context(), "nothing"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a stream that is none: %v", err)
	}
}

// trade buys more of what somebody holds.
func (b *bank) trade() {
	for raw := range b.item.All("holdings") {
		o := parsed(raw).(map[string]any)
		spec := plaidsim.TradeSpec{Account: o["account_id"].(string), Security: o["security_id"].(string), Quantity: "1.5", Price: "2.25"}
		if _, err := b.item.Trade(spec); err != nil {
			b.t.Error(err)
		}
		return
	}
	b.t.Error("nobody holds anything")
}
