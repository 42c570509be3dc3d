package schedule

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Budget is how many calls of a provider may be made in a month.
type Budget struct {
	Calls int    // metered ones; 0: as many as there are
	Of    string // the provider as people write it, for words
}

// MonthEdge is how far behind UTC the clock may be by which a provider counts its months. Intuit
// doesn't tell; its own times are Pacific.
const MonthEdge = 8 * time.Hour

// Month returns the begin and the end of the month that calls made now count for, on the safe side of
// whichever clock the provider goes by: it begins with the first day in UTC, and ends when the first
// of the next month has begun everywhere. So the hours in which it is already the first here and
// still the last there count for both months, and nothing is spent twice.
func Month(now time.Time) (begins, ends time.Time) {
	t := now.UTC().Add(-MonthEdge)
	begins = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return begins, begins.AddDate(0, 1, 0).Add(MonthEdge)
}

// Forecast returns how many calls the month will have come to when it ends: those made, and the
// average of the last seven days for what is left of it.
func Forecast(u Usage, now time.Time) int {
	_, ends := Month(now)
	today := now.UTC().Truncate(24 * time.Hour)
	days := 6*24*time.Hour + now.Sub(today) // today counts as far as it has come
	return u.Month + int(int64(u.Week)*int64(ends.Sub(now)/time.Second)/int64(days/time.Second))
}

// Allow says what may be done with the calls that are left of the month. It gives up the least
// urgent work first, each step on top of those before:
//
//	80 % used, or more than 100 % to be expected  re-reading waits
//	90 % used, or more than 110 % to be expected  what is read on a timer waits, and connections whose
//	                                              webhooks are trusted are swept as seldom as they may be
//	95 % used  first loads wait, and sweeps come so seldom that they fit into what is left
//	99 % used  sweeps wait: only what webhooks name is read
//	100 % used, or the provider is known to refuse all calls  nothing is read
//
// All of it ends with the month. With more calls used nothing comes back, and no interval gets shorter.
func Allow(u Usage, b Budget, now time.Time) engine.Allowance {
	_, ends := Month(now)
	if !u.ExhaustedAt.IsZero() {
		after := max(min(u.ProbeAt.Sub(now), ends.Sub(now)), time.Minute)
		return engine.Allowance{Floor: engine.Nothing, After: after, Reason: refusedWords(u, b, ends)}
	}
	a := engine.Allowance{Floor: floor(u, b, now)}
	if a.Floor >= engine.Loading {
		a.EveryProven = Longest
	}
	if a.Floor >= engine.Sweeping {
		a.Every = rest(u, b, now)
	}
	if a.Floor >= engine.Nothing {
		a.After = min(ends.Sub(now), Probe) // not for the whole month: the setting may change
	}
	a.Reason = words(u, b, a, now)
	return a
}

// floor is the order in which work waits.
func floor(u Usage, b Budget, now time.Time) engine.Urgency {
	if b.Calls <= 0 {
		return engine.Rereading
	}
	expected := Forecast(u, now)
	switch {
	case b.reached(u.Month, 100):
		return engine.Nothing
	case b.reached(u.Month, 99):
		return engine.Noticing
	case b.reached(u.Month, 95):
		return engine.Sweeping
	case b.reached(u.Month, 90), expected*100 > b.Calls*110:
		return engine.Loading
	case b.reached(u.Month, 80), expected > b.Calls:
		return engine.Timing
	default:
		return engine.Rereading
	}
}

// reached reports whether calls are at least percent of the budget.
func (b Budget) reached(calls, percent int) bool { return calls*100 >= b.Calls*percent }

// rest returns how often all connections can be swept for the rest of the month, without the last
// hundredth of the budget, which is kept for what webhooks name. It is at most the rest of the month,
// so that every connection is looked at again when the next one begins.
func rest(u Usage, b Budget, now time.Time) time.Duration {
	_, ends := Month(now)
	remains := ends.Sub(now)
	left := b.Calls*99/100 - u.Month
	if left <= 0 {
		return remains
	}
	seconds := int64(remains/time.Second) * int64(u.Connections) / int64(left)
	return min(time.Duration(seconds)*time.Second, remains)
}
