package app_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// TestAlerts keeps the log, terraform/metrics.tf, terraform/alerts.tf and docs/operations.md together: what
// is counted is logged, with the fields that are read from it, and each alert is explained, once.
func TestAlerts(t *testing.T) {
	t.Parallel()
	for _, complaint := range readAlarms(t, os.DirFS("../..")).complaints() {
		t.Error(complaint)
	}
}

// TestAlertsComplains plants faults.
func TestAlertsComplains(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want  string
		plant func(a *alarms)
	}{
		{"terraform counts event=gone (local.counted.stale), which no program logs", func(a *alarms) { a.used = append(a.used, use{"local.counted.stale", "gone", nil}) }},
		{"local.measured.x reads jsonPayload.age of event=stale, which functions/watch does not log with it", func(a *alarms) {
			a.used = append(a.used, use{"local.measured.x", "stale", []string{"jsonPayload.age"}})
		}},
		{"local.counted.runs reads labels.org of event=sync_run, which shared/sync/engine.log does not log with it", func(a *alarms) {
			a.used = append(a.used, use{"local.counted.runs", "sync_run", []string{"labels.org"}})
		}},
		{"docs/operations.md has no heading alert-organisation-stale", func(a *alarms) { delete(a.explained, "organisation-stale") }},
		{"docs/operations.md explains alert-nothing, which terraform/alerts.tf does not have", func(a *alarms) { a.explained["nothing"] = "*Nothing*" }},
		{"docs/operations.md, alert-bug: want it to begin with *A bug* (error).", func(a *alarms) { a.explained["bug"] = strings.Replace(a.explained["bug"], "(error)", "(warning)", 1) }},
		{"docs/operations.md, alert-bug: want **Find out:**", func(a *alarms) { a.explained["bug"] = strings.ReplaceAll(a.explained["bug"], "**Find out:**", "") }},
		{`docs/operations.md, alert-database-down: the mail says "Cloud SQL says that the instance does not run" already`, func(a *alarms) {
			a.explained["database-down"] += " `Cloud SQL` says that\nthe instance does not run, as it is."
		}},
		{"docs/operations.md, alert-bug: event=gone, which no program logs", func(a *alarms) { a.explained["bug"] += " The lines with `event=gone`." }},
		{"terraform/alerts.tf, bug: its mail links to docs/operations.md as it is: want it to say what to do first", func(a *alarms) {
			a.alerts["bug"] = alert{a.alerts["bug"].title, a.alerts["bug"].severity, "docs/operations.md says it."}
		}},
	} {
		t.Run(tt.want, func(t *testing.T) {
			a := readAlarms(t, os.DirFS("../.."))
			tt.plant(a)
			if got := a.complaints(); !slices.Contains(got, tt.want) {
				t.Errorf("it complains of this only:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestAlertsMissesKeys renames a key in one of the calls that log an event.
func TestAlertsMissesKeys(t *testing.T) {
	t.Parallel()
	file := altered{os.DirFS("../.."), "shared/sync/webhook/receiver.go", `"event", "webhook_failed", "provider"`, `"event", "webhook_failed", "source"`}
	got := readAlarms(t, file).complaints()
	if len(got) == 0 || !strings.HasPrefix(got[0], "local.counted.webhooks_failed reads jsonPayload.provider of event=webhook_failed, which shared/sync/webhook.") {
		t.Errorf("without the key it complains of %q", got)
	}
}

// altered is a tree in which one file says something else.
type altered struct {
	fs.FS
	file, from, to string
}

func (a altered) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(a.FS, name)
	if name == a.file {
		text = bytes.ReplaceAll(text, []byte(a.from), []byte(a.to))
	}
	return text, err
}

// TestAlertStatements: the statements that those who were woken are told to run are of this schema.
func TestAlertStatements(t *testing.T) {
	t.Parallel()
	a := readAlarms(t, os.DirFS("../.."))
	texts := slices.Collect(maps.Values(a.explained))
	for _, alert := range a.alerts {
		texts = append(texts, alert.says)
	}
	conn, err := storetest.New(t).Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	n := 0
	for _, m := range regexp.MustCompile("`((?:SELECT|UPDATE) [^`]+)`").FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
		n++
		if _, err := conn.Conn().Prepare(t.Context(), "", m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	if n < 5 {
		t.Errorf("%d statements: are they still recognized?", n)
	}
}

// TestScheduledJobs: watch misses the jobs that terraform/schedule.tf has started, when more than two of
// their intervals are over, by the time that an execution may take, or two hours after a day.
func TestScheduledJobs(t *testing.T) {
	t.Parallel()
	intervals := map[string]time.Duration{`^\d+ \d+ \* \* \*$`: 26 * time.Hour, `^\d+ \d+ \* \* \d$`: 15 * 24 * time.Hour, `^\d+ \d+ \d+ \* \*$`: 63 * 24 * time.Hour}
	want := map[string]time.Duration{}
	for name, entry := range readLocals(t, "schedule.tf").entries(t, "executions") {
		at := textIn(t, entriesOf(t, entry)["at"])
		for form, limit := range intervals {
			if regexp.MustCompile(form).MatchString(at) {
				want[name] = limit
			}
		}
	}
	if diff := cmp.Diff(want, app.Scheduled()); diff != "" {
		t.Errorf("terraform/schedule.tf, and what watch goes by (-want +got):\n%s", diff)
	}
}

// alarms is what code, Terraform and operations.md say of what is told.
type alarms struct {
	logged    map[string][]app.Logged
	used      []use
	alerts    map[string]alert
	explained map[string]string // the text under each heading
}

// use is an event that Terraform makes something of.
type use struct {
	where, event string
	fields       []string // that are read from it
}

// alert is what a mail says.
type alert struct{ title, severity, says string }

func (a *alarms) complaints() (all []string) {
	for _, u := range a.used {
		places, ok := a.logged[u.event]
		if !ok {
			all = append(all, fmt.Sprintf("terraform counts event=%s (%s), which no program logs", u.event, u.where))
		}
		for _, field := range u.fields {
			for _, p := range places {
				if !has(p, field) {
					all = append(all, fmt.Sprintf("%s reads %s of event=%s, which %s does not log with it", u.where, field, u.event, p.Where))
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.alerts)) {
		all = append(all, a.complaintsOf(name)...)
	}
	for _, name := range slices.Sorted(maps.Keys(a.explained)) {
		if _, ok := a.alerts[name]; !ok {
			all = append(all, "docs/operations.md explains alert-"+name+", which terraform/alerts.tf does not have")
		}
	}
	return all
}

// has reports whether a place logs jsonPayload.X or labels.X.
func has(p app.Logged, field string) bool {
	if label, ok := strings.CutPrefix(field, "labels."); ok {
		return slices.Contains(p.Labels, label)
	}
	name := strings.TrimPrefix(field, "jsonPayload.")
	return name == "event" || slices.Contains(p.Fields, name)
}

// complaintsOf compares an alert's mail with its entry. Each says its own: what stands twice drifts apart.
func (a *alarms) complaintsOf(name string) (all []string) {
	mail, entry := a.alerts[name], a.explained[name]
	complain := func(format string, args ...any) {
		all = append(all, "docs/operations.md, alert-"+name+": "+fmt.Sprintf(format, args...))
	}
	if entry == "" {
		return []string{"docs/operations.md has no heading alert-" + name}
	}
	if title := fmt.Sprintf("*%s%s* (%s).", strings.ToUpper(mail.title[:1]), mail.title[1:], strings.ToLower(mail.severity)); !strings.HasPrefix(entry, title) {
		complain("want it to begin with %s", title)
	}
	for _, part := range []string{"**Why:**", "**Find out:**", "**It ends**"} {
		if !strings.Contains(entry, part) {
			complain("want %s", part)
		}
	}
	for _, sentence := range regexp.MustCompile(`[.:;?] |\.$|\.\n`).Split(plain(mail.says), -1) {
		if len(sentence) > 25 && strings.Contains(plain(entry), sentence) {
			complain("the mail says %q already", sentence)
		}
	}
	for _, m := range regexp.MustCompile(`event=\(?(\w+)`).FindAllStringSubmatch(mail.says+entry, -1) {
		if a.logged[m[1]] == nil {
			complain("event=%s, which no program logs", m[1])
		}
	}
	if strings.Contains(mail.says, "operations.md") {
		all = append(all, "terraform/alerts.tf, "+name+": its mail links to docs/operations.md as it is: want it to say what to do first")
	}
	return all
}

// plain is a text without marks and line breaks.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("`", "", "*", "").Replace(text)), " ")
}

func readAlarms(t *testing.T, sources fs.FS) *alarms {
	t.Helper()
	a := &alarms{logged: app.LoggedEvents(t, sources), alerts: map[string]alert{}, explained: map[string]string{}}
	if len(a.logged) < 20 {
		t.Fatalf("%d events in the code: are they still recognized?", len(a.logged))
	}
	a.readMetrics(t)
	a.readAlerts(t)
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "\n### alert-")[1:] {
		name, entry, _ := strings.Cut(part, "\n")
		entry, _, _ = strings.Cut(entry, "\n## ")
		a.explained[name] = strings.TrimSpace(entry)
	}
	return a
}

func (a *alarms) readMetrics(t *testing.T) {
	t.Helper()
	metrics := readLocals(t, "metrics.tf")
	for name, metric := range metrics.entries(t, "counted") {
		entry := entriesOf(t, metric)
		a.use(t, "local.counted."+name, entry, texts(t, entry["events"]))
	}
	for name, metric := range metrics.entries(t, "measured") {
		entry := entriesOf(t, metric)
		a.use(t, "local.measured."+name, entry, []string{textIn(t, entry["event"])})
		a.used[len(a.used)-1].fields = append(a.used[len(a.used)-1].fields, "jsonPayload."+textIn(t, entry["field"]))
	}
	for _, event := range texts(t, metrics["told_elsewhere"]) {
		a.used = append(a.used, use{"local.told_elsewhere", event, nil})
	}
}

// use notes the events of a metric, and the fields that its labels come from.
func (a *alarms) use(t *testing.T, where string, entry map[string]hcl.Expression, events []string) {
	t.Helper()
	var fields []string
	for _, from := range entriesOf(t, entry["labels"]) {
		fields = append(fields, textIn(t, from))
	}
	for _, event := range events {
		a.used = append(a.used, use{where, event, slices.Clone(fields)})
	}
}

// readAlerts finds the alerts, and the events that single ones look for by themselves.
func (a *alarms) readAlerts(t *testing.T) {
	t.Helper()
	for name, told := range readLocals(t, "alerts.tf").entries(t, "alerts") {
		entry := entriesOf(t, told)
		a.alerts[name] = alert{textIn(t, entry["title"]), textIn(t, entry["severity"]), textIn(t, entry["means"]) + "\n" + textIn(t, entry["first"])}
		conditions, diags := hcl.ExprList(entry["conditions"])
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for _, c := range conditions {
			if log := entriesOf(t, c)["log"]; log != nil {
				for _, event := range texts(t, log) {
					a.used = append(a.used, use{"local.alerts." + name, event, nil})
				}
				for _, from := range entriesOf(t, entriesOf(t, c)["quoted"]) {
					a.quoted(t, name, texts(t, log), textIn(t, from))
				}
			}
		}
		for _, m := range regexp.MustCompile(`event="(\w+)"`).FindAllStringSubmatch(textIn(t, entry["logs"]), -1) {
			a.used = append(a.used, use{"local.alerts." + name, m[1], nil})
		}
	}
}

// quoted wants one of an alert's events to have what it quotes: where a line has it not, nothing is quoted.
func (a *alarms) quoted(t *testing.T, alert string, events []string, field string) {
	t.Helper()
	if !slices.ContainsFunc(events, func(event string) bool {
		return slices.ContainsFunc(a.logged[event], func(p app.Logged) bool { return has(p, field) })
	}) {
		t.Errorf("local.alerts.%s quotes %s, which no line of its events has", alert, field)
	}
}

func textIn(t *testing.T, e hcl.Expression) (s string) {
	t.Helper()
	if diags := gohcl.DecodeExpression(e, nil, &s); diags.HasErrors() {
		t.Fatal(diags)
	}
	return s
}
