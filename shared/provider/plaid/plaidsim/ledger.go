package plaidsim

import (
	"cmp"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// ledger holds an Item's transactions and the log of their changes. Number seq of the log is its
// entry seq-1; a cursor is a number of the log.
type ledger struct {
	stage stage
	all   []*txn // in the order of their coming
	byID  map[string]*txn
	log   []entry
}

// entry says that something became of a transaction. Only the last one of each counts.
type entry struct {
	t       *txn
	newPage bool // a page of sync ends before it
}

// txn is a transaction. What it says is a function of the login and n, unless it was made or changed.
type txn struct {
	id      string
	account *account
	n       int     // in the login's history; -1: made later
	own     *detail // of one made later
	changed obj     // of one that was modified: all of it
	date    string  // YYYY-MM-DD
	pending bool
	dead    bool
	added   int // number in the log with which it came; 0: Plaid does not have it yet
	last    int // number in the log of what became of it last
}

// live: it is what a sync from the start tells of.
func (t *txn) live() bool { return t.added > 0 && !t.dead && !t.account.gone && !t.account.offered }

// head is the number of the newest entry.
func (l *ledger) head() int { return len(l.log) }

// note enters that something became of a transaction.
func (l *ledger) note(t *txn, newPage bool) {
	l.log = append(l.log, entry{t, newPage})
	t.last = len(l.log)
	if t.added == 0 {
		t.added = t.last
	}
}

// put enters a transaction that came.
func (l *ledger) put(t *txn, newPage bool) {
	l.all = append(l.all, t)
	l.byID[t.id] = t
	l.note(t, newPage)
}

// makeLedger makes the history of a new Item; Plaid has none of it yet.
func (it *Item) makeLedger() {
	total := it.login.spec.Transactions
	it.ledger = ledger{all: make([]*txn, 0, total), byID: make(map[string]*txn, total)}
	var covered []*account
	for _, a := range it.accounts {
		if a.spec.hasTransactions() {
			covered = append(covered, a)
		}
	}
	if len(covered) == 0 {
		return
	}
	g := it.past
	seed := chance.Seed(it.seed, "transaction")
	for n := range total {
		t := &txn{id: it.historyID(seed, n), account: covered[g.account(n, len(covered))], n: n, date: g.date(n), pending: g.pending(n)}
		it.ledger.all = append(it.ledger.all, t)
		it.ledger.byID[t.id] = t
	}
}

// historyID: one in fifty differs from its neighbour in nothing but upper and lower case.
func (it *Item) historyID(seed uint64, n int) string {
	if n%50 == 49 {
		return swapCase(id(seed, n-1))
	}
	return id(seed, n)
}

func swapCase(t string) string {
	b := []byte(t)
	for i, c := range b {
		if c > '9' {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// covered are the accounts that can get a transaction.
func (it *Item) covered() []*account {
	var out []*account
	for _, a := range it.accounts {
		if a.spec.hasTransactions() && !a.gone && !a.offered {
			out = append(out, a)
		}
	}
	return out
}

// pull brings the Item to a stage: Plaid has more of its history, back to a day.
func (l *ledger) pull(it *Item, to stage, since string) {
	for _, t := range l.all {
		if t.added == 0 && !t.dead && t.date >= since {
			l.note(t, false)
			it.news.added++
		}
	}
	l.stage = max(l.stage, to)
}

// between gives what is live in a span of days, both included: the newest first.
func (l *ledger) between(from, to string, accounts []*account) []*txn {
	var out []*txn
	for _, t := range l.all {
		if t.live() && t.date >= from && t.date <= to && slices.Contains(accounts, t.account) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *txn) int { return cmp.Or(cmp.Compare(b.date, a.date), cmp.Compare(a.id, b.id)) })
	return out
}

// news is what the bank told since a webhook was sent last.
type news struct {
	added, modified int
	removed         []string
}

// flush tells of the news, unless more is coming.
func (it *Item) flush() {
	n := it.news
	if it.holding > 0 || n.added+n.modified+len(n.removed) == 0 {
		return
	}
	it.news = news{}
	if it.ledger.stage == notReady || !it.has("transactions") {
		return
	}
	it.updated = it.s.cfg.Now()
	if it.synced {
		it.tellSync()
	}
	if n.added > 0 {
		it.s.tell(it, "TRANSACTIONS", "DEFAULT_UPDATE", obj{"error": nil, "new_transactions": n.added})
	}
	if len(n.removed) > 0 {
		it.s.tell(it, "TRANSACTIONS", "TRANSACTIONS_REMOVED", obj{"error": nil, "removed_transactions": n.removed})
	}
}

func (it *Item) tellSync() {
	it.s.tell(it, "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", obj{"initial_update_complete": it.ledger.stage >= initial,
		"historical_update_complete": it.ledger.stage == historical})
}

// has tells whether a product is on the Item.
func (it *Item) has(product string) bool { return slices.Contains(it.products, product) }

// advance takes the Item one stage on and tells of it.
func (it *Item) advance(to stage) {
	for it.ledger.stage < to {
		code, days := "INITIAL_UPDATE", min(30, it.days)
		if it.ledger.stage == initial {
			code, days = "HISTORICAL_UPDATE", it.days
		}
		it.must(change{Do: "pull", N: int(it.ledger.stage + 1), Other: it.made.UTC().AddDate(0, 0, -days).Format(time.DateOnly)})
		it.s.tell(it, "TRANSACTIONS", code, obj{"error": nil, "new_transactions": it.news.added})
		it.news = news{}
		it.updated = it.s.cfg.Now()
		if it.synced {
			it.tellSync()
		}
	}
}

// Advance takes the Item's history one stage on, from not ready to the last 30 days to all of it, as
// time does at Plaid. False: all was there.
func (it *Item) Advance() bool {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	if it.ledger.stage == historical {
		return false
	}
	it.advance(it.ledger.stage + 1)
	return true
}
