package plaid

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const (
	keyLife    = 24 * time.Hour  // after which a key is looked up again
	absentLife = 5 * time.Minute // for which a key that Plaid does not have is not asked for again
	lookupTime = 8 * time.Second // that a look-up may take: Plaid waits ten for the answer to its webhook
	maxLookups = 30              // a minute, of unknown keys, and the same of known ones
	maxKeys    = 64              // that are kept: Plaid has a handful
	maxAbsent  = 1024            // that are remembered as absent
)

// keyring keeps the keys of webhooks.
//
// Look-ups of unknown keys are counted apart from those of known ones, so whoever invents keys cannot shut out what is
// known here or in the store. A key that Plaid has only just made has no such protection: while there is a flood its first
// look-up competes with those of invented ones, and Plaid sends its webhooks again.
type keyring struct {
	look func(ctx context.Context, kid string) (Key, error)
	now  func() time.Time

	store   KeyStore // nil: none
	loading sync.Mutex
	loaded  time.Time // the store was last asked; guarded by loading

	mu      sync.Mutex
	known   map[string]known
	absent  map[string]time.Time // until when
	flights map[string]*flight
	first   allowance // look-ups of keys never seen
	again   allowance // and of known ones
}

// known is a key that Plaid had.
type known struct {
	key   Key
	until time.Time // from then on it is looked up again: nobody says when keys are withdrawn
}

// flight is a look-up that is under way. All who want that key wait for the same.
type flight struct {
	done chan struct{}
	key  Key
	err  error
}

// allowance counts the look-ups of the current minute.
type allowance struct {
	from time.Time
	n    int
}

// take counts one more, or says how long to wait.
func (a *allowance) take(now time.Time) (wait time.Duration) {
	if past := now.Sub(a.from); past < 0 || past >= time.Minute {
		*a = allowance{from: now}
	}
	if a.n >= maxLookups {
		return a.from.Add(time.Minute).Sub(now)
	}
	a.n++
	return 0
}

func newKeyring(look func(context.Context, string) (Key, error), now func() time.Time) *keyring {
	return &keyring{look: look, now: now, known: map[string]known{}, absent: map[string]time.Time{}, flights: map[string]*flight{}}
}

// get returns the key kid. Errors: fault.Forbidden: Plaid does not have it; fault.Unavailable: that can't be told now;
// fault.Stopped: ctx ended.
func (r *keyring) get(ctx context.Context, kid string) (Key, error) {
	r.reload(ctx, kid)
	key, f, lead, err := r.enter(kid)
	if err != nil || f == nil {
		return key, err
	}
	if lead { // its end is not the caller's: others wait for it too
		r.fly(context.WithoutCancel(ctx), kid, f)
	}
	select {
	case <-f.done:
		return f.key, f.err
	case <-ctx.Done():
		return Key{}, fault.Wrap(fault.Stopped, "stopped while a webhook's key was looked up", ctx.Err())
	}
}

// enter returns the key, or why there is none, or the look-up to wait for: the caller's own when lead is true.
func (r *keyring) enter(kid string) (key Key, f *flight, lead bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	k, seen := r.known[kid]
	if seen && (k.key.Expired || now.Before(k.until)) { // what is withdrawn stays so
		return k.key, nil, false, nil
	}
	if now.Before(r.absent[kid]) {
		return Key{}, nil, false, errAbsent()
	}
	if f := r.flights[kid]; f != nil {
		return Key{}, f, false, nil
	}
	count := &r.first
	if seen {
		count = &r.again
	}
	if wait := count.take(now); wait > 0 {
		return Key{}, nil, false, &fault.Error{Kind: fault.Unavailable, After: wait, Msg: "too many webhooks with unknown keys: this one's is not looked up now", Err: errFlood}
	}
	f = &flight{done: make(chan struct{})}
	r.flights[kid] = f
	return Key{}, f, true, nil
}

// fly looks up kid and tells all who wait.
func (r *keyring) fly(ctx context.Context, kid string, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	f.err = fault.New(fault.Internal, "the look-up of a webhook's key broke off") // unless it comes to its end
	defer func() {
		r.mu.Lock()
		gone := r.known[kid].key
		r.keep(kid, f)
		delete(r.flights, kid)
		close(f.done)
		r.mu.Unlock()
		switch gone.Seen = (time.Time{}); { // not the callers' matter any more
		case f.err == nil:
			r.save(context.WithoutCancel(ctx), f.key)
		case fault.Is(f.err, fault.Forbidden):
			r.save(context.WithoutCancel(ctx), gone)
		}
	}()
	key, err := r.look(ctx, kid)
	switch {
	case err == nil:
		key.Seen = r.now()
		f.key, f.err = key, nil
	case fault.Is(err, fault.NotFound):
		f.err = errAbsent()
	default: // whatever it is, it says nothing about the webhook
		f.err = &fault.Error{Kind: fault.Unavailable, Msg: "a webhook's key can't be looked up", After: fault.After(err), Err: err}
	}
}

// keep remembers what a look-up found. A failure is not remembered.
func (r *keyring) keep(kid string, f *flight) {
	now := r.now()
	switch {
	case f.err == nil:
		r.learn(kid, f.key, now)
	case fault.Is(f.err, fault.Forbidden):
		delete(r.known, kid)
		r.forget(now)
		if len(r.absent) < maxAbsent {
			r.absent[kid] = now.Add(absentLife)
		}
	}
}

// learn keeps a key. A new one that is in use means that Plaid has rotated its keys: the others are looked up again
// when they are next used, so that their withdrawal becomes known.
func (r *keyring) learn(kid string, key Key, now time.Time) {
	if _, seen := r.known[kid]; !seen && !key.Expired {
		for other, k := range r.known {
			if !k.key.Seen.After(key.Seen) {
				k.until = now
				r.known[other] = k
			}
		}
	}
	if len(r.known) >= maxKeys {
		clear(r.known)
	}
	r.known[kid] = known{key: key, until: key.Seen.Add(keyLife)}
}

// forget drops what is absent no longer for sure.
func (r *keyring) forget(now time.Time) {
	for kid, until := range r.absent {
		if !now.Before(until) {
			delete(r.absent, kid)
		}
	}
}

// errFlood marks what was not looked up because of a flood.
var errFlood = errors.New("the look-ups of this minute are used up")

// Flooded reports whether a [Verifier] put a webhook off because too many with unknown keys come.
func Flooded(err error) bool { return errors.Is(err, errFlood) }

func errAbsent() error { return forged("Plaid has no key of that name here") }
