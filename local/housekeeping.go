package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
)

// How often Cloud Scheduler calls Watch, and starts the daily job.
const (
	watchEvery = 5 * time.Minute
	dailyEvery = 24 * time.Hour
)

// watch has the function Watch look at all connections, again and again. What it finds it logs.
func (p *platform) watch(ctx context.Context) {
	again(ctx, watchEvery, func() {
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/functions/watch/", http.NoBody)
		if err != nil {
			p.log.ErrorContext(ctx, "watch not called", "err", err)
			return
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			if ctx.Err() == nil {
				p.log.ErrorContext(ctx, "watch not called", "err", err)
			}
			return
		}
		answer.Body.Close() // its log says what went wrong
	})
}

// keepHouse runs the daily job once a day.
func (p *platform) keepHouse(ctx context.Context) {
	again(ctx, dailyEvery, func() {
		if err := app.Daily.Run(ctx, nil, append(p.environment(), "LOG_LEVEL=warn"), io.Discard, io.Discard); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "the day's work is not done", "err", err)
		}
	})
}

// again does something at each end of so long a time, until ctx ends.
func again(ctx context.Context, d time.Duration, do func()) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
