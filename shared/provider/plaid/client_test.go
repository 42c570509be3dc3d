package plaid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

const empty = `{"added":[],"modified":[],"removed":[],"accounts":[],"next_cursor":"c","has_more":false,"transactions_update_status":"NOT_READY"}`

// TestRetries: what is tried again, how long that takes, and what the caller gets in the end.
func TestRetries(t *testing.T) {
	after := func(v string) http.Header { return http.Header{"Retry-After": {v}} }
	limit := reply{status: 429, body: said("RATE_LIMIT_EXCEEDED", "TRANSACTIONS_SYNC_LIMIT")}
	const html = `<html><body>Bad gateway: ` + quoted + `</body></html>`
	for _, tt := range []struct {
		name  string
		give  []reply
		kind  fault.Kind
		calls int // answers seen
		least time.Duration
	}{
		{name: "good", give: []reply{ok(empty)}, calls: 1},
		{name: "limited, then good", give: []reply{limit, ok(empty)}, calls: 2, least: time.Minute},
		{name: "limited for ever", give: []reply{limit}, kind: fault.RateLimited, calls: 4, least: 3 * time.Minute},
		{name: "limited, a shorter wait is not believed", give: []reply{{status: 429, body: limit.body, header: after("5")}, ok(empty)}, calls: 2, least: time.Minute},
		{name: "limited by a gateway", give: []reply{{status: 429, body: html, header: after("90")}, ok(empty)}, calls: 2, least: 90 * time.Second},
		{name: "limited for longer than a call waits", give: []reply{{status: 429, body: limit.body, header: after("600")}}, kind: fault.RateLimited, calls: 1},
		{name: "Plaid is down, then good", give: []reply{{status: 500, body: said("API_ERROR", "INTERNAL_SERVER_ERROR")}, ok(empty)}, calls: 2},
		{name: "Plaid is down for longer", give: []reply{{status: 503, body: said("API_ERROR", "PLANNED_MAINTENANCE")}}, kind: fault.Unavailable, calls: 4},
		{name: "a gateway's page", give: []reply{{status: 502, body: html}, {status: 504}, ok(empty)}, calls: 3},
		{name: "a page of status 200", give: []reply{ok(html)}, kind: fault.Unavailable, calls: 4},
		{name: "nothing", give: []reply{ok("")}, kind: fault.Unavailable, calls: 4},
		{name: "another answer", give: []reply{ok(`{"request_id":"1"}`)}, kind: fault.Unavailable, calls: 4},
		{name: "two answers", give: []reply{ok(empty + empty)}, kind: fault.Unavailable, calls: 4},
		{name: "a list that is none", give: []reply{ok(`{"added":{},"modified":[],"removed":[],"next_cursor":"","has_more":false}`)}, kind: fault.Unavailable, calls: 4},
		{name: "an answer that breaks off, then good", give: []reply{ok(empty[:40]), ok(empty)}, calls: 2},
		{name: "a connection that breaks, then good", give: []reply{{status: 200, body: empty[:40], cut: true}, ok(empty)}, calls: 2},
		{name: "no connection, then good", give: []reply{{err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, ok(empty)}, calls: 1},
		{name: "a redirect is not followed", give: []reply{{status: 302, header: http.Header{"Location": {"https://evil.example"}}}}, kind: fault.Unavailable, calls: 4},
		{name: "no such address", give: []reply{{status: 404, body: html}}, kind: fault.Invalid, calls: 1},
		{name: "the bank is down: not within the call", give: []reply{{status: 400, body: said("INSTITUTION_ERROR", "INSTITUTION_DOWN")}}, kind: fault.Unavailable, calls: 1},
		{name: "not ready: not within the call", give: []reply{{status: 400, body: said("ITEM_ERROR", "PRODUCT_NOT_READY")}}, kind: fault.Unavailable, calls: 1},
		{name: "changed meanwhile: not the same page", give: []reply{{status: 400, body: said("TRANSACTIONS_ERROR", "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")}}, kind: fault.Unavailable, calls: 1},
		{name: "people have to act", give: []reply{{status: 400, body: said("ITEM_ERROR", "ITEM_LOGIN_REQUIRED")}}, kind: fault.Reconnect, calls: 1},
		{name: "the keys are wrong", give: []reply{{status: 400, body: said("INVALID_INPUT", "INVALID_API_KEYS")}}, kind: fault.Forbidden, calls: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // its clock begins on 2000-01-01 at midnight, UTC
				c, _, calls := scripted(t, tt.give...)
				c.opts.HTTP.CheckRedirect = httpclient.New(httpclient.Options{}).CheckRedirect
				begin := time.Now()
				_, err := c.Item("item-1", tokens{}).Sync(t.Context(), "", 0)
				if got := fault.Of(err); got != tt.kind {
					t.Fatalf("%v: kind %q, want %q", err, got, tt.kind)
				}
				leaks(t, err)
				if len(*calls) != tt.calls {
					t.Errorf("%d answers, want %d", len(*calls), tt.calls)
				}
				for _, call := range *calls {
					if call.Endpoint != "/transactions/sync" || call.Item != "item-1" || call.Status == 0 {
						t.Errorf("told of %+v", call)
					}
				}
				if took := time.Since(begin); took < tt.least || took > tt.least*11/10+11*time.Second {
					t.Errorf("took %v, want %v", took, tt.least)
				}
			})
		})
	}
}

