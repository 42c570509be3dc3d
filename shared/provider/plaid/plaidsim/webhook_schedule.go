package plaidsim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"time"
)

const (
	answerWithin = 10 * time.Second
	firstRetry   = 30 * time.Second // each next wait is four times as long
	giveUpAfter  = 24 * time.Hour   // since the first attempt

	// An endpoint that refused more than nine in ten of a day's webhooks gets no retries. Plaid does not
	// say of how many; below fewToJudge nothing is concluded.
	fewToJudge = 20
)

// delivery is a webhook on its way.
type delivery struct {
	Webhook
	token    string // of the first attempt
	attempts int
	first    time.Time // of the attempts
	due      time.Time
	accepted bool
	again    bool // sent once before: nobody is told of it again
}

// Delivery tells what a call of Deliver did.
type Delivery struct {
	Accepted int       // webhooks
	Failed   int       // attempts
	Next     time.Time // when something is due; zero: nothing waits
}

// Deliver sends what is due by the server's clock, and gives what happened. What the endpoint does not
// answer with 200 within ten seconds is sent again after 30 s, then after four times as long each time
// (2 min, 8 min, 32 min, 2 h, 8½ h), and dropped after a day.
//
// Errors: that of ctx when it ends. An endpoint that fails is no error.
func (w *Webhooks) Deliver(ctx context.Context) (Delivery, error) {
	w.sending.Lock()
	defer w.sending.Unlock()
	var rep Delivery
	for ctx.Err() == nil {
		d := w.pick()
		if d == nil {
			break
		}
		accepted := w.send(ctx, d)
		if ctx.Err() != nil {
			break // nobody can say what the endpoint made of it: it comes again
		}
		if accepted {
			rep.Accepted++
		} else {
			rep.Failed++
		}
		w.settle(d, accepted)
	}
	rep.Next = w.outlook()
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

func (w *Webhooks) now() time.Time { return w.server.cfg.Now() }

// pick gives the first webhook that is due, nil when none is. It stays in the queue until it is settled.
func (w *Webhooks) pick() *delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if at := slices.IndexFunc(w.waiting, func(d *delivery) bool { return !d.due.After(now) }); at >= 0 {
		return w.waiting[at]
	}
	return nil
}

// send makes one attempt.
func (w *Webhooks) send(ctx context.Context, d *delivery) bool {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	body, token := w.prepare(d)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Plaid-Webhook-Simulator")
	if token != "" {
		r.Header.Set("Plaid-Verification", token)
	}
	res, err := w.client.Do(r)
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
	w.waiting = slices.DeleteFunc(w.waiting, func(other *delivery) bool { return other == d })
	if d.attempts == 0 {
		d.first = now
		w.recent = append(w.recent, d)
	}
	d.attempts++
	d.accepted = accepted
	if accepted {
		w.accept(d, now)
	} else {
		w.fail(d, now)
	}
	w.mu.Unlock()
	if accepted && !d.again && w.cfg.OnDelivered != nil {
		w.cfg.OnDelivered(d.Webhook, now)
	}
}

func (w *Webhooks) accept(d *delivery, now time.Time) {
	w.stats.Deliveries++
	if !d.again && w.faults.repeats() {
		w.stats.Duplicates++
		w.waiting = append(w.waiting, &delivery{Webhook: d.Webhook, token: d.token, due: now.Add(w.faults.DuplicateAfter), again: true})
	}
}

func (w *Webhooks) fail(d *delivery, now time.Time) {
	w.stats.Failures++
	wait := firstRetry << (2 * (d.attempts - 1)) / time.Duration(w.cfg.Factor)
	if now.Add(wait).Sub(d.first) > w.day() || w.refusesAll(now) {
		w.stats.GivenUp++
		return
	}
	d.due = now.Add(wait)
	w.waiting = append(w.waiting, d)
}

// day is Plaid's, compressed.
func (w *Webhooks) day() time.Duration { return giveUpAfter / time.Duration(w.cfg.Factor) }

// refusesAll reports whether the endpoint refused more than 90 % of the last day's webhooks.
func (w *Webhooks) refusesAll(now time.Time) bool {
	w.recent = slices.DeleteFunc(w.recent, func(d *delivery) bool { return now.Sub(d.first) > w.day() })
	refused := 0
	for _, d := range w.recent {
		if !d.accepted {
			refused++
		}
	}
	return len(w.recent) >= fewToJudge && refused*10 > len(w.recent)*9
}

// outlook gives when something is due.
func (w *Webhooks) outlook() (next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.waiting {
		if next.IsZero() || d.due.Before(next) {
			next = d.due
		}
	}
	return next
}
