package logging

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/platform/version"
)

// errorEvent marks an entry for Error Reporting though it holds no stack.
const errorEvent = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"

// StackKey is the key under which Error Reporting finds a stack, in the form that fault.Stack gives it.
const StackKey = "stack_trace"

// cloud renames slog's own keys to those that Cloud Logging knows.
func cloud(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return redact(groups, a)
	}
	switch a.Key {
	case slog.LevelKey:
		if l, ok := a.Value.Any().(slog.Level); ok {
			return slog.String("severity", severity(l))
		}
	case slog.MessageKey:
		a.Key = "message"
		return a
	case slog.SourceKey:
		if s, ok := a.Value.Any().(*slog.Source); ok {
			return slog.Group("logging.googleapis.com/sourceLocation",
				"file", s.File, "line", strconv.Itoa(s.Line), "function", s.Function)
		}
	}
	return redact(groups, a)
}

// severity returns Cloud Logging's word for a level.
func severity(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelInfo+2:
		return "INFO"
	case l < slog.LevelWarn:
		return "NOTICE"
	case l < slog.LevelError:
		return "WARNING"
	case l < slog.LevelError+4:
		return "ERROR"
	default:
		return "CRITICAL"
	}
}

// entry is what all entries of a program have in common.
type entry struct {
	project, program, version string
	labels                    []slog.Attr // of the deployment
}

func (o Options) entry() entry {
	e := entry{project: o.Project, program: o.program(), version: version.String()}
	for _, l := range []struct{ key, value string }{{"revision", o.Revision}, {"execution", o.Execution}} {
		if l.value != "" {
			e.labels = append(e.labels, slog.String(l.key, l.value))
		}
	}
	return e
}

// attrs returns what a record gets from its context and its level, and puts into words what Error
// Reporting goes by: where there is no stack it groups by the place and the first three words.
func (e entry) attrs(ctx context.Context, r *slog.Record) []slog.Attr {
	as := e.trace(ctx)
	if ls := slices.Concat(e.labels, labels(ctx)); len(ls) > 0 {
		as = append(as, slog.Attr{Key: "logging.googleapis.com/labels", Value: slog.GroupValue(ls...)})
	}
	if r.Level < slog.LevelError {
		return as
	}
	if e.program != "" {
		as = append(as, slog.Group("serviceContext", "service", e.program, "version", e.version))
	}
	if _, has := find(r, StackKey); has {
		return as
	}
	if kind, has := find(r, "kind"); has && kind.String() != "" {
		r.Message = kind.String() + ": " + r.Message
	}
	f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
	return append(as, slog.String("@type", errorEvent), slog.Group("context", slog.Group("reportLocation",
		"filePath", f.File, "lineNumber", f.Line, "functionName", f.Function)))
}

// trace names the span that a record belongs to.
func (e entry) trace(ctx context.Context) []slog.Attr {
	at := trace.SpanContextFromContext(ctx)
	if !at.IsValid() {
		return nil
	}
	id := at.TraceID().String()
	if e.project != "" {
		id = "projects/" + e.project + "/traces/" + id
	}
	return []slog.Attr{
		slog.String("logging.googleapis.com/trace", id),
		slog.String("logging.googleapis.com/spanId", at.SpanID().String()),
		slog.Bool("logging.googleapis.com/trace_sampled", at.IsSampled()),
	}
}

// find returns a record's own value of a key.
func find(r *slog.Record, key string) (v slog.Value, has bool) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == key {
			v, has = a.Value, true
		}
		return !has
	})
	return v, has
}
