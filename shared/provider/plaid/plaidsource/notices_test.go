package plaidsource_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// A webhook makes its family be read, at once and once, and is done with then. What nothing can be read
// of is done with at once.
func TestNoticesReadTheirFamily(t *testing.T) {
	for stream, want := range map[string]string{
		"items":                   "/item/get 1",
		"accounts":                "/accounts/get 1",
		"transactions":            feedPath + " 1",
		"recurring_inflows":       "/transactions/recurring/get 1",
		"credit_liabilities":      "/liabilities/get 1",
		"holdings":                "/investments/holdings/get 1",
		"investment_transactions": "/accounts/get 1, /investments/transactions/get",
		"statement_accounts":      "/statements/list 1",
		"nobody knows":            "",
	} {
		t.Run(stream, func(t *testing.T) {
			w := newWorld(t, setting{transactions: 5})
			w.sync()
			w.clock.add(3 * time.Minute)
			task := w.task(engine.Notice{Stream: stream}, engine.Notice{Stream: stream})
			task.Sweep = false
			out := w.pull(task)
			if !strings.HasPrefix(out.calls, want) || want == "" && out.calls != "" {
				t.Errorf("it asks %q, want %q", out.calls, want)
			}
			if !slices.Equal(w.book.settled, []int64{1, 2}) {
				t.Errorf("settled %v", w.book.settled)
			}
		})
	}
}

// A webhook that tells of the whole history brings what repeats with it.
func TestWhatRepeatsComesWithTheHistory(t *testing.T) {
	w := newWorld(t, setting{transactions: 45, notReady: 2})
	w.sync()
	for range 12 {
		w.clock.add(3 * time.Minute)
		task := w.task(engine.Notice{Stream: "transactions"})
		task.Sweep = false
		if out := w.pull(task); out.err != nil || len(out.failed) > 0 {
			t.Fatal(out.err, out.failed)
		}
		if whole := w.book.point("transactions")["status"] == plaid.HistoricalComplete; whole {
			break
		}
	}
	if n := w.calls()["/transactions/recurring/get"]; n != 1 {
		t.Errorf("what repeats was asked for %d times, want once", n)
	}
	w.agree("transactions", "recurring_inflows", "recurring_outflows")
}

// Notices of what the Item does not have are done with, and nothing is asked for: that would order it.
func TestNoticesOfWhatTheItemHasNot(t *testing.T) {
	w := newWorld(t, setting{transactions: 5, products: []string{"transactions"}, cheap: true})
	w.sync()
	var all []engine.Notice
	for _, stream := range []string{"credit_liabilities", "holdings", "investment_transactions", "statement_accounts", "recurring_inflows"} {
		all = append(all, engine.Notice{Stream: stream})
	}
	w.clock.add(3 * time.Minute)
	if out := w.sync(all...); out.calls != feedPath+" 1" || len(w.book.settled) != len(all) {
		t.Errorf("it asks %q and settles %v", out.calls, w.book.settled)
	}
}

// A family that fails keeps its notices, and the others go on.
func TestNoticesOfAFamilyThatFails(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.clock.add(3 * time.Minute)
	w.sim.Fail("/liabilities/get", 1, "INTERNAL_SERVER_ERROR")
	out := w.pull(w.task(engine.Notice{Stream: "credit_liabilities"}, engine.Notice{Stream: "holdings"}))
	if out.err != nil || len(out.failed) != 4 || !slices.Equal(w.book.settled, []int64{2}) {
		t.Errorf("%v, failed %v, settled %v", out.err, out.failed, w.book.settled)
	}
	w.clock.add(3 * time.Minute)
	if out := w.sync(); out.calls != feedPath+" 1" {
		t.Errorf("then a pull is %s: what has failed does not wait", out.calls)
	}
	task := w.task()
	task.Notices = []engine.Notice{{ID: 1, Stream: "credit_liabilities"}}
	w.pull(task)
	if !slices.Equal(w.book.settled, []int64{2, 1}) {
		t.Errorf("settled %v", w.book.settled)
	}
}

