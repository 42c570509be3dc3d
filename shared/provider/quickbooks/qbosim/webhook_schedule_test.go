package qbosim_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestRetrySchedule is Intuit's: everything waits behind what is not accepted.
func TestRetrySchedule(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t, 5), newEndpoint(t)
	e.answer = func(n int) int { return []int{500, 202, 400, 503, 301, 404, 500, 500, 500, 500, 200}[min(n-1, 10)] }
	var delivered []time.Duration
	start := w.clock.Now()
	hooks := w.sim.Webhooks(qbosim.WebhookConfig{URL: e.url, Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		OnDelivered: func(_ qbosim.Event, at time.Time) { delivered = append(delivered, at.Sub(start)) }})
	w.create("Term", `{"Name":"first"}`)
	rep := w.deliver(hooks) // the first retry is at once
	if len(e.bodies) != 2 || rep.Failed != 2 {
		t.Fatalf("%d attempts: %+v", len(e.bodies), rep)
	}
	w.create("Term", `{"Name":"second"}`)
	for _, wait := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 5 * time.Minute, 20 * time.Minute, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 6 * time.Hour} {
		n := len(e.bodies)
		if rep := w.deliver(hooks); rep.Next != w.clock.Now().Add(wait) || rep.Blocked != 1 || len(e.bodies) != n {
			t.Fatalf("attempt %d: %+v, want one in %v", n+1, rep, wait)
		}
		w.clock.advance(wait - time.Second)
		w.deliver(hooks)
		if len(e.bodies) != n {
			t.Fatalf("attempt %d came early", n+1)
		}
		w.clock.advance(time.Second)
		w.deliver(hooks)
	}
	if len(e.bodies) != 12 || len(delivered) != 2 || delivered[0] != delivered[1] {
		t.Errorf("%d attempts, delivered after %v", len(e.bodies), delivered)
	}
	for i, body := range e.bodies[:11] {
		if body != e.bodies[0] {
			t.Errorf("attempt %d has another body", i+1)
		}
	}
	if st := hooks.Stats(); st.Attempts != 12 || st.Failures != 10 || st.Deliveries != 2 || st.Blocked == 0 {
		t.Errorf("%+v", st)
	}
}

// TestSlowEndpoint: three seconds, and not one more.
func TestSlowEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := qbosim.New(qbosim.Config{})
		company := sim.AddCompany(spec(5))
		sim.IssueTokens(realm)
		slow := make(chan struct{})
		n := 0
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if n++; n == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			close(slow)
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})}
		hooks := sim.Webhooks(qbosim.WebhookConfig{URL: "http://app.example", Client: client})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- hooks.Run(ctx) }()
		synctest.Wait()
		start := time.Now()
		if _, err := company.Create("Term", `{"Name":"x"}`); err != nil {
			t.Fatal(err)
		}
		<-slow
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("the second attempt came after %v", took)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRunPumps: in real time, gathered and repeated.
func TestRunPumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := qbosim.New(qbosim.Config{})
		company := sim.AddCompany(spec(5))
		sim.IssueTokens(realm)
		start := time.Now()
		var at []time.Duration
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			at = append(at, time.Since(start))
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})}
		hooks := sim.Webhooks(qbosim.WebhookConfig{URL: "http://app.example", Client: client, Aggregate: time.Minute,
			Faults: qbosim.WebhookFaults{DuplicateEvery: 1, DuplicateAfter: time.Hour}})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		for _, name := range []string{"a", "b", "c"} {
			if _, err := company.Create("Term", `{"Name":"`+name+`"}`); err != nil {
				t.Fatal(err)
			}
		}
		if err := hooks.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if !slices.Equal(at, []time.Duration{time.Minute, time.Hour + time.Minute}) {
			t.Errorf("sent at %v", at)
		}
	})
}

// TestDisabled: an endpoint that fails for three days is cut off until somebody looks at it.
func TestDisabled(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t, 5), newEndpoint(t)
	e.answer = func(int) int { return 500 }
	hooks := w.sim.Webhooks(qbosim.WebhookConfig{URL: e.url})
	w.create("Term", `{"Name":"a"}`)
	w.create("Term", `{"Name":"b"}`)
	for rep := w.deliver(hooks); !rep.Next.IsZero(); rep = w.deliver(hooks) {
		w.clock.advance(rep.Next.Sub(w.clock.Now()))
	}
	if down := w.clock.Now().Sub(newClock().Now()); down < 3*24*time.Hour || down > 3*24*time.Hour+6*time.Hour {
		t.Errorf("disabled after %v", down)
	}
	w.create("Term", `{"Name":"c"}`)
	if st := hooks.Stats(); st.Disabled != 1 || st.Lost != 3 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
	e.answer = nil
	hooks.Enable()
	w.create("Term", `{"Name":"d"}`)
	if rep := w.deliver(hooks); rep.Accepted != 1 || rep.Events != 1 {
		t.Errorf("%+v", rep)
	}
}

// TestWebhookFaults: duplicated, split, lost and out of order, and always the same for one seed.
func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	run := func(f qbosim.WebhookFaults) (*endpoint, []told, qbosim.WebhookStats) {
		w, e := newWorld(t, 5), newEndpoint(t)
		hooks := w.sim.Webhooks(qbosim.WebhookConfig{URL: e.url, Aggregate: time.Second, Faults: f})
		for i := range 60 {
			w.create("Term", `{"Name":"`+time.Duration(i).String()+`"}`)
		}
		w.clock.advance(time.Second)
		w.deliver(hooks)
		w.clock.advance(time.Hour)
		w.deliver(hooks)
		var events []told
		for _, body := range e.bodies {
			events = append(events, w.told(body)...)
		}
		return e, events, hooks.Stats()
	}
	_, plain, _ := run(qbosim.WebhookFaults{})
	if len(plain) != 60 || distinct(plain) != 60 {
		t.Fatalf("%d events, %d of them distinct", len(plain), distinct(plain))
	}
	e, events, st := run(qbosim.WebhookFaults{Split: 7, DuplicateEvery: 3, DuplicateAfter: time.Minute})
	if len(e.bodies) != 12 || len(events) != 78 || distinct(events) != 60 || st.Duplicates != 3 {
		t.Errorf("%d deliveries, %d events, %d distinct, %+v", len(e.bodies), len(events), distinct(events), st)
	}
	if _, events, st := run(qbosim.WebhookFaults{LoseEvery: 10}); len(events) != 54 || st.Lost != 6 || st.Events != 60 {
		t.Errorf("%d events of 60, %+v", len(events), st)
	}
	if _, events, st := run(qbosim.WebhookFaults{LosePerMille: 250, Seed: 3}); len(events)+st.Lost != 60 || st.Lost < 5 || st.Lost > 30 {
		t.Errorf("%d events of 60, %+v", len(events), st)
	}
	_, mixed, _ := run(qbosim.WebhookFaults{Reorder: 4, Seed: 1})
	_, again, _ := run(qbosim.WebhookFaults{Reorder: 4, Seed: 1})
	if slices.Equal(mixed, plain) || distinct(mixed) != 60 || !slices.Equal(mixed, again) {
		t.Error("the order is the right one, or another each time")
	}
	for i, event := range mixed {
		if place := slices.Index(plain, event); place-i > 4 {
			t.Errorf("event %d overtook %d others", place, place-i)
		}
	}
}

func distinct(events []told) int {
	seen := map[string]bool{}
	for _, e := range events {
		seen[e.event] = true
	}
	return len(seen)
}
