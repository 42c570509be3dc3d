package quickbooks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// exchange is what happened on the wire during one call of the token endpoint.
type exchange struct {
	tried   bool        // to send it
	asked   atomic.Bool // for a connection
	got     atomic.Bool // the connection
	status  int         // of the answer; 0: there was none
	id      string
	waiting time.Duration // the Retry-After of the answer
}

// lost reports whether the request may have arrived. A transport that doesn't tell when it had a
// connection is believed to have had one.
func (x *exchange) lost(err error) bool {
	return x.status != 0 || x.tried && (!x.asked.Load() || x.got.Load()) && httpclient.Unreachable(err) == ""
}

// client returns o.HTTP with an eye on what happens.
func (o *OAuth) client(x *exchange) *http.Client {
	c := http.Client{}
	if o.HTTP != nil {
		c = *o.HTTP
	}
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Transport = tripper(func(req *http.Request) (*http.Response, error) {
		trace := &httptrace.ClientTrace{
			GetConn: func(string) { x.asked.Store(true) },
			GotConn: func(httptrace.GotConnInfo) { x.got.Store(true) },
		}
		req = req.Clone(httptrace.WithClientTrace(req.Context(), trace))
		req.Header.Set("Accept", "application/json")
		req.Header.Set("x-include-refresh-token-hard-expires-in", "true")
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		x.tried = true
		res, err := next.RoundTrip(req)
		if err == nil {
			x.status, x.id, x.waiting = res.StatusCode, requestID(res), retryAfter(res, o.now())
		}
		return res, err
	})
	// A redirect would carry the secret and the token to another address.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// failed gives a kind to a failure of the token endpoints. The error itself is left out: those of
// the library and of net/http show the answer and the address.
// Source: RFC 6749, 5.2; Intuit, OAuth 2.0.
func (o *OAuth) failed(ctx context.Context, x *exchange, err error, used string) error {
	f := &fault.Error{Kind: fault.Unavailable, Ref: x.id}
	var said *oauth2.RetrieveError
	code := ""
	if errors.As(err, &said) {
		code = said.ErrorCode
	}
	switch {
	case x.status == 0:
		f = broken(ctx, err).fault
	case x.status >= 500 || x.status == http.StatusRequestTimeout:
		f.Msg, f.After = fmt.Sprintf("QuickBooks' sign-in is out of order at the moment (status %d)", x.status), x.waiting
	case x.status == http.StatusTooManyRequests:
		f.Kind, f.Msg, f.After = fault.RateLimited, "QuickBooks' sign-in asks for fewer calls", cmp.Or(x.waiting, time.Minute)
		return f
	case code == "invalid_grant":
		f.Kind, f.Msg = fault.Reconnect, used
		return f
	case code == "invalid_client", code == "unauthorized_client":
		f.Kind, f.Msg = fault.Invalid, "QuickBooks doesn't accept the app's keys: check QUICKBOOKS_CLIENT_ID and QUICKBOOKS_CLIENT_SECRET"
		return f
	case code != "":
		f.Kind, f.Msg = fault.Invalid, fmt.Sprintf("QuickBooks' sign-in refused the request (status %d%s)", x.status, known(code))
		return f
	case x.status >= 300:
		f.Msg = fmt.Sprintf("QuickBooks' sign-in gave no proper answer (status %d)", x.status)
		return f
	case ctx.Err() != nil:
		f.Kind, f.Msg = fault.Stopped, "stopped during QuickBooks' sign-in"
	default:
		f.Msg = "QuickBooks' sign-in sent an answer that breaks off or has no tokens"
	}
	switch {
	case !x.lost(err):
	case f.Err == nil:
		f.Err = ErrAnswerLost
	default:
		f.Err = fmt.Errorf("%w: %w", f.Err, ErrAnswerLost)
	}
	return f
}

// known names an error code if it is one of the standard's: any other text stays out of messages.
func known(code string) string {
	switch code {
	case "invalid_request", "invalid_scope", "unsupported_grant_type", "access_denied":
		return ", " + code
	default:
		return ""
	}
}

// after returns t plus a number of seconds, a JSON number or text; zero for none.
func after(t time.Time, seconds any) time.Time {
	written, _ := json.Marshal(seconds) //nolint:errcheck // it came from JSON; what can't go back is no number
	n, err := strconv.ParseInt(strings.Trim(string(written), `"`), 10, 32)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return t.Add(time.Duration(n) * time.Second).UTC()
}
