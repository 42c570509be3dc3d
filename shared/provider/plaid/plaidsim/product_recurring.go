package plaidsim

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// flow is a stream of transactions that repeat.
type flow struct {
	in  bool
	row obj
}

// recurringGet answers /transactions/recurring/get, once the whole history is there.
func (s *Server) recurringGet(q *query) (any, *refusal) {
	if q.item.ledger.stage < historical {
		return nil, failure("PRODUCT_NOT_READY")
	}
	all := q.item.live()
	if q.has("account_ids") {
		all = nil
		for _, id := range q.texts("account_ids") {
			a := q.item.account(id)
			if a == nil {
				return nil, failure("INVALID_ACCOUNT_ID")
			}
			all = append(all, a)
		}
	}
	updated := q.item.updated
	if updated.IsZero() {
		updated = q.item.made
	}
	return obj{"inflow_streams": q.item.flows(all, true), "outflow_streams": q.item.flows(all, false), "updated_datetime": updated,
		"personal_finance_category_version": "v2"}, nil
}

// flows gives the streams of some accounts.
func (it *Item) flows(accounts []*account, in bool) []obj {
	out := []obj{}
	for _, a := range accounts {
		for _, f := range it.goods(a).streams {
			if f.in == in {
				out = append(out, with(f.row, "account_id", a.id))
			}
		}
	}
	return out
}

// makeFlows makes what repeats on an account: money comes into depository accounts, and goes from all.
func (it *Item) makeFlows(a *account, r *random) []*flow {
	spec := RecurringSpec{Description: "ConEd Bill Payment", Merchant: "ConEd", Frequency: "MONTHLY", Amount: string(plus(r.money(200), "0.05")), Times: 4}
	nth := func(n int) string { return id(chance.Seed(it.seed, "stream "+strconv.Itoa(a.n)), n) }
	out := []*flow{it.newFlow(a, spec, it.made, nth(0))}
	if a.spec.Type == "depository" {
		out = append(out, it.newFlow(a, RecurringSpec{Description: "Platypus Payroll", Frequency: "SEMI_MONTHLY", Amount: "-1800.5", Times: 5}, it.made, nth(1)))
	}
	if !it.login.spec.Plain {
		odd := it.newFlow(a, RecurringSpec{Description: "会費 🎾 & co", Frequency: "QUARTERLY", Amount: "0", Times: 1}, it.made, nth(2))
		odd.row["predicted_next_date"], odd.row["personal_finance_category"], odd.row["confidence"] = nil, nil, obj{"score": decimal("0.25")}
		out = append(out, odd)
	}
	return out
}

// newFlow makes a stream whose newest transaction is two days old.
func (it *Item) newFlow(a *account, spec RecurringSpec, now time.Time, id string) *flow {
	last := now.AddDate(0, 0, -2)
	category := obj{"primary": "RENT_AND_UTILITIES", "detailed": "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", "confidence_level": "UNKNOWN"}
	in := spec.Amount[0] == '-'
	if in {
		category = obj{"primary": "INCOME", "detailed": "INCOME_SALARY", "confidence_level": nil, "version": "v2"}
	}
	return &flow{in, obj{"stream_id": id, "category": nil, "category_id": nil, "description": spec.Description, "merchant_name": orNull(spec.Merchant),
		"first_date": isoDay(addPeriods(last, spec.Frequency, 1-max(spec.Times, 1))), "last_date": isoDay(last), "predicted_next_date": isoDay(addPeriods(last, spec.Frequency, 1)),
		"frequency": spec.Frequency, "transaction_ids": it.someTransactions(a, spec.Times), "average_amount": amountOf(a, decimal(spec.Amount)),
		"last_amount": amountOf(a, decimal(spec.Amount)), "is_active": true, "status": maturity(spec.Times), "is_user_modified": false,
		"personal_finance_category": category}}
}

func amountOf(a *account, amount decimal) obj {
	return obj{"amount": amount, "iso_currency_code": orNull(a.spec.iso()), "unofficial_currency_code": orNull(a.spec.Unofficial)}
}

func maturity(times int) string {
	if times < 3 {
		return "EARLY_DETECTION"
	}
	return "MATURE"
}

// someTransactions gives ids of the account's first history, as many as there are of those wanted.
func (it *Item) someTransactions(a *account, wanted int) []string {
	out := []string{}
	for _, t := range it.ledger.all {
		if len(out) >= wanted {
			break
		}
		if t.n >= 0 && t.account.n == a.n {
			out = append(out, t.id)
		}
	}
	return out
}

