package app

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

// job builds a job, closed when the test ends.
func (w *whole) job(o jobOptions) *job {
	w.Helper()
	o.parallel = 4
	j, err := newJob(w.Context(), func() (jointConfig, error) { return config.Load[jointConfig](w.vars) }, w.log(), "job", o)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { j.ends.close(context.Background()) }) //nolint:errcheck // the test is over
	return j
}

// told returns the log lines of an event.
func (p *place) told(event string) (lines []map[string]any) {
	p.Helper()
	for line := range strings.Lines(p.logs.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			p.Fatal(err)
		}
		if entry["event"] == event {
			lines = append(lines, entry)
		}
	}
	return lines
}

func (w *whole) spoil(sql string) {
	w.Helper()
	if _, err := w.store.Pool.Exec(w.Context(), sql); err != nil {
		w.Fatal(err)
	}
}

// The jobs do what they are asked for on all companies, and say so.
func TestJobs(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	one, two := w.attach("onpoint", onpointRealm), w.attach("powergen", powergenRealm)
	some := []string{"Customer", "Invoice"}

	if err := w.job(jobOptions{all: true, streams: some}).backfill(t.Context(), reconcile.Backfill{}); err != nil {
		t.Fatal(err)
	}
	if got, want := w.invoices(), w.sim.Company(onpointRealm).Count("Invoice")+w.sim.Company(powergenRealm).Count("Invoice"); got != want {
		t.Errorf("after a backfill of companies that nobody had synced %d invoices, want %d", got, want)
	}
	if ended := w.told("backfill"); len(ended) != 2 || ended[0]["outcome"] != "done" {
		t.Errorf("it tells %v", ended)
	}

	w.spoil(`DELETE FROM quickbooks.invoices WHERE id = (SELECT max(id) FROM quickbooks.invoices WHERE org_id = 'onpoint') AND org_id = 'onpoint'`)
	w.spoil(`UPDATE quickbooks.invoices SET total_amt = total_amt + 1 WHERE org_id = 'powergen'`)
	if err := w.job(jobOptions{all: true, streams: some}).reconcile(t.Context(), reconcile.Check{}); err != nil {
		t.Fatal(err)
	}
	differed := w.told("reconciled")
	if len(differed) != 1 || differed[0]["org"] != "onpoint" || differed[0]["stream"] != "Invoice" || differed[0]["missing"] != 1.0 || differed[0]["mended"] != 1.0 {
		t.Errorf("counting tells %v, want the one invoice that is missing", differed)
	}
	if err := w.job(jobOptions{orgs: []org.Slug{"powergen"}, streams: some}).reconcile(t.Context(), reconcile.Check{Full: true}); err != nil {
		t.Fatal(err)
	}
	if differed = w.told("reconciled"); len(differed) != 2 || differed[1]["org"] != "powergen" || differed[1]["damaged"] != differed[1]["mended"] {
		t.Errorf("a full check tells %v, want all invoices of powergen", differed)
	}
	if ended := w.told("reconcile"); len(ended) != 3 {
		t.Errorf("it tells %v", ended)
	}

	// Two that nobody can work on: told where all were asked for, an error where they were named.
	w.spoil(`UPDATE sync.connections SET state = 'needs_reauth', reason = 'connect again' WHERE id = 1`)
	w.spoil(`UPDATE sync.connections SET state = 'disconnected' WHERE id = 2`)
	if err := w.job(jobOptions{all: true}).reconcile(t.Context(), reconcile.Check{}); err != nil {
		t.Error(err)
	}
	if left := w.told("left_out"); len(left) != 1 || left[0]["org"] != "onpoint" {
		t.Errorf("left out %v", left)
	}
	for _, tt := range []struct {
		name string
		give jobOptions
		kind fault.Kind
		says string
	}{
		{"who has to connect again", jobOptions{orgs: []org.Slug{"onpoint"}}, fault.Reconnect, "onpoint, connection 1: it is needs_reauth: connect again"},
		{"one that is disconnected", jobOptions{orgs: []org.Slug{"powergen"}, connection: two.ID}, fault.Reconnect, "it is disconnected"},
		{"an unknown organisation", jobOptions{orgs: []org.Slug{"nobody"}}, fault.NotFound, "there is no organisation nobody"},
		{"another's connection", jobOptions{orgs: []org.Slug{"powergen"}, connection: one.ID}, fault.NotFound, "organisation powergen has no connection 1"},
	} {
		if err := w.job(tt.give).backfill(t.Context(), reconcile.Backfill{}); !fault.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want it to say %q", tt.name, err, tt.says)
		}
	}
}

// A job that is stopped says so for every connection that it has not done.
func TestStoppedJob(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	w.attach("powergen", powergenRealm)
	ctx, stop := context.WithCancel(t.Context())
	j := w.job(jobOptions{all: true})
	work, err := j.connections(ctx, false)
	if err != nil || len(work) != 2 {
		t.Fatalf("%v, %v", work, err)
	}
	stop()
	err = j.each(ctx, work, func(context.Context, org.Connection) error { t.Error("it works"); return nil })
	if !fault.Is(err, fault.Stopped) || !strings.Contains(err.Error(), "onpoint, connection 1") || !strings.Contains(err.Error(), "powergen, connection 2") {
		t.Errorf("%v", err)
	}
}

