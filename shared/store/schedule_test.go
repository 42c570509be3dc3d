package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// fleet makes n active connections of as many organisations; that of number i is i seconds overdue.
func fleet(t testing.TB, n int) *fixture {
	t.Helper()
	f := &fixture{Store: storetest.New(t), TB: t, ctx: t.Context()}
	f.exec(`INSERT INTO sync.organisations (slug, name) SELECT 'o' || i, 'o' FROM generate_series(1, $1) AS i`, n)
	f.exec(`INSERT INTO sync.connections (org_id, provider, account, state, next_sync_at)
		SELECT 'o' || i, 'testbooks', 'r' || i, 'active', now() - i * interval '1 second' FROM generate_series(1, $1) AS i`, n)
	f.exec(`ANALYZE sync.connections`)
	return f
}

// due returns the numbers of the connections whose ticks are sent.
func (f *fixture) due(limit int, again time.Duration) (ids []int) {
	f.Helper()
	n, err := f.Due(f.ctx, limit, again, func(ticks []org.Tick) error {
		for _, t := range ticks {
			if t.Reason != org.Schedule || t.Org != org.Slug("o"+t.Connection.String()) {
				f.Errorf("tick %+v", t)
			}
			ids = append(ids, int(t.Connection))
		}
		return nil
	})
	if err != nil || n != len(ids) {
		f.Fatalf("%d ticks, said to be %d, %v", len(ids), n, err)
	}
	return ids
}

func TestDue(t *testing.T) {
	t.Parallel()
	f := fleet(t, 3)
	for _, tt := range []struct {
		name string
		give string // what is done to connection 3
		want bool
	}{
		{"overdue", `state = 'active'`, true},
		{"paused", `state = 'paused'`, true},
		{"new", `next_sync_at = '-infinity'`, true},
		{"due in a second", `next_sync_at = now() + interval '1 s'`, false},
		{"to be connected again", `state = 'needs_reauth'`, false},
		{"disconnected", `state = 'disconnected'`, false},
		{"barred", `not_before = now() + interval '1 s'`, false},
		{"barred until now", `not_before = now()`, true},
		{"at work", `lease_until = now() + interval '1 s', lease_holder = 'x'`, false},
		{"left by a process that died", `lease_until = now() - interval '1 s', lease_holder = 'x'`, true},
		{"sent a minute ago", `dispatched_at = now() - interval '1 min', next_sync_at = now() - interval '2 min'`, false},
		{"sent four minutes ago", `dispatched_at = now() - interval '4 min', next_sync_at = now() - interval '5 min'`, true},
		{"sent a minute ago for the sweep before", `dispatched_at = now() - interval '1 min', next_sync_at = now() - interval '1 s'`, true},
	} {
		f.exec(`UPDATE sync.connections SET state = 'active', next_sync_at = now() - id * interval '1 s', dispatched_at = NULL, not_before = NULL, lease_until = NULL`)
		f.exec(`UPDATE sync.connections SET ` + tt.give + ` WHERE id = 3`)
		got := f.due(10, 3*time.Minute)
		if slices.Contains(got, 3) != tt.want {
			t.Errorf("%s: sent: %v", tt.name, !tt.want)
		}
		if tt.want && got[0] != 3 && tt.name != "sent a minute ago for the sweep before" {
			t.Errorf("%s: the longest due is not the first of %v", tt.name, got)
		}
		if got := f.due(10, 3*time.Minute); len(got) != 0 {
			t.Errorf("%s: sent twice: %v", tt.name, got)
		}
	}
}

// A webhook's own tick may be lost: somebody else sees to its notice.
func TestDueForNotices(t *testing.T) {
	t.Parallel()
	f := fleet(t, 4)
	f.exec(`UPDATE sync.connections SET next_sync_at = now() + interval '4 h'`)
	for i := range 4 {
		e := event(fmt.Sprint("e", i), "1")
		e.Account = fmt.Sprint("r", i+1)
		f.tell(e)
	}
	f.exec(`UPDATE sync.notices SET received_at = now() - id * interval '1 min'`)
	f.exec(`UPDATE sync.connections SET lease_until = now() + interval '1 min' WHERE id = 2`)
	if got := f.due(10, 150*time.Second); !slices.Equal(got, []int{4, 3}) {
		t.Errorf("%v, want those whose notices are older than that, the oldest first", got)
	}
	if got := f.due(10, 150*time.Second); len(got) != 0 {
		t.Errorf("sent twice: %v", got)
	}
	f.exec(`UPDATE sync.connections SET dispatched_at = now() - interval '151 s'`)
	if got := f.due(1, 150*time.Second); !slices.Equal(got, []int{4}) {
		t.Errorf("later: %v", got)
	}
	f.exec(`UPDATE sync.notices SET settled_at = now()`)
	f.exec(`UPDATE sync.connections SET dispatched_at = NULL`)
	if got := f.due(10, 0); len(got) != 0 {
		t.Errorf("with nothing left: %v", got)
	}
}

