package plaid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// Limiter keeps calls to what Plaid allows for an endpoint. [httpclient.Limiter] is one.
type Limiter interface {
	// Wait returns when a call may start; release is called when its answer has been read. It fails
	// with fault.Stopped when ctx leaves no time for the call, fault.RateLimited when a Hold is why,
	// and with whatever keeps it from knowing.
	Wait(ctx context.Context) (release func(), err error)
	// Hold lets no call start during the next d: Plaid has had enough.
	Hold(d time.Duration)
}

// Options makes a Client. API, ClientID and Secret are required.
type Options struct {
	API string // base address: Sandbox, Production, or a simulator's
	// Environment is "sandbox" or "production": an Item of the other one is not ended. Empty: whichever.
	Environment string
	ClientID    string       // of the app
	Secret      Secret       // of the app in that environment
	HTTP        *http.Client // follows no redirect; nil: httpclient.New's defaults
	// Limiter returns what limits calls of endpoint, a path such as "/transactions/sync", for an Item; item
	// is empty for calls about none. Plaid counts per endpoint, by Item and by client. nil: only what
	// Plaid asks for is waited for.
	Limiter func(endpoint, item string) Limiter
	Retry   httpclient.Policy // for answers that didn't come; zero: only rate limits are waited for
	Observe func(Call)        // told of every answer, on the caller's goroutine; nil: nobody
	Now     func() time.Time  // the wall clock; nil: time.Now
}

// Call describes one answer of Plaid, for counting and measuring.
type Call struct {
	Endpoint string        // the path: "/transactions/sync"
	Item     string        // empty: about none
	Status   int           // HTTP status
	Duration time.Duration // until the answer was read
}

// Client calls Plaid's API as one app in one environment. It is safe for concurrent use; make one with [New].
//
// Each attempt waits for its turn at the limiter. Rate limits, outages of Plaid and broken answers are tried again
// as Options.Retry says, except what another attempt would not mend soon: see [Problem]. Calls that cost
// money or must not happen twice are not sent again once they may have been carried out.
//
// Errors of all methods: fault.RateLimited (with After), Unavailable (Plaid or the bank is down, the answer is broken),
// Reconnect (somebody has to sign in at the bank), Forbidden (the product is not there, or not ours), Invalid (our
// mistake or our configuration), Stopped (ctx ended), and what Tokens returns. They carry Plaid's request_id
// and no text of the answer.
//
// Source: Plaid, Errors; Rate limits.
type Client struct {
	opts    Options
	base    string
	buffers sync.Pool // of *bytes.Buffer
}

