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

type requestIDKey struct{}

// RequestID returns the id of the request that ctx belongs to, as in its X-Request-Id: what people
// may be shown, and logs are searched for, when something goes wrong. Empty outside of a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

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
	ctx = context.WithValue(WithStopping(ctx, s.stopping), requestIDKey{}, id)
	ctx = logging.With(logging.WithTrace(ctx, r.Header.Get("traceparent")), "request", id)
	out := &writer{ResponseWriter: w}
	defer func() {
		if p := recover(); p != nil {
			// The query may hold a code: it is not logged.
			s.logPanic(ctx, p, "function", s.o.Name, "method", r.Method, "path", r.URL.Path)
			if !out.wrote {
				say(w, http.StatusInternalServerError, "internal error, request "+id)
			}
		}
	}()
	h, err := s.handler(ctx)
	switch {
	case read && r.URL.Path == "/readyz":
		s.ready(ctx, out, h, err)
	case err != nil:
		w.Header().Set("Retry-After", "5")
		say(out, http.StatusServiceUnavailable, "not ready, request "+id)
	default:
		h.ServeHTTP(out, r.WithContext(ctx))
	}
}

// ready answers GET /readyz. Why it is not ready stands in the log: the answer is public.
func (s *Server) ready(ctx context.Context, w http.ResponseWriter, h http.Handler, err error) {
	if own, ok := h.(interface{ Ready(context.Context) error }); ok && err == nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err = own.Ready(ctx); err != nil {
			s.log.WarnContext(ctx, "function not ready", "function", s.o.Name, "err", err)
		}
	}
	if err != nil {
		say(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	say(w, http.StatusOK, "ready")
}

// logPanic writes one entry with the stack, in the form that Error Reporting reads.
func (s *Server) logPanic(ctx context.Context, p any, args ...any) {
	head := fmt.Sprintf("panic: %v", p)
	s.log.ErrorContext(ctx, "panic", append(args, "panic", fmt.Sprint(p), logging.StackKey, head+"\n\n"+string(debug.Stack()))...)
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
