// Package app joins everything: it is the only package that knows all others. Each function and job
// has one constructor here, which reads its settings once and returns what is to be run.
package app

import (
	"context"
	"fmt"
	"os"
)

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
