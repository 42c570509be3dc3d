package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/version"
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.ToLower(rand.Text()[:16])
	w.Header().Set("X-Request-Id", id)
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	health, ready := read && isHealth(r.URL.Path), read && isReady(r.URL.Path)
	if health || ready {
		w.Header().Set("X-Version", version.String())
	}
	if health {
		say(w, http.StatusOK, "ok")
		return
	}
	if !s.enter(r.Context()) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	defer s.leave()

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.cut, cancel)()
	ctx = tracing.Called(withStopping(ctx, s.stopping), r.Header.Get(tracing.Key))
	ctx = logging.With(ctx, "request", id)
	if ready {
		s.guarded(w, r.WithContext(ctx), http.HandlerFunc(s.ready))
		return
	}
	// The answer ends with this call, and with it the processor: what has been seen leaves before. To end
	// the answer first would take the processor away from its spans.
	defer s.o.Traces.Flush()
	ctx, span := s.o.Traces.Begin(ctx, s.o.Name, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", r.Method)))
	defer span.End()
	s.tell(r.WithContext(ctx), s.guarded(w, r.WithContext(ctx), s.o.Handler))
}

// Google's front end keeps paths that end in z for itself: from outside they do not get here. So each
// check has a second name.
func isHealth(path string) bool { return path == "/healthz" || path == "/health" }
func isReady(path string) bool  { return path == "/readyz" || path == "/ready" }

// tell adds an answer to the request's span, and tells of one that nobody should get. Who answers 503
// means it, and has said why: the sender comes again.
func (s *Server) tell(r *http.Request, out *writer) {
	span, code := trace.SpanFromContext(r.Context()), out.status()
	span.SetAttributes(attribute.Int("http.response.status_code", code))
	if code < http.StatusInternalServerError {
		return
	}
	span.SetStatus(codes.Error, http.StatusText(code))
	level := slog.LevelError
	if code == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	if !out.broken { // else the panic has been told
		s.log.LogAttrs(r.Context(), level, "request failed", slog.String("event", "request_failed"), slog.String("function", s.o.Name), out.request(r))
	}
}

// guarded has a handler answer, and turns its panic into an answer.
func (s *Server) guarded(w http.ResponseWriter, r *http.Request, h http.Handler) (out *writer) {
	out = &writer{ResponseWriter: w, begun: time.Now()}
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if out.code == 0 {
			say(out, http.StatusInternalServerError, "internal error, request "+w.Header().Get("X-Request-Id"))
		}
		out.broken = true
		s.log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("event", "panic"), slog.String("function", s.o.Name), out.request(r),
			slog.String(logging.StackKey, fault.Stack(p, debug.Stack())))
	}()
	h.ServeHTTP(out, r)
	return out
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	io.WriteString(w, text+"\n") // nobody is left to tell when it fails
}

// writer remembers what has been answered.
type writer struct {
	http.ResponseWriter
	begun  time.Time
	code   int  // zero: no answer has begun
	broken bool // the handler panicked, perhaps after it had begun to answer
}

// request describes the request, and what came of it, as Cloud Logging shows it. The address is without
// its query, which may hold a code.
func (w *writer) request(r *http.Request) slog.Attr {
	return slog.Group("httpRequest", "requestMethod", r.Method, "requestUrl", r.URL.Path, "status", w.status(),
		"latency", strconv.FormatFloat(time.Since(w.begun).Seconds(), 'f', 6, 64)+"s", "protocol", r.Proto)
}

// status is what the answer was, or has come to.
func (w *writer) status() int {
	if w.broken {
		return http.StatusInternalServerError
	}
	return cmp.Or(w.code, http.StatusOK)
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(code int) {
	if code >= 200 && w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *writer) Write(b []byte) (int, error) {
	w.code = cmp.Or(w.code, http.StatusOK)
	return w.ResponseWriter.Write(b)
}

// Flush lets handlers stream that ask for an http.Flusher.
func (w *writer) Flush() { http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
