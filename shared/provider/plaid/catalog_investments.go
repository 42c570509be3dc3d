package plaid

import "github.com/countinghouse/countinghouse/shared/catalog"

// Securities, who holds how much of them, and how that came about.

var securityTable = stream("security", "securities", "security_id",
	texts("security_id", "name", "ticker_symbol", "type", "subtype"), flags("is_cash_equivalent"),
	numbers("close_price"), dates("close_price_as_of"), instants("update_datetime"), currency(),
	texts("isin", "cusip", "sedol", "institution_security_id"), refer("institution_id", "institutions"), refer("proxy_security_id", "securities"),
	texts("market_identifier_code", "sector", "industry", "cfi_code"),
	under("option_contract", texts("contract_type"), dates("expiration_date"), numbers("strike_price"), texts("underlying_security_ticker")),
	under("fixed_income", numbers("yield_rate.percentage"), texts("yield_rate.type"), dates("issue_date", "maturity_date"), numbers("face_value")),
).ReadEvery(twiceDaily).NeverRemoved().IfOffered().Indexed("ticker_symbol").
	About("what can be held or traded, as far as accounts have had it. Plaid may give a security a new id").
	Noted("close_price", "for one unit, at the end of the last day of trading; null: not traded in public").
	Noted("update_datetime", "when close_price was right").
	Noted("isin", "null without a licence for it, as cusip is").
	Noted("sedol", "deprecated: null").
	Noted("institution_security_id", "the bank's own id, at institution_id").
	Noted("proxy_security_id", "one that moves alike, where this one is hardly traded").
	Noted("market_identifier_code", "ISO 10383").
	Noted("cfi_code", "ISO 10962").
	Noted("option_contract.contract_type", "put or call").
	Noted("option_contract.strike_price", "for one share").
	Noted("fixed_income.yield_rate.percentage", "a year: 4.5 is 4.5 %").
	Noted("fixed_income.face_value", "paid at maturity for one unit")

var holdingTable = stream("holding", "holdings", "account_id,security_id",
	refer("account_id", "accounts"), refer("security_id", "securities"),
	numbers("quantity", "institution_price"), dates("institution_price_as_of"), instants("institution_price_datetime"),
	numbers("institution_value", "cost_basis", "vested_quantity", "vested_value"), currency(),
).ReadEvery(twiceDaily).IfOffered().Indexed("security_id").
	About("what accounts hold now").
	Noted("quantity", "in units; of options the shares that they are for, not the contracts").
	Noted("institution_price", "for one unit, by the bank").
	Noted("institution_value", "of all of it, by the bank").
	Noted("cost_basis", "what all of it has cost; null: the bank does not tell").
	Holding(catalog.Child{
		Path: "tax_lots", Name: "holding_tax_lots",
		Note: "what was bought when; none where the bank does not tell",
		Columns: []catalog.Column{
			{Path: "institution_lot_id"}, {Path: "original_purchase_datetime", Type: catalog.Timestamp}, {Path: "quantity", Type: catalog.Numeric},
			{Path: "purchase_price", Type: catalog.Numeric, Note: "for one unit"},
			{Path: "cost_basis", Type: catalog.Numeric, Note: "of the whole lot, with fees"},
			{Path: "current_value", Type: catalog.Numeric, Note: "of the whole lot"},
			{Path: "position_type", Note: "LONG or SHORT"},
		},
	})

var investmentTransactionTable = stream("investment_transaction", "investment_transactions", "investment_transaction_id",
	texts("investment_transaction_id"), refer("account_id", "accounts"), refer("security_id", "securities"),
	numbers("amount"), currency(), dates("date"), instants("transaction_datetime"),
	texts("name", "type", "subtype"), numbers("quantity", "price", "fees"), texts("cancel_transaction_id"),
).ReadEvery(daily).IfOffered().Indexed("account_id, date", "date", "security_id").
	About("buying, selling and what else moves cash or securities, of the last 24 months").
	Noted("amount", "POSITIVE: cash goes out (securities are bought); negative: it comes in (they are sold)").
	Noted("security_id", "null: of cash alone").
	Noted("date", "when it was settled, as a rule").
	Noted("transaction_datetime", "when it was ordered, where the bank tells").
	Noted("type", "buy, sell, cancel, cash, fee or transfer; subtype says more").
	Noted("quantity", "in units: positive when bought, negative when sold").
	Noted("price", "for one unit").
	Noted("fees", "all of them together").
	Noted("cancel_transaction_id", "deprecated")
