package plaid

import (
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// Catalog returns the tables of an Item, in the order in which a first load reads them: what others
// refer to first. [About] says what holds for all. Two of them hold what no answer says in one object:
//
//	items     {"item": {…}, "status": {…}}, of one answer
//	balances  {"account_id": "…", "date": "2026-01-31", "balances": {…}}: an account's, on the UTC day of reading
//
// credit_statements holds the objects of credit_liabilities that tell of a statement, under its day too.
func Catalog() []catalog.Table {
	return declare.Tables(
		itemTable, institutionTable, accountTable, balanceTable, transactionTable,
		recurring("recurring_inflow", "recurring_inflows", "what comes in regularly"),
		recurring("recurring_outflow", "recurring_outflows", "what goes out regularly"),
		creditLiabilityTable, creditStatementTable, studentLoanTable, mortgageTable,
		securityTable, holdingTable, investmentTransactionTable, statementAccountTable,
	)
}
