package app_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
)

// TestAlerts keeps the log, terraform/metrics.tf, terraform/alerts.tf and docs/operations.md together: what
// is counted is logged, with the fields that are read from it, and each alert is explained.
func TestAlerts(t *testing.T) {
	t.Parallel()
	for _, complaint := range readAlarms(t).complaints() {
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
		{"local.measured.x reads age of event=stale, which is not logged with it", func(a *alarms) { a.used = append(a.used, use{"local.measured.x", "stale", []string{"age"}}) }},
		{"docs/operations.md has no heading alert-organisation-stale", func(a *alarms) { delete(a.explained, "organisation-stale") }},
		{"docs/operations.md explains alert-nothing, which terraform/alerts.tf does not have", func(a *alarms) { a.explained["nothing"] = true }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			a := readAlarms(t)
			tt.plant(a)
			if got := a.complaints(); !slices.Contains(got, tt.want) {
				t.Errorf("it complains of this only:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// alarms is what code, Terraform and operations.md say of what is told.
type alarms struct {
	logged    map[string]map[string]bool // by event: the texts in the folders that log it
	used      []use
	alerts    []string
	explained map[string]bool
}

// use is an event that Terraform makes something of.
type use struct {
	where, event string
	fields       []string // that are read from it
}

func (a *alarms) complaints() (all []string) {
	for _, u := range a.used {
		texts, ok := a.logged[u.event]
		if !ok {
			all = append(all, fmt.Sprintf("terraform counts event=%s (%s), which no program logs", u.event, u.where))
			continue
		}
		for _, field := range u.fields {
			if !texts[field] {
				all = append(all, fmt.Sprintf("%s reads %s of event=%s, which is not logged with it", u.where, field, u.event))
			}
		}
	}
	for _, name := range a.alerts {
		if !a.explained[name] {
			all = append(all, "docs/operations.md has no heading alert-"+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.explained)) {
		if !slices.Contains(a.alerts, name) {
			all = append(all, "docs/operations.md explains alert-"+name+", which terraform/alerts.tf does not have")
		}
	}
	return all
}

func readAlarms(t *testing.T) *alarms {
	t.Helper()
	a := &alarms{logged: map[string]map[string]bool{}, explained: map[string]bool{}}
	a.readCode(t)
	a.readMetrics(t)
	a.readAlerts(t)
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^#+ alert-(\S+)$`).FindAllStringSubmatch(string(text), -1) {
		a.explained[m[1]] = true
	}
	return a
}

// readCode finds what is logged: "event" and its name side by side, or a name that is given to watch's tell.
func (a *alarms) readCode(t *testing.T) {
	t.Helper()
	events, texts := map[string][]string{}, map[string]map[string]bool{} // by folder
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		folder := filepath.Dir(path)
		if texts[folder] == nil {
			texts[folder] = map[string]bool{}
		}
		events[folder] = append(events[folder], eventsIn(parsed, texts[folder])...)
		return nil
	})
	for folder, names := range events {
		for _, name := range names {
			if a.logged[name] == nil {
				a.logged[name] = map[string]bool{}
			}
			maps.Copy(a.logged[name], texts[folder])
		}
	}
	if err != nil || len(a.logged) < 20 {
		t.Fatalf("%d events in the code: are they still recognized? %v", len(a.logged), err)
	}
}

// eventsIn returns those that a file logs, and adds to texts whatever is written in it.
func eventsIn(file *ast.File, texts map[string]bool) (events []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		texts[textOf(n)] = true
		var side []ast.Expr
		told := false
		switch n := n.(type) {
		case *ast.CallExpr:
			called, ok := n.Fun.(*ast.SelectorExpr)
			side, told = n.Args, ok && called.Sel.Name == "tell"
		case *ast.CompositeLit:
			side = n.Elts
		}
		for i, e := range side {
			if s := textOf(e); s != "" && (told || i > 0 && textOf(side[i-1]) == "event") {
				events = append(events, s)
			}
		}
		return true
	})
	return events
}

// textOf returns what a literal says, "" for all else.
func textOf(n ast.Node) string {
	literal, ok := n.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return s
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
		a.used[len(a.used)-1].fields = append(a.used[len(a.used)-1].fields, textIn(t, entry["field"]))
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
		if field, ok := strings.CutPrefix(textIn(t, from), "jsonPayload."); ok {
			fields = append(fields, field)
		}
	}
	for _, event := range events {
		a.used = append(a.used, use{where, event, slices.Clone(fields)})
	}
}

// readAlerts finds the alerts, and the events that single ones look for by themselves.
func (a *alarms) readAlerts(t *testing.T) {
	t.Helper()
	for name, alert := range readLocals(t, "alerts.tf").entries(t, "alerts") {
		a.alerts = append(a.alerts, name)
		entry := entriesOf(t, alert)
		conditions, diags := hcl.ExprList(entry["conditions"])
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for _, c := range conditions {
			if log := entriesOf(t, c)["log"]; log != nil {
				for _, event := range texts(t, log) {
					a.used = append(a.used, use{"local.alerts." + name, event, nil})
				}
			}
		}
		for _, m := range regexp.MustCompile(`event="(\w+)"`).FindAllStringSubmatch(textIn(t, entry["logs"]), -1) {
			a.used = append(a.used, use{"local.alerts." + name, m[1], nil})
		}
	}
	slices.Sort(a.alerts)
}

func textIn(t *testing.T, e hcl.Expression) (s string) {
	t.Helper()
	if diags := gohcl.DecodeExpression(e, nil, &s); diags.HasErrors() {
		t.Fatal(diags)
	}
	return s
}
