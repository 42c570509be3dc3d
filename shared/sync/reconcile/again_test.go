package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

func TestBackfillRunsUntilAllIsRead(t *testing.T) {
	t.Parallel()
	away := fault.New(fault.Unavailable, "away")
	for _, tt := range []struct {
		name   string
		give   func(*fake)
		ran    string // what each run was asked to begin
		waited time.Duration
		says   string // of the error
	}{
		{"one run", func(*fake) {}, "A B", 0, ""},
		{"many runs", func(f *fake) { f.moves = []move{{more: true}, {more: true}, {}} }, "A B, nothing, nothing", 0, ""},
		{"somebody else is faster", func(f *fake) { f.moves = []move{{refused: true}, {}} }, "refused, A B", 2 * time.Second, ""},
		{"the provider is away for a while", func(f *fake) { f.moves = []move{{err: away}, {err: away}, {}} }, "A B, nothing, nothing", 6 * time.Second, ""},
		{"what was to begin is not kept", func(f *fake) { f.moves = []move{{err: away, lost: true}, {}} }, "A B, A B", 2 * time.Second, ""},
		{"the provider is away for long", func(f *fake) { f.moves = slices.Repeat([]move{{err: away}}, 9) }, "A B" + strings.Repeat(", nothing", 5), 62 * time.Second, "away"},
		{"the customer has to connect again", func(f *fake) { f.moves = []move{{err: fault.New(fault.Reconnect, "connect again")}} }, "A B", 0, "connect again"},
		{"it is to wait a minute", func(f *fake) { f.at.Closed = time.Minute }, "A B", time.Minute, ""},
		{"it is to wait a day", func(f *fake) { f.at.Closed, f.at.Reason = 24*time.Hour, "closed for the day" }, "", 0, "closed for the day"},
		{"it is disconnected", func(f *fake) { f.at.State, f.at.Reason = org.Disconnected, "somebody did" }, "", 0, "disconnected: somebody did"},
		{"calls run short", func(f *fake) { f.moves = slices.Repeat([]move{{reason: "re-reading waits until 1 December"}}, 9) },
			"A B, nothing", 0, "A: re-reading waits until 1 December\nB: re-reading waits until 1 December"},
		{"calls have run short already", func(f *fake) {
			f.moves = slices.Repeat([]move{{unasked: true, reason: "re-reading waits until 1 December"}}, 9)
		},
			"nothing", 0, "re-reading waits until 1 December"},
		{"one stream fails once", func(f *fake) { f.moves = []move{{failed: map[string]error{"A": away}}, {}} }, "A B, nothing", 2 * time.Second, ""},
		{"one stream always fails", func(f *fake) {
			f.moves = []move{{failed: map[string]error{"A": fault.New(fault.Invalid, "refused")}, do: func() {
				f.end()
				f.at.Streams["A"] = Stream{Loading: true}
			}}}
		}, "A B", 0, "A: refused"},
		{"others hold it for ever", func(f *fake) { f.at.Held = true }, "", 30 * time.Minute, "others have been at work"},
		{"a first load comes to its end", func(f *fake) { f.at.Streams["A"] = Stream{Loading: true} }, "B", 0, ""},
		{"somebody else's reading comes first", func(f *fake) { f.at.Streams["A"] = Stream{Loading: true, Ever: true} }, "B, A", 0, ""},
		{"what was begun before goes on", func(f *fake) {
			f.at.Streams["A"] = Stream{Loading: true, Ever: true}
			f.at.Readings = []Reading{{Stream: "A", Name: "backfill since yesterday", Values: true}}
		}, "A B", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake("A", "B", "C")
			tt.give(f)
			_, err := f.worker().Backfill(t.Context(), conn, Backfill{Streams: []string{"A", "B"}})
			if got := strings.Join(f.ran, ", "); got != tt.ran {
				t.Errorf("runs %q, want %q", got, tt.ran)
			}
			if f.waited != tt.waited {
				t.Errorf("waited %s, want %s", f.waited, tt.waited)
			}
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want it to say %q", err, tt.says)
			}
		})
	}
}

