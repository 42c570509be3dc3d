package schedule

import (
	"fmt"
	"strconv"
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// words says to people what waits, why and until when; empty: nothing waits.
func words(u Usage, b Budget, a engine.Allowance, now time.Time) string {
	_, ends := Month(now)
	until := ends.Format("2 January")
	if a.Floor >= engine.Nothing {
		return fmt.Sprintf("%s: nothing is read until %s", used(u, b), until)
	}
	why := used(u, b)
	if !b.reached(u.Month, 80) || a.Floor == engine.Loading && !b.reached(u.Month, 90) {
		why = fmt.Sprintf("At the pace of the last week this month comes to %s calls to %s, of %s", figure(Forecast(u, now)), b.Of, figure(b.Calls))
	}
	switch a.Floor {
	case engine.Rereading:
		return ""
	case engine.Timing:
		return fmt.Sprintf("%s: re-reading waits until %s", why, until)
	case engine.Loading:
		return fmt.Sprintf("%s: re-reading and what is read on a timer wait until %s, and where webhooks are live all changes are looked for every %s only", why, until, span(a.EveryProven))
	case engine.Sweeping:
		return fmt.Sprintf("%s: first loads wait until %s, and changes are looked for every %s at most", why, until, span(a.Every))
	default:
		return fmt.Sprintf("%s: until %s only what webhooks name is read", why, until)
	}
}

// used is "498,210 of this month's 500,000 calls to QuickBooks are used".
func used(u Usage, b Budget) string {
	return fmt.Sprintf("%s of this month's %s calls to %s are used", figure(u.Month), figure(b.Calls), b.Of)
}

// refusedWords says that the provider itself has had enough.
func refusedWords(u Usage, b Budget, ends time.Time) string {
	count := figure(u.Month) + " by our own count"
	if b.Calls > 0 {
		count += ", of " + figure(b.Calls)
	}
	return fmt.Sprintf("%s has refused every call since %s, as it does when the month's calls are used up (%s): nothing is read until it answers again, which is tried every hour, or until %s",
		b.Of, u.ExhaustedAt.UTC().Format("2 January 15:04 MST"), count, ends.Format("2 January"))
}

// figure writes 498210 as 498,210.
func figure(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// span writes a duration as people say it, rounded up.
func span(d time.Duration) string {
	minutes := int((d + time.Minute - 1) / time.Minute)
	switch hours := (minutes + 59) / 60; {
	case minutes <= 1:
		return "minute"
	case minutes < 120:
		return strconv.Itoa(minutes) + " minutes"
	case hours < 48:
		return strconv.Itoa(hours) + " hours"
	default:
		return strconv.Itoa((hours+23)/24) + " days"
	}
}
