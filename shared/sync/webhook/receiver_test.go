package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

func of(c org.ConnectionID, slug org.Slug) org.Tick {
	return org.Tick{Org: slug, Connection: c, Reason: org.Webhook}
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	away, broken := fault.New(fault.Unavailable, "the database is away"), fault.New(fault.Invalid, "the database cannot hold it")
	for _, tt := range []struct {
		name       string
		body       string
		signatures []string
		unsure     error // of Verify
		fails      error // of Record
		lost       error // of Reject

		status   int
		words    string
		kept     int
		rejected []string
		ticks    []org.Tick
		log      string
	}{
		{name: "an event", body: "a/1", status: 200, words: "recorded", kept: 1, ticks: []org.Tick{of(1, "onpoint")}, log: `"event":"webhook","provider":"demo","events":1,"new":1,"repeated":0,"unknown":0,"malformed":0,"ticks":1,`},
		{name: "several companies, many events", body: "a/1 b/2 a/3 c/4 a/5", status: 200, words: "recorded", kept: 5, ticks: []org.Tick{of(1, "onpoint"), of(2, "powergen"), of(3, "powergen")}},
		{name: "an unknown company among others", body: "a/1 z/2", status: 200, words: "recorded", kept: 2, ticks: []org.Tick{of(1, "onpoint")}, log: `"unknown":1`},
		{name: "a malformed event among others", body: "a/1 z/odd", status: 200, words: "recorded", kept: 2, ticks: []org.Tick{of(1, "onpoint")}, log: `"malformed":1`},
		{name: "nothing in it", body: "", status: 200, words: "recorded"},
		{name: "no signature", body: "a/1", signatures: []string{}, status: 401, words: "missing", log: `"event":"webhook_refused"`},
		{name: "an empty signature", body: "a/1", signatures: []string{""}, status: 401, words: "missing"},
		{name: "a good signature beside another", body: "a/1", signatures: []string{"good", "bad"}, status: 401, words: "missing"},
		{name: "forged", body: "a/1", signatures: []string{"bad"}, status: 401, words: "not good", log: `"bytes":3,"err":"it is not the demo's"`},
		{name: "the provider's keys are away", body: "a/1", unsure: away, status: 503, words: "try again", log: `"msg":"webhook not checked: the provider sends it again","event":"webhook_failed"`},
		{name: "whose it is cannot be found out", body: "a/1", unsure: errors.New("odd"), status: 503, words: "try again", log: `"kind":"internal"`},
		{name: "garbage of which nobody knows whose it is", body: "{", unsure: away, status: 503, words: "try again"},
		{name: "signed garbage", body: "{", status: 200, words: "rejected", rejected: []string{"demo webhook: it is odd: {"}, log: `"event":"webhook_rejected"`},
		{name: "signed garbage with a secret in it", body: "{ secret", status: 200, words: "rejected", rejected: []string{"demo webhook: it is odd: { [secret]"}},
		{name: "signed garbage that cannot be kept", body: "{", lost: away, status: 503, words: "try again"},
		{name: "too large", body: strings.Repeat("a", webhook.MaxBody+1), status: 200, words: "too large", log: `"event":"webhook_refused"`},
		{name: "as large as can be", body: "a/1" + strings.Repeat(" ", webhook.MaxBody-3), status: 200, words: "recorded", kept: 1, ticks: []org.Tick{of(1, "onpoint")}},
		{name: "the database is away", body: "a/1", fails: away, status: 503, words: "try again", log: `"event":"webhook_failed"`},
		{name: "the database has no such table yet", body: "a/1", fails: errors.New("no table"), status: 503, words: "try again", log: `"event":"webhook_failed"`},
		{name: "the database will never take it", body: "a/1", fails: broken, status: 200, words: "rejected", rejected: []string{"demo webhook: the database cannot hold it: a/1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.verify, f.record, f.reject = func(context.Context) error { return tt.unsure }, func(context.Context) error { return tt.fails }, tt.lost
			if tt.signatures == nil {
				tt.signatures = []string{"good"}
			}
			w := post(t, f.receiver(), tt.body, tt.signatures...)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.words) {
				t.Errorf("status %d, %q; want %d, %q", w.Code, w.Body, tt.status, tt.words)
			}
			if len(f.kept) != tt.kept {
				t.Errorf("%d events are kept, want %d", len(f.kept), tt.kept)
			}
			if diff := cmp.Diff(tt.rejected, f.rejected); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.ticks, f.ticks); diff != "" {
				t.Errorf("ticks (-want +got):\n%s", diff)
			}
			if log := f.logs.String(); !strings.Contains(log, tt.log) || strings.Count(log, "\n") == 0 {
				t.Errorf("log %s\nwant %s", log, tt.log)
			}
		})
	}
}

