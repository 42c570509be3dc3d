package app

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// closedIntuit is a provider that is closed for a while and keeps each company to its limits.
type closedIntuit struct {
	from, to time.Time
	mu       sync.Mutex
	arrived  map[org.ConnectionID][]time.Time
	seconds  map[int64]int // calls of all companies
	refused  int
}

// call is one call of a company, which takes 200 ms.
func (c *closedIntuit) call(id org.ConnectionID) error {
	now := time.Now()
	c.mu.Lock()
	c.seconds[now.Unix()]++
	all := append(c.arrived[id], now)
	c.arrived[id] = all
	within := func(d time.Duration) (n int) {
		for i := len(all) - 1; i >= 0 && now.Sub(all[i]) < d; i-- {
			n++
		}
		return n
	}
	tooMany := within(time.Second) > 10 || within(time.Minute) > 500
	if tooMany {
		c.refused++
	}
	c.mu.Unlock()
	<-time.After(200 * time.Millisecond)
	switch {
	case tooMany:
		return fault.New(fault.RateLimited, "too many")
	case !now.Before(c.from) && now.Before(c.to):
		return fault.New(fault.Unavailable, "closed")
	}
	return nil
}

// member is a connection of a fleet.
type member struct {
	id         org.ConnectionID
	due        time.Time
	dispatched time.Time
	current    time.Time // when it was last swept
	busy       bool
	limiter    *httpclient.Limiter
}

// fleet is connections in memory, on the clock of the bubble.
type fleet struct {
	*scheduleInMemory
	intuit  *closedIntuit
	members []*member
	runs    sync.WaitGroup
	most    int // ticks of one second
}

func newFleet(size int, intuit *closedIntuit) *fleet {
	f := &fleet{scheduleInMemory: newScheduleInMemory(), intuit: intuit}
	f.usage.Connections = size
	for i := range size {
		id := org.ConnectionID(i + 1)
		f.members = append(f.members, &member{id: id, due: schedule.After(id, schedule.Base, time.Now()), limiter: QuickBooksLimiter()})
	}
	return f
}

// Due is as the database has it.
func (f *fleet) Due(_ context.Context, limit int, again time.Duration, publish func([]org.Tick) error) (int, error) {
	now := time.Now()
	var due []*member
	f.mu.Lock()
	for _, m := range f.members {
		if !m.due.After(now) && !m.busy && (m.dispatched.Before(m.due) || now.Sub(m.dispatched) >= again) {
			due = append(due, m)
		}
	}
	slices.SortFunc(due, func(a, b *member) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) })
	due = due[:min(limit, len(due))]
	var ticks []org.Tick
	for _, m := range due {
		m.dispatched = now
		ticks = append(ticks, org.Tick{Org: "onpoint", Connection: m.id, Reason: org.Schedule})
	}
	f.most = max(f.most, len(due))
	f.mu.Unlock()
	return len(due), publish(ticks)
}

// publish has each tick answered at once.
func (f *fleet) publish(ctx context.Context, ticks []org.Tick) error {
	for _, t := range ticks {
		f.runs.Go(func() { f.run(context.WithoutCancel(ctx), f.members[t.Connection-1]) })
	}
	return nil
}

// run is a run of the engine: one call for what has changed, and up to five for what it leads to.
func (f *fleet) run(ctx context.Context, m *member) {
	f.mu.Lock()
	if m.busy {
		f.mu.Unlock()
		return
	}
	m.busy = true
	f.mu.Unlock()
	var err error
	for i := 0; i <= int(m.id%6) && err == nil; i++ {
		err = httpclient.Do(ctx, httpclient.Policy{MaxRetries: 3, Delay: time.Second}, func(ctx context.Context, _ int) error {
			release, err := m.limiter.Wait(ctx)
			if err != nil {
				return err
			}
			defer release()
			return f.intuit.call(m.id)
		})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.busy = false; err == nil { // a run that failed leaves the sweep due
		m.current = time.Now()
		pace := schedule.Next(engine.Pace{}, engine.Swept{}, engine.Allowance{}, m.current)
		m.due = schedule.After(m.id, pace.Every, m.current.Add(10*time.Second))
	}
}

// stale returns how long ago the connection was swept that was swept least lately.
func (f *fleet) stale() (longest time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.members {
		longest = max(longest, time.Since(m.current))
	}
	return longest
}

// TestOutage: QuickBooks is closed for two hours. Then all of 200 companies are current again within
// six minutes, no company's calls were refused for being too many, and there was no herd.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		intuit := &closedIntuit{arrived: map[org.ConnectionID][]time.Time{}, seconds: map[int64]int{},
			from: began.Add(10 * time.Minute), to: began.Add(130 * time.Minute)}
		f := newFleet(200, intuit)
		d := &dispatcher{store: f, publish: f.publish, log: slog.New(slog.DiscardHandler), window: 55 * time.Second, rate: 100, interval: schedule.Base}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		current := time.Duration(0) // how long after the outage all were
		for minute := range 145 {
			if _, err := d.send(ctx, nil); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Until(began.Add(time.Duration(minute+1) * time.Minute)))
			after := time.Since(intuit.to)
			if stale := f.stale(); current == 0 && after > 0 && stale < after {
				current = after
			} else if (after < -2*time.Hour && minute > 3 || current > 0) && stale > schedule.Base+30*time.Second {
				t.Errorf("minute %d: a connection was swept %s ago", minute+1, stale)
			}
		}
		f.runs.Wait()
		if current == 0 || current > 2*schedule.Base {
			t.Errorf("all are current again %s after the outage", current)
		}
		if most := slices.Max(slices.Collect(maps.Values(intuit.seconds))); intuit.refused > 0 || f.most > 3 || most > 40 {
			t.Errorf("%d calls refused, up to %d ticks and %d calls a second; want 0, at most 3 and 40", intuit.refused, f.most, most)
		}
	})
}
