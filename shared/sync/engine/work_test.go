package engine_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

var one = script(func(_ context.Context, say func(int) bool, _ func(error) bool) { say(1) })

func notice(age time.Duration) engine.Notice {
	return engine.Notice{ID: 1, Stream: "A", Object: "7", Age: age}
}

// TestNothingToDo: a tick whose work another run has done already opens no source and writes no run.
func TestNothingToDo(t *testing.T) {
	f := &fake{agendas: []engine.Agenda{{}}}
	rep, err := run(t.Context(), f, one, nil)
	if err != nil || rep.Runs != 0 || rep.More {
		t.Errorf("%+v, %v; want no run", rep, err)
	}
	if diff := cmp.Diff("acquire agenda release", strings.Join(f.steps, " ")); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestNoticesAreCollected: a run for notices alone lets more of them come in; one that sweeps does not wait.
func TestNoticesAreCollected(t *testing.T) {
	for _, tt := range []struct {
		name   string
		agenda engine.Agenda
		waits  time.Duration
	}{
		{"a new notice", engine.Agenda{Notices: []engine.Notice{notice(time.Second)}}, 2 * time.Second},
		{"one that has waited", engine.Agenda{Notices: []engine.Notice{notice(3 * time.Second)}}, 0},
		{"the sweep is due", engine.Agenda{Notices: []engine.Notice{notice(0)}, Sweep: true}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				later := engine.Agenda{Notices: []engine.Notice{notice(3 * time.Second), notice(0)}, Sweep: tt.agenda.Sweep}
				f := &fake{agendas: []engine.Agenda{tt.agenda, later}}
				if tt.waits == 0 {
					f.agendas = f.agendas[:1]
				}
				began := time.Now()
				rep, err := runWith(t.Context(), f, one, nil, func(e *engine.Engine) { e.Collect = 3 * time.Second })
				if err != nil || rep.Runs != 1 || time.Since(began) != tt.waits {
					t.Errorf("%+v, %v after %s; want one run after %s", rep, err, time.Since(began), tt.waits)
				}
				if got := f.tasks[0]; len(got.Notices) != 1+int(tt.waits/(2*time.Second)) || got.Sweep != tt.agenda.Sweep {
					t.Errorf("the source was asked for %+v", got)
				}
			})
		})
	}
}

