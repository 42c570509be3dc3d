package watch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/watch"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func ago(minutes int) time.Time { return noon.Add(-time.Duration(minutes) * time.Minute) }

// books are standings by hand.
type books struct {
	standings watch.Standings
	asked     watch.Question
	err       error
}

func (b *books) Standings(_ context.Context, q watch.Question) (watch.Standings, error) {
	b.asked = q
	b.standings.Now = noon
	return b.standings, b.err
}

// look returns the lines of a look.
func look(t *testing.T, b *books, budgets ...watch.Budget) (lines []map[string]any, err error) {
	t.Helper()
	var out bytes.Buffer
	w := watch.Watch{
		Store: b, Behind: 15 * time.Minute, Jobs: map[string]time.Duration{"daily": 26 * time.Hour, "reconcile": 26 * time.Hour}, Log: slog.New(slog.NewJSONHandler(&out, nil)),
		Budgets: func(context.Context) ([]watch.Budget, error) { return budgets, nil },
		Name:    func(ctx context.Context, _ org.Connection) context.Context { return ctx },
	}
	err = w.Look(t.Context())
	for line := range strings.Lines(out.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines, err
}

// TestWhy: of several causes the one that explains the others is told, with what to do.
func TestWhy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		give         watch.Late
		cause, since string
		says         string
	}{
		{"a stuck run", watch.Late{Stuck: ago(20), Due: ago(40), Failing: ago(60), Notice: ago(50), Holder: "SyncOrg host/7"}, "stuck_run", "11:40", "SyncOrg host/7 holds its lease with a run that does not end, beyond SYNC_LIMIT: end that instance"},
		{"nothing has begun", watch.Late{Due: ago(40), Notice: ago(50)}, "no_run", "11:20", "It is due, and no run has begun: does Cloud Scheduler send ticks"},
		{"nothing has begun under a lease", watch.Late{Due: ago(40), Holder: "Connect host/9"}, "no_run", "11:20", "Connect host/9 holds its lease, and no run has begun"},
		{"put off, by its own words", watch.Late{Connection: org.Connection{Reason: "Too many calls"}, Due: ago(40), NotBefore: ago(-5), Last: watch.Run{Began: ago(3), Outcome: "failed", Error: "429"}}, "waits", "11:20", "Too many calls. It is tried again at 21 November 12:05 UTC"},
		{"put off, by the run's", watch.Late{Due: ago(40), NotBefore: ago(-5), Last: watch.Run{Began: ago(3), Outcome: "failed", Error: "429"}}, "waits", "11:20", "429. It is tried again"},
		{"put off until a moment ago", watch.Late{Due: ago(40), NotBefore: ago(1), Last: watch.Run{Began: ago(3), Outcome: "failed", Error: "429"}}, "failing", "11:20", "429"},
		{"failed without words", watch.Late{Due: ago(40), Last: watch.Run{Began: ago(3), Outcome: "failed"}}, "failing", "11:20", "Its runs fail: see sync.runs"},
		{"under way", watch.Late{Due: ago(40), Last: watch.Run{Began: ago(3)}}, "slow", "11:20", "A run is under way since 21 November 11:57 UTC, and has stored nothing yet"},
		{"stopped, and a stream fails", watch.Late{Due: ago(40), Last: watch.Run{Began: ago(3), Outcome: "stopped", Batches: 7}, Stream: "Invoice", Streams: 1, Error: "no such field"}, "failing", "11:20", "Stream Invoice fails (the other streams go on): no such field"},
		{"a load without end", watch.Late{Due: ago(2000), Last: watch.Run{Began: ago(3), Outcome: "stopped", Batches: 7}}, "slow", "02:40", "for more than a day: sync.streams tells how far it is"},
		{"stopped with nothing", watch.Late{Due: ago(40), Last: watch.Run{Began: ago(3), Outcome: "stopped"}}, "slow", "11:20", "whether SYNC_LIMIT is long enough"},
		{"streams", watch.Late{Failing: ago(60), Stream: "Invoice", Streams: 3, Notice: ago(70)}, "stream", "11:00", "Stream Invoice fails (and 2 more streams): see sync.streams"},
		{"a notice", watch.Late{Notice: ago(70), Notices: 1}, "notices", "10:50", "1 object that webhooks have named"},
		{"notices", watch.Late{Notice: ago(70), Notices: 12}, "notices", "10:50", "12 objects that webhooks have named"},
	} {
		lines, err := look(t, &books{standings: watch.Standings{Late: []watch.Late{tt.give}, AllLate: 1}})
		if err != nil || len(lines) != 2 {
			t.Fatalf("%s: %v, %v", tt.name, lines, err)
		}
		since, _ := lines[0]["since"].(string)
		if l := lines[0]; l["event"] != "stale" || l["level"] != "WARN" || l["cause"] != tt.cause || !strings.Contains(since, "T"+tt.since+":00Z") || !strings.Contains(l["reason"].(string), tt.says) {
			t.Errorf("%s: %v", tt.name, l)
		}
	}
}

