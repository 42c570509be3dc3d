// Package quickbooks speaks with QuickBooks Online: its OAuth 2.0 ([OAuth]) and its Accounting API
// ([Client]), and declares its tables. It knows nothing of Countinghouse's own matters.
//
// Source: Intuit, QuickBooks Online Accounting API, minor version 75.
package quickbooks

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// Tokens gives a client the access token of its company.
type Tokens interface {
	// Access returns an access token that is valid as far as is known.
	Access(ctx context.Context) (string, error)
	// Renew is called when QuickBooks did not accept the token rejected. It returns another one, or
	// fault.Reconnect when there is none to be had.
	Renew(ctx context.Context, rejected string) (string, error)
}

// TokenError is the failure of Tokens: no call of the company can succeed, whatever its kind says.
type TokenError struct{ Err error }

func (e *TokenError) Error() string { return e.Err.Error() }
func (e *TokenError) Unwrap() error { return e.Err }

// Limiter keeps calls to what QuickBooks allows for a company. [httpclient.Limiter] is one.
type Limiter interface {
	// Wait returns when a call may start; release is called when its answer has been read. It fails
	// with fault.Stopped when ctx leaves no time for the call, fault.RateLimited when a Hold is why,
	// and with whatever keeps it from knowing.
	Wait(ctx context.Context) (release func(), err error)
	// Hold lets no call start during the next d: QuickBooks has had enough.
	Hold(d time.Duration)
}

// Options makes a Client. API, Realm and Tokens are required.
type Options struct {
	API     string            // base address, for example Production().API
	Realm   string            // the company's id: a long decimal number, kept as text
	HTTP    *http.Client      // has a time limit above the 120 s after which Intuit gives up; nil: httpclient.New's defaults
	Tokens  Tokens            //
	Limiter Limiter           // shared by all clients of the realm; nil: no limit
	Retry   httpclient.Policy // for answers that didn't come; zero: only rate limits are waited for
	Observe func(Call)        // told of every answer, on the caller's goroutine; nil: nobody
	Now     func() time.Time  // the wall clock; nil: time.Now
}

// Call describes one answer of QuickBooks, for counting and measuring.
type Call struct {
	Kind     string        // query, count, cdc or read
	Metered  bool          // a successful data retrieval: Intuit counts it against the month's allowance
	Status   int           // HTTP status; 200 also when a fault was inside
	Duration time.Duration // until the answer began: reading it is shared with what the caller does with it
}

// Client reads one company. It is safe for concurrent use; make one with [New].
//
// Each attempt waits for its turn at the limiter. Rate limits, 5xx, time-outs and broken answers are
// tried again as Options.Retry says; a refused access token is renewed once for each call.
//
// Errors of all methods: fault.RateLimited (with After), Unavailable (5xx, network, broken answer),
// Reconnect (401), Forbidden (403, and code 120), Paused (the subscription ended), Invalid (other
// 4xx), Stopped (ctx ended), and what Tokens returns. They carry Intuit's intuit_tid and no text of the answer.
//
// Limits: 500 calls a minute, 10 a second and 10 in flight for each realm.
// Source: Intuit, API call limits and throttles; Handling common errors.
type Client struct {
	opts     Options
	base     string
	pages    pageSize
	decoders sync.Pool // of *jsontext.Decoder
}

// New returns a client for the company o.Realm. It makes no call.
func New(o Options) *Client {
	if o.HTTP == nil {
		o.HTTP = httpclient.New(httpclient.Options{})
	}
	if o.Limiter == nil {
		o.Limiter = httpclient.NewLimiter(0) // still waits when QuickBooks asks for it
	}
	if o.Observe == nil {
		o.Observe = func(Call) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{opts: o, base: strings.TrimRight(o.API, "/") + "/v3/company/" + url.PathEscape(o.Realm)}
}

// Realm returns the id of the company that the client reads.
func (c *Client) Realm() string { return c.opts.Realm }

// request is one call before it is sent.
type request struct {
	kind   string
	path   string // below the company
	params url.Values
	body   string // a statement to post; empty: GET
	max    int    // rows asked for, where the answer has pages
}

// call sends what build returns and gives the body of the good answer to read, as often as the
// policy allows. read marks as final what must not be tried again.
func (c *Client) call(ctx context.Context, build func() request, read func(io.Reader) error) error {
	renewed := false
	return httpclient.Do(ctx, c.opts.Retry, func(ctx context.Context, _ int) error {
		req := build()
		token, err := c.opts.Tokens.Access(ctx)
		if err != nil {
			return httpclient.Final(&TokenError{err}) // whoever keeps the tokens has tried what there is to try
		}
		err = c.attempt(ctx, req, token, read)
		var r *refused
		if errors.As(err, &r) && r.expired && !renewed {
			renewed = true
			if token, err = c.opts.Tokens.Renew(ctx, token); err != nil {
				return httpclient.Final(&TokenError{err})
			}
			err = c.attempt(ctx, req, token, read)
		}
		if !errors.As(err, &r) {
			return err
		}
		if r.slow && req.max > 0 {
			c.pages.shrink(req.max)
		}
		if r.fault.Kind == fault.RateLimited {
			c.opts.Limiter.Hold(r.fault.After)
		}
		return r.fault
	})
}

// attempt makes one call. What went wrong at QuickBooks is a *refused.
func (c *Client) attempt(ctx context.Context, req request, token string, read func(io.Reader) error) error {
	hr, err := c.build(ctx, req, token)
	if err != nil {
		return err
	}
	release, err := c.opts.Limiter.Wait(ctx)
	if err != nil {
		return err
	}
	defer release()

	began := time.Now()
	res, err := c.opts.HTTP.Do(hr)
	if err != nil {
		return broken(ctx, err)
	}
	defer res.Body.Close()
	call := Call{Kind: req.kind, Status: res.StatusCode, Duration: time.Since(began)}

	if res.StatusCode != http.StatusOK {
		c.opts.Observe(call)
		return refusal(res, c.opts.Now())
	}
	body := &watched{Reader: res.Body}
	err = read(body)
	var r *refused
	if errors.As(err, &r) {
		if body.err != nil && !r.said { // the network, not what it brought, is what went wrong
			r = broken(ctx, body.err)
		}
		r.fault.Ref, err = requestID(res), r
	}
	call.Metered = err == nil || r == nil || !r.said
	c.opts.Observe(call)
	if err == nil {
		io.CopyN(io.Discard, res.Body, 4<<10) //nolint:errcheck // to its end, so that the connection is used again
	}
	return err
}

func (c *Client) build(ctx context.Context, req request, token string) (*http.Request, error) {
	if req.params == nil {
		req.params = make(url.Values)
	}
	req.params.Set("minorversion", "75")
	address := c.base + "/" + req.path + "?" + req.params.Encode()
	method, body := http.MethodGet, io.Reader(nil)
	if req.body != "" {
		method, body = http.MethodPost, strings.NewReader(req.body)
	}
	hr, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the address of QuickBooks is not one: check QUICKBOOKS_API_URL")
	}
	hr.Header.Set("Authorization", "Bearer "+token)
	hr.Header.Set("Accept", "application/json")
	if body != nil {
		hr.Header.Set("Content-Type", "application/text")
	}
	return hr, nil
}

// watched remembers how reading failed, because a decoder tells only that it did.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
