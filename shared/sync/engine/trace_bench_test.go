package engine_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// BenchmarkTick is what a tick with one batch costs beside database and provider.
func BenchmarkTick(b *testing.B) {
	for _, bb := range []struct {
		name string
		keep sdk.Sampler // nil: there are no traces
	}{{"no traces", nil}, {"a trace that is not kept", sdk.NeverSample()}, {"a trace that is kept", sdk.AlwaysSample()}} {
		b.Run(bb.name, func(b *testing.B) {
			ctx := b.Context()
			if bb.keep != nil {
				provider := sdk.NewTracerProvider(sdk.WithSampler(bb.keep), sdk.WithBatcher(tracetest.NewNoopExporter()))
				defer provider.Shutdown(context.Background())
				ctx, _ = provider.Tracer("x").Start(ctx, "tick")
			}
			f := &fake{}
			e := newEngine(f, script(func(_ context.Context, say func(int) bool, _ func(error) bool) { say(1) }))
			e.Log, e.Budget = slog.New(slog.DiscardHandler), time.Hour
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Run(ctx, conn, engine.Order{Reason: org.Schedule}, nil); err != nil {
					b.Fatal(err)
				}
				f.steps, f.batches, f.results, f.tasks = f.steps[:0], f.batches[:0], f.results[:0], f.tasks[:0]
				f.notes = 0
			}
		})
	}
}
