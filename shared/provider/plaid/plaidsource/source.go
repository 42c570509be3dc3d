// Package plaidsource makes a Plaid Item an engine.Source.
//
// Transactions come by Plaid's feed of changes. All pages of one look at it are a unit: they hold only
// together, up to the cursor that the last one names, and when the bank's data change meanwhile the
// look begins again. Everything else is read whole, by a timer or when a webhook tells of it, in
// families: the streams that one call serves.
//
// A product that the Item does not have is never asked for: that would begin its billing. An add-on to
// one that it has is, where the options name it: no list of products ever does.
package plaidsource

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// The streams, as package plaid's catalog names them.
const (
	items            = "items"
	institutions     = "institutions"
	accounts         = "accounts"
	balances         = "balances"
	transactions     = "transactions"
	inflows          = "recurring_inflows"
	outflows         = "recurring_outflows"
	creditCards      = "credit_liabilities"
	creditStatements = "credit_statements"
	studentLoans     = "student_loans"
	mortgages        = "mortgages"
	securities       = "securities"
	holdings         = "holdings"
	trades           = "investment_transactions"
	statements       = "statement_accounts"
)

// recurring is the add-on to Transactions, as Plaid names it.
const recurring = "recurring_transactions"

// Options makes a Source. All but Meter, AddOns, Page and Wait are required.
type Options struct {
	Client    *plaid.Client // asks for what belongs to no Item: the bank
	Item      *plaid.Item
	Meter     *Meter          // the client's Observe
	Tables    []catalog.Table // of the catalog, that of items among them
	Now       func() time.Time
	Countries []string // where the bank may be, such as US

	// AddOns are those that are paid for, such as recurring_transactions: Plaid bills each from its first call on.
	AddOns []string

	Page int                                        // transactions asked for at once; 0: 500, the most there is
	Wait func(context.Context, time.Duration) error // before a look at changes begins again; nil: really waits
}

// Source reads one Item. It serves one Pull at a time.
type Source struct {
	Options
	tables   map[string]*catalog.Table
	names    []string
	families []*family
	advice   string
}

// New returns the source of an Item.
func New(o Options) *Source {
	s := &Source{Options: o, tables: map[string]*catalog.Table{}}
	if s.Meter == nil {
		s.Meter = new(Meter)
	}
	if s.Page == 0 {
		s.Page = plaid.MaxPage
	}
	if s.Wait == nil {
		s.Wait = wait
	}
	for i := range o.Tables {
		t := &o.Tables[i]
		s.tables[t.Stream] = t
		s.names = append(s.names, t.Stream)
	}
	for _, f := range everything() {
		if f.streams = s.declared(f.streams); len(f.streams) > 0 {
			s.families = append(s.families, f)
		}
	}
	return s
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// declared returns those of some streams that have a table.
func (s *Source) declared(streams []string) (some []string) {
	for _, name := range streams {
		if s.tables[name] != nil {
			some = append(some, name)
		}
	}
	return some
}

// Streams names the Item's streams in the order in which they are loaded.
func (s *Source) Streams() []string { return s.names }

// Usage returns the calls made since it was last asked. No call to Plaid counts against a month's quota.
func (s *Source) Usage() engine.Usage { return engine.Usage{Calls: int(s.Meter.calls.Swap(0))} }

// Advice says, after Pull, what the customer should do soon although all works.
func (s *Source) Advice() string { return s.advice }

// Pull implements engine.Source.
//
// The Item comes first where nothing is known of it, then what notices name. When the task is to sweep,
// the feed of transactions follows, then families that were never read or whose time has come, and
// what is to be read again. An idle sweep is one call.
//
// When the Item needs a new login, Pull ends with that failure after what there is has been stored.
func (s *Source) Pull(ctx context.Context, t engine.Task) iter.Seq2[engine.Batch, error] {
	return func(yield func(engine.Batch, error) bool) {
		p := &pull{Source: s, ctx: ctx, task: t, yield: yield, state: map[string]*checkpoint{}}
		err := p.run()
		s.advice = p.advise()
		if err != nil && !errors.Is(err, errEnough) {
			yield(engine.Batch{}, err)
		}
	}
}

// Meter counts a client's calls: its Observe method is the client's.
type Meter struct{ calls atomic.Int64 }

// Observe counts one answer.
func (m *Meter) Observe(plaid.Call) { m.calls.Add(1) }

var (
	_ engine.Rereader = (*Source)(nil)
	_ engine.Adviser  = (*Source)(nil)
)
