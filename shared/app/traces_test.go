package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/web"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// cloudTrace is what Cloud Run writes on a request: mostly that nobody keeps the trace.
const cloudTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

// tracedWhole is the whole with webhooks, where every trace is kept.
type tracedWhole struct {
	*whole
	spans           *tracetest.InMemoryExporter
	webhook, ticked *web.Server
}

func newTracedWhole(t *testing.T) *tracedWhole {
	t.Helper()
	w := &tracedWhole{whole: newWhole(t, qbosim.Config{NoLimits: true, RotateAlways: true}), spans: tracetest.NewInMemoryExporter()}
	w.vars = append(w.vars, "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN="+markerVerifier, "WEBHOOK_COLLECT=0s")
	w.heard.keep(markerVerifier)
	w.syncOrg = w.process()
	w.webhook, w.ticked = w.serve("QuickBooksWebhook", w.build(QuickBooksWebhook)), w.serve("SyncOrg", w.syncOrg)
	return w
}

// serve has a function answer as it does where it is deployed.
func (w *tracedWhole) serve(name string, h http.Handler) *web.Server {
	traces := tracing.New(name, tracing.Config{Share: 1}, w.spans, w.log())
	w.Cleanup(func() {
		if err := traces.Close(context.Background()); err != nil {
			w.Error(err)
		}
	})
	return web.New(w.Context(), web.Options{Name: name, Handler: h, Log: w.log(), Traces: traces})
}

// tell sends a webhook about a customer, in a trace or in none.
func (w *tracedWhole) tell(id, parent string) {
	w.Helper()
	body := fmt.Sprintf(`[{"specversion":"1.0","id":%q,"type":"qbo.customer.updated.v1","time":"2026-01-01T00:00:00Z","intuitentityid":%q,"intuitaccountid":%q}]`,
		w.Name()+parent+fmt.Sprint(w.count(`SELECT count(*) FROM sync.notices`)), id, onpointRealm)
	if answer := deliver(within(w.webhook, parent), markerVerifier, body); answer.Code != http.StatusOK {
		w.Fatalf("the webhook is answered %d, %s", answer.Code, answer.Body)
	}
}

// within has requests belong to a trace.
func within(h http.Handler, parent string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if parent != "" {
			r.Header.Set("traceparent", parent)
		}
		h.ServeHTTP(rw, r)
	}
}

// forward hands the message that was published to SyncOrg, as Pub/Sub does: in a request whose trace is another.
func (w *tracedWhole) forward() (status int) {
	w.Helper()
	messages := w.pubsub.Messages()
	if len(messages) != 1 {
		w.Fatalf("%d messages were published, want one", len(messages))
	}
	w.pubsub.ClearMessages()
	return push(within(w.ticked, cloudTrace), messages[0].Attributes).Code
}

// stub is a span with what it is called for short.
type stub struct{ tracetest.SpanStub }

// tree returns the spans by id, after a look at what they tell.
func (w *tracedWhole) tree() (all map[trace.SpanID]stub) {
	w.Helper()
	all = map[trace.SpanID]stub{}
	for _, s := range w.spans.GetSpans() {
		all[s.SpanContext.SpanID()] = stub{s}
		b, err := json.Marshal(s)
		if err != nil {
			w.Error(err)
		}
		w.logs.Write(append(b, '\n')) // where secrets are looked for when the test ends
		if strings.Contains(string(b), onpointRealm) {
			w.Errorf("the span %s names the account at the provider: %s", s.Name, b)
		}
	}
	w.spans.Reset()
	return all
}

