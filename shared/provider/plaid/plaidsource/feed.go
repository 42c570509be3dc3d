package plaidsource

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

const (
	maxRestarts = 10               // of a look at changes, within a pull
	firstWait   = time.Second / 2  // before the first restart; each wait is twice the one before
	longestWait = 20 * time.Second // between two of them
	restlessFor = 5 * time.Minute  // until data are looked at again that would not rest
)

// look is one look at the feed of transactions, from a cursor to the last page there is.
type look struct {
	start   string   // the cursor
	settles []int64  // notices that told of it
	reading *reading // it reads all again; nil: it does not
	quiet   bool     // nothing is to be said of webhooks

	// What has come so far.
	pages    int
	changes  int
	nameless bool              // an object told no id
	accounts map[string]string // that were upserted with their transactions, as they were told last
	restarts int
}

// feed stores what has changed since the last look. A cursor that Plaid does not take, or none, means
// that all is read, and what it does not have any more is found.
func (p *pull) feed(_ *family, settles []int64) error {
	c := p.state[transactions]
	l := &look{start: c.Cursor, settles: settles, quiet: incomplete(c.Status)}
	if c.Cursor == "" && p.task.Floor <= engine.Rereading {
		l.reading = c.Reread
	}
	err := p.transactions(l)
	p.fed = err == nil
	return err
}

// transactions looks until a look gets through. The page that is asked for again after the data have
// changed is never the one that failed, but the first.
func (p *pull) transactions(l *look) error {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := p.pages(l)
		switch {
		case plaid.CursorRefused(err) && l.pages == 0 && l.start != "":
			l.start, l.quiet = "", true
			continue
		case !plaid.Mutated(err) && (!plaid.CursorRefused(err) || l.pages == 0):
			return err
		}
		if l.restarts++; l.restarts > maxRestarts {
			return &fault.Error{Kind: fault.Unavailable, After: restlessFor, Err: err, Msg: "the bank's transactions keep changing while they are read"}
		}
		if err := p.Wait(p.ctx, wait); err != nil {
			return err
		}
	}
}

// pages reads from the cursor to the last page. All but the last are parts of what that one ends. The
// next page is asked for while one is being stored.
func (p *pull) pages(l *look) error {
	l.pages, l.changes, l.nameless, l.accounts, p.ours = 0, 0, false, map[string]string{}, false
	defer func() { p.ours = false }()
	ctx, cancel := context.WithCancel(p.ctx)
	fetched := p.fetch(ctx, l.start)
	defer func() { // nothing of this pull goes on after it
		cancel()
		fetched() //nolint:errcheck // it is only waited for
	}()
	for ; ; l.pages++ {
		page, err := fetched()
		switch {
		case err != nil:
			return err
		case page.Next == "" && l.pages == 0:
			return p.unready(l, page)
		case page.Next == "":
			return fault.New(fault.Unavailable, "Plaid broke off in the middle of a bank's transactions")
		case !page.More:
			return p.ended(l, page)
		}
		cursor := page.Next
		fetched = p.fetch(ctx, cursor)
		if err := p.pass(engine.Batch{Records: p.records(l, page), Part: true}); err != nil {
			return err
		}
	}
}

// fetch begins to ask for a page. What it returns waits for the answer, and gives it again when it is
// called again.
func (p *pull) fetch(ctx context.Context, cursor string) func() (plaid.SyncPage, error) {
	var page plaid.SyncPage
	var err error
	var fell any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				fell = fmt.Sprintf("%v\n\n%s", v, debug.Stack())
			}
		}()
		if page, err = p.Item.Sync(ctx, cursor, p.Page); err == nil && page.More && page.Next == cursor {
			err = fault.New(fault.Unavailable, "Plaid gave the same page of a bank's transactions for the next one")
		}
	}()
	return func() (plaid.SyncPage, error) {
		if <-done; fell != nil {
			panic(fell) // where the engine catches it
		}
		return page, err
	}
}

// records are a page's: accounts first, so that no transaction stands without its own, and what is
// gone last. Where all is compared, accounts are left to themselves.
func (p *pull) records(l *look, page plaid.SyncPage) []engine.Record {
	records := make([]engine.Record, 0, len(page.Accounts)+len(page.Added)+len(page.Modified)+len(page.Removed))
	if p.tables[accounts] != nil && l.reading == nil {
		for _, raw := range page.Accounts {
			r := p.record(accounts, raw)
			if last, told := l.accounts[r.ID]; told && last == string(raw) {
				continue // each page tells of its accounts
			}
			l.accounts[r.ID] = string(raw)
			records = append(records, r)
		}
	}
	before := len(records)
	for _, raw := range slices.Concat(page.Added, page.Modified, page.Removed) {
		records = append(records, p.record(transactions, raw))
	}
	moved := records[before:]
	for i := len(moved) - len(page.Removed); i < len(moved); i++ {
		moved[i].Deleted = moved[i].Problem == ""
	}
	l.changes += len(moved)
	l.nameless = l.nameless || nameless(moved)
	return records
}

