package engine

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Spans hold counts and our own names: no token, no id of an account at a provider, no text of a failure,
// which may quote either.

// span begins a step below the one of ctx; where that is not traced it does nothing.
func span(ctx context.Context, name string, about ...attribute.KeyValue) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/countinghouse/countinghouse").Start(ctx, name, trace.WithAttributes(about...))
}

// end ends a step, with the kind of its failure, if it failed.
func end(s trace.Span, err error) {
	if kind := string(fault.Of(err)); kind != "" {
		s.SetAttributes(attribute.String("kind", kind))
		s.SetStatus(codes.Error, kind)
	}
	s.End()
}

func about(c org.Connection, reason org.Reason) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("org", string(c.Org)), attribute.Int64("connection", int64(c.ID)),
		attribute.String("provider", string(c.Provider)), attribute.String("reason", string(reason)),
	}
}

// counts tells what batches came to.
func (a Applied) counts() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.Int("written", a.Written), attribute.Int("deleted", a.Deleted),
		attribute.Int("unchanged", a.Unchanged), attribute.Int("dead", a.Dead),
	}
}