// addPeriods goes so many periods on, or back.
func addPeriods(t time.Time, frequency string, n int) time.Time {
	switch frequency {
	case "WEEKLY":
		return t.AddDate(0, 0, 7*n)
	case "BIWEEKLY":
		return t.AddDate(0, 0, 14*n)
	case "SEMI_MONTHLY":
		return t.AddDate(0, 0, 15*n)
	case "ANNUALLY":
		return t.AddDate(n, 0, 0)
	}
	return t.AddDate(0, n, 0)
}

// RecurringSpec describes a stream of transactions that repeat.
type RecurringSpec struct {
	Account     string `json:"account"`     // account_id
	Amount      string `json:"amount"`      // decimal text, below zero when money comes in
	Description string `json:"description"` // of its transactions
	Merchant    string `json:"merchant"`    // "": null
	Frequency   string `json:"frequency"`   // WEEKLY, BIWEEKLY, SEMI_MONTHLY, MONTHLY, ANNUALLY, UNKNOWN
	Times       int    `json:"times"`       // it was seen so often; below 3 it is EARLY_DETECTION
}

// AddRecurring has Plaid find a stream, and gives its stream_id.
func (it *Item) AddRecurring(spec RecurringSpec) (string, error) {
	return it.editProducts(change{Do: "add recurring", ID: spec.Account, Body: encode(spec)}, func(string) { it.tellRecurring(spec.Account) })
}

func (it *Item) addRecurring(c change) (string, error) {
	spec, err := details[RecurringSpec](c)
	if err != nil {
		return "", err
	}
	a, err := it.holder(c.ID, func(a *account) bool { return a.spec.hasTransactions() })
	if err != nil {
		return "", err
	}
	if !isDecimal(spec.Amount) {
		return "", errNoDecimal
	}
	g := it.goods(a)
	f := it.newFlow(a, spec, c.At, it.newID())
	g.streams = append(g.streams, f)
	return f.row["stream_id"].(string), nil
}

// Recur has a stream's next transaction come.
func (it *Item) Recur(streamID, amount string) error {
	_, err := it.editProducts(change{Do: "recur", ID: streamID, Other: amount}, func(string) { it.tellRecurring(it.accountOfFlow(streamID)) })
	return err
}

func (it *Item) recur(c change) error {
	a, f := it.flow(c.ID)
	if f == nil {
		return errNoStream
	}
	if !isDecimal(c.Other) {
		return errNoDecimal
	}
	f.row = with(f.row, "last_amount", amountOf(a, decimal(c.Other)), "last_date", isoDay(c.At), "status", "MATURE",
		"predicted_next_date", isoDay(addPeriods(c.At, f.row["frequency"].(string), 1)))
	return nil
}

// EndRecurring has a stream end: it stays in the lists, tombstoned.
func (it *Item) EndRecurring(streamID string) error {
	_, err := it.editProducts(change{Do: "end recurring", ID: streamID}, func(string) { it.tellRecurring(it.accountOfFlow(streamID)) })
	return err
}

func (it *Item) endRecurring(c change) error {
	_, f := it.flow(c.ID)
	if f == nil {
		return errNoStream
	}
	f.row = with(f.row, "is_active", false, "status", "TOMBSTONED", "predicted_next_date", nil)
	return nil
}

// DropRecurring has a stream vanish from the lists.
func (it *Item) DropRecurring(streamID string) error {
	account := ""
	_, err := it.editProducts(change{Do: "drop recurring", ID: streamID}, func(string) { it.tellRecurring(account) })
	return err
}

func (it *Item) dropRecurring(c change) error {
	a, f := it.flow(c.ID)
	if f == nil {
		return errNoStream
	}
	g := it.goods(a)
	g.streams = slices.DeleteFunc(g.streams, func(other *flow) bool { return other == f })
	return nil
}

var errNoStream = errors.New("the Item has no such stream")

// flow finds a stream of a live account; nil when there is none.
func (it *Item) flow(streamID string) (*account, *flow) {
	for _, a := range it.live() {
		for _, f := range it.goods(a).streams {
			if f.row["stream_id"] == streamID {
				return a, f
			}
		}
	}
	return nil, nil
}

func (it *Item) accountOfFlow(streamID string) string {
	if a, _ := it.flow(streamID); a != nil {
		return a.id
	}
	return ""
}

func (it *Item) tellRecurring(account string) {
	all := ids(it.live())
	if account != "" {
		all = []string{account}
	}
	it.s.tell(it, "TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE", obj{"account_ids": all})
}
