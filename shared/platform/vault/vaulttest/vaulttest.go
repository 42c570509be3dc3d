// Package vaulttest is Secret Manager on one machine: a gRPC server on loopback that the real Google
// client talks to, for tests and for local use.
//
// It is as strict as the real one, and stricter where code tends to be careless: "latest" is served
// stale, names come back with the project's number instead of its id, checksums are checked.
package vaulttest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Options of a server. The zero value keeps everything in memory.
type Options struct {
	Addr string // where to listen; empty: a free port of 127.0.0.1
	File string // keeps the secrets, in clear, over restarts, in a file of mode 0600; empty: not kept
	// Stale is for how long a new version is not yet what "latest" names. Zero: an hour, as the real
	// one reserves itself hours; negative: not at all. Versions read by number are never stale.
	Stale time.Duration
	Now   func() time.Time // nil: time.Now
}

// Server is a running Secret Manager.
type Server struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer
	o        Options
	addr     string
	listener *grpc.Server

	mu       sync.Mutex
	state    state
	calls    map[string]int
	failures []failure
	down     bool
}

// failure is what the next calls of a method meet.
type failure struct {
	method string
	left   int
	code   codes.Code
	done   bool // the call is carried out, only its answer is lost
}

// Version is what a test sees of one version of a secret.
type Version struct {
	Number  int64
	State   string // "ENABLED", "DISABLED" or "DESTROYED"
	Data    []byte // nil once destroyed
	Created time.Time
}

// New starts a server. Errors: the address is taken, the file cannot be read.
func New(o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Stale == 0 {
		o.Stale = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, calls: map[string]int{}}
	var err error
	if o.File != "" {
		err = os.MkdirAll(filepath.Dir(o.File), 0o755)
	}
	if err == nil {
		s.state, err = load(o.File)
	}
	if err != nil {
		return nil, fmt.Errorf("secrets file: %w", err)
	}
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("secret manager: %w", err)
	}
	s.addr = l.Addr().String()
	s.listener = grpc.NewServer(grpc.UnaryInterceptor(s.intercept))
	secretmanagerpb.RegisterSecretManagerServiceServer(s.listener, s)
	go s.listener.Serve(l) //nolint:errcheck // ends with Close
	return s, nil
}

// Addr returns host and port, as SECRET_MANAGER_EMULATOR_HOST wants them.
func (s *Server) Addr() string { return s.addr }

// Close stops the server at once.
func (s *Server) Close() { s.listener.Stop() }

// Down makes every call answer Unavailable, or ends that.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// FailNext makes the next n calls of a method, such as "AddSecretVersion", answer code and do
// nothing. The Google client itself repeats an AccessSecretVersion that answers Unavailable.
func (s *Server) FailNext(method string, n int, code codes.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure{method: method, left: n, code: code})
}

// LoseNext carries out the next n calls of a method but answers code, as when a connection breaks
// at the worst moment: the caller cannot know that it was done.
func (s *Server) LoseNext(method string, n int, code codes.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure{method: method, left: n, code: code, done: true})
}

// Calls returns how often each method was called, failed calls included.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(map[string]int, len(s.calls))
	for k, v := range s.calls {
		c[k] = v
	}
	return c
}

// Secrets returns the full names, "projects/P/secrets/S", in order.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.names("")
}

// Versions returns the versions of a secret, "projects/P/secrets/S", oldest first; none if there is no such secret.
func (s *Server) Versions(secret string) []Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.state.Secrets[secret]
	if kept == nil {
		return nil
	}
	var vs []Version
	for i, v := range kept.Versions {
		vs = append(vs, Version{int64(i + 1), v.State.String(), slices.Clone(v.Data), v.Created})
	}
	return vs
}

// intercept counts calls and fails those that a test wants to fail.
func (s *Server) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := path.Base(info.FullMethod)
	f, down := s.meet(method)
	switch {
	case down:
		return nil, status.Error(codes.Unavailable, "the service is down")
	case f == nil:
		return handle(ctx, req)
	case f.done:
		if _, err := handle(ctx, req); err != nil {
			return nil, err
		}
	}
	return nil, status.Errorf(f.code, "%s fails as asked", method)
}

func (s *Server) meet(method string) (*failure, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
	if s.down {
		return nil, true
	}
	for i, f := range s.failures {
		if f.method != method || f.left == 0 {
			continue
		}
		s.failures[i].left--
		return &f, false
	}
	return nil, false
}