// unready says that Plaid has nothing yet. What is stored of the cursor stays.
func (p *pull) unready(l *look, page plaid.SyncPage) error {
	b := engine.Batch{Settled: l.settles, Swept: &engine.Swept{}}
	if l.reading != nil {
		b.Swept = nil
	}
	if c := p.state[transactions]; c.Status != page.Status && c.Cursor == "" {
		c.Status = page.Status
		b = p.noted(b, transactions)
	}
	return p.pass(b)
}

// ended ends a look: with the last page, the accounts as they are now, and how far the stream is.
func (p *pull) ended(l *look, page plaid.SyncPage) error {
	b := engine.Batch{Records: p.records(l, page), Settled: l.settles}
	var parts []part
	if l.changes > 0 || l.start == "" {
		var err error
		if parts, err = p.accounts(); err != nil {
			return err
		}
	}
	c := p.state[transactions]
	if l.start == "" {
		var err error
		if b, err = p.swept(b, l, page, ids(parts[0].records)); err != nil {
			return err
		}
	}
	if l.reading == nil {
		b.Swept = p.judged(l)
	} else if !incomplete(page.Status) {
		b = l.reading.end(b, transactions)
		c.Reread = nil
	}
	p.read(c)
	c.Cursor, c.Status = page.Next, page.Status
	if c.Unswept && l.start != "" && !incomplete(page.Status) {
		c.Cursor = "" // now that Plaid has all of it
	}
	b = p.noted(b, transactions)
	if l.reading != nil {
		if err := p.pass(b); err != nil || parts == nil {
			return err
		}
		b, l.accounts = engine.Batch{}, nil
	}
	return p.pass(p.beside(b, l, parts))
}

// swept says what a look that began at the start has found to be gone: nothing as long as Plaid has only
// the last days of the history. Then what is stored already is looked through once Plaid has all of it.
func (p *pull) swept(b engine.Batch, l *look, page plaid.SyncPage, listed []string) (engine.Batch, error) {
	c := p.state[transactions]
	if !incomplete(page.Status) {
		c.Unswept = false
		return p.entire(b, l, listed), nil
	}
	stored, err := p.task.Local.Absent(p.ctx, transactions, "", "", 1)
	c.Unswept = c.Unswept || len(stored) > 0
	return b, err
}

// entire says that a look that began at the start has met all transactions of the accounts that there
// are. Those of accounts that have vanished stay.
func (p *pull) entire(b engine.Batch, l *look, listed []string) engine.Batch {
	if len(listed) > 0 && !l.nameless {
		b.Whole = append(b.Whole, engine.Whole{Stream: transactions, Among: []engine.Among{{Path: "account_id", In: listed}}})
	}
	return b
}

// beside puts the accounts into the batch that ends a look, so that what is in them moves with what
// moved on them, and so that one that goes is seen together with the one that takes its place.
func (p *pull) beside(b engine.Batch, l *look, parts []part) engine.Batch {
	for _, part := range parts {
		c := p.state[part.stream]
		if c == nil {
			continue
		}
		if part.stream == accounts {
			b = p.closed(b, l, part)
		}
		b = part.into(b)
		p.read(c)
		c.Sum = digest(part.records)
		b = p.noted(b, part.stream)
	}
	return b
}

// closed adds that accounts are gone that came with transactions, and that the Item does not list.
func (p *pull) closed(b engine.Batch, l *look, listed part) engine.Batch {
	if !listed.whole || nameless(listed.records) {
		return b
	}
	there := ids(listed.records)
	for id := range l.accounts {
		if id != "" && !slices.Contains(there, id) {
			b.Records = append(b.Records, engine.Record{Stream: accounts, ID: id, Deleted: true})
		}
	}
	return b
}

// promptly is how soon webhooks have come.
const promptly = 5 * time.Minute

// judged says how webhooks have done. What Plaid has read from the bank just now they may yet tell of.
func (p *pull) judged(l *look) *engine.Swept {
	switch {
	case l.quiet, l.start == "", l.changes == 0:
		return &engine.Swept{}
	case len(l.settles) > 0:
		return &engine.Swept{Found: l.changes}
	}
	item, err := p.Item.Get(p.ctx)
	if err != nil {
		p.tried[p.of(items)] = true // not again in this pull
	}
	if err != nil || p.Now().Sub(item.LastUpdate) < promptly {
		return &engine.Swept{}
	}
	return &engine.Swept{Found: l.changes, Missed: l.changes}
}
