package tracing

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Key is the header, and the message attribute, that names a place in a trace, as the W3C has it:
// "00-<32 hexadecimal digits of the trace>-<16 of the span>-<2 of flags>". What goes with it elsewhere
// (tracestate, baggage) is left behind: a stranger may have written it, at any length.
const Key = "traceparent"

// From returns a context whose spans, and log records, belong below the place that a traceparent names.
// With any other text it returns ctx as it is.
func From(ctx context.Context, traceparent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{Key: traceparent})
}

// Called is From for what has come with a request: whoever has sent that belongs above, but does not
// decide that the trace is kept, neither by saying so nor by the id, which it has chosen: New's sampler
// draws. Strangers could have all of theirs kept, which is paid for.
func Called(ctx context.Context, traceparent string) context.Context {
	at := trace.SpanContextFromContext(From(context.Background(), traceparent))
	if !at.IsValid() {
		return ctx
	}
	at = at.WithTraceFlags(at.TraceFlags().WithSampled(false)).WithRemote(true)
	return trace.ContextWithRemoteSpanContext(context.WithValue(ctx, caller{}, at), at)
}

// caller is the key of the place that a request has named.
type caller struct{}

// isCalled reports whether a span of ctx would be the first below what a request has named.
func isCalled(ctx context.Context) bool {
	named, ok := ctx.Value(caller{}).(trace.SpanContext)
	return ok && named.Equal(trace.SpanContextFromContext(ctx))
}

// Parent names the place of ctx for somebody else; empty: it has none.
func Parent(ctx context.Context) string {
	at := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, at)
	return at[Key]
}

// Link refers to the place of ctx from a span that belongs elsewhere. Where there is none it adds nothing.
func Link(ctx context.Context) trace.SpanStartOption {
	link := trace.LinkFromContext(ctx)
	if !link.SpanContext.IsValid() {
		return trace.WithLinks()
	}
	return trace.WithLinks(link)
}

// Continue begins a span below the place that a message's traceparent names, with a link to the span of
// ctx, which is that of the message's delivery. A message that names none belongs to its delivery.
func Continue(ctx context.Context, traceparent, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer(Scope)
	sent := trace.SpanContextFromContext(From(context.Background(), traceparent))
	if sent.IsValid() {
		opts, ctx = append(opts, Link(ctx)), trace.ContextWithRemoteSpanContext(ctx, sent)
	}
	return tracer.Start(ctx, name, opts...)
}

// Anew begins a span of a trace of its own, with a link to the span of ctx: for one of many that are
// asked for at once, whose traces would be one that nobody can read.
func Anew(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer(Scope)
	return tracer.Start(trace.ContextWithSpan(ctx, noop.Span{}), name, append(opts, Link(ctx))...)
}
