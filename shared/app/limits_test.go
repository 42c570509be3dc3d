package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// worker is one process at work for a company: its own connections to the database, its own limiter.
type worker struct {
	client *quickbooks.Client
	end    func()
}

// newWorkers returns n processes that work for one company.
func newWorkers(t *testing.T, n int, p *place, realm, access string) []worker {
	t.Helper()
	workers := make([]worker, n)
	for i := range workers {
		j := p.syncOrg().joint
		j.quickBooks.options.Retry = httpclient.Policy{RateWaits: -1} // a refusal is not to be waited for, but seen
		c := org.Connection{Org: "onpoint", Provider: quickbooks.Provider, Account: realm}
		workers[i] = worker{j.quickBooks.client(c, fixed(access), nil), j.store.Pool().Close}
	}
	return workers
}

// newLimited returns a place whose Intuit is the simulator, with its limits.
func newLimited(t *testing.T, vars ...string) (*place, *qbosim.Server) {
	t.Helper()
	sim := qbosim.New(qbosim.Config{ClientID: "client", ClientSecret: markerClientSecret})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return newPlace(t, append([]string{"QUICKBOOKS_API_URL=" + server.URL, "QUICKBOOKS_TOKEN_URL=" + server.URL + "/token"}, vars...)...), sim
}

// Several processes work for one company as fast as they may, and one of them dies: Intuit throttles
// none, and no turn is given that nobody uses. How many there are a second depends on the machine.
func TestProcessesShareACompanysLimits(t *testing.T) {
	for _, tt := range []struct {
		name      string
		processes int
		dies      bool
	}{{"two", 2, false}, {"five, and one dies", 5, true}} {
		t.Run(tt.name, func(t *testing.T) {
			p, sim := newLimited(t)
			sim.AddCompany(qbosim.CompanySpec{Realm: onpointRealm, Name: "OnPoint", Seed: 1, Invoices: 1})
			workers := newWorkers(t, tt.processes, p, onpointRealm, sim.IssueTokens(onpointRealm).Access)
			const lasts, perWorker = 5 * time.Second, 3
			ctx, cancel := context.WithTimeout(t.Context(), lasts)
			defer cancel()
			if tt.dies {
				time.AfterFunc(lasts/2, workers[0].end)
			}
			var calls atomic.Int32
			var group sync.WaitGroup
			for i, w := range workers {
				for range perWorker {
					group.Go(func() {
						for ctx.Err() == nil {
							_, err := w.client.Count(ctx, quickbooks.Query{Entity: "Customer"})
							switch {
							case err == nil:
								calls.Add(1)
							case fault.Is(err, fault.Stopped), tt.dies && i == 0 && fault.Is(err, fault.Unavailable):
								return
							default:
								t.Error(err)
								return
							}
						}
					})
				}
			}
			group.Wait()
			stats := sim.Stats()
			turns := p.count(`SELECT cardinality(recent) FROM sync.call_windows WHERE account = '` + onpointRealm + `'`)
			t.Logf("%d calls, %.1f a second, %d turns", calls.Load(), float64(calls.Load())/lasts.Seconds(), turns)
			atEnd := len(workers) * perWorker // each may wait for a last turn, and one process dies with its own
			if stats.Throttled > 0 || calls.Load() == 0 || turns-int(calls.Load()) > 2*atEnd {
				t.Errorf("%d calls throttled, %d made with %d turns, want none throttled and every turn used but for the last ones", stats.Throttled, calls.Load(), turns)
			}
		})
	}
}

// What one company calls is nothing to another: none of a thousand waits, nor pays for the others.
func TestCompaniesDoNotSlowEachOther(t *testing.T) {
	p := newPlace(t)
	q := p.syncOrg().quickBooks
	call := func(realm string) (took time.Duration) {
		begin := time.Now()
		for _, g := range q.turns.gates(realm) {
			if wait, _, err := g.Take(t.Context()); wait > 0 || err != nil {
				t.Errorf("company %s waits %v, %v", realm, wait, err)
			}
		}
		return time.Since(begin)
	}
	var alone, among time.Duration
	for i := range 1000 {
		among += call(fmt.Sprint("company ", i))
		if i%10 == 0 {
			alone += 10 * call(fmt.Sprint("alone ", i/100)) // 10 calls each, as they may
		}
	}
	for i := range 1000 { // their rows are there now
		among += call(fmt.Sprint("company ", i))
	}
	t.Logf("a turn takes %v alone, %v among 1,000 companies", alone/1000, among/2000)
	if among/2 > 3*alone {
		t.Errorf("a turn takes %v among 1,000 companies, %v alone", among/2000, alone/1000)
	}
}

