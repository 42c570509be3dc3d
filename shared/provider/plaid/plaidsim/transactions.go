package plaidsim

import (
	"encoding/json"
	"time"
)

// transactionsGet answers /transactions/get: a window of days, the newest first.
func (s *Server) transactionsGet(q *query) (any, *refusal) {
	from, to := q.text("start_date"), q.text("end_date")
	if from > to {
		return nil, badField("start_date must be before end_date")
	}
	accounts, refused := q.accounts()
	if refused != nil {
		return nil, refused
	}
	if q.item.ledger.stage == notReady {
		return nil, failure("PRODUCT_NOT_READY")
	}
	all := q.item.ledger.between(from, to, accounts)
	first := min(q.whole("options.offset", 0), len(all))
	last := min(first+q.whole("options.count", 100), len(all))
	rows := make([]printed, 0, last-first)
	for _, t := range all[first:last] {
		rows = append(rows, printed{t, q.item.past, q.flag("options.include_original_description")})
	}
	return obj{"accounts": printAccounts(accounts), "item": q.item.print(), "total_transactions": len(all), "transactions": rows}, nil
}

// transactionsRefresh answers /transactions/refresh: Plaid asks the bank now. What comes of it is told
// by webhooks; a login named user_transactions_dynamic always has something.
func (s *Server) transactionsRefresh(q *query) (any, *refusal) {
	s.stats.Billed["transactions_refresh"]++
	if q.item.ledger.stage == notReady {
		return obj{}, nil
	}
	if q.item.login.spec.Username == dynamicUser {
		q.item.liveOn()
	}
	q.item.updated = q.now
	return obj{}, nil
}

const dynamicUser = "user_transactions_dynamic"

// liveOn is what the Sandbox's dynamic user does at each refresh: all that was pending posts,
// something new is pending, and an earlier amount is a dollar more.
func (it *Item) liveOn() {
	var pending []*txn
	var posted *txn
	for _, t := range it.ledger.all {
		switch {
		case !t.live():
		case t.pending:
			pending = append(pending, t)
		default:
			posted = t
		}
	}
	for _, t := range pending {
		it.must(change{Do: "post", ID: t.id, Body: "{}"})
	}
	it.must(change{Do: "add", N: 1, Body: "{}"})
	it.must(change{Do: "add", N: 1, Body: "{}"})
	if posted != nil {
		it.must(change{Do: "modify", ID: posted.id, Body: `{"amount":` + string(plus(posted.amount(it.past), "1")) + `}`})
	}
	it.flush()
}

// must carries out a change that cannot fail.
func (it *Item) must(c change) string {
	made, err := it.change(c)
	if err != nil {
		panic(err)
	}
	return made
}

// sandboxTransactions answers /sandbox/transactions/create.
func (s *Server) sandboxTransactions(q *query) (any, *refusal) {
	all := q.value("transactions").([]any)
	switch {
	case q.item.login.spec.Username != dynamicUser:
		return nil, badField("custom transactions can only be added to Items of " + dynamicUser)
	case !q.item.has("transactions"):
		return nil, failure("SANDBOX_PRODUCT_NOT_ENABLED")
	case len(all) > 10:
		return nil, spoken("The request contains too many transactions.")
	}
	for _, one := range all {
		if in := one.(obj); !recent(in, q.now) {
			return nil, spoken("Transaction and posted dates must be within the last 14 days. The posted date cannot be before the transaction date.")
		}
	}
	for _, one := range all {
		q.item.addCustom(one.(obj), q.now)
	}
	q.item.flush()
	return obj{}, nil
}

func spoken(message string) *refusal {
	r := badField(message)
	r.Display = message
	return r
}

// recent: both dates are of the last fortnight and in order; what posts in the future is pending.
func recent(in obj, now time.Time) bool {
	transacted, posted := in["date_transacted"].(string), in["date_posted"].(string)
	oldest, newest := now.UTC().AddDate(0, 0, -14).Format(time.DateOnly), now.UTC().AddDate(0, 0, 14).Format(time.DateOnly)
	return transacted >= oldest && transacted <= now.UTC().Format(time.DateOnly) && posted >= transacted && posted <= newest
}

func (it *Item) addCustom(in obj, now time.Time) {
	over := obj{"authorized_date": in["date_transacted"]}
	if code, ok := in["iso_currency_code"]; ok {
		over["iso_currency_code"] = code
	}
	spec := TransactionSpec{Amount: string(in["amount"].(json.Number)), Date: in["date_posted"].(string), Name: in["description"].(string), Further: encode(over)}
	pending := in["date_posted"].(string) > now.UTC().Format(time.DateOnly)
	it.must(change{Do: "add", N: number01(pending), Body: encode(spec)})
}
