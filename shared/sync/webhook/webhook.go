// Package webhook takes in what providers tell by webhook: it checks the signature, keeps each event
// once, asks for a sync of the connections that are meant, and answers. It names no provider.
//
// An event is a hint that an object has changed. A run reads the object, by the same road as all
// other batches; so a forged, repeated or late event can do no more than cost a read.
package webhook

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Event is one thing that a webhook told.
type Event struct {
	Key     string        // tells events apart: the provider's id of it, else a digest of what it says
	Account string        // the provider's own name of the account
	Stream  string        // as the catalog names it; empty when no catalog has such a kind
	Kind    string        // as the provider named it
	Object  string        // id of the object
	Change  engine.Change // what is told to have happened
	Loser   string        // of a merge: the id of the object that Object has swallowed
	At      time.Time     // by the provider's clock; zero: not told
	Raw     []byte        // the event's own bytes
	Problem string        // why it cannot be acted upon, in words; it is recorded all the same
	Told    bool          // for information: nothing is to be read
	Mends   bool          // the provider says that the login works again
}

// Store keeps events.
type Store interface {
	// Record keeps the events, in one transaction, once each. It returns the connections that are to be
	// ticked: with open notices, in a state that syncs. An event of an unknown account or kind is kept as
	// settled, and so is one that is only Told. One that Mends, when it is new, lets a connection that
	// waits for a new login sync again: the next run finds out whether it is true.
	// fault.Invalid: it will never take them.
	Record(ctx context.Context, p org.Provider, events []Event) (Recorded, error)
}

// Recorded is what came of some events.
type Recorded struct {
	New, Repeated, Unknown int // Unknown ones are among the new
	Connections            []org.Connection
}

// Ticker asks for syncs.
type Ticker interface {
	Tick(ctx context.Context, t org.Tick) error
}
