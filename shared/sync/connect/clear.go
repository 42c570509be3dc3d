package connect

import (
	"context"
	"log/slog"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Remains are what attempts to connect have left that died half-way, of all organisations: tokens that
// open accounts which nobody reads, and that may cost money.
type Remains interface {
	leases
	// HoldStale takes the lease of a connection of the provider that is still connecting although nobody
	// is at it any more, and that was not taken so within pause; the one first that was tried longest
	// ago. ok is false when there is none.
	HoldStale(ctx context.Context, p org.Provider, holder string, ttl, pause time.Duration) (c org.Connection, l org.Lease, ok bool, err error)
}

// leases is how a connection is let go of. See [Store].
type leases interface {
	GiveUp(ctx context.Context, l org.Lease, reason string) (noted bool, err error)
	Abandon(ctx context.Context, l org.Lease) (noted bool, err error)
}

// Revoker is the part of a [Provider] that ends a consent.
type Revoker interface {
	Revoke(ctx context.Context, c org.Connection, l org.Lease) error
}

// clearPause keeps what cannot be ended now from being tried twice by one job.
const clearPause = 10 * time.Minute

// Clear ends what attempts to connect have left at a provider. One that cannot be ended stays as it is,
// for the next time, and does not keep the others from it. It returns how many it tried; the error is
// the database's, or that of ctx.
func Clear(ctx context.Context, store Remains, name org.Provider, provider Revoker, holder string, log *slog.Logger) (tried int, err error) {
	for ; ctx.Err() == nil; tried++ {
		c, l, ok, err := store.HoldStale(ctx, name, holder, leaseLife, clearPause)
		if err != nil || !ok {
			return tried, err
		}
		end(ctx, store, provider, log, c, l)
	}
	return tried, ctx.Err()
}

// Unnamed begins the account of an attempt to connect as long as its provider has not named it.
const Unnamed = "unnamed "

// Leftovers are disconnected connections that have a token for all that.
type Leftovers interface {
	leases
	// HoldLeft takes the lease of a connection that is disconnected, and leaves it so. ok is false when it is
	// not, when somebody is at it, and when another connection has its account by now: that one's consent
	// could end with this one's.
	HoldLeft(ctx context.Context, id org.ConnectionID, holder string, ttl time.Duration) (c org.Connection, l org.Lease, ok bool, err error)
}

// ClearLeft ends the consent that a disconnected connection has left at the provider. One that cannot be
// ended now stays as it is. tried is false when it is not to be ended; the error is the database's.
func ClearLeft(ctx context.Context, store Leftovers, id org.ConnectionID, provider Revoker, holder string, log *slog.Logger) (tried bool, err error) {
	c, l, ok, err := store.HoldLeft(ctx, id, holder, leaseLife)
	if err != nil || !ok {
		return false, err
	}
	log.WarnContext(ctx, "a disconnected connection has a token that nobody uses: its consent is ended", "event", "leftover_consent",
		"org", string(c.Org), "provider", string(c.Provider), "connection", int64(c.ID), "account", c.Account)
	end(ctx, store, provider, log, c, l)
	return true, nil
}

// end ends a consent that nobody uses, and its connection; when the provider cannot do so now, the
// connection stays as it is. noted reports whether a tick came for it.
func end(ctx context.Context, store leases, provider Revoker, log *slog.Logger, c org.Connection, l org.Lease) (noted bool) {
	own, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	if err := provider.Revoke(own, c, l); err != nil {
		log.WarnContext(ctx, "consent not revoked: jobs/daily tries again", "event", "consent_not_revoked",
			"org", string(c.Org), "connection", int64(c.ID), "err", err.Error())
		return abandon(ctx, store, log, l)
	}
	ctx, cancelNote := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancelNote()
	noted, err := store.GiveUp(ctx, l, "connecting was not finished")
	if err != nil {
		log.WarnContext(ctx, "lease not given back: it ends by itself", "connection", int64(c.ID), "err", err.Error())
	}
	return noted
}

// abandon gives a lease back and leaves its connection as it is.
func abandon(ctx context.Context, store leases, log *slog.Logger, l org.Lease) (noted bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	noted, err := store.Abandon(ctx, l)
	if err != nil {
		log.WarnContext(ctx, "lease not given back: it ends by itself", "connection", int64(l.Connection), "err", err.Error())
	}
	return noted
}
