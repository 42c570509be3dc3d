package plaid

import (
	"context"
	"encoding/json"
)

// Holdings are what an Item's investment accounts hold. All messages are Plaid's own bytes.
type Holdings struct {
	Accounts, Holdings []json.RawMessage
	Securities         []json.RawMessage // that the holdings are of
}

// Holdings returns all holdings, as Plaid read them last.
//
//	POST /investments/holdings/get → {"accounts":[…],"holdings":[…],"securities":[…]}
//
// Units: quantities and prices are JSON numbers with any number of digits. Limits: 15 calls a minute.
// Errors: [Unsupported] where the Item has no such account or product; else see [Client].
// Source: Plaid, /investments/holdings/get.
func (i *Item) Holdings(ctx context.Context) (Holdings, error) {
	var h Holdings
	err := i.post(ctx, pathHoldings, nil, func(body []byte) error {
		return read(body, shape{
			"accounts": list(&h.Accounts), "holdings": list(&h.Holdings), "securities": list(&h.Securities),
		}, "holdings", "securities")
	})
	return h, err
}

// InvestmentPage is one page of a range. All messages are Plaid's own bytes.
type InvestmentPage struct {
	Transactions, Securities []json.RawMessage
	Total                    int // of the whole range
}

// InvestmentTransactions returns a page of the investment transactions of a range of days, which may begin 24 months ago.
//
//	POST /investments/transactions/get {"start_date":"…","end_date":"…","options":{"count":500,"offset":0}}
//
// Limits: 30 calls a minute. Errors: as [Item.Holdings]. Source: Plaid, /investments/transactions/get.
func (i *Item) InvestmentTransactions(ctx context.Context, r Range) (InvestmentPage, error) {
	var p InvestmentPage
	err := i.post(ctx, pathInvestments, r.body(), func(body []byte) error {
		return read(body, shape{
			"investment_transactions": list(&p.Transactions), "securities": list(&p.Securities), "total_investment_transactions": number(&p.Total),
		}, "investment_transactions", "securities", "total_investment_transactions")
	})
	return p, err
}

const (
	pathHoldings    = "/investments/holdings/get"
	pathInvestments = "/investments/transactions/get"
)
