package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/logging"
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.ToLower(rand.Text()[:16])
	w.Header().Set("X-Request-Id", id)
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if read && r.URL.Path == "/healthz" {
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
	ctx = logging.With(logging.WithTrace(withStopping(ctx, s.stopping), r.Header.Get("traceparent")), "request", id)
	out := &writer{ResponseWriter: w}
	defer func() {
		if p := recover(); p != nil {
			// The query may hold a code: it is not logged.
			s.log.ErrorContext(ctx, "panic", "function", s.o.Name, "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(p),
				logging.StackKey, fmt.Sprintf("panic: %v\n\n%s", p, debug.Stack())) // as Error Reporting reads it
			if !out.wrote {
				say(w, http.StatusInternalServerError, "internal error, request "+id)
			}
		}
	}()
	if read && r.URL.Path == "/readyz" {
		s.ready(ctx, out)
		return
	}
	s.o.Handler.ServeHTTP(out, r.WithContext(ctx))
}

// ready answers GET /readyz. Why it is not ready stands in the log: the answer is public.
func (s *Server) ready(ctx context.Context, w http.ResponseWriter) {
	if own, ok := s.o.Handler.(interface{ Ready(context.Context) error }); ok {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := own.Ready(ctx); err != nil {
			s.log.WarnContext(ctx, "function not ready", "function", s.o.Name, "err", err)
			say(w, http.StatusServiceUnavailable, "not ready")
			return
		}
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	io.WriteString(w, text+"\n") // nobody is left to tell when it fails
}

// writer remembers whether an answer has begun.
type writer struct {
	http.ResponseWriter
	wrote bool
}

func (w *writer) WriteHeader(code int) {
	w.wrote = w.wrote || code >= 200
	w.ResponseWriter.WriteHeader(code)
}

func (w *writer) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Flush lets handlers stream that ask for an http.Flusher.
func (w *writer) Flush() { http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
