package tracing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/platform/config"
)

const incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

var quiet = slog.New(slog.DiscardHandler)

// Without an endpoint nothing happens, and nothing is begun.
func TestNoTraces(t *testing.T) {
	none, err := Start("SyncOrg", Config{Share: 1}, quiet)
	if none != nil || err != nil {
		t.Fatalf("%v, %v", none, err)
	}
	ctx := From(t.Context(), incoming)
	below, span := none.Begin(ctx, "x")
	span.End()
	if Parent(below) != incoming {
		t.Errorf("the place in the caller's trace is %q, want it kept for the log", Parent(below))
	}
	none.Flush()
	if err := none.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A collector of our own gets the spans, who they are from, and no key of ours.
func TestSpansAreSent(t *testing.T) {
	type post struct {
		path, kind, key string
		body            []byte
	}
	got := make(chan post, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- post{r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), body}
	}))
	defer collector.Close()
	for _, endpoint := range []string{collector.URL, collector.URL + "/", collector.URL + "/v1/traces"} {
		traces, err := Start("SyncOrg", Config{Endpoint: endpoint, Share: 1, Project: "demo-project", Service: "syncorg-service"}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		_, span := traces.Begin(t.Context(), "the-name")
		span.End()
		if err := traces.Close(t.Context()); err != nil {
			t.Error(err)
		}
		p := <-got
		if p.path != "/v1/traces" || p.kind != "application/x-protobuf" || p.key != "" {
			t.Errorf("%s: posted to %s as %s, key %q", endpoint, p.path, p.kind, p.key)
		}
		for _, want := range []string{"the-name", "gcp.project_id", "demo-project", "service.name", "syncorg-service", "service.version"} {
			if !bytes.Contains(p.body, []byte(want)) {
				t.Errorf("%s: no %s in what was posted", endpoint, want)
			}
		}
	}
}

// slow is an exporter that takes its time, and may fail.
type slow struct {
	sdk.SpanExporter
	takes time.Duration
	err   error
	calls atomic.Int64
}

func (s *slow) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error {
	s.calls.Add(1)
	select {
	case <-time.After(s.takes):
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) Shutdown(context.Context) error { return nil }

// An answer waits for its spans, but not for long, and not at all while nobody takes them. That one call
// has run out of time does not say so yet: it may have stood still with the processor.
func TestFlushIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name  string
		to    *slow
		waits []time.Duration // of answers, one each 10 s
		lines int
	}{
		{"quick", &slow{takes: 30 * time.Millisecond}, []time.Duration{30 * time.Millisecond, 30 * time.Millisecond, 30 * time.Millisecond}, 0},
		{"slow, but they arrive", &slow{takes: 900 * time.Millisecond}, []time.Duration{FlushWait, FlushWait, FlushWait}, 0},
		{"nobody answers", &slow{takes: time.Hour}, []time.Duration{FlushWait, FlushWait, 0, 0, FlushWait, 0}, 1},
		{"refused", &slow{takes: time.Millisecond, err: errors.New("403")}, []time.Duration{time.Millisecond, 0, 0, time.Millisecond, 0}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				traces := New("x", Config{Share: 1}, tt.to, slog.New(slog.NewTextHandler(&out, nil)))
				for i, want := range tt.waits {
					_, span := traces.Begin(t.Context(), "x")
					span.End()
					began := time.Now()
					traces.Flush()
					if took := time.Since(began); took != want {
						t.Errorf("answer %d waits %s, want %s", i+1, took, want)
					}
					time.Sleep(2 * exportLimit)
				}
				before := tt.to.calls.Load()
				traces.Flush() // there is nothing
				synctest.Wait()
				if tt.to.calls.Load() != before || before != int64(len(tt.waits)) {
					t.Errorf("%d calls, then %d; want one for each answer", before, tt.to.calls.Load())
				}
				if err := traces.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if n := strings.Count(out.String(), "event=traces_lost"); n != tt.lines {
					t.Errorf("told %d times, want %d:\n%s", n, tt.lines, &out)
				}
			})
		})
	}
}

// frozen is an endpoint 30 ms away as an instance sees it that has a processor only while it answers: a
// call that was under way when the answer left has run out of time when the next one begins.
type frozen struct {
	sdk.SpanExporter
	answering, away atomic.Bool
	took            atomic.Int64
}

func (f *frozen) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	for range 3 {
		time.Sleep(10 * time.Millisecond)
		if !f.answering.Load() {
			for !f.answering.Load() {
				time.Sleep(10 * time.Millisecond)
			}
			return context.DeadlineExceeded
		}
	}
	if f.away.Load() {
		return errors.New("503")
	}
	f.took.Add(int64(len(spans)))
	return nil
}

func (f *frozen) Shutdown(context.Context) error { return nil }