// TestReplayed: a delivery that comes again is taken, and what it told is not told a second time.
func TestReplayed(t *testing.T) {
	t.Parallel()
	f := newFake()
	for i, want := range []string{"recorded", "seen before", "seen before"} {
		if w := post(t, f.receiver(), "a/1 b/2", "good"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("delivery %d: status %d, %q; want %q", i+1, w.Code, w.Body, want)
		}
	}
	if len(f.ticks) != 2 {
		t.Errorf("%d ticks, want those of the first delivery", len(f.ticks))
	}
}

// TestSignedHandedOn: what the signature tells reaches the events.
func TestSignedHandedOn(t *testing.T) {
	t.Parallel()
	f := newFake()
	w := post(t, f.receiver(), "a/1", "old")
	want := map[string]time.Time{"signing1": time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)}
	if diff := cmp.Diff(want, f.kept); w.Code != 200 || diff != "" {
		t.Errorf("status %d, kept (-want +got):\n%s", w.Code, diff)
	}
}

// TestTakenOnceItCanBeChecked: a delivery that could not be checked is nowhere, so that it is new when
// it comes again.
func TestTakenOnceItCanBeChecked(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.verify = func(context.Context) error { return fault.New(fault.Unavailable, "the keys are away") }
	if w := post(t, f.receiver(), "a/1", "good"); w.Code != 503 || len(f.kept)+len(f.rejected)+len(f.ticks) != 0 {
		t.Errorf("status %d, kept %v, rejected %v, ticks %v", w.Code, f.kept, f.rejected, f.ticks)
	}
	f.verify = nil
	if w := post(t, f.receiver(), "a/1", "good"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "recorded" || len(f.ticks) != 1 {
		t.Errorf("status %d, %q, ticks %v", w.Code, w.Body, f.ticks)
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		f, w := newFake(), httptest.NewRecorder()
		r := httptest.NewRequest(method, "/", strings.NewReader("a/1"))
		r.Header.Set("X-Signature", "good")
		f.receiver().ServeHTTP(w, r)
		if w.Code != 405 || w.Header().Get("Allow") != "POST" || !strings.Contains(w.Body.String(), "POST") || len(f.kept) != 0 {
			t.Errorf("%s: status %d, %q, kept %d", method, w.Code, w.Body, len(f.kept))
		}
	}
}

// TestAnswerInTime: the provider waits for three seconds.
func TestAnswerInTime(t *testing.T) {
	t.Parallel()
	forever := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, tt := range []struct {
		name   string
		verify func(context.Context) error
		record func(context.Context) error
		tick   func(context.Context, org.Tick) error
		status int
		kept   int
		after  time.Duration
	}{
		{"the keys are slow", forever, nil, nil, 503, 0, 1500 * time.Millisecond},
		{"keys and database are slow", func(context.Context) error { <-time.After(time.Second); return nil }, forever, nil, 503, 0, 2900 * time.Millisecond},
		{"the database is slow", nil, forever, nil, 503, 0, 2500 * time.Millisecond},
		{"the queue is slow", nil, nil, func(ctx context.Context, _ org.Tick) error { return forever(ctx) }, 200, 3, time.Second},
		{"one tick is slow", nil, nil, func(ctx context.Context, t org.Tick) error {
			if t.Connection == 2 {
				return forever(ctx)
			}
			return nil
		}, 200, 3, time.Second},
		{"both are slow", nil, func(context.Context) error { <-time.After(2400 * time.Millisecond); return nil },
			func(ctx context.Context, _ org.Tick) error { return forever(ctx) }, 200, 3, 2900 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.verify, f.record, f.tick = tt.verify, tt.record, tt.tick
				begun := time.Now()
				w := post(t, f.receiver(), "a/1 b/2 c/3", "good")
				if took := time.Since(begun); w.Code != tt.status || took != tt.after || len(f.kept) != tt.kept {
					t.Errorf("status %d after %s, %d kept; want %d after %s, %d", w.Code, took, len(f.kept), tt.status, tt.after, tt.kept)
				}
			})
		})
	}
}

