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
	"testing"
	"testing/synctest"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/logging"
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
	err error
}

func (c *choosy) Ready(context.Context) error { return c.err }

func TestReadyAsksTheHandler(t *testing.T) {
	h := &choosy{say200("x"), errors.New("database away")}
	s := server(Options{Handler: h})
	if got := get(s, "/readyz"); got.Code != 503 || strings.Contains(got.Body.String(), "database") {
		t.Errorf("not ready: %d %s", got.Code, got.Body)
	}
	h.err = nil
	if got := get(s, "/readyz"); got.Code != 200 {
		t.Errorf("ready: %d", got.Code)
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