// TestOutageEnds: when spans are taken again, that is seen, also where nothing runs between two requests.
func TestOutageEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		to := &frozen{}
		traces := New("x", Config{Share: 1}, to, slog.New(slog.NewTextHandler(&out, nil)))
		requests := func(n int, each time.Duration) {
			for range n {
				to.answering.Store(true)
				_, span := traces.Begin(t.Context(), "x")
				time.Sleep(5 * time.Millisecond)
				span.End()
				traces.Flush()
				to.answering.Store(false)
				time.Sleep(each)
			}
		}
		requests(5, time.Second)
		to.away.Store(true)
		requests(10, time.Second)
		to.away.Store(false)
		requests(40, time.Second)
		if lost, kept := strings.Count(out.String(), "traces_lost"), strings.Count(out.String(), "traces_kept"); lost != 1 || kept != 1 || to.took.Load() < 15 {
			t.Errorf("of 45 answers at good times %d left spans; the outage is told %d times, its end %d times:\n%s", to.took.Load(), lost, kept, &out)
		}
		to.answering.Store(true)
		if err := traces.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestOneCallOutOfTime: a call that the processor was taken away from says nothing about the endpoint.
func TestOneCallOutOfTime(t *testing.T) {
	var out bytes.Buffer
	to := &slow{}
	o := &outlet{SpanExporter: to, log: slog.New(slog.NewTextHandler(&out, nil))}
	late := &url.Error{Op: "Post", URL: "x", Err: context.DeadlineExceeded}
	for _, err := range []error{late, nil, late, nil, late, late, late, nil} {
		if to.err = err; o.ExportSpans(t.Context(), nil) != nil {
			t.Error("it is more than told")
		}
	}
	if log := out.String(); strings.Count(log, "event=traces_lost") != 1 || strings.Count(log, "event=traces_kept") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

// TestPartialSuccess: a collector that takes all spans and says a word of warning is no outage; one that
// leaves some out is.
func TestPartialSuccess(t *testing.T) {
	for answer, lost := range map[string]int{
		`{"partialSuccess":{"errorMessage":"this address will move\nsoon"}}`:         0,
		`{"partialSuccess":{"rejectedSpans":"1","errorMessage":"0 spans rejected"}}`: 1,
	} {
		collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, answer)
		}))
		var out bytes.Buffer
		traces, err := Start("x", Config{Endpoint: collector.URL, Share: 1}, slog.New(slog.NewTextHandler(&out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, span := traces.Begin(t.Context(), "x")
			span.End()
			if err := traces.provider.ForceFlush(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := traces.Close(t.Context()); err != nil {
			t.Error(err)
		}
		collector.Close()
		if log := out.String(); strings.Count(log, "event=traces_lost") != lost || strings.Count(log, "level=WARN") != 1 {
			t.Errorf("%s: log:\n%s", answer, log)
		}
	}
}

// An outage is told when it begins and when it ends.
func TestOutageIsToldOnce(t *testing.T) {
	var out bytes.Buffer
	to := &slow{}
	o := &outlet{SpanExporter: to, log: slog.New(slog.NewTextHandler(&out, nil))}
	long := errors.New(strings.Repeat("x", 5000))
	for _, err := range []error{nil, long, long, nil, nil, long, nil} {
		to.err = err
		if err := o.ExportSpans(t.Context(), nil); err != nil {
			t.Errorf("it is more than told: %v", err)
		}
	}
	if log := out.String(); strings.Count(log, "event=traces_lost") != 2 || strings.Count(log, "event=traces_kept") != 2 || len(log) > 2000 {
		t.Errorf("log:\n%s", log)
	}
}

// Work never waits for spans that cannot leave.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		traces := New("x", Config{Share: 1}, &slow{takes: time.Hour}, quiet)
		began := time.Now()
		for range 5 * queued {
			_, span := traces.Begin(t.Context(), "x")
			span.End()
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := traces.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("it closes with %v after %s, want it cut off after 1 s", err, time.Since(began))
		}
		time.Sleep(time.Hour) // what is left gives up
	})
}

