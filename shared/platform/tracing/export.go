package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
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
	tokens oauth2.TokenSource
}

// RoundTrip implements http.RoundTripper.
func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	tokens, err := s.source()
	if err != nil {
		return nil, err
	}
	return (&oauth2.Transport{Source: tokens, Base: s.next}).RoundTrip(r)
}

func (s *signed) source() (oauth2.TokenSource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens != nil {
		return s.tokens, nil
	}
	// It lives longer than the request that comes first.
	tokens, err := google.DefaultTokenSource(context.Background(), scope)
	if err == nil {
		s.tokens = tokens
	}
	return tokens, err
}

// outlet keeps what is wrong with the way of the spans from everything else: it is told, and no more.
type outlet struct {
	sdk.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

// maxWords bounds what is told of an answer.
const maxWords = 300

// ExportSpans implements sdk.SpanExporter. It never fails.
func (o *outlet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := o.SpanExporter.ExportSpans(ctx, spans)
	was := o.failing.Swap(err != nil)
	switch {
	case err != nil && !was:
		words := err.Error()
		o.log.WarnContext(ctx, "traces are not taken, and are lost until they are: syncs go on as ever", "event", "traces_lost", "err", words[:min(len(words), maxWords)])
	case err == nil && was:
		o.log.InfoContext(ctx, "traces are taken again", "event", "traces_kept")
	}
	return nil
}
