// Package web is what every HTTP function of Countinghouse stands on: it builds the handler at the
// first request, answers health checks, turns panics into answers, and stops gracefully.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Builder makes a function's handler and what closes it. ctx lasts as long as the handler, not as
// long as the request that happened to be first. The closing function may be nil. A handler with a
// method Ready(context.Context) error has a say in GET /readyz.
type Builder func(ctx context.Context) (http.Handler, func(context.Context) error, error)

// Options of a function.
type Options struct {
	Name  string        // of the function, as it is deployed: "SyncOrg"
	Host  string        // Run only; empty: loopback, or on Cloud Run (K_SERVICE is set) all interfaces
	Port  string        // Run only; empty: PORT of the environment, else 8080
	Build Builder       // called again at the next request as long as it fails
	Grace time.Duration // how long running requests may go on once we are asked to stop; zero: 8 s, of Cloud Run's 10
	Log   *slog.Logger  // nil: slog.Default
}

// Server serves one function. It is a handler of its own, for programs that serve several; Run does
// all that a program with one function needs.
//
//	GET /healthz  200 always
//	GET /readyz   200 when the handler could be built and is ready, else 503
//	any other     the handler; 503 when it cannot be built or we are stopping, 500 when it panics
//
// Every answer carries X-Request-Id.
type Server struct {
	o        Options
	log      *slog.Logger
	life     context.Context // of the handler
	end      context.CancelFunc
	stopping chan struct{} // closed when we are asked to stop
	cut      context.Context
	cutNow   context.CancelFunc // ends the requests that are still running

	mu      sync.Mutex
	build   *attempt
	running int
	stopped bool
	server  *http.Server  // which brought the last request; nil before
	idle    chan struct{} // closed when we are stopping and nothing is running
}

// attempt is one call of the builder.
type attempt struct {
	done    chan struct{}
	handler http.Handler
	close   func(context.Context) error
	err     error
}

// New returns a server. Values of ctx reach the handler's context; its end does not end the server.
func New(ctx context.Context, o Options) *Server {
	if o.Grace == 0 {
		o.Grace = 8 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{o: o, log: o.Log, stopping: make(chan struct{}), idle: make(chan struct{})}
	ctx = WithStopping(context.WithoutCancel(ctx), s.stopping)
	s.life, s.end = context.WithCancel(ctx)
	s.cut, s.cutNow = context.WithCancel(context.Background())
	return s
}

// handler returns the built handler, building it if there is none yet. Requests that come while it
// is being built wait for that one attempt.
func (s *Server) handler(ctx context.Context) (http.Handler, error) {
	s.mu.Lock()
	b := s.build
	if b == nil {
		b = &attempt{done: make(chan struct{})}
		s.build = b
		go s.try(b)
	}
	s.mu.Unlock()
	select {
	case <-b.done:
		return b.handler, b.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Server) try(b *attempt) {
	defer close(b.done)
	defer func() {
		if p := recover(); p != nil {
			s.logPanic(s.life, p, "function", s.o.Name)
			b.err = fault.New(fault.Internal, "the handler could not be built")
		}
		if b.err != nil {
			s.mu.Lock()
			s.build = nil
			s.mu.Unlock()
		}
	}()
	started := time.Now()
	b.handler, b.close, b.err = s.o.Build(s.life)
	if b.err == nil {
		s.log.InfoContext(s.life, "function ready", "function", s.o.Name, "took", time.Since(started))
		return
	}
	s.log.ErrorContext(s.life, "function cannot start", "function", s.o.Name, "err", b.err)
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
// then ends their contexts, and closes the handler within one more second. It returns the closing
// function's error. Call it once.
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
	defer s.end()
	s.mu.Lock()
	b := s.build
	s.mu.Unlock()
	if b == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), time.Second)
	defer cancel()
	select {
	case <-b.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if b.err != nil || b.close == nil {
		return nil
	}
	return b.close(ctx)
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
// next good place. It is nil, and so never ready, where ctx comes from neither a Server nor WithStopping.
func Stopping(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return c
}

// WithStopping returns a context in which Stopping finds c.
func WithStopping(ctx context.Context, c <-chan struct{}) context.Context {
	return context.WithValue(ctx, stoppingKey{}, c)
}
