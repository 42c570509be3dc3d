package reconcile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
)

func tables(names ...string) (all []catalog.Table) {
	for _, name := range names {
		all = append(all, catalog.Table{Stream: name})
	}
	return all
}

func TestCheckCounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		give   func(*fake)
		tables []catalog.Table
		ran    string
		counts string
		equal  string // streams whose numbers were recorded as equal
		says   string
	}{
		{"all equal", func(*fake) {}, tables("A", "B"), "", "A B", "A 3, B 3", ""},
		{"one differs", func(f *fake) { f.ours["B"] = 2 }, tables("A", "B"), ", B", "A B B", "A 3", ""},
		{"a change in flight", func(f *fake) {
			f.ours["B"] = 2
			f.moves = []move{{do: func() { f.ours["B"] = 3 }}}
		}, tables("A", "B"), ", ", "A B B", "A 3, B 3", ""},
		{"changes again and again", func(f *fake) {
			f.ours["A"] = 2
			f.moves = []move{{do: func() { f.theirs["A"]++ }}, {do: func() { f.theirs["A"]++ }}}
		}, tables("A"), ", , A", "A A A", "", ""},
		{"what is never removed", func(*fake) {}, []catalog.Table{{Stream: "A", Permanent: true}, {Stream: "B"}}, "A", "B", "B 3", ""},
		{"a small stream with a timer", func(*fake) {}, []catalog.Table{{Stream: "A", Every: time.Hour}}, "A", "", "", ""},
		{"a big stream with a timer", func(f *fake) { f.theirs["A"], f.ours["A"] = 5000, 5000 }, []catalog.Table{{Stream: "A", Every: time.Hour}}, "", "A", "A 5000", ""},
		{"a feature that is not there", func(f *fake) {
			f.theirs["A"], f.ours["A"] = 9, 0
			f.errors = map[string]error{"A": fault.New(fault.Invalid, "no such feature")}
		}, []catalog.Table{{Stream: "A", Optional: true}}, "", "A", "A 0", ""},
		{"a feature that was not there before", func(f *fake) {
			f.theirs["A"], f.ours["A"] = 0, 0
			f.at.Readings = []Reading{{Stream: "A", Name: "counts since last week", Ended: monday.AddDate(0, 0, -7)}}
		}, []catalog.Table{{Stream: "A", Optional: true}, {Stream: "B"}}, "", "B", "A 0, B 3", ""},
		{"a stream that is not counted", func(f *fake) { f.errors = map[string]error{"A": fault.New(fault.Invalid, "no counts")} },
			tables("A", "B"), "", "A B", "B 3", "A: no counts"},
		{"the provider is away", func(f *fake) { f.errors = map[string]error{"B": fault.New(fault.Paused, "away")} }, tables("A", "B"), "", "A B", "A 3", "away"},
		{"a first load under way", func(f *fake) { f.at.Streams["A"], f.ours["A"] = Stream{Loading: true}, 1 }, tables("A"), ", , A", "A A", "", ""},
		{"a first load that waits", func(f *fake) {
			f.at.Streams["C"] = Stream{Loading: true}
			f.moves = slices.Repeat([]move{{reason: "first loads wait"}}, 9)
		},
			tables("A", "C"), "", "A", "A 3", "C: first loads wait"},
		{"somebody else is always reading it", func(f *fake) { f.others = "A" }, tables("A"), ", , , , , ", "", "", "A: it is still being read"},
		{"killed half-way", func(f *fake) {
			f.at.Streams["A"] = Stream{Loading: true, Ever: true}
			f.at.Readings = []Reading{{Stream: "A", Name: "differs since an hour ago", Values: true}}
		}, tables("A", "B"), "A", "B", "B 3", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake("A", "B")
			f.theirs["A"], f.ours["A"], f.theirs["B"], f.ours["B"] = 3, 3, 3, 3
			tt.give(f)
			_, err := f.worker().Check(t.Context(), conn, Check{Tables: tt.tables})
			if got := strings.Join(f.ran, ", "); got != tt.ran {
				t.Errorf("runs %q, want %q", got, tt.ran)
			}
			if got := strings.Join(f.counts, " "); got != tt.counts {
				t.Errorf("counted %q, want %q", got, tt.counts)
			}
			if got := strings.Join(f.names(kindCounts), ", "); got != tt.equal {
				t.Errorf("recorded as equal %q, want %q", got, tt.equal)
			}
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want it to say %q", err, tt.says)
			}
		})
	}
}

