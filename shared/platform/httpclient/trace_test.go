package httpclient_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// TestCallsAreTraced: a call is a step until its answer has been read. Neither side learns from it what
// it must not: the trace does not get the address, and the provider does not get the trace.
func TestCallsAreTraced(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("traceparent") != "" {
			t.Error("the other side is told of the trace")
		}
		if strings.HasSuffix(r.URL.Path, "/gone") {
			panic(http.ErrAbortHandler)
		}
		if strings.HasSuffix(r.URL.Path, "/bad") {
			w.WriteHeader(http.StatusBadRequest)
		}
		io.WriteString(w, "answer")
	}))
	defer server.Close()
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	client := httpclient.New(httpclient.Options{})
	ctx, parent := provider.Tracer("x").Start(t.Context(), "run")
	for path, want := range map[string]codes.Code{"/v3/company/hunter2/query?query=hunter2": codes.Unset, "/hunter2/bad": codes.Error, "/hunter2/gone": codes.Error} {
		spans.Reset()
		if body, err := ask(ctx, client, server.URL+path); (err != nil) != strings.HasSuffix(path, "/gone") || err == nil && body != "answer" {
			t.Errorf("%s: %q, %v", path, body, err)
		}
		got := spans.GetSpans()
		if len(got) != 1 || got[0].Name != "call" || got[0].Parent.SpanID() != parent.SpanContext().SpanID() || got[0].Status.Code != want {
			t.Fatalf("%s: %v", path, got)
		}
		if b, err := json.Marshal(got); err != nil || strings.Contains(string(b), "hunter2") {
			t.Errorf("%s: it tells %s, %v", path, b, err)
		}
	}
	spans.Reset()
	if _, err := ask(t.Context(), client, server.URL); err != nil || len(spans.GetSpans()) != 0 {
		t.Errorf("outside of a trace: %v, %v", err, spans.GetSpans())
	}
	client.CloseIdleConnections()
}

func ask(ctx context.Context, client *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}