// way names a span and those above it, up to one that is not there.
func way(all map[trace.SpanID]stub, s stub) string {
	names := []string{s.Name}
	for up, ok := all[s.Parent.SpanID()]; ok; up, ok = all[up.Parent.SpanID()] {
		names = append(names, up.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, " > ")
}

// find returns the spans of a name.
func find(all map[trace.SpanID]stub, name string) (found []stub) {
	for _, s := range all {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

func (s stub) about(key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// TestTraces looks at the traces of webhooks and the ticks that follow from them.
func TestTraces(t *testing.T) {
	w := newTracedWhole(t)
	c := w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	w.followed(t, c)
	w.renewed(t, c)
	w.merged(t, c)
	w.failed(t)
}

// followed: from a webhook's arrival to the commit in another process there is one trace.
func (w *tracedWhole) followed(t *testing.T, c org.Connection) {
	customer := w.customer("Told Of")
	for _, tt := range []struct{ name, incoming string }{
		{"the request is in a trace", "00-11111111111111111111111111111111-2222222222222222-01"},
		{"Cloud Run names one that it does not keep", strings.Replace(cloudTrace, "0af7", "0bf7", 1)},
		{"the request is in none", ""},
	} {
		w.tell(customer, tt.incoming)
		if status := w.forward(); status != http.StatusNoContent {
			t.Fatalf("%s: the tick is answered %d", tt.name, status)
		}
		all := w.tree()
		arrival := find(all, "QuickBooksWebhook")[0]
		if tt.incoming != "" && (arrival.SpanContext.TraceID().String() != tt.incoming[3:35] || arrival.Parent.SpanID().String() != tt.incoming[36:52]) {
			t.Errorf("%s: the webhook's span belongs to %s, below %s", tt.name, arrival.SpanContext.TraceID(), arrival.Parent.SpanID())
		}
		var ways []string
		for _, s := range all {
			if s.SpanContext.TraceID() == arrival.SpanContext.TraceID() {
				ways = append(ways, way(all, s))
			}
		}
		slices.Sort(ways)
		const tick = "QuickBooksWebhook > publish > tick"
		want := []string{
			"QuickBooksWebhook", "QuickBooksWebhook > publish", tick,
			tick + " > sync", tick + " > sync > lease", tick + " > sync > run", tick + " > sync > run > apply", tick + " > sync > run > apply > commit",
			tick + " > sync > run > call", tick + " > sync > run > pull", tick + " > sync > run > token",
		}
		if diff := cmp.Diff(want, slices.Compact(ways)); diff != "" {
			t.Errorf("%s: steps of the trace (-want +got):\n%s", tt.name, diff)
		}
		delivery := find(all, "SyncOrg")[0]
		if links := find(all, "tick")[0].Links; len(links) != 1 || links[0].SpanContext.SpanID() != delivery.SpanContext.SpanID() {
			t.Errorf("%s: the tick refers to %v, want its delivery", tt.name, links)
		}
		if s := find(all, "sync")[0]; s.about("org") != "onpoint" || s.about("connection") != c.ID.String() || s.about("provider") != "quickbooks" || s.about("reason") != "webhook" || s.about("runs") != "1" {
			t.Errorf("%s: the sync tells %v", tt.name, s.Attributes)
		}
		if s := find(all, "run")[0]; s.about("outcome") != "done" || s.about("batches") == "0" {
			t.Errorf("%s: the run tells %v", tt.name, s.Attributes)
		}
	}
}

// customer makes one at the provider, and returns its id.
func (w *tracedWhole) customer(name string) string {
	w.Helper()
	raw, err := w.sim.Company(onpointRealm).Create("Customer", `{"DisplayName":"`+name+`"}`)
	var made struct{ ID string }
	if err == nil {
		err = json.Unmarshal(raw, &made)
	}
	if err != nil {
		w.Fatal(err)
	}
	return made.ID
}

// failed: each step that a failure has ended tells its kind, and nothing more.
func (w *tracedWhole) failed(t *testing.T) {
	defer w.sim.Inject(qbosim.Fault{Kind: qbosim.HTML502})()
	w.tell(w.customer("Cannot Be Read"), "")
	if status := w.forward(); status != http.StatusServiceUnavailable {
		t.Fatalf("the tick is answered %d", status)
	}
	all := w.tree()
	for _, name := range []string{"tick", "sync", "run", "pull"} {
		if !slices.ContainsFunc(find(all, name), func(s stub) bool {
			return s.about("kind") == "unavailable" && s.Status.Code == codes.Error && s.Status.Description == "unavailable" && len(s.Events) == 0
		}) {
			t.Errorf("%s: %v", name, find(all, name))
		}
	}
	if s := find(all, "call")[0]; s.about("http.response.status_code") != "502" || s.Status.Code != codes.Error {
		t.Errorf("the call: %v, %v", s.Status, s.Attributes)
	}
}

// merged: the step that finds another owner at work says so.
func (w *tracedWhole) merged(t *testing.T, c org.Connection) {
	l := w.store.Lease(t, c.ID)
	w.tell(w.customer("Told Of Meanwhile"), "")
	if status := w.forward(); status != http.StatusNoContent {
		t.Fatalf("the tick is answered %d", status)
	}
	if s := find(w.tree(), "lease")[0]; s.about("merged") != "true" || s.about("taken") != "false" {
		t.Errorf("it tells %v", s.Attributes)
	}
	if _, err := w.store.Abandon(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	w.follow(w.syncOrg)
}

// renewed: a token that is renewed is another step than one that is at hand.
func (w *tracedWhole) renewed(t *testing.T, c org.Connection) {
	for _, renewed := range []string{"", "true"} {
		if renewed != "" {
			w.login(c, 0)
		}
		w.tell(w.customer("Renewed "+renewed), "")
		if status := w.forward(); status != http.StatusNoContent {
			t.Fatalf("the tick is answered %d", status)
		}
		all := w.tree()
		if s := find(all, "token")[0]; s.about("renewed") != renewed && !slices.ContainsFunc(find(all, "token"), func(s stub) bool { return s.about("renewed") == renewed }) {
			t.Errorf("renewed %q: it tells %v", renewed, s.Attributes)
		}
		inside := 0
		for _, s := range find(all, "call") {
			if strings.HasSuffix(way(all, s), "run > token > call") {
				inside++
			}
		}
		if (inside > 0) != (renewed != "") {
			t.Errorf("renewed %q: %d calls for a token", renewed, inside)
		}
	}
}

// TestDispatchedTicksBeginTraces: each has its own, which refers to the dispatcher's; nothing is kept of those that nobody keeps.
func TestDispatchedTicksBeginTraces(t *testing.T) {
	p := newPlace(t)
	spans := tracetest.NewInMemoryExporter()
	traces := tracing.New("Dispatch", tracing.Config{Share: 1}, spans, slog.New(slog.DiscardHandler))
	ctx, span := traces.Begin(t.Context(), "Dispatch")
	s := p.syncOrg()
	if err := s.tickAll(ctx, []org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Schedule}, {Org: "powergen", Connection: 2, Reason: org.Schedule}}); err != nil {
		t.Fatal(err)
	}
	span.End()
	seen := map[string]bool{span.SpanContext().TraceID().String(): true}
	for _, m := range p.pubsub.Messages() {
		id := trace.SpanContextFromContext(tracing.From(t.Context(), m.Attributes["traceparent"])).TraceID().String()
		if seen[id] || id == strings.Repeat("0", 32) {
			t.Errorf("a tick's trace is %s", id)
		}
		seen[id] = true
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 {
		t.Errorf("%d traces, want three", len(seen))
	}
}

// TestFollowUpTicksBeginTraces: a first load of hours is no single trace, but each part refers to the one before.
func TestFollowUpTicksBeginTraces(t *testing.T) {
	p := newPlace(t)
	p.store.Connect(t, "onpoint", "quickbooks", "1")
	spans := tracetest.NewInMemoryExporter()
	traces := tracing.New("SyncOrg", tracing.Config{Share: 1}, spans, slog.New(slog.DiscardHandler))
	s := p.syncOrg()
	s.run = func(context.Context, org.Connection, engine.Order, <-chan struct{}) (engine.Report, error) {
		return engine.Report{More: true}, nil
	}
	server := web.New(t.Context(), web.Options{Name: "SyncOrg", Handler: http.HandlerFunc(s.push), Log: p.log(), Traces: traces})
	const sent = "00-11111111111111111111111111111111-2222222222222222-01"
	if answer := push(server.ServeHTTP, map[string]string{"org": "onpoint", "traceparent": sent}); answer.Code != http.StatusNoContent {
		t.Fatalf("status %d", answer.Code)
	}
	next := trace.SpanContextFromContext(tracing.From(t.Context(), p.pubsub.Messages()[0].Attributes["traceparent"])).TraceID()
	var links []sdk.Link
	for _, s := range spans.GetSpans() {
		if s.SpanContext.TraceID() == next && !s.Parent.IsValid() {
			links = s.Links
		}
	}
	if next.String() == sent[3:35] || len(links) != 1 || links[0].SpanContext.TraceID().String() != sent[3:35] {
		t.Errorf("the next tick belongs to the trace %s, and refers to %v", next, links)
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNoTraceWithoutTracing: a program that keeps no traces still hands on the one that it was called in, for the log.
func TestNoTraceWithoutTracing(t *testing.T) {
	p, h := newWebhooks(t)
	server := web.New(t.Context(), web.Options{Name: "x", Handler: h, Log: p.log()})
	body := `[{"specversion":"1.0","id":"a","type":"qbo.customer.updated.v1","time":"2026-01-01T00:00:00Z","intuitentityid":"1","intuitaccountid":"1"}]`
	if answer := deliver(within(server, cloudTrace), markerVerifier, body); answer.Code != http.StatusOK {
		t.Fatalf("status %d", answer.Code)
	}
	if got := p.pubsub.Messages()[0].Attributes["traceparent"]; got != cloudTrace {
		t.Errorf("the tick carries %q, want %q", got, cloudTrace)
	}
}
