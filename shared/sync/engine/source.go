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

	// Pull does a task and yields what it finds, in batches. When yield has returned true the batch
	// and its checkpoints are stored for good. Pulling again from a checkpoint gives at least the
	// same changes, because a run may end anywhere.
	//
	// A *StreamError ends one stream's share of this pull; the others go on. Any other error ends
	// the pull. When ctx ends, Pull ends soon, with ctx's error.
	Pull(ctx context.Context, t Task) iter.Seq2[Batch, error]

	// Usage returns the provider calls made since it was last asked.
	Usage() Usage
}

// Rereader is a Source that can read streams again and count.
type Rereader interface {
	Source
	// Reread returns the checkpoint from which the stream is read again, where at is its present one:
	// changes are followed meanwhile as before. A second call while the same reading is under way
	// returns at as it is. fault.Invalid: the stream is none of Streams', or the range is not one.
	Reread(stream string, at json.RawMessage, r Reading) (json.RawMessage, error)
	// Count returns how many objects the provider has of a stream, inactive ones among them.
	Count(ctx context.Context, stream string) (int, error)
}

// Adviser is a Source that may have something to say to people about an account that works: what
// they should do soon.
type Adviser interface {
	Source
	// Advice is asked for after Pull. Empty: nothing.
	Advice() string
}

// Reading says what of a stream is read again.
type Reading struct {
	Name   string // tells two readings apart; the same name goes on with the one that was begun
	From   time.Time
	To     time.Time // objects last changed between the two; both zero: all, and what the provider no longer has is marked deleted
	Verify bool      // compare every stored value, and count what was wrong
}

// Task says what a pull is to do.
type Task struct {
	From    Checkpoints
	Local   Local
	Notices []Notice // objects that webhooks named: read first
	Sweep   bool     // look for all changes; false: only the notices are asked for
	Floor   Urgency  // work less urgent than this waits

	Connected time.Time // when the customer last gave consent, by the database's clock: what was told before may be mended
}

// Urgency orders work. When provider calls run short, the least urgent waits first.
type Urgency int

// From the least urgent on.
const (
	Rereading Urgency = iota // reading again what is stored already
	Timing                   // streams that the provider's feed of changes leaves out
	Loading                  // first loads
	Sweeping                 // asking the feed of changes
	Noticing                 // objects that webhooks named
	Nothing                  // not even those
)

// Notice is what a webhook told of one object.
type Notice struct {
	ID     int64 // the store's number, for Batch.Settled
	Stream string
	Object string
	Change Change
	Loser  string        // of a merge: the id of the object that Object has swallowed
	Age    time.Duration // since it was recorded
}

// Change says what is told to have happened to an object. It is a hint: the object is read.
type Change string

// The changes that webhooks tell of.
const (
	Created Change = "created"
	Updated Change = "updated"
	Deleted Change = "deleted"
	Merged  Change = "merged"
	Voided  Change = "voided"
	Emailed Change = "emailed"

	// Of an account itself.
	Mended  Change = "mended"  // the login works again
	Ending  Change = "ending"  // the consent ends in some days unless it is renewed
	Offered Change = "offered" // there is more that the customer could let us read
)

// Checkpoints holds, by stream, how far each stream is. A missing one means: from the start.
type Checkpoints map[string]json.RawMessage

// Batch is a piece of work that is stored in one transaction, or not at all.
//
// Where a provider's answer is good only as a whole, and the whole does not fit into memory, it is
// yielded as Parts and one batch without Part that ends it: the unit. Parts are kept back; their records
// are stored, in the order in which they came, in the transaction of the batch that ends the unit.
// A pull that ends before that has stored nothing of them.
type Batch struct {
	Records     []Record
	Checkpoints Checkpoints // hold once the records are stored
	Loading     []string    // streams among the checkpoints' that are still in their first load or a re-read

	// Census names a full re-read: the ids of the records are noted under it, so that Local.Absent
	// can tell which rows the provider no longer has. Empty: no re-read.
	Census string
	// EndCensus lists streams whose census is done with.
	EndCensus []string

	Settled []int64        // notices that are done with
	Totals  map[string]int // by stream of Loading: how many objects there are to load, once known; for progress
	Verify  bool           // compare every stored value of the records with what it must be, and mend and count what differs
	Swept   *Swept         // the batch ends a look at the provider's feed of changes

	Part  bool    // belongs to the batches that follow; holds nothing but Records
	Anew  bool    // the parts kept back so far are dropped: their reading begins again. What else the batch holds counts after that
	Whole []Whole // only without Part: what the unit is all of
}

// Whole says that the unit's records of a stream are all that the provider has of it: the other live rows are
// deleted in the same transaction.
type Whole struct {
	Stream string
	Among  []Among // narrows the stream to rows for which all of these hold; none: the whole stream
}

// Among narrows a Whole to rows whose column at Path has one of the values In or, where From is not
// empty, one that is not below it: a date. A row without a value is not among them.
type Among struct {
	Path string
	In   []string
	From string // YYYY-MM-DD, of a Date column
}

// Swept is what a look at the feed of changes found of objects that webhooks are promised for.
type Swept struct {
	Found  int // changes old enough that their webhooks must have come
	Missed int // of these: not stored yet, so no webhook had told of them
}

// Record is one object as the provider sent it.
type Record struct {
	Stream  string
	ID      string
	Version time.Time // the instant of the object's last change; zero when the provider tells none
	Deleted bool      // the provider no longer has the object; Raw may then be its tombstone or nil
	Raw     []byte    // the object's own bytes, valid until yield returns
	Problem string    // why the record cannot be stored: it goes to the dead letters; ID may be empty

	// Seen is an instant, by the provider's clock, after which it still had the object, or no longer
	// had it: the word on whether the object exists. Zero: only Version tells.
	Seen time.Time
	// MergedInto is the id of the object that has swallowed this one. Empty: none, or not told.
	MergedInto string
}

// Local is what a source may ask about the rows that are stored for its connection.
type Local interface {
	// Absent returns up to limit ids, greater than after and in ascending order, of live rows that
	// no record of the census has named.
	Absent(ctx context.Context, stream, census, after string, limit int) ([]string, error)
	// Values returns, by id, the text of the column with that JSON path of live rows; ids without a
	// live row are absent, null is "".
	Values(ctx context.Context, stream, path string, ids []string) (map[string]string, error)
	// Referring returns, by stream, the ids of live rows that refer to an object anywhere.
	Referring(ctx context.Context, stream, id string) (map[string][]string, error)
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
