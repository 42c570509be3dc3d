package broker

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/platform/queue"
)

func TestMessagesArePushed(t *testing.T) {
	t.Parallel()
	b, c := start(t)
	got := make(chan queue.Message, 1)
	push(t, b, func(_ http.ResponseWriter, r *http.Request) {
		m, err := queue.DecodePush(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v: %v", r.Method, r.Header, err)
		}
		got <- m
	})
	id, err := c.Publisher("ticks").Publish(t.Context(), map[string]string{"org": "onpoint"}, []byte("hi"))
	if err != nil {
		t.Fatal(err)
	}
	m := <-got
	if m.PublishTime.IsZero() {
		t.Error("no publish time")
	}
	m.PublishTime = time.Time{}
	want := queue.Message{ID: id, Attributes: map[string]string{"org": "onpoint"}, Data: []byte("hi"), DeliveryAttempt: 1, Subscription: "projects/demo/subscriptions/sync"}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestRefusedMessageComesBackAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b, c := start(t)
	got := make(chan string, 10)
	push(t, b, func(w http.ResponseWriter, r *http.Request) {
		m, err := queue.DecodePush(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- fmt.Sprint(m.Attributes["org"], m.DeliveryAttempt)
		if m.Attributes["org"] == "onpoint" && m.DeliveryAttempt < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	for _, org := range []string{"onpoint", "powergen"} {
		if _, err := c.Publisher("ticks").Publish(t.Context(), map[string]string{"org": org}, nil); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for range 4 {
		seen[<-got]++
	}
	if diff := cmp.Diff(map[string]int{"onpoint1": 1, "onpoint2": 1, "onpoint3": 1, "powergen1": 1}, seen); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func TestBackoffGrows(t *testing.T) {
	p := &pump{o: PushOptions{}.filled()}
	var got []time.Duration
	for i := 1; i <= 8; i++ {
		got = append(got, p.backoff(i)/time.Second)
	}
	if diff := cmp.Diff([]time.Duration{1, 2, 4, 8, 16, 32, 60, 60}, got); diff != "" {
		t.Errorf("seconds (-want +got):\n%s", diff)
	}
}

func TestMessagesDoneWithAreForgotten(t *testing.T) {
	t.Parallel()
	b, c := start(t)
	publish := func(n int) {
		for range n {
			b.fake.Publish("projects/demo/topics/nobody", []byte("x"), nil) // no subscription: nothing to wait for
		}
	}
	publish(keep)
	id, err := c.Publisher("ticks").Publish(t.Context(), nil, []byte("waiting"))
	if err != nil {
		t.Fatal(err)
	}
	b.forget()
	if b.fake.Message(id) == nil {
		t.Fatal("a message that waits was forgotten")
	}
	done := make(chan struct{})
	push(t, b, func(http.ResponseWriter, *http.Request) { done <- struct{}{} })
	<-done
	for b.fake.Message(id) != nil { // until the acknowledgement is there
		b.forget()
		if t.Context().Err() != nil {
			t.Fatal("nothing is forgotten")
		}
	}
	if n := len(b.fake.Messages()); n != 0 {
		t.Errorf("%d messages are still kept", n)
	}
}

func TestMakingTwiceIsFine(t *testing.T) {
	t.Parallel()
	b, _ := start(t)
	if err := b.CreateTopic("demo", "ticks"); err != nil {
		t.Error(err)
	}
	if err := b.CreateSubscription("demo", "ticks", "sync"); err != nil {
		t.Error(err)
	}
	if err := b.CreateSubscription("demo", "none", "other"); err == nil {
		t.Error("subscribed to a topic that is not there")
	}
}

func start(t *testing.T) (*Broker, *queue.Client) {
	t.Helper()
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	for _, topic := range []string{"ticks", "nobody"} {
		if err := b.CreateTopic("demo", topic); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.CreateSubscription("demo", "ticks", "sync"); err != nil {
		t.Fatal(err)
	}
	c, err := queue.New(t.Context(), queue.Config{Project: "demo", Emulator: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return b, c
}

// push delivers to f until the test ends.
func push(t *testing.T, b *Broker, f http.HandlerFunc) {
	t.Helper()
	srv := httptest.NewServer(f)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Push(ctx, "demo", "sync", srv.URL, PushOptions{MinBackoff: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("push: %v", err)
		}
		srv.Close()
	})
}