// What could not be published is as due as before.
func TestDueWhenPublishingFails(t *testing.T) {
	t.Parallel()
	f := fleet(t, 5)
	n, err := f.Due(f.ctx, 10, time.Minute, func([]org.Tick) error { return fault.New(fault.Unavailable, "no topic") })
	if n != 0 || !fault.Is(err, fault.Unavailable) {
		t.Errorf("%d, %v", n, err)
	}
	if n, err = f.Due(f.ctx, 10, time.Minute, func([]org.Tick) error { return errors.New("no kind") }); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := f.due(3, time.Minute); !slices.Equal(got, []int{5, 4, 3}) {
		t.Errorf("afterwards: %v", got)
	}
	if got := f.due(3, time.Minute); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("and then: %v", got)
	}
}

// Any number of dispatchers send each connection's tick once, and none is left out.
func TestDueAtOnce(t *testing.T) {
	t.Parallel()
	const n = 300
	f := fleet(t, n)
	var mu sync.Mutex
	sent := map[org.ConnectionID]int{}
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for failing := true; ; failing = false {
				got, err := f.Due(f.ctx, 20, time.Hour, func(ticks []org.Tick) error {
					if failing && i > 1 {
						return errors.New("this time it fails")
					}
					mu.Lock()
					defer mu.Unlock()
					for _, t := range ticks {
						sent[t.Connection]++
					}
					return nil
				})
				if !failing && err != nil {
					t.Error(err)
				}
				if err == nil && got == 0 {
					return
				}
			}
		})
	}
	wait.Wait()
	for range f.due(n, time.Hour) { // what a dispatcher that failed held while the last of the others looked
		t.Log("left to the next")
	}
	for id, times := range sent {
		if times != 1 {
			t.Errorf("connection %s was sent %d times", id, times)
		}
	}
	if got := f.value(`SELECT count(*) FROM sync.connections WHERE dispatched_at IS NULL`); got != "0" {
		t.Errorf("%s were left out", got)
	}
}

