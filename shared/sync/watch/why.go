package watch

import (
	"cmp"
	"fmt"
	"time"
)

// The causes for which a connection is behind, as the line tells them.
const (
	stuck   = "stuck_run" // a run does not end
	waits   = "waits"     // the provider has asked for patience, again and again
	fails   = "failing"   // its runs fail
	slow    = "slow"      // its runs end before they are done
	idle    = "no_run"    // nothing has begun
	stream  = "stream"    // one stream fails, the others go on
	notices = "notices"   // what webhooks told is not read
)

// why says for which cause a connection is behind, since when, and what to do. Of several causes the one
// that explains the others counts.
func (l *Late) why(now time.Time) (cause string, since time.Time, reason string) {
	switch {
	case !l.Stuck.IsZero():
		return stuck, l.Stuck, fmt.Sprintf("%s holds its lease with a run that does not end, beyond SYNC_LIMIT: end that instance, and the next tick goes on", l.holder())
	case !l.Due.IsZero():
		cause, reason = l.overdue(now)
		return cause, l.Due, reason
	case !l.Failing.IsZero():
		return stream, l.Failing, l.streams()
	default:
		return notices, l.Notice, fmt.Sprintf("%s that webhooks have named: no run has read them. The log lines of its runs (event=sync_run) tell why; "+
			"where there is none, look whether ticks reach SyncOrg", objects(l.Notices))
	}
}

// overdue says why nobody has looked for changes.
func (l *Late) overdue(now time.Time) (cause, reason string) {
	switch r := l.Last; {
	case l.NotBefore.After(now):
		return waits, fmt.Sprintf("%s. It is tried again at %s", cmp.Or(l.Reason, r.Error, "The provider has asked for patience"), clock(l.NotBefore))
	case r.Began.IsZero() && l.Holder != "":
		return idle, fmt.Sprintf("%s holds its lease, and no run has begun: end that instance, and the next tick goes on", l.Holder)
	case r.Began.IsZero():
		return idle, "It is due, and no run has begun: does Cloud Scheduler send ticks (dispatch, in a big fleet), and does SyncOrg get them? " +
			"Look at the jobs' last results, at the subscription's oldest unacknowledged message, and at SyncOrg's log"
	case r.Outcome == "" && r.Batches == 0:
		return slow, fmt.Sprintf("A run is under way since %s, and has stored nothing yet", clock(r.Began))
	case r.Outcome == "failed":
		return fails, cmp.Or(r.Error, l.Reason, "Its runs fail: see sync.runs")
	case !l.Failing.IsZero() || l.Error != "":
		return fails, l.streams()
	case r.Batches > 0:
		return slow, "It is being read, and has been for more than a day: sync.streams tells how far it is (load_done of load_total). " +
			"Where that stands still, its runs begin the same thing again and again"
	default:
		return slow, "Its runs end before one page is stored: see sync.runs, and whether SYNC_LIMIT is long enough for one"
	}
}

// streams says which stream fails, and why.
func (l *Late) streams() string {
	others := "the other streams go on"
	if l.Streams > 1 {
		others = fmt.Sprintf("and %d more streams", l.Streams-1)
	}
	return fmt.Sprintf("Stream %s fails (%s): %s", l.Stream, others, cmp.Or(l.Error, "see sync.streams"))
}

func (l *Late) holder() string { return cmp.Or(l.Holder, "A process") }

func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}

func clock(t time.Time) string { return t.UTC().Format("2 January 15:04 MST") }
