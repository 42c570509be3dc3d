package engine

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Source reads one connection's account at a provider.
type Source interface {
	// Streams names the kinds of objects that Pull may yield, in a fixed order.
	Streams() []string

	// Pull yields what is new since the checkpoints, in batches. When yield has returned true the
	// batch and its checkpoints are stored for good. Pulling again from a checkpoint gives at
	// least the same changes, because a run may end anywhere.
	//
	// A *StreamError ends one stream's share of this pull; the others go on. Any other error ends
	// the pull. When ctx ends, Pull ends soon, with ctx's error.
	Pull(ctx context.Context, from Checkpoints, local Local) iter.Seq2[Batch, error]

	// Usage returns the provider calls made since it was last asked.
	Usage() Usage
}

// Checkpoints holds, by stream, how far each stream is. A missing one means: from the start.
type Checkpoints map[string]json.RawMessage

// Batch is a piece of work that is stored in one transaction, or not at all.
type Batch struct {
	Records     []Record
	Checkpoints Checkpoints // hold once the records are stored
	Loading     []string    // streams among the checkpoints' that are still in their first load or a re-read

	// Census names a full re-read: the ids of the records are noted under it, so that Local.Absent
	// can tell which rows the provider no longer has. Empty: no re-read.
	Census string
	// EndCensus lists streams whose census is done with.
	EndCensus []string
}

// Record is one object as the provider sent it.
type Record struct {
	Stream  string
	ID      string
	Version time.Time // the instant of the object's last change; zero when the provider tells none
	Deleted bool      // the provider no longer has the object; Raw may then be its tombstone or nil
	Raw     []byte    // the object's own bytes, valid until yield returns
	Problem string    // why the record cannot be stored: it goes to the dead letters; ID may be empty
}

// Local is what a source may ask about the rows that are stored for its connection.
type Local interface {
	// Absent returns up to limit ids, greater than after and in ascending order, of live rows that
	// no record of the census has named.
	Absent(ctx context.Context, stream, census, after string, limit int) ([]string, error)
}

// StreamError is the failure of one stream.
type StreamError struct {
	Stream string
	Err    error
}

func (e *StreamError) Error() string { return e.Stream + ": " + e.Err.Error() }
func (e *StreamError) Unwrap() error { return e.Err }

// Usage counts provider calls.
type Usage struct {
	Calls   int // all that got an answer
	Metered int // those that count against the provider's monthly quota
}

// Add returns the sum of u and v.
func (u Usage) Add(v Usage) Usage { return Usage{u.Calls + v.Calls, u.Metered + v.Metered} }