// New returns a client. It makes no call.
func New(o Options) *Client {
	if o.HTTP == nil {
		o.HTTP = httpclient.New(httpclient.Options{})
	}
	if o.Limiter == nil {
		o.Limiter = unlimited()
	}
	if o.Observe == nil {
		o.Observe = func(Call) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{opts: o, base: strings.TrimRight(o.API, "/")}
}

// unlimited returns limiters that wait only when Plaid asks for it.
func unlimited() func(endpoint, item string) Limiter {
	all := httpclient.NewLimiters(func() *httpclient.Limiter { return httpclient.NewLimiter(0) })
	return func(endpoint, item string) Limiter { return all.Get(endpoint + " " + item) }
}

// fields is the body of a request. Plaid refuses fields that it doesn't know. Secrets are put in as plain strings.
type fields map[string]any

// answer reads a good answer, of status 200. What is wrong with it is a *refused.
type answer func(header http.Header, body io.Reader) error

// request is one call before it is sent.
type request struct {
	path   string
	item   string
	body   func(ctx context.Context) (fields, error) // made anew for each attempt
	answer answer
	first  string // the endpoint's name for its first call of an Item, which Plaid counts apart too; empty: it does not
	once   bool   // not to be sent again when it may have arrived
}

// post makes a call about no Item and gives the answer to read.
func (c *Client) post(ctx context.Context, path string, body fields, read func([]byte) error) error {
	return c.call(ctx, request{
		path: path, body: func(context.Context) (fields, error) { return body, nil }, answer: c.whole(read),
	})
}

// call sends r as often as the policy allows.
func (c *Client) call(ctx context.Context, r request) error {
	limiter := c.opts.Limiter(r.path, r.item)
	if r.first != "" {
		limiter = both{c.opts.Limiter(r.first, r.item), limiter}
	}
	return httpclient.Do(ctx, c.opts.Retry, func(ctx context.Context, _ int) error {
		body, err := r.body(ctx)
		if err != nil {
			return httpclient.Final(err)
		}
		err = c.attempt(ctx, limiter, r, body)
		var f *refused
		if !errors.As(err, &f) {
			return err
		}
		if f.fault.Kind == fault.RateLimited {
			limiter.Hold(f.fault.After)
		}
		if f.final || r.once && !f.undone && !f.unsent {
			return httpclient.Final(f.cause())
		}
		return f.cause()
	})
}

// both is a call that counts at two limiters.
type both struct{ rare, usual Limiter }

func (b both) Wait(ctx context.Context) (release func(), err error) {
	one, err := b.rare.Wait(ctx)
	if err != nil {
		return nil, err
	}
	other, err := b.usual.Wait(ctx)
	if err != nil {
		one()
		return nil, err
	}
	return func() { other(); one() }, nil
}

func (b both) Hold(d time.Duration) {
	b.rare.Hold(d)
	b.usual.Hold(d)
}

// attempt makes one call. What went wrong at Plaid is a *refused.
func (c *Client) attempt(ctx context.Context, limiter Limiter, r request, body fields) error {
	req, err := c.build(ctx, r.path, body)
	if err != nil {
		return err
	}
	release, err := limiter.Wait(ctx)
	if err != nil {
		return err
	}
	defer release()

	began := time.Now()
	res, err := c.opts.HTTP.Do(req)
	if err != nil {
		return broken(ctx, err)
	}
	defer res.Body.Close()
	defer func() {
		c.opts.Observe(Call{Endpoint: r.path, Item: r.item, Status: res.StatusCode, Duration: time.Since(began)})
	}()
	if res.StatusCode != http.StatusOK {
		return refusal(res, r.path, c.opts.Now())
	}
	incoming := &watched{Reader: res.Body}
	err = r.answer(res.Header, incoming)
	if incoming.err != nil && err != nil { // the network, not what it brought, is what went wrong
		f := broken(ctx, incoming.err)
		f.final = isFinal(err)
		return f
	}
	return err
}

func (c *Client) build(ctx context.Context, path string, body fields) (*http.Request, error) {
	written, err := json.Marshal(body)
	if err != nil {
		return nil, fault.New(fault.Internal, "a request to Plaid can't be written as JSON")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(written))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the address of Plaid is not one: check PLAID_API_URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Plaid-Version", version)
	req.Header.Set("PLAID-CLIENT-ID", c.opts.ClientID)
	req.Header.Set("PLAID-SECRET", string(c.opts.Secret))
	return req, nil
}

// MaxAnswer is the largest JSON answer that is read, in bytes. A page of 500 transactions has about a megabyte.
const MaxAnswer = 32 << 20

// keep is the largest answer after which a buffer is used again: a rare giant is not worth its memory.
const keep = 4 << 20

// whole reads an answer to its end and gives it to read, in a buffer of its own: what read takes from it may be kept.
func (c *Client) whole(read func([]byte) error) answer {
	return func(_ http.Header, body io.Reader) error {
		buffer, ok := c.buffers.Get().(*bytes.Buffer)
		if !ok {
			buffer = new(bytes.Buffer)
		}
		buffer.Reset()
		n, err := buffer.ReadFrom(io.LimitReader(body, MaxAnswer+1))
		if err != nil {
			return unreadable("the answer of Plaid breaks off")
		}
		if n > MaxAnswer {
			f := unreadable(fmt.Sprintf("the answer of Plaid is larger than %d MiB", MaxAnswer>>20))
			f.final = true
			return f
		}
		all := bytes.Clone(buffer.Bytes())
		if n <= keep {
			c.buffers.Put(buffer)
		}
		return read(all)
	}
}

// watched remembers how reading failed.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}
