package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/web"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestRealLogLines has the programs write lines of each form, as they do on Cloud Run.
func TestRealLogLines(t *testing.T) {
	p := &printed{T: t}
	p.syncs(newWhole(t, qbosim.Config{NoLimits: true}))
	p.requests()
	p.starts()
	p.jobs()
	p.take("a plain message", func(log *slog.Logger) {
		log.WarnContext(t.Context(), "calls not counted", "connection", int64(7), "calls", 3, "waited", 90*time.Second, "access_token", "hunter2")
	})
	golden(t, "testdata/loglines_real.golden", p.kept.String())
}

// printed collects lines.
type printed struct {
	*testing.T
	kept strings.Builder
}

// take looks at what do logs, and keeps it.
func (p *printed) take(what string, do func(*slog.Logger)) {
	p.Helper()
	var out logs
	do(logging.New(&out, deployed))
	p.keep(what, out.String())
}

func (p *printed) keep(what, lines string) {
	p.Helper()
	p.kept.WriteString("# " + what + "\n")
	if len(lines) == 0 {
		p.Errorf("%s: nothing is told", what)
	}
	for line := range strings.Lines(lines) {
		for _, wrong := range brokenRules([]byte(line), true) {
			p.Errorf("%s: %s\n%s", what, wrong, line)
		}
		p.kept.WriteString(normal(p.T, []byte(line)) + "\n")
	}
}

// syncs prints what SyncOrg tells of ticks that go well and that do not.
func (p *printed) syncs(w *whole) {
	w.attach("onpoint", onpointRealm)
	for _, tt := range []struct {
		what, body string
		fault      *qbosim.Fault
		status     int
	}{
		{"a first load", "", nil, http.StatusNoContent},
		{"the provider is out of order", "", &qbosim.Fault{Kind: qbosim.HTML502}, http.StatusServiceUnavailable},
		{"a tick of nobody", `{"message":{"messageId":"1","attributes":{"org":"nobody"}}}`, nil, http.StatusOK},
	} {
		w.later()
		remove := func() {}
		if tt.fault != nil {
			remove = w.sim.Inject(*tt.fault)
		}
		p.take(tt.what, func(log *slog.Logger) {
			h, end, err := SyncOrg.Build(p.Context(), w.vars, log)
			if err != nil {
				p.Fatal(err)
			}
			defer end(context.Background())
			traces := tracing.New("SyncOrg", tracing.Config{Share: 1}, tracetest.NewInMemoryExporter(), log)
			defer traces.Close(context.Background())
			server := web.New(p.Context(), web.Options{Name: "SyncOrg", Handler: h, Log: log, Traces: traces})
			send := func() *httptest.ResponseRecorder {
				return push(server.ServeHTTP, org.Tick{Org: "onpoint", Reason: org.Schedule}.Attributes())
			}
			if tt.body != "" {
				send = func() *httptest.ResponseRecorder { return post(server.ServeHTTP, tt.body) }
			}
			answer := send()
			remove()
			if answer.Code != tt.status {
				p.Errorf("%s: status %d, want %d", tt.what, answer.Code, tt.status)
			}
		})
	}
}

// requests prints what is told of requests that nobody should make, or get such an answer to.
func (p *printed) requests() {
	for _, tt := range []struct {
		what   string
		answer http.HandlerFunc
	}{
		{"a panic", func(http.ResponseWriter, *http.Request) { panic("oh") }},
		{"an answer of 500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }},
		{"come again later", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
	} {
		p.take(tt.what, func(log *slog.Logger) {
			post(web.New(p.Context(), web.Options{Name: "Connect", Handler: tt.answer, Log: log}).ServeHTTP, "")
		})
	}
}

// starts prints what a function with wrong settings tells.
func (p *printed) starts() {
	var out logs
	serve(p.Context(), "SyncOrg", SyncOrg, []string{"SYNC_LEASE=soon", "K_SERVICE=syncorg", "K_REVISION=syncorg-00007-abc"}, &out)
	p.keep("wrong settings", out.String())
}

// jobs prints the life of jobs.
func (p *printed) jobs() {
	for _, tt := range []struct {
		what string
		end  func() error
	}{
		{"a job ends well", func() error { return nil }},
		{"a job fails", func() error { return fault.New(fault.Reconnect, "onpoint: connect again") }},
		{"a job panics", func() error { panic("oh") }},
	} {
		var out logs
		runJob(p.Context(), "backfill", odd(tt.end), call{nil, []string{"CLOUD_RUN_JOB=backfill", "CLOUD_RUN_EXECUTION=backfill-x7q2v", "GOOGLE_CLOUD_PROJECT=demo"}, io.Discard, &out})
		p.keep(tt.what, out.String())
	}
}