// TestOnce: what costs money, or must not happen twice, is not sent again when it may have arrived.
func TestOnce(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("refused")}
	outage := func(status int, kind string) reply {
		return reply{status: status, body: said(kind, "INTERNAL_SERVER_ERROR")}
	}
	limited := reply{status: 429, body: said("RATE_LIMIT_EXCEEDED", "RATE_LIMIT")}
	once := map[string]func(*Item) error{
		"refresh":    func(i *Item) error { return i.Refresh(context.Background()) },
		"invalidate": func(i *Item) error { _, err := i.Invalidate(context.Background()); return err },
		"balances":   func(i *Item) error { _, err := i.Balances(context.Background(), BalancesQuery{}); return err },
	}
	good := ok(`{"new_access_token":"access-2","accounts":[]}`)
	for name, call := range once {
		for _, tt := range []struct {
			name string
			give []reply
			sent int
			kind fault.Kind
		}{
			{"a connection that breaks", []reply{{err: io.ErrUnexpectedEOF}, good}, 1, fault.Unavailable},
			{"an answer that breaks off", []reply{{status: 200, body: "{", cut: true}, good}, 1, fault.Unavailable},
			{"a gateway's page", []reply{{status: 504, body: "<html>"}, good}, 1, fault.Unavailable},
			{"no connection", []reply{{err: dial}, good}, 2, ""},
			{"an outage of Plaid's after the deed", []reply{outage(500, "API_ERROR"), good}, 1, fault.Unavailable},
			{"an outage under another status", []reply{outage(400, "API_ERROR"), good}, 1, fault.Unavailable},
			{"an outage under another type", []reply{outage(502, "TRANSACTIONS_ERROR"), good}, 1, fault.Unavailable},
			{"Plaid's own word that nothing was done", []reply{limited, good}, 2, ""},
		} {
			t.Run(name+", "+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s, _ := scripted(t, tt.give...)
					err := call(c.Item("item-1", tokens{}))
					if len(s.seen) != tt.sent || fault.Of(err) != tt.kind {
						t.Errorf("sent %d times, %v; want %d, %q", len(s.seen), err, tt.sent, tt.kind)
					}
				})
			})
		}
	}
}

// held is a limiter that keeps what it was asked for.
type held struct {
	waits, released int
	holds           []time.Duration
	err             error
}

func (h *held) Wait(context.Context) (func(), error) {
	h.waits++
	return func() { h.released++ }, h.err
}

func (h *held) Hold(d time.Duration) { h.holds = append(h.holds, d) }

// TestLimiterOfEachEndpoint: each attempt waits at the limiter of its endpoint and Item, and only that is held when Plaid has had enough.
func TestLimiterOfEachEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiters := map[string]*held{}
		c, s, _ := scripted(t, reply{status: 429, body: said("RATE_LIMIT_EXCEEDED", "ACCOUNTS_LIMIT")}, ok(`{"accounts":[]}`), ok(`{"institution":{}}`))
		c.opts.Limiter = func(endpoint, item string) Limiter {
			key := endpoint + " " + item
			if limiters[key] == nil {
				limiters[key] = new(held)
			}
			return limiters[key]
		}
		if _, err := c.Item("item-1", tokens{}).Accounts(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Institution(t.Context(), "ins_3", []string{"US"}); err != nil {
			t.Fatal(err)
		}
		want := map[string]*held{
			"/accounts/get item-1":     {waits: 2, released: 2, holds: []time.Duration{time.Minute}},
			"/institutions/get_by_id ": {waits: 1, released: 1},
		}
		if diff := cmp.Diff(want, limiters, cmp.AllowUnexported(held{})); diff != "" {
			t.Errorf("limiters (-want +got):\n%s", diff)
		}
		limiters["/accounts/get item-1"].err = fault.New(fault.Stopped, "no time")
		if _, err := c.Item("item-1", tokens{}).Accounts(t.Context()); !fault.Is(err, fault.Stopped) || len(s.seen) != 3 {
			t.Errorf("%v after %d calls", err, len(s.seen))
		}
	})
}

