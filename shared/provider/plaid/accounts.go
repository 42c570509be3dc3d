package plaid

import (
	"context"
	"encoding/json"
	"time"
)

// Accounts are an Item's accounts with their balances.
type Accounts struct {
	Accounts []json.RawMessage // as Plaid sent them
	Trouble  error             // why Plaid can't read the bank now, so that these are old; nil: it can
}

// Accounts returns all accounts that the Item has now, with the balances that Plaid read last. It does not ask the bank.
// One that was closed, or is not shared any more, is just not there.
//
//	POST /accounts/get → {"accounts":[{"account_id":"…","balances":{…},…}],"item":{…}}
//
// Units: balances are JSON numbers in major units. Limits: 15 calls a minute. Free. Source: Plaid, /accounts/get.
func (i *Item) Accounts(ctx context.Context) (Accounts, error) {
	var a Accounts
	err := i.post(ctx, "/accounts/get", nil, a.read)
	return a, err
}

// BalancesQuery says which balances are asked for. The zero value asks for all.
type BalancesQuery struct {
	Accounts []string // only these
	// Since is how old a balance may be at banks that do not tell it at once: Capital One (ins_128026) demands
	// it for what is no depository account. Zero: not said.
	Since time.Time
}

// Balances asks the bank for the balances of this moment, which takes up to half a minute and more. Each call costs money, so it is
// not sent again once it may have arrived.
//
//	POST /accounts/balance/get → as [Item.Accounts]
//
// Limits: 5 calls a minute. Source: Plaid, /accounts/balance/get.
func (i *Item) Balances(ctx context.Context, q BalancesQuery) (Accounts, error) {
	options := fields{}
	if len(q.Accounts) > 0 {
		options["account_ids"] = q.Accounts
	}
	if !q.Since.IsZero() {
		options["min_last_updated_datetime"] = q.Since.UTC().Format(time.RFC3339)
	}
	var a Accounts
	err := i.postOnce(ctx, "/accounts/balance/get", optional(options), a.read)
	return a, err
}

func (a *Accounts) read(body []byte) error {
	var item json.RawMessage
	*a = Accounts{}
	if err := read(body, shape{"accounts": list(&a.Accounts), "item": object(&item)}, "accounts"); err != nil {
		return err
	}
	var object itemObject
	json.Unmarshal(item, &object) //nolint:errcheck // best effort: an Item that is not told has no trouble
	a.Trouble = Problem(object.Error)
	return nil
}

// optional returns a body with options, where there are any.
func optional(options fields) fields {
	if len(options) == 0 {
		return nil
	}
	return fields{"options": options}
}
