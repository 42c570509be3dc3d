package logging

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
)

// errorEvent marks an entry for Error Reporting though it holds no stack.
const errorEvent = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"

// StackKey is the key under which Error Reporting finds a stack: the text of runtime/debug.Stack
// after a header line and an empty line.
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

// cloudAttrs returns what a record gets from its context and its level.
func (o Options) cloudAttrs(ctx context.Context, r slog.Record) []slog.Attr {
	var as []slog.Attr
	if t, ok := ctx.Value(traceKey{}).(trace); ok {
		id := t.id
		if o.Project != "" {
			id = "projects/" + o.Project + "/traces/" + t.id
		}
		as = append(as, slog.String("logging.googleapis.com/trace", id),
			slog.String("logging.googleapis.com/spanId", t.span),
			slog.Bool("logging.googleapis.com/trace_sampled", t.sampled))
	}
	if ls := labels(ctx); len(ls) > 0 {
		as = append(as, slog.Attr{Key: "logging.googleapis.com/labels", Value: slog.GroupValue(ls...)})
	}
	if r.Level < slog.LevelError {
		return as
	}
	if o.Service != "" {
		as = append(as, slog.Group("serviceContext", "service", o.Service, "version", o.Revision))
	}
	if hasStack(r) {
		return as
	}
	f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
	return append(as, slog.String("@type", errorEvent), slog.Group("context", slog.Group("reportLocation",
		"filePath", f.File, "lineNumber", f.Line, "functionName", f.Function)))
}

func hasStack(r slog.Record) (has bool) {
	r.Attrs(func(a slog.Attr) bool {
		has = a.Key == StackKey
		return !has
	})
	return has
}
