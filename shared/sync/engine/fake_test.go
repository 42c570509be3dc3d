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

func (f *fake) Acquire(context.Context, org.ConnectionID, string, time.Duration) (org.Lease, bool, error) {
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

func (f *fake) Checkpoints(context.Context, org.ConnectionID) (engine.Checkpoints, error) {
	return f.at, f.do("checkpoints")
}

func (f *fake) Local(org.ConnectionID) engine.Local { return nil }

func (f *fake) Begin(context.Context, org.Lease, []string, org.Reason) (engine.RunID, error) {
	return 1, f.do("begin")
}

func (f *fake) Apply(_ context.Context, _ org.Lease, _ engine.RunID, b engine.Batch, _ engine.Usage) (engine.Applied, error) {
	err := f.do("apply")
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

func (s script) Pull(ctx context.Context, _ engine.Checkpoints, _ engine.Local) iter.Seq2[engine.Batch, error] {
	return func(yield func(engine.Batch, error) bool) {
		s(ctx, func(n int) bool {
			at, _ := json.Marshal(n) //nolint:errcheck // a number always is JSON
			return yield(engine.Batch{Records: make([]engine.Record, 1), Checkpoints: engine.Checkpoints{"A": at}}, nil)
		}, func(err error) bool { return yield(engine.Batch{}, err) })
	}
}

var conn = org.Connection{ID: 7, Org: "onpoint", Provider: "quickbooks", State: org.Active}

func run(ctx context.Context, f *fake, s script, stop <-chan struct{}) (engine.Report, error) {
	e := engine.Engine{
		Store: f, Log: slog.New(slog.DiscardHandler), Holder: "test", Lease: time.Minute, Budget: 8 * time.Minute,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) { return s, nil },
	}
	return e.Run(ctx, conn, org.Schedule, stop)
}
