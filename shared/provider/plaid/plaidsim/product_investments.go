package plaidsim

import (
	"cmp"
	"slices"
	"time"
)

// holdingsGet answers /investments/holdings/get.
func (s *Server) holdingsGet(q *query) (any, *refusal) {
	all, refused := q.investments()
	if refused != nil {
		return nil, refused
	}
	holdings := []obj{}
	for _, a := range all {
		holdings = append(holdings, q.item.holdings(a)...)
	}
	return obj{"accounts": printInvestors(all), "item": q.item.print(), "holdings": holdings, "securities": q.item.securitiesOf(holdings),
		"is_investments_fallback_item": false}, nil
}

// keptMonths is how far back investment transactions go.
const keptMonths = 24

// investmentTransactionsGet answers /investments/transactions/get: newest first, in pages by offset.
func (s *Server) investmentTransactionsGet(q *query) (any, *refusal) {
	from, to := q.text("start_date"), q.text("end_date")
	if from > to {
		return nil, badField("start_date must be before end_date")
	}
	all, refused := q.investments()
	if refused != nil {
		return nil, refused
	}
	found := q.item.tradesOf(all, max(from, oldestTrade(q.now)), to)
	begin := min(q.whole("options.offset", 0), len(found))
	if q.flag("options.async_update") { // the history was had already: what is told of comes at once
		s.tell(q.item, "INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE", obj{"error": nil, "new_investments_transactions": len(found), "cancelled_investments_transactions": 0})
	}
	page := found[begin:min(begin+q.whole("options.count", 100), len(found))]
	return obj{"accounts": printInvestors(all), "item": q.item.print(), "investment_transactions": page, "total_investment_transactions": len(found),
		"securities": q.item.securitiesOf(page), "is_investments_fallback_item": false}, nil
}

// investmentsRefresh answers /investments/refresh: the bank is asked, and what it says is told of.
func (s *Server) investmentsRefresh(q *query) (any, *refusal) {
	if _, refused := q.investments(); refused != nil {
		return nil, refused
	}
	s.stats.Billed["investments_refresh"]++
	q.item.tellHoldings(0, len(q.item.allHoldings()))
	return obj{}, nil
}

// investments gives the accounts that a call is about. An Item without one to invest with is refused.
func (q *query) investments() ([]*account, *refusal) {
	if !slices.ContainsFunc(q.item.live(), (*account).invests) {
		return nil, failure("NO_INVESTMENT_ACCOUNTS")
	}
	return q.accounts()
}

// printInvestors prints accounts as these endpoints do: with what was borrowed to invest.
func printInvestors(all []*account) []obj {
	out := printAccounts(all)
	for i, a := range all {
		borrowed := decimal("")
		if a.spec.Type == "brokerage" {
			borrowed = "-12.5"
		}
		out[i]["balances"] = with(a.balances(), "margin_loan_amount", borrowed)
	}
	return out
}

func (a *account) invests() bool { return a.spec.Type == "investment" || a.spec.Type == "brokerage" }

// position gives one as endpoints answer it.
func (it *Item) position(a *account, p position) obj {
	out := with(p.row, "account_id", a.id, "security_id", nil)
	if p.security >= 0 {
		out["security_id"] = it.more.securities[p.security]["security_id"]
	}
	return out
}

// holdings gives what an account holds.
func (it *Item) holdings(a *account) []obj {
	out := []obj{}
	for _, p := range it.goods(a).holdings {
		out = append(out, it.position(a, p))
	}
	return out
}

func (it *Item) allHoldings() []obj {
	out := []obj{}
	for _, a := range it.live() {
		out = append(out, it.holdings(a)...)
	}
	return out
}

// tradesOf gives the investment transactions of accounts between two days, newest first. What happened
// on one day comes in the order of the ids, which is none.
func (it *Item) tradesOf(accounts []*account, from, to string) []obj {
	out := []obj{}
	for _, a := range accounts {
		for _, p := range it.goods(a).trades {
			if date := p.row["date"].(string); date >= from && date <= to {
				out = append(out, it.position(a, p))
			}
		}
	}
	slices.SortFunc(out, func(a, b obj) int {
		return cmp.Or(cmp.Compare(b["date"].(string), a["date"].(string)),
			cmp.Compare(a["investment_transaction_id"].(string), b["investment_transaction_id"].(string)))
	})
	return out
}

// allTrades are those that Plaid still has.
func (it *Item) allTrades() []obj {
	return it.tradesOf(it.live(), oldestTrade(it.s.cfg.Now()), "9999-12-31")
}

// oldestTrade is the first day that Plaid has.
func oldestTrade(now time.Time) string { return isoDay(now.AddDate(0, -keptMonths, 0)) }

// securitiesOf gives those that holdings or transactions speak of, as every endpoint does.
func (it *Item) securitiesOf(rows []obj) []obj {
	wanted := map[any]bool{}
	for _, row := range rows {
		wanted[row["security_id"]] = true
	}
	out := []obj{}
	for _, s := range it.more.securities {
		if wanted[s["security_id"]] {
			out = append(out, s)
		}
	}
	return out
}
