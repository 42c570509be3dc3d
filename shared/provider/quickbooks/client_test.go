package quickbooks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const (
	empty     = `{"QueryResponse":{},"time":"2026-05-05T03:28:39.892-07:00"}`
	gateway   = `{"warnings":null,"fault":{"error":[{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401","detail":"Token expired: ` + marker + `","code":"3200","element":null}],"type":"AUTHENTICATION"},"queryResponse":null,"time":1601391072830}`
	html      = `<!DOCTYPE html><html><body>Mrs. Smith's gateway<br></body></html>`
	xmlBusy   = `<?xml version="1.0" encoding="UTF-8"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time="2026-05-05T03:28:39.892-07:00"><Fault type="SERVICE"><Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message><Detail>The request limit was reached.</Detail></Error></Fault></IntuitResponse>`
	xmlExpiry = `<IntuitResponse xmlns="http://schema.intuit.com/finance/v3"><Fault type="AUTHENTICATION"><Error code="3200"><Message>message=AuthenticationFailed</Message></Error></Fault></IntuitResponse>`
)

func said(code string) string {
	return fmt.Sprintf(`{"Fault":{"Error":[{"Message":"Mrs. Smith","Detail":"owes 5","code":%q,"element":""}],"type":"ValidationFault"},"time":"2026-05-05T03:28:39.892-07:00"}`, code)
}

