package app

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/sync/watch"
)

// watching is the function Watch over a fleet whose rows are written by hand. Ages go by the database's clock.
type watching struct {
	*place
	handler http.Handler
	fleet   int
}

func newWatching(t *testing.T, vars ...string) *watching {
	t.Helper()
	w := &watching{place: newPlace(t, vars...)}
	h, end, err := Watch.Build(t.Context(), w.vars, logging.New(w.logs, logging.Options{Format: "json"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t.Context()) }) //nolint:errcheck // the test is over
	w.handler = h
	return w
}

// sql runs a statement in which $c is the connection, ago(…) and in(…) are instants.
func (w *watching) sql(c int, statement string) {
	w.Helper()
	for _, r := range [][2]string{{"$c", fmt.Sprint(c)}, {"ago(", "now() - interval("}, {"in(", "now() + interval("}} {
		statement = strings.ReplaceAll(statement, r[0], r[1])
	}
	statement = strings.ReplaceAll(statement, "interval('", "(interval '")
	if _, err := w.store.Pool.Exec(w.Context(), statement); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
}

// add makes a connection that was synced 3 hours ago, and does the statements to it. One that begins with
// SET changes its row.
func (w *watching) add(statements ...string) (id int) {
	w.Helper()
	w.fleet++
	id = w.fleet
	w.sql(id, `INSERT INTO sync.organisations (slug, name) VALUES ('o$c', 'O')`)
	w.sql(id, `INSERT INTO sync.connections (org_id, provider, account, state, created_at, connected_at, next_sync_at, sweep_every, last_swept_at)
		VALUES ('o$c', 'quickbooks', 'r$c', 'active', ago('30 days'), ago('30 days'), in('1 hour'), '4 hours', ago('3 hours'))`)
	w.sql(id, `INSERT INTO sync.streams (connection_id, name, status, checkpoint, last_attempt, last_success) SELECT $c, n, 'ok', '{}', ago('3 hours'), ago('3 hours')
		FROM unnest(ARRAY['Customer', 'Invoice', 'Item']) AS n`)
	w.run(id, "3 hours", "done", 2, "")
	for _, s := range statements {
		if strings.HasPrefix(s, "SET ") {
			s = "UPDATE sync.connections " + s + " WHERE id = $c"
		}
		w.sql(id, s)
	}
	return id
}

func (w *watching) run(id int, ago, outcome string, batches int, why string) {
	w.Helper()
	w.sql(id, ran(ago, outcome, batches, why))
}

// ran is a run that began so long ago; without an outcome it has not ended.
func ran(ago, outcome string, batches int, why string) string {
	return fmt.Sprintf(`INSERT INTO sync.runs (org_id, connection_id, reason, streams, started_at, finished_at, outcome, batches, error)
		VALUES ('o$c', $c, 'schedule', '{Customer,Invoice,Item}', ago('%s'), CASE WHEN '%[2]s' <> '' THEN ago('%[1]s') END, nullif('%[2]s', ''), %d, nullif('%s', ''))`, ago, outcome, batches, why)
}

func noticed(ago, settled string) string {
	return fmt.Sprintf(`INSERT INTO sync.notices (provider, account, connection_id, event, stream, object_id, change, raw, received_at, settled_at, outcome)
		VALUES ('quickbooks', 'r$c', $c, gen_random_uuid(), 'Invoice', '1', 'updated', '', ago('%s'), %s, CASE WHEN %[2]s IS NOT NULL THEN 'read' END)`, ago, settled)
}

func lettered(ago, resolved string) string {
	return fmt.Sprintf(`INSERT INTO sync.dead_letters (org_id, connection_id, stream, key, is_deletion, reason, raw, first_seen, resolved_at)
		VALUES ('o$c', $c, 'Invoice', gen_random_uuid()::text::bytea, false, 'too large', '', ago('%s'), %s)`, ago, resolved)
}

const (
	leased    = `SET lease_holder = 'SyncOrg host/7', lease_until = in('50 s'), lease_ttl = '60 s'`
	unleased  = `SET lease_holder = 'SyncOrg host/7', lease_until = ago('20 hours'), lease_ttl = '60 s'`
	fails     = `UPDATE sync.streams SET status = 'failed', failures = 2, error = 'no such field' WHERE connection_id = $c AND name = 'Invoice'`
	allFail   = `UPDATE sync.streams SET status = 'failed', failures = 2, error = 'all is lost' WHERE connection_id = $c`
	ancient   = `next_sync_at = ago('20 days')`
	neverDone = `DELETE FROM sync.runs WHERE connection_id = $c`
)

