// Package broker is Pub/Sub on one machine: a server on loopback that the real Google client talks
// to, and a pump that stands in for push subscriptions. Messages live in memory and are gone with
// the process; some 90 a second are delivered for each subscription.
package broker

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// keep is how many messages the broker remembers before it forgets those that are done with.
const keep = 500

// Broker is a running Pub/Sub.
type Broker struct {
	fake *pstest.Server
	addr string
	grpc *grpc.Server

	publishing sync.RWMutex // held by publishers; forgetting takes it alone, so that it loses nothing
	mu         sync.Mutex
	published  int // since messages were last forgotten
}

// New starts a broker on a free port of 127.0.0.1.
func New() (b *Broker, err error) {
	defer func() {
		if p := recover(); p != nil { // so the library says that it cannot listen
			err = fmt.Errorf("broker: %v", p)
		}
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	b = &Broker{fake: pstest.NewServerWithAddress("127.0.0.1:0"), addr: l.Addr().String(), grpc: grpc.NewServer()}
	// The library's own server would do, if it had a way to forget messages that is safe beside
	// publishers. So it is served once more, with our Publish in front.
	pubsubpb.RegisterPublisherServer(b.grpc, publisher{&b.fake.GServer, b})
	pubsubpb.RegisterSubscriberServer(b.grpc, &b.fake.GServer)
	go b.grpc.Serve(l) //nolint:errcheck // ends with Close
	return b, nil
}

// Addr returns host and port, as PUBSUB_EMULATOR_HOST wants them.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker. Messages that were not delivered are lost.
func (b *Broker) Close() error {
	b.grpc.Stop()
	return b.fake.Close()
}

// CreateTopic makes a topic in a project, unless it is there.
func (b *Broker) CreateTopic(project, topic string) error {
	_, err := b.fake.GServer.CreateTopic(context.Background(), &pubsubpb.Topic{Name: topicName(project, topic)})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return fmt.Errorf("topic %s: %w", topic, err)
	}
	return nil
}

// CreateSubscription subscribes to a topic of the same project, unless it is subscribed already. It
// gets the messages that are published from now on.
func (b *Broker) CreateSubscription(project, topic, sub string) error {
	_, err := b.fake.GServer.CreateSubscription(context.Background(), &pubsubpb.Subscription{Name: subName(project, sub), Topic: topicName(project, topic),
		AckDeadlineSeconds: 600, MessageRetentionDuration: durationpb.New(time.Hour)})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return fmt.Errorf("subscription %s to %s: %w", sub, topic, err)
	}
	return nil
}

// publisher is the library's, with a gate.
type publisher struct {
	*pstest.GServer
	b *Broker
}

func (p publisher) Publish(ctx context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	p.b.mu.Lock()
	p.b.published += len(r.GetMessages())
	full := p.b.published >= keep
	p.b.mu.Unlock()
	if full {
		p.b.forget()
	}
	p.b.publishing.RLock()
	defer p.b.publishing.RUnlock()
	return p.GServer.Publish(ctx, r)
}

// forget drops all messages, unless one is still to be delivered. The library keeps every message
// for ever, which a test likes and a server that runs for days does not.
func (b *Broker) forget() {
	b.publishing.Lock()
	defer b.publishing.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	subs := map[string]int{} // by topic
	for _, m := range b.fake.Messages() {
		n, known := subs[m.Topic]
		if !known {
			r, err := b.fake.GServer.ListTopicSubscriptions(context.Background(), &pubsubpb.ListTopicSubscriptionsRequest{Topic: m.Topic})
			if err == nil { // else the topic is gone
				n = len(r.GetSubscriptions())
			}
			subs[m.Topic] = n
		}
		if m.Acks < n {
			b.published = keep / 2 // look again some messages later
			return
		}
	}
	b.fake.ClearMessages()
	b.published = 0
}

func topicName(project, topic string) string { return "projects/" + project + "/topics/" + topic }
func subName(project, sub string) string     { return "projects/" + project + "/subscriptions/" + sub }