// An Item that needs a new login ends the pull with that, once what there is has been stored: its own
// row, and what Plaid still gives. Its notices are done with, or they would be open for ever.
func TestNewLoginIsNeeded(t *testing.T) {
	for _, cached := range []bool{true, false} {
		w := newWorld(t, setting{transactions: 5, cached: cached})
		w.sync()
		w.clock.add(3 * time.Minute)
		w.add(2)
		w.item.RequireLogin("OAUTH_CONSENT_EXPIRED")
		out := w.pull(w.task(engine.Notice{Stream: "items"}))
		if !fault.Is(out.err, fault.Reconnect) {
			t.Fatalf("cached %v: %v, want a new login to be needed", cached, out.err)
		}
		if raw := w.book.rows["items"][w.item.ID()].raw; !strings.Contains(raw, "ITEM_LOGIN_REQUIRED") || !slices.Equal(w.book.settled, []int64{1}) {
			t.Errorf("cached %v: the Item is %s, settled %v", cached, raw, w.book.settled)
		}
		if cached {
			w.agree("transactions", "accounts")
		}
		w.item.Repair()
		w.sync()
		w.agree("transactions", "accounts")
	}
}

// Without a webhook the accounts show that a new login is needed, or the Item's own timer does.
func TestNewLoginIsNeededAndNobodyTold(t *testing.T) {
	w := newWorld(t, setting{transactions: 5, cached: true})
	w.sync()
	w.clock.add(3 * time.Minute)
	w.item.RequireLogin("")
	w.sync()
	w.add(1)
	w.clock.add(3 * time.Minute)
	if out := w.pull(w.task()); !fault.Is(out.err, fault.Reconnect) {
		t.Errorf("%v, want a new login to be needed", out.err)
	}
	w.agree("transactions", "accounts")
}

// An Item that is no more: its notices are done with, the failure says what to do.
func TestItemIsGone(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	if err := w.client(nil).Item(w.item.ID(), token(w.token)).Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := w.pull(w.task(engine.Notice{Stream: "items"}))
	if !fault.Is(out.err, fault.Reconnect) || !slices.Equal(w.book.settled, []int64{1}) {
		t.Errorf("%v, settled %v", out.err, w.book.settled)
	}
}

// Customers are told in time what they should do, until they have done it.
func TestAdvice(t *testing.T) {
	const ends = "the bank ends this consent on about "
	w := newWorld(t, setting{transactions: 5})
	w.connected = w.clock.now().Add(-time.Hour)
	w.sync()
	if w.advice != "" {
		t.Errorf("all is well, and the advice is %q", w.advice)
	}
	w.clock.add(time.Hour)
	w.sync(engine.Notice{Stream: "items", Change: engine.Ending, Age: 24 * time.Hour}) // before the consent
	if w.advice != "" {
		t.Errorf("told before the consent was given: %q", w.advice)
	}
	w.sync(engine.Notice{Stream: "items", Change: engine.Ending, Age: time.Minute}, engine.Notice{Stream: "items", Change: engine.Offered})
	for range 3 { // it is kept
		if !strings.HasPrefix(w.advice, ends+"12 May: renew it with a reconnect link") || !strings.Contains(w.advice, "offers further accounts") {
			t.Errorf("the advice is %q", w.advice)
		}
		w.clock.add(time.Hour)
		w.sync()
	}
	w.connected = w.clock.now()
	w.clock.add(time.Hour)
	if w.sync(); w.advice != "" {
		t.Errorf("after a new consent the advice is %q", w.advice)
	}
	w.sync(engine.Notice{Stream: "items", Change: engine.Ending})
	w.clock.add(8 * 24 * time.Hour)
	if w.sync(); w.advice != "" {
		t.Errorf("a day after the consent was to end, and all works: %q", w.advice)
	}
	w.clock.add(24 * time.Hour)
	w.altering(func(path string, answer []byte) []byte {
		if path == "/item/get" {
			return []byte(strings.Replace(string(answer), `"consent_expiration_time": null`, `"consent_expiration_time": "2026-05-27T00:00:00Z"`, 1))
		}
		return answer
	})
	if w.sync(); !strings.HasPrefix(w.advice, ends+"27 May") {
		t.Errorf("the bank names the day, and the advice is %q", w.advice)
	}
}

// A bank that is out of order needs nobody's help: people are told, and what Plaid has is read.
func TestBankIsOutOfOrder(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.clock.add(7 * time.Hour)
	w.replacing("/item/get", `"error": null`, `"error": {"error_type":"INSTITUTION_ERROR","error_code":"INSTITUTION_DOWN","error_message":"m","display_message":null}`)
	if w.sync(); w.advice == "" || strings.Contains(w.advice, "request") {
		t.Errorf("the advice is %q", w.advice)
	}
	w.altering(nil)
	w.clock.add(7 * time.Hour)
	if w.sync(); w.advice != "" {
		t.Errorf("the bank works again, and the advice is %q", w.advice)
	}
}
