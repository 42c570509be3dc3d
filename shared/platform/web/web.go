// Package web is what every HTTP function of Countinghouse stands on: it answers health checks, turns
// panics into answers, and stops gracefully.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/tracing"
)

// Options of a function.
type Options struct {
	Name    string                      // of the function, as it is deployed: "SyncOrg"
	Handler http.Handler                // with a method Ready(context.Context) error it has a say in GET /readyz
	Close   func(context.Context) error // called once no request is running; nil: nothing is to be closed
	Port    string                      // Run only; empty: PORT of the environment, else 8080
	Grace   time.Duration               // how long running requests may go on once we are asked to stop; zero: 8 s, of Cloud Run's 10
	Log     *slog.Logger                // nil: slog.Default
	Traces  *tracing.Tracing            // nil: none. Whoever gives one closes it
}

// Server serves one function. It is a handler of its own, for programs that serve several; Run does
// all that a program with one function needs.
//
//	GET /healthz  200 always, also while we are stopping: the process runs and takes requests, and a
//	              restart would mend nothing. It says nothing of the database or of providers
//	GET /readyz   200 when the handler is ready; 503 when it is not, and while we are stopping. It is
//	              asked once a second at most, however many ask here
//	any other     the handler; 503 when we are stopping, 500 when it panics
//
// GET /health and GET /ready are the same two, for callers from outside of Cloud Run.
//
// Every answer carries X-Request-Id, and those to the first two X-Version. Cloud Run logs each request;
// here an answer of 500 or more is told (event=request_failed), besides what was logged about it under
// the same label "request".
type Server struct {
	o        Options
	log      *slog.Logger
	life     context.Context // for what no request asks for: the end
	stopping chan struct{}   // closed when we are asked to stop
	cut      context.Context
	cutNow   context.CancelFunc // ends the requests that are still running

	mu      sync.Mutex
	running int
	stopped bool
	server  *http.Server  // which brought the last request; nil before
	idle    chan struct{} // closed when we are stopping and nothing is running

	looking sync.Mutex
	looked  looked // whether the handler is ready
}

// New returns a server. Options.Close gets the values of ctx, whose end does not end the server.
func New(ctx context.Context, o Options) *Server {
	if o.Grace == 0 {
		o.Grace = 8 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{o: o, log: o.Log, life: context.WithoutCancel(ctx), stopping: make(chan struct{}), idle: make(chan struct{})}
	s.cut, s.cutNow = context.WithCancel(context.Background())
	return s
}

// enter counts a request in, unless we are stopping.
func (s *Server) enter(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if server, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok {
		s.server = server
	}
	if s.stopped {
		return false
	}
	s.running++
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running--; s.stopped && s.running == 0 {
		close(s.idle)
	}
}

// Shutdown stops taking requests, tells running ones (Stopping), waits for them up to Options.Grace,
// then ends their contexts, and calls Options.Close, which has one more second and whose error it
// returns. Call it once.
func (s *Server) Shutdown() error {
	s.mu.Lock()
	s.stopped = true
	left := s.running
	if left == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	close(s.stopping)
	if !s.quiet(s.o.Grace) {
		s.log.WarnContext(s.life, "requests are cut off", "function", s.o.Name, "after", s.o.Grace)
		s.cutNow()
		s.quiet(500 * time.Millisecond)
	}
	defer s.cutNow()
	if s.o.Close == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.life, time.Second)
	defer cancel()
	return s.o.Close(ctx)
}

// quiet waits until nothing is running, at most d.
func (s *Server) quiet(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.idle:
		return true
	case <-t.C:
		return false
	}
}

type stoppingKey struct{}

// Stopping returns a channel that is closed when the process is asked to stop: long work ends at its
// next good place. It is nil, and so never ready, where ctx does not come from a Server.
func Stopping(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return c
}

func withStopping(ctx context.Context, c <-chan struct{}) context.Context {
	return context.WithValue(ctx, stoppingKey{}, c)
}
