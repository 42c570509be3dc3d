package app

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// RhythmConfig is how often changes are looked for.
type RhythmConfig struct {
	Interval     time.Duration `env:"SYNC_INTERVAL" envDefault:"3m" help:"how often changes are looked for where webhooks do not tell of all"`
	AfterWebhook time.Duration `env:"SYNC_AFTER_WEBHOOK" envDefault:"30m" help:"how long after a webhook they are looked for at the latest: no webhook tells of the balances that follow from a change"`
}

// Validate implements config.Validator.
func (c RhythmConfig) Validate() error {
	var errs []error
	if c.Interval < 10*time.Second || c.Interval > schedule.Longest {
		errs = append(errs, errors.New("SYNC_INTERVAL: want 10s to 4h"))
	}
	if c.AfterWebhook < 0 {
		errs = append(errs, errors.New("SYNC_AFTER_WEBHOOK: want 0s or more"))
	}
	return errors.Join(errs...)
}

// BudgetConfig is how much may be asked of providers.
type BudgetConfig struct {
	QuickBooks int `env:"QUICKBOOKS_MONTHLY_CALLS" envDefault:"500000" help:"metered calls that a month of Intuit's tier includes; 0: no budget"`
}

// Validate implements config.Validator.
func (c BudgetConfig) Validate() error {
	if c.QuickBooks < 0 {
		return errors.New("QUICKBOOKS_MONTHLY_CALLS: want 0 or more")
	}
	return nil
}

const (
	// usageLasts is how old what a process knows of the calls may be.
	usageLasts = 30 * time.Second
	// noteLimit is how long a call waits until it is noted that it was refused, or answered again.
	noteLimit = 5 * time.Second
)

// budget says what the month's calls of QuickBooks leave to be done: one for each process, safe for
// concurrent use.
type budget struct {
	store  schedule.Store
	calls  schedule.Budget
	rhythm schedule.Rhythm // zero: that of package schedule
	now    func() time.Time

	mu     sync.Mutex
	usage  schedule.Usage
	looked time.Time // when usage was looked up, by now; zero: never
}

// newBudget returns a budget of so many metered calls a month; 0: as many as there are. It makes no call.
func newBudget(s schedule.Store, monthly int, now func() time.Time) *budget {
	return &budget{store: s, calls: schedule.Budget{Calls: monthly, Of: "QuickBooks"}, now: now}
}

// Pace implements engine.Engine.Pace.
func (b *budget) Pace(p engine.Pace, s engine.Swept, a engine.Allowance) engine.Pace {
	return b.rhythm.Next(p, s, a, b.now())
}

// Allow implements engine.Allow.
func (b *budget) Allow(ctx context.Context, c org.Connection) (engine.Allowance, error) {
	if c.Provider != quickbooks.Provider {
		return engine.Allowance{}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.look(ctx, usageLasts); err != nil {
		return engine.Allowance{}, err
	}
	if !b.turning() {
		return schedule.Allow(b.usage, b.calls, b.clock()), nil
	}
	if err := b.look(ctx, 0); err != nil { // another process may have been faster
		return engine.Allowance{}, err
	}
	if !b.turning() {
		return schedule.Allow(b.usage, b.calls, b.clock()), nil
	}
	return b.turn(ctx)
}

// turning reports whether the month's calls have just been found to be used up, or whether it is time
// to find out if they still are.
func (b *budget) turning() bool {
	if b.usage.ExhaustedAt.IsZero() {
		return schedule.Exhausted(b.usage, b.calls, b.clock())
	}
	return !b.clock().Before(b.usage.ProbeAt)
}

// turn notes that the month's calls are used up, or lets this one connection find out whether they
// still are: by doing what it would do if they were not. All others go on waiting.
func (b *budget) turn(ctx context.Context) (engine.Allowance, error) {
	now := b.clock()
	probe := now.Add(schedule.Probe)
	if err := b.store.Exhausted(ctx, quickbooks.Provider, probe); err != nil {
		return engine.Allowance{}, err
	}
	b.usage.ProbeAt = probe
	if b.usage.ExhaustedAt.IsZero() {
		b.usage.ExhaustedAt = now
		return schedule.Allow(b.usage, b.calls, now), nil
	}
	ours := b.usage
	ours.ExhaustedAt = time.Time{}
	return schedule.Allow(ours, b.calls, now), nil
}

// Observe returns what is told of every answer to the calls of an account. Only a refusal, and the
// first answer after one, are written down.
func (b *budget) Observe(account string) func(quickbooks.Call) {
	return func(c quickbooks.Call) {
		switch {
		case c.Status == http.StatusTooManyRequests:
			b.refused(account)
		case c.Metered:
			b.answered()
		}
	}
}

// refused notes a refusal. What cannot be noted now is noted with the next one: a provider that has
// had enough refuses more than once.
func (b *budget) refused(account string) {
	ctx, cancel := context.WithTimeout(context.Background(), noteLimit)
	defer cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.store.Refused(ctx, quickbooks.Provider, account) == nil && b.usage.RefusedSince.IsZero() {
		b.usage.RefusedSince = b.clock()
	}
}

// answered notes that calls are answered again, if they were refused here or elsewhere. A run may be
// long, so what others have noted is looked up now and then. When that fails the next answer tries again.
func (b *budget) answered() {
	ctx, cancel := context.WithTimeout(context.Background(), noteLimit)
	defer cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.look(ctx, usageLasts) != nil || b.usage.RefusedSince.IsZero() && b.usage.ExhaustedAt.IsZero() {
		return
	}
	if b.store.Answered(ctx, quickbooks.Provider) == nil {
		b.usage.RefusedSince, b.usage.RefusedAccounts = time.Time{}, 0
		b.usage.ExhaustedAt, b.usage.ProbeAt = time.Time{}, time.Time{}
	}
}

// look looks up the usage, unless it was within the time given.
func (b *budget) look(ctx context.Context, within time.Duration) error {
	now := b.now()
	if !b.looked.IsZero() && now.Sub(b.looked) < within {
		return nil
	}
	u, err := b.store.Usage(ctx, quickbooks.Provider)
	if err != nil {
		return err
	}
	b.usage, b.looked = u, now
	return nil
}

// clock is the database's: what is noted is noted by it.
func (b *budget) clock() time.Time { return b.usage.Now.Add(b.now().Sub(b.looked)) }
