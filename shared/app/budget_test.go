package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// scheduleInMemory keeps what the schedule goes by, on a clock that the test moves.
type scheduleInMemory struct {
	mu       sync.Mutex
	now      time.Time
	usage    schedule.Usage
	accounts map[string]bool
	reads    int
	writes   int
	fail     error
	due      func(limit int) ([]org.Tick, error)
}

func newScheduleInMemory() *scheduleInMemory {
	return &scheduleInMemory{now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), accounts: map[string]bool{}}
}

func (m *scheduleInMemory) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *scheduleInMemory) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// failing has every method fail with err; nil: no more.
func (m *scheduleInMemory) failing(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func (m *scheduleInMemory) Usage(_ context.Context, p org.Provider) (schedule.Usage, error) {
	if p != quickbooks.Provider { // whose connections they all are
		return schedule.Usage{}, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	u := m.usage
	u.Now, u.RefusedAccounts = m.now, len(m.accounts)
	return u, m.fail
}

func (m *scheduleInMemory) write(f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.fail == nil {
		f()
	}
	return m.fail
}

func (m *scheduleInMemory) Refused(_ context.Context, _ org.Provider, account string) error {
	return m.write(func() {
		if m.accounts[account] = true; m.usage.RefusedSince.IsZero() {
			m.usage.RefusedSince = m.now
		}
	})
}

func (m *scheduleInMemory) Answered(context.Context, org.Provider) error {
	return m.write(func() {
		clear(m.accounts)
		m.usage.RefusedSince, m.usage.ExhaustedAt, m.usage.ProbeAt = time.Time{}, time.Time{}, time.Time{}
	})
}

func (m *scheduleInMemory) Exhausted(_ context.Context, _ org.Provider, probe time.Time) error {
	return m.write(func() {
		if m.usage.ProbeAt = probe; m.usage.ExhaustedAt.IsZero() {
			m.usage.ExhaustedAt = m.now
		}
	})
}

func (m *scheduleInMemory) Due(_ context.Context, limit int, _ time.Duration, publish func([]org.Tick) error) (int, error) {
	ticks, err := m.due(limit)
	if err == nil && len(ticks) > 0 {
		err = publish(ticks)
	}
	if err != nil {
		return 0, err
	}
	return len(ticks), nil
}

var (
	refusedCall  = quickbooks.Call{Kind: "cdc", Status: http.StatusTooManyRequests}
	answeredCall = quickbooks.Call{Kind: "cdc", Status: http.StatusOK, Metered: true}
	brokenCall   = quickbooks.Call{Kind: "cdc", Status: http.StatusServiceUnavailable}
	company      = org.Connection{Org: "onpoint", Provider: quickbooks.Provider}
)

// allowed counts the connections, of ten that ask, that may do something.
func allowed(t *testing.T, b *budget) (n int) {
	t.Helper()
	for range 10 {
		a, err := b.Allow(t.Context(), company)
		if err != nil {
			t.Fatal(err)
		}
		if a.Floor < engine.Nothing {
			n++
		} else if a.After <= 0 || a.After > schedule.Probe || !strings.Contains(a.Reason, "nothing is read until") {
			t.Fatalf("nothing is allowed: %+v", a)
		}
	}
	return n
}

// TestExhausted is a month whose calls Intuit has used up before we think so.
func TestExhausted(t *testing.T) {
	t.Parallel()
	m := newScheduleInMemory()
	m.usage.Connections, m.usage.Month = 50, 200_000
	one, two := newBudget(m, 500_000, m.clock), newBudget(m, 500_000, m.clock)
	if n, k := allowed(t, one), allowed(t, two); n != 10 || k != 10 {
		t.Errorf("to begin with %d and %d of ten are allowed", n, k)
	}
	for range 5 {
		one.Observe("100")(refusedCall)
		one.Observe("200")(refusedCall)
		two.Observe("300")(refusedCall)
		two.Observe("300")(brokenCall)
		if n, k := allowed(t, one), allowed(t, two); n != 10 || k != 10 {
			t.Errorf("while it may be throttling %d and %d of ten are allowed", n, k)
		}
		m.pass(2 * time.Minute)
	}
	if n, k := allowed(t, one), allowed(t, two); n != 0 || k != 0 {
		t.Errorf("after ten minutes %d and %d of ten are allowed", n, k)
	}
	for hour := range 3 {
		m.pass(time.Hour - time.Minute)
		if n, k := allowed(t, one), allowed(t, two); n != 0 || k != 0 {
			t.Errorf("hour %d: before it is over %d and %d of ten are allowed", hour, n, k)
		}
		m.pass(time.Minute)
		if n, k := allowed(t, one), allowed(t, two); n+k != 1 {
			t.Errorf("hour %d: %d and %d of ten find out whether calls are answered, want one", hour, n, k)
		}
		one.Observe("100")(refusedCall)
	}
	m.pass(time.Hour)
	if n := allowed(t, two); n != 1 {
		t.Errorf("%d of ten find out whether calls are answered, want one", n)
	}
	two.Observe("100")(answeredCall)
	m.pass(usageLasts)
	if n, k := allowed(t, one), allowed(t, two); n != 10 || k != 10 {
		t.Errorf("after an answer %d and %d of ten are allowed", n, k)
	}
}

// TestThrottlingIsNotExhaustion: one company that is refused for long says nothing of the others,
// whichever process they are answered by.
func TestThrottlingIsNotExhaustion(t *testing.T) {
	t.Parallel()
	m := newScheduleInMemory()
	m.usage.Connections = 50
	busy, idle := newBudget(m, 500_000, m.clock), newBudget(m, 500_000, m.clock)
	for minute := range 30 {
		for realm := range 4 {
			busy.Observe(fmt.Sprint(realm))(refusedCall)
		}
		idle.Observe("900")(answeredCall) // in a long run that asks for no allowance
		if n := allowed(t, busy); n != 10 {
			t.Fatalf("minute %d: %d of ten are allowed", minute, n)
		}
		m.pass(time.Minute)
	}
}

// TestObserveWritesNothing: ordinary answers cost no write, and a look every half minute.
func TestObserveWritesNothing(t *testing.T) {
	t.Parallel()
	m := newScheduleInMemory()
	b := newBudget(m, 500_000, m.clock)
	for range 600 {
		b.Observe("100")(answeredCall)
		b.Observe("100")(brokenCall)
		m.pass(100 * time.Millisecond)
	}
	if m.writes != 0 || m.reads != 2 {
		t.Errorf("%d writes and %d reads in a minute, want 0 and 2", m.writes, m.reads)
	}
	b.Observe("100")(refusedCall)
	for range 100 {
		b.Observe("100")(answeredCall)
	}
	if m.writes != 2 {
		t.Errorf("%d writes for a refusal and the answers after it, want 2", m.writes)
	}
}

// TestWhatCannotBeNoted is noted with the next call.
func TestWhatCannotBeNoted(t *testing.T) {
	t.Parallel()
	m := newScheduleInMemory()
	b := newBudget(m, 500_000, m.clock)
	m.failing(fault.New(fault.Unavailable, "away"))
	if _, err := b.Allow(t.Context(), company); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, want that the database is away", err)
	}
	b.Observe("100")(refusedCall)
	m.failing(nil)
	b.Observe("100")(refusedCall)
	if len(m.accounts) != 1 {
		t.Error("the refusal is not noted")
	}
	m.failing(fault.New(fault.Unavailable, "away"))
	b.Observe("100")(answeredCall)
	m.failing(nil)
	b.Observe("100")(answeredCall)
	if len(m.accounts) != 0 {
		t.Error("the answer is not noted")
	}
}

func TestBudgetOfOthers(t *testing.T) {
	t.Parallel()
	m := newScheduleInMemory()
	m.usage.Month = 500_000
	b := newBudget(m, 500_000, m.clock)
	if a, err := b.Allow(t.Context(), org.Connection{Provider: "plaid"}); err != nil || a != (engine.Allowance{}) || m.reads != 0 {
		t.Errorf("another provider: %+v, %v", a, err)
	}
	if a, err := newBudget(m, 0, m.clock).Allow(t.Context(), company); err != nil || a != (engine.Allowance{}) {
		t.Errorf("no budget: %+v, %v", a, err)
	}
	if n := allowed(t, b); n != 0 {
		t.Errorf("used up: %d of ten are allowed", n)
	}
	b.rhythm.Base = time.Minute
	if p := b.Pace(engine.Pace{}, engine.Swept{Found: 1}, engine.Allowance{}); p.Every != 2*time.Minute || !p.Proven.Equal(m.now) {
		t.Errorf("pace %+v", p)
	}
}
