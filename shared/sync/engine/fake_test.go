package engine_test

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// fake keeps one connection in memory. A lease that is lost refuses everything, as the real one does.
type fake struct {
	mu      sync.Mutex
	steps   []string // the methods that were called, in order, without Renew
	lost    bool
	notes   int                // ticks that come while the lease is held, one for each run
	fail    map[string]error   // by method
	renewed int                // how often
	loseAt  int                // the renewal at which the lease turns out to be lost; 0: none
	at      engine.Checkpoints // what is stored
	results []engine.Result
	batches []engine.Batch

	agendas []engine.Agenda // what there is to do, call by call; the last repeats, and none means a sweep
	tasks   []engine.Task   // what the source was asked
	begun   []string        // the streams of the last run
}

func (f *fake) do(step string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps = append(f.steps, step)
	if err := f.fail[step]; err != nil {
		return err
	}
	if f.lost {
		return fault.New(fault.Conflict, "the lease has passed to another owner")
	}
	return nil
}

func (f *fake) Acquire(context.Context, org.ConnectionID, org.Reason, string, time.Duration) (org.Lease, bool, error) {
	return org.Lease{Connection: conn.ID, Fence: 1}, true, f.do("acquire")
}

func (f *fake) Renew(context.Context, org.Lease, time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.renewed++; f.renewed == f.loseAt {
		f.lost = true
	}
	if f.lost {
		return fault.New(fault.Conflict, "the lease has passed to another owner")
	}
	return nil
}

func (f *fake) Release(context.Context, org.Lease) (bool, error) {
	err := f.do("release")
	f.notes--
	return f.notes >= 0, err
}

func (f *fake) Abandon(context.Context, org.Lease) (bool, error) {
	return f.notes > 0, f.do("abandon")
}

func (f *fake) Agenda(context.Context, org.Lease) (engine.Agenda, error) {
	a := engine.Agenda{Sweep: true}
	if len(f.agendas) > 0 {
		a = f.agendas[0]
	}
	if len(f.agendas) > 1 {
		f.agendas = f.agendas[1:]
	}
	return a, f.do("agenda")
}

func (f *fake) Checkpoints(context.Context, org.ConnectionID) (engine.Checkpoints, error) {
	return f.at, f.do("checkpoints")
}

func (f *fake) Local(org.ConnectionID) engine.Local { return nil }

func (f *fake) Begin(_ context.Context, _ org.Lease, streams []string, _ org.Reason) (engine.RunID, error) {
	f.begun = streams
	return 1, f.do("begin")
}

func (f *fake) Apply(_ context.Context, _ org.Lease, _ engine.RunID, b engine.Batch, _ engine.Usage) (engine.Applied, error) {
	err := f.do("apply")
	f.batches = append(f.batches, b)
	if err == nil {
		f.at = b.Checkpoints
	}
	return engine.Applied{Written: len(b.Records)}, err
}

func (f *fake) Finish(_ context.Context, _ org.Lease, _ engine.RunID, r engine.Result) error {
	err := f.do("finish")
	f.results = append(f.results, r)
	return err
}

// script is a source that does what its function says. say yields the n-th batch.
type script func(ctx context.Context, say func(n int) bool, fail func(error) bool)

func (script) Streams() []string   { return []string{"A", "B"} }
func (script) Usage() engine.Usage { return engine.Usage{} }

func (s script) Pull(ctx context.Context, t engine.Task) iter.Seq2[engine.Batch, error] {
	return func(yield func(engine.Batch, error) bool) {
		s(ctx, func(n int) bool {
			at, _ := json.Marshal(n) //nolint:errcheck // a number always is JSON
			b := engine.Batch{Records: make([]engine.Record, 1), Checkpoints: engine.Checkpoints{"A": at}}
			if t.Sweep {
				b.Swept = &engine.Swept{Found: 2, Missed: 1}
			}
			return yield(b, nil)
		}, func(err error) bool { return yield(engine.Batch{}, err) })
	}
}

var conn = org.Connection{ID: 7, Org: "onpoint", Provider: "quickbooks", State: org.Active}

func run(ctx context.Context, f *fake, s script, stop <-chan struct{}) (engine.Report, error) {
	return runWith(ctx, f, s, stop, func(*engine.Engine) {})
}

func runWith(ctx context.Context, f *fake, s script, stop <-chan struct{}, set func(*engine.Engine)) (engine.Report, error) {
	e := newEngine(f, s)
	set(e)
	return e.Run(ctx, conn, engine.Order{Reason: org.Schedule}, stop)
}

func order(ctx context.Context, f *fake, s engine.Source, o engine.Order) (engine.Report, error) {
	return newEngine(f, s).Run(ctx, conn, o, nil)
}

// newEngine notes what the source is asked.
func newEngine(f *fake, s engine.Source) *engine.Engine {
	return &engine.Engine{
		Store: f, Log: slog.New(slog.DiscardHandler), Holder: "test", Lease: time.Minute, Budget: 8 * time.Minute,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) {
			if again, ok := s.(engine.Rereader); ok {
				return overheardRereader{overheard{s, f}, again}, nil
			}
			return overheard{s, f}, nil
		},
	}
}

type overheard struct {
	engine.Source
	f *fake
}

func (o overheard) Pull(ctx context.Context, t engine.Task) iter.Seq2[engine.Batch, error] {
	o.f.tasks = append(o.f.tasks, t)
	return o.Source.Pull(ctx, t)
}

type overheardRereader struct {
	overheard
	again engine.Rereader
}

func (o overheardRereader) Count(ctx context.Context, stream string) (int, error) {
	return o.again.Count(ctx, stream)
}

func (o overheardRereader) Reread(stream string, at json.RawMessage, r engine.Reading) (json.RawMessage, error) {
	return o.again.Reread(stream, at, r)
}
