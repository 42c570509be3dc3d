// Package queue publishes messages to Pub/Sub and reads those that Pub/Sub pushes to us.
package queue

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"go.opentelemetry.io/otel/attribute"
	otel "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
)

// Config says where Pub/Sub is; config.Load fills it.
type Config struct {
	Project  string `env:"GOOGLE_CLOUD_PROJECT,required" help:"the project of the topics"`
	Emulator string `env:"PUBSUB_EMULATOR_HOST" set:"local" help:"host:port of a local stand-in"`
}

// Client publishes. One a process is enough: it is safe for concurrent use.
type Client struct {
	client *pubsub.Client

	mu         sync.Mutex
	publishers map[string]*Publisher
}

// New returns a client. It connects on first use, so it does not fail when Pub/Sub is away, but it
// does when there are no credentials (fault.Invalid). Close it at the end.
func New(ctx context.Context, cfg Config) (*Client, error) {
	var opts []option.ClientOption
	if cfg.Emulator != "" {
		opts = []option.ClientOption{option.WithEndpoint(cfg.Emulator), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
	}
	// The connections outlive the request that happened to be first.
	c, err := pubsub.NewClient(context.WithoutCancel(ctx), cfg.Project, opts...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "pub/sub client", err)
	}
	return &Client{client: c, publishers: map[string]*Publisher{}}, nil
}

// Publisher returns the publisher to a topic of the project: its short name, or its full name
// "projects/P/topics/T". The same one each time, closed with the client.
func (c *Client) Publisher(topic string) *Publisher {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.publishers[topic]
	if !ok {
		p = &Publisher{topic: topic, to: c.client.Publisher(topic)}
		// Callers wait for each answer: gather what comes in the same moment, but hold nothing back.
		p.to.PublishSettings.DelayThreshold = time.Millisecond
		c.publishers[topic] = p
	}
	return p
}

// Close sends what is still being published and closes the connections.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.publishers {
		p.to.Stop()
	}
	clear(c.publishers)
	return c.client.Close()
}

// Publisher publishes to one topic.
type Publisher struct {
	topic string
	to    *pubsub.Publisher
}

// Publish sends a message and returns its id once Pub/Sub has it safe. Concurrent calls share
// requests. The message carries ctx's place in its trace in the attribute traceparent, where there is one.
//
// Limits: attributes or data must be there; 10 MB in all, 100 attributes, keys of 256 bytes, values
// of 1,024. It repeats failed attempts for up to a minute, or until ctx ends.
// Errors: fault.NotFound (no such topic), Forbidden, Invalid, RateLimited, Unavailable, Stopped (ctx).
func (p *Publisher) Publish(ctx context.Context, attributes map[string]string, data []byte) (id string, err error) {
	ctx, span := trace.SpanFromContext(ctx).TracerProvider().Tracer(tracing.Scope).Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attribute.String("messaging.destination.name", p.topic)))
	defer span.End()
	id, err = p.to.Publish(ctx, &pubsub.Message{Attributes: traced(ctx, attributes), Data: data}).Get(ctx)
	if err != nil {
		err = p.refusal(ctx, err)
		span.SetStatus(otel.Error, string(fault.Of(err)))
		return "", err
	}
	return id, nil
}

// traced returns the attributes with the place in a trace, if there is one. The caller's stay as they are.
func traced(ctx context.Context, attributes map[string]string) map[string]string {
	at := tracing.Parent(ctx)
	if at == "" {
		return attributes
	}
	all := map[string]string{tracing.Key: at}
	maps.Copy(all, attributes)
	return all
}

// refusal gives Pub/Sub's failure its kind.
func (p *Publisher) refusal(ctx context.Context, err error) error {
	msg := "publish to topic " + p.topic
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", msg, ctx.Err())
	}
	kind := fault.Internal
	switch status.Code(err) {
	case codes.NotFound:
		kind = fault.NotFound
	case codes.PermissionDenied, codes.Unauthenticated:
		kind = fault.Forbidden
	case codes.InvalidArgument, codes.FailedPrecondition:
		kind = fault.Invalid
	case codes.ResourceExhausted:
		kind = fault.RateLimited
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted, codes.Canceled:
		kind = fault.Unavailable
	}
	return fault.Wrap(kind, msg, err)
}