// A full check reads every stream once a week, whatever kills it on the way.
func TestFullCheckGoesOn(t *testing.T) {
	t.Parallel()
	f := newFake("A", "B", "C")
	f.theirs["A"], f.ours["A"] = 15_000, 15_000
	f.theirs["B"], f.ours["B"] = 15_000, 15_000
	f.at.Readings = []Reading{{Stream: "A", Name: "full 2026-W42 since then", Values: true, Ended: monday.AddDate(0, 0, -30)}}
	full := Check{Tables: tables("A", "B", "C"), Full: true}
	check := func(ran ...string) {
		t.Helper()
		f.ran = nil
		if _, err := f.worker().Check(t.Context(), conn, full); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(ran, f.ran); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	}

	f.moves = []move{{}, {err: fault.New(fault.Paused, "killed")}}
	if _, err := f.worker().Check(t.Context(), conn, full); err == nil || !slices.Equal(f.ran, []string{"B C", "A"}) {
		t.Fatalf("%v, runs %q: want the streams first that were never proven", err, f.ran)
	}
	f.now = f.now.AddDate(0, 0, 3)
	check("A")
	if got := len(f.at.Readings); got != 4 || f.at.Readings[3].Name != "full 2026-W47 since 2026-11-16T03:00:00Z" {
		t.Errorf("readings %+v, want one for each stream and that of the month before", f.at.Readings)
	}

	f.now = f.now.Add(time.Hour)
	check("B C", "A") // the round was complete: another
	f.now = f.now.AddDate(0, 0, 7)
	check("A", "B C") // all were proven at once
}

// A feature that the company does not have does not keep a round open.
func TestFullCheckOfRefusedFeature(t *testing.T) {
	t.Parallel()
	f := newFake("A", "B")
	f.refused = "B"
	full := Check{Tables: []catalog.Table{{Stream: "A"}, {Stream: "B", Optional: true}}, Full: true}
	for range 2 {
		sum, err := f.worker().Check(t.Context(), conn, full)
		if err != nil || sum.Skipped != 1 || len(sum.Readings) != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
		f.now = f.now.Add(time.Hour)
	}
	if diff := cmp.Diff([]string{"A B", "A B"}, f.ran); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestFullCheckBeginsAnew(t *testing.T) {
	t.Parallel()
	f := newFake("A", "B")
	f.at.Readings = []Reading{{Stream: "A", Name: "full 2026-W47 since today", Values: true, Ended: monday}}
	if _, err := f.worker().Check(t.Context(), conn, Check{Tables: tables("A", "B"), Full: true, Restart: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A B"}, f.ran); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	f := newFake("A", "B", "C", "D")
	f.theirs = map[string]int{"A": 3, "B": 5, "C": 7}
	f.ours = map[string]int{"A": 3, "B": 4, "C": 6}
	f.moves = []move{{}, {do: func() {
		f.end()
		for i := range f.at.Readings {
			switch r := &f.at.Readings[i]; r.Stream {
			case "B":
				r.Equal, r.Missing, r.Mended = 4, 1, 1
			case "C":
				r.Equal, r.Damaged, r.Missing, r.Mended = 5, 1, 1, 1
			}
		}
	}}}
	sum, err := f.worker().Check(t.Context(), conn, Check{Tables: append(tables("A", "B", "C"), catalog.Table{Stream: "D", Optional: true, Permanent: true})})
	if err == nil || err.Error() != "C: 1 objects could not be mended: the dead letters tell why" {
		t.Errorf("%v, want what could not be mended", err)
	}
	wrong, mended := sum.Wrong()
	if sum.Counted != 1 || len(sum.Readings) != 3 || sum.Failed != 1 || wrong != 3 || mended != 2 {
		t.Errorf("%+v", sum)
	}
}
