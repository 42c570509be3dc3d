package app

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
)

// Intuit allows 10 calls at once, 10 a second and 500 a minute for each company; a refusal costs a
// minute. The margins are for calls that arrive closer together than they left. In flight is each
// process' own matter: a connection has one worker at a time, and the tenth call is Connect's.
const (
	callsAtOnce   = 9
	callsASecond  = 10
	callsAMinute  = 490
	secondsMargin = 50 * time.Millisecond
	minutesMargin = time.Second
)

// turns are the limits that all processes keep together, in the database.
type turns struct {
	store  *store.Store
	minute int // calls a minute for all companies; 0: any number
}

// gates returns those for the calls to an account.
func (t *turns) gates(account string) []httpclient.Gate {
	if t == nil {
		return nil
	}
	own := t.gate(account, secondsMargin/2,
		store.Window{N: callsASecond, Per: time.Second, Margin: secondsMargin},
		store.Window{N: callsAMinute, Per: time.Minute, Margin: minutesMargin})
	own.Hold = func(ctx context.Context, d time.Duration) error {
		return t.store.HoldCalls(ctx, quickbooks.Provider, account, d)
	}
	if t.minute == 0 {
		return []httpclient.Gate{own}
	}
	slack := minutesMargin / 2 * store.MaxWindow / time.Duration(max(t.minute, store.MaxWindow))
	return []httpclient.Gate{own, t.gate("", slack, store.Window{N: t.minute, Per: time.Minute, Margin: minutesMargin})}
}

func (t *turns) gate(account string, slack time.Duration, windows ...store.Window) httpclient.Gate {
	return httpclient.Gate{Slack: slack, Take: func(ctx context.Context) (wait, held time.Duration, err error) {
		return t.store.TakeCall(ctx, quickbooks.Provider, account, windows)
	}}
}

// QuickBooksLimiter returns a limiter that keeps one company's calls to what Intuit allows, for a
// program that is the only one to work for the company.
//
// A new one begins with one call spent: whoever has just connected the company may have made one this
// very second.
func QuickBooksLimiter() *httpclient.Limiter {
	l := httpclient.NewLimiter(callsAtOnce,
		httpclient.Window{N: callsASecond, Per: time.Second, Margin: secondsMargin},
		httpclient.Window{N: callsAMinute, Per: time.Minute, Margin: minutesMargin})
	if release, err := l.Wait(context.Background()); err == nil { // a new limiter lets the first one through
		release()
	}
	return l
}
