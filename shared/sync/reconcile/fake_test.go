package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

var (
	conn   = org.Connection{ID: 7, Org: "onpoint", Provider: "quickbooks", State: org.Active}
	monday = time.Date(2026, 11, 16, 3, 0, 0, 0, time.UTC)
)

// fake is a connection, its store and its engine, in memory. Each run plays the next of moves.
type fake struct {
	now     time.Time
	at      Standing
	theirs  map[string]int // what the provider has
	ours    map[string]int
	moves   []move
	ran     []string // what each run was asked to read
	counts  []string // what was counted
	waited  time.Duration
	errors  map[string]error // of counting
	refused string           // a stream whose readings the provider refuses
	others  string           // a stream that somebody else begins to read whenever a run begins
}

// move is what happens in one run.
type move struct {
	refused bool // the lease is another's
	lost    bool // what was to begin is not kept
	unasked bool // reading again has to wait
	more    bool
	err     error
	reason  string
	failed  map[string]error
	do      func() // what the run does; nil: all that loads comes to its end
}

func newFake(streams ...string) *fake {
	f := &fake{now: monday, theirs: map[string]int{}, ours: map[string]int{}}
	f.at = Standing{State: org.Active, Streams: map[string]Stream{}}
	for _, name := range streams {
		f.at.Streams[name] = Stream{Ever: true}
	}
	return f
}

func (f *fake) worker() *Worker {
	return &Worker{Store: f, Run: f.run, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now },
		Wait: func(ctx context.Context, d time.Duration) error {
			f.waited += d
			f.at.Closed = max(f.at.Closed-d, 0)
			return ctx.Err()
		}}
}

func (f *fake) Standing(context.Context, org.ConnectionID) (Standing, error) {
	s := f.at
	s.Streams, s.Readings = maps.Clone(s.Streams), slices.Clone(s.Readings)
	return s, nil
}

func (f *fake) Live(_ context.Context, _ org.ConnectionID, stream string) (int, error) {
	return f.ours[stream], nil
}

func (f *fake) Counted(_ context.Context, _ org.ConnectionID, stream, reading string, theirs, _ int) error {
	f.at.Readings = append(f.at.Readings, Reading{Stream: stream, Name: reading, Begun: f.now, Ended: f.now, Checked: theirs, Equal: theirs})
	return nil
}

func (f *fake) run(ctx context.Context, _ org.Connection, o engine.Order, _ <-chan struct{}) (rep engine.Report, err error) {
	if len(f.ran) > 100 {
		panic("it never ends")
	}
	var m move
	if len(f.moves) > 0 {
		m, f.moves = f.moves[0], f.moves[1:]
	}
	if m.refused {
		f.ran = append(f.ran, "refused")
		return engine.Report{}, nil
	}
	rep.Runs = 1
	if f.others != "" {
		f.at.Streams[f.others] = Stream{Loading: true, Ever: true}
	}
	asked := "nothing"
	if o.Reread != nil && !m.unasked {
		readings, err := o.Reread(ctx, rereader{f: f})
		if err != nil {
			return rep, err
		}
		asked = strings.Join(slices.Sorted(maps.Keys(readings)), " ")
		if !m.lost {
			f.begin(readings)
			rep.Result.Batches++
		}
	}
	f.ran = append(f.ran, asked)
	if m.do != nil {
		m.do()
	} else if m.err == nil && m.failed == nil && m.reason == "" && !m.more {
		f.end()
	}
	rep.More, rep.Result.Streams, rep.Result.Reason = m.more, m.failed, m.reason
	return rep, m.err
}

// begin has the readings under way, unless they are already.
func (f *fake) begin(readings map[string]engine.Reading) {
	for stream, r := range readings {
		if f.at.underWay(stream) == r.Name {
			continue
		}
		f.at.Streams[stream] = Stream{Loading: true, Ever: true}
		f.at.Readings = append(f.at.Readings, Reading{Stream: stream, Name: r.Name, Values: true, Begun: f.now})
	}
}

// end brings all that loads to its end.
func (f *fake) end() {
	for name := range f.at.Streams {
		f.at.Streams[name] = Stream{Ever: true}
	}
	for i := range f.at.Readings {
		if r := &f.at.Readings[i]; r.Ended.IsZero() && r.Stream != f.refused {
			r.Ended, r.Checked, r.Equal = f.now, f.theirs[r.Stream], f.theirs[r.Stream]
			f.ours[r.Stream] = f.theirs[r.Stream]
		}
	}
}

type rereader struct {
	engine.Rereader
	f *fake
}

func (r rereader) Count(_ context.Context, stream string) (int, error) {
	r.f.counts = append(r.f.counts, stream)
	return r.f.theirs[stream], r.f.errors[stream]
}

func (f *fake) names(kind string) (all []string) {
	for _, r := range f.at.Readings {
		if kindOf(r.Name) == kind {
			all = append(all, fmt.Sprint(r.Stream, " ", r.Checked))
		}
	}
	return all
}