// A reading that goes on keeps its name; one that begins gets another than those that were there.
func TestNamesOfReadings(t *testing.T) {
	t.Parallel()
	from, to := monday.AddDate(0, -2, 0), monday.AddDate(0, -1, 0)
	old := "backfill since yesterday"
	ranged := kindRange(from, to) + " since yesterday"
	for _, tt := range []struct {
		name string
		give Backfill
		way  string // what is under way
		want string
	}{
		{"all", Backfill{}, "", "backfill since 2026-11-16T03:00:00Z"},
		{"all goes on", Backfill{}, old, old},
		{"a full check goes on", Backfill{}, "full 2026-W46 since last week", "full 2026-W46 since last week"},
		{"from the beginning", Backfill{Restart: true}, old, "backfill since 2026-11-16T03:00:00Z"},
		{"a range", Backfill{From: from, To: to}, "", "backfill 2026-09-16T03:00:00Z to 2026-10-16T03:00:00Z since 2026-11-16T03:00:00Z"},
		{"an open range", Backfill{From: from}, "", "backfill 2026-09-16T03:00:00Z to now since 2026-11-16T03:00:00Z"},
		{"a range goes on", Backfill{From: from, To: to}, ranged, ranged},
		{"a range within all that is under way", Backfill{From: from, To: to}, old, old},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake("A")
			if tt.way != "" {
				f.at.Streams["A"] = Stream{Loading: true, Ever: true}
				f.at.Readings = []Reading{{Stream: "A", Name: tt.way, Values: true}}
			}
			tt.give.Streams = []string{"A"}
			readings, err := f.worker().Backfill(t.Context(), conn, tt.give)
			if err != nil || len(readings) != 1 || readings[0].Name != tt.want {
				t.Errorf("%v, %v; want %q", readings, err, tt.want)
			}
		})
	}
}

func TestAnotherRangeComesFirst(t *testing.T) {
	t.Parallel()
	f := newFake("A")
	f.at.Streams["A"] = Stream{Loading: true, Ever: true}
	f.at.Readings = []Reading{{Stream: "A", Name: "backfill 2025 to 2026 since yesterday", Values: true}}
	if _, err := f.worker().Backfill(t.Context(), conn, Backfill{Streams: []string{"A"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", "A"}, f.ran); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestStoppedBackfillSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake("A")
	f.moves = []move{{more: true, do: cancel}}
	_, err := f.worker().Backfill(ctx, conn, Backfill{Streams: []string{"A"}})
	if !fault.Is(err, fault.Stopped) || !strings.Contains(err.Error(), "start it again, and it goes on") {
		t.Errorf("%v", err)
	}
}

func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	w := newFake("A").worker()
	w.Store = away{}
	if _, err := w.Backfill(t.Context(), conn, Backfill{Streams: []string{"A"}}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

type away struct{ Store }

func (away) Standing(context.Context, org.ConnectionID) (Standing, error) {
	return Standing{}, errors.Join(fault.New(fault.Unavailable, "the database is away"))
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		give  Stream
		share int
		left  time.Duration
	}{
		{Stream{}, 0, 0},
		{Stream{Total: 100}, 0, 0},
		{Stream{Done: 25, Total: 100, For: time.Minute}, 25, 3 * time.Minute},
		{Stream{Done: 100, Total: 100, For: time.Minute}, 99, 0},
		{Stream{Done: 120, Total: 100, For: time.Minute}, 99, 0},
		{Stream{Done: 5, For: time.Minute}, 0, 0},
	} {
		if share, left := tt.give.Share(), tt.give.Left(); share != tt.share || left != tt.left {
			t.Errorf("%+v: %d%%, %s left; want %d%%, %s", tt.give, share, left, tt.share, tt.left)
		}
	}
}
