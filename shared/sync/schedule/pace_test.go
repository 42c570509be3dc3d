package schedule_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

func TestNext(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	lately, longAgo := now.Add(-time.Second-schedule.Trust/2), now.Add(-schedule.Trust)
	const base, longest = schedule.Base, schedule.Longest
	for _, tt := range []struct {
		name  string
		pace  engine.Pace
		found engine.Swept
		allow engine.Allowance
		want  engine.Pace
	}{
		{"the first sweep finds nothing", engine.Pace{}, engine.Swept{}, engine.Allowance{}, engine.Pace{Every: base}},
		{"webhooks have told of all", engine.Pace{Every: base}, engine.Swept{Found: 1}, engine.Allowance{}, engine.Pace{Every: 2 * base, Proven: now}},
		{"they go on to", engine.Pace{Every: time.Hour, Proven: lately}, engine.Swept{Found: 9}, engine.Allowance{}, engine.Pace{Every: 2 * time.Hour, Proven: now}},
		{"no less often than that", engine.Pace{Every: 3 * time.Hour, Proven: lately}, engine.Swept{Found: 9}, engine.Allowance{}, engine.Pace{Every: longest, Proven: now}},
		{"they have missed something", engine.Pace{Every: longest, Proven: lately}, engine.Swept{Found: 9, Missed: 1}, engine.Allowance{}, engine.Pace{Every: base}},
		{"there was nothing to tell", engine.Pace{Every: time.Hour, Proven: lately}, engine.Swept{}, engine.Allowance{}, engine.Pace{Every: 2 * time.Hour, Proven: lately}},
		{"nor for a week, less a moment", engine.Pace{Every: longest, Proven: longAgo.Add(1)}, engine.Swept{}, engine.Allowance{}, engine.Pace{Every: longest, Proven: longAgo.Add(1)}},
		{"nor for a week", engine.Pace{Every: longest, Proven: longAgo}, engine.Swept{}, engine.Allowance{}, engine.Pace{Every: base, Proven: longAgo}},
		{"after that week they told of all", engine.Pace{Every: base, Proven: longAgo}, engine.Swept{Found: 1}, engine.Allowance{}, engine.Pace{Every: 2 * base, Proven: now}},
		{"calls run short", engine.Pace{Every: base}, engine.Swept{}, engine.Allowance{Every: time.Hour}, engine.Pace{Every: time.Hour}},
		{"calls run short, and a webhook was missed", engine.Pace{Every: longest, Proven: lately}, engine.Swept{Found: 1, Missed: 1}, engine.Allowance{Every: time.Hour}, engine.Pace{Every: time.Hour}},
		{"calls have run short", engine.Pace{Every: 9 * time.Hour}, engine.Swept{}, engine.Allowance{}, engine.Pace{Every: base}},
		{"calls have run short where webhooks are live", engine.Pace{Every: 9 * time.Hour, Proven: lately}, engine.Swept{}, engine.Allowance{}, engine.Pace{Every: longest, Proven: lately}},
		{"live webhooks save calls", engine.Pace{Every: base, Proven: lately}, engine.Swept{Found: 1}, engine.Allowance{EveryProven: longest}, engine.Pace{Every: longest, Proven: now}},
		{"others do not", engine.Pace{Every: base}, engine.Swept{}, engine.Allowance{EveryProven: longest}, engine.Pace{Every: base}},
		{"there was no call for a sweep", engine.Pace{Every: time.Hour, Proven: longAgo}, engine.Swept{}, engine.Allowance{Floor: engine.Noticing, Every: 9 * time.Hour}, engine.Pace{Every: schedule.Probe, Proven: longAgo}},
		{"loads wait, sweeps do not", engine.Pace{Every: time.Hour}, engine.Swept{}, engine.Allowance{Floor: engine.Sweeping}, engine.Pace{Every: base}},
	} {
		if got := schedule.Next(tt.pace, tt.found, tt.allow, now); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if got := (schedule.Rhythm{Base: time.Minute}).Next(engine.Pace{}, engine.Swept{Found: 1}, engine.Allowance{}, now); got.Every != 2*time.Minute {
		t.Errorf("from one minute on: %s", got.Every)
	}
	if got := (schedule.Rhythm{Base: 6 * time.Hour}).Next(engine.Pace{}, engine.Swept{Found: 1}, engine.Allowance{}, now); got.Every != 6*time.Hour {
		t.Errorf("from six hours on: %s", got.Every)
	}
}

// TestAfter: a connection's instants are a grid of its own, whenever it is asked.
func TestAfter(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for range 10_000 {
		id, every := org.ConnectionID(r.Int64()), time.Duration(1+r.Int64N(int64(30*24*time.Hour)))
		at := now.Add(time.Duration(r.Int64N(int64(365 * 24 * time.Hour))))
		next := schedule.After(id, every, at)
		if !next.After(at) || next.After(at.Add(every)) {
			t.Fatalf("connection %d, every %s: after %s comes %s", id, every, at, next)
		}
		if again := schedule.After(id, every, next.Add(-1)); !again.Equal(next) {
			t.Fatalf("connection %d, every %s: %s, asked just before: %s", id, every, next, again)
		}
		if second := schedule.After(id, every, next); !second.Equal(next.Add(every)) {
			t.Fatalf("connection %d, every %s: after %s comes %s", id, every, next, second)
		}
	}
	if got, want := schedule.After(7, 0, now), schedule.After(7, schedule.Base, now); !got.Equal(want) {
		t.Errorf("without an interval %s, want %s", got, want)
	}
}

// TestSpread: ten thousand connections are asked for evenly, at any pace and after any outage,
// whichever numbers they have. At the pace of three minutes each part is a second.
func TestSpread(t *testing.T) {
	t.Parallel()
	const connections, parts = 10_000, 180
	const mean = connections / parts
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, step := range []org.ConnectionID{1, 2, 3, 7, 10, 1000} {
		for _, every := range []time.Duration{schedule.Base, time.Hour, schedule.Longest} {
			var due [parts]int
			for i := range org.ConnectionID(connections) {
				due[schedule.After(1+i*step, every, now).Sub(now)*parts/every%parts]++
			}
			for part, n := range due {
				if n*10 < mean*6 || n*10 > mean*14 {
					t.Errorf("with numbers %d apart %d connections are due in part %d of %s, want about %d", step, n, part, every, mean)
				}
			}
		}
	}
}
