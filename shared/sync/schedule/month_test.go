package schedule_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// The first day is a Monday, and the month has 22 working days.
var june = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

const (
	days    = 30
	arrives = 2 * time.Second // a webhook after its change
	collect = 3 * time.Second // notices are gathered for so long
	late    = 5 * time.Minute // a webhook that has not come by then has been missed
)

// change is what somebody does in QuickBooks. It changes balances elsewhere, too.
type change struct {
	at      time.Time
	streams []string
	told    bool // by a webhook
	here    bool // it is stored
}

// month is a simulated month of one company. What is counted are metered calls.
type month struct {
	changes []change
	timers  map[time.Duration]int // how many streams are read how often
	read    map[time.Duration]time.Time
	pace    engine.Pace
	due     time.Time // the next sweep
	looked  time.Time // the last one
	balance time.Time // of the oldest change whose balances nobody has looked at

	sweeps, notices, timed, counts int
	stalest, balances              time.Duration
}

// live is the month, in which each run ends at once.
func live(pace engine.Pace, changes []change) *month {
	m := &month{changes: changes, pace: pace, looked: june, read: map[time.Duration]time.Time{},
		// Four lists once a week, nine once a day, attachments and time sheets every 12 hours.
		timers: map[time.Duration]int{7 * 24 * time.Hour: 4, 24 * time.Hour: 9, 12 * time.Hour: 2},
		counts: 39 * 5} // reconcile's, weekly: a month touches five weeks
	m.due = schedule.After(7, max(pace.Every, schedule.Base), june)
	for ends := june.AddDate(0, 0, days); ; {
		now := m.due
		if t := m.noticed(); t.Before(now) {
			now = t
		}
		switch {
		case !now.Before(ends):
			return m
		case now.Before(m.due):
			m.notice(now)
		default:
			m.sweep(now)
		}
	}
}

// noticed returns when the notices that are open or come next are acted upon.
func (m *month) noticed() time.Time {
	i := slices.IndexFunc(m.changes, func(c change) bool { return c.told && !c.here })
	if i < 0 {
		return m.due
	}
	return m.changes[i].at.Add(arrives + collect)
}

// notice reads what webhooks have named, one call for each stream.
func (m *month) notice(now time.Time) {
	streams := map[string]bool{}
	for i := range m.changes {
		if c := &m.changes[i]; c.told && !c.here && !c.at.After(now.Add(-arrives)) {
			m.store(now, c)
			for _, s := range c.streams {
				streams[s] = true
			}
		}
	}
	m.notices += len(streams)
	if soon := now.Add(schedule.Soon); soon.Before(m.due) && len(streams) > 0 {
		m.due = soon
	}
}

func (m *month) store(now time.Time, c *change) {
	c.here = true
	m.stalest = max(m.stalest, now.Sub(c.at))
	if m.balance.IsZero() {
		m.balance = c.at
	}
}

// sweep looks for all changes: one call, and one for each stream whose timer has run out.
func (m *month) sweep(now time.Time) {
	m.notice(now) // its open notices are read first
	var s engine.Swept
	for i := range m.changes {
		switch c := &m.changes[i]; {
		case !c.at.After(m.looked) || c.at.After(now):
		case c.here:
			s.Found++
		default:
			if !c.at.After(now.Add(-late)) {
				s.Found++
				s.Missed++
			}
			m.store(now, c)
		}
	}
	if !m.balance.IsZero() {
		m.balances = max(m.balances, now.Sub(m.balance))
		m.balance = time.Time{}
	}
	m.sweeps++
	for every, streams := range m.timers {
		if now.Sub(m.read[every]) >= every {
			m.timed += streams
			m.read[every] = now
		}
	}
	m.looked, m.pace = now, schedule.Next(m.pace, s, engine.Allowance{}, now)
	m.due = schedule.After(7, m.pace.Every, now)
}

func (m *month) total() int { return m.sweeps + m.notices + m.timed + m.counts }

