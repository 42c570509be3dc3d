package main

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// schedule stands in for Cloud Scheduler: a tick for each organisation at every interval, spread
// evenly over it, so that no two begin together. The first ones come at once.
func (p *platform) schedule(ctx context.Context) {
	all := organisations()
	for _, o := range all {
		p.tick(ctx, org.Tick{Org: o.Slug, Reason: org.Schedule})
	}
	ticker := time.NewTicker(p.interval / time.Duration(len(all)))
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.tick(ctx, org.Tick{Org: all[i%len(all)].Slug, Reason: org.Schedule})
		}
	}
}

// tick asks for a sync, as the scheduler, a webhook or a person would.
func (p *platform) tick(ctx context.Context, t org.Tick) {
	if _, err := p.ticks.Publish(ctx, t.Attributes(), nil); err != nil && ctx.Err() == nil {
		p.log.ErrorContext(ctx, "tick not published", "org", string(t.Org), "err", err)
	}
}
