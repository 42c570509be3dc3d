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
	// too, without a note, when the connection is not to be synced now, or when the reason is the
	// schedule and the sweep is not due. Any other reason but a webhook makes the sweep due.
	Acquire(ctx context.Context, id org.ConnectionID, reason org.Reason, holder string, ttl time.Duration) (l org.Lease, ok bool, err error)
	// Renew makes the lease last ttl from now.
	Renew(ctx context.Context, l org.Lease, ttl time.Duration) error
	// Release gives the lease back, unless a tick was noted meanwhile: then the lease stays, the
	// note is cleared, and again is true.
	Release(ctx context.Context, l org.Lease) (again bool, err error)
	// Abandon gives the lease back and reports whether a tick was noted; the note is cleared.
	Abandon(ctx context.Context, l org.Lease) (noted bool, err error)

	// Agenda returns what there is to do for a connection.
	Agenda(ctx context.Context, l org.Lease) (Agenda, error)
	// Checkpoints returns the connection's checkpoints by stream.
	Checkpoints(ctx context.Context, id org.ConnectionID) (Checkpoints, error)
	// Local answers a source's questions about the connection's rows.
	Local(id org.ConnectionID) Local

	// Begin records that a run has begun.
	Begin(ctx context.Context, l org.Lease, streams []string, reason org.Reason) (RunID, error)
	// Apply stores a batch, its checkpoints and the usage in one transaction. A batch with Part is kept back until one
	// without it comes from the same run; what it came to is counted then.
	Apply(ctx context.Context, l org.Lease, run RunID, b Batch, u Usage) (Applied, error)
	// Finish records how a run ended, for the run, its streams and its connection.
	Finish(ctx context.Context, l org.Lease, run RunID, r Result) error
}

// Agenda is what there is to do for a connection.
type Agenda struct {
	Sweep   bool     // the sweep is due
	Notices []Notice // open ones, the oldest first, at most MaxNotices, and of one stream MaxOfStream
	More    bool     // there are others
	Pace    Pace     // as the last Finish kept it

	Connected time.Time // when the customer last gave consent
}

// What one run takes of the open notices. What is left waits for the next, which follows at once; and a
// stream that fails, whose notices stay open, leaves room for the others'.
const (
	MaxNotices  = 1000
	MaxOfStream = 900
)

// Pace is how often a connection's changes are looked for. The zero value is one that has not been swept yet.
type Pace struct {
	Every  time.Duration // between two sweeps
	Proven time.Time     // when a sweep last found that webhooks had told of all there was; zero: they are not trusted
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
	Reason   string           // for people: why it is in that state, why the run failed, or what waits
	NotUntil time.Duration    // do not try again before this has passed; zero: at the next tick

	Swept bool // the run looked for all changes, so that the next sweep is due after Pace.Every
	Pace  Pace // from now on; zero: as it was. Without Swept the sweep was due but the budget left no call for it: the next one is due after Pace.Every all the same
	// Soon is set by a run that only read what webhooks had named: the next sweep is due no later than
	// this from now. Zero: when it was due.
	Soon time.Duration
}

// Kind returns the kind of the run's own failure, or "".
func (r Result) Kind() fault.Kind { return fault.Of(r.Err) }
