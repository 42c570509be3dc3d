package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/version"
)

// traced is a context in a trace that somebody else has begun.
func traced(t *testing.T) context.Context {
	t.Helper()
	id, errTrace := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	span, errSpan := trace.SpanIDFromHex("b7ad6b7169203331")
	if errTrace != nil || errSpan != nil {
		t.Fatal(errTrace, errSpan)
	}
	at := trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.FlagsSampled, Remote: true})
	return trace.ContextWithRemoteSpanContext(t.Context(), at)
}

func TestCloudEntry(t *testing.T) {
	ctx := logging.With(traced(t), "org", "onpoint")
	e := entry(t, logging.Options{Format: "json", Project: "demo"}, func(l *slog.Logger) {
		l.With("unit", 7).WithGroup("page").WarnContext(ctx, "page applied", "changed", 3, "took", 1500*time.Millisecond)
	})
	if _, err := time.Parse(time.RFC3339Nano, e["time"].(string)); err != nil {
		t.Error(err)
	}
	at := e["logging.googleapis.com/sourceLocation"].(map[string]any)
	if !strings.HasSuffix(at["file"].(string), "logging_test.go") || at["line"].(string) == "" || !strings.Contains(at["function"].(string), "TestCloudEntry") {
		t.Errorf("source location %v", at)
	}
	delete(e, "time")
	delete(e, "logging.googleapis.com/sourceLocation")
	want := map[string]any{
		"severity": "WARNING", "message": "page applied", "unit": 7.0,
		"page":                                 map[string]any{"changed": 3.0, "took": "1.5s"},
		"logging.googleapis.com/trace":         "projects/demo/traces/0af7651916cd43dd8448eb211c80319c",
		"logging.googleapis.com/spanId":        "b7ad6b7169203331",
		"logging.googleapis.com/trace_sampled": true,
		"logging.googleapis.com/labels":        map[string]any{"org": "onpoint"},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

// A function and a job on Cloud Run write JSON without being asked, and say which program they are.
func TestErrorsReachErrorReporting(t *testing.T) {
	for _, tt := range []struct {
		name    string
		give    logging.Options
		service any
		labels  any
	}{
		{"a function", logging.Options{Service: "connect", Revision: "connect-3"}, map[string]any{"service": "connect", "version": version.String()}, map[string]any{"revision": "connect-3"}},
		{"a job", logging.Options{Job: "backfill", Execution: "backfill-x7"}, map[string]any{"service": "backfill", "version": version.String()}, map[string]any{"execution": "backfill-x7"}},
		{"elsewhere", logging.Options{Format: "json"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := entry(t, tt.give, func(l *slog.Logger) { l.Error("sync failed") })
			if e["severity"] != "ERROR" || !strings.HasSuffix(e["@type"].(string), "ReportedErrorEvent") {
				t.Errorf("entry %v", e)
			}
			place := e["context"].(map[string]any)["reportLocation"].(map[string]any)
			if !strings.HasSuffix(place["filePath"].(string), "logging_test.go") || place["lineNumber"].(float64) == 0 {
				t.Errorf("report location %v", place)
			}
			if diff := cmp.Diff(tt.service, e["serviceContext"]); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.labels, e["logging.googleapis.com/labels"]); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			e = entry(t, tt.give, func(l *slog.Logger) { l.Error("panic", logging.StackKey, "panic: x\n\ngoroutine 1 [running]:") })
			if e["@type"] != nil || e["context"] != nil || e[logging.StackKey] == nil {
				t.Errorf("an entry with a stack: %v", e)
			}
			if e = entry(t, tt.give, func(l *slog.Logger) { l.Warn("x") }); e["@type"] != nil || e["serviceContext"] != nil {
				t.Errorf("a warning goes to Error Reporting: %v", e)
			}
		})
	}
}

// TestKindsAreGroups: Error Reporting puts together what one place logs without a stack, unless the first
// three words differ: so failures of unlike kinds differ in the first.
func TestKindsAreGroups(t *testing.T) {
	for _, tt := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"a kind", func(l *slog.Logger) { l.Error("sync run ended", "kind", "forbidden") }, "forbidden: sync run ended"},
		{"in a group", func(l *slog.Logger) { l.WithGroup("run").Error("sync run ended", "kind", "forbidden") }, "forbidden: sync run ended"},
		{"none", func(l *slog.Logger) { l.Error("sync run ended", "kind", "") }, "sync run ended"},
		{"a warning is in no group", func(l *slog.Logger) { l.Warn("sync run ended", "kind", "paused") }, "sync run ended"},
		{"a panic has its stack", func(l *slog.Logger) {
			l.Error("panic", "kind", "internal", logging.StackKey, "panic: x\n\ngoroutine 1 [running]:")
		}, "panic"},
	} {
		if got := entry(t, logging.Options{Format: "json"}, tt.log)["message"]; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSecretsAreNotLogged(t *testing.T) {
	const value = "hunter2"
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		l := logging.New(&out, logging.Options{Format: format}).With("Token", value)
		l.Info("x", "key", config.Secret(value), "all", struct{ Key config.Secret }{value}, "access_token", value, "code", value,
			slog.Group("header", "Authorization", value), slog.Group("secret", "inner", value))
		l.WithGroup("token").Info("y", "any", value)
		if strings.Contains(out.String(), value) {
			t.Errorf("%s: a secret shows in:\n%s", format, out.String())
		}
		for _, want := range []string{"[secret]", "[redacted]"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %s in:\n%s", format, want, out.String())
			}
		}
	}
}

func TestTextIsForPeople(t *testing.T) {
	var out bytes.Buffer
	l := logging.New(&out, logging.Options{})
	l.DebugContext(t.Context(), "not shown")
	l.InfoContext(logging.With(logging.With(t.Context(), "org", "onpoint"), "org", "powergen"), "page applied", "changed", 3)
	line := out.String()
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "level=INFO msg=\"page applied\" changed=3 org=powergen\n") {
		t.Errorf("text: %q", line)
	}
}

func TestOptionsComeFromTheEnvironment(t *testing.T) {
	got, err := config.Load[logging.Options]([]string{"LOG_FORMAT=json", "LOG_LEVEL=debug", "K_SERVICE=connect", "CLOUD_RUN_EXECUTION=x"})
	if want := (logging.Options{Format: "json", Level: slog.LevelDebug, Service: "connect", Execution: "x"}); err != nil || got != want {
		t.Errorf("got %+v %v", got, err)
	}
	if _, err := config.Load[logging.Options]([]string{"LOG_FORMAT=yaml"}); err == nil || !strings.Contains(err.Error(), "LOG_FORMAT: want json or text") {
		t.Errorf("got %v", err)
	}
}

func entry(t *testing.T, o logging.Options, f func(*slog.Logger)) (e map[string]any) {
	t.Helper()
	var out bytes.Buffer
	f(logging.New(&out, o))
	if err := json.Unmarshal(out.Bytes(), &e); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return e
}
