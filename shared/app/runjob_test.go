package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// odd is a job that ends as it is told.
func odd(end func() error) Job {
	return jobOf(func(_ context.Context, c call, load func() (struct{}, error)) error {
		if len(c.args) > 0 {
			return flag.ErrHelp
		}
		if _, err := load(); err != nil {
			return err
		}
		say(c.out, "done what it is for")
		return end()
	})
}

// TestJobsTell: a person reads words, a machine a line for the beginning, the end, and what went wrong.
func TestJobsTell(t *testing.T) {
	t.Parallel()
	two := errors.Join(fault.New(fault.Reconnect, "onpoint: connect again"), fault.New(fault.Unavailable, "powergen: away"))
	for _, tt := range []struct {
		name   string
		end    func() error
		args   []string
		vars   []string
		status int
		words  string   // of the one to a person
		events []string // to a machine
		says   string   // the failure's own
	}{
		{"well", func() error { return nil }, nil, nil, 0, "", []string{"started", "stopped"}, ""},
		{"asked for help", nil, []string{"-h"}, []string{"LOG_LEVEL=loud"}, 0, "", []string{"started", "stopped"}, ""},
		{"it fails twice", func() error { return two }, nil, nil, 1, "odd: onpoint: connect again\npowergen: away\n", []string{"started", "job_failed", "stopped"}, "onpoint: connect again\npowergen: away"},
		{"wrong settings", nil, nil, []string{"TRACE_SHARE=5"}, 1, "odd: settings: TRACE_SHARE: want 0 to 1\n", []string{"started", "job_failed", "stopped"}, "settings: TRACE_SHARE: want 0 to 1"},
		{"a panic", func() error { panic("oh") }, nil, nil, 1, "odd: panic: oh\n\ngoroutine ", []string{"started", "panic", "stopped"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var words bytes.Buffer
			status := runJob(t.Context(), "odd", odd(tt.end), call{tt.args, tt.vars, io.Discard, &words})
			if status != tt.status || !strings.HasPrefix(words.String(), tt.words) || tt.words == "" && words.Len() > 0 {
				t.Errorf("status %d, want %d; a person reads %q, want %q", status, tt.status, &words, tt.words)
			}
			var lines, out bytes.Buffer
			status = runJob(t.Context(), "odd", odd(tt.end), call{tt.args, append(tt.vars, "CLOUD_RUN_JOB=odd"), &out, &lines})
			var events []string
			for d := json.NewDecoder(&lines); d.More(); {
				var e map[string]any
				if err := d.Decode(&e); err != nil {
					t.Fatal(err)
				}
				events = append(events, e["event"].(string))
				if e["event"] == "job_failed" && e["err"] != tt.says || e["event"] == "stopped" && e["status"] != float64(tt.status) || e["function"] != "odd" {
					t.Errorf("a machine reads %v", e)
				}
			}
			if diff := cmp.Diff(tt.events, events); diff != "" || status != tt.status {
				t.Errorf("status %d; events (-want +got):\n%s", status, diff)
			}
		})
	}
}
