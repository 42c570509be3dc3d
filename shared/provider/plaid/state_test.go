package plaid

import (
	"context"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// stateAfter returns the state that the engine gives a connection whose sync fails with err.
func stateAfter(t *testing.T, err error) org.State {
	t.Helper()
	books := &books{}
	e := &engine.Engine{
		Store: books, Log: slog.New(slog.DiscardHandler), Holder: "test", Lease: time.Minute, Budget: time.Minute,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) { return failed{err}, nil },
	}
	if _, got := e.Run(t.Context(), org.Connection{ID: 1}, engine.Order{}, nil); got == nil {
		t.Error("a run that failed went well")
	}
	return books.result.State
}

// failed is a source that fails with err.
type failed struct{ err error }

func (failed) Streams() []string   { return []string{"accounts", "transactions"} }
func (failed) Usage() engine.Usage { return engine.Usage{} }

func (f failed) Pull(context.Context, engine.Task) iter.Seq2[engine.Batch, error] {
	return func(yield func(engine.Batch, error) bool) { yield(engine.Batch{}, f.err) }
}

// books keeps how the run ended. What a failing run does not ask for is not there.
type books struct {
	engine.Store
	result engine.Result
}

func (*books) Acquire(context.Context, org.ConnectionID, org.Reason, string, time.Duration) (org.Lease, bool, error) {
	return org.Lease{Connection: 1, Fence: 1}, true, nil
}

func (*books) Renew(context.Context, org.Lease, time.Duration) error { return nil }
func (*books) Release(context.Context, org.Lease) (bool, error)      { return false, nil }
func (*books) Abandon(context.Context, org.Lease) (bool, error)      { return false, nil }
func (*books) Local(org.ConnectionID) engine.Local                   { return nil }
func (*books) Agenda(context.Context, org.Lease) (engine.Agenda, error) {
	return engine.Agenda{Sweep: true}, nil
}

func (*books) Checkpoints(context.Context, org.ConnectionID) (engine.Checkpoints, error) {
	return nil, nil
}

func (*books) Begin(context.Context, org.Lease, []string, org.Reason) (engine.RunID, error) {
	return 1, nil
}

func (b *books) Finish(_ context.Context, _ org.Lease, _ engine.RunID, r engine.Result) error {
	b.result = r
	return nil
}
