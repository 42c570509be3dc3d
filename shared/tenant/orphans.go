package tenant

import (
	"context"
	"fmt"
	"slices"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// orphans ends the logins whose token is in a secret of which the database tells nothing, as after a restore:
// the connection is gone, or was disconnected then and has been connected again since. The secrets of gone
// connections are deleted: with them the last trace of the logins goes. One that cannot be ended stays, and does
// not keep the others from it.
func (e *Eraser) orphans(ctx context.Context, x Erasure, slug org.Slug) (kept []Left, err error) {
	lone, err := e.lone(ctx, x, slug)
	var errs []error
	for _, o := range lone {
		left, err := e.orphan(ctx, x, slug, o)
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
	if err != nil {
		errs = append(errs, err)
	}
	return kept, joined(errs)
}

// lone returns the logins of which only a secret tells.
func (e *Eraser) lone(ctx context.Context, x Erasure, slug org.Slug) (lone []Left, err error) {
	all, err := e.Tenants.Connections(ctx, slug)
	if err != nil {
		return nil, err
	}
	done, err := e.Tenants.DealtWith(ctx, x.ID)
	if err != nil {
		return nil, err
	}
	names, err := e.Secrets.Of(ctx, slug, all)
	if err != nil {
		return nil, fmt.Errorf("look for secrets: %w", err)
	}
	for _, name := range names {
		c, there, err := e.Secrets.Login(ctx, name)
		if err != nil {
			return lone, fmt.Errorf("look at the secret %s: %w", name, err)
		}
		if !there || slices.Contains(done, c.ID) {
			continue
		}
		if at := slices.IndexFunc(all, func(k org.Connection) bool { return k.ID == c.ID && k.Provider == c.Provider }); at >= 0 {
			c = all[at]
		}
		lone = append(lone, Left{Connection: c, Secret: name})
	}
	return lone, nil
}

// orphan ends one, or leaves it where it is. It is counted before its secret goes: a start that is killed in between
// leaves neither out, and does not count it twice.
func (e *Eraser) orphan(ctx context.Context, x Erasure, slug org.Slug, o Left) (left *Left, err error) {
	left, err = e.end(ctx, o, func(ctx context.Context, ender Ender) error { return ender.RevokeOrphan(ctx, o.Connection) })
	if err != nil {
		return nil, advised(fmt.Sprintf("the secret %s holds a token of a %s login of which the database tells nothing: the login was not ended, so the secret was not deleted", o.Secret, o.Provider), err)
	}
	e.dealtWith(ctx, o.Connection, left)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	if err := e.Tenants.CountOrphan(ctx, x.ID, o.ID, left != nil); err != nil {
		return left, err
	}
	return left, e.secret(ctx, x, slug, o.Secret)
}