// healthy are lives of connections that nobody has to be told of.
var healthy = map[string][]string{
	"at rest":                            nil,
	"due a moment ago":                   {"SET next_sync_at = ago('13 min')"},
	"just connected":                     {neverDone, "SET created_at = ago('13 min'), connected_at = ago('12 min'), next_sync_at = '-infinity'"},
	"in its first load, between runs":    {"SET created_at = ago('9 hours'), connected_at = ago('8 hours'), next_sync_at = '-infinity'", ran("9 min", "stopped", 40, ""), ran("40 min", "stopped", 40, "")},
	"in its first load, in a run":        {"SET created_at = ago('9 hours'), connected_at = ago('8 hours'), next_sync_at = '-infinity'", ran("6 min", "", 3, ""), leased},
	"at work for some minutes":           {"SET next_sync_at = ago('8 min')", ran("7 min", "", 0, ""), leased},
	"a run was killed yesterday":         {ran("20 hours", "", 2, ""), unleased},
	"failed before, mended since":        {ran("5 hours", "failed", 0, "out"), ran("2 hours", "done", 1, "")},
	"a stream has failed a moment ago":   {fails, ran("10 min", "partial", 4, "")},
	"all streams failed a moment ago":    {allFail, "SET next_sync_at = ago('9 min')", ran("8 min", "failed", 0, "out")},
	"connected again after a week":       {allFail, "SET connected_at = ago('10 min'), " + ancient, ran("7 days", "failed", 0, "log in again")},
	"a webhook came a moment ago":        {noticed("12 min", "NULL"), noticed("5 days", "now()")},
	"webhooks come while it is loaded":   {noticed("2 hours", "NULL"), ran("5 min", "", 9, ""), leased},
	"asked for patience a moment ago":    {"SET next_sync_at = ago('10 min'), not_before = in('30 min')"},
	"its dead letters are settled":       {lettered("5 days", "now()")},
	"disconnected long ago":              {"SET state = 'disconnected', " + ancient, allFail, noticed("9 days", "NULL"), lettered("9 days", "NULL"), ran("9 days", "", 1, "")},
	"somebody is connecting it":          {"SET state = 'connecting', connected_at = NULL, next_sync_at = '-infinity'", neverDone},
	"the month's calls are not its kind": {"SET provider = 'plaid', reason = 'a consent ends soon'"},
}

// tale is what is expected of a line.
type tale struct {
	Event, Severity, Org, Cause, Reason string
	Minutes, Open                       int
}

