// Package tracing follows a piece of work through the programs that take part in it: each step is a
// span of OpenTelemetry's, and a tick carries the place in its trace in the attribute traceparent.
//
// Only the program's first span of a request or a job is begun from a Tracing. Everything below finds
// the provider in its context (trace.SpanFromContext), so nothing is global, and where there are no
// traces a span costs next to nothing.
package tracing

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/countinghouse/countinghouse/shared/platform/version"
)

// Scope names the spans that this project makes.
const Scope = "github.com/countinghouse/countinghouse"

// FlushWait is how long an answer waits for its spans to leave. Cloud Run takes the processor away once
// a request is answered, so what is not sent by then waits for the next request, or is lost.
const FlushWait = 200 * time.Millisecond

const (
	// probeEvery is how often, while nobody takes the spans, an answer waits all the same: where there is
	// no processor in between, only then shows that they are taken again.
	probeEvery = 30 * time.Second
	// exportLimit bounds one call to where the spans go: one that takes longer than an answer waits goes
	// on as far as the processor does.
	exportLimit = 5 * time.Second
	// every is how often the spans of long work are sent.
	every = 5 * time.Second
	// queued is how many spans wait at most. Those that come then are dropped: work never waits for them.
	queued = 4096
)

// Tracing makes the spans of one process and sends them. A nil one makes none. It is safe for
// concurrent use.
type Tracing struct {
	provider *sdk.TracerProvider
	to       *outlet
	ended    atomic.Int64 // spans that have ended since the last Flush
	waited   atomic.Int64 // when a Flush has last waited, in nanoseconds
}

// Start begins tracing as the settings say; nil when they name no endpoint. It makes no call: whether
// somebody takes the spans shows when the first are sent, and what goes wrong then is told to log, once
// for each outage, and to nobody else. Its error is fault.Invalid. Close it at the end.
func Start(program string, c Config, log *slog.Logger) (*Tracing, error) {
	if c.Endpoint == "" {
		return nil, nil //nolint:nilnil // no traces, which is no failure
	}
	to, err := exporter(c)
	if err != nil {
		return nil, err
	}
	return New(program, c, to, log), nil
}

// New sends the spans to an exporter instead of the settings' endpoint.
func New(program string, c Config, to sdk.SpanExporter, log *slog.Logger) *Tracing {
	t := &Tracing{to: &outlet{SpanExporter: to, log: log}}
	batches := sdk.NewBatchSpanProcessor(t.to, sdk.WithBatchTimeout(every), sdk.WithExportTimeout(exportLimit),
		sdk.WithMaxQueueSize(queued), sdk.WithMaxExportBatchSize(queued/8))
	t.provider = sdk.NewTracerProvider(sdk.WithSampler(sampler(c.Share, rand.Float64)), sdk.WithResource(self(program, c)),
		sdk.WithSpanProcessor(counted{batches, &t.ended}))
	return t
}

// sampler keeps a share of the traces. What a message says, that its trace is kept or that it is not,
// counts: one of us has sent it. What a request says does not (see Called): Cloud Run names a trace in
// every request, and keeps few, and a stranger may name any. So for those it draws, from 0 to below 1.
func sampler(share float64, draw func() float64) sdk.Sampler { //nolint:forbidigo // no money
	return called{sdk.ParentBased(sdk.TraceIDRatioBased(share)), share, draw}
}

// called is a sampler that draws for what has come with a request.
type called struct {
	sdk.Sampler
	share float64        //nolint:forbidigo // no money
	draw  func() float64 //nolint:forbidigo // no money
}

func (c called) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	if !isCalled(p.ParentContext) {
		return c.Sampler.ShouldSample(p)
	}
	if c.draw() < c.share {
		return sdk.AlwaysSample().ShouldSample(p)
	}
	return sdk.NeverSample().ShouldSample(p)
}

// self says where the spans come from.
func self(program string, c Config) *resource.Resource {
	about := []attribute.KeyValue{attribute.String("service.name", cmp.Or(c.Service, c.Job, program)), attribute.String("service.version", version.String())}
	if c.Project != "" {
		about = append(about, attribute.String("gcp.project_id", c.Project)) // Google's address asks for it
	}
	return resource.NewSchemaless(about...)
}

// Begin begins a program's first span of a request or a job: below the one of ctx, if there is one.
func (t *Tracing) Begin(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t == nil {
		return ctx, noop.Span{}
	}
	return t.provider.Tracer(Scope).Start(ctx, name, opts...)
}

// Flush has the spans that have ended sent, and waits for that: FlushWait at the most. While nobody takes
// them only one Flush in 30 s does so: the others leave them to it, and to the times when long work sends.
func (t *Tracing) Flush() {
	if t == nil || t.ended.Load() == 0 || !t.waits(time.Now().UnixNano()) {
		return
	}
	t.ended.Store(0)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		ctx, cancel := context.WithTimeout(context.Background(), exportLimit)
		defer cancel()
		t.provider.ForceFlush(ctx) //nolint:errcheck // the outlet has told
	}()
	limit := time.NewTimer(FlushWait)
	defer limit.Stop()
	select {
	case <-sent:
	case <-limit.C:
	}
}

// waits reports whether a Flush of now is one that waits.
func (t *Tracing) waits(now int64) bool {
	last := t.waited.Load()
	if t.to.failing.Load() {
		return now-last >= int64(probeEvery) && t.waited.CompareAndSwap(last, now)
	}
	t.waited.Store(now)
	return true
}

// Close sends what is left, until ctx ends. No span can be begun afterwards.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// counted counts the spans that have ended.
type counted struct {
	sdk.SpanProcessor
	ended *atomic.Int64
}

func (c counted) OnEnd(s sdk.ReadOnlySpan) {
	c.SpanProcessor.OnEnd(s)
	c.ended.Add(1)
}
