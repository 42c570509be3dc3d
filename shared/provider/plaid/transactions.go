package plaid

import (
	"cmp"
	"context"
	"encoding/json"
)

// MaxPage is how many transactions a page has at most.
const MaxPage = 500

// The states of an Item's transactions in SyncPage.Status.
const (
	NotReadyStatus     = "NOT_READY"                  // Plaid has not read the bank yet: an empty page
	InitialComplete    = "INITIAL_UPDATE_COMPLETE"    // about the last 30 days are there
	HistoricalComplete = "HISTORICAL_UPDATE_COMPLETE" // all of the days that were asked for
)

// SyncPage is one page of what changed. All messages are Plaid's own bytes.
type SyncPage struct {
	Status   string            // one of the states above, or another
	Accounts []json.RawMessage // of the transactions on this page only
	Added    []json.RawMessage
	Modified []json.RawMessage // whole objects
	Removed  []json.RawMessage // {"transaction_id":"…","account_id":"…"}
	Next     string            // cursor of the next page; empty: Plaid has nothing yet
	More     bool
}

// Sync returns the page of changes after cursor; "" is the beginning, from where all is added.
//
//	POST /transactions/sync {"cursor":"…","count":500,"options":{"include_original_description":true}}
//
// Shape: lists in the order of their last change. An id may stand in several lists and pages: the last counts, and on one page Removed
// is last. An Item that has nothing yet answers an empty page without Next.
// Units: a positive amount leaves the account; amounts are JSON numbers in major units.
// Limits: count is 1 to MaxPage over the three lists together, 0 is MaxPage; 50 calls a minute. A cursor is the Item's own. Only that of the
// last page holds, for a year at least: a failure within a run means starting again from its first.
// Errors: [Mutated] (start again from the run's first cursor), [CursorRefused] (start again from ""); else see [Client].
// Source: Plaid, /transactions/sync.
func (i *Item) Sync(ctx context.Context, cursor string, count int) (SyncPage, error) {
	body := fields{"count": cmp.Or(count, MaxPage), "options": fields{"include_original_description": true}}
	if cursor != "" {
		body["cursor"] = cursor
	}
	var p SyncPage
	r := i.request(pathSync, body)
	r.answer = i.client.whole(func(body []byte) error {
		p = SyncPage{}
		return p.read(body)
	})
	if cursor == "" {
		r.first = FirstSync
	}
	err := i.client.call(ctx, r)
	return p, err
}

// FirstSync names Sync from the beginning to Options.Limiter: Plaid lets fewer of those through a minute.
const FirstSync = pathSync + " first"

const pathSync = "/transactions/sync"

func (p *SyncPage) read(body []byte) error {
	return read(body, shape{
		"transactions_update_status": text(&p.Status), "accounts": list(&p.Accounts),
		"added": list(&p.Added), "modified": list(&p.Modified), "removed": list(&p.Removed),
		"next_cursor": text(&p.Next), "has_more": flag(&p.More),
	}, "added", "modified", "removed", "next_cursor", "has_more")
}

// Range asks for the transactions between two days.
type Range struct {
	From, To string // YYYY-MM-DD, both included
	Count    int    // 1 to MaxPage; 0: MaxPage
	Offset   int    // how many to pass over, the newest first
}

func (r Range) body() fields {
	return fields{"start_date": r.From, "end_date": r.To, "options": fields{"count": cmp.Or(r.Count, MaxPage), "offset": r.Offset}}
}

// TransactionsPage is one page of a range.
type TransactionsPage struct {
	Transactions, Accounts []json.RawMessage // Plaid's own bytes
	Total                  int               // of the whole range, pending ones among them
}

// Transactions returns a page of a range of days. Pages shift when something changes meanwhile: it serves to count and compare.
//
//	POST /transactions/get {"start_date":"…","end_date":"…","options":{"count":500,"offset":0,…}}
//
// Limits: 30 calls a minute. Errors: [NotReady] before Plaid has first read the bank; else see [Client].
// Source: Plaid, /transactions/get.
func (i *Item) Transactions(ctx context.Context, r Range) (TransactionsPage, error) {
	body := r.body()
	body["options"].(fields)["include_original_description"] = true
	var p TransactionsPage
	err := i.post(ctx, "/transactions/get", body, func(body []byte) error {
		return read(body, shape{
			"transactions": list(&p.Transactions), "accounts": list(&p.Accounts), "total_transactions": number(&p.Total),
		}, "transactions", "total_transactions")
	})
	return p, err
}

// Refresh has Plaid ask the bank now; what it finds comes by webhook and Sync. Each call costs money, so it is
// not sent again once it may have arrived.
//
//	POST /transactions/refresh → {"request_id":"…"}
//
// Limits: 2 calls a minute. Errors: [Unsupported] at some banks; else see [Client]. Source: Plaid, /transactions/refresh.
func (i *Item) Refresh(ctx context.Context) error {
	return i.postOnce(ctx, pathRefresh, nil, acknowledged)
}

const pathRefresh = "/transactions/refresh"

// Recurring are the payments that Plaid has seen to come again.
type Recurring struct {
	Inflow, Outflow []json.RawMessage // Plaid's own bytes
}

// Recurring returns all recurring payments.
//
//	POST /transactions/recurring/get → {"inflow_streams":[…],"outflow_streams":[…]}
//
// Limits: 20 calls a minute; an add-on to Transactions with a price of its own. Needs the history: [NotReady] before.
// Source: Plaid, /transactions/recurring/get.
func (i *Item) Recurring(ctx context.Context) (Recurring, error) {
	var r Recurring
	err := i.post(ctx, pathRecurring, nil, func(body []byte) error {
		return read(body, shape{"inflow_streams": list(&r.Inflow), "outflow_streams": list(&r.Outflow)}, "inflow_streams", "outflow_streams")
	})
	return r, err
}

const pathRecurring = "/transactions/recurring/get"
