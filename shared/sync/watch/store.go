package watch

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Store knows how all connections stand.
type Store interface {
	// Standings returns what is wrong at this moment, by the store's own clock. It changes nothing, and
	// takes milliseconds however many connections there are.
	Standings(ctx context.Context, q Question) (Standings, error)
}

// Question is what a look at the fleet asks for.
type Question struct {
	Behind  time.Duration  // what has waited for longer is behind
	Waiting []org.Provider // whose calls are used up: who waits for those alone is not behind
	Most    int            // as many of each list: of more than that, half those that have waited longest, half those that began last
}

// Standings are the connections with something to tell, those that have waited longest first. Of each list
// up to Question.Most, and how many there are.
type Standings struct {
	Now         time.Time // by the store's clock
	Connections int       // active, paused, or in need of a login
	Late        []Late
	AllLate     int
	NeedLogin   []Closed // only connecting again helps
	AllNeed     int
	Paused      []Closed // the provider has closed them for now
	AllPaused   int
	Letters     []Letters
	AllLetters  int // connections that have dead letters
	OpenLetters int // how many those have together
	Jobs        []Job
}

// Job is one that a schedule starts.
type Job struct {
	Name  string
	Ended time.Time // when it last ended well; where it never has, since when that is waited for
}

// Late is a connection that is behind, and what there is to see of why. It has one or more of Stuck,
// Due, Failing and Notice. Instants are zero, and texts empty, where there is nothing of the kind.
type Late struct {
	org.Connection
	Holder string // who holds its lease

	Stuck time.Time // when the run under that lease began: longer ago than a run may take

	Due       time.Time // since when it is to be synced: longer than it may be
	NotBefore time.Time // with Due: the provider has asked for patience until then
	Last      Run       // with Due: the last run, where it has begun since, and no longer ago than Question.Behind

	Failing time.Time // since when a stream fails: longer than it may
	Stream  string    // the one that was read last the longest ago, of those that fail
	Error   string    // and why it does
	Streams int       // how many fail

	Notice  time.Time // when the oldest notice came that no run has read: longer ago than it may be
	Notices int       // how many have waited for so long
}

// Run is how a run of a connection goes, or went.
type Run struct {
	Began   time.Time // zero: there is none
	Outcome string    // empty: it has not ended
	Error   string
	Batches int // that it has stored
}

// Closed is a connection that cannot be synced until somebody outside has done something.
type Closed struct {
	org.Connection
	Since time.Time // when its last run began; zero: not known
}

// Letters are the open dead letters of a connection.
type Letters struct {
	org.Connection
	Open  int
	Since time.Time // when the oldest came
}