// TestJobsNoteTheirEnd: only what the schedule asks for counts, and only when the job has come to its end,
// whatever single connections said.
func TestJobsNoteTheirEnd(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	one := w.attach("onpoint", onpointRealm)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, tt := range []struct {
		name, before string
		ctx          context.Context //nolint:containedctx // of the case
		give         jobOptions
		full         bool
		floor        engine.Urgency
		want         string
		fails        bool
	}{
		{name: "one that fails", ctx: t.Context(), give: jobOptions{all: true}, want: "reconcile", fails: true},
		{name: "one that fails, compared in full", ctx: t.Context(), give: jobOptions{all: true}, full: true, want: "reconcile-full", fails: true},
		{name: "the month's calls are used up", ctx: t.Context(), give: jobOptions{all: true}, floor: engine.Nothing, fails: true},
		{name: "stopped", ctx: stopped, give: jobOptions{all: true}, fails: true},
		{name: "one that is closed", before: `UPDATE sync.connections SET state = 'paused', reason = 'closed'`, ctx: t.Context(), give: jobOptions{all: true}, want: "reconcile"},
		{name: "single streams", ctx: t.Context(), give: jobOptions{all: true, streams: []string{"Customer"}}},
		{name: "one organisation", ctx: t.Context(), give: jobOptions{orgs: []org.Slug{"onpoint"}}, fails: true},
	} {
		w.spoil(`UPDATE sync.job_runs SET ended_at = '2020-01-01'`)
		if tt.before != "" {
			w.spoil(tt.before)
		}
		j := w.job(tt.give)
		j.worker.Run = func(context.Context, org.Connection, engine.Order, <-chan struct{}) (engine.Report, error) {
			return engine.Report{}, fault.New(fault.Forbidden, "it says no")
		}
		j.engine.Allow = func(context.Context, org.Connection) (engine.Allowance, error) {
			return engine.Allowance{Floor: tt.floor}, nil
		}
		if err := j.reconcile(tt.ctx, reconcile.Check{Full: tt.full}); (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.name, err)
		}
		var ended string
		if err := w.store.Pool.QueryRow(t.Context(), `SELECT coalesce(string_agg(job, ' '), '') FROM sync.job_runs WHERE ended_at > now() - interval '1 hour'`).Scan(&ended); err != nil {
			t.Fatal(err)
		}
		if ended != tt.want {
			t.Errorf("%s: %q has ended, want %q", tt.name, ended, tt.want)
		}
	}
	if left := w.told("left_out"); len(left) == 0 || left[0]["state"] != "paused" || left[0]["connection"] != float64(one.ID) {
		t.Errorf("left out %v", left)
	}
	if work, err := w.job(jobOptions{all: true}).connections(t.Context(), true); err != nil || len(work) != 1 {
		t.Errorf("without a call %v is worked on, %v", work, err)
	}
}

// TestReplay: what could not be stored is stored by a later release, without a call, and what still cannot be stays.
func TestReplay(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	accounts := `SELECT count(*) FROM quickbooks.accounts`
	all := w.count(accounts)
	w.spoil(`INSERT INTO sync.dead_letters (org_id, connection_id, stream, key, is_deletion, reason, raw)
		SELECT org_id, connection_id, 'Account', substring(sha256(convert_to(id, 'UTF8')) FROM 1 FOR 16), false, 'an older release could not read it', convert_to(raw::text, 'UTF8') FROM quickbooks.accounts ORDER BY id LIMIT 3`)
	w.spoil(`DELETE FROM quickbooks.accounts WHERE convert_to(raw::text, 'UTF8') IN (SELECT raw FROM sync.dead_letters)`)
	w.spoil(`INSERT INTO sync.dead_letters (org_id, connection_id, stream, key, is_deletion, reason, raw) VALUES ('onpoint', 1, 'Account', substring(sha256('y') FROM 1 FOR 16), false, 'no JSON', 'y')`)
	calls := w.count(`SELECT coalesce(sum(calls), 0) FROM sync.api_usage`)
	before := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'active' AND next_sync_at > now()`)

	if err := Reconcile.Run(t.Context(), []string{"-all", "-replay"}, w.vars, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got := w.count(accounts); got != all {
		t.Errorf("%d accounts, want %d", got, all)
	}
	if n := w.count(`SELECT count(*) FROM sync.dead_letters WHERE resolved_at IS NULL`); n != 1 {
		t.Errorf("%d are left, want the one that nobody can read", n)
	}
	if n := w.count(`SELECT coalesce(sum(calls), 0) FROM sync.api_usage`); n != calls {
		t.Errorf("it made %d calls", n-calls)
	}
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'active' AND next_sync_at > now() AND lease_until IS NULL`); n != before {
		t.Errorf("the connection is not as before: %d, %d", n, before)
	}
	if n := w.count(`SELECT count(*) FROM sync.runs WHERE reason = 'reconcile' AND outcome = 'done' AND written = 3 AND dead = 1`); n != 1 {
		t.Errorf("%d runs are written down", n)
	}
	for _, tt := range []struct{ args, says string }{{"-all -replay -full", "-replay goes without -full"}, {"-replay", "say which organisations"}} {
		if err := Reconcile.Run(t.Context(), strings.Fields(tt.args), nowhere, io.Discard, io.Discard); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("reconcile %s: %v, want it to say %q", tt.args, err, tt.says)
		}
	}
}