// TestFirstSyncCountsApart: one from the beginning waits at both limiters, one from a cursor at the ordinary one only.
func TestFirstSyncCountsApart(t *testing.T) {
	limiters := map[string]*held{FirstSync: new(held), pathSync: new(held)}
	c, _, _ := scripted(t, ok(empty))
	c.opts.Limiter = func(endpoint, _ string) Limiter { return limiters[endpoint] }
	for _, cursor := range []string{"", "next"} {
		if _, err := c.Item("item-1", tokens{}).Sync(t.Context(), cursor, 0); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]*held{FirstSync: {waits: 1, released: 1}, pathSync: {waits: 2, released: 2}}
	if diff := cmp.Diff(want, limiters, cmp.AllowUnexported(held{})); diff != "" {
		t.Errorf("limiters (-want +got):\n%s", diff)
	}
}

func TestWithoutLimiterOnlyHoldsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := scripted(t, reply{status: 429, body: said("RATE_LIMIT_EXCEEDED", "ACCOUNTS_LIMIT")}, ok(`{"accounts":[]}`))
		c.opts.Retry.RateWaits = -1
		first, second := c.Item("item-1", tokens{}), c.Item("item-2", tokens{})
		begin := time.Now()
		if _, err := first.Accounts(t.Context()); !fault.Is(err, fault.RateLimited) || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if _, err := second.Accounts(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("another Item: %v after %v", err, time.Since(begin))
		}
		if _, err := first.Accounts(t.Context()); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("the same Item: %v after %v", err, time.Since(begin))
		}
	})
}

func TestTokensFailuresPass(t *testing.T) {
	mine := fault.New(fault.Unavailable, "the vault is away")
	c, s, _ := scripted(t, ok(empty))
	_, err := c.Item("item-1", tokens{err: mine}).Sync(t.Context(), "", 0)
	var none *TokenError
	if !errors.As(err, &none) || any(none.Err) != any(mine) || err.Error() != mine.Error() || len(s.seen) != 0 {
		t.Errorf("%v after %d calls", err, len(s.seen))
	}
}

func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, calls := scripted(t, reply{hang: true})
		_, err := c.Item("item-1", tokens{}).Liabilities(t.Context())
		if !fault.Is(err, fault.Unavailable) || len(*calls) != 0 || len(s.seen) != 4 {
			t.Errorf("%v, %d answers, sent %d times", err, len(*calls), len(s.seen))
		}
		leaks(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = c.Item("item-1", tokens{}).Liabilities(ctx)
		if !fault.Is(err, fault.Stopped) {
			t.Errorf("deadline: %v", err)
		}
		leaks(t, err)
	})
}

// TestLargeAnswers: one that is too large is refused at once, and asked for once.
func TestLargeAnswers(t *testing.T) {
	c, s, _ := scripted(t, ok(`{"accounts":[`+strings.Repeat(" ", MaxAnswer)+`]}`), ok(`{"accounts":[`+strings.Repeat(" ", keep)+`1]}`))
	item := c.Item("item-1", tokens{})
	if _, err := item.Accounts(t.Context()); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "larger than 32 MiB") || len(s.seen) != 1 {
		t.Errorf("%v after %d calls", err, len(s.seen))
	}
	if a, err := item.Accounts(t.Context()); err != nil || len(a.Accounts) != 1 {
		t.Errorf("%d accounts, %v", len(a.Accounts), err)
	}
}

// TestAnswersAreTheirCallers: what one call gave is not written over by the next.
func TestAnswersAreTheirCallers(t *testing.T) {
	c, _, _ := scripted(t, ok(`{"accounts":[{"account_id":"first"},{"account_id":"second"}]}`), ok(`{"accounts":[{"account_id":"other"},{"account_id":"others"}]}`))
	item := c.Item("item-1", tokens{})
	first, err := item.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := item.Accounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := string(first.Accounts[0]); got != `{"account_id":"first"}` {
		t.Errorf("became %s", got)
	}
	_ = append(first.Accounts[0], "overwritten"...) // an element's slice ends with it
	if got := string(first.Accounts[1]); got != `{"account_id":"second"}` {
		t.Errorf("became %s", got)
	}
}

func TestWrongAddress(t *testing.T) {
	c := New(Options{API: "http://[::1"})
	if _, err := c.Institution(t.Context(), "ins_3", nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "PLAID_API_URL") {
		t.Error(err)
	}
}

// TestSecretsPrintAsSuch: in every verb, in logs and in JSON.
func TestSecretsPrintAsSuch(t *testing.T) {
	things := []any{
		Secret(marker), Grant{Access: marker, Item: "item-1"}, LinkToken{Token: marker}, &LinkedItem{Public: marker},
		LinkRequest{Access: marker}, Options{Secret: marker}.Secret,
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			io.WriteString(&out, strings.ToLower(fmt.Sprintf(verb, thing)))
		}
		written, err := json.Marshal(thing)
		if err != nil {
			t.Error(err)
		}
		out.Write(written)
		log.Info("thing", "thing", thing)
	}
	for _, bad := range []string{marker, strings.ToLower(marker), fmt.Sprintf("%x", marker)} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%s shows %s", out.String(), bad)
		}
	}
}