func TestSampler(t *testing.T) {
	unsampled := strings.TrimSuffix(incoming, "01") + "00"
	for _, tt := range []struct {
		name   string
		share  float64
		parent string
		want   bool
	}{
		{"all that begin here", 1, "", true},
		{"none", 0, "", false},
		{"a caller keeps its trace: our share counts", 0, incoming, false},
		{"a caller does not: it does, too", 1, unsampled, true},
		{"nor do we", 0, unsampled, false},
	} {
		traces := New("x", Config{Share: tt.share}, tracetest.NewInMemoryExporter(), quiet)
		ctx, span := traces.Begin(Called(t.Context(), tt.parent), "x")
		if got := span.SpanContext().IsSampled(); got != tt.want {
			t.Errorf("%s: kept %t", tt.name, got)
		}
		if got := Parent(Called(t.Context(), tt.parent)); tt.parent != "" && got != unsampled {
			t.Errorf("%s: the place above is %s", tt.name, got)
		}
		if _, sent := Continue(ctx, incoming, "sent"); !sent.SpanContext().IsSampled() {
			t.Errorf("%s: a message whose trace is kept loses it", tt.name)
		}
		if _, below := span.TracerProvider().Tracer(Scope).Start(ctx, "below"); below.SpanContext().IsSampled() != tt.want {
			t.Errorf("%s: a step is not kept as the whole is", tt.name)
		}
		if err := traces.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestStrangersIDs: a share of what strangers ask for is kept, whichever ids they choose, and whoever gets
// a message of it keeps it exactly when we do.
func TestStrangersIDs(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret
	ours, theirs := sampler(0.3, draw.Float64), sampler(0.3, nil)
	for _, id := range []string{strings.Repeat("0", 31) + "1", strings.Repeat("f", 32)} {
		ctx := Called(t.Context(), "00-"+id+"-b7ad6b7169203331-01")
		at := trace.SpanContextFromContext(ctx)
		kept := 0
		for range 1000 {
			keeps := ours.ShouldSample(sdk.SamplingParameters{ParentContext: ctx, TraceID: at.TraceID()}).Decision == sdk.RecordAndSample
			if keeps {
				kept++
			}
			sent := at.WithTraceFlags(at.TraceFlags().WithSampled(keeps))
			message := trace.ContextWithRemoteSpanContext(ctx, sent.WithSpanID(trace.SpanID{7}))
			if got := theirs.ShouldSample(sdk.SamplingParameters{ParentContext: message, TraceID: at.TraceID()}).Decision == sdk.RecordAndSample; got != keeps {
				t.Fatalf("%s: kept %t, and by whoever gets its message %t", id, keeps, got)
			}
		}
		if kept < 250 || kept > 350 {
			t.Errorf("%s: %d of 1000 are kept, want some 300", id, kept)
		}
	}
}

func TestTraceparent(t *testing.T) {
	if got := Parent(From(t.Context(), incoming)); got != incoming {
		t.Errorf("%q comes back as %q", incoming, got)
	}
	for _, bad := range []string{"", "x", strings.ToUpper(incoming), "ff" + incoming[2:], "00-" + strings.Repeat("0", 32) + incoming[35:], incoming + "-x"} {
		if got := Parent(From(t.Context(), bad)); got != "" {
			t.Errorf("%q is taken for %q", bad, got)
		}
	}
}

// A message's trace goes on where it was sent from, and refers to its delivery.
func TestContinue(t *testing.T) {
	out := tracetest.NewInMemoryExporter()
	traces := New("x", Config{Share: 1}, out, quiet)
	delivery, span := traces.Begin(t.Context(), "delivery")
	_, with := Continue(delivery, incoming, "with")
	_, without := Continue(delivery, "garbage", "without")
	_, own := Anew(delivery, "own")
	for _, s := range []trace.Span{with, without, own, span} {
		s.End()
	}
	if err := traces.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := map[string]tracetest.SpanStub{}
	for _, s := range out.GetSpans() {
		got[s.Name] = s
	}
	at := span.SpanContext()
	if s := got["with"]; s.Parent.SpanID().String() != incoming[36:52] || s.SpanContext.TraceID().String() != incoming[3:35] || len(s.Links) != 1 || s.Links[0].SpanContext.SpanID() != at.SpanID() {
		t.Errorf("a message with a place: parent %s, links %v", s.Parent.SpanID(), s.Links)
	}
	if s := got["without"]; s.Parent.SpanID() != at.SpanID() || len(s.Links) != 0 {
		t.Errorf("a message without one: parent %s, links %v", s.Parent.SpanID(), s.Links)
	}
	if s := got["own"]; s.Parent.IsValid() || s.SpanContext.TraceID() == at.TraceID() || len(s.Links) != 1 || s.Links[0].SpanContext.SpanID() != at.SpanID() {
		t.Errorf("one of many: parent %v, links %v", s.Parent, s.Links)
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		vars       []string
	}{
		{"none", "", nil},
		{"Google's", "", []string{"TRACE_ENDPOINT=https://telemetry.googleapis.com", "GOOGLE_CLOUD_PROJECT=demo"}},
		{"a collector", "", []string{"TRACE_ENDPOINT=http://127.0.0.1:4318", "TRACE_SHARE=1"}},
		{"no address", "TRACE_ENDPOINT: want an address", []string{"TRACE_ENDPOINT=telemetry.googleapis.com"}},
		{"a key in it", "TRACE_ENDPOINT: want an address", []string{"TRACE_ENDPOINT=https://u:p@collector.example"}},
		{"in clear text", "want https", []string{"TRACE_ENDPOINT=http://telemetry.googleapis.com", "GOOGLE_CLOUD_PROJECT=demo"}},
		{"without a project", "want GOOGLE_CLOUD_PROJECT as well", []string{"TRACE_ENDPOINT=https://telemetry.googleapis.com"}},
		{"more than all", "TRACE_SHARE: want 0 to 1", []string{"TRACE_SHARE=5"}},
		{"no number", "TRACE_SHARE: want a number", []string{"TRACE_SHARE=some"}},
	} {
		_, err := config.Load[Config](tt.vars)
		if (err != nil) != (tt.says != "") || err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "u:p")) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
}

// heard is a round trip that keeps what it was asked.
type heard struct {
	mu   sync.Mutex
	keys []string
}

func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = append(h.keys, r.Header.Get("Authorization"))
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}
