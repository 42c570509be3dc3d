package plaidsource_test

import (
	"maps"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// A day in which nothing happens costs a look at the feed each time, and of everything else what its
// timer asks for.
func TestADayOfNothing(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	before := w.calls()
	for range 2 * 24 * 20 {
		w.clock.add(3 * time.Minute)
		w.sync()
	}
	for path, want := range map[string][2]int{
		feedPath: {960, 960}, "/item/get": {8, 9}, "/accounts/get": {8, 12}, "/institutions/get_by_id": {0, 0}, "/transactions/recurring/get": {2, 2},
		"/liabilities/get": {4, 4}, "/investments/holdings/get": {4, 4}, "/investments/transactions/get": {2, 10}, "/statements/list": {2, 2},
	} {
		if n := w.calls()[path] - before[path]; n < want[0] || n > want[1] {
			t.Errorf("%s was asked for %d times, want %d to %d", path, n, want[0], want[1])
		}
	}
}

// Only what the customer has ordered is asked for, whatever happens.
func TestNothingIsOrderedByAsking(t *testing.T) {
	for product, streams := range map[string][]string{
		"transactions": {"transactions"}, "liabilities": {"credit_liabilities", "credit_statements", "student_loans", "mortgages"},
		"investments": {"securities", "holdings", "investment_transactions"},
	} {
		t.Run(product, func(t *testing.T) {
			w := newWorld(t, setting{transactions: 5, products: []string{product}, cheap: true})
			ordered := w.sim.Stats().Billed
			w.sync()
			var all []engine.Notice
			for _, stream := range w.source().Streams() {
				all = append(all, engine.Notice{Stream: stream})
			}
			for range 5 {
				w.clock.add(30 * time.Hour)
				w.sync(all...)
				for _, stream := range w.source().Streams() {
					at, err := w.source().Reread(stream, w.book.at[stream], engine.Reading{Name: "again", Verify: true})
					if err != nil {
						t.Fatal(err)
					}
					w.book.at[stream] = at
					if _, err := w.source().Count(t.Context(), stream); err != nil {
						t.Errorf("count %s: %v", stream, err)
					}
				}
				w.sync()
			}
			if got := w.sim.Stats().Billed; !maps.Equal(got, ordered) {
				t.Errorf("billed are %v, ordered were %v", got, ordered)
			}
			for _, stream := range w.source().Streams() {
				if w.book.at[stream] == nil || w.book.loading[stream] {
					t.Errorf("%s: checkpoint %s, loading %v: somebody would wait for it", stream, w.book.at[stream], w.book.loading[stream])
				}
			}
			w.agree(append(streams, "accounts")...)
		})
	}
}

// What repeats is an add-on: no list of products has it, its first call begins its billing, and so it is
// called where the setting asks for it and the Item has transactions.
func TestTheAddOnIsReadWhereItIsPaidFor(t *testing.T) {
	for name, c := range map[string]struct {
		setting
		billed int
	}{
		"asked for":            {setting{transactions: 5}, 1},
		"not asked for":        {setting{transactions: 5, cheap: true}, 0},
		"without transactions": {setting{products: []string{"liabilities"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.setting)
			for range 3 {
				w.sync()
				w.clock.add(30 * time.Hour)
			}
			if got := w.sim.Stats().Billed["recurring_transactions"]; got != c.billed {
				t.Errorf("it was ordered %d times, want %d", got, c.billed)
			}
			if c.billed > 0 {
				w.agree("recurring_inflows", "recurring_outflows")
			}
			w.addOns = []string{"recurring_transactions"} // the setting is changed: it is read at once
			w.sync()
			if name != "without transactions" && w.sim.Stats().Billed["recurring_transactions"] != 1 {
				t.Error("it is not read after the setting was changed")
			}
		})
	}
}

// A new consent may bring products and accounts: all is read at once, once.
func TestANewConsent(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.connected = w.clock.now()
	w.sync()
	w.clock.add(3 * time.Minute)
	w.connected = w.clock.now()
	before := w.calls()
	w.sync()
	for _, path := range []string{"/item/get", "/accounts/get", "/liabilities/get", "/investments/holdings/get", "/statements/list"} {
		if w.calls()[path] == before[path] {
			t.Errorf("%s is not asked for after a new consent", path)
		}
	}
	w.clock.add(3 * time.Minute)
	if out := w.sync(); out.calls != feedPath+" 1" {
		t.Errorf("then a pull is %s", out.calls)
	}
}

// What the bank turns out not to have is no failure, and costs a try a day; what is not ready is asked
// for again each time.
func TestWhatTheBankDoesNotHave(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	stop := w.sim.Fail("/liabilities/get", -1, "NO_LIABILITY_ACCOUNTS")
	unready := w.sim.Fail("/statements/list", 5, "PRODUCT_NOT_READY")
	for range 40 {
		w.sync()
		w.clock.add(time.Hour)
	}
	if n := w.calls()["/liabilities/get"]; n != 2 {
		t.Errorf("in 40 hours liabilities were asked for %d times, want 2", n)
	}
	if n := w.calls()["/statements/list"]; n < 6 || n > 8 {
		t.Errorf("statements were asked for %d times", n)
	}
	stop()
	unready()
	w.clock.add(24 * time.Hour)
	w.sync()
	w.agree()
}

// One family that fails costs the others nothing, and is not asked for at every look.
func TestAFamilyFails(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	stop := w.sim.Fail("/liabilities/get", -1, "INSTITUTION_DOWN")
	w.clock.add(13 * time.Hour)
	before, failures := w.calls(), 0
	for range 60 {
		out := w.pull(w.task())
		if out.err != nil || len(out.failed) > 4 {
			t.Fatalf("%v, failed %v", out.err, out.failed)
		}
		if out.failed["mortgages"] != nil {
			failures++
		}
		w.clock.add(3 * time.Minute)
	}
	if n := w.calls()["/liabilities/get"] - before["/liabilities/get"]; n != failures || n < 3 || n > 4 {
		t.Errorf("in three hours it was asked for %d times, and failed %d times", n, failures)
	}
	stop()
	w.clock.add(time.Hour)
	w.sync()
	w.agree()
}

// Too many calls of one kind end the pull; the next one passes over what was refused.
func TestTooManyCalls(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.sim.Fail("/liabilities/get", 1, "RATE_LIMIT")
	w.clock.add(13 * time.Hour)
	if out := w.pull(w.task()); !fault.Is(out.err, fault.RateLimited) {
		t.Errorf("%v, want too many calls", out.err)
	}
	w.clock.add(2 * time.Minute)
	before := w.calls()
	w.sync()
	if w.calls()["/investments/holdings/get"] == before["/investments/holdings/get"] || w.calls()["/liabilities/get"] != before["/liabilities/get"] {
		t.Errorf("the next pull asks %s", w.asked(before))
	}
	w.clock.add(time.Hour)
	w.sync()
	w.agree()
}

// Work less urgent than the floor waits.
func TestFloor(t *testing.T) {
	w := newWorld(t, setting{transactions: 5})
	w.sync()
	w.clock.add(30 * time.Hour)
	task := w.task()
	task.Floor = engine.Sweeping
	if out := w.pull(task); out.calls != feedPath+" 1" {
		t.Errorf("with sweeps alone it asks %s", out.calls)
	}
	task.Floor = engine.Noticing
	if out := w.pull(task); out.calls != "" {
		t.Errorf("with notices alone it asks %s", out.calls)
	}
}
