package plaidsource

import (
	"crypto/sha256"
	"hash"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// window is how many months of investment transactions Plaid keeps.
const window = 24

// ledger is one reading of the investment transactions, by positions that move when one is added. So
// each page begins with the last one of the page before, and when another stands there, or their
// number has changed, it is read from the start.
type ledger struct {
	plaid.Range
	sum      hash.Hash
	total    int
	last     string // the last one that was read, as it came
	read     int
	nameless bool
	page     func([]engine.Record, bool) error // takes a page, and whether it is the first; nil: they are only read
}

// maxMoves is how often a reading is begun again within a pull.
const maxMoves = 5

var errMoved = fault.New(fault.Unavailable, "the bank's investment transactions keep moving while they are read")

// trades reads all investment transactions of the window. They are compared with what is stored when
// that was asked for: read once to see whether they have changed since they were stored, and stored
// if so.
func (p *pull) trades(_ *family, settles []int64) error {
	c := p.state[trades]
	r := c.Reread
	if p.task.Floor > engine.Rereading {
		r = nil
	}
	if r != nil {
		l, err := p.ledger(nil)
		if err != nil {
			return err
		}
		if summed(l.sum) == c.Sum {
			return p.keep(r, settles)
		}
		if err := p.keep(nil, nil); err != nil {
			return err
		}
	}
	return p.keep(r, settles)
}

// keep reads and stores all, as a unit, or compares it.
func (p *pull) keep(r *reading, settles []int64) error {
	var held []engine.Record // the page before: the last one ends the unit
	defer func() { p.ours = false }()
	l, err := p.ledger(func(records []engine.Record, first bool) error {
		if first {
			held, p.ours = nil, false
		}
		if err := p.pass(engine.Batch{Records: p.only(r, held), Part: true}); err != nil {
			return err
		}
		held = records
		return nil
	})
	if err != nil {
		return err
	}
	listed, err := p.Item.Accounts(p.ctx)
	if err != nil {
		return err
	}
	p.doubt = p.doubt || listed.Trouble != nil
	b := engine.Batch{Records: p.only(r, held), Settled: settles}
	if open := ids(p.list(accounts, listed.Accounts, true).records); len(open) > 0 && !l.nameless {
		b.Whole = []engine.Whole{{Stream: trades, Among: []engine.Among{{Path: "date", From: l.From}, {Path: "account_id", In: open}}}}
	}
	c := p.state[trades]
	p.read(c)
	if c.Sum = summed(l.sum); r != nil {
		c.Reread = nil
		b = r.end(b, trades)
	}
	return p.pass(p.noted(b, trades))
}

// only leaves the securities out of what is compared: nobody has asked for them.
func (p *pull) only(r *reading, records []engine.Record) []engine.Record {
	if r == nil {
		return records
	}
	var some []engine.Record
	for _, rec := range records {
		if rec.Stream == trades {
			some = append(some, rec)
		}
	}
	return some
}

// ledger reads to the end, from the start again where what was read has moved.
func (p *pull) ledger(page func([]engine.Record, bool) error) (*ledger, error) {
	today := p.Now().UTC()
	for moves := 0; moves <= maxMoves; moves++ {
		l := &ledger{sum: sha256.New(), page: page, Range: plaid.Range{
			From: today.AddDate(0, -window, 0).Format(time.DateOnly), To: today.Format(time.DateOnly), Count: max(p.Page, 2),
		}}
		moved, err := p.through(l)
		if err != nil || !moved {
			return l, err
		}
		if err := p.Wait(p.ctx, firstWait<<moves); err != nil {
			return nil, err
		}
	}
	return nil, errMoved
}

// through reads page by page.
func (p *pull) through(l *ledger) (moved bool, err error) {
	for {
		l.Offset = max(l.read-1, 0)
		page, err := p.Item.InvestmentTransactions(p.ctx, l.Range)
		if err != nil {
			return false, err
		}
		if l.read > 0 && (page.Total != l.total || len(page.Transactions) == 0 || string(page.Transactions[0]) != l.last) {
			return true, nil
		}
		if l.total = page.Total; l.read > 0 {
			page.Transactions = page.Transactions[1:]
		}
		if err := p.enter(l, page); err != nil {
			return false, err
		}
		if l.read >= l.total {
			return false, nil
		}
		if len(page.Transactions) == 0 {
			return true, nil
		}
	}
}

// enter takes a page in: securities first, so that no transaction stands without its own.
func (p *pull) enter(l *ledger, page plaid.InvestmentPage) error {
	first := l.read == 0
	l.read += len(page.Transactions)
	for _, raw := range page.Transactions {
		mix(l.sum, raw)
		l.last = string(raw)
	}
	records := p.list(trades, page.Transactions, true).records
	l.nameless = l.nameless || nameless(records)
	if l.page == nil {
		return nil
	}
	return l.page(append(p.list(securities, page.Securities, false).records, records...), first)
}
