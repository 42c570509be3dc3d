package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// A sixteenth look at the accounts of one bank login within a minute is not made in Production, whichever
// of the process' clients asks; another login's is.
func TestPlaidsLimitsOfAnItem(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Write([]byte(`{"accounts":[],"item":{"item_id":"i","error":null},"request_id":"r"}`))
	}))
	defer server.Close()
	p := newPlace(t, "PLAID_CLIENT_ID=plaid-client", "PLAID_SECRET="+markerClientSecret, "PLAID_ENVIRONMENT=production", "PLAID_API_URL="+server.URL)
	b := p.syncOrg().banks
	short := 20 * time.Second // less than what is left of the minute
	for range 15 {
		if _, err := plaid.New(b.options).Item("one", fixed("t")).Accounts(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	if _, err := plaid.New(b.options).Item("one", fixed("t")).Accounts(ctx); !fault.Is(err, fault.Stopped) || calls.Load() != 15 {
		t.Errorf("the sixteenth: %v after %d calls; want it refused here, at once", err, calls.Load())
	}
	if _, err := plaid.New(b.options).Item("other", fixed("t")).Accounts(ctx); err != nil {
		t.Errorf("another bank login: %v", err)
	}
	if n := p.count(`SELECT cardinality(recent) FROM sync.call_windows WHERE provider = 'plaid' AND account = '/accounts/get'`); n < 16 { // a turn that a busy machine is late for is taken again
		t.Errorf("%d calls are counted for the app, want 16", n)
	}
}

// Every limit that Plaid names is kept for each Item and for the app, in both environments.
func TestPlaidLimits(t *testing.T) {
	t.Parallel()
	for environment, rates := range map[string]map[string]plaidRate{"production": plaidProduction, "sandbox": plaidSandbox} {
		l := newPlaidLimits(PlaidConfig{Environment: environment, LimitFactor: 2}, nil)
		for endpoint, rate := range rates {
			if l.all[endpoint] != 2*rate.all || rate.all <= 0 {
				t.Errorf("%s %s: %d a minute for the app, want twice %d", environment, endpoint, l.all[endpoint], rate.all)
			}
			if own := l.limiter(endpoint, "item"); own == l.limiter(endpoint, "") {
				t.Errorf("%s %s: an Item and the app share their limit", environment, endpoint)
			}
		}
	}
	if plaidProduction["/transactions/sync"] != (plaidRate{50, 2500}) || plaidSandbox["/accounts/balance/get"] != (plaidRate{25, 100}) {
		t.Error("the limits are not Plaid's")
	}
}

func TestPlaidSettings(t *testing.T) {
	t.Parallel()
	good := PlaidConfig{ClientID: "c", Secret: "s", Environment: "sandbox", Countries: []string{"US"}, LimitFactor: 1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for says, spoil := range map[string]func(*PlaidConfig){
		"PLAID_SECRET":       func(c *PlaidConfig) { c.Secret = "" },
		"PLAID_CLIENT_ID":    func(c *PlaidConfig) { c.ClientID = "" },
		"PLAID_ENVIRONMENT":  func(c *PlaidConfig) { c.Environment = "development" },
		"PLAID_SECRET: wh":   func(c *PlaidConfig) { c.Secret = "s3cret\n" },
		"PLAID_CLIENT_ID: w": func(c *PlaidConfig) { c.ClientID = "c\x00" },
		"PLAID_COUNTRIES":    func(c *PlaidConfig) { c.Countries = nil },
		"PLAID_LIMIT_FACTOR": func(c *PlaidConfig) { c.LimitFactor = 0 },
		"PLAID_API_URL":      func(c *PlaidConfig) { c.API = "plaid" },
	} {
		c := good
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to name %s", err, says)
		}
	}
	for says, c := range map[string]PlaidLinkConfig{
		"PLAID_CLIENT_NAME": {Name: strings.Repeat("x", 31), Products: []string{"transactions"}, Language: "en", Days: 730},
		"PLAID_PRODUCTS":    {Name: "Countinghouse", Language: "en", Days: 730},
		"PLAID_DAYS":        {Name: "Countinghouse", Products: []string{"transactions"}, Language: "en", Days: 29},
		"PLAID_WEBHOOK_URL": {Name: "Countinghouse", Products: []string{"transactions"}, Language: "en", Days: 730, Webhook: "ftp://example.com"},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to name %s", err, says)
		}
	}
}

// A bank's connection in a program without a Plaid app says which settings it lacks.
func TestBankWithoutPlaidApp(t *testing.T) {
	p := newPlace(t)
	_, err := p.syncOrg().open(t.Context(), org.Connection{Provider: plaid.Provider}, org.Lease{})
	if err == nil || !strings.Contains(err.Error(), "PLAID_CLIENT_ID") {
		t.Errorf("%v; want it to name PLAID_CLIENT_ID", err)
	}
}

// Two processes together keep within what Plaid allows: of one Item, of first syncs, and after Plaid has had enough.
func TestPlaidLimitsOfTwoProcesses(t *testing.T) {
	t.Parallel()
	db, cfg := storetest.New(t), PlaidConfig{Environment: "sandbox", LimitFactor: 1}
	a, b := newPlaidLimits(cfg, db.Store), newPlaidLimits(cfg, db.Store)
	let := func(endpoint string, item func(i int) string) (n int) {
		for i := range 300 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			release, err := []*plaidLimits{a, b}[i%2].limiter(endpoint, item(i)).Wait(ctx)
			cancel()
			if err != nil {
				return n
			}
			release()
			n++
		}
		return n
	}
	if n := let("/transactions/sync", func(int) string { return "one" }); n != 50 {
		t.Errorf("%d calls of one Item, want 50", n)
	}
	if n := let(plaid.FirstSync, strconv.Itoa); n != 250 {
		t.Errorf("%d first syncs, want 250", n)
	}
	a.limiter("/item/get", "held").Hold(time.Minute)
	if n := let("/item/get", func(int) string { return "held" }); n != 0 {
		t.Errorf("%d calls although another process was told to wait", n)
	}
	if _, err := b.limiter("/item/get", "other").Wait(t.Context()); err != nil {
		t.Errorf("another Item: %v", err)
	}
}
