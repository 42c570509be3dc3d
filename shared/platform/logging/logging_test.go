package logging_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestCloudEntry(t *testing.T) {
	ctx := logging.With(logging.WithTrace(t.Context(), parent), "org", "onpoint")
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

func TestErrorsReachErrorReporting(t *testing.T) {
	o := logging.Options{Service: "connect", Revision: "connect-3"} // as on Cloud Run: JSON without being asked
	e := entry(t, o, func(l *slog.Logger) { l.Error("sync failed") })
	if e["severity"] != "ERROR" || !strings.HasSuffix(e["@type"].(string), "ReportedErrorEvent") {
		t.Errorf("entry %v", e)
	}
	place := e["context"].(map[string]any)["reportLocation"].(map[string]any)
	if !strings.HasSuffix(place["filePath"].(string), "logging_test.go") || place["lineNumber"].(float64) == 0 {
		t.Errorf("report location %v", place)
	}
	if diff := cmp.Diff(map[string]any{"service": "connect", "version": "connect-3"}, e["serviceContext"]); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	e = entry(t, o, func(l *slog.Logger) { l.Error("panic", logging.StackKey, "panic: x\n\ngoroutine 1 [running]:") })
	if e["@type"] != nil || e[logging.StackKey] == nil {
		t.Errorf("an entry with a stack: %v", e)
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
	got, err := config.Load[logging.Options]([]string{"LOG_FORMAT=json", "LOG_LEVEL=debug", "K_SERVICE=connect"})
	if want := (logging.Options{Format: "json", Level: slog.LevelDebug, Service: "connect"}); err != nil || got != want {
		t.Errorf("got %+v %v", got, err)
	}
	if _, err := config.Load[logging.Options]([]string{"LOG_FORMAT=yaml"}); err == nil || !strings.Contains(err.Error(), "LOG_FORMAT: want json or text") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyATraceIsTaken(t *testing.T) {
	for _, bad := range []string{"", "x", strings.ToUpper(parent), "ff" + parent[2:], "00-" + strings.Repeat("0", 32) + parent[35:]} {
		if ctx := logging.WithTrace(t.Context(), bad); ctx != t.Context() {
			t.Errorf("%q is taken as a trace", bad)
		}
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
