package plaid

import (
	"context"
	"encoding/json"
)

// Liabilities are the debts of an Item. All messages are Plaid's own bytes.
type Liabilities struct {
	Accounts                  []json.RawMessage
	Credit, Mortgage, Student []json.RawMessage // one for each account of that kind
}

// Liabilities returns all debts, as Plaid read them last: about once a day.
//
//	POST /liabilities/get → {"accounts":[…],"liabilities":{"credit":[…],"mortgage":null,"student":[…]}}
//
// Limits: 15 calls a minute. Errors: [Unsupported] where the Item has no such account or product; else see [Client].
// Source: Plaid, /liabilities/get.
func (i *Item) Liabilities(ctx context.Context) (Liabilities, error) {
	var l Liabilities
	err := i.post(ctx, pathLiabilities, nil, func(body []byte) error {
		return read(body, shape{"accounts": list(&l.Accounts), "liabilities": inside(shape{
			"credit": list(&l.Credit), "mortgage": list(&l.Mortgage), "student": list(&l.Student),
		})}, "liabilities")
	})
	return l, err
}

const pathLiabilities = "/liabilities/get"
