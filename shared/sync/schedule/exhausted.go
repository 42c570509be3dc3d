package schedule

import "time"

// Probe is how often one call finds out whether a provider that has refused all for so long that the
// month's allowance must be used up still does.
const Probe = time.Hour

const (
	throttled       = 10 * time.Minute // no throttling lasts that long: it asks for a minute
	throttledNearly = 2 * time.Minute  // where our own count says that the month's calls are all but used up
	throttledAlike  = 3                // accounts: throttling is of one account
)

// Exhausted reports whether a provider refuses calls because the month's allowance is used up. By its
// answers that cannot be told from throttling, so it is told by how long no call has been answered,
// for how many accounts, and by our own count. Our limiters keep each account within its own limits,
// so three that are refused at once are not refused for those.
//
//	10 minutes, 3 accounts or all there are
//	2 minutes, when 95 % of the budget are used
func Exhausted(u Usage, b Budget, now time.Time) bool {
	if u.RefusedSince.IsZero() {
		return false
	}
	lasted := now.Sub(u.RefusedSince)
	if b.Calls > 0 && b.reached(u.Month, 95) && lasted >= throttledNearly {
		return true
	}
	return lasted >= throttled && u.RefusedAccounts >= min(throttledAlike, max(u.Connections, 1))
}
