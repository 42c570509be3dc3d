// Package reconcile proves that the database has what a provider has, and mends it where it has not:
// by counting, and by reading streams again and comparing every value. It also reads streams again
// when somebody asks for it.
//
// It names no provider, and works by ordinary runs of the engine: under the lease, within the call
// limits, with changes followed meanwhile. What it has begun is kept in checkpoints; so when it is
// killed, its next start goes on, and so do ordinary runs.
package reconcile

import (
	"context"
	"log/slog"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Store is what is asked of the database.
type Store interface {
	// Standing returns how a connection stands. fault.NotFound: there is none of that number.
	Standing(ctx context.Context, id org.ConnectionID) (Standing, error)
	// Live returns how many objects of a stream are stored that are not deleted.
	Live(ctx context.Context, id org.ConnectionID, stream string) (int, error)
	// Counted records that the provider and the database have the same number of a stream's objects.
	Counted(ctx context.Context, id org.ConnectionID, stream, reading string, theirs, ours int) error
}

// Standing is how a connection stands, by the database's clock.
type Standing struct {
	State    org.State
	Reason   string            // of the state, for people
	Held     bool              // somebody is at work on it
	Closed   time.Duration     // it is not to be worked on for that long
	Streams  map[string]Stream // those that a run has met
	Readings []Reading         // of the last MemoryOfReadings, the latest begun last
}

// MemoryOfReadings is how far back Standing.Readings goes.
const MemoryOfReadings = 40 * 24 * time.Hour

// Stream is how far a stream is.
type Stream struct {
	Loading bool          // it is in its first load, or is being read again
	Ever    bool          // a run has brought it up to date before
	Done    int           // objects of that load that have been read
	Total   int           // how many there are to read; 0: not known
	For     time.Duration // since the load began
}

// Worker does the jobs' work on one connection at a time; several of its calls may go on at once.
type Worker struct {
	Store Store
	Run   func(context.Context, org.Connection, engine.Order, <-chan struct{}) (engine.Report, error)
	Log   *slog.Logger
	Now   func() time.Time
	Wait  func(context.Context, time.Duration) error // nil: really waits
}
