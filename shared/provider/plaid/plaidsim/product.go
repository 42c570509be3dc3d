package plaidsim

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// productData is what an Item has beside accounts and transactions.
type productData struct {
	securities []obj // in the order of their coming; what refers to one has its place here
	former     []obj // securities under ids that they had before
	goods      map[int]*goods
	issued     []issued
}

// goods is what belongs to one account, whatever its id is: nothing in them names it.
type goods struct {
	liability  obj // nil: none
	holdings   []position
	trades     []position
	statements []obj
	streams    []*flow
}

// position is a holding or an investment transaction.
type position struct {
	security int // place; -1: none
	row      obj
}

// issued is a card's statement as it could be read last.
type issued struct {
	account, date string
	row           obj
}

// makeProducts makes the product data of a new Item, once its accounts are there. It depends on it.seed,
// it.made and it.accounts only, because Load makes it again.
func (it *Item) makeProducts() {
	it.more = productData{securities: it.makeSecurities(), goods: map[int]*goods{}}
	it.noteStatements()
}

// goods gives what belongs to an account. That of one that is opened later is made when it is asked for
// first, and is the same whenever that is.
func (it *Item) goods(a *account) *goods {
	if g := it.more.goods[a.n]; g != nil {
		return g
	}
	r := draw(chance.Seed(it.seed, "goods"), a.n)
	g := &goods{liability: it.makeLiability(a, &r)}
	if a.invests() {
		it.makeHoldings(a, &r, g)
	}
	if a.hasStatements() {
		g.statements = it.makeStatements(a)
	}
	if a.spec.hasTransactions() {
		g.streams = it.makeFlows(a, &r)
	}
	it.more.goods[a.n] = g
	return g
}

// noteStatements keeps what the cards' statements say now: Plaid shows the newest one only.
func (it *Item) noteStatements() {
	for _, row := range it.owed(creditStream, it.live()) {
		date, ok := row["last_statement_issue_date"].(string)
		if !ok {
			continue
		}
		now := issued{row["account_id"].(string), date, row}
		at := slices.IndexFunc(it.more.issued, func(old issued) bool { return old.account == now.account && old.date == now.date })
		if at < 0 {
			it.more.issued = append(it.more.issued, now)
		} else {
			it.more.issued[at] = now
		}
	}
}

// productStream is the truth about a stream of product data; ok is false when it is none of them.
// credit_statements has those that could be read at one time or another, securities those too that
// have another id now.
func (it *Item) productStream(stream string) (all []rendered, ok bool) {
	rows, ok := it.productRows(stream)
	for _, row := range rows {
		all = append(all, render(row))
	}
	return all, ok
}

func (it *Item) productRows(stream string) (all []obj, ok bool) {
	live := it.live()
	switch stream {
	case "recurring_inflows":
		return it.flows(live, true), true
	case "recurring_outflows":
		return it.flows(live, false), true
	case creditStream, studentStream, mortgageStream:
		return it.owed(stream, live), true
	case statementStream:
		it.noteStatements()
		for _, i := range it.more.issued {
			all = append(all, i.row)
		}
		return all, true
	case "securities":
		return append(it.securitiesOf(append(it.allHoldings(), it.allTrades()...)), it.more.former...), true
	case "holdings":
		return it.allHoldings(), true
	case "investment_transactions":
		return it.allTrades(), true
	case "statement_accounts":
		return it.statementAccounts(), true
	}
	return nil, false
}

var (
	errWrongAccount = errors.New("the account is of another kind")
	errNoDecimal    = errors.New("an amount must be decimal text")
)

// with gives a copy of an object in which a member has another value.
func with(in obj, pairs ...any) obj {
	out := maps.Clone(in)
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// holder gives a live account that has a kind of goods.
func (it *Item) holder(accountID string, has func(*account) bool) (*account, error) {
	a := it.account(accountID)
	switch {
	case a == nil:
		return nil, errNoAccount
	case !has(a):
		return nil, errWrongAccount
	}
	return a, nil
}

// details reads what a change says of itself.
func details[T any](c change) (T, error) {
	var out T
	err := json.Unmarshal([]byte(c.Body), &out)
	return out, err
}

// editProducts makes a change and tells of it.
func (it *Item) editProducts(c change, tell func(made string)) (string, error) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	made, err := it.change(c)
	if err == nil {
		tell(made)
	}
	return made, err
}

// changeProducts carries out a change of product data that it.change recorded.
func (it *Item) changeProducts(c change) (string, error) {
	it.noteStatements()
	defer it.noteStatements()
	switch c.Do {
	case "next statement":
		return it.nextStatement(c)
	case "pay card":
		return "", it.payCard(c)
	case "add statement":
		return it.addStatement(c)
	case "add security":
		return it.addSecurity(c)
	case "price":
		return "", it.price(c)
	case "rekey security":
		return it.rekeySecurity(c)
	case "trade":
		return it.trade(c)
	case "cancel trade":
		return it.cancelTrade(c)
	case "add recurring":
		return it.addRecurring(c)
	case "recur":
		return "", it.recur(c)
	case "end recurring":
		return "", it.endRecurring(c)
	case "drop recurring":
		return "", it.dropRecurring(c)
	}
	return "", errNoChange
}
