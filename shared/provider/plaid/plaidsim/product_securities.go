package plaidsim

import (
	"strconv"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// makeSecurities makes what can be held. A security is the same for all customers of a bank.
func (it *Item) makeSecurities() []obj {
	all := []obj{
		it.newSecurity("CUR:USD", "U S Dollar", "cash", "cash", "1"),
		it.newSecurity("AAPL", "Apple Inc", "equity", "common stock", "211.26"),
		it.newSecurity("DBLTX", "DoubleLine Total Return Bond Fund", "mutual fund", "mutual fund", "10.42"),
	}
	all[0]["is_cash_equivalent"], all[0]["market_identifier_code"] = true, nil
	all[1]["sector"], all[1]["industry"], all[1]["cfi_code"] = "Electronic Technology", "Telecommunications Equipment", "ESVUFR"
	if !it.login.spec.Plain {
		all = append(all, it.weirdSecurities()...)
	}
	return all
}

// weirdSecurities are those whose fields others do not have, or have otherwise.
func (it *Item) weirdSecurities() []obj {
	day := isoDay(it.made.AddDate(0, 0, -1))
	option := it.newSecurity("NFLX180201C00355000", "Nflx Feb 01'18 $355 Call", "derivative", "option", "0.011")
	option["option_contract"] = obj{"contract_type": "call", "expiration_date": "2018-02-01", "strike_price": decimal("355"), "underlying_security_ticker": "NFLX"}
	bill := it.newSecurity("", "US Treasury Bill - 5.43% 31/10/2024 USD 100", "fixed income", "bill", "94.808")
	bill["fixed_income"] = obj{"face_value": decimal("100"), "issue_date": day, "maturity_date": nil, "yield_rate": obj{"percentage": decimal("5.43"), "type": "coupon_equivalent"}}
	coin := it.newSecurity("DOGE", "Dogecoin 🐕", "cryptocurrency", "cryptocurrency", "0.1400346160")
	coin["iso_currency_code"], coin["unofficial_currency_code"], coin["update_datetime"] = nil, "USDT", it.made.Add(-time.Minute)
	private := it.newSecurity("", "", "", "", "")
	private["institution_security_id"], private["institution_id"], private["proxy_security_id"] = "NHX105509", it.login.spec.Institution, it.securityID("AAPL", 1)
	private["is_cash_equivalent"] = nil
	token := it.newSecurity("TOK.EN", "持株会 "+strconv.Quote("A & B <C>"), "tokenized asset", "share", "1")
	token["network"] = obj{"chain": "main", "block": 18000000}
	return []obj{option, bill, coin, private, token}
}

// newSecurity makes one of which the bank tells the usual; "" is null.
func (it *Item) newSecurity(ticker, name, kind, subkind string, price decimal) obj {
	out := obj{"security_id": it.securityID(ticker+name, 1), "ticker_symbol": orNull(ticker), "name": orNull(name), "type": orNull(kind), "subtype": orNull(subkind),
		"close_price": price, "close_price_as_of": nil, "update_datetime": nil, "is_cash_equivalent": false, "iso_currency_code": "USD", "unofficial_currency_code": nil}
	if price != "" {
		out["close_price_as_of"] = isoDay(it.made.AddDate(0, 0, -1))
	}
	for _, name := range []string{"isin", "cusip", "sedol", "institution_security_id", "institution_id", "proxy_security_id", "sector", "industry", "cfi_code",
		"option_contract", "fixed_income"} {
		out[name] = nil
	}
	out["market_identifier_code"] = "XNAS"
	return out
}

// securityID names version n of a security: its id changes when its details do.
func (it *Item) securityID(name string, n int) string {
	return id(chance.Seed(it.s.cfg.Seed, it.login.spec.Institution+" security "+name), n)
}

// makeHoldings gives an account that invests what it holds, and how that came about. It is about the
// securities as they are at first, whatever became of them since.
func (it *Item) makeHoldings(a *account, r *random, g *goods) {
	for i, s := range it.makeSecurities() {
		if i >= 3 && (i+a.n)%2 == 0 {
			continue // accounts differ
		}
		quantity := decimal(strconv.Itoa(1 + r.Below(200)))
		if i == 2 {
			quantity = decimal(strconv.Itoa(r.Below(90)) + ".0" + decimalDigits(r, 8) + "7") // ten decimals
		}
		price := s["close_price"].(decimal)
		if price == "" {
			price = "0"
		}
		g.holdings = append(g.holdings, position{i, it.newHolding(s, quantity, price, i)})
		g.trades = append(g.trades, position{i, it.bought(a, s, quantity, price, i, r)}, position{-1, it.dividend(a, i, r)})
	}
}

// newHolding makes a holding; what i leaves out some banks leave out.
func (it *Item) newHolding(s obj, quantity, price decimal, i int) obj {
	h := obj{"quantity": quantity, "institution_price": price, "institution_value": times(quantity, price, 4), "cost_basis": nil,
		"institution_price_as_of": isoDay(it.made.AddDate(0, 0, -1)), "iso_currency_code": s["iso_currency_code"], "unofficial_currency_code": s["unofficial_currency_code"]}
	if i%3 != 0 {
		h["cost_basis"], h["vested_quantity"], h["vested_value"], h["institution_price_datetime"] = times(quantity, price, 2), nil, nil, nil
	}
	switch i % 4 {
	case 1:
		h["vested_quantity"], h["vested_value"], h["institution_price_datetime"] = quantity, times(quantity, price, 10), it.made
		h["tax_lots"] = []obj{{"institution_lot_id": nil, "original_purchase_datetime": it.made.AddDate(0, -3, 0), "quantity": quantity, "purchase_price": price,
			"cost_basis": times(quantity, price, 2), "current_value": nil, "position_type": "LONG"}}
	case 2:
		h["tax_lots"] = []obj{}
	}
	return h
}

// bought is how a holding came about.
func (it *Item) bought(a *account, s obj, quantity, price decimal, i int, r *random) obj {
	made := it.tradeID(a, 2*i)
	return obj{"investment_transaction_id": made, "date": isoDay(it.made.AddDate(0, 0, -30-r.Below(400))), "name": "BUY 📈 " + made[:4],
		"quantity": quantity, "price": price, "amount": times(quantity, price, 2), "fees": decimal("7.99"), "type": "buy", "subtype": "buy",
		"cancel_transaction_id": nil, "transaction_datetime": nil, "iso_currency_code": s["iso_currency_code"], "unofficial_currency_code": s["unofficial_currency_code"]}
}

// dividend is cash alone. One of them is of a kind that nobody has heard of.
func (it *Item) dividend(a *account, i int, r *random) obj {
	out := obj{"investment_transaction_id": it.tradeID(a, 2*i+1), "date": isoDay(it.made.AddDate(0, 0, -1-r.Below(20))), "name": "INCOME DIV DIVIDEND RECEIVED",
		"quantity": decimal("0"), "price": decimal("0"), "amount": minus(plus(r.money(90), "0.01")), "fees": nil, "type": "cash", "subtype": "dividend",
		"transaction_datetime": it.made.AddDate(0, 0, -29), "iso_currency_code": "USD", "unofficial_currency_code": nil}
	if i == 4 {
		out["type"], out["subtype"], out["name"], out["settlement"] = "staking", "reward", "", obj{"days": 2}
	}
	return out
}

func (it *Item) tradeID(a *account, n int) string {
	return id(chance.Seed(it.seed, "trade "+strconv.Itoa(a.n)), n)
}
