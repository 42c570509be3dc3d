package qbosim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestMonthlyCalls: when they are used up nobody gets anything until the month is over, in the words
// of ordinary throttling.
func TestMonthlyCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.MonthlyCalls, c.AccessTTL = 3, 1000*time.Hour })
	w.post("/customer", `{"DisplayName":"writing is free"}`)
	w.query("SELECT nonsense") // so are errors
	for range 3 {
		if a := w.query(anyQuery); a.status != 200 {
			t.Fatal(a.body)
		}
	}
	other := spec(1)
	other.Realm = "2"
	w.sim.AddCompany(other)
	theirs := w.sim.IssueTokens("2").Access
	quota := w.query(anyQuery)
	for _, a := range []answer{quota, w.cdc("Invoice", w.clock.Now()), w.post("/customer", `{"DisplayName":"x"}`),
		w.send("GET", "/v3/company/2/term/1", "", map[string]string{"Authorization": "Bearer " + theirs})} {
		if a.status != 429 || !strings.Contains(a.body, `code="3001"`) || a.header.Get("Retry-After") != "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	w.sim.Inject(qbosim.Fault{Kind: qbosim.XML429, Times: 1})
	w.clock.advance(16 * 24 * time.Hour) // into July
	throttled := w.query(anyQuery)
	if strip(throttled.body) != strip(quota.body) {
		t.Errorf("the quota says %s, throttling %s", quota.body, throttled.body)
	}
	if a := w.query(anyQuery); a.status != 200 {
		t.Errorf("next month: %d", a.status)
	}
	if st := w.sim.Stats(); st.OverQuota != 4 || st.Throttled != 1 || st.MeteredByMonth["2026-06"] != 3 || st.MeteredByMonth["2026-07"] != 1 || st.Metered != 4 {
		t.Errorf("%+v", st)
	}
	w.sim.Inject(qbosim.Fault{Kind: qbosim.QuotaExhausted429, Times: 1})
	w.sim.Inject(qbosim.Fault{Kind: qbosim.JSON429, Times: 1})
	if one, two := w.query(anyQuery), w.query(anyQuery); one.body != two.body || one.status != 429 {
		t.Errorf("%s\n%s", one.body, two.body)
	}
}

// strip takes the time out of an XML fault.
func strip(body string) string {
	before, rest, _ := strings.Cut(body, ` time="`)
	_, after, _ := strings.Cut(rest, `"`)
	return before + after
}

func TestOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	w.sim.Outage(w.clock.Now().Add(time.Minute), w.clock.Now().Add(3*time.Minute))
	for _, tt := range []struct {
		after  time.Duration
		status int
	}{{0, 200}, {time.Minute, 503}, {time.Minute, 503}, {time.Minute, 200}} {
		w.clock.advance(tt.after)
		for _, a := range []answer{w.query(anyQuery), w.refresh(w.tokens.Refresh), w.cdc("Invoice", w.clock.Now())} {
			if a.status != tt.status || tt.status == 503 && !strings.HasPrefix(a.body, "<html>") {
				t.Errorf("%v: %d %.100s", w.clock.Now(), a.status, a.body)
			}
		}
	}
	if st := w.sim.Stats(); st.Outage != 6 || st.Metered != 4 || st.Errors != 0 {
		t.Errorf("%+v", st)
	}
}

// TestNoCDC: CDC may refuse what it is documented to have.
func TestNoCDC(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.NoCDC = []string{"Budget", "Term"} })
	for entities, want := range map[string]int{"Invoice": 200, "Budget": 400, "Invoice,Term": 400} {
		if a := w.cdc(entities, w.clock.Now()); a.status != want || want == 400 && code(a.body) != "500" {
			t.Errorf("%s: %d %s", entities, a.status, a.body)
		}
	}
}

// TestDisconnectURL: the app is told, after its tokens are dead.
func TestDisconnectURL(t *testing.T) {
	t.Parallel()
	var called []string
	var w *world
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = append(called, r.Method+" "+r.URL.String())
		if a := w.query(anyQuery); a.status != 401 {
			t.Errorf("the tokens still work: %d", a.status)
		}
	}))
	defer app.Close()
	w = newWorld(t, 5, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.DisconnectURL = app.URL + "/gone?from=qbo" })
	w.company.Disconnect()
	if len(called) != 1 || called[0] != "GET /gone?from=qbo&realmId="+realm {
		t.Errorf("called %v", called)
	}
	app.Close()
	w.sim.IssueTokens(realm)
	w.company.Disconnect() // an app that is not there is no matter
}
