package qbosim_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// shape is what a set of JSON values looks like: at each path, array elements merged, the types that
// occur, how many values there are, and for objects which keys they have.
type shape map[string]*spot

type spot struct {
	types map[string]bool
	n     int
}

func (s shape) add(path string, v any) {
	at := s[path]
	if at == nil {
		at = &spot{types: map[string]bool{}}
		s[path] = at
	}
	at.n++
	switch v := v.(type) {
	case map[string]any:
		at.types["object"] = true
		for key, child := range v {
			s.add(path+"."+key, child)
		}
	case []any:
		at.types["array"] = true
		for _, child := range v {
			s.add(path+"[]", child)
		}
	case string:
		at.types["string"] = true
	case bool:
		at.types["bool"] = true
	case nil:
		at.types["null"] = true
	default:
		at.types["number"] = true
	}
}

// always gives the paths that every object around them has.
func (s shape) always() []string {
	var out []string
	for path, at := range s {
		parent := path[:max(0, strings.LastIndex(path, "."))]
		if !strings.HasSuffix(path, "[]") && s[parent] != nil && s[parent].n == at.n {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// collect adds every object of an entity that stands anywhere in v.
func (s shape) collect(entity string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			if key != entity {
				s.collect(entity, child)
				continue
			}
			rows, isArray := child.([]any)
			if !isArray {
				rows = []any{child}
			}
			for _, row := range rows {
				if o, ok := row.(map[string]any); ok && o["status"] == nil && (o["Id"] != nil || nameless[entity]) {
					s.add(entity, o)
				}
			}
		}
	case []any:
		for _, child := range v {
			s.collect(entity, child)
		}
	}
}

// nameless are the entities whose rows have no Id, or have it in a wrapper.
var nameless = map[string]bool{"ExchangeRate": true, "RecurringTransaction": true}

// jsonKey is what answers call an entity.
func jsonKey(entity string) string {
	if entity == "CreditCardPayment" {
		return "CreditCardPaymentTxn"
	}
	return entity
}

// collected is the shape of every object of an entity in some answers.
func collected(entity string, answers ...any) shape {
	s := shape{}
	for _, v := range answers {
		s.collect(entity, v)
	}
	return s
}

// everyAnswer is what is known of real objects.
var everyAnswer = []string{"rec20_*.json", "rec26_*.json", "doc_*.json", "customfields_customer_query.json"}

// fixtures gives the folder of recorded answers, or ends the test: a skip here, a failure where all
// tests must run.
func fixtures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" && os.Getenv("CI") != "" {
		t.Fatal("COUNTINGHOUSE_FIXTURES must name the folder of recorded answers")
	}
	if dir == "" {
		t.Skip("COUNTINGHOUSE_FIXTURES is not set: not compared with recorded answers")
	}
	return filepath.Join(dir, "quickbooks")
}

func recorded(t *testing.T, patterns ...string) []any {
	t.Helper()
	var out []any
	for _, pattern := range patterns {
		files, _ := filepath.Glob(filepath.Join(fixtures(t), pattern))
		if len(files) == 0 {
			t.Fatalf("nothing is recorded as %s", pattern)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			out = append(out, v)
		}
	}
	return out
}

// known is all that an object of an entity may show: what was recorded and what is documented.
func known(entity string, answers []any) shape {
	s := collected(jsonKey(entity), answers...)
	for _, line := range slices.Concat(documented[entity], documentedOf(entity)) {
		path, kind, _ := strings.Cut(line, " ")
		s[jsonKey(entity)+path] = &spot{types: map[string]bool{kind: true}}
	}
	return s
}

func TestHonestRows(t *testing.T) {
	t.Parallel()
	all := recorded(t, everyAnswer...)
	w := newWorld(t, 800, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency = true })
	edit(w)
	for _, entity := range everyEntity {
		t.Run(entity, func(t *testing.T) {
			known, ours := known(entity, all), shape{}
			if len(known) == 0 {
				t.Fatal("nothing is known of it")
			}
			for raw := range w.company.All(entity) {
				var o any
				w.decode(string(raw), &o)
				ours.add(jsonKey(entity), o)
			}
			if len(ours) == 0 {
				t.Fatal("the company has none")
			}
			checkInvented(t, ours, known)
			if files, _ := filepath.Glob(filepath.Join(fixtures(t), "rec26_query_"+strings.ToLower(entity)+"*.json")); entity != "Transfer" && len(files) > 0 {
				checkForgotten(t, entity, ours, collected(entity, recorded(t, "rec26_query_"+strings.ToLower(entity)+"*.json")...))
			}
		})
	}
}

// checkInvented: nothing may be printed that the real one does not print.
func checkInvented(t *testing.T, ours, known shape) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(ours)) {
		// Lines inside a group are lines.
		spot := known[strings.ReplaceAll(path, ".Line[].GroupLineDetail.Line[]", ".Line[]")]
		if spot == nil {
			t.Errorf("%s is not known from any real answer", path)
			continue
		}
		for kind := range ours[path].types {
			if !spot.types[kind] {
				t.Errorf("%s is %s, really %v", path, kind, slices.Collect(maps.Keys(spot.types)))
			}
		}
	}
}

// checkForgotten: what every real object has, every simulated one must have.
func checkForgotten(t *testing.T, entity string, ours, dependable shape) {
	t.Helper()
	always := ours.always()
	for _, path := range dependable.always() {
		excused := slices.ContainsFunc(mayBeMissing[entity], func(part string) bool { return strings.Contains(path+".", part) })
		parent := path[:strings.LastIndex(path, ".")]
		if !excused && ours[parent] != nil && !slices.Contains(always, path) {
			t.Errorf("%s is in every real object, and missing in some of ours", path)
		}
	}
}