func TestFailures(t *testing.T) {
	after := func(v string) http.Header { return http.Header{"Retry-After": {v}} }
	tests := []struct {
		name  string
		give  []reply
		kind  fault.Kind    // "": success in the end
		calls int           // attempts that got an answer
		renew int           // times the token was renewed
		least time.Duration // waited at least, at most a tenth more
		free  bool          // no call was metered
	}{
		{name: "HTML 502, then good", give: []reply{{status: 502, body: html}, ok(empty)}, calls: 2},
		{name: "HTML 502 for ever", give: []reply{{status: 502, body: html}}, kind: fault.Unavailable, calls: 4, free: true},
		{name: "XML 429", give: []reply{{status: 429, body: xmlBusy}, ok(empty)}, calls: 2, least: time.Minute},
		{name: "XML 429 that says when", give: []reply{{status: 429, body: xmlBusy, header: after("7")}, ok(empty)}, calls: 2, least: 7 * time.Second},
		{name: "429 that says a date", give: []reply{{status: 429, header: after("Sat, 01 Jan 2000 00:00:30 GMT")}, ok(empty)}, calls: 2, least: 30 * time.Second},
		{name: "429 that says nonsense", give: []reply{{status: 429, header: after("soon")}, ok(empty)}, calls: 2, least: time.Minute},
		{name: "429 for ever", give: []reply{{status: 429, body: xmlBusy}}, kind: fault.RateLimited, calls: 4, least: 3 * time.Minute, free: true},
		{name: "403 with 3001", give: []reply{{status: 403, body: said("003001")}, ok(empty)}, calls: 2, least: time.Minute},
		{name: "empty 200", give: []reply{ok("")}, kind: fault.Unavailable, calls: 4},
		{name: "HTML 200", give: []reply{ok(html)}, kind: fault.Unavailable, calls: 4},
		{name: "200 of another shape", give: []reply{ok(`{}`)}, kind: fault.Unavailable, calls: 4},
		{name: "truncated, then good", give: []reply{ok(`{"QueryResponse":{"Invoice":[{"Id":"1"`), ok(empty)}, calls: 2},
		{name: "cut connection, then good", give: []reply{{status: 200, body: `{"QueryResponse":{`, cut: true}, ok(empty)}, calls: 2},
		{name: "no connection, then good", give: []reply{{err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, ok(empty)}, calls: 1},
		{name: "204", give: []reply{{status: 204}}, kind: fault.Unavailable, calls: 4, free: true},
		{name: "redirect", give: []reply{{status: 302}}, kind: fault.Unavailable, calls: 4, free: true},
		{name: "fault inside 200", give: []reply{ok(said("4001"))}, kind: fault.Invalid, calls: 1, free: true},
		{name: "system fault inside 200, then good", give: []reply{ok(`{"Fault":{"Error":[{"code":"10000"}],"type":"SystemFault"}}`), ok(empty)}, calls: 2},
		{name: "fault after rows", give: []reply{ok(`{"QueryResponse":{"Invoice":[{"Id":"1"}]},"Fault":{"Error":[{"code":"6190"}]}}`)}, kind: fault.Paused, calls: 1, free: true},
		{name: "null fault", give: []reply{ok(`{"fault":null,"QueryResponse":{}}`)}, calls: 1},
		{name: "401 once, gateway JSON", give: []reply{{status: 401, body: gateway}, ok(empty)}, calls: 2, renew: 1},
		{name: "401 twice, gateway JSON", give: []reply{{status: 401, body: gateway}}, kind: fault.Reconnect, calls: 2, renew: 1, free: true},
		{name: "401 once, XML", give: []reply{{status: 401, body: xmlExpiry}, ok(empty)}, calls: 2, renew: 1},
		{name: "401 twice, HTML", give: []reply{{status: 401, body: html}}, kind: fault.Reconnect, calls: 2, renew: 1, free: true},
		{name: "401 again after 502", give: []reply{{status: 401}, {status: 502}, {status: 401}}, kind: fault.Reconnect, calls: 3, renew: 1, free: true},
		{name: "3200 inside 200", give: []reply{ok(gateway), ok(empty)}, calls: 2, renew: 1},
		{name: "401 with 3100", give: []reply{{status: 401, body: said("3100")}}, kind: fault.Reconnect, calls: 1, free: true},
		{name: "401 with 120", give: []reply{{status: 401, body: said("120")}}, kind: fault.Forbidden, calls: 1, free: true},
		{name: "400 with 120", give: []reply{{status: 400, body: said("120")}}, kind: fault.Forbidden, calls: 1, free: true},
		{name: "403", give: []reply{{status: 403, body: said("3201")}}, kind: fault.Forbidden, calls: 1, free: true},
		{name: "404", give: []reply{{status: 404, body: html}}, kind: fault.Invalid, calls: 1, free: true},
		{name: "610", give: []reply{{status: 400, body: said("610")}}, kind: fault.NotFound, calls: 1, free: true},
		{name: "6190", give: []reply{{status: 400, body: said("6190")}}, kind: fault.Paused, calls: 1, free: true},
		{name: "4000", give: []reply{{status: 400, body: said("4000")}}, kind: fault.Invalid, calls: 1, free: true},
		{name: "2010, code as a number", give: []reply{{status: 400, body: `{"Fault":{"Error":[{"code":2010}]}}`}}, kind: fault.Invalid, calls: 1, free: true},
		{name: "10000 in 400", give: []reply{{status: 400, body: said("10000")}, ok(empty)}, calls: 2},
		{name: "503 that says when", give: []reply{{status: 503, header: after("90")}, ok(empty)}, calls: 2, least: 90 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // its clock begins on 2000-01-01 at midnight, UTC
				c, _, calls := scripted(t, tt.give...)
				begin := time.Now()
				_, err := c.Query(t.Context(), Query{Entity: "Invoice"}, func([]byte) error { return nil })
				if got := fault.Of(err); got != tt.kind {
					t.Fatalf("%v: kind %q, want %q", err, got, tt.kind)
				}
				if len(*calls) != tt.calls || c.opts.Tokens.(*tokens).renewed != tt.renew {
					t.Errorf("%d calls, %d renewals, want %d and %d", len(*calls), c.opts.Tokens.(*tokens).renewed, tt.calls, tt.renew)
				}
				if took := time.Since(begin); took < tt.least || tt.least > 0 && took > tt.least*11/10+time.Second {
					t.Errorf("took %v, want %v", took, tt.least)
				}
				metered := false
				for _, call := range *calls {
					metered = metered || call.Metered
				}
				if metered == tt.free {
					t.Errorf("metered %v in %+v", metered, *calls)
				}
				if err != nil {
					var f *fault.Error
					if !errors.As(err, &f) || f.Ref == "" {
						t.Errorf("%v: no request id", err)
					}
					leaks(t, err)
				}
			})
		})
	}
}

// leaks fails the test when err shows a token, an address, a statement or an answer.
func leaks(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, s := range []string{e.Error(), fmt.Sprintf("%v %+v %#v", e, e, e)} {
			for _, bad := range []string{marker, "Smith", "owes", "SELECT", "api.example", "html"} {
				if strings.Contains(s, bad) {
					t.Errorf("%q shows %q", s, bad)
				}
			}
		}
	}
}

func TestHangHalvesThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, _ := scripted(t, reply{hang: true}, reply{status: 504, body: html}, ok(`{"QueryResponse":{"Bill":[{"Id":"1"}]}}`))
		begin := time.Now()
		page, err := c.Query(t.Context(), Query{Entity: "Bill"}, func([]byte) error { return nil })
		if err != nil || page != (Page{Rows: 1, Max: 100}) || page.Full() {
			t.Fatalf("%+v, %v", page, err)
		}
		if took := time.Since(begin); took < 125*time.Second || took > 131*time.Second {
			t.Errorf("took %v", took)
		}
		for i, want := range []string{"1000", "500", "100"} {
			if !strings.HasSuffix(s.seen[i].statement, "MAXRESULTS "+want) {
				t.Errorf("attempt %d asked %s", i+1, s.seen[i].statement)
			}
		}
		var sizes []int // a small page is no reason to try a large one
		for i := range 25 {
			page, err := c.Query(t.Context(), Query{Entity: "Bill", Max: 1000 - 990*(i%2)}, func([]byte) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				sizes = append(sizes, page.Max)
			}
		}
		if diff := cmp.Diff([]int{100, 100, 100, 100, 100, 100, 100, 100, 100, 500, 500, 500, 500}, sizes); diff != "" {
			t.Errorf("sizes (-want +got):\n%s", diff)
		}
	})
}

func TestHangForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, calls := scripted(t, reply{hang: true})
		_, err := c.Query(t.Context(), Query{Entity: "Bill"}, nil)
		if !fault.Is(err, fault.Unavailable) || len(*calls) != 0 {
			t.Errorf("%v, %d answers", err, len(*calls))
		}
		leaks(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		begin := time.Now()
		_, err = c.Changes(ctx, []string{"Bill"}, time.Now(), nil)
		if !fault.Is(err, fault.Unavailable) || time.Since(begin) > 10*time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err = c.Read(ctx, "Bill", "1"); !fault.Is(err, fault.Stopped) {
			t.Errorf("deadline: %v", err)
		}
		leaks(t, err)
	})
}

func TestCallersErrorsPass(t *testing.T) {
	mine := fault.New(fault.Unavailable, "the database is away")
	c, s, calls := scripted(t, ok(`{"QueryResponse":{"Bill":[{"Id":"1"},{"Id":"2"}]}}`))
	_, err := c.Query(t.Context(), Query{Entity: "Bill"}, func([]byte) error { return mine })
	if any(err) != any(mine) || len(s.seen) != 1 || len(*calls) != 1 || !(*calls)[0].Metered {
		t.Errorf("each: %v after %d calls, %+v", err, len(s.seen), *calls)
	}
	c.opts.Tokens = &tokens{err: mine}
	var none *TokenError
	if _, err = c.Count(t.Context(), Query{Entity: "Bill"}); !errors.As(err, &none) || any(none.Err) != any(mine) || len(s.seen) != 1 {
		t.Errorf("tokens: %v after %d calls", err, len(s.seen))
	}
}

func TestRequests(t *testing.T) {
	c, s, calls := scripted(t,
		ok(`{"QueryResponse":{"totalCount":41},"time":"2020-09-29T06:03:53.438-07:00"}`),
		ok(`{"time":"2026-05-05T03:28:39-07:00","CreditCardPaymentTxn":{"Id":"7","PrivateNote":"a/b"}}`),
		ok(`{"QueryResponse":{}}`))
	if n, err := c.Count(t.Context(), Query{Entity: "Customer", Inactive: true}); n != 41 || err != nil {
		t.Errorf("count %d, %v", n, err)
	}
	if raw, err := c.Read(t.Context(), "CreditCardPayment", "7/8"); string(raw) != `{"Id":"7","PrivateNote":"a/b"}` || err != nil {
		t.Errorf("read %s, %v", raw, err)
	}
	ids := make([]string, 400)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	if _, err := c.Query(t.Context(), Query{Entity: "Bill", IDs: ids}, nil); err != nil {
		t.Error(err)
	}
	common := seenRequest{method: "GET", path: "/v3/company/9130/query", token: "Bearer " + marker, accept: "application/json", minor: "75"}
	count, read, post := common, common, common
	count.statement = "SELECT COUNT(*) FROM Customer WHERE Active IN (true, false)"
	read.path = "/v3/company/9130/creditcardpayment/7/8"
	post.method, post.contentType = "POST", "application/text"
	post.statement = Query{Entity: "Bill", IDs: ids}.statement(1000)
	if diff := cmp.Diff([]seenRequest{count, read, post}, s.seen, cmp.AllowUnexported(seenRequest{})); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	for i, kind := range []string{"count", "read", "query"} {
		if got := (*calls)[i]; got.Kind != kind || !got.Metered || got.Status != 200 {
			t.Errorf("call %d: %+v", i, got)
		}
	}
}

func TestRefusedWithoutCall(t *testing.T) {
	c, s, _ := scripted(t, ok(empty))
	each := func(string, []byte) error { return nil }
	_, tooOld := c.Changes(t.Context(), []string{"Bill"}, time.Now().Add(-31*24*time.Hour), each)
	_, none := c.Changes(t.Context(), nil, time.Now(), each)
	_, odd := c.Query(t.Context(), Query{Entity: "Bill; DROP"}, nil)
	_, big := c.Query(t.Context(), Query{Entity: "Bill", Max: 1001}, nil)
	for _, err := range []error{tooOld, none, odd, big} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	}
	if len(s.seen) > 0 {
		t.Errorf("called %v", s.seen)
	}
}
