package queue

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// MaxPush is the greatest size of a push body, in bytes: ours hold attributes and little data.
const MaxPush = 1 << 20

// Message is a message as Pub/Sub delivers it.
type Message struct {
	ID              string // the same in every delivery of a message
	Attributes      map[string]string
	Data            []byte
	PublishTime     time.Time // zero if not told
	DeliveryAttempt int       // 1, 2, …; zero when the subscription has no dead-letter topic and so does not count
	Subscription    string    // "projects/P/subscriptions/S"
}

// envelope is the body of a push; Eventarc sends the same. Messages carry some names twice.
type envelope struct {
	Message *struct {
		Attributes   map[string]string `json:"attributes"`
		Data         *string           `json:"data"`
		MessageID    string            `json:"messageId"`
		MessageID2   string            `json:"message_id"`
		PublishTime  time.Time         `json:"publishTime"`
		PublishTime2 time.Time         `json:"publish_time"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

// DecodePush reads the body of a push request, that of Pub/Sub or of Eventarc:
//
//	{"message":{"attributes":{…},"data":"<base64>","messageId":"…","publishTime":"2026-01-31T00:00:00Z"},
//	 "subscription":"projects/P/subscriptions/S","deliveryAttempt":5}
//
// Limits: MaxPush bytes. Errors: fault.Invalid, saying what is wrong without quoting the body;
// what r itself fails with, for example when the sender is gone, is fault.Unavailable.
func DecodePush(r io.Reader) (Message, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxPush+1))
	switch {
	case err != nil:
		return Message{}, fault.Wrap(fault.Unavailable, "read the push", err)
	case len(body) > MaxPush:
		return Message{}, invalid("it is larger than %d bytes", MaxPush)
	case len(body) == 0:
		return Message{}, invalid("it is empty")
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		var kind *json.UnmarshalTypeError
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &kind) && kind.Field != "":
			return Message{}, invalid("%s is not of the right kind", kind.Field)
		case errors.As(err, &syntax):
			return Message{}, invalid("it is not JSON, from byte %d on", syntax.Offset)
		case json.Valid(body):
			return Message{}, invalid("a value has not the right form: want an object with message, subscription, and times as 2026-01-31T00:00:00Z")
		}
		return Message{}, invalid("it is not JSON")
	}
	if e.Message == nil {
		return Message{}, invalid(`"message" is missing: want the wrapped form of a push subscription`)
	}
	m := Message{ID: e.Message.MessageID, Attributes: e.Message.Attributes, PublishTime: e.Message.PublishTime,
		DeliveryAttempt: e.DeliveryAttempt, Subscription: e.Subscription}
	if m.ID == "" {
		m.ID = e.Message.MessageID2
	}
	if m.PublishTime.IsZero() {
		m.PublishTime = e.Message.PublishTime2
	}
	if e.Message.Data != nil {
		if m.Data, err = base64.StdEncoding.DecodeString(*e.Message.Data); err != nil {
			return Message{}, invalid("message.data is not base64")
		}
	}
	if len(m.Data) == 0 && len(m.Attributes) == 0 {
		return Message{}, invalid("the message has neither data nor attributes")
	}
	return m, nil
}

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "push body: "+fmt.Sprintf(format, args...))
}
