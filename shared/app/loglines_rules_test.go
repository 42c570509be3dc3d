package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What Google documents of structured logs: "Structured logging" of Cloud Logging, the type LogEntry and
// its HttpRequest, and "Format errors in logs" of Error Reporting.
var (
	severities  = []string{"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}
	traceName   = regexp.MustCompile(`^projects/[^/]+/traces/[0-9a-f]{32}$`)
	spanName    = regexp.MustCompile(`^[0-9a-f]{16}$`)
	digits      = regexp.MustCompile(`^[0-9]+$`)
	seconds     = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?s$`)
	goStack     = regexp.MustCompile(`^[^\n]+\n\ngoroutine [0-9]+ \[[^\]]+\]:\n`)
	someTime    = regexp.MustCompile(`^-?([0-9]+(\.[0-9]+)?(h|m|s|ms|µs|ns))+$`)
	httpRequest = map[string]string{
		"requestMethod": "", "requestUrl": "", "status": "number", "userAgent": "", "remoteIp": "", "serverIp": "",
		"referer": "", "latency": "", "protocol": "", "requestSize": "", "responseSize": "",
	}
	// Keys that the agent takes out of the entry, each with the rule that lets it.
	reserved = map[string]func(any) string{
		"severity": func(v any) string {
			return unless(slices.Contains(severities, fmt.Sprint(v)), "is none of LogSeverity")
		},
		"message": func(v any) string { s, ok := v.(string); return unless(ok && s != "", "is no text") },
		"time": func(v any) string {
			_, err := time.Parse(time.RFC3339Nano, fmt.Sprint(v))
			return unless(err == nil, "is not RFC 3339")
		},
		"logging.googleapis.com/trace":          matches(traceName),
		"logging.googleapis.com/spanId":         matches(spanName),
		"logging.googleapis.com/trace_sampled":  func(v any) string { _, ok := v.(bool); return unless(ok, "is no bool") },
		"logging.googleapis.com/labels":         texts,
		"logging.googleapis.com/sourceLocation": sourceLocation,
		"httpRequest":                           requestFields,
		"stack_trace":                           matches(goStack),
		"@type": func(v any) string {
			return unless(v == "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent", "is not Error Reporting's")
		},
		"context":        reportLocation,
		"serviceContext": serviceContext,
	}
	forbidden = []string{"timestamp", "timestampSeconds", "timestampNanos", "exception", "logName", "log_name", "textPayload", "jsonPayload", "resource",
		"insertId", "labels", "trace", "spanId", "sourceLocation", "operation", "receiveTimestamp", "level", "msg", "source"}
)

func unless(ok bool, words string) string {
	if ok {
		return ""
	}
	return words
}

func matches(form *regexp.Regexp) func(any) string {
	return func(v any) string {
		s, ok := v.(string)
		return unless(ok && form.MatchString(s), fmt.Sprintf("is not of the form %s", form))
	}
}

func texts(v any) string {
	all, ok := v.(map[string]any)
	for _, value := range all {
		if _, isText := value.(string); !isText {
			return "has a value that is no text"
		}
	}
	return unless(ok && len(all) > 0, "is no map")
}

func sourceLocation(v any) string {
	at, _ := v.(map[string]any)
	file, function := at["file"].(string)
	_, isFunction := at["function"].(string)
	return unless(len(at) == 3 && function && isFunction && file != "" && matches(digits)(at["line"]) == "", "is not {file, line as text, function}")
}

func reportLocation(v any) string {
	whole, _ := v.(map[string]any)
	at, _ := whole["reportLocation"].(map[string]any)
	file, _ := at["filePath"].(string)
	line, _ := at["lineNumber"].(float64)
	function, _ := at["functionName"].(string)
	return unless(file != "" && line > 0 && function != "", "names no place")
}

func serviceContext(v any) string {
	s, _ := v.(map[string]any)
	return unless(s["service"] != "" && s["version"] != "" && texts(v) == "", "names no service and version")
}

func requestFields(v any) string {
	r, ok := v.(map[string]any)
	for name, value := range r {
		kind, known := httpRequest[name]
		if !known {
			return "has a field that HttpRequest has not: " + name
		}
		if _, number := value.(float64); number != (kind == "number") {
			return name + " is of another kind"
		}
	}
	if url, _ := r["requestUrl"].(string); strings.ContainsAny(url, "?#") {
		return "shows a query"
	}
	return unless(ok && matches(seconds)(r["latency"]) == "", "has no latency in seconds")
}

// brokenRules returns what is wrong with a line.
func brokenRules(line []byte, deployed bool) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if twice := repeated(line); twice != "" {
		complain("the key %s stands twice", twice)
	}
	var e map[string]any
	if err := json.Unmarshal(line, &e); err != nil || bytes.Count(bytes.TrimSpace(line), []byte("\n")) > 0 {
		return append(wrong, fmt.Sprintf("it is no line of JSON: %v", err))
	}
	for _, name := range []string{"severity", "message", "time", "logging.googleapis.com/sourceLocation"} {
		if _, ok := e[name]; !ok {
			complain("%s is missing", name)
		}
	}
	for name, value := range e {
		rule, known := reserved[name]
		switch {
		case known:
			if words := rule(value); words != "" {
				complain("%s %s: %v", name, words, value)
			}
		case slices.Contains(forbidden, name) || strings.HasPrefix(name, "logging.googleapis.com/"):
			complain("%s means something else to Cloud Logging", name)
		}
	}
	if _, has := e["logging.googleapis.com/trace"]; has != (e["logging.googleapis.com/spanId"] != nil) || has != (e["logging.googleapis.com/trace_sampled"] != nil) {
		complain("trace, spanId and trace_sampled go together")
	}
	bad := slices.Index(severities, fmt.Sprint(e["severity"])) >= slices.Index(severities, "ERROR")
	_, stack := e["stack_trace"]
	_, typed := e["@type"]
	_, place := e["context"]
	_, service := e["serviceContext"]
	if bad != (stack || typed) || stack && typed || typed != place || service != (bad && deployed) {
		complain("Error Reporting wants a stack or a place of each error, and of nothing else; and the service where there is one")
	}
	return wrong
}

// repeated returns a key that stands twice in one object: a reader takes the last one, and nobody sees the other.
func repeated(line []byte) string {
	d := json.NewDecoder(bytes.NewReader(line))
	type object struct {
		keys map[string]bool // nil: an array
		key  bool            // the next text is a key
	}
	var open []object
	for {
		tok, err := d.Token()
		if err != nil {
			return ""
		}
		if text, ok := tok.(string); ok && len(open) > 0 && open[len(open)-1].key {
			in := &open[len(open)-1]
			if in.keys[text] {
				return text
			}
			in.keys[text], in.key = true, false
			continue
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, object{map[string]bool{}, true})
			continue
		case json.Delim('['):
			open = append(open, object{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			open[len(open)-1].key = open[len(open)-1].keys != nil
		}
	}
}

// TestLogLineRules shows the rules lines that break them.
func TestLogLineRules(t *testing.T) {
	t.Parallel()
	const good = `{"time":"2026-01-31T12:00:00.5Z","severity":"INFO","message":"x","logging.googleapis.com/sourceLocation":{"file":"a.go","line":"7","function":"a.b"},"took":"1.5s"}`
	const typed = `"@type":"type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent","context":{"reportLocation":{"filePath":"a.go","lineNumber":7,"functionName":"a.b"}}`
	with := func(more string) string { return strings.TrimSuffix(good, "}") + "," + more + "}" }
	failed := func(more string) string { return strings.Replace(with(more), `"INFO"`, `"ERROR"`, 1) }
	for _, tt := range []struct {
		name, line string
		deployed   bool
		says       string
	}{
		{"as it should be", good, true, ""},
		{"an error", failed(typed), false, ""},
		{"a panic", failed(`"stack_trace":"panic: x\n\ngoroutine 7 [running]:\nmain.main()"`), false, ""},
		{"no JSON", `x`, false, "no line of JSON"},
		{"two lines", good[:1] + "\n" + good[1:], false, "no line of JSON"},
		{"another severity", strings.Replace(good, "INFO", "WARN", 1), false, "none of LogSeverity"},
		{"a time for people", strings.Replace(good, "2026-01-31T12:00:00.5Z", "12:00", 1), false, "RFC 3339"},
		{"a line that is a number", strings.Replace(good, `"7"`, `7`, 1), false, "sourceLocation"},
		{"an error without a place", strings.Replace(good, "INFO", "ERROR", 1), false, "wants a stack or a place"},
		{"an error of nobody", failed(typed), true, "the service where there is one"},
		{"a stack of another form", failed(`"stack_trace":"goroutine 7 [running]:"`), false, "stack_trace is not of the form"},
		{"a place without an error", with(typed), false, "and of nothing else"},
		{"a trace without its project", with(`"logging.googleapis.com/trace":"0af7651916cd43dd8448eb211c80319c","logging.googleapis.com/spanId":"b7ad6b7169203331","logging.googleapis.com/trace_sampled":true`), false, "trace is not of the form"},
		{"half a trace", with(`"logging.googleapis.com/spanId":"b7ad6b7169203331"`), false, "go together"},
		{"a label that is a number", with(`"logging.googleapis.com/labels":{"org":7}`), false, "no text"},
		{"a query", with(`"httpRequest":{"requestUrl":"/x?code=1","latency":"0.1s"}`), false, "shows a query"},
		{"a latency in words", with(`"httpRequest":{"latency":"100ms"}`), false, "no latency"},
		{"a field of nobody", with(`"httpRequest":{"path":"/x","latency":"0.1s"}`), false, "HttpRequest has not: path"},
		{"a key of theirs", with(`"timestamp":"x"`), false, "means something else"},
		{"a key twice", with(`"took":"2s"`), false, "took stands twice"},
		{"a key twice below", with(`"a":[{"b":1,"c":{"b":2},"b":3}]`), false, "b stands twice"},
	} {
		got := strings.Join(brokenRules([]byte(tt.line), tt.deployed), "; ")
		if (got == "") != (tt.says == "") || !strings.Contains(got, tt.says) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.says)
		}
	}
}
