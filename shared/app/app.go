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

// close ends all of them, or stops waiting when ctx ends: Pub/Sub's client would wait a minute for an
// answer that does not come, and a process that is asked to stop has seconds.
func (c closers) close(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- c.each(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not everything was closed in time: %w", ctx.Err())
	}
}

func (c closers) each(ctx context.Context) error {
	var first error
	for i := len(c) - 1; i >= 0; i-- {
		if err := c[i](ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}
