package app

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/sync/watch"
)

// Logged is what one place gives an event's line, whatever else it may add.
type Logged struct {
	Where          string
	Fields, Labels []string
}

// LoggedEvents returns the places in the sources that log each event: TestAlerts asks whether what it reads
// of a line is there. Those of functions/watch, whose parts come together in several places, are read from
// its lines.
func LoggedEvents(t *testing.T, root fs.FS) map[string][]Logged {
	t.Helper()
	all := watchLines(t)
	lines := slices.Collect(maps.Keys(all))
	for _, w := range eventsIn(t, root) {
		if slices.Contains(lines, w.event) {
			continue
		}
		place := Logged{Where: w.where}
		for _, a := range w.fields {
			place.Fields = append(place.Fields, a.Key)
		}
		all[w.event] = append(all[w.event], place)
	}
	return all
}

// watchLines looks at a fleet that has one of each trouble.
func watchLines(t *testing.T) map[string][]Logged {
	t.Helper()
	var out bytes.Buffer
	w := watch.Watch{
		Store: allTroubles{}, Behind: time.Minute, Jobs: scheduled, Log: logging.New(&out, deployed), Name: named,
		Budgets: func(context.Context) ([]watch.Budget, error) {
			return []watch.Budget{{Provider: "quickbooks", Limit: 1}}, nil
		},
	}
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := map[string][]Logged{}
	for line := range strings.Lines(out.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		labels, _ := l["logging.googleapis.com/labels"].(map[string]any)
		event, _ := l["event"].(string)
		all[event] = append(all[event], Logged{Where: "functions/watch", Fields: slices.Collect(maps.Keys(l)), Labels: slices.Collect(maps.Keys(labels))})
	}
	return all
}

// allTroubles is a store of connections that have them all.
type allTroubles struct{}

func (allTroubles) Standings(context.Context, watch.Question) (s watch.Standings, err error) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := org.Connection{ID: 1, Org: "onpoint", Provider: "quickbooks"}
	s = watch.Standings{
		Now: now, Late: []watch.Late{{Connection: c, Due: now.Add(-time.Hour)}}, AllLate: 2, NeedLogin: []watch.Closed{{Connection: c, Since: now}},
		Paused: []watch.Closed{{Connection: c, Since: now}}, Letters: []watch.Letters{{Connection: c, Since: now}},
	}
	for name := range scheduled {
		s.Jobs = append(s.Jobs, watch.Job{Name: name})
	}
	return s, nil
}

// Scheduled are the jobs that watch waits for.
func Scheduled() map[string]time.Duration { return scheduled }

// spread finds the attributes that a function adds by calling another one of the package: x.attrs()...
func spread(f *ast.FuncDecl, others []*ast.FuncDecl) (fields []slog.Attr) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !call.Ellipsis.IsValid() {
			return true
		}
		inner, ok := call.Args[len(call.Args)-1].(*ast.CallExpr)
		if !ok {
			return true
		}
		if method, ok := inner.Fun.(*ast.SelectorExpr); ok {
			for _, other := range others {
				if other.Name.Name == method.Sel.Name {
					fields = append(fields, attrsIn(other)...)
				}
			}
		}
		return true
	})
	return fields
}

// attrsIn returns the attributes that a function makes.
func attrsIn(f *ast.FuncDecl) (fields []slog.Attr) {
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if a, ok := attrOf(call); ok {
				fields = append(fields, a)
			}
		}
		return true
	})
	return fields
}
