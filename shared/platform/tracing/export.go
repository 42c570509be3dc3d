package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// exporter posts spans to the endpoint. A batch that is not taken is gone: it is not sent twice.
func exporter(c Config) (sdk.SpanExporter, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, fault.New(fault.Invalid, "TRACE_ENDPOINT is no address")
	}
	to, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(address(c.Endpoint)), otlptracehttp.WithHTTPClient(newClient(u)),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	return to, fault.Wrap(fault.Invalid, "TRACE_ENDPOINT", err)
}

// newClient calls the endpoint, and nobody else.
func newClient(endpoint *url.URL) *http.Client {
	client := httpclient.New(httpclient.Options{Timeout: exportLimit, Connections: 1})
	if googles(endpoint) {
		client.Transport = &signed{next: client.Transport}
	}
	return client
}

// scope is the right to write traces, and what there is of others.
const scope = "https://www.googleapis.com/auth/cloud-platform"

// signed shows Google's address which account we are. That is looked up with the first spans, because
// a start makes no calls; one that fails is tried again with the next ones.
type signed struct {
	next http.RoundTripper

	mu     sync.Mutex
	asking *asking // nil: nobody is
	tokens oauth2.TokenSource
}

// asking is the way to a token: one at a time, however many wait for it.
type asking struct {
	ended chan struct{}
	token *oauth2.Token
	err   error
}

// RoundTrip implements http.RoundTripper.
func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := s.token(r.Context())
	if err != nil {
		if r.Body != nil {
			r.Body.Close() //nolint:errcheck // the first error counts
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	token.SetAuthHeader(r)
	return s.next.RoundTrip(r)
}

// token waits until there is one, or ctx ends: what hands out tokens is a server, too, and knows no context.
func (s *signed) token(ctx context.Context) (*oauth2.Token, error) {
	a := s.ask()
	select {
	case <-a.ended:
		return a.token, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask begins to ask for a token, unless somebody does already.
func (s *signed) ask() *asking {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking != nil {
		return s.asking
	}
	a := &asking{ended: make(chan struct{})}
	s.asking = a
	go func() {
		a.token, a.err = s.look()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asking = nil
		close(a.ended)
	}()
	return a
}

// look returns the account's token, which is asked for again when it has expired. One at a time.
func (s *signed) look() (*oauth2.Token, error) {
	if s.tokens == nil {
		// It lives longer than the request that comes first.
		tokens, err := google.DefaultTokenSource(context.Background(), scope)
		if err != nil {
			return nil, err
		}
		s.tokens = tokens
	}
	return s.tokens.Token()
}

// outlet keeps what is wrong with the way of the spans from everything else: it is told, and no more.
type outlet struct {
	sdk.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
	late    atomic.Bool // the last call has run out of time
	warned  sync.Once
}

// maxWords bounds what is told of an answer.
const maxWords = 300

// ExportSpans implements sdk.SpanExporter. It never fails.
func (o *outlet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := o.SpanExporter.ExportSpans(ctx, spans)
	if taken(err) {
		o.warned.Do(func() { o.log.WarnContext(ctx, "traces are taken, and not as they should be", "err", few(err)) })
		err = nil
	}
	// A call that has run out of time may have stood still with the processor: only the second in a row
	// is an outage.
	late := timedOut(err)
	if o.late.Swap(late) != late && late {
		return nil
	}
	was := o.failing.Swap(err != nil)
	switch {
	case err != nil && !was:
		o.log.WarnContext(ctx, "traces are not taken, and are lost until they are: syncs go on as ever", "event", "traces_lost", "err", few(err))
	case err == nil && was:
		o.log.InfoContext(ctx, "traces are taken again", "event", "traces_kept")
	}
	return nil
}

func few(err error) string {
	words := err.Error()
	return words[:min(len(words), maxWords)]
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// taken reports whether an exporter's error is only a word of warning: OTLP answers a partial success in
// which no span is refused when all are taken, and there is something to say. Its type is the exporter's
// own, whose text is all that shows of it.
func taken(err error) bool {
	return err != nil && allTaken.MatchString(err.Error())
}

var allTaken = regexp.MustCompile(`(?s)^traces export: OTLP partial success: .* \(0 spans rejected\)$`)
