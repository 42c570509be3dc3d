package schedule

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	// Base is how often a connection is swept whose webhooks are not trusted, unless a setting says otherwise.
	Base = 3 * time.Minute
	// Longest is how seldom one is swept whose webhooks are.
	Longest = 4 * time.Hour
	// Trust is how long webhooks are trusted after a sweep found that they had told of all there was.
	// A company at rest sends none, so being silent for less than that is no fault; and if they have
	// died meanwhile, the first change that they do not tell of shows it.
	Trust = 30 * 24 * time.Hour
	// Soon is how long after webhooks were acted upon a sweep comes at the latest. A payment changes
	// the balances of customers and accounts too, and no webhook tells of those.
	Soon = 30 * time.Minute
)

// Rhythm is how often connections are swept.
type Rhythm struct {
	Base time.Duration // without webhooks; zero: Base
}

// Next returns how often to sweep a connection from now on, after a sweep that found s and under the
// allowance a.
//
//	webhooks had told of all there was        they are trusted, and the interval is doubled, up to Longest
//	webhooks had missed something             they are not trusted, and the interval is Base at once
//	there was nothing to be told of           doubled as well while they are trusted, else Base
//	the sweep was left out for want of calls  it is asked for again after Probe, which costs none
//
// No other interval is below what the allowance says.
func (r Rhythm) Next(p engine.Pace, s engine.Swept, a engine.Allowance, now time.Time) engine.Pace {
	base := r.Base
	if base <= 0 {
		base = Base
	}
	if a.Floor > engine.Sweeping {
		return engine.Pace{Every: max(Probe, base), Proven: p.Proven}
	}
	next := engine.Pace{Every: base, Proven: p.Proven}
	switch {
	case s.Missed > 0:
		next.Proven = time.Time{}
	case s.Found > 0:
		next.Proven = now
	}
	if trusted(next, now) {
		next.Every = max(min(2*max(p.Every, base), max(Longest, base)), a.EveryProven)
	}
	next.Every = max(next.Every, a.Every)
	return next
}

// Next is the Next of the Rhythm that begins with Base.
func Next(p engine.Pace, s engine.Swept, a engine.Allowance, now time.Time) engine.Pace {
	return Rhythm{}.Next(p, s, a, now)
}

// trusted reports whether webhooks have lately told of all there was.
func trusted(p engine.Pace, now time.Time) bool {
	return !p.Proven.IsZero() && now.Sub(p.Proven) < Trust
}
