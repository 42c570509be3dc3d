package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/version"
)

func TestEveryFunctionAnswersHealthChecks(t *testing.T) {
	s := server(Options{Handler: say200("hello")})
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n", "/any/path": "hello", "/": "hello"} {
		if got := get(s, path); got.Code != 200 || got.Body.String() != want || got.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s: %d %q %v, want %q", path, got.Code, got.Body, got.Header(), want)
		}
	}
}

type choosy struct {
	http.Handler
	err   error
	takes time.Duration
	asked int
}

func (c *choosy) Ready(ctx context.Context) error {
	c.asked++
	select {
	case <-time.After(c.takes):
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestReadyAsksTheHandler: once a second at most, and tells when that changes.
func TestReadyAsksTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		away := errors.New("database away")
		h := &choosy{Handler: say200("x")}
		s := server(Options{Handler: h, Log: logging.New(&out, logging.Options{})})
		for i, tt := range []struct {
			err                error
			wait               time.Duration
			code, asked, lines int
		}{
			{nil, 0, 200, 1, 0},
			{away, readyFor - 1, 200, 1, 0},
			{away, 1, 503, 2, 1},
			{nil, readyFor / 2, 503, 2, 1},
			{away, readyFor, 503, 3, 1},
			{nil, readyFor, 200, 4, 1},
			{away, readyFor, 503, 5, 2},
		} {
			time.Sleep(tt.wait)
			h.err = tt.err
			got := get(s, "/readyz")
			if got.Code != tt.code || h.asked != tt.asked || strings.Contains(got.Body.String(), "database") {
				t.Errorf("answer %d: %d %s, asked %d times; want %d, %d", i, got.Code, got.Body, h.asked, tt.code, tt.asked)
			}
			if n := strings.Count(out.String(), "event=not_ready"); n != tt.lines {
				t.Errorf("answer %d: told %d times, want %d", i, n, tt.lines)
			}
		}
	})
}

// TestReadyIsSharedByAllThatAsk, also when the first of them has gone away.
func TestReadyIsSharedByAllThatAsk(t *testing.T) {
	h := &choosy{Handler: say200("x"), takes: 10 * time.Millisecond}
	s := server(Options{Handler: h})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/readyz", nil))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got := get(s, "/readyz"); got.Code != 200 {
				t.Errorf("answer %d", got.Code)
			}
		})
	}
	all.Wait()
	if h.asked != 1 {
		t.Errorf("the handler was asked %d times", h.asked)
	}
}

func TestPanicIsOneLogLineAnd500(t *testing.T) {
	var out bytes.Buffer
	s := server(Options{Name: "Connect", Log: logging.New(&out, logging.Options{Format: "json"}),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				io.WriteString(w, "begun")
			}
			panic("boom")
		})})
	got := get(s, "/x?code=hunter2")
	id := got.Header().Get("X-Request-Id")
	if got.Code != 500 || !strings.Contains(got.Body.String(), id) || strings.Contains(got.Body.String(), "boom") {
		t.Errorf("answer %d %s", got.Code, got.Body)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var e map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil || len(lines) != 1 {
		t.Fatalf("%v: log %s", err, out.String())
	}
	stack, _ := e["stack_trace"].(string)
	labels, _ := e["logging.googleapis.com/labels"].(map[string]any)
	if e["severity"] != "ERROR" || !strings.HasPrefix(stack, "panic: boom\n\ngoroutine ") || labels["request"] != id || strings.Contains(out.String(), "hunter2") {
		t.Errorf("log %s", out.String())
	}
	if got := get(s, "/late"); got.Code != 200 || got.Body.String() != "begun" {
		t.Errorf("panic after the answer began: %d %s", got.Code, got.Body)
	}
}

// TestFailuresAreTold: Cloud Run logs requests; here those are told that nobody should get.
func TestFailuresAreTold(t *testing.T) {
	for code, want := range map[int]string{200: "", 204: "", 303: "", 401: "", 404: "", 429: "", 500: "ERROR", 502: "ERROR", 503: "WARNING"} {
		var out bytes.Buffer
		s := server(Options{Name: "Connect", Log: logging.New(&out, logging.Options{Format: "json"}),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })})
		got := get(s, "/connect/quickbooks/callback?code=hunter2")
		if want == "" {
			if out.Len() > 0 {
				t.Errorf("%d is told: %s", code, &out)
			}
			continue
		}
		var e map[string]any
		if err := json.Unmarshal(out.Bytes(), &e); err != nil {
			t.Fatalf("%d: %v in %s", code, err, &out)
		}
		request, _ := e["httpRequest"].(map[string]any)
		latency, _ := request["latency"].(string)
		delete(request, "latency")
		if _, err := time.ParseDuration(latency); err != nil || !strings.HasSuffix(latency, "s") {
			t.Errorf("%d: latency %q", code, latency)
		}
		wantRequest := map[string]any{"requestMethod": "GET", "requestUrl": "/connect/quickbooks/callback", "status": float64(code), "protocol": "HTTP/1.1"}
		if diff := cmp.Diff(wantRequest, request); diff != "" || e["severity"] != want || e["event"] != "request_failed" {
			t.Errorf("%d: severity %v, want %s; request (-want +got):\n%s", code, e["severity"], want, diff)
		}
		if labels := e["logging.googleapis.com/labels"].(map[string]any); labels["request"] != got.Header().Get("X-Request-Id") {
			t.Errorf("%d: labels %v", code, labels)
		}
	}
}

