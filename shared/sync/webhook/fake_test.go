package webhook_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// fake is a provider whose bodies are "account/key account/key …", and everything that a receiver needs.
type fake struct {
	mu       sync.Mutex
	kept     map[string]time.Time      // when it was told
	open     map[string]org.Connection // by account
	rejected []string                  // reasons and bodies
	ticks    []org.Tick
	hastened []string
	logs     bytes.Buffer

	verify func(ctx context.Context) error // of a good signature
	record func(ctx context.Context) error // comes first
	reject error
	tick   func(ctx context.Context, t org.Tick) error
	hasten func() ([]org.Connection, error)
}

func newFake() *fake {
	return &fake{kept: map[string]time.Time{}, open: map[string]org.Connection{
		"a": {ID: 1, Org: "onpoint"}, "b": {ID: 2, Org: "powergen"}, "c": {ID: 3, Org: "powergen"},
	}}
}

func (f *fake) receiver() *webhook.Receiver {
	return &webhook.Receiver{
		Provider: "demo", Header: "X-Signature", Verify: f.check, Parse: parse, Store: f, Rejected: f, Ticks: f,
		Keep:   func(body []byte) string { return strings.ReplaceAll(string(body), "secret", "[secret]") },
		Limits: limits, Log: slog.New(slog.NewJSONHandler(&f.logs, nil)),
	}
}

// limits are those of a provider that waits for three seconds.
var limits = webhook.Limits{
	Body: 2 * time.Second, Verify: 1500 * time.Millisecond, Record: 2500 * time.Millisecond, Ticks: time.Second, Answer: 2900 * time.Millisecond,
}

// check knows one good signature, and one that was made in 2020.
func (f *fake) check(ctx context.Context, _ []byte, signature string) (webhook.Signed, error) {
	switch {
	case signature == "old":
		return webhook.Signed{At: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), Key: "signing"}, nil
	case signature != "good":
		return webhook.Signed{}, fault.New(fault.Forbidden, "it is not the demo's")
	case f.verify != nil:
		return webhook.Signed{}, f.verify(ctx)
	}
	return webhook.Signed{}, nil
}

func (f *fake) disconnected() *webhook.Disconnected {
	return &webhook.Disconnected{
		Provider: "demo", Account: func(q url.Values) string { return strings.TrimPrefix(q.Get("id"), "odd") },
		Store: f, Ticks: f, Log: slog.New(slog.NewJSONHandler(&f.logs, nil)),
	}
}

func parse(body []byte, s webhook.Signed) ([]webhook.Event, error) {
	if bytes.ContainsRune(body, '{') {
		return nil, fault.New(fault.Invalid, "it is odd")
	}
	var events []webhook.Event
	for _, word := range strings.Fields(string(body)) {
		account, key, _ := strings.Cut(word, "/")
		e := webhook.Event{Key: s.Key + key, At: s.At, Account: account, Stream: "A", Object: "7", Raw: []byte(word)}
		if key == "odd" {
			e.Problem = "it is odd"
		}
		events = append(events, e)
	}
	return events, nil
}

func (f *fake) Record(ctx context.Context, _ org.Provider, events []webhook.Event) (out webhook.Recorded, err error) {
	if f.record != nil {
		if err := f.record(ctx); err != nil {
			return out, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		c, known := f.open[e.Account]
		_, repeated := f.kept[e.Key]
		switch {
		case repeated:
			out.Repeated++
		case !known:
			out.New, out.Unknown = out.New+1, out.Unknown+1
		default:
			out.New++
			out.Connections = append(out.Connections, c)
		}
		f.kept[e.Key] = e.At
	}
	return out, nil
}

func (f *fake) Reject(_ context.Context, kind, reason string, _ map[string]string, body string) error {
	if f.reject != nil {
		return f.reject
	}
	f.rejected = append(f.rejected, kind+": "+reason+": "+body)
	return nil
}

func (f *fake) Tick(ctx context.Context, t org.Tick) error {
	if f.tick != nil {
		if err := f.tick(ctx, t); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ticks = append(f.ticks, t)
	slices.SortFunc(f.ticks, func(a, b org.Tick) int { return int(a.Connection - b.Connection) })
	return nil
}

func (f *fake) Hasten(_ context.Context, _ org.Provider, account string, _ time.Duration) ([]org.Connection, error) {
	f.hastened = append(f.hastened, account)
	return f.hasten()
}

// post delivers a body with these signatures.
func post(t *testing.T, h http.Handler, body string, signatures ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header["X-Signature"] = signatures
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