// TestStopWhileCollecting: the notices stay open, and somebody else is asked for them.
func TestStopWhileCollecting(t *testing.T) {
	f, stop := &fake{agendas: []engine.Agenda{{Notices: []engine.Notice{notice(0)}}}}, make(chan struct{})
	close(stop)
	rep, err := runWith(t.Context(), f, one, stop, func(e *engine.Engine) { e.Collect = time.Hour })
	if err != nil || rep.Runs != 0 || !rep.More {
		t.Errorf("%+v, %v; want no run and more to do", rep, err)
	}
	if diff := cmp.Diff("acquire agenda abandon", strings.Join(f.steps, " ")); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestManyNotices: what one run does not take, the next does, under the same lease.
func TestManyNotices(t *testing.T) {
	many := []engine.Notice{notice(time.Hour), notice(time.Minute)}
	f := &fake{agendas: []engine.Agenda{{Notices: many, More: true}, {Notices: append(many, notice(0))}}}
	rep, err := run(t.Context(), f, one, nil)
	if err != nil || rep.Runs != 2 || len(f.tasks) != 2 || len(f.tasks[1].Notices) != 3 {
		t.Errorf("%+v, %v, %d tasks; want two runs", rep, err, len(f.tasks))
	}
}

// TestNoticesOfAFailingStream: what stays open is not asked for again and again.
func TestNoticesOfAFailingStream(t *testing.T) {
	f := &fake{agendas: []engine.Agenda{{Notices: []engine.Notice{notice(time.Hour), {Stream: "B", Object: "1", Age: time.Hour}}, More: true}}}
	rep, err := run(t.Context(), f, func(_ context.Context, say func(int) bool, fail func(error) bool) {
		_ = say(1) && fail(&engine.StreamError{Stream: "A", Err: fault.New(fault.Unavailable, "out of order")})
	}, nil)
	if err != nil || rep.Runs != 1 || rep.Result.Outcome != engine.Partial {
		t.Errorf("%+v, %v; want one run, partial", rep, err)
	}
}

// TestPartialSweep: a stream that was out of order is looked at again soon, however seldom sweeps are.
func TestPartialSweep(t *testing.T) {
	for _, tt := range []struct {
		kind fault.Kind
		soon time.Duration
	}{{fault.Unavailable, 3 * time.Minute}, {fault.Forbidden, 0}} {
		f := &fake{}
		_, err := run(t.Context(), f, func(_ context.Context, say func(int) bool, fail func(error) bool) {
			_ = say(1) && fail(&engine.StreamError{Stream: "A", Err: fault.New(tt.kind, "no")})
		}, nil)
		if r := f.results[0]; err != nil || !r.Swept || r.Soon != tt.soon {
			t.Errorf("%s: %+v, %v; want it swept, and again after %s", tt.kind, r, err, tt.soon)
		}
	}
}

// TestRunForNotices: such a run speaks of the streams that were named, and of no other.
func TestRunForNotices(t *testing.T) {
	f := &fake{agendas: []engine.Agenda{{Notices: []engine.Notice{notice(time.Hour)}}}}
	if _, err := run(t.Context(), f, one, nil); err != nil || strings.Join(f.begun, " ") != "A" {
		t.Errorf("the run is about %v, %v; want A", f.begun, err)
	}
}

// TestRereadingWaits: while calls run short nothing is done that would cost one.
func TestRereadingWaits(t *testing.T) {
	f := &fake{}
	e := newEngine(f, rereader{one})
	e.Allow = func(context.Context, org.Connection) (engine.Allowance, error) {
		return engine.Allowance{Floor: engine.Timing, Reason: "re-reading waits"}, nil
	}
	_, err := e.Run(t.Context(), conn, engine.Order{Reason: org.Backfill, Reread: func(context.Context, engine.Rereader) (map[string]engine.Reading, error) {
		return nil, nil
	}}, nil)
	if !fault.Is(err, fault.RateLimited) || err.Error() != "re-reading waits" || len(f.steps) != 0 {
		t.Errorf("%v after %v; want it refused at once", err, f.steps)
	}
}

// TestAllowance: what the call budget says reaches the source, the connection's words and its pace.
func TestAllowance(t *testing.T) {
	f := &fake{agendas: []engine.Agenda{{Sweep: true, Pace: engine.Pace{Every: time.Minute}}}}
	given := engine.Allowance{Floor: engine.Loading, Every: time.Hour, Reason: "re-reading waits"}
	_, err := runWith(t.Context(), f, one, nil, func(e *engine.Engine) {
		e.Allow = func(context.Context, org.Connection) (engine.Allowance, error) { return given, nil }
		e.Pace = func(p engine.Pace, s engine.Swept, a engine.Allowance) engine.Pace {
			return engine.Pace{Every: p.Every + a.Every, Proven: time.Unix(int64(s.Found*10+s.Missed), 0)}
		}
	})
	r := f.results[0]
	want := engine.Pace{Every: time.Hour + time.Minute, Proven: time.Unix(21, 0)}
	if err != nil || f.tasks[0].Floor != engine.Loading || r.Reason != "re-reading waits" || r.State != org.Active || !r.Swept || r.Pace != want {
		t.Errorf("%+v, task %+v, %v", r, f.tasks[0], err)
	}
}

// TestNoCallAtAll: with the allowance used up no source is opened, and the connection says until when.
func TestNoCallAtAll(t *testing.T) {
	f := &fake{}
	_, err := runWith(t.Context(), f, one, nil, func(e *engine.Engine) {
		e.Allow = func(context.Context, org.Connection) (engine.Allowance, error) {
			return engine.Allowance{Floor: engine.Nothing, Reason: "used up until 1 December", After: time.Hour}, nil
		}
	})
	if r := f.results[0]; !fault.Is(err, fault.RateLimited) || len(f.tasks) != 0 || r.Reason != "used up until 1 December" || r.NotUntil != time.Hour || r.Swept {
		t.Errorf("%+v, %v, %d tasks", r, err, len(f.tasks))
	}
}

// rereader is a source that can read again: its checkpoints say which reading they are in.
type rereader struct{ script }

func (rereader) Count(context.Context, string) (int, error) { return 0, nil }

func (rereader) Reread(stream string, at json.RawMessage, r engine.Reading) (json.RawMessage, error) {
	if stream != "A" {
		return nil, fault.New(fault.Invalid, "there is no stream "+stream)
	}
	return json.Marshal(string(at) + " then " + r.Name)
}

// TestReread: what is to be read again is stored before anything is pulled, and asked for once.
func TestReread(t *testing.T) {
	f := &fake{at: engine.Checkpoints{"A": json.RawMessage("5")}, agendas: []engine.Agenda{{}}, notes: 1}
	asked := 0
	again := func(stream string) engine.Order {
		return engine.Order{Reason: org.Backfill, Reread: func(context.Context, engine.Rereader) (map[string]engine.Reading, error) {
			asked++
			return map[string]engine.Reading{stream: {Name: "all"}}, nil
		}}
	}
	rep, err := order(t.Context(), f, rereader{one}, again("A"))
	if err != nil || rep.Runs != 1 || asked != 1 || string(f.tasks[0].From["A"]) != `"5 then all"` || !f.tasks[0].Sweep {
		t.Errorf("%+v, %v, asked %d times, tasks %+v", rep, err, asked, f.tasks)
	}
	f = &fake{}
	if _, err := order(t.Context(), f, rereader{one}, again("Nothing")); !fault.Is(err, fault.Invalid) || len(f.tasks) != 0 {
		t.Errorf("%v, %d tasks; want it refused", err, len(f.tasks))
	}
}
