package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// A start that cannot be says what to do, and leaves nothing running.
func TestStartThatCannotBe(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		args    []string
		environ []string
		says    string
	}{
		{"a port that is taken", []string{"-data", "", "-port", port}, nil, "choose another with -port"},
		{"no time between two ticks", []string{"-interval", "0s"}, nil, "want 10s or more"},
		{"a setting that cannot be read", nil, []string{"SYNC_INTERVAL=soon"}, "SYNC_INTERVAL"},
		{"a drill that is not known", []string{"drill", "-secrets", "stolen"}, nil, "want kept or lost"},
		{"an unknown command", []string{"dance"}, nil, "want none, demo, drill or bench"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := run(t.Context(), tt.args, tt.environ, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
		})
	}
}

// The demo ends with a verdict, whatever cloud the caller's shell points at.
func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	environ := []string{"GOOGLE_CLOUD_PROJECT=elsewhere", "DATABASE_URL=postgres://nobody@127.0.0.1:1/none", "ORGANISATIONS=acme=Acme", "QUICKBOOKS_CLIENT_ID=real"}
	if err := run(t.Context(), []string{"demo", "-invoices", "60"}, environ, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var v verdict
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		t.Fatal(err)
	}
	if !v.OK || v.Organisations != 2 || v.Rows < 100 {
		t.Errorf("verdict %+v", v)
	}
}

// The drill ends with a verdict, too: after a backup was restored the next ticks bring everything, and
// nobody logs in again save for what was connected after the backup.
func TestDrill(t *testing.T) {
	t.Parallel()
	var out, words bytes.Buffer
	err := run(t.Context(), []string{"drill", "-invoices", "60"}, nil, &out, &words)
	if err != nil && os.Getenv("CI") == "" && strings.Contains(err.Error(), "install its client programs") {
		t.Skip(err) // a downloaded server comes without
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &words)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var v drilled
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		t.Fatal(err)
	}
	if !v.OK || v.Rows < 100 || v.Behind == 0 || v.AskedAgain != 1 {
		t.Errorf("verdict %+v", v)
	}
}
