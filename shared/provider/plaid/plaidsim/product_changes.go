package plaidsim

import (
	"errors"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// What people do with cards and securities while a test or the demo runs. Each change sends the webhooks
// that Plaid sends.

// NextStatement has a card's next statement issued, a month after the last one, and gives its day.
func (it *Item) NextStatement(accountID string) (string, error) {
	return it.editProducts(change{Do: "next statement", ID: accountID}, func(string) {
		it.tellLiability(accountID, "last_statement_issue_date", "last_statement_balance", "minimum_payment_amount", "next_payment_due_date")
	})
}

func (it *Item) nextStatement(c change) (string, error) {
	a, err := it.holder(c.ID, (*account).isCard)
	if err != nil {
		return "", err
	}
	g := it.goods(a)
	issue := c.At
	if last, ok := g.liability["last_statement_issue_date"].(string); ok {
		day, err := time.Parse(time.DateOnly, last)
		if err != nil {
			return "", err
		}
		issue = day.AddDate(0, 1, 0)
	}
	r := draw(chance.Seed(it.seed, "statement of "+c.ID), int(issue.Unix()/86400))
	g.liability = with(g.liability, "last_statement_issue_date", isoDay(issue), "last_statement_balance", r.money(3000), "minimum_payment_amount", r.money(90),
		"next_payment_due_date", isoDay(issue.AddDate(0, 0, 25)))
	return isoDay(issue), nil
}

func (a *account) isCard() bool { return a.liability() == creditStream }

// PayCard has a card's holder pay: its statement stays, and tells of the payment.
func (it *Item) PayCard(accountID, amount string) error {
	_, err := it.editProducts(change{Do: "pay card", ID: accountID, Other: amount}, func(string) {
		it.tellLiability(accountID, "last_payment_amount", "last_payment_date", "is_overdue", "next_payment_due_date")
	})
	return err
}

func (it *Item) payCard(c change) error {
	a, err := it.holder(c.ID, (*account).isCard)
	if err != nil {
		return err
	}
	if !isDecimal(c.Other) {
		return errNoDecimal
	}
	g := it.goods(a)
	g.liability = with(g.liability, "last_payment_amount", decimal(c.Other), "last_payment_date", isoDay(c.At), "is_overdue", false, "next_payment_due_date", nil)
	return nil
}

func (it *Item) tellLiability(accountID string, changed ...string) {
	it.s.tell(it, "LIABILITIES", "DEFAULT_UPDATE", obj{"error": nil, "account_ids_with_new_liabilities": []string{},
		"account_ids_with_updated_liabilities": obj{accountID: changed}})
}

// Security gives the security_id of a ticker symbol, "" when the Item has never had it.
func (it *Item) Security(ticker string) string {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	for _, s := range it.more.securities {
		if s["ticker_symbol"] == ticker {
			return s["security_id"].(string)
		}
	}
	return ""
}

var errNoSecurity = errors.New("there is no such security")

func (it *Item) securityAt(id string) (int, error) {
	at := slices.IndexFunc(it.more.securities, func(s obj) bool { return s["security_id"] == id })
	if at < 0 {
		return 0, errNoSecurity
	}
	return at, nil
}

// AddSecurity has the bank know a security, and gives its id. It is answered once it is held or traded.
func (it *Item) AddSecurity(ticker, name, price string) (string, error) {
	return it.editProducts(change{Do: "add security", ID: ticker, Other: name, Body: price}, func(string) {})
}

func (it *Item) addSecurity(c change) (string, error) {
	if !isDecimal(c.Body) {
		return "", errNoDecimal
	}
	s := with(it.newSecurity(c.ID, c.Other, "equity", "common stock", decimal(c.Body)), "security_id", it.newID())
	it.more.securities = append(it.more.securities, s)
	return s["security_id"].(string), nil
}

// Price has a security closed at another price today: what all who hold it have is worth more or less.
func (it *Item) Price(securityID, price string) error {
	_, err := it.editProducts(change{Do: "price", ID: securityID, Other: price}, func(string) { it.tellHoldings(0, it.heldOf(securityID)) })
	return err
}

func (it *Item) price(c change) error {
	at, err := it.securityAt(c.ID)
	if err != nil {
		return err
	}
	if !isDecimal(c.Other) {
		return errNoDecimal
	}
	price := decimal(c.Other)
	it.more.securities[at] = with(it.more.securities[at], "close_price", price, "close_price_as_of", isoDay(c.At))
	for _, a := range it.accounts {
		held := it.goods(a).holdings
		for i, p := range held {
			if p.security == at {
				held[i].row = with(p.row, "institution_price", price, "institution_price_as_of", isoDay(c.At),
					"institution_value", times(p.row["quantity"].(decimal), price, 4))
			}
		}
	}
	return nil
}

// RekeySecurity gives a security a new id, as when its ticker symbol changes, and returns it. Holdings
// and transactions refer to the new one from now on.
func (it *Item) RekeySecurity(securityID string) (string, error) {
	return it.editProducts(change{Do: "rekey security", ID: securityID}, func(made string) { it.tellHoldings(it.heldOf(made), 0) })
}

func (it *Item) rekeySecurity(c change) (string, error) {
	at, err := it.securityAt(c.ID)
	if err != nil {
		return "", err
	}
	it.more.former = append(it.more.former, it.more.securities[at])
	made := it.newID()
	it.more.securities[at] = with(it.more.securities[at], "security_id", made)
	return made, nil
}

func (it *Item) heldOf(securityID string) int {
	n := 0
	for _, h := range it.allHoldings() {
		if h["security_id"] == securityID {
			n++
		}
	}
	return n
}

func (it *Item) tellHoldings(came, changed int) {
	it.s.tell(it, "HOLDINGS", "DEFAULT_UPDATE", obj{"error": nil, "new_holdings": came, "updated_holdings": changed})
}

// TradeSpec describes the buying or selling of a security.
type TradeSpec struct {
	Account  string `json:"account"`  // account_id
	Security string `json:"security"` // security_id
	Quantity string `json:"quantity"` // decimal text; below zero: sold
	Price    string `json:"price"`    // for one; decimal text
	Fees     string `json:"fees"`     // decimal text; "": null
	Name     string `json:"name"`
}

// Trade buys or sells, and gives the investment_transaction_id. The account's holding follows; one that
// comes to nothing vanishes.
func (it *Item) Trade(spec TradeSpec) (string, error) {
	return it.editProducts(change{Do: "trade", ID: spec.Account, Body: encode(spec)}, func(string) {
		it.tellHoldings(0, 1)
		it.tellTrades(1, 0)
	})
}

func (it *Item) trade(c change) (string, error) {
	spec, err := details[TradeSpec](c)
	if err != nil {
		return "", err
	}
	a, err := it.holder(c.ID, (*account).invests)
	if err != nil {
		return "", err
	}
	at, err := it.securityAt(spec.Security)
	if err != nil {
		return "", err
	}
	if !isDecimal(spec.Quantity) || !isDecimal(spec.Price) || spec.Fees != "" && !isDecimal(spec.Fees) {
		return "", errNoDecimal
	}
	kind := "buy"
	if spec.Quantity[0] == '-' {
		kind = "sell"
	}
	s, g := it.more.securities[at], it.goods(a)
	row := obj{"investment_transaction_id": it.newID(), "date": isoDay(c.At), "transaction_datetime": c.At, "name": spec.Name, "type": kind, "subtype": kind,
		"quantity": decimal(spec.Quantity), "price": decimal(spec.Price), "amount": times(decimal(spec.Quantity), decimal(spec.Price), 2), "fees": decimal(spec.Fees),
		"iso_currency_code": s["iso_currency_code"], "unofficial_currency_code": s["unofficial_currency_code"]}
	g.trades = append(g.trades, position{at, row})
	it.hold(g, at, decimal(spec.Quantity), decimal(spec.Price))
	return row["investment_transaction_id"].(string), nil
}

// hold changes what an account holds of a security.
func (it *Item) hold(g *goods, security int, by, price decimal) {
	at := slices.IndexFunc(g.holdings, func(p position) bool { return p.security == security })
	if at < 0 {
		g.holdings = append(g.holdings, position{security, it.newHolding(it.more.securities[security], by, price, 0)})
		return
	}
	quantity := plus(g.holdings[at].row["quantity"].(decimal), by)
	if quantity == "0" {
		g.holdings = slices.Delete(g.holdings, at, at+1)
		return
	}
	g.holdings[at].row = with(g.holdings[at].row, "quantity", quantity, "institution_price", price, "institution_value", times(quantity, price, 4))
}

var errNoTrade = errors.New("there is no such investment transaction")

// CancelTrade takes an investment transaction back: it vanishes, another one of type cancel names it,
// whose id is given, and the holding is as before.
func (it *Item) CancelTrade(tradeID string) (string, error) {
	return it.editProducts(change{Do: "cancel trade", ID: tradeID}, func(string) {
		it.tellHoldings(0, 1)
		it.tellTrades(0, 1)
	})
}

func (it *Item) cancelTrade(c change) (string, error) {
	for _, a := range it.live() {
		g := it.goods(a)
		at := slices.IndexFunc(g.trades, func(p position) bool { return p.row["investment_transaction_id"] == c.ID })
		if at < 0 {
			continue
		}
		old := g.trades[at]
		made := it.newID()
		g.trades[at] = position{old.security, with(old.row, "investment_transaction_id", made, "type", "cancel", "cancel_transaction_id", c.ID,
			"date", isoDay(c.At), "quantity", minus(old.row["quantity"].(decimal)), "amount", minus(old.row["amount"].(decimal)))}
		if old.security >= 0 {
			it.hold(g, old.security, minus(old.row["quantity"].(decimal)), old.row["price"].(decimal))
		}
		return made, nil
	}
	return "", errNoTrade
}

func (it *Item) tellTrades(came, cancelled int) {
	it.s.tell(it, "INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE",
		obj{"error": nil, "new_investments_transactions": came, "cancelled_investments_transactions": cancelled})
}