// The dispatcher looks once a second: it must find its way by the index, however many are not due.
func TestDueUsesTheIndex(t *testing.T) {
	t.Parallel()
	f := fleet(t, 2000)
	f.exec(`UPDATE sync.connections SET next_sync_at = now() + interval '1 h' WHERE id > 10`)
	f.exec(`VACUUM ANALYZE sync.connections`)
	rows, err := f.Pool.Query(f.ctx, "EXPLAIN (COSTS OFF) "+store.Dispatch, 100, 3*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	plan := strings.Join(lines, "\n")
	if err != nil || !strings.Contains(plan, "Index Scan using connections_due") || strings.Contains(plan, "Seq Scan") {
		t.Error(plan, err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	f := fleet(t, 4)
	f.exec(`UPDATE sync.connections SET state = 'paused' WHERE id = 3`)
	f.exec(`UPDATE sync.connections SET provider = 'elsewhere' WHERE id = 4`)
	f.exec(`INSERT INTO sync.api_usage (connection_id, day, calls, metered_calls)
		SELECT c.id, d, 1000, (now() AT TIME ZONE 'UTC')::date - d::date + 1 FROM sync.connections AS c,
			generate_series((now() AT TIME ZONE 'UTC')::date - 70, (now() AT TIME ZONE 'UTC')::date, '1 day') AS d`)
	look := func() schedule.Usage {
		t.Helper()
		u, err := f.Usage(f.ctx, books)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	u := look()
	begins, _ := schedule.Month(u.Now)
	month := 0
	for day := u.Now.UTC().Truncate(24 * time.Hour); !day.Before(begins); day = day.AddDate(0, 0, -1) {
		month += 3 * (int(u.Now.UTC().Truncate(24*time.Hour).Sub(day)/(24*time.Hour)) + 1)
	}
	if u.Month != month || u.Week != 3*(1+2+3+4+5+6+7) || u.Connections != 2 {
		t.Errorf("%+v, want %d this month and %d this week", u, month, 3*28)
	}
	f.exec(`UPDATE sync.api_usage SET metered_calls = metered_calls + 100 WHERE connection_id = 1 AND day = (now() AT TIME ZONE 'UTC')::date`)
	if u := look(); u.Month != month+100 || u.Week != 184 {
		t.Errorf("after 100 more: %+v", u)
	}
	if other, err := f.Usage(f.ctx, "nobody"); err != nil || other.Month != 0 || other.Week != 0 || other.Connections != 0 {
		t.Errorf("another provider's: %+v, %v", other, err)
	}
}

func TestAllowances(t *testing.T) {
	t.Parallel()
	f := fleet(t, 1)
	probe := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	type noted struct {
		Refused, Exhausted bool
		Accounts           int
		Probe              time.Time
	}
	check := func(doing string, err error, want noted) {
		t.Helper()
		u, errUsage := f.Usage(f.ctx, books)
		got := noted{!u.RefusedSince.IsZero(), !u.ExhaustedAt.IsZero(), u.RefusedAccounts, u.ProbeAt.UTC()}
		if u.ProbeAt.IsZero() {
			got.Probe = time.Time{}
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil || errUsage != nil {
			t.Errorf("%s: %v, %v (-want +got):\n%s", doing, err, errUsage, diff)
		}
	}
	check("nothing", nil, noted{})
	check("an answer", f.Answered(f.ctx, books), noted{})
	check("a refusal", f.Refused(f.ctx, books, "r1"), noted{Refused: true, Accounts: 1})
	since, row := f.value(`SELECT refused_since FROM sync.allowances`), f.value(`SELECT xmin FROM sync.allowances`)
	check("the same account's", f.Refused(f.ctx, books, "r1"), noted{Refused: true, Accounts: 1})
	if got := f.value(`SELECT xmin FROM sync.allowances`); got != row {
		t.Error("what was known has been written again")
	}
	check("another's", f.Refused(f.ctx, books, "r2"), noted{Refused: true, Accounts: 2})
	if got := f.value(`SELECT refused_since FROM sync.allowances`); got != since {
		t.Errorf("refused since %s, then since %s", since, got)
	}
	check("exhausted", f.Exhausted(f.ctx, books, probe), noted{true, true, 2, probe})
	at := f.value(`SELECT exhausted_at FROM sync.allowances`)
	check("and again", f.Exhausted(f.ctx, books, probe.Add(time.Hour)), noted{true, true, 2, probe.Add(time.Hour)})
	if got := f.value(`SELECT exhausted_at FROM sync.allowances`); got != at {
		t.Errorf("exhausted at %s, then at %s", at, got)
	}
	check("answered", f.Answered(f.ctx, books), noted{})
	check("refused after that", f.Refused(f.ctx, books, "r3"), noted{Refused: true, Accounts: 1})
	f.exec(`UPDATE sync.allowances SET month = month - interval '1 month'`)
	check("in the next month", nil, noted{})
	for i := range 105 {
		if err := f.Refused(f.ctx, books, fmt.Sprint("a", i)); err != nil {
			t.Fatal(err)
		}
	}
	check("of all", nil, noted{Refused: true, Accounts: 100})
	if u, err := f.Usage(f.ctx, "another"); err != nil || !u.RefusedSince.IsZero() {
		t.Errorf("another provider's: %+v, %v", u, err)
	}
}

// A second of a fleet's dispatching: 10,000 connections, of which 55 have just become due.
func BenchmarkDue(b *testing.B) {
	f := fleet(b, 10_000)
	f.exec(`UPDATE sync.connections SET next_sync_at = now() + interval '1 h'`)
	f.exec(`VACUUM ANALYZE sync.connections`)
	for b.Loop() {
		b.StopTimer()
		f.exec(`UPDATE sync.connections SET next_sync_at = now() - interval '1 s', dispatched_at = NULL WHERE id IN (SELECT 1 + floor(random() * 10000) FROM generate_series(1, 55))`)
		b.StartTimer()
		if n := len(f.due(100, 3*time.Minute)); n == 0 || n > 55 {
			b.Fatal(n)
		}
		b.StopTimer()
		f.exec(`UPDATE sync.connections SET next_sync_at = now() + interval '1 h' WHERE next_sync_at < now()`)
		b.StartTimer()
	}
}

// How the app's calls stand, of 10,000 connections and 31 days.
func BenchmarkUsage(b *testing.B) {
	f := fleet(b, 10_000)
	f.exec(`INSERT INTO sync.api_usage (connection_id, day, calls, metered_calls)
		SELECT c.id, (now() AT TIME ZONE 'UTC')::date - d, 480, 480 FROM sync.connections AS c, generate_series(0, 30) AS d`)
	f.exec(`ANALYZE sync.api_usage`)
	if _, err := f.Usage(f.ctx, books); err != nil { // adds up the days that are over
		b.Fatal(err)
	}
	for b.Loop() {
		if u, err := f.Usage(f.ctx, books); err != nil || u.Week != 480*7*10_000 {
			b.Fatal(u, err)
		}
	}
}

// While ticks are on their way to a slow topic nothing waits for the connections that they are for.
func TestDueLocksNothingWhileItPublishes(t *testing.T) {
	t.Parallel()
	f := fleet(t, 1)
	n, err := f.Due(f.ctx, 10, time.Minute, func(ticks []org.Tick) error {
		ctx, cancel := context.WithTimeout(f.ctx, 10*time.Second)
		defer cancel()
		l, ok, err := f.Acquire(ctx, ticks[0].Connection, org.Schedule, "the tick that is there already", time.Minute)
		if err != nil || !ok {
			t.Errorf("its run does not begin: %t, %v", ok, err)
			return nil
		}
		_, err = f.Abandon(ctx, l)
		return err
	})
	if n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
