package app

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store"
)

// plaidRate is how many calls of an endpoint Plaid takes a minute: of one Item, and of all together.
// Zero: it does not say.
type plaidRate struct{ item, all int }

// Source: Plaid, Rate limits, Production and Sandbox.
var (
	plaidProduction = map[string]plaidRate{
		"/transactions/sync": {50, 2500}, plaid.FirstSync: {0, 500}, "/transactions/get": {30, 20_000}, "/transactions/refresh": {2, 100}, "/transactions/recurring/get": {20, 1000},
		"/accounts/get": {15, 15_000}, "/accounts/balance/get": {5, 1200}, "/item/get": {15, 5000}, "/item/remove": {30, 2000}, "/liabilities/get": {15, 1000},
		"/investments/holdings/get": {15, 2000}, "/investments/transactions/get": {30, 20_000},
		"/statements/list": {0, 100}, "/statements/download": {0, 50}, "/institutions/get_by_id": {0, 400},
	}
	plaidSandbox = map[string]plaidRate{
		"/transactions/sync": {50, 1000}, plaid.FirstSync: {0, 250}, "/transactions/get": {80, 1000}, "/transactions/refresh": {2, 100}, "/transactions/recurring/get": {20, 1000},
		"/accounts/get": {100, 5000}, "/accounts/balance/get": {25, 100}, "/item/get": {40, 5000}, "/item/remove": {30, 2000}, "/liabilities/get": {10, 1000},
		"/investments/holdings/get": {15, 2000}, "/investments/transactions/get": {30, 20_000},
		"/statements/list": {0, 100}, "/statements/download": {0, 50}, "/institutions/get_by_id": {0, 400},
	}
)

// plaidLimits keep the calls to what Plaid allows. Its windows, an Item's and the app's, are
// kept together with all other processes, in the database; calls in flight are each process' own matter.
type plaidLimits struct {
	store  *store.Store
	own    map[string]*httpclient.Limiters // by endpoint, then by Item
	each   map[string]int                  // by endpoint: calls a minute of one Item
	others *httpclient.Limiters            // of endpoints that Plaid names no limit for
	all    map[string]int                  // by endpoint: calls a minute of all Items
}

// plaidAtOnce is how many calls of an endpoint may be in flight for one Item, and of the app's own
// calls in one process.
const plaidAtOnce = 8

func newPlaidLimits(cfg PlaidConfig, db *store.Store) *plaidLimits {
	rates := plaidSandbox
	if cfg.Environment == "production" {
		rates = plaidProduction
	}
	l := &plaidLimits{store: db, own: map[string]*httpclient.Limiters{}, others: limitersOf(0), each: map[string]int{}, all: map[string]int{}}
	for endpoint, rate := range rates {
		l.each[endpoint] = rate.item * cfg.LimitFactor
		l.own[endpoint], l.all[endpoint] = limitersOf(rate.item*cfg.LimitFactor), rate.all*cfg.LimitFactor
	}
	return l
}

// limitersOf makes limiters of n calls a minute; 0: any number.
func limitersOf(n int) *httpclient.Limiters {
	return httpclient.NewLimiters(func() *httpclient.Limiter {
		return httpclient.NewLimiter(plaidAtOnce, httpclient.Window{N: n, Per: time.Minute, Margin: minutesMargin})
	})
}

// limiter implements plaid.Options.Limiter.
func (l *plaidLimits) limiter(endpoint, item string) plaid.Limiter {
	own := l.own[endpoint]
	if own == nil || item == "" {
		own = l.others
	}
	local := own.Get(endpoint + " " + item)
	if l.all[endpoint] == 0 {
		return local
	}
	gates := []httpclient.Gate{l.gate(endpoint, l.all[endpoint])}
	if n := l.each[endpoint]; n > 0 && item != "" {
		account := endpoint + " " + item
		g := l.gate(account, n)
		g.Hold = func(ctx context.Context, d time.Duration) error {
			return l.store.HoldCalls(ctx, plaid.Provider, account, d)
		}
		gates = append([]httpclient.Gate{g}, gates...)
	}
	return httpclient.NewShared(local, gates...)
}

// gate is a window of n calls a minute. An endpoint, of all Items or of one, stands where an account would.
func (l *plaidLimits) gate(account string, n int) httpclient.Gate {
	windows := []store.Window{{N: n, Per: time.Minute, Margin: minutesMargin}}
	return httpclient.Gate{
		Slack: minutesMargin / 2 * store.MaxWindow / time.Duration(max(n, store.MaxWindow)),
		Take: func(ctx context.Context) (wait, held time.Duration, err error) {
			return l.store.TakeCall(ctx, plaid.Provider, account, windows)
		},
	}
}
