package qbosim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// retryAfter is how long Intuit waits after each failure; the last one goes on for ever.
var retryAfter = []time.Duration{
	0, 10 * time.Second, 20 * time.Second, 30 * time.Second, 5 * time.Minute, 20 * time.Minute, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour,
}

const (
	answerWithin = 3 * time.Second
	disableAfter = 3 * 24 * time.Hour // of one delivery failing
	busyFor      = 15 * time.Second   // Run looks again at an endpoint that is out with Intuit
)

// delivery is events that are sent together.
type delivery struct {
	events   []Event
	raw      []byte
	id       string
	attempts int
	first    time.Time // of the attempts
	due      time.Time
	again    bool // sent once before: nobody is told of its events again
}

// Delivery tells what a call of Deliver did.
type Delivery struct {
	Accepted int       // deliveries
	Events   int       // in them
	Failed   int       // attempts
	Blocked  int       // events that wait behind a delivery that is retried
	Next     time.Time // when something is due; zero: nothing waits
}

// Deliver sends what is due by the server's clock, and gives what happened. What the endpoint does not
// answer with 200 within three seconds is sent again: at once, after 10 s, 20 s, 30 s, 5 min, 20 min,
// 2 h, 4 h, 6 h, and then every 6 h. All later events wait behind it; after three days the endpoint is
// disabled and everything for it is lost.
//
// Errors: that of ctx when it ends. An endpoint that fails is no error.
func (w *Webhooks) Deliver(ctx context.Context) (Delivery, error) {
	w.sending.Lock()
	defer w.sending.Unlock()
	var rep Delivery
	for ctx.Err() == nil {
		d := w.take()
		if d == nil {
			break
		}
		accepted := w.send(ctx, d)
		if ctx.Err() != nil {
			break // nobody can say what the endpoint made of it: it comes again
		}
		if accepted {
			rep.Accepted++
			rep.Events += len(d.events)
		} else {
			rep.Failed++
		}
		w.settle(d, accepted)
	}
	rep.Blocked, rep.Next = w.outlook()
	return rep, ctx.Err()
}

// Run delivers as time goes by, until ctx ends.
//
// Errors: that of ctx.
func (w *Webhooks) Run(ctx context.Context) error {
	for {
		rep, err := w.Deliver(ctx)
		if err != nil {
			return err
		}
		if err := w.wait(ctx, rep.Next); err != nil {
			return err
		}
	}
}

// wait ends when something is due, or news has come. Due may be zero: nothing waits.
func (w *Webhooks) wait(ctx context.Context, due time.Time) error {
	var over <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(max(time.Millisecond, due.Sub(w.now())))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
	case <-w.news:
	}
	return nil
}

// take gives the delivery that is due, nil when none is.
func (w *Webhooks) take() *delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if w.disabled || w.out(now) {
		return nil
	}
	if w.current == nil {
		w.current = w.next(now)
	}
	if w.current == nil || w.current.due.After(now) {
		return nil
	}
	return w.current
}

// next makes the next delivery: one that is repeated, or of the events that have waited long enough.
func (w *Webhooks) next(now time.Time) *delivery {
	for i, d := range w.later {
		if !d.due.After(now) {
			w.later = append(w.later[:i:i], w.later[i+1:]...)
			return d
		}
	}
	if len(w.waiting) == 0 || w.gathered().After(now) {
		return nil
	}
	n := min(len(w.waiting), w.cfg.MaxEvents)
	if w.faults.Split > 0 {
		n = min(n, w.faults.Split)
	}
	events := w.waiting[:n:n]
	w.waiting = w.waiting[n:]
	if len(w.waiting) == 0 {
		w.waiting = nil // or the array would only grow
	}
	return &delivery{events: events, raw: body(w.cfg.Format, events), id: "whk-" + events[0].ID, due: now}
}

// gathered is when the oldest event has waited long enough.
func (w *Webhooks) gathered() time.Time {
	oldest := w.waiting[0].At
	for _, e := range w.waiting {
		if e.At.Before(oldest) {
			oldest = e.At
		}
	}
	return oldest.Add(w.cfg.Aggregate)
}

// send makes one attempt.
func (w *Webhooks) send(ctx context.Context, d *delivery) bool {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(d.raw))
	if err != nil {
		return false
	}
	w.sign(r, d.raw, fmt.Sprintf("%s-%d", d.id, d.attempts), w.now())
	res, err := w.cfg.Client.Do(r)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)); err != nil {
		return false
	}
	return res.StatusCode == http.StatusOK
}

// settle notes how an attempt went.
func (w *Webhooks) settle(d *delivery, accepted bool) {
	now := w.now()
	w.mu.Lock()
	w.stats.Attempts++
	if accepted {
		w.accept(d, now)
	} else {
		w.fail(d, now)
	}
	w.mu.Unlock()
	if accepted && !d.again && w.cfg.OnDelivered != nil {
		for _, e := range d.events {
			w.cfg.OnDelivered(e, now)
		}
	}
}

func (w *Webhooks) accept(d *delivery, now time.Time) {
	w.current = nil
	w.stats.Deliveries++
	w.stats.Delivered += len(d.events)
	if !d.again && w.faults.repeats() {
		w.stats.Duplicates++
		w.later = append(w.later, &delivery{events: d.events, raw: d.raw, id: d.id, due: now.Add(w.faults.DuplicateAfter), again: true})
	}
}

func (w *Webhooks) fail(d *delivery, now time.Time) {
	w.stats.Failures++
	if d.attempts == 0 {
		d.first = now
	}
	d.due = now.Add(retryAfter[min(d.attempts, len(retryAfter)-1)])
	d.attempts++
	if len(w.waiting) > 0 {
		w.stats.Blocked++
	}
	if now.Sub(d.first) < disableAfter {
		return
	}
	w.disabled = true
	w.stats.Disabled++
	w.stats.Lost += len(d.events) + len(w.waiting)
	w.current, w.waiting, w.later = nil, nil, nil
}

// outlook gives how many events wait behind a delivery that is retried, and when something is due.
func (w *Webhooks) outlook() (blocked int, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.disabled {
		return 0, time.Time{}
	}
	if w.current != nil {
		blocked, next = len(w.waiting), w.current.due
	} else if len(w.waiting) > 0 {
		next = w.gathered()
	}
	for _, d := range w.later {
		if w.current == nil && (next.IsZero() || d.due.Before(next)) {
			next = d.due
		}
	}
	if now := w.now(); !next.IsZero() && w.out(now) {
		next = now.Add(busyFor)
	}
	return blocked, next
}
