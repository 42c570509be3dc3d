package engine

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Store keeps connections, checkpoints, rows and runs. Methods that take a lease do nothing and
// return fault.Conflict when the lease has passed to another owner.
type Store interface {
	// Acquire takes the lease on a connection for ttl. When another owner holds it, the tick is
	// noted on the connection, where that owner finds it at Release, and ok is false. ok is false
	// too, without a note, when the connection is not to be synced now.
	Acquire(ctx context.Context, id org.ConnectionID, holder string, ttl time.Duration) (l org.Lease, ok bool, err error)
	// Renew makes the lease last ttl from now.
	Renew(ctx context.Context, l org.Lease, ttl time.Duration) error
	// Release gives the lease back, unless a tick was noted meanwhile: then the lease stays, the
	// note is cleared, and again is true.
	Release(ctx context.Context, l org.Lease) (again bool, err error)
	// Abandon gives the lease back and reports whether a tick was noted; the note is cleared.
	Abandon(ctx context.Context, l org.Lease) (noted bool, err error)

	// Checkpoints returns the connection's checkpoints by stream.
	Checkpoints(ctx context.Context, id org.ConnectionID) (Checkpoints, error)
	// Local answers a source's questions about the connection's rows.
	Local(id org.ConnectionID) Local

	// Begin records that a run has begun.
	Begin(ctx context.Context, l org.Lease, streams []string, reason org.Reason) (RunID, error)
	// Apply stores a batch, its checkpoints and the usage in one transaction.
	Apply(ctx context.Context, l org.Lease, run RunID, b Batch, u Usage) (Applied, error)
	// Finish records how a run ended, for the run, its streams and its connection.
	Finish(ctx context.Context, l org.Lease, run RunID, r Result) error
}

// RunID numbers a run within the database.
type RunID int64

// Applied counts what a batch came to.
type Applied struct {
	Written   int // new and changed objects
	Deleted   int // objects newly marked as deleted
	Unchanged int // objects that were there already, or that something newer had replaced
	Dead      int // records that went to the dead letters
}

// Add returns the sum of a and b.
func (a Applied) Add(b Applied) Applied {
	return Applied{a.Written + b.Written, a.Deleted + b.Deleted, a.Unchanged + b.Unchanged, a.Dead + b.Dead}
}

// Outcome says how a run ended.
type Outcome string

// The outcomes of a run.
const (
	Done    Outcome = "done"    // everything that was asked for
	Partial Outcome = "partial" // some streams failed, the others are up to date
	Halted  Outcome = "stopped" // at a page border, because of a deadline or a stop; the next run goes on
	Failed  Outcome = "failed"
)

// Result is how a run ended.
type Result struct {
	Outcome  Outcome
	Applied  Applied
	Usage    Usage // not yet handed to Apply
	Batches  int
	Streams  map[string]error // failures of single streams
	Err      error            // of the whole run
	State    org.State        // the connection's state from now on; empty: as it is
	Reason   string           // for people: why it is in that state, or why the run failed
	NotUntil time.Duration    // do not try again before this has passed; zero: at the next tick
}

// Kind returns the kind of the run's own failure, or "".
func (r Result) Kind() fault.Kind { return fault.Of(r.Err) }
