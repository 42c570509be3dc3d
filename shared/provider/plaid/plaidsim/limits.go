package plaidsim

import "time"

// limit is how often an endpoint may be called in a minute; 0: as often as one likes.
type limit struct {
	item, client int
	code         string // of the refusal; "": RATE_LIMIT
	clientCode   string // of a client's; "": code
}

// perMinute are Plaid's limits in Production, which are those to live with; the Sandbox has others.
var perMinute = map[string]limit{
	"/transactions/sync":            {item: 50, client: 2500, code: "TRANSACTIONS_SYNC_LIMIT"},
	"/transactions/get":             {item: 30, client: 20000, code: "TRANSACTIONS_LIMIT"},
	"/transactions/refresh":         {item: 2, client: 100},
	"/transactions/recurring/get":   {item: 20, client: 1000},
	"/accounts/get":                 {item: 15, client: 15000, code: "ACCOUNTS_LIMIT"},
	"/accounts/balance/get":         {item: 5, client: 1200, code: "ACCOUNTS_BALANCE_GET_LIMIT", clientCode: "BALANCE_LIMIT"},
	"/item/get":                     {item: 15, client: 5000, code: "ITEM_GET_LIMIT"},
	"/item/remove":                  {item: 30, client: 2000},
	"/liabilities/get":              {item: 15, client: 1000},
	"/investments/holdings/get":     {item: 15, client: 2000, code: "INVESTMENT_HOLDINGS_GET_LIMIT"},
	"/investments/transactions/get": {item: 30, client: 20000, code: "INVESTMENT_TRANSACTIONS_LIMIT"},
	"/investments/refresh":          {item: 1, client: 100},
	"/statements/list":              {client: 100},
	"/statements/download":          {client: 50},
	"/statements/refresh":           {client: 50},
	"/institutions/get_by_id":       {client: 400, code: "INSTITUTIONS_GET_BY_ID_LIMIT"},
	"/sandbox/transactions/create":  {item: 2, client: 50},
}

// fromTheStart is how many sync calls without a cursor a client has in a minute.
const fromTheStart = 500

// limits keeps the calls of the last minute, oldest first, by endpoint and by endpoint and Item.
type limits struct{ recent map[string][]time.Time }

func newLimits() limits { return limits{recent: map[string][]time.Time{}} }

// enter counts a call in, or refuses it. One that is refused does not use up the minute. The caller
// holds the server's lock.
func (l *limits) enter(q *query) *refusal {
	path := q.r.URL.Path
	most, ok := perMinute[path]
	if !ok {
		return nil
	}
	code := most.code
	if code == "" {
		code = "RATE_LIMIT"
	}
	if q.item != nil && l.full(path+" "+q.item.id, most.item, q.now) {
		return failure(code)
	}
	if most.clientCode != "" {
		code = most.clientCode
	}
	first := path == "/transactions/sync" && q.text("cursor") == ""
	if l.full(path, most.client, q.now) || first && l.full("first", fromTheStart, q.now) {
		return failure(code)
	}
	if q.item != nil {
		l.note(path+" "+q.item.id, q.now)
	}
	if l.note(path, q.now); first {
		l.note("first", q.now)
	}
	return nil
}

// full tells whether a window has no room, and forgets what is older than a minute.
func (l *limits) full(window string, most int, now time.Time) bool {
	recent := l.recent[window]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Minute {
		recent = recent[1:]
	}
	l.recent[window] = recent
	return most > 0 && len(recent) >= most
}

func (l *limits) note(window string, now time.Time) { l.recent[window] = append(l.recent[window], now) }
