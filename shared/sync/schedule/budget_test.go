package schedule_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

var quickBooks = schedule.Budget{Calls: 500_000, Of: "QuickBooks"}

func TestMonthOfUsage(t *testing.T) {
	t.Parallel()
	november, december, january := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		now, begins, ends time.Time
	}{
		{december.Add(-time.Second), november, december.Add(8 * time.Hour)},
		{december.Add(8*time.Hour - 1), november, december.Add(8 * time.Hour)}, // still November in San Francisco
		{december.Add(8 * time.Hour), december, january.Add(8 * time.Hour)},
		{december.Add(8 * time.Hour).In(time.FixedZone("", -8*3600)), december, january.Add(8 * time.Hour)},
		{january, december, january.Add(8 * time.Hour)},
	} {
		if begins, ends := schedule.Month(tt.now); !begins.Equal(tt.begins) || !ends.Equal(tt.ends) {
			t.Errorf("%s belongs to %s – %s, want %s – %s", tt.now, begins, ends, tt.begins, tt.ends)
		}
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		now  time.Time
		u    schedule.Usage
		want int
	}{
		{"half of the month", time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), schedule.Usage{Month: 150_000, Week: 60_000}, 150_000 + 153_333}, // 15 1/3 days of 10,000
		{"today counts as far as it has come", time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC), schedule.Usage{Month: 150_000, Week: 65_000}, 150_000 + 148_333},
		{"the last second", time.Date(2026, 12, 1, 7, 59, 59, 0, time.UTC), schedule.Usage{Month: 300_000, Week: 63_333}, 300_000},
		{"nothing yet", time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), schedule.Usage{}, 0},
		{"the largest of tiers", time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), schedule.Usage{Week: 20_000_000}, 94_736_842},
	} {
		if got := schedule.Forecast(tt.u, tt.now); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) // ten days are left
	const tenDays = 10 * 24 * time.Hour
	// The days that a week's calls are of, and what so many calls a day come to until the end.
	week := func(day int) int { return day*6 + day/3 }
	for _, tt := range []struct {
		name   string
		u      schedule.Usage
		budget int
		want   engine.Allowance
	}{
		{"all is well", schedule.Usage{Month: 399_999, Week: week(9_000)}, 500_000, engine.Allowance{}},
		{"no budget", schedule.Usage{Month: 40_000_000, Week: week(2_000_000)}, 0, engine.Allowance{}},
		{"as much as there is is expected", schedule.Usage{Month: 350_000, Week: week(15_000)}, 500_000, engine.Allowance{}},
		{"more than there is is expected", schedule.Usage{Month: 350_001, Week: week(15_000)}, 500_000, engine.Allowance{Floor: engine.Timing,
			Reason: "At the pace of the last week this month comes to 500,001 calls to QuickBooks, of 500,000: re-reading waits until 1 December"}},
		{"80 %", schedule.Usage{Month: 400_000, Week: week(3_000)}, 500_000, engine.Allowance{Floor: engine.Timing,
			Reason: "400,000 of this month's 500,000 calls to QuickBooks are used: re-reading waits until 1 December"}},
		{"110 % are expected", schedule.Usage{Month: 250_000, Week: week(30_000)}, 500_000, engine.Allowance{Floor: engine.Timing,
			Reason: "At the pace of the last week this month comes to 550,000 calls to QuickBooks, of 500,000: re-reading waits until 1 December"}},
		{"more than 110 % are expected", schedule.Usage{Month: 250_001, Week: week(30_000)}, 500_000, engine.Allowance{Floor: engine.Loading, EveryProven: schedule.Longest,
			Reason: "At the pace of the last week this month comes to 550,001 calls to QuickBooks, of 500,000: re-reading and what is read on a timer wait until 1 December, and where webhooks are live all changes are looked for every 4 hours only"}},
		{"90 %", schedule.Usage{Month: 450_000, Week: week(3_000)}, 500_000, engine.Allowance{Floor: engine.Loading, EveryProven: schedule.Longest,
			Reason: "450,000 of this month's 500,000 calls to QuickBooks are used: re-reading and what is read on a timer wait until 1 December, and where webhooks are live all changes are looked for every 4 hours only"}},
		{"95 %", schedule.Usage{Month: 475_000, Connections: 50}, 500_000, engine.Allowance{Floor: engine.Sweeping, EveryProven: schedule.Longest, Every: 2160 * time.Second,
			Reason: "475,000 of this month's 500,000 calls to QuickBooks are used: first loads wait until 1 December, and changes are looked for every 36 minutes at most"}},
		{"98 %", schedule.Usage{Month: 490_000, Connections: 50}, 500_000, engine.Allowance{Floor: engine.Sweeping, EveryProven: schedule.Longest, Every: 8640 * time.Second,
			Reason: "490,000 of this month's 500,000 calls to QuickBooks are used: first loads wait until 1 December, and changes are looked for every 3 hours at most"}},
		{"more connections than calls", schedule.Usage{Month: 490_000, Connections: 10_000}, 500_000, engine.Allowance{Floor: engine.Sweeping, EveryProven: schedule.Longest, Every: tenDays,
			Reason: "490,000 of this month's 500,000 calls to QuickBooks are used: first loads wait until 1 December, and changes are looked for every 10 days at most"}},
		{"99 %", schedule.Usage{Month: 495_000, Connections: 50}, 500_000, engine.Allowance{Floor: engine.Noticing, EveryProven: schedule.Longest, Every: tenDays,
			Reason: "495,000 of this month's 500,000 calls to QuickBooks are used: until 1 December only what webhooks name is read"}},
		{"100 %", schedule.Usage{Month: 500_000, Connections: 50}, 500_000, engine.Allowance{Floor: engine.Nothing, EveryProven: schedule.Longest, Every: tenDays, After: time.Hour,
			Reason: "500,000 of this month's 500,000 calls to QuickBooks are used: nothing is read until 1 December"}},
		{"the provider has had enough", schedule.Usage{Month: 412_345, ExhaustedAt: now.Add(-10 * time.Minute), ProbeAt: now.Add(50 * time.Minute)}, 500_000, engine.Allowance{Floor: engine.Nothing, After: 50 * time.Minute,
			Reason: "QuickBooks has refused every call since 21 November 07:50 UTC, as it does when the month's calls are used up (412,345 by our own count, of 500,000): nothing is read until it answers again, which is tried every hour, or until 1 December"}},
		{"it has had enough, whatever the budget", schedule.Usage{Month: 999, ExhaustedAt: now.Add(-2 * time.Hour), ProbeAt: now.Add(-time.Second)}, 0, engine.Allowance{Floor: engine.Nothing, After: time.Minute,
			Reason: "QuickBooks has refused every call since 21 November 06:00 UTC, as it does when the month's calls are used up (999 by our own count): nothing is read until it answers again, which is tried every hour, or until 1 December"}},
	} {
		got := schedule.Allow(tt.u, schedule.Budget{Calls: tt.budget, Of: "QuickBooks"}, now)
		if got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
	last := time.Date(2026, 12, 1, 7, 50, 0, 0, time.UTC)
	if got := schedule.Allow(schedule.Usage{Month: 500_000}, quickBooks, last); got.After != 10*time.Minute {
		t.Errorf("ten minutes before the month ends nothing is read for %s", got.After)
	}
	if got := schedule.Allow(schedule.Usage{ExhaustedAt: last, ProbeAt: last.Add(time.Hour)}, quickBooks, last); got.After != 10*time.Minute {
		t.Errorf("ten minutes before the month ends the provider is left alone for %s", got.After)
	}
}

