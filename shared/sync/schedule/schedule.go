// Package schedule decides when a connection's changes are looked for, and what may be done while
// provider calls run short. It names no provider and keeps nothing itself.
//
// [Next] says how often to look, [After] when exactly, [Allow] what the month's calls leave to be
// done, and [Exhausted] whether a provider has stopped answering for the month.
package schedule

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Store keeps what the schedule goes by.
type Store interface {
	// Due calls publish with the ticks of up to limit connections whose sweep is due, the longest due
	// first, or that have had a notice open for longer than again (its own tick was lost). That
	// they have been asked for is noted before, with nothing locked while publish waits: until again has
	// passed they are not due a second time. When publish fails the note is taken back. Two calls at once never publish one connection twice. It returns
	// how many there were.
	Due(ctx context.Context, limit int, again time.Duration, publish func([]org.Tick) error) (int, error)
	// Usage returns how the app's calls of a provider stand.
	Usage(ctx context.Context, p org.Provider) (Usage, error)
	// Refused notes that a provider has refused a call of an account because of a limit, Answered that
	// it has answered one of any account: that ends the refusals and, where it was noted, the exhaustion.
	Refused(ctx context.Context, p org.Provider, account string) error
	Answered(ctx context.Context, p org.Provider) error
	// Exhausted notes that the month's allowance has been found to be used up, and when to try again.
	// A second call in the same month moves only the latter.
	Exhausted(ctx context.Context, p org.Provider, probe time.Time) error
}

// Usage is how the app's calls of one provider stand. Days are those of UTC, months those of [Month]:
// what is noted of refusals and exhaustion belongs to a month too, and is forgotten with it.
type Usage struct {
	Now         time.Time // the database's clock
	Month       int       // metered calls from the first day of the month on
	Week        int       // metered calls of today and the six days before
	Connections int       // active ones

	RefusedSince    time.Time // every call since has been refused; zero: the last one was answered
	RefusedAccounts int       // of how many accounts
	ExhaustedAt     time.Time // since when the month's allowance is known to be used up; zero: it is not
	ProbeAt         time.Time // when one call is to find out whether it still is
}
