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
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/logging"
)

func TestFailedBuildIsTriedAgainAndAGoodOneKept(t *testing.T) {
	builds := 0
	s := server(Options{Build: func(ctx context.Context) (http.Handler, func(context.Context) error, error) {
		if builds++; builds == 1 {
			return nil, nil, errors.New("no database")
		}
		return say200("hello"), nil, nil
	}})
	for _, tt := range []struct {
		path string
		want int
	}{{"/healthz", 200}, {"/readyz", 503}, {"/readyz", 200}, {"/any/path", 200}, {"/", 200}} {
		if got := get(s, tt.path); got.Code != tt.want || got.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s: %d %v, want %d", tt.path, got.Code, got.Header(), tt.want)
		}
	}
	if builds != 2 {
		t.Errorf("built %d times, want 2", builds)
	}
}

func TestConcurrentFirstRequestsBuildOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var builds, answers atomic.Int32
		s := server(Options{Build: func(ctx context.Context) (http.Handler, func(context.Context) error, error) {
			builds.Add(1)
			time.Sleep(time.Second)
			return say200("x"), nil, ctx.Err()
		}})
		impatient, hangUp := context.WithCancel(t.Context())
		for i := range 10 {
			go func() {
				ctx := t.Context()
				if i == 0 {
					ctx = impatient
				}
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
				if w.Code == 200 {
					answers.Add(1)
				}
			}()
		}
		synctest.Wait()
		hangUp() // whoever began the building may go: it goes on for the others
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if builds.Load() != 1 || answers.Load() != 9 {
			t.Errorf("%d builds, %d answers; want 1 and 9", builds.Load(), answers.Load())
		}
	})
}

type choosy struct {
	http.Handler
	err error
}

func (c *choosy) Ready(context.Context) error { return c.err }

func TestReadyAsksTheHandler(t *testing.T) {
	h := &choosy{say200("x"), errors.New("database away")}
	s := server(Options{Build: built(h, nil)})
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
		Build: built(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				io.WriteString(w, "begun")
			}
			panic("boom")
		}), nil)})
	got := get(s, "/x?code=hunter2")
	id := got.Header().Get("X-Request-Id")
	if got.Code != 500 || !strings.Contains(got.Body.String(), id) || strings.Contains(got.Body.String(), "boom") {
		t.Errorf("answer %d %s", got.Code, got.Body)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var e map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil || len(lines) != 2 { // the first says that it is ready
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
		s := server(Options{Build: built(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-Stopping(r.Context())
			time.Sleep(3 * time.Second) // to the end of the page
			order = append(order, "page")
			io.WriteString(w, RequestID(r.Context()))
		}), func(ctx context.Context) error {
			order = append(order, "close")
			return ctx.Err()
		})})
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
		if got := <-answer; got.Code != 200 || got.Body.String() != got.Header().Get("X-Request-Id") {
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
		s := server(Options{Build: built(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.WriteHeader(http.StatusServiceUnavailable)
		}), nil)})
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
	PageHeaders(h, Policy{Scripts: []string{"https://cdn.plaid.com"}})
	csp := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self' https://cdn.plaid.com;", "frame-ancestors 'none'", "frame-src 'none'", "img-src 'self' data:;"} {
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

func built(h http.Handler, close func(context.Context) error) Builder {
	return func(context.Context) (http.Handler, func(context.Context) error, error) { return h, close, nil }
}

func say200(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func get(s *Server, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}
