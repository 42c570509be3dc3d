package web

import (
	"context"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/countinghouse/countinghouse/shared/platform/version"
)

// Run serves one function with the functions framework until the process gets SIGTERM or SIGINT, or
// ctx ends; then it stops gracefully (Server.Shutdown). A second signal ends the process at once.
//
// It returns the program's exit status: 0 after a stop that was asked for, 1 when it could not
// listen. A process calls it once for each name: what the framework has begun it cannot take back.
func Run(ctx context.Context, o Options) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	s := New(ctx, o)
	// With a target the framework hands every path to this one function, instead of /Name alone.
	if err := os.Setenv("FUNCTION_TARGET", o.Name); err != nil {
		s.log.ErrorContext(ctx, "cannot listen", "event", "start_failed", "function", o.Name, "err", err)
		return 1
	}
	functions.HTTP(o.Name, s.ServeHTTP)

	host, port := "127.0.0.1", o.Port
	if os.Getenv("K_SERVICE") != "" { // on Cloud Run: all interfaces
		host = ""
	}
	if port == "" {
		port = os.Getenv("PORT")
	}
	if port == "" {
		port = "8080"
	}
	s.log.InfoContext(ctx, "function begins to listen", "event", "started", "function", o.Name, "version", version.String(), "address", net.JoinHostPort(host, port))
	ended := make(chan error, 1)
	go func() { ended <- funcframework.StartHostPort(host, port) }()
	select {
	case err := <-ended:
		s.log.ErrorContext(ctx, "cannot listen", "event", "start_failed", "function", o.Name, "err", err)
		return 1
	case <-ctx.Done():
	}
	stop() // from here on a signal ends the process
	s.log.InfoContext(ctx, "function is asked to stop", "event", "stopping", "function", o.Name)
	begun := time.Now()
	if err := s.Shutdown(); err != nil {
		s.log.ErrorContext(ctx, "function did not close well", "event", "not_closed", "function", o.Name, "err", err)
	}
	s.flush()
	s.log.InfoContext(ctx, "function has stopped", "event", "stopped", "function", o.Name, "took", time.Since(begun))
	return 0
}

// flush waits, for a moment, until the last answers have left: a handler's return does not mean
// that. The framework keeps its server to itself, but every request knows it; without requests
// there is nothing to wait for.
func (s *Server) flush() {
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	if server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.log.WarnContext(ctx, "connections are cut off", "function", s.o.Name, "err", err)
	}
}
