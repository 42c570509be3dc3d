// Package app joins everything: it is the only package that knows all others. Each function and job
// has one constructor here, which reads its settings once and returns what is to be run.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
)

// Function builds one HTTP function from an environment, as os.Environ returns it. It makes no call,
// so it fails for wrong settings only, in one fault.Invalid that names all of them. A nil log means
// the one that the environment describes, on standard error. The handler works until it is closed.
type Function func(ctx context.Context, environ []string, log *slog.Logger) (http.Handler, func(context.Context) error, error)

// holder names this process in leases: for people who wonder who has one.
func holder(program string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s %s/%d", program, host, os.Getpid())
}

// closers ends things in the opposite order of their beginnings.
type closers []func(context.Context) error

func (c *closers) add(f func(context.Context) error) { *c = append(*c, f) }

func (c closers) close(ctx context.Context) error {
	var first error
	for i := len(c) - 1; i >= 0; i-- {
		if err := c[i](ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}
