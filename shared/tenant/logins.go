package tenant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// How long things last.
const (
	endLimit  = 90 * time.Second // for a provider to end a login
	leaseLife = 2 * time.Minute  // more than that takes
	noteLimit = 20 * time.Second // for writing down what a provider has done
	waitTold  = 30 * time.Second // between two words about a sync that is waited for
)

// logins ends all logins, or leaves them where they are. One that cannot be ended does not keep the others
// from it.
func (e *Eraser) logins(ctx context.Context, x Erasure, slug org.Slug) (kept []Left, err error) {
	all, err := e.Tenants.Logins(ctx, slug)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, c := range all {
		switch left, err := e.login(ctx, x, c); {
		case left != nil:
			kept = append(kept, *left)
		case ctx.Err() != nil:
			return kept, fault.Wrap(fault.Stopped, "stopped before all logins were ended", ctx.Err())
		case err != nil:
			errs = append(errs, err)
		}
	}
	return kept, joined(errs)
}

// login ends one, or leaves it where it is.
func (e *Eraser) login(ctx context.Context, x Erasure, c org.Connection) (left *Left, err error) {
	l, err := e.hold(ctx, c)
	if fault.Is(err, fault.NotFound) { // somebody was at it, and has ended it
		return nil, nil //nolint:nilnil // nothing is left
	}
	if err != nil {
		return nil, err
	}
	left, err = e.end(ctx, Left{Connection: c}, func(ctx context.Context, ender Ender) error { return ender.Revoke(ctx, c, l) })
	if err != nil {
		e.abandon(ctx, l)
		return nil, explained(c, err)
	}
	// What the provider has done is noted, stop or no stop: a second time it would be asked in vain.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	if err := e.Tenants.EndLogin(ctx, x.ID, l, left != nil); err != nil {
		return nil, err
	}
	e.dealtWith(ctx, c, left)
	return left, nil
}

// end has the provider end a login, unless it is to be kept, and returns it where it was left.
func (e *Eraser) end(ctx context.Context, login Left, revoke func(context.Context, Ender) error) (left *Left, err error) {
	if e.KeepLogins {
		return &login, nil
	}
	ender := e.Enders[login.Provider]
	if ender == nil {
		err = fault.New(fault.Forbidden, fmt.Sprintf("this program has no app of the provider %s: its settings are missing", login.Provider))
	} else {
		ctx, cancel := context.WithTimeout(ctx, endLimit)
		defer cancel()
		err = revoke(ctx, ender)
	}
	if errors.Is(err, ErrNoToken) || errors.Is(err, ErrInUse) {
		login.NoToken, login.InUse = errors.Is(err, ErrNoToken), errors.Is(err, ErrInUse)
		return &login, nil
	}
	if err != nil {
		e.Log.WarnContext(ctx, "login not ended", "event", "login_not_ended", "org", string(login.Org), "provider", string(login.Provider),
			"connection", int64(login.ID), "kind", string(fault.Of(err)), "err", err.Error())
	}
	return nil, err
}

func (e *Eraser) dealtWith(ctx context.Context, c org.Connection, left *Left) {
	event, noToken := "login_ended", false
	if left != nil {
		event, noToken = "login_kept", left.NoToken
	}
	e.Log.InfoContext(ctx, "login dealt with", "event", event, "org", string(c.Org), "provider", string(c.Provider), "connection", int64(c.ID), "account", c.Account, "no_token", noToken)
}

// hold waits for a sync that is at work: ended half-way it could lose the token that ends the login. None
// begins any more, so that it takes as long as one run at most.
func (e *Eraser) hold(ctx context.Context, c org.Connection) (org.Lease, error) {
	enough := time.NewTimer(e.Patience)
	defer enough.Stop()
	tell := time.NewTicker(waitTold)
	defer tell.Stop()
	for waits := false; ; waits = true {
		l, ok, err := e.Tenants.HoldLogin(ctx, c.ID, e.Holder, leaseLife)
		if ok || err != nil {
			return l, err
		}
		if !waits {
			e.waiting(ctx, c)
		}
		select {
		case <-time.After(e.Poll):
		case <-tell.C:
			e.waiting(ctx, c)
		case <-enough.C:
			return l, fault.New(fault.Conflict, fmt.Sprintf("connection %s: a sync is still at work after %s: start erase again in some minutes, and it goes on", c.ID, e.Patience))
		case <-ctx.Done():
			return l, ctx.Err()
		}
	}
}

func (e *Eraser) waiting(ctx context.Context, c org.Connection) {
	e.Log.InfoContext(ctx, "waiting for a sync that is at work", "event", "erase_waits", "org", string(c.Org), "connection", int64(c.ID))
}

// abandon gives a lease back: the next start need not wait for its end.
func (e *Eraser) abandon(ctx context.Context, l org.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	if _, err := e.Tenants.Abandon(ctx, l); err != nil {
		e.Log.WarnContext(ctx, "lease not given back: it ends by itself", "connection", int64(l.Connection), "err", err.Error())
	}
}