// faults are what connections may have, and the lines that tell of it.
var faults = map[string]struct {
	do   []string
	want []tale
}{
	"no tick comes":                     {[]string{"SET next_sync_at = ago('20 min')"}, []tale{stale(20, "no_run", "does Cloud Scheduler send ticks")}},
	"no tick ever came":                 {[]string{neverDone, "SET created_at = ago('30 min'), connected_at = ago('25 min'), next_sync_at = '-infinity'"}, []tale{stale(25, "no_run", "It is due, and no run has begun")}},
	"its runs fail":                     {[]string{"SET next_sync_at = ago('50 min')", ran("5 min", "failed", 0, "QuickBooks is out of order"), allFail}, []tale{stale(50, "failing", "QuickBooks is out of order")}},
	"the provider puts it off":          {[]string{"SET next_sync_at = ago('2 hours'), not_before = in('3 min'), reason = 'Too many calls'", ran("5 min", "failed", 0, "x"), allFail}, []tale{stale(120, "waits", "Too many calls. It is tried again at ")}},
	"the look for changes fails":        {[]string{"SET next_sync_at = ago('40 min')", ran("5 min", "partial", 3, ""), fails}, []tale{stale(40, "failing", "Stream Invoice fails (the other streams go on): no such field")}},
	"a run does not end":                {[]string{"SET next_sync_at = in('1 hour')", ran("18 min", "", 7, ""), leased}, []tale{stale(18, "stuck_run", "SyncOrg host/7 holds its lease with a run that does not end")}},
	"a lease, and no run":               {[]string{"SET next_sync_at = ago('16 min')", leased}, []tale{stale(16, "no_run", "SyncOrg host/7 holds its lease, and no run has begun")}},
	"a load that goes on for ever":      {[]string{"SET created_at = ago('26 hours'), connected_at = ago('25 hours'), next_sync_at = '-infinity'", ran("4 min", "stopped", 5, "")}, []tale{stale(25*60, "slow", "more than a day")}},
	"runs that end before a page":       {[]string{"SET next_sync_at = ago('30 min')", ran("4 min", "stopped", 0, "")}, []tale{stale(30, "slow", "before one page")}},
	"late, but under way":               {[]string{"SET next_sync_at = ago('30 min')", ran("3 min", "", 0, ""), leased}, []tale{stale(30, "slow", "A run is under way since")}},
	"a stream fails":                    {[]string{fails, ran("100 min", "partial", 3, ""), ran("40 min", "partial", 3, "")}, []tale{stale(100, "stream", "Stream Invoice fails (the other streams go on): no such field")}},
	"a stream fails, its runs are gone": {[]string{fails}, []tale{stale(180, "stream", "Stream Invoice fails")}},
	"a stream fails since it is back":   {[]string{fails, "UPDATE sync.streams SET last_success = ago('10 hours') WHERE connection_id = $c", "SET connected_at = ago('25 min')", ran("9 hours", "failed", 0, "log in again"), ran("24 min", "partial", 3, "")}, []tale{stale(25, "stream", "Stream Invoice fails")}},
	"a webhook is not read":             {[]string{noticed("45 min", "NULL"), noticed("30 min", "NULL"), noticed("2 min", "NULL")}, []tale{stale(45, "notices", "2 objects that webhooks have named")}},
	"a stream fails, its webhooks wait": {[]string{fails, ran("50 min", "partial", 3, ""), noticed("49 min", "NULL")}, []tale{stale(50, "stream", "no such field")}},
	"it needs a login":                  {[]string{"SET state = 'needs_reauth', reason = 'the consent was withdrawn', " + ancient, allFail, noticed("3 days", "NULL")}, []tale{{Event: "reconnect_needed", Severity: "WARNING", Reason: "the consent was withdrawn"}}},
	"its company is closed":             {[]string{"SET state = 'paused', reason = 'no subscription', not_before = in('20 hours'), " + ancient, allFail, noticed("3 days", "NULL")}, []tale{{Event: "paused", Severity: "INFO", Reason: "no subscription"}}},
	"a closed one is not tried":         {[]string{"SET state = 'paused', reason = 'no subscription', not_before = ago('30 min'), " + ancient, allFail}, []tale{{Event: "paused", Severity: "INFO", Reason: "no subscription"}, stale(20*24*60, "no_run", "It is due, and no run has begun")}},
	"records that cannot be stored":     {[]string{lettered("9 days", "NULL"), lettered("1 min", "NULL"), lettered("1 min", "now()")}, []tale{{Event: "dead_letters", Severity: "WARNING", Open: 2}}},
}

func stale(minutes int, cause, reason string) tale {
	return tale{Event: "stale", Severity: "WARNING", Minutes: minutes, Cause: cause, Reason: reason}
}

// look asks Watch, and returns what it tells of connections, and of their number.
func (w *watching) look() (lines []tale, sum map[string]any) {
	w.Helper()
	w.logs.mu.Lock()
	w.logs.b.Reset()
	w.logs.mu.Unlock()
	if answer := post(w.handler.ServeHTTP, ""); answer.Code != http.StatusNoContent {
		w.Fatalf("status %d, log:\n%s", answer.Code, w.logs)
	}
	for _, event := range []string{"stale", "reconnect_needed", "paused", "dead_letters"} {
		for _, l := range w.told(event) {
			labels := l["logging.googleapis.com/labels"].(map[string]any)
			text := func(key string) string { s, _ := l[key].(string); return s }
			number := func(key string) int { n, _ := l[key].(float64); return int(n) }
			if labels["provider"] != "quickbooks" || labels["org"] != fmt.Sprint("o", l["connection"]) || text("since") == "" {
				w.Errorf("%v: want its organisation, its provider, and since when", l)
			}
			lines = append(lines, tale{event, text("severity"), labels["org"].(string), text("cause"), text("reason"), number("minutes"), number("open")})
		}
	}
	if all := w.told("watch"); len(all) == 1 {
		return lines, all[0]
	}
	w.Fatalf("it does not say that it has looked: %s", w.logs)
	return nil, nil
}

