package webhook

import (
	"context"
	"sync"
	"time"
)

// flood counts deliveries that were put off because too many strangers send some.
type flood struct {
	mu    sync.Mutex
	since time.Time // the log was last told
	n     int       // put off since then
}

// put counts one more, and returns how many to tell of: 0 when the last minute has been told of already.
func (f *flood) put(now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if !f.since.IsZero() && now.Sub(f.since) < time.Minute {
		return 0
	}
	n := f.n
	f.since, f.n = now, 0
	return n
}

// flooded tells the log, once a minute at most, that deliveries are put off: strangers can make us say this.
func (re *Receiver) flooded(ctx context.Context, why error) {
	if n := re.flood.put(time.Now()); n > 0 {
		re.Log.WarnContext(ctx, "webhooks put off: too many are signed with keys that nobody knows", "event", "webhook_keys_flood",
			"provider", string(re.Provider), "count", n, "err", why.Error())
	}
}
