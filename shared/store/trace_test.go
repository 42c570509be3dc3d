package store_test

import (
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// TestTransactionsAreTraced: the last step of a batch says whether it was kept.
func TestTransactionsAreTraced(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	id := s.Connect(t, "onpoint", "quickbooks", "1")
	l := s.Lease(t, id)
	run, err := s.Begin(t.Context(), l, nil, org.Manual)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lease org.Lease
		kind  fault.Kind
		step  string
	}{
		{l, "", "commit"},
		{org.Lease{Connection: id, Fence: l.Fence - 1}, fault.Conflict, "rollback"},
	} {
		spans := tracetest.NewInMemoryExporter()
		ctx, parent := sdk.NewTracerProvider(sdk.WithSyncer(spans)).Tracer("x").Start(t.Context(), "apply")
		if _, err := s.Apply(ctx, tt.lease, run, engine.Batch{}, engine.Usage{}); fault.Of(err) != tt.kind {
			t.Fatalf("%s: %v", tt.step, err)
		}
		got := spans.GetSpans()
		if len(got) != 1 || got[0].Name != tt.step || got[0].Parent.SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("steps %v, want %s", got, tt.step)
		}
	}
}