// TestAllowGivesUpInOrder: the more calls are used the less is done, and never more often.
func TestAllowGivesUpInOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		b := schedule.Budget{Calls: 1 + r.IntN(2_000_000), Of: "QuickBooks"}
		now := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(30 * 24 * time.Hour))))
		u := schedule.Usage{Week: r.IntN(b.Calls), Connections: r.IntN(10_000)}
		var before engine.Allowance
		for u.Month <= b.Calls+1 {
			a := schedule.Allow(u, b, now)
			if a.Floor < before.Floor || a.Every < before.Every || a.EveryProven < before.EveryProven {
				t.Fatalf("%+v of %d, at %s: %+v, with fewer calls %+v", u, b.Calls, now, a, before)
			}
			if (a.Floor > engine.Rereading) != (a.Reason != "") || (a.Floor == engine.Nothing) != (a.After > 0) {
				t.Fatalf("%+v of %d, at %s: %+v", u, b.Calls, now, a)
			}
			before = a
			u.Month += 1 + r.IntN(1+b.Calls/100)
		}
		if before.Floor < engine.Noticing {
			t.Fatalf("with the budget of %d used: %+v", b.Calls, before)
		}
	}
}

// TestBudgetLasts: a fleet that has used 95 % of its calls half-way through the month still sweeps on its last day.
func TestBudgetLasts(t *testing.T) {
	t.Parallel()
	for _, connections := range []int{1, 50, 5000} {
		now, ends := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
		u := schedule.Usage{Month: 475_000, Connections: connections}
		pace := engine.Pace{Every: schedule.Base}
		for now.Before(ends) { // a whole fleet's round at a time
			a := schedule.Allow(u, quickBooks, now)
			if a.Floor > engine.Sweeping {
				t.Errorf("%d connections: %s before the month ends %d calls are used, and nothing is swept", connections, ends.Sub(now), u.Month)
				break
			}
			pace = schedule.Next(pace, engine.Swept{}, a, now)
			u.Month += connections
			now = now.Add(pace.Every)
		}
	}
}

func TestExhausted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	refused := func(lasts time.Duration, accounts, connections, month int) schedule.Usage {
		return schedule.Usage{Month: month, Connections: connections, RefusedSince: now.Add(-lasts), RefusedAccounts: accounts}
	}
	for _, tt := range []struct {
		name string
		u    schedule.Usage
		b    schedule.Budget
		want bool
	}{
		{"all is answered", schedule.Usage{Month: 500_000, Connections: 9}, quickBooks, false},
		{"three companies, ten minutes", refused(10*time.Minute, 3, 9, 0), quickBooks, true},
		{"three companies, not quite", refused(10*time.Minute-1, 3, 9, 0), quickBooks, false},
		{"two companies of nine", refused(10*time.Hour, 2, 9, 0), quickBooks, false},
		{"two companies of two", refused(10*time.Minute, 2, 2, 0), quickBooks, true},
		{"one company of two", refused(10*time.Minute, 1, 2, 0), quickBooks, false},
		{"the only company", refused(10*time.Minute, 1, 1, 0), quickBooks, true},
		{"a company that is no longer connected", refused(10*time.Minute, 1, 0, 0), quickBooks, true},
		{"95 % are used, two minutes", refused(2*time.Minute, 1, 9, 475_000), quickBooks, true},
		{"95 % are used, not quite", refused(2*time.Minute-1, 1, 9, 475_000), quickBooks, false},
		{"not quite 95 %", refused(2*time.Minute, 1, 9, 474_999), quickBooks, false},
		{"no budget, two minutes", refused(2*time.Minute, 3, 9, 475_000), schedule.Budget{}, false},
		{"no budget, ten minutes", refused(10*time.Minute, 3, 9, 475_000), schedule.Budget{}, true},
	} {
		if got := schedule.Exhausted(tt.u, tt.b, now); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