// working returns a month's changes, 30 on each working day, between 8 and 18 o'clock: in bursts, one
// change after another by about gap.
func working(bursts int, gap time.Duration, told func(r *rand.Rand, day int) bool) (all []change) {
	kinds := [][]string{{"Invoice"}, {"Invoice"}, {"Payment", "Invoice"}, {"Customer"}, {"Bill"}, {"Purchase"}, {"Estimate"}}
	r := rand.New(rand.NewPCG(1, 2))
	for day := range days {
		if day%7 >= 5 {
			continue
		}
		for range bursts {
			at := june.AddDate(0, 0, day).Add(8*time.Hour + time.Duration(r.Int64N(int64(10*time.Hour))))
			for range 30 / bursts {
				all = append(all, change{at: at, streams: kinds[r.IntN(len(kinds))], told: told(r, day)})
				at = at.Add(gap/2 + time.Duration(r.Int64N(int64(gap))))
			}
		}
	}
	slices.SortFunc(all, func(a, b change) int { return a.at.Compare(b.at) })
	return all
}

// unsubscribed is the life of a company whose bills nobody has asked webhooks for.
func unsubscribed(all []change) []change {
	for i := range all {
		all[i].told = all[i].streams[0] != "Bill"
	}
	return all
}

// TestMonth counts the metered calls of a simulated month, and how old a row gets. The table in
// docs/architecture.md has these figures.
func TestMonth(t *testing.T) {
	t.Parallel()
	always := func(*rand.Rand, int) bool { return true }
	never := func(*rand.Rand, int) bool { return false }
	lossy := func(r *rand.Rand, _ int) bool { return r.IntN(50) > 0 }
	silent := func(_ *rand.Rand, day int) bool { return day < 14 }
	proven := engine.Pace{Every: schedule.Longest, Proven: june.AddDate(0, 0, -1)}
	for _, tt := range []struct {
		name     string
		pace     engine.Pace // at the beginning
		changes  []change
		calls    int           // at most
		stalest  time.Duration // at most: of a row that changed
		balances time.Duration // at most: of a balance that changed with it
	}{
		{"live webhooks, changes come in bursts at once", proven, working(6, 500*time.Millisecond, always), 1500, 10 * time.Second, schedule.Soon + time.Minute},
		{"live webhooks, a minute between changes", proven, working(6, time.Minute, always), 1850, 10 * time.Second, schedule.Soon + time.Minute},
		{"live webhooks, changes all day long", proven, working(30, time.Second, always), 2000, 10 * time.Second, schedule.Soon + time.Minute},
		{"the first month with webhooks", engine.Pace{}, working(6, 500*time.Millisecond, always), 1700, 10 * time.Second, schedule.Soon + time.Minute},
		{"webhooks of which one in fifty is lost", proven, working(6, time.Minute, lossy), 15500, schedule.Longest, schedule.Longest + schedule.Soon},
		{"webhooks for all kinds but one", proven, unsubscribed(working(6, time.Minute, always)), 15500, schedule.Longest, schedule.Longest},
		{"webhooks that fall silent after two weeks", proven, working(6, time.Minute, silent), 15500, schedule.Longest, schedule.Longest},
		{"live webhooks, nothing changes", proven, nil, 15500, 0, 0},
		{"no webhooks", engine.Pace{}, working(6, time.Minute, never), 15500, schedule.Base, schedule.Base},
		{"no webhooks, nothing changes", engine.Pace{}, nil, 15500, 0, 0},
	} {
		m := live(tt.pace, tt.changes)
		t.Logf("%-46s %6d calls: %5d sweeps, %3d for notices, %3d on timers, %d counts; row %s, balance %s",
			tt.name, m.total(), m.sweeps, m.notices, m.timed, m.counts, m.stalest.Round(time.Second), m.balances.Round(time.Second))
		if m.total() > tt.calls || m.stalest > tt.stalest || m.balances > tt.balances {
			t.Errorf("%s: %d calls, a row is up to %s old, a balance %s; want at most %d, %s, %s",
				tt.name, m.total(), m.stalest, m.balances, tt.calls, tt.stalest, tt.balances)
		}
		if slices.ContainsFunc(m.changes, func(c change) bool { return !c.here && c.at.Before(m.looked) }) {
			t.Errorf("%s: changes were lost", tt.name)
		}
	}
}
