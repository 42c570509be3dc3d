package plaidsim

import (
	"encoding/base64"
	"encoding/json"
)

// cursor is a place in an Item's log. Outside it is opaque.
type cursor struct {
	Item    string `json:"i"`
	Account string `json:"a,omitempty"` // of the stream of one account
	Start   int    `json:"s"`           // where the run began: what came later is new to the caller
	At      int    `json:"n"`           // how far it has read
	Head    int    `json:"h"`           // how long the log was when the run began
	Page    int    `json:"p"`           // pages of the run so far; 0: between runs
}

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and ids
	}
	return base64.StdEncoding.EncodeToString(b)
}

// readCursor reads a cursor that a call for an Item, or one of its accounts, sent.
func (q *query) readCursor() (cursor, *refusal) {
	sent, account := q.text("cursor"), q.text("options.account_id")
	head := q.item.ledger.head()
	switch {
	case len(sent) > 256:
		return cursor{}, badField("cursor must be at most 256 characters long")
	case sent == "":
		return cursor{Item: q.item.id, Account: account}, nil
	case sent == "now":
		return cursor{Item: q.item.id, Account: account, Start: head, At: head}, nil
	}
	var c cursor
	raw, err := base64.StdEncoding.DecodeString(sent)
	if err != nil || json.Unmarshal(raw, &c) != nil || c.At < 0 || c.At > head {
		return cursor{}, badField("cursor is invalid")
	}
	if c.Item != q.item.id || c.Account != account {
		return cursor{}, badField("cursor not associated with access_token")
	}
	return c, nil
}

// sync answers /transactions/sync: the net effect of what happened after the cursor.
func (s *Server) sync(q *query) (any, *refusal) {
	if id := q.text("options.account_id"); id != "" && q.item.account(id) == nil {
		return nil, failure("INVALID_ACCOUNT_ID")
	}
	c, refused := q.readCursor()
	if refused != nil {
		return nil, refused
	}
	if c.Page == 0 && !s.ready(q.item) {
		return syncAnswer("NOT_READY", nil, page{}, "", false), nil
	}
	q.grow(c.Page + 1)
	if c, refused = q.begin(c); refused != nil {
		return nil, refused
	}
	return q.answer(c), nil
}

// answer tells of the next page of a run.
func (q *query) answer(c cursor) obj {
	p := q.item.ledger.read(c, q.item, q.whole("count", 100), q.flag("options.include_original_description"))
	c.At, c.Page = p.at, c.Page+1
	if !p.more {
		c = cursor{Item: c.Item, Account: c.Account, Start: c.Head, At: c.Head}
	}
	status := q.item.ledger.stage.String()
	if !p.more && q.item.ledger.stage == initial {
		defer q.item.advance(historical) // the next run finds the rest
	}
	return syncAnswer(status, p.accounts, p, c.String(), p.more)
}

// String is the stage as transactions_update_status.
func (s stage) String() string {
	return [...]string{"NOT_READY", "INITIAL_UPDATE_COMPLETE", "HISTORICAL_UPDATE_COMPLETE"}[s]
}

// begin starts a run, or sees that the data are those with which it started.
func (q *query) begin(c cursor) (cursor, *refusal) {
	head := q.item.ledger.head()
	if c.Page > 0 && c.Head != head {
		return cursor{}, failure("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")
	}
	c.Head = head
	return c, nil
}

// ready counts a call of an Item of which Plaid has nothing yet. After the last of those that are
// answered NOT_READY the newest month is there.
func (s *Server) ready(it *Item) bool {
	it.synced = true
	if it.ledger.stage != notReady {
		return true
	}
	if it.asked++; it.asked >= s.cfg.NotReadyCalls {
		it.advance(initial)
	}
	return false
}

// grow asks the test whether the data change before this page.
func (q *query) grow(page int) {
	if q.s.mutate == nil {
		return
	}
	mutate, change := q.s.mutate, false
	q.s.unlocked(func() { change = mutate(q.item.id, page) })
	if change {
		q.item.mutate()
	}
}

// mutate changes some transaction of the Item.
func (it *Item) mutate() {
	if _, err := it.change(change{Do: "touch", N: len(it.tape)}); err == nil {
		it.flush()
	}
}

func syncAnswer(status string, accounts []*account, p page, next string, more bool) obj {
	return obj{"transactions_update_status": status, "accounts": printAccounts(accounts), "added": p.added, "modified": p.modified,
		"removed": p.removed, "next_cursor": next, "has_more": more}
}

// page is what one answer tells.
type page struct {
	added, modified []printed
	removed         []obj
	accounts        []*account // those of its transactions
	at              int        // how far it has read
	more            bool
}

// printed prints a transaction straight into the answer.
type printed struct {
	t        *txn
	of       history
	original bool
}

// append prints the transaction where it stands. What is printed at the margin first is indented after.
func (p printed) append(b []byte, depth int) []byte {
	start := len(b)
	b = p.t.append(b, p.of, p.original)
	return indent(b, start, depth)
}

// read makes a page from the log: at most count updates, in the order of their last change.
func (l *ledger) read(c cursor, it *Item, count int, original bool) page {
	p := page{at: c.At}
	n := 0
	for seq := c.At + 1; seq <= c.Head; seq++ {
		e := l.log[seq-1]
		if !c.tells(e.t, seq) {
			p.at = seq
			continue
		}
		if n == count || e.newPage && n > 0 {
			p.more = true
			return p
		}
		p.take(e.t, c.Start, printed{e.t, it.past, original})
		p.at = seq
		n++
	}
	return p
}

// tells: what is between the run's start and its head says something of a transaction in its last
// entry alone, and of one that came and went meanwhile nothing at all.
func (c cursor) tells(t *txn, seq int) bool {
	switch {
	case t.last != seq, c.Account != "" && t.account.id != c.Account:
		return false
	case t.dead:
		return t.added <= c.Start
	}
	return !t.account.gone && !t.account.offered
}

func (p *page) take(t *txn, start int, as printed) {
	p.touch(t.account)
	switch {
	case t.dead:
		p.removed = append(p.removed, obj{"transaction_id": t.id, "account_id": t.account.id})
	case t.added > start:
		p.added = append(p.added, as)
	default:
		p.modified = append(p.modified, as)
	}
}

// touch lists an account that the Item has.
func (p *page) touch(a *account) {
	for _, has := range p.accounts {
		if has == a {
			return
		}
	}
	if !a.gone {
		p.accounts = append(p.accounts, a)
	}
}