// same compares what is told with what is expected, whose reasons are parts of those.
func (w *watching) same(name string, got, want []tale) {
	w.Helper()
	order := func(a, b tale) int {
		return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Event, b.Event))
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	for i := range min(len(got), len(want)) {
		if strings.Contains(got[i].Reason, want[i].Reason) {
			got[i].Reason = want[i].Reason
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestWatch: each fault alone gives its lines, and no healthy life gives any.
func TestWatch(t *testing.T) {
	w := newWatching(t)
	end := `DELETE FROM sync.dead_letters; DELETE FROM sync.notices; DELETE FROM sync.runs; DELETE FROM sync.streams; DELETE FROM sync.connections`
	for name, life := range healthy {
		w.add(life...)
		got, _ := w.look()
		w.same(name, got, nil)
		w.sql(0, end)
	}
	for name, f := range faults {
		want := slices.Clone(f.want)
		id := w.add(f.do...)
		for i := range want {
			want[i].Org = fmt.Sprint("o", id)
		}
		got, _ := w.look()
		w.same(name, got, want)
		w.sql(0, end)
	}
}

// TestWatchFleet: in a fleet of any lives each fault gives exactly its lines, whatever the others do.
func TestWatchFleet(t *testing.T) {
	w := newWatching(t)
	r := rand.New(rand.NewPCG(7, 8))
	lives, ills := names(healthy), names(faults)
	var want []tale
	sum := map[string]float64{} //nolint:forbidigo // as JSON has it
	for range 120 {
		if r.IntN(3) > 0 {
			life := lives[r.IntN(len(lives))]
			w.add(healthy[life]...)
			if life != "disconnected long ago" && life != "somebody is connecting it" {
				sum["connections"]++
			}
			continue
		}
		f := faults[ills[r.IntN(len(ills))]]
		id := w.add(f.do...)
		sum["connections"]++
		for _, line := range f.want {
			line.Org = fmt.Sprint("o", id)
			want = append(want, line)
			sum[map[string]string{"stale": "stale", "reconnect_needed": "reconnect", "paused": "paused"}[line.Event]]++
			sum["dead_letters"] += float64(line.Open) //nolint:forbidigo // as JSON has it
		}
	}
	got, line := w.look()
	w.same("the fleet", got, want)
	for key, n := range sum {
		if key != "" && line[key] != n {
			t.Errorf("it counts %v %s, want %v", line[key], key, n)
		}
	}
}

func names[V any](m map[string]V) (all []string) {
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// TestWatchTellsSomeAndCounts: an outage of all does not flood the log.
func TestWatchTellsSomeAndCounts(t *testing.T) {
	w := newWatching(t)
	for i := range 130 {
		w.add(fmt.Sprintf("SET next_sync_at = ago('%d min')", 20+i))
	}
	got, sum := w.look()
	more := w.told("more")
	if len(got) != 100 || sum["stale"] != 130.0 || len(more) != 1 || more[0]["of"] != "stale" || more[0]["count"] != 30.0 {
		t.Errorf("%d lines of %v, and %v", len(got), sum["stale"], more)
	}
	if oldest := got[0]; oldest.Org != "o130" || oldest.Minutes != 149 {
		t.Errorf("the first is %+v, want the one that waits for longest", oldest)
	}
}

// TestWatchBudget: while the month's calls are used up those who wait for them are not behind; who is not even tried is.
func TestWatchBudget(t *testing.T) {
	w := newWatching(t)
	waiting := []string{"SET not_before = in('40 min'), " + ancient, ran("20 min", "failed", 0, "used up"), allFail, noticed("2 hours", "NULL")}
	w.add(waiting...)
	id := w.add(append(waiting, "SET not_before = ago('30 min')")...)
	w.sql(0, `INSERT INTO sync.allowances (provider, month, exhausted_at, probe_at)
		VALUES ('quickbooks', date_trunc('month', (now() AT TIME ZONE 'UTC') - interval '8 hours')::date, ago('2 hours'), in('10 min'))`)
	got, _ := w.look()
	w.same("all calls are refused", got, []tale{{Event: "stale", Severity: "WARNING", Org: fmt.Sprint("o", id), Cause: "no_run", Minutes: 20 * 24 * 60, Reason: "no run has begun"}})
	b := w.told("budget")
	if len(b) != 1 || b[0]["severity"] != "ERROR" || b[0]["limit"] != 500000.0 || !strings.Contains(fmt.Sprint(b[0]["reason"]), "QuickBooks has refused every call since") {
		t.Errorf("of the calls it tells %v", b)
	}
	w.sql(0, `DELETE FROM sync.allowances`)
	if got, _ := w.look(); len(got) != 2 {
		t.Errorf("with calls left %d are behind, want both", len(got))
	}
	if b := w.told("budget"); len(b) != 1 || b[0]["severity"] != "INFO" || b[0]["percent"] != 0.0 {
		t.Errorf("of the calls it tells %v", b)
	}
}

// TestWatchWithoutDatabase: the scheduler is told to come again, and nothing says that all was looked at.
func TestWatchWithoutDatabase(t *testing.T) {
	w := newWatching(t, "DATABASE_URL=postgres://127.0.0.1:1/none")
	if answer := post(w.handler.ServeHTTP, ""); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", answer.Code)
	}
	if failed := w.told("watch_failed"); len(failed) != 1 || failed[0]["kind"] != "unavailable" || len(w.told("watch")) != 0 {
		t.Errorf("it tells %s", w.logs)
	}
}

func TestWatchSettings(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{"15m": true, "1m": true, "168h": true, "59s": false, "-1h": false, "169h": false} {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := (WatchConfig{Behind: d}).Validate(); (err == nil) != ok {
			t.Errorf("WATCH_BEHIND=%s: %v", text, err)
		}
	}
	if ctx := named(t.Context(), org.Connection{Provider: "plaid"}); ctx == nil {
		t.Error("no context")
	}
}

// TestWatchRealRuns: rows as real syncs leave them give no line, and those of a failing one give theirs.
func TestWatchRealRuns(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	gone := w.attach("powergen", powergenRealm)
	w.sync("onpoint")
	w.sync("powergen")
	watch := w.build(Watch)
	look := func() {
		t.Helper()
		if answer := post(watch.ServeHTTP, ""); answer.Code != http.StatusNoContent {
			t.Fatalf("status %d", answer.Code)
		}
	}
	look()
	if all := slices.Concat(w.told("stale"), w.told("reconnect_needed"), w.told("dead_letters")); len(all) > 0 {
		t.Errorf("of a fleet that is well it tells %v", all)
	}
	if b := w.told("budget"); len(b) != 1 || b[0]["used"].(float64) == 0 { //nolint:forbidigo // as JSON has it
		t.Errorf("of the calls it tells %v", b)
	}
	w.sim.Company(powergenRealm).Disconnect()
	w.later()
	w.push(w.syncOrg, org.Tick{Org: "powergen", Reason: org.Schedule})
	look()
	if again := w.told("reconnect_needed"); len(again) != 1 || again[0]["connection"] != float64(gone.ID) || again[0]["reason"] == "" || len(w.told("stale")) > 0 { //nolint:forbidigo // as JSON has it
		t.Errorf("of one that was disconnected it tells %v, and %v", again, w.told("stale"))
	}
}

// TestWatchTellsWhatIsNew: more than there are lines for stay as they are, and what is new is told nevertheless.
func TestWatchTellsWhatIsNew(t *testing.T) {
	w := newWatching(t)
	needs := "SET state = 'needs_reauth', reason = 'log in again'"
	old := []string{"SET next_sync_at = ago('9 days')", lettered("9 days", "NULL")}
	fresh := []string{"SET next_sync_at = ago('16 min')", lettered("1 min", "NULL")}
	closed := w.add(needs, "UPDATE sync.runs SET started_at = ago('1 min') WHERE connection_id = $c") // the first by its number, the last by its time
	for range watch.Most {
		w.add(old...)
		w.add(needs, "UPDATE sync.runs SET started_at = ago('9 days') WHERE connection_id = $c")
	}
	late := w.add(fresh...)
	lines, sum := w.look()
	for event, id := range map[string]int{"stale": late, "dead_letters": late, "reconnect_needed": closed} {
		n := 0
		for _, l := range lines {
			if l.Event == event {
				n++
			}
		}
		if n != watch.Most || !slices.ContainsFunc(lines, func(l tale) bool { return l.Event == event && l.Org == fmt.Sprint("o", id) }) {
			t.Errorf("%s: %d lines, and none of what is new", event, n)
		}
	}
	if more := w.told("more"); len(more) != 3 || more[0]["count"] != 1.0 || sum["stale"] != 101.0 || sum["reconnect"] != 101.0 || sum["dead_letters"] != 101.0 {
		t.Errorf("it counts %v, %v", more, sum)
	}
}

// TestWatchMissesJobs: those that a schedule starts are waited for from the day of the installation on.
func TestWatchMissesJobs(t *testing.T) {
	w := newWatching(t)
	if w.look(); len(w.told("job_missed")) != 0 {
		t.Errorf("on the first day it misses %v", w.told("job_missed"))
	}
	for job, limit := range scheduled {
		w.sql(0, fmt.Sprintf(`UPDATE sync.job_runs SET ended_at = now() - interval '%d s' WHERE job = '%s'`, int((limit+time.Minute).Seconds()), job))
		if w.look(); len(w.told("job_missed")) != 1 || w.told("job_missed")[0]["job"] != job {
			t.Errorf("%s has not ended for longer than %s: it misses %v", job, limit, w.told("job_missed"))
		}
		if err := w.store.JobEnded(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	if w.look(); len(w.told("job_missed")) != 0 {
		t.Errorf("all have ended, and it misses %v", w.told("job_missed"))
	}
}
