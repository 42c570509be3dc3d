package engine_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// TestNextSweep: what a run did, or could not do for want of calls, says when the next sweep comes.
func TestNextSweep(t *testing.T) {
	t.Parallel()
	failing := script(func(_ context.Context, _ func(int) bool, fail func(error) bool) {
		fail(fault.New(fault.Unavailable, "away"))
	})
	notices := []engine.Notice{notice(time.Hour)}
	for _, tt := range []struct {
		name    string
		src     script
		agenda  engine.Agenda
		allowed engine.Allowance
		swept   bool
		every   time.Duration
		soon    time.Duration
	}{
		{"a sweep", one, engine.Agenda{Sweep: true}, engine.Allowance{}, true, time.Minute, 0},
		{"a sweep with notices", one, engine.Agenda{Sweep: true, Notices: notices}, engine.Allowance{}, true, time.Minute, 0},
		{"loads wait", one, engine.Agenda{Sweep: true}, engine.Allowance{Floor: engine.Sweeping}, true, time.Minute, 0},
		{"sweeps wait", one, engine.Agenda{Sweep: true}, engine.Allowance{Floor: engine.Noticing}, false, time.Minute, 0},
		{"notices", one, engine.Agenda{Notices: notices}, engine.Allowance{}, false, 0, time.Hour},
		{"notices, and calls run short", one, engine.Agenda{Notices: notices}, engine.Allowance{Every: 2 * time.Hour, EveryProven: 4 * time.Hour}, false, 0, 4 * time.Hour},
		{"notices, and calls all but used up", one, engine.Agenda{Notices: notices}, engine.Allowance{Every: 9 * time.Hour, EveryProven: 4 * time.Hour}, false, 0, 9 * time.Hour},
		{"a failed sweep", failing, engine.Agenda{Sweep: true}, engine.Allowance{}, false, 0, 0},
		{"a failed run for notices", failing, engine.Agenda{Notices: notices}, engine.Allowance{}, false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{agendas: []engine.Agenda{tt.agenda}}
			runWith(t.Context(), f, tt.src, nil, func(e *engine.Engine) { //nolint:errcheck // the result tells
				e.Soon = time.Hour
				e.Allow = func(context.Context, org.Connection) (engine.Allowance, error) { return tt.allowed, nil }
				e.Pace = func(engine.Pace, engine.Swept, engine.Allowance) engine.Pace { return engine.Pace{Every: time.Minute} }
			})
			if r := f.results[0]; r.Swept != tt.swept || r.Pace.Every != tt.every || r.Soon != tt.soon {
				t.Errorf("swept %t, every %s, soon %s; want %t, %s, %s", r.Swept, r.Pace.Every, r.Soon, tt.swept, tt.every, tt.soon)
			}
		})
	}
}

// looker is a source that looks for all changes whatever it is asked for, and has something to say.
type looker struct{ script }

func (l looker) Pull(ctx context.Context, t engine.Task) iter.Seq2[engine.Batch, error] {
	t.Sweep = true
	return l.script.Pull(ctx, t)
}

func (looker) Advice() string { return "the consent ends on 3 May" }

// TestLookWithoutSweep: a webhook's run that looked for all changes counts as a sweep, and what its source
// advises is told.
func TestLookWithoutSweep(t *testing.T) {
	t.Parallel()
	f := &fake{agendas: []engine.Agenda{{Notices: []engine.Notice{notice(time.Hour)}, Connected: time.Unix(99, 0)}}}
	e := newEngine(f, looker{one})
	e.Open = func(context.Context, org.Connection, org.Lease) (engine.Source, error) { return looker{one}, nil }
	e.Pace = func(_ engine.Pace, s engine.Swept, _ engine.Allowance) engine.Pace {
		return engine.Pace{Every: time.Duration(s.Found) * time.Minute}
	}
	if _, err := e.Run(t.Context(), conn, engine.Order{Reason: org.Webhook}, nil); err != nil {
		t.Fatal(err)
	}
	if r := f.results[0]; !r.Swept || r.Pace.Every != 2*time.Minute || r.Soon != 0 || r.Reason != "the consent ends on 3 May" {
		t.Errorf("%+v; want a sweep, the next one in two minutes, and the advice", r)
	}
}
