package app

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
)

// TestPanicOfOneConnection: a job goes on with the others, and the one is told in a way that an alert sees.
func TestPanicOfOneConnection(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	var done atomic.Int32
	j := jobOf(func(ctx context.Context, c call, _ func() (struct{}, error)) error {
		work := &job{joint: &joint{log: logging.New(c.words, logging.Options{Format: "json"})}, jobOptions: jobOptions{parallel: 2}}
		return work.each(ctx, []org.Connection{{ID: 1, Org: "onpoint"}, {ID: 2, Org: "powergen"}, {ID: 3, Org: "onpoint"}}, func(_ context.Context, c org.Connection) error {
			if c.ID == 1 {
				panic("oh")
			}
			done.Add(1)
			return nil
		})
	})
	status := runJob(t.Context(), "reconcile", j, call{nil, []string{"LOG_FORMAT=json"}, &lines, &lines})
	var events []string
	for d := json.NewDecoder(&lines); d.More(); {
		var e map[string]any
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e["event"].(string))
		switch stack, _ := e["stack_trace"].(string); e["event"] {
		case "panic":
			if e["severity"] != "ERROR" || !strings.HasPrefix(stack, "panic: oh\n\ngoroutine ") || e["connection"] != 1.0 {
				t.Errorf("it tells %v", e)
			}
		case "job_failed":
			if e["kind"] != "internal" || !strings.HasPrefix(e["err"].(string), "onpoint, connection 1: ") {
				t.Errorf("the job ends with %v", e)
			}
		}
	}
	if diff := cmp.Diff([]string{"started", "panic", "job_failed", "stopped"}, events); diff != "" || status != 1 || done.Load() != 2 {
		t.Errorf("status %d, %d others done; events (-want +got):\n%s", status, done.Load(), diff)
	}
}

// TestPanicOfOneTick: the others are sent, and the function goes on.
func TestPanicOfOneTick(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	j := &joint{log: logging.New(&lines, logging.Options{})} // without a way to send anything
	err := j.tickAll(t.Context(), []org.Tick{{Org: "onpoint", Connection: 1}, {Org: "onpoint", Connection: 2}})
	if !fault.Is(err, fault.Internal) || strings.Count(lines.String(), "event=panic") != 2 {
		t.Errorf("%v; it tells %s", err, &lines)
	}
}