// TestHealthWhileStopping: a restart would only cut off what is still running, but no further request is wanted.
func TestHealthWhileStopping(t *testing.T) {
	s := server(Options{Handler: say200("x")})
	for _, stopped := range []bool{false, true} {
		if stopped {
			if err := s.Shutdown(); err != nil {
				t.Fatal(err)
			}
		}
		ready := map[bool]int{false: 200, true: 503}[stopped]
		for path, want := range map[string]int{"/healthz": 200, "/health": 200, "/readyz": ready, "/ready": ready} {
			if got := get(s, path); got.Code != want || got.Header().Get("X-Version") != version.String() {
				t.Errorf("stopped %t, %s: %d, version %q; want %d", stopped, path, got.Code, got.Header().Get("X-Version"), want)
			}
		}
	}
	if got := get(s, "/"); got.Header().Get("X-Version") != "" {
		t.Error("strangers are told the version")
	}
}

// TestRequestsAreTraced: each but the health checks, below its caller, without its query; its spans have
// left when it is answered.
func TestRequestsAreTraced(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	traces := tracing.New("Connect", tracing.Config{Share: 1}, spans, slog.New(slog.DiscardHandler))
	s := server(Options{Name: "Connect", Traces: traces, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("boom")
		}
		_, step := trace.SpanFromContext(r.Context()).TracerProvider().Tracer("x").Start(r.Context(), "step")
		defer step.End()
		w.WriteHeader(http.StatusAccepted)
	})})
	get(s, "/healthz")
	get(s, "/readyz")
	if n := len(spans.GetSpans()); n != 0 {
		t.Errorf("%d spans of health checks", n)
	}
	r := httptest.NewRequest("GET", "/x?code=hunter2", nil)
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	s.ServeHTTP(httptest.NewRecorder(), r)
	got := spans.GetSpans()
	if len(got) != 2 || got[0].Name != "step" || got[1].Name != "Connect" || got[0].Parent.SpanID() != got[1].SpanContext.SpanID() {
		t.Fatalf("spans %v", got)
	}
	whole := got[1]
	if whole.Parent.SpanID().String() != "b7ad6b7169203331" || whole.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || whole.SpanKind != trace.SpanKindServer {
		t.Errorf("the request's span: %+v", whole)
	}
	if b, err := json.Marshal(whole); err != nil || strings.Contains(string(b), "hunter2") || whole.Status.Code != codes.Unset {
		t.Errorf("it tells %s, %v", b, err)
	}
	none := tracing.New("Connect", tracing.Config{Share: 0}, spans, slog.New(slog.DiscardHandler))
	spans.Reset()
	server(Options{Name: "Connect", Traces: none, Handler: say200("x")}).ServeHTTP(httptest.NewRecorder(), r)
	if got := spans.GetSpans(); len(got) != 0 {
		t.Errorf("a stranger's word has traces kept: %v", got)
	}
	if err := none.Close(t.Context()); err != nil {
		t.Error(err)
	}
	spans.Reset()
	get(s, "/panic")
	if got := spans.GetSpans(); len(got) != 1 || got[0].Status.Code != codes.Error {
		t.Errorf("a panic: %v", got)
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		s := server(Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-Stopping(r.Context())
			time.Sleep(3 * time.Second) // to the end of the page
			order = append(order, "page")
			io.WriteString(w, "whole")
		}), Close: func(ctx context.Context) error {
			order = append(order, "close")
			return ctx.Err()
		}})
		answer := make(chan *httptest.ResponseRecorder)
		go func() { answer <- get(s, "/") }()
		synctest.Wait()
		began := time.Now()
		ended := make(chan error)
		go func() { ended <- s.Shutdown() }()
		synctest.Wait()
		if got := get(s, "/readyz"); got.Code != 503 {
			t.Errorf("readyz while stopping: %d", got.Code)
		}
		if got := get(s, "/"); got.Code != 503 || got.Header().Get("Retry-After") == "" {
			t.Errorf("new request while stopping: %d", got.Code)
		}
		if got := <-answer; got.Code != 200 || got.Body.String() != "whole" {
			t.Errorf("running request: %d %s", got.Code, got.Body)
		}
		if err := <-ended; err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("Shutdown took %v: %v", time.Since(began), err)
		}
		if !slices.Equal(order, []string{"page", "close"}) {
			t.Errorf("order %v", order)
		}
	})
}

func TestShutdownCutsRequestsAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server(Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.WriteHeader(http.StatusServiceUnavailable)
		})})
		answer := make(chan *httptest.ResponseRecorder, 1)
		go func() { answer <- get(s, "/") }()
		synctest.Wait()
		began := time.Now()
		if err := s.Shutdown(); err != nil || time.Since(began) != 8*time.Second {
			t.Errorf("Shutdown took %v: %v", time.Since(began), err)
		}
		if got := <-answer; got.Code != 503 {
			t.Errorf("cut request: %d", got.Code)
		}
	})
}

func TestPageHeaders(t *testing.T) {
	h := http.Header{}
	PageHeaders(h, Policy{Forms: []string{"https://appcenter.intuit.com"}})
	csp := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "form-action 'self' https://appcenter.intuit.com;", "frame-ancestors 'none'", "img-src 'self' data:;"} {
		if !strings.Contains(csp, want) {
			t.Errorf("no %q in %s", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", h)
	}
}

func server(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return New(context.Background(), o)
}

func say200(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func get(s *Server, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}