// TestBudgetLevels: the calls of the month warn from 80 percent of the forecast on, and alarm from 95.
func TestBudgetLevels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		give    watch.Budget
		level   string
		percent float64 //nolint:forbidigo // as JSON has it
	}{
		{watch.Budget{Forecast: 399_999, Limit: 500_000}, "INFO", 79},
		{watch.Budget{Forecast: 400_000, Limit: 500_000}, "WARN", 80},
		{watch.Budget{Forecast: 474_999, Limit: 500_000}, "WARN", 94},
		{watch.Budget{Forecast: 475_000, Limit: 500_000}, "ERROR", 95},
		{watch.Budget{Used: 2_000_000, Forecast: 94_736_842, Limit: 500_000}, "ERROR", 18947},
		{watch.Budget{Forecast: 94_736_842}, "INFO", 0},
		{watch.Budget{Forecast: 10, Limit: 500_000, Closed: true, Waits: "it refuses every call"}, "ERROR", 0},
	} {
		tt.give.Provider = "quickbooks"
		b := &books{}
		lines, err := look(t, b, tt.give, watch.Budget{Provider: "plaid"})
		if err != nil || len(lines) != 3 || lines[0]["event"] != "budget" || lines[0]["level"] != tt.level || lines[0]["percent"] != tt.percent || lines[0]["reason"] != tt.give.Waits {
			t.Errorf("%+v: %v, %v", tt.give, lines, err)
		}
		if waiting := slices.Contains(b.asked.Waiting, "quickbooks"); waiting != tt.give.Closed || b.asked.Behind != 15*time.Minute || b.asked.Most != 100 {
			t.Errorf("%+v: it asks for %+v", tt.give, b.asked)
		}
	}
}

// TestLookCountsTheRest: lists that are cut short are counted, and the last line tells whole numbers.
func TestLookCountsTheRest(t *testing.T) {
	t.Parallel()
	one := org.Connection{ID: 3, State: org.NeedsReauth, Reason: "log in again"}
	lines, err := look(t, &books{standings: watch.Standings{
		Connections: 900, Late: []watch.Late{{Notice: ago(20)}}, AllLate: 101, NeedLogin: []watch.Closed{{Connection: one, Since: ago(9)}}, AllNeed: 2,
		Paused: []watch.Closed{{Connection: one}}, AllPaused: 7, Letters: []watch.Letters{{Connection: one, Open: 4, Since: ago(1)}}, AllLetters: 3, OpenLetters: 44,
	}})
	var told []string
	for _, l := range lines {
		told = append(told, fmt.Sprintf("%v/%v/%v", l["event"], l["of"], l["count"]))
	}
	if err != nil || strings.Join(told, " ") != "stale/<nil>/<nil> more/stale/100 reconnect_needed/<nil>/<nil> more/reconnect_needed/1 "+
		"paused/<nil>/<nil> dead_letters/<nil>/<nil> more/dead_letters/2 watch/<nil>/<nil>" {
		t.Fatalf("%s, %v", told, err)
	}
	if last := lines[7]; last["connections"] != 900.0 || last["stale"] != 101.0 || last["reconnect"] != 2.0 || last["paused"] != 7.0 || last["dead_letters"] != 44.0 {
		t.Errorf("%v", last)
	}
}

// TestJobMissed: a job that has not ended well for too long is told, whether it fails or nobody starts it.
func TestJobMissed(t *testing.T) {
	t.Parallel()
	b := &books{standings: watch.Standings{Jobs: []watch.Job{{Name: "daily", Ended: ago(26*60 + 1)}, {Name: "reconcile", Ended: ago(26 * 60)}, {Name: "of a release to come", Ended: ago(1e6)}}}}
	lines, err := look(t, b)
	if err != nil || len(lines) != 2 || lines[0]["event"] != "job_missed" || lines[0]["level"] != "WARN" || lines[0]["job"] != "daily" || lines[0]["since"] != "2026-11-20T09:59:00Z" {
		t.Errorf("%v, %v", lines, err)
	}
}

// TestLookFails: without an answer nothing says that it has looked.
func TestLookFails(t *testing.T) {
	t.Parallel()
	away := fault.New(fault.Unavailable, "the database is away")
	if lines, err := look(t, &books{err: away}); !errors.Is(err, away) || len(lines) != 0 {
		t.Errorf("%v, %v", lines, err)
	}
}
