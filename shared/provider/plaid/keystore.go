package plaid

import (
	"context"
	"slices"
	"time"
)

// KeyStore keeps keys outside the process. Its failures cost look-ups and nothing else.
type KeyStore interface {
	Load(ctx context.Context) ([]Key, error)
	Save(ctx context.Context, k Key) error // with Public, under its ID; over what was there
}

const (
	loadEvery = 3 * time.Second // at most, however many unknown keys come
	storeTime = time.Second     // that the store may take: Plaid waits
)

// reload takes over what other processes have learned, where kid is not to be had in this one. All who come
// meanwhile wait, so that none is taken for unknown before the store was asked.
func (r *keyring) reload(ctx context.Context, kid string) {
	if r.store == nil || r.settled(kid) {
		return
	}
	r.loading.Lock()
	defer r.loading.Unlock()
	if now := r.now(); r.loaded.IsZero() || now.Sub(r.loaded).Abs() >= loadEvery {
		r.loaded = now
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
		defer cancel()
		if keys, err := r.store.Load(ctx); err == nil {
			r.merge(keys)
		}
	}
}

// settled reports whether kid needs no store.
func (r *keyring) settled(kid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, seen := r.known[kid]
	now := r.now()
	return seen && (k.key.Expired || now.Before(k.until)) || now.Before(r.absent[kid])
}

// merge takes over keys, the oldest first, as if they had been looked up when they were. Of what is known here already
// only a later word counts.
func (r *keyring) merge(keys []Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	slices.SortStableFunc(keys, func(a, b Key) int { return a.Seen.Compare(b.Seen) })
	for _, key := range keys {
		if key.Seen.After(now) { // by another clock
			key.Seen = now
		}
		if old, seen := r.known[key.ID]; !seen || key.Expired || !old.key.Expired && key.Seen.After(old.key.Seen) {
			r.learn(key.ID, key, now)
			delete(r.absent, key.ID)
		}
	}
}

// save keeps a key for the other processes. One that Plaid no longer has is kept as never confirmed, so that each asks again.
func (r *keyring) save(ctx context.Context, key Key) {
	if r.store == nil || key.Public == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	r.store.Save(ctx, key) //nolint:errcheck // best effort: another process looks it up itself
}
