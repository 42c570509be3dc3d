package queue_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
)

func TestPublishedMessagesArrive(t *testing.T) {
	srv := pstest.NewServerWithAddress("127.0.0.1:0")
	defer srv.Close()
	if _, err := srv.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/demo/topics/ticks"}); err != nil {
		t.Fatal(err)
	}
	c, err := queue.New(t.Context(), queue.Config{Project: "demo", Emulator: srv.Addr})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			id, err := c.Publisher("ticks").Publish(t.Context(), map[string]string{"org": "onpoint"}, []byte("x"))
			if err != nil || srv.Message(id) == nil || srv.Message(id).Attributes["org"] != "onpoint" {
				t.Errorf("message %q: %v", id, err)
			}
		})
	}
	wg.Wait()
	if n := len(srv.Messages()); n != 20 {
		t.Errorf("%d messages arrived", n)
	}

	if _, err := c.Publisher("none").Publish(t.Context(), nil, []byte("x")); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "topic none") {
		t.Errorf("unknown topic: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Publisher("ticks").Publish(stopped, nil, []byte("x")); !fault.Is(err, fault.Stopped) {
		t.Errorf("cancelled: %v", err)
	}
}

// A message carries its place in a trace, and the sender's attributes stay as they are.
func TestMessagesCarryTheirTrace(t *testing.T) {
	srv := pstest.NewServerWithAddress("127.0.0.1:0")
	defer srv.Close()
	if _, err := srv.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/demo/topics/ticks"}); err != nil {
		t.Fatal(err)
	}
	c, err := queue.New(t.Context(), queue.Config{Project: "demo", Emulator: srv.Addr})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const place = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want map[string]string
	}{
		{"in none", t.Context(), map[string]string{"org": "onpoint"}},
		{"in one that nobody keeps", tracing.From(t.Context(), place), map[string]string{"org": "onpoint", "traceparent": place}},
	} {
		own := map[string]string{"org": "onpoint"}
		id, err := c.Publisher("ticks").Publish(tt.ctx, own, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, srv.Message(id).Attributes); diff != "" || len(own) != 1 {
			t.Errorf("%s: attributes (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestDecodePush(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 5e6, time.UTC)
	for _, tt := range []struct {
		name, give string
		want       queue.Message
	}{
		{"Pub/Sub's own body", `{"deliveryAttempt":5,"message":{"attributes":{"org":"onpoint"},"data":"aGk=","messageId":"7","message_id":"7",
			"publishTime":"2026-01-31T12:00:00.005Z","publish_time":"2026-01-31T12:00:00.005Z"},"subscription":"projects/p/subscriptions/s"}`,
			queue.Message{ID: "7", Attributes: map[string]string{"org": "onpoint"}, Data: []byte("hi"), PublishTime: at, DeliveryAttempt: 5, Subscription: "projects/p/subscriptions/s"}},
		{"attributes only, null data", `{"message":{"attributes":{"org":"onpoint"},"data":null}}`,
			queue.Message{Attributes: map[string]string{"org": "onpoint"}}},
		{"the other spelling", `{"message":{"data":"aGk=","message_id":"7","publish_time":"2026-01-31T12:00:00.005Z","orderingKey":"k"}}`,
			queue.Message{ID: "7", Data: []byte("hi"), PublishTime: at}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := queue.DecodePush(strings.NewReader(tt.give))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodePushSaysWhatIsWrong(t *testing.T) {
	const value = "hunter2"
	for _, tt := range []struct{ name, give, want string }{
		{"nothing", "", "empty"},
		{"no JSON", value, "not JSON"},
		{"cut short", `{"message":{"data":"` + value, "not JSON"},
		{"more after it", `{"message":{"data":"aGk="}} ` + value, "not JSON"},
		{"unwrapped", `{"org":"` + value + `"}`, `"message" is missing`},
		{"an array", `["` + value + `"]`, "right form"},
		{"bad base64", `{"message":{"data":"` + value + `!"}}`, "not base64"},
		{"bad kind", `{"message":{"attributes":"` + value + `"}}`, "message.attributes"},
		{"bad time", `{"message":{"data":"aGk=","publishTime":"` + value + `"}}`, "right form"},
		{"empty message", `{"message":{"messageId":"` + value + `"}}`, "neither data nor attributes"},
		{"too large", `{"message":{"data":"` + strings.Repeat("aGk=", queue.MaxPush/4) + `"}}`, "larger than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := queue.DecodePush(strings.NewReader(tt.give))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want fault.Invalid with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), value) {
				t.Errorf("the error quotes the body: %v", err)
			}
		})
	}
	if _, err := queue.DecodePush(iotest.ErrReader(io.ErrUnexpectedEOF)); !fault.Is(err, fault.Unavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("sender gone: %v", err)
	}
}
