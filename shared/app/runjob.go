package app

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/version"
)

// lastSpans is how long the end of a job waits for its spans to leave, of the 10 s that Cloud Run leaves
// one that it stops.
const lastSpans = 2 * time.Second

// runJob tells a person what went wrong in words, and a machine in one line, as it tells of the beginning
// and the end.
func runJob(ctx context.Context, name string, j Job, c call) (status int) {
	how, wrong := config.Load[telling](c.environ)
	t := teller{name: name, words: c.words, log: logging.New(c.words, how.Log), json: how.Log.JSON(), begun: time.Now()}
	var traces *tracing.Tracing
	if wrong == nil { // else the job says so, unless it was asked for help
		traces, wrong = tracing.Start(name, how.Traces, t.log)
	}
	ctx, span := traces.Begin(ctx, name)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		span.End()
		traces.Close(ctx) //nolint:errcheck // nothing of the work is lost with its spans
	}()
	t.started(ctx)
	defer func() {
		if p := recover(); p != nil {
			t.panicked(ctx, p, debug.Stack())
			status = t.stopped(ctx, 1)
		}
	}()
	err := j.Run(ctx, c.args, c.environ, c.out, c.words)
	if errors.Is(err, flag.ErrHelp) {
		return t.stopped(ctx, 0)
	}
	return t.ended(ctx, cmp.Or(err, wrong))
}

// teller tells of a job.
type teller struct {
	name  string
	words io.Writer
	log   *slog.Logger
	json  bool
	begun time.Time
}

func (t teller) started(ctx context.Context) {
	if t.json {
		t.log.InfoContext(ctx, "job begins", "event", "started", "function", t.name, "version", version.String())
	}
}

func (t teller) ended(ctx context.Context, err error) (status int) {
	if err == nil {
		return t.stopped(ctx, 0)
	}
	t.failed(ctx, err)
	return t.stopped(ctx, 1)
}

func (t teller) stopped(ctx context.Context, status int) int {
	if t.json {
		t.log.InfoContext(ctx, "job has ended", "event", "stopped", "function", t.name, "status", status, "took", time.Since(t.begun))
	}
	return status
}

func (t teller) failed(ctx context.Context, err error) {
	kind := string(fault.Of(err))
	trace.SpanFromContext(ctx).SetStatus(codes.Error, kind)
	if !t.json {
		fmt.Fprintf(t.words, "%s: %s\n", t.name, err) //nolint:errcheck // nobody is left to tell
		return
	}
	t.log.ErrorContext(ctx, "job failed", "event", "job_failed", "function", t.name, "kind", kind, "err", err.Error())
}

func (t teller) panicked(ctx context.Context, p any, stack []byte) {
	trace.SpanFromContext(ctx).SetStatus(codes.Error, "panic")
	if !t.json {
		fmt.Fprintf(t.words, "%s: %s\n", t.name, fault.Stack(p, stack)) //nolint:errcheck // nobody is left to tell
		return
	}
	t.log.ErrorContext(ctx, "panic", "event", "panic", "function", t.name, logging.StackKey, fault.Stack(p, stack))
}
