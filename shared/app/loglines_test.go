package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
)

// deployed is how a program's log looks on Cloud Run.
var deployed = logging.Options{Project: "demo", Service: "syncorg", Revision: "syncorg-00007-abc"}

const (
	eventsFile = "testdata/events.txt"
	linesFile  = "testdata/loglines.golden"
)

// TestEventsAreExplained compares the events that the programs write with the list of what each means,
// which those who get up at night have.
func TestEventsAreExplained(t *testing.T) {
	t.Parallel()
	explained := map[string]string{}
	b, err := os.ReadFile(eventsFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		name, meaning, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || meaning == "" || explained[name] != "" {
			t.Errorf("%s: want one line for each event, \"name: what it means\": %q", eventsFile, line)
		}
		explained[name] = meaning
	}
	written := map[string]bool{}
	for _, w := range eventsIn(t, house) {
		written[w.event] = true
		if w.event == "…" {
			t.Errorf("%s: which event it writes does not show: name it there, or where it is called", w.where)
		} else if explained[w.event] == "" {
			t.Errorf("%s writes event=%s, which %s does not explain", w.where, w.event, eventsFile)
		}
	}
	for name := range explained {
		if !written[name] {
			t.Errorf("%s explains %s, which nobody writes", eventsFile, name)
		}
	}
}

// TestLogLines writes a line for each event of the programs, with its own words and keys, and looks
// whether Cloud Logging and Error Reporting find in it what they look for. What is an event's own is kept
// in a file, so that whoever changes a line sees what those see who read it. After a change:
//
//	go test ./shared/app -run TestLogLines -update
func TestLogLines(t *testing.T) {
	t.Parallel()
	var kept []string
	for _, w := range eventsIn(t, house) {
		for _, level := range w.levels {
			line := synthetic(t, w, level)
			for _, wrong := range brokenRules(line, true) {
				t.Errorf("%s, event=%s: %s\n%s", w.where, w.event, wrong, line)
			}
			kept = append(kept, own(t, w, line))
		}
	}
	slices.Sort(kept)
	golden(t, linesFile, strings.Join(slices.Compact(kept), "\n")+"\n")
}

// synthetic writes what a place in the source writes, with made-up values, in a trace and with a label.
func synthetic(t *testing.T, w written, level slog.Level) []byte {
	t.Helper()
	ctx := logging.With(tracing.From(t.Context(), "00-11111111111111111111111111111111-2222222222222222-01"), "org", "onpoint")
	attrs := []slog.Attr{slog.String("event", w.event)}
	for _, a := range w.fields {
		if a.Key == logging.StackKey {
			a.Value = slog.StringValue("panic: x\n\ngoroutine 1 [running]:\nmain.main()")
		}
		attrs = append(attrs, a)
	}
	var out bytes.Buffer
	logging.New(&out, deployed).LogAttrs(ctx, level, w.text, attrs...)
	return out.Bytes()
}

// own returns what a line has for itself: which event, of what severity, from where, in what words, with
// what keys.
func own(t *testing.T, w written, line []byte) string {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	var keys []string
	for _, a := range w.fields {
		value, _, _ := strings.Cut(fmt.Sprint(e[a.Key]), "\n")
		keys = append(keys, a.Key+"="+value)
	}
	severity := fmt.Sprint(e["severity"])
	if len(w.levels) > 1 {
		severity = "…"
	}
	folder, _, _ := strings.Cut(w.where, ".")
	return strings.TrimSpace(fmt.Sprintf("%s %s %q %s: %s", w.event, severity, e["message"], folder, strings.Join(keys, " ")))
}

var (
	relative = regexp.MustCompile(`^.*/(shared|functions|jobs)/`)
	hex32    = regexp.MustCompile(`[0-9a-f]{32}$`)
	theirRef = regexp.MustCompile(`\(request [^)]+\)`)
)

// normal returns a line without what differs from one run to the next: clocks, ids, lines of files.
func normal(t *testing.T, line []byte) string {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	e["time"] = "2026-01-31T12:00:00Z"
	b, err := json.Marshal(settled("", e))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// settled replaces what differs within a value.
func settled(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = settled(name, inner)
		}
		return v
	case float64:
		if key == "lineNumber" || key == "took_ms" || key == "run" {
			return 0
		}
		return v
	case string:
		return settledText(key, v)
	}
	return v
}

func settledText(key, text string) string {
	switch {
	case key == "line":
		return "0"
	case key == "request" || key == "logging.googleapis.com/spanId":
		return strings.Repeat("2", 16)
	case key == "logging.googleapis.com/trace":
		return hex32.ReplaceAllString(text, strings.Repeat("1", 32))
	case key == "file" || key == "filePath":
		return relative.ReplaceAllString(text, "$1/")
	case key == "version":
		return "v1"
	case key == "latency" || someTime.MatchString(text):
		return "1.5s"
	case key == "stack_trace":
		header, _, _ := strings.Cut(text, "\n")
		return header + "\n\n…" // whose frames are the compiler's
	}
	return theirRef.ReplaceAllString(text, "(request 1)")
}

// golden compares lines with those that are kept.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got), see -update:\n%s", file, diff)
	}
}
