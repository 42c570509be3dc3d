package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/countinghouse/countinghouse/shared/platform/tracing"
)

func TestWrongSettingsAreReadable(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if status := serve(t.Context(), "SyncOrg", SyncOrg, []string{"SYNC_LEASE=soon", "LOG_LEVEL=loud"}, &text); status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	if s := text.String(); !strings.HasPrefix(s, "SyncOrg cannot start: settings:\n  LOG_LEVEL: want ") || !strings.Contains(s, "\n  SYNC_LEASE: want a duration") {
		t.Errorf("a person reads %s", s)
	}

	for _, format := range []string{"LOG_FORMAT=json", "LOG_FORMAT=yaml"} { // on Cloud Run the latter means JSON, too
		var out bytes.Buffer
		serve(t.Context(), "SyncOrg", SyncOrg, []string{"SYNC_LEASE=soon", "K_SERVICE=syncorg", format}, &out)
		var e map[string]any
		if err := json.Unmarshal(out.Bytes(), &e); err != nil || e["severity"] != "ERROR" || !strings.Contains(e["err"].(string), "SYNC_LEASE: want a duration") {
			t.Errorf("%s: %v, want one entry: %s", format, err, &out)
		}
	}
}

// stuck takes no spans, and does not say so.
type stuck struct{ sdk.SpanExporter }

func (stuck) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stuck) Shutdown(context.Context) error { return nil }

// TestSpansDoNotSpoilTheEnd: what cannot leave in time is lost, and is no failure. One of what matters is.
func TestSpansDoNotSpoilTheEnd(t *testing.T) {
	for _, want := range []error{nil, errors.New("queue not closed")} {
		synctest.Test(t, func(t *testing.T) {
			traces := tracing.New("x", tracing.Config{Share: 1}, stuck{}, slog.New(slog.DiscardHandler))
			_, span := traces.Begin(t.Context(), "x")
			span.End()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			err := ending(func(context.Context) error { return want }, traces)(ctx)
			if took := time.Since(begun); !errors.Is(err, want) || took != spansLimit {
				t.Errorf("it ends with %v after %s, want %v", err, took, want)
			}
			time.Sleep(time.Minute) // the call that is under way gives up
		})
	}
}
