package tenant

import (
	"context"
	"fmt"
	"slices"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// orphans ends the logins whose token is in a secret that no connection has, as after a restore of the
// database, and deletes these secrets: with them the last trace of the logins goes. One that cannot be ended
// stays, and does not keep the others from it.
func (e *Eraser) orphans(ctx context.Context, x Erasure, slug org.Slug) (kept []Left, err error) {
	all, err := e.Tenants.Connections(ctx, slug)
	if err != nil {
		return nil, err
	}
	names, err := e.Secrets.Of(ctx, slug, all)
	if err != nil {
		return nil, fmt.Errorf("look for secrets: %w", err)
	}
	var errs []error
	for _, name := range names {
		c, there, err := e.Secrets.Login(ctx, name)
		if err != nil {
			return kept, fmt.Errorf("look at the secret %s: %w", name, err)
		}
		if !there || slices.ContainsFunc(all, func(k org.Connection) bool { return k.ID == c.ID && k.Provider == c.Provider }) {
			continue
		}
		left, err := e.orphan(ctx, x, slug, c, name)
		if left != nil {
			kept = append(kept, *left)
		}
		if ctx.Err() != nil {
			return kept, fault.Wrap(fault.Stopped, "stopped before all logins were ended", ctx.Err())
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return kept, joined(errs)
}

// orphan ends one, or leaves it where it is. It is counted when its secret is gone: a start that is killed
// before does not count it twice.
func (e *Eraser) orphan(ctx context.Context, x Erasure, slug org.Slug, c org.Connection, name string) (left *Left, err error) {
	left, err = e.end(ctx, Left{Connection: c, Secret: name}, func(ctx context.Context, ender Ender) error { return ender.RevokeOrphan(ctx, c) })
	if err != nil {
		return nil, advised(fmt.Sprintf("the secret %s holds a token of a %s login, and no connection has it: the login was not ended, so the secret was not deleted", name, c.Provider), err)
	}
	e.dealtWith(ctx, c, left)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	if err := e.secret(ctx, x, slug, name); err != nil {
		return left, err
	}
	return left, e.Tenants.CountOrphan(ctx, x.ID, left != nil)
}
