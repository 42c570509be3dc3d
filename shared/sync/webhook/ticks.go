package webhook

import (
	"context"
	"sync"

	"github.com/countinghouse/countinghouse/shared/org"
)

// tick asks for a sync of each connection, once, and returns how many were asked for. A tick that
// could not be sent is no failure: the events are open, and the next scheduled tick takes them.
func (re *Receiver) tick(ctx context.Context, connections []org.Connection) (sent int) {
	ctx, cancel := context.WithTimeout(ctx, re.Limits.Ticks)
	defer cancel()
	asked := map[org.ConnectionID]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, c := range once(connections) {
		all.Go(func() {
			err := re.Ticks.Tick(ctx, org.Tick{Org: c.Org, Connection: c.ID, Reason: org.Webhook})
			mu.Lock()
			defer mu.Unlock()
			asked[c.ID] = err
		})
	}
	all.Wait()
	var failed error
	for _, err := range asked {
		if err != nil {
			failed = err
		} else {
			sent++
		}
	}
	if failed != nil {
		re.Log.ErrorContext(ctx, "webhook's ticks not sent: the next scheduled ones take its events", "event", "webhook_tick_failed",
			"provider", string(re.Provider), "failed", len(asked)-sent, "err", failed.Error())
	}
	return sent
}

// once returns the connections without those that were there already.
func once(connections []org.Connection) (out []org.Connection) {
	seen := map[org.ConnectionID]bool{}
	for _, c := range connections {
		if !seen[c.ID] {
			seen[c.ID] = true
			out = append(out, c)
		}
	}
	return out
}
