package vault

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// traced is token as a step of whatever ctx is a step of: its span says whether the provider was asked
// for a new one, and nothing of the token.
func (s *Session) traced(ctx context.Context, rejected string) (string, error) {
	ctx, step := trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/countinghouse/countinghouse").Start(ctx, "token")
	defer step.End()
	access, err := s.token(ctx, rejected)
	if kind := string(fault.Of(err)); kind != "" {
		step.SetAttributes(attribute.String("kind", kind))
		step.SetStatus(codes.Error, kind)
	}
	return access, err
}

// renewing notes that the step asks the provider.
func renewing(ctx context.Context) {
	trace.SpanFromContext(ctx).SetAttributes(attribute.Bool("renewed", true))
}
