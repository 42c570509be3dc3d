package plaidsource_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Where Plaid refuses the app as a whole, no other call fares better: the run ends with the first one, the
// connection says why, and nobody asks again before the time that the failure names.
func TestTheAppIsRefused(t *testing.T) {
	for code, says := range map[string]string{"INVALID_API_KEYS": "PLAID_SECRET", "UNAUTHORIZED_ENVIRONMENT": "PLAID_ENVIRONMENT"} {
		t.Run(code, func(t *testing.T) {
			h := newHouse(t, storetest.New(t, few()...), setting{transactions: 5})
			h.sync()
			for path := range h.calls() {
				h.sim.Fail(path, -1, code)
			}
			before := h.total()
			for range 10 { // ticks, as time passes for the database too
				h.clock.add(3 * time.Minute)
				h.exec(`UPDATE sync.connections SET next_sync_at = next_sync_at - interval '3 minutes', not_before = not_before - interval '3 minutes' WHERE id = $1`, h.conn.ID)
				h.run(t.Context(), engine.Order{Reason: org.Schedule}) //nolint:errcheck // it fails
			}
			if n := h.total() - before; n < 1 || n > 2 {
				t.Errorf("in 30 minutes Plaid was asked %d times, want 1 or 2", n)
			}
			if got := h.column(`SELECT state || ': ' || coalesce(reason, '') FROM sync.connections WHERE id = $1`, h.conn.ID)[0]; !strings.Contains(got, says) {
				t.Errorf("the connection is %q, want it to name %s", got, says)
			}
		})
	}
}

// total is how often Plaid was asked.
func (b *bank) total() (n int) {
	for _, calls := range b.calls() {
		n += calls
	}
	return n
}

// What was never read and fails waits as what was: for what nobody mends by asking again, and for as long
// as the failure says.
func TestWhatWasNeverReadFails(t *testing.T) {
	for code, most := range map[string]int{"INVALID_ACCOUNT_ID": 12, "INSTITUTION_DOWN": 12} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t, setting{transactions: 5})
			stop := w.sim.Fail("/liabilities/get", -1, code)
			for range 60 {
				w.pull(w.task())
				w.clock.add(3 * time.Minute)
			}
			if n := w.calls()["/liabilities/get"]; n < 3 || n > most {
				t.Errorf("in three hours it was asked for %d times, want 3 to %d", n, most)
			}
			if !w.book.loading["mortgages"] {
				t.Error("nobody knows that it is still to be loaded")
			}
			stop()
			w.clock.add(time.Hour)
			w.sync()
			w.agree()
		})
	}
}