// The app's own limit holds for all companies and processes together.
func TestProcessesShareTheAppsLimit(t *testing.T) {
	p, sim := newLimited(t, "QUICKBOOKS_CALLS_PER_MINUTE=20")
	var calls atomic.Int32
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var group sync.WaitGroup
	for i, realm := range []string{onpointRealm, powergenRealm, spareRealm} {
		sim.AddCompany(qbosim.CompanySpec{Realm: realm, Name: "OnPoint", Seed: uint64(i), Invoices: 1})
		for _, w := range newWorkers(t, 2, p, realm, sim.IssueTokens(realm).Access) {
			group.Go(func() {
				for {
					_, err := w.client.Count(ctx, quickbooks.Query{Entity: "Customer"})
					if fault.Is(err, fault.Stopped) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					calls.Add(1)
				}
			})
		}
	}
	group.Wait() // soon: a turn in the next minute is after the deadline
	// A turn that a busy machine is late for is lost.
	if n := calls.Load(); n > 20 || n < 10 || sim.Stats().Throttled != 0 {
		t.Errorf("%d calls, %d throttled: want 20 and none", n, sim.Stats().Throttled)
	}
}

// What Intuit says to one process holds for the next, and for that company only.
func TestProcessesShareAHold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	p := newPlace(t, "QUICKBOOKS_API_URL="+server.URL)
	workers := newWorkers(t, 2, p, onpointRealm, "access")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, w := range workers {
		if _, err := w.client.Count(ctx, quickbooks.Query{Entity: "Customer"}); !fault.Is(err, fault.RateLimited) || fault.After(err) < 20*time.Second {
			t.Errorf("%v, after %v: want it rate-limited", err, fault.After(err))
		}
	}
	if n := p.count(`SELECT count(*) FROM sync.call_windows WHERE held_until > clock_timestamp()`); n != 1 {
		t.Errorf("%d companies are held back, want 1", n)
	}
}

// Without the database no call is made: its turn is not known, and nothing could be stored.
func TestNoCallWithoutTheDatabase(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer server.Close()
	p := newPlace(t, "QUICKBOOKS_API_URL="+server.URL)
	w := newWorkers(t, 1, p, onpointRealm, "access")[0]
	w.end()
	if _, err := w.client.Count(t.Context(), quickbooks.Query{Entity: "Customer"}); !fault.Is(err, fault.Unavailable) || calls.Load() > 0 {
		t.Errorf("%v, %d calls", err, calls.Load())
	}
}

// The call that shows that a consent opens the company takes its turn and is counted like others.
func TestConnectsCallIsCounted(t *testing.T) {
	i := newIntuit(t)
	p, q, c, l := granting(t, i)
	for _, realm := range []string{"100", "200"} { // one that is let in, one that is refused: not metered
		i.realm = realm
		if _, err := q.Grant(t.Context(), c, l, granted); (err == nil) != (realm == "100") {
			t.Fatal(err)
		}
	}
	if got := p.count(`SELECT sum(calls) * 10 + sum(metered_calls) FROM sync.api_usage`); got != 21 {
		t.Errorf("calls and metered ones %d, want 2 and 1", got)
	}
	if got := p.count(`SELECT sum(cardinality(recent)) FROM sync.call_windows WHERE account = '100'`); got < 2 { // a turn that a busy machine is late for is taken again
		t.Errorf("%d turns, want 2", got)
	}
}

func TestQuickBooksCallsPerMinute(t *testing.T) {
	if err := (QuickBooksConfig{Environment: "sandbox", PerMinute: -1}).Validate(); err == nil {
		t.Error("a negative number of calls is taken")
	}
	all := (&turns{minute: 49_000}).gates("1")
	if len(all) != 2 || all[1].Hold != nil || all[1].Slack <= 0 || all[1].Slack > minutesMargin/100/2 {
		t.Errorf("gates %+v", all)
	}
	if all[0].Slack >= secondsMargin || len((&turns{}).gates("1")) != 1 || (*turns)(nil).gates("1") != nil {
		t.Error("the company's own limits are not as they should be")
	}
}
