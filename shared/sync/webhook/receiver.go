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

// Limits are how long a delivery may take: its parts, and all of it. A provider waits some seconds for
// the answer, and holds everything else back while it has none.
type Limits struct {
	Body   time.Duration // for the body to come in
	Verify time.Duration // for its signature to be checked
	Record time.Duration // until its events are durable
	Ticks  time.Duration // for all its ticks together
	Answer time.Duration // all of it, or until the deadline of the request's context, where that is sooner
}

// Signed is what a good signature tells beside that it is good. Both may be empty.
type Signed struct {
	At  time.Time // when the provider signed, by its clock
	Key string    // tells this signing from all others; the same delivery sent twice has one
}

// Receiver answers a provider's deliveries: POST, at any path. All fields but Flood are required. It is safe
// for concurrent use.
//
//	200  recorded, seen before, or refused for good and kept in sync.rejected_messages
//	400  the body broke off
//	401  the signature is missing, there more than once, or not good: nothing is kept
//	405  not POST
//	503  the signature could not be checked, or the database not be written, in time: nothing is kept,
//	     the provider sends it again
//
// What can never be read is answered with 200: a provider holds back all that follows until its
// delivery is taken. A body above MaxBody is too, unread and not kept, because nobody knows whose it
// is; the next sweep finds what it told.
type Receiver struct {
	Provider org.Provider
	Header   string // that holds the signature
	// Verify says whether the provider has signed body: fault.Forbidden when it has not. Any other
	// failure means that nobody knows. It may ask the provider, for its keys.
	Verify   func(ctx context.Context, body []byte, signature string) (Signed, error)
	Parse    func(body []byte, s Signed) ([]Event, error) // its error, fault.Invalid, is for people and quotes nothing
	Keep     func(body []byte) string                     // what may be kept of a signed body that is refused for good
	Store    Store
	Rejected Rejecter
	Ticks    Ticker
	Limits   Limits
	Log      *slog.Logger
	Flood    func(err error) bool // whether Verify failed because strangers send too much; nil: never
	flood    flood
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
	ctx, cancel := re.patience(r.Context())
	defer cancel()
	body, no := re.read(ctx, w, r)
	if no != nil {
		say(w, *no)
		return
	}
	signed, no := re.check(ctx, body, r.Header.Get(re.Header))
	if no != nil {
		say(w, *no)
		return
	}
	say(w, re.take(ctx, body, signed, begun))
}

// patience limits what is done for a request. A provider that hangs up early has its events recorded all
// the same: it sends them again.
func (re *Receiver) patience(asked context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(re.Limits.Answer)
	if sooner, ok := asked.Deadline(); ok && sooner.Before(until) { // some of the time has gone by before
		until = sooner
	}
	return context.WithDeadline(context.WithoutCancel(asked), until)
}

// read returns the body of a request that bears one signature.
func (re *Receiver) read(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, *answer) {
	// A sender of one byte a second must not stay for ever, be it that we read, or that the server
	// reads on after a refusal. Where a connection takes no deadlines there is none to wait on.
	conn := http.NewResponseController(w)
	conn.SetReadDeadline(time.Now().Add(re.Limits.Body)) //nolint:errcheck // see above
	if signatures := r.Header.Values(re.Header); len(signatures) != 1 || signatures[0] == "" {
		return nil, re.refuse(ctx, answer{http.StatusUnauthorized, "the signature is missing"}, 0, nil)
	}
	var body bytes.Buffer
	_, err := body.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, re.refuse(ctx, answer{http.StatusBadRequest, "the body broke off"}, body.Len(), nil)
	case body.Len() > MaxBody:
		return nil, re.refuse(ctx, answer{http.StatusOK, "not read: the body is too large"}, body.Len(), nil)
	}
	conn.SetReadDeadline(time.Time{}) //nolint:errcheck // see above
	return body.Bytes(), nil
}

// check returns what the signature tells, when it is good. Where that cannot be found out nothing is
// accepted, and nothing is lost: the delivery comes again.
func (re *Receiver) check(ctx context.Context, body []byte, signature string) (Signed, *answer) {
	limited, cancel := context.WithTimeout(ctx, re.Limits.Verify)
	defer cancel()
	signed, err := re.Verify(limited, body, signature)
	switch fault.Of(err) {
	case "":
		return signed, nil
	case fault.Forbidden:
		return Signed{}, re.refuse(ctx, answer{http.StatusUnauthorized, "the signature is not good"}, len(body), err)
	}
	if re.Flood != nil && re.Flood(err) {
		re.flooded(ctx, err)
		return Signed{}, &answer{http.StatusServiceUnavailable, "try again"}
	}
	re.Log.ErrorContext(ctx, "webhook not checked: the provider sends it again", "event", "webhook_failed", "provider", string(re.Provider),
		"bytes", len(body), "kind", string(fault.Of(err)), "err", err.Error())
	return Signed{}, &answer{http.StatusServiceUnavailable, "try again"}
}

// refuse tells the log, and nobody else, why a delivery is not the provider's, as far as we know.
// Strangers can make us say this: nothing is kept.
func (re *Receiver) refuse(ctx context.Context, a answer, size int, why error) *answer {
	about := []any{"event", "webhook_refused", "provider", string(re.Provider), "reason", a.words, "status", a.status, "bytes", size}
	if why != nil {
		about = append(about, "err", why.Error())
	}
	re.Log.WarnContext(ctx, "webhook refused", about...)
	return &a
}

// take records what a signed body tells, and asks for the syncs that it calls for.
func (re *Receiver) take(ctx context.Context, body []byte, signed Signed, begun time.Time) answer {
	events, err := re.Parse(body, signed)
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
	ctx, cancel := context.WithTimeout(ctx, re.Limits.Record)
	defer cancel()
	return re.Store.Record(ctx, re.Provider, events)
}

// reject takes a signed body that is of no use, once that is written down.
func (re *Receiver) reject(ctx context.Context, why error, body []byte) answer {
	re.Log.ErrorContext(ctx, "webhook rejected", "event", "webhook_rejected", "provider", string(re.Provider),
		"bytes", len(body), "kind", string(fault.Of(why)), "err", why.Error())
	if err := re.Rejected.Reject(ctx, string(re.Provider)+" webhook", why.Error(), nil, re.Keep(body)); err != nil {
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