// TestTimeThatHasGoneBy before the receiver was called counts; that the provider has gone away does not.
func TestTimeThatHasGoneBy(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Hour: limits.Record} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.record = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			ctx, cancel := context.WithTimeout(t.Context(), left)
			begun := time.Now()
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader("a/1"))
			r.Header.Set("X-Signature", "good")
			cancel()
			w := httptest.NewRecorder()
			f.receiver().ServeHTTP(w, r)
			if took := time.Since(begun); w.Code != http.StatusServiceUnavailable || took != want {
				t.Errorf("%s left: status %d after %s, want it after %s", left, w.Code, took, want)
			}
		})
	}
}

// TestTicksThatFail: the events are open, and the log says that their ticks are missing.
func TestTicksThatFail(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.tick = func(_ context.Context, t org.Tick) error {
		if t.Connection == 2 {
			return nil
		}
		return fault.New(fault.Unavailable, "the queue is away")
	}
	w := post(t, f.receiver(), "a/1 b/2 c/3", "good")
	if w.Code != 200 || len(f.ticks) != 1 || len(f.kept) != 3 {
		t.Errorf("status %d, ticks %v, kept %v", w.Code, f.ticks, f.kept)
	}
	if log := f.logs.String(); !strings.Contains(log, `"event":"webhook_tick_failed","provider":"demo","failed":2,"err":"the queue is away"`) || !strings.Contains(log, `"ticks":1`) {
		t.Errorf("log %s", log)
	}
}

// TestSenderGone: what was sent as a whole is recorded, although nobody waits for the answer.
func TestSenderGone(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.record = func(ctx context.Context) error { return ctx.Err() }
	ctx, gone := context.WithCancel(t.Context())
	gone()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader("a/1"))
	r.Header.Set("X-Signature", "good")
	f.receiver().ServeHTTP(httptest.NewRecorder(), r)
	if len(f.kept) != 1 || len(f.ticks) != 1 {
		t.Errorf("kept %v, ticks %v", f.kept, f.ticks)
	}
}

// TestBrokenBody: half a body is not judged, and nothing is kept of it.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	f, w := newFake(), httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.MultiReader(strings.NewReader("a/1 "), broken{}))
	r.Header.Set("X-Signature", "good")
	f.receiver().ServeHTTP(w, r)
	if w.Code != 400 || len(f.kept) != 0 || len(f.rejected) != 0 {
		t.Errorf("status %d, kept %v, rejected %v", w.Code, f.kept, f.rejected)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestSlowBody: a sender who keeps us waiting for the rest of its body is not waited for.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	for signature, status := range map[string]int{"good": 400, "": 401} {
		synctest.Test(t, func(t *testing.T) { slowBody(t, signature, status) })
	}
}

func slowBody(t *testing.T, signature string, status int) {
	f := newFake()
	sender, conn := net.Pipe()
	server := &http.Server{Handler: f.receiver()}
	only := make(listener, 1)
	only <- conn
	go server.Serve(only)
	begun := time.Now()
	go io.WriteString(sender, "POST / HTTP/1.1\r\nHost: h\r\nX-Signature: "+signature+"\r\nContent-Length: 100\r\n\r\na/1 ")
	res, err := http.ReadResponse(bufio.NewReader(sender), nil)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); res.StatusCode != status || took != 2*time.Second || len(f.kept) != 0 {
		t.Errorf("status %d after %s, kept %v", res.StatusCode, took, f.kept)
	}
	sender.Close()
	server.Close()
}

// listener hands out the connections that were put into it.
type listener chan net.Conn

func (l listener) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l listener) Close() error { close(l); return nil }
func (listener) Addr() net.Addr { return &net.IPAddr{} }
