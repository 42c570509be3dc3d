package plaid

import "github.com/countinghouse/countinghouse/shared/catalog"

// What is owed: cards, student loans, mortgages. Plaid shows the present state only. It names no
// currency here: amounts are in the account's.

// creditColumns is what a card's liability says.
func creditColumns() [][]catalog.Column {
	return [][]catalog.Column{
		flags("is_overdue"), dates("last_payment_date"), numbers("last_payment_amount"),
		dates("last_statement_issue_date"), numbers("last_statement_balance", "minimum_payment_amount"), dates("next_payment_due_date"),
	}
}

const noPaymentDue = "null: no payment is expected"

var creditLiabilityTable = stream("credit_liability", "credit_liabilities", "account_id",
	append([][]catalog.Column{refer("account_id", "accounts")}, creditColumns()...)...,
).ReadEvery(twiceDaily).IfOffered().
	About("one row a card: its last statement and payment. credit_statements has the statements before").
	Noted("last_statement_balance", "owed on the day of that statement").
	Noted("next_payment_due_date", noPaymentDue).
	Holding(catalog.Child{
		Path: "aprs", Name: "credit_liability_aprs",
		Note: "the rates of interest of a card; none where the bank does not tell",
		Columns: []catalog.Column{
			{Path: "apr_percentage", Type: catalog.Numeric, Note: "a year: 15.24 is 15.24 %"},
			{Path: "apr_type", Note: "balance_transfer_apr, cash_apr, purchase_apr or special"},
			{Path: "balance_subject_to_apr", Type: catalog.Numeric, Note: "what it is charged on; how that is counted differs from bank to bank"},
			{Path: "interest_charge_amount", Type: catalog.Numeric, Note: "the interest on the last statement"},
		},
	})

// creditStatementTable is a history that Plaid does not keep.
var creditStatementTable = stream("credit_statement", "credit_statements", "account_id,last_statement_issue_date",
	append([][]catalog.Column{refer("account_id", "accounts")}, creditColumns()...)...,
).ReadEvery(twiceDaily).NeverRemoved().IfOffered().Indexed("last_statement_issue_date").
	About("a card's statements, a row for each card and day of issue, as they stood when last read before the next one came").
	Noted("last_statement_issue_date", "the day of this statement").
	Noted("last_statement_balance", "owed on that day").
	Noted("last_payment_date", "of the last payment that was known when this was last read, as is its amount").
	Noted("next_payment_due_date", noPaymentDue)

var studentLoanTable = stream("student_loan", "student_loans", "account_id",
	refer("account_id", "accounts"),
	texts("account_number", "loan_name", "guarantor", "sequence_number", "payment_reference_number"),
	numbers("interest_rate_percentage"), flags("is_overdue"),
	dates("last_payment_date"), numbers("last_payment_amount"),
	dates("last_statement_issue_date"), numbers("last_statement_balance", "minimum_payment_amount"), dates("next_payment_due_date"),
	dates("origination_date"), numbers("origination_principal_amount", "outstanding_interest_amount", "ytd_interest_paid", "ytd_principal_paid"),
	dates("expected_payoff_date"), wholes("disbursement_dates"),
	under("loan_status", texts("type"), dates("end_date")),
	under("repayment_plan", texts("type", "description")),
	under("pslf_status", dates("estimated_eligibility_date"), integers("payments_made", "payments_remaining")),
	address("servicer_address"),
).ReadEvery(twiceDaily).IfOffered().
	Noted("account_number", "may be masked").
	Noted("interest_rate_percentage", "a year: 5.25 is 5.25 %").
	Noted("minimum_payment_amount", "some servicers have one minimum for all loans under an account number and show it on each").
	Noted("next_payment_due_date", noPaymentDue+", as in deferment").
	Noted("outstanding_interest_amount", "null at Sallie Mae, where the account's balance has it").
	Noted("ytd_interest_paid", "in this year so far, as is the principal").
	Noted("disbursement_dates", "a list of dates").
	Noted("pslf_status.payments_made", "deprecated, as all of pslf_status").
	Noted("servicer_address.street", "where payments go")

var mortgageTable = stream("mortgage", "mortgages", "account_id",
	refer("account_id", "accounts"),
	texts("account_number", "loan_type_description", "loan_term"),
	under("interest_rate", numbers("percentage"), texts("type")),
	flags("has_pmi", "has_prepayment_penalty"),
	numbers("current_late_fee", "escrow_balance", "past_due_amount"),
	dates("last_payment_date"), numbers("last_payment_amount"),
	dates("next_payment_due_date"), numbers("next_monthly_payment"),
	dates("origination_date", "maturity_date"), numbers("origination_principal_amount", "ytd_interest_paid", "ytd_principal_paid"),
	address("property_address"),
).ReadEvery(twiceDaily).IfOffered().
	Noted("interest_rate.percentage", "a year, not the APR: 3.99 is 3.99 %").
	Noted("interest_rate.type", "fixed or variable").
	Noted("has_pmi", "private mortgage insurance is in effect").
	Noted("loan_term", "such as 30 year").
	Noted("escrow_balance", "kept back for taxes and insurance").
	Noted("past_due_amount", "principal and interest").
	Noted("ytd_interest_paid", "in this year so far, as is the principal")
