package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// PushOptions of a subscription.
type PushOptions struct {
	Concurrency int           // requests at a time; zero: 8
	MinBackoff  time.Duration // before the second delivery of a message that failed; doubled each time. Zero: 1 s
	MaxBackoff  time.Duration // zero: 1 min
	Timeout     time.Duration // of one request; zero: 600 s, the longest that Pub/Sub allows
	Client      *http.Client  // nil: one that reuses connections
	Log         *slog.Logger  // nil: slog.Default
}

// Push delivers the messages of a subscription to endpoint until ctx ends, as a push subscription
// does: each is POSTed, wrapped in JSON; a 2xx answer settles it, anything else brings it back after
// a while. It counts deliveries, as Pub/Sub does for subscriptions with a dead-letter topic.
//
// It returns nil when ctx has ended: requests that were running then are cancelled. Errors: the
// subscription is gone, the broker is closed.
func (b *Broker) Push(ctx context.Context, project, sub, endpoint string, o PushOptions) error {
	client, err := pubsub.NewClient(context.WithoutCancel(ctx), project, option.WithEndpoint(b.addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return fmt.Errorf("push %s: %w", sub, err)
	}
	defer client.Close()
	o = o.filled()
	p := &pump{o: o, sub: subName(project, sub), endpoint: endpoint, slots: make(chan struct{}, o.Concurrency), failed: map[string]int{}}
	s := client.Subscriber(sub)
	s.ReceiveSettings.MaxOutstandingMessages = 10_000 // those that wait for their next try included
	s.ReceiveSettings.ShutdownOptions = &pubsub.ShutdownOptions{Behavior: pubsub.ShutdownBehaviorNackImmediately, Timeout: time.Second}
	err = s.Receive(ctx, func(_ context.Context, m *pubsub.Message) { p.deliver(ctx, m) })
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("push %s: %w", sub, err)
	}
	return nil
}

func (o PushOptions) filled() PushOptions {
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.MinBackoff <= 0 {
		o.MinBackoff = time.Second
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = time.Minute
	}
	if o.Timeout <= 0 {
		o.Timeout = 600 * time.Second
	}
	if o.Client == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = o.Concurrency
		o.Client = &http.Client{Transport: t}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// pump delivers the messages of one subscription.
type pump struct {
	o        PushOptions
	sub      string
	endpoint string
	slots    chan struct{}

	mu     sync.Mutex
	failed map[string]int // deliveries that failed, by message
}

// deliver tries a message once. A failed one is held until it is due again, then given back.
func (p *pump) deliver(ctx context.Context, m *pubsub.Message) {
	p.mu.Lock()
	attempt := p.failed[m.ID] + 1
	p.mu.Unlock()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		m.Nack()
		return
	}
	err := p.post(ctx, m, attempt)
	<-p.slots
	if err == nil {
		p.mu.Lock()
		delete(p.failed, m.ID)
		p.mu.Unlock()
		m.Ack()
		return
	}
	if ctx.Err() != nil {
		m.Nack()
		return
	}
	p.mu.Lock()
	p.failed[m.ID] = attempt
	p.mu.Unlock()
	wait := p.backoff(attempt)
	p.o.Log.InfoContext(ctx, "message comes back", "subscription", p.sub, "attempt", attempt, "wait", wait, "err", err)
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	m.Nack()
}

// backoff returns how long to wait after the attempt of that number.
func (p *pump) backoff(attempt int) time.Duration {
	d := p.o.MinBackoff
	for ; attempt > 1 && d < p.o.MaxBackoff; attempt-- {
		d *= 2
	}
	return min(d, p.o.MaxBackoff)
}

// post sends a message as Pub/Sub does.
func (p *pump) post(ctx context.Context, m *pubsub.Message, attempt int) error {
	type message struct {
		Attributes  map[string]string `json:"attributes,omitempty"`
		Data        []byte            `json:"data,omitempty"` // base64
		MessageID   string            `json:"messageId"`
		PublishTime time.Time         `json:"publishTime"`
		OrderingKey string            `json:"orderingKey,omitempty"`
	}
	body, err := json.Marshal(struct {
		Message         message `json:"message"`
		Subscription    string  `json:"subscription"`
		DeliveryAttempt int     `json:"deliveryAttempt"`
	}{message{m.Attributes, m.Data, m.ID, m.PublishTime.UTC(), m.OrderingKey}, p.sub, attempt})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "CloudPubSub-Google")
	res, err := p.o.Client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)); err != nil {
		return err
	}
	switch res.StatusCode { // those that Pub/Sub takes for an answer
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return nil
	default:
		return fmt.Errorf("the endpoint answers %s", res.Status)
	}
}
