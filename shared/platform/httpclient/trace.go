package httpclient

import (
	"io"
	"net/http"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traced makes each call a span below the one of its context, from its beginning until the answer has
// been read. The span names the host alone: a path holds the ids of accounts, a query or a header worse.
// Nothing of a trace is sent along.
type traced struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	parent := trace.SpanFromContext(r.Context())
	if !parent.IsRecording() {
		return t.next.RoundTrip(r)
	}
	_, span := parent.TracerProvider().Tracer("github.com/countinghouse/countinghouse").Start(r.Context(), "call", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("server.address", r.URL.Hostname())))
	res, err := t.next.RoundTrip(r)
	if err != nil {
		span.SetStatus(codes.Error, "no answer")
		span.End()
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	if res.StatusCode >= http.StatusBadRequest {
		span.SetStatus(codes.Error, http.StatusText(res.StatusCode))
	}
	res.Body = &tracedBody{ReadCloser: res.Body, span: span}
	return res, nil
}

// CloseIdleConnections is what http.Client's asks for.
func (t traced) CloseIdleConnections() { (&http.Client{Transport: t.next}).CloseIdleConnections() }

// tracedBody ends its call's span when it has been read, or closed.
type tracedBody struct {
	io.ReadCloser
	span trace.Span
	once sync.Once
}

func (b *tracedBody) Read(p []byte) (n int, err error) {
	n, err = b.ReadCloser.Read(p)
	if err != nil {
		b.once.Do(func() { b.span.End() })
	}
	return n, err
}

func (b *tracedBody) Close() error {
	defer b.once.Do(func() { b.span.End() })
	return b.ReadCloser.Close()
}
