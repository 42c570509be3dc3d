package plaidsim

import (
	"slices"
	"time"
)

// liabilitiesGet answers /liabilities/get. A list without elements is null.
func (s *Server) liabilitiesGet(q *query) (any, *refusal) {
	if !slices.ContainsFunc(q.item.live(), (*account).owes) {
		return nil, failure("NO_LIABILITY_ACCOUNTS")
	}
	all, refused := q.accounts()
	if refused != nil {
		return nil, refused
	}
	lists := obj{"credit": nil, "student": nil, "mortgage": nil}
	for name, kind := range map[string]string{"credit": creditStream, "student": studentStream, "mortgage": mortgageStream} {
		if found := q.item.owed(kind, all); len(found) > 0 {
			lists[name] = found
		}
	}
	return obj{"accounts": printAccounts(all), "item": q.item.print(), "liabilities": lists}, nil
}

// The streams of what is owed.
const (
	creditStream    = "credit_liabilities"
	studentStream   = "student_loans"
	mortgageStream  = "mortgages"
	statementStream = "credit_statements"
)

// owes: what Liabilities covers.
func (a *account) owes() bool { return a.liability() != "" }

// liability is the stream that an account's liability is in, "" when it has none.
func (a *account) liability() string {
	switch {
	case a.spec.Type == "credit":
		return creditStream
	case a.spec.Type == "loan" && a.spec.Subtype == "student":
		return studentStream
	case a.spec.Type == "loan" && a.spec.Subtype == "mortgage":
		return mortgageStream
	}
	return ""
}

// owed gives the liabilities of one kind that some accounts have.
func (it *Item) owed(stream string, of []*account) []obj {
	var out []obj
	for _, a := range of {
		if a.liability() == stream {
			out = append(out, with(it.goods(a).liability, "account_id", a.id))
		}
	}
	return out
}

// makeLiability makes what an account owes, as of the day on which it came.
func (it *Item) makeLiability(a *account, r *random) obj {
	switch a.liability() {
	case creditStream:
		return it.makeCard(a, r)
	case studentStream:
		return makeStudentLoan(it.made, r)
	case mortgageStream:
		return makeMortgage(it.made, r)
	}
	return nil
}

// makeCard makes the liability of a card. The second of an Item's cards has an overdue payment and an
// interest that Plaid gives a new name, the third is one of which the bank tells nothing.
func (it *Item) makeCard(a *account, r *random) obj {
	nth := 0
	for _, other := range it.accounts {
		if other.n < a.n && other.liability() == creditStream {
			nth++
		}
	}
	switch {
	case it.login.spec.Plain || nth%3 == 0:
		return usualCard(it.made, r)
	case nth%3 == 1:
		card := usualCard(it.made, r)
		card["is_overdue"], card["minimum_payment_amount"], card["last_statement_balance"] = true, decimal("0"), decimal("-12.3")
		card["aprs"] = append(card["aprs"].([]obj), apr("promotional_apr", "0", "1000", "0"))
		card["reward_points"] = obj{"earned": 120, "expires": nil}
		return card
	}
	return obj{"aprs": []obj{}, "is_overdue": nil, "last_payment_amount": nil, "last_payment_date": nil, "last_statement_issue_date": nil,
		"last_statement_balance": nil, "minimum_payment_amount": nil, "next_payment_due_date": nil}
}

func usualCard(made time.Time, r *random) obj {
	issued := made.AddDate(0, 0, -1-r.Below(27))
	return obj{
		"aprs": []obj{apr("balance_transfer_apr", "15.24", r.money(2000), r.money(200)), apr("cash_apr", "27.95", "", ""),
			apr("purchase_apr", "12.5", r.money(900), r.money(90)), apr("special", "0", "1000", "0")},
		"is_overdue": false, "last_payment_amount": r.money(300), "last_payment_date": isoDay(issued.AddDate(0, 0, -6)),
		"last_statement_issue_date": isoDay(issued), "last_statement_balance": r.money(2000), "minimum_payment_amount": decimal("20"),
		"next_payment_due_date": isoDay(issued.AddDate(0, 0, 25)),
	}
}

func apr(kind string, percent, balance, charge decimal) obj {
	return obj{"apr_type": kind, "apr_percentage": percent, "balance_subject_to_apr": balance, "interest_charge_amount": charge}
}

func makeStudentLoan(made time.Time, r *random) obj {
	issued := made.AddDate(0, 0, -1-r.Below(27))
	number := decimalDigits(r, 10)
	return obj{
		"account_number": number, "payment_reference_number": number, "sequence_number": "1", "loan_name": "Consolidation", "guarantor": "DEPT OF ED",
		"disbursement_dates": []string{isoDay(made.AddDate(-9, 0, 0)), isoDay(made.AddDate(-8, -6, 0))}, "expected_payoff_date": isoDay(made.AddDate(11, 0, 0)),
		"interest_rate_percentage": decimal("5.25"), "is_overdue": nil, "last_payment_amount": r.money(200), "last_payment_date": isoDay(issued.AddDate(0, 0, -9)),
		"last_statement_issue_date": isoDay(issued), "last_statement_balance": r.money(20000), "minimum_payment_amount": decimal("0"),
		"next_payment_due_date": nil, "origination_date": isoDay(made.AddDate(-9, 0, 0)), "origination_principal_amount": decimal("25000"),
		"outstanding_interest_amount": r.money(7000), "ytd_interest_paid": r.money(300), "ytd_principal_paid": r.money(300),
		"loan_status": obj{"type": "in grace", "end_date": nil}, "repayment_plan": obj{"type": nil, "description": "Standard Repayment"},
		"pslf_status":      obj{"estimated_eligibility_date": nil, "payments_made": nil, "payments_remaining": nil},
		"servicer_address": obj{"city": "San Matias", "country": "US", "postal_code": "99415", "region": "CA", "street": "123 Relaxation Road"},
	}
}

func makeMortgage(made time.Time, r *random) obj {
	due := r.money(4000)
	return obj{
		"account_number": decimalDigits(r, 10), "current_late_fee": decimal("25"), "escrow_balance": r.money(5000), "has_pmi": true, "has_prepayment_penalty": nil,
		"interest_rate": obj{"percentage": decimal("3.99"), "type": "fixed"}, "last_payment_amount": due, "last_payment_date": isoDay(made.AddDate(0, 0, -20)),
		"loan_term": "30 year", "loan_type_description": "conventional", "maturity_date": isoDay(made.AddDate(21, 0, 0)), "next_monthly_payment": due,
		"next_payment_due_date": isoDay(made.AddDate(0, 0, 10)), "origination_date": isoDay(made.AddDate(-9, 0, 0)),
		"origination_principal_amount": decimal("425000"), "past_due_amount": r.money(3000), "ytd_interest_paid": r.money(13000), "ytd_principal_paid": r.money(13000),
		"property_address": obj{"city": "Malakoff", "country": "US", "postal_code": "14236", "region": nil, "street": "2992 Cameron Road"},
	}
}

func decimalDigits(r *random, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.Below(10))
	}
	return string(b)
}

func isoDay(t time.Time) string { return t.UTC().Format(time.DateOnly) }
