package webhook

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// MaxBody is the largest delivery that is read, in bytes.
const MaxBody = 1 << 20

// A provider waits some seconds for the answer, and holds everything else back while it has none.
// Intuit's three are the shortest.
const (
	answerWithin = 2900 * time.Millisecond // all of a delivery
	recordWithin = 2500 * time.Millisecond // of these, until its events are durable
	tickWithin   = time.Second             // for all ticks of a delivery together
	bodyWithin   = 2 * time.Second         // for a body to come in
)

// Receiver answers a provider's deliveries: POST, at any path. All fields are required. It is safe
// for concurrent use.
//
//	200  recorded, seen before, or refused for good and kept in sync.rejected_messages
//	400  the body broke off
//	401  the signature is missing, there more than once, or not good: nothing is kept
//	405  not POST
//	503  the database could not be written in time: the provider sends it again
//
// What can never be read is answered with 200: a provider holds back all that follows until its
// delivery is taken. A body above MaxBody is too, unread and not kept, because nobody knows whose it
// is; the next sweep finds what it told.
type Receiver struct {
	Provider org.Provider
	Header   string                                   // that holds the signature
	Verify   func(body []byte, signature string) bool // whether the provider has signed body
	Parse    func(body []byte) ([]Event, error)       // its error, fault.Invalid, is for people and quotes nothing
	Store    Store
	Rejected Rejecter
	Ticks    Ticker
	Log      *slog.Logger
}

// Rejecter keeps messages that can never succeed.
type Rejecter interface {
	// Reject keeps a message's beginning, and why it was refused.
	Reject(ctx context.Context, kind, reason string, attributes map[string]string, body string) error
}

// answer is what a delivery comes to.
type answer struct {
	status int
	words  string
}

// ServeHTTP implements http.Handler.
func (re *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		say(w, answer{http.StatusMethodNotAllowed, "Webhooks come here by POST. There is nothing to see."})
		return
	}
	begun := time.Now()
	// A provider that hangs up early has its events recorded all the same: it sends them again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
	defer cancel()
	body, no := re.read(ctx, w, r)
	if no != nil {
		say(w, *no)
		return
	}
	say(w, re.take(ctx, body, begun))
}

// read returns the body of a request, when it bears a good signature.
func (re *Receiver) read(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, *answer) {
	// A sender of one byte a second must not stay for ever, be it that we read, or that the server
	// reads on after a refusal. Where a connection takes no deadlines there is none to wait on.
	conn := http.NewResponseController(w)
	conn.SetReadDeadline(time.Now().Add(bodyWithin)) //nolint:errcheck // see above
	signatures := r.Header.Values(re.Header)
	if len(signatures) != 1 || signatures[0] == "" {
		return nil, re.refuse(ctx, answer{http.StatusUnauthorized, "the signature is missing"}, 0)
	}
	var body bytes.Buffer
	_, err := body.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, re.refuse(ctx, answer{http.StatusBadRequest, "the body broke off"}, body.Len())
	case body.Len() > MaxBody:
		return nil, re.refuse(ctx, answer{http.StatusOK, "not read: the body is too large"}, body.Len())
	case !re.Verify(body.Bytes(), signatures[0]):
		return nil, re.refuse(ctx, answer{http.StatusUnauthorized, "the signature is not good"}, body.Len())
	}
	conn.SetReadDeadline(time.Time{}) //nolint:errcheck // see above
	return body.Bytes(), nil
}

// refuse tells the log of a delivery that is not the provider's, as far as we know. Strangers can
// make us say this: nothing is kept.
func (re *Receiver) refuse(ctx context.Context, a answer, size int) *answer {
	re.Log.WarnContext(ctx, "webhook refused", "event", "webhook_refused", "provider", string(re.Provider),
		"reason", a.words, "status", a.status, "bytes", size)
	return &a
}

// take records what a signed body tells, and asks for the syncs that it calls for.
func (re *Receiver) take(ctx context.Context, body []byte, begun time.Time) answer {
	events, err := re.Parse(body)
	if err != nil {
		return re.reject(ctx, err, body)
	}
	recorded, err := re.record(ctx, events)
	switch fault.Of(err) {
	case "":
	case fault.Invalid: // sending it again would end like this every time
		return re.reject(ctx, err, body)
	default:
		re.Log.ErrorContext(ctx, "webhook not recorded", "event", "webhook_failed", "provider", string(re.Provider),
			"events", len(events), "kind", string(fault.Of(err)), "err", err.Error(), "took", time.Since(begun))
		return answer{http.StatusServiceUnavailable, "try again"}
	}
	durable := time.Since(begun)
	ticks := re.tick(ctx, recorded.Connections)
	re.Log.InfoContext(ctx, "webhook recorded", "event", "webhook", "provider", string(re.Provider),
		"events", len(events), "new", recorded.New, "repeated", recorded.Repeated, "unknown", recorded.Unknown,
		"malformed", malformed(events), "ticks", ticks, "durable", durable, "took", time.Since(begun))
	if recorded.New == 0 && recorded.Repeated > 0 {
		return answer{http.StatusOK, "seen before"}
	}
	return answer{http.StatusOK, "recorded"}
}

// record keeps the events for good.
func (re *Receiver) record(ctx context.Context, events []Event) (Recorded, error) {
	if len(events) == 0 {
		return Recorded{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	return re.Store.Record(ctx, re.Provider, events)
}

// reject takes a signed body that is of no use, once that is written down.
func (re *Receiver) reject(ctx context.Context, why error, body []byte) answer {
	re.Log.ErrorContext(ctx, "webhook rejected", "event", "webhook_rejected", "provider", string(re.Provider),
		"bytes", len(body), "kind", string(fault.Of(why)), "err", why.Error())
	if err := re.Rejected.Reject(ctx, string(re.Provider)+" webhook", why.Error(), nil, string(body)); err != nil {
		re.Log.ErrorContext(ctx, "rejected webhook not recorded", "event", "webhook_failed", "provider", string(re.Provider), "err", err.Error())
		return answer{http.StatusServiceUnavailable, "try again"}
	}
	return answer{http.StatusOK, "rejected: " + string(fault.Of(why))}
}

func malformed(events []Event) (n int) {
	for _, e := range events {
		if e.Problem != "" {
			n++
		}
	}
	return n
}

func say(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(a.status)
	io.WriteString(w, a.words+"\n")
}
