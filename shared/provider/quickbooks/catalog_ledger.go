package quickbooks

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// What moves between accounts and in stock, what is planned, and what comes again by itself.

// journalEntry does not show that it was voided: its total is 0 anyway, and a note alone says nothing.
var journalEntry = entity("JournalEntry", "journal_entry", "journal_entries",
	transaction,
	number("TotalAmt", "HomeTotalAmt"),
	flag("Adjustment", "HomeCurrencyAdjustment", "EnteredInHomeCurrency"),
	taxed,
).Indexed("txn_date").
	Noted("TotalAmt", "0 or null, whatever the lines say: add up the debits").
	Holding(journalLines, linkedTxns("journal_entry_linked_txns"), taxLines("journal_entry"))

var journalLines = func() catalog.Child {
	c := lines("journal_entry", journalDetail)
	c.Note = "amounts are positive: PostingType tells debits from credits, and their sums are equal. " + renumbered
	c.Indexes = []string{"journal_entry_line_detail_account_ref_value"}
	return c
}()

var deposit = entity("Deposit", "deposit", "deposits",
	transaction,
	ref("DepositToAccountRef"),
	number("TotalAmt", "HomeTotalAmt"),
	under("CashBack", ref("AccountRef"), number("Amount"), text("Memo")),
	taxed,
).Voided("TotalAmt", "PrivateNote", "Voided").Indexed("txn_date").
	Noted("TotalAmt", "the lines' amounts without the cash that was taken back").
	Holding(depositLines, linkedTxns("deposit_linked_txns"), taxLines("deposit"))

var depositLines = func() catalog.Child {
	c := lines("deposit", depositDetail)
	c.Note = "a line that deposits a payment has neither Id nor DetailType: its linked transaction tells which payment. " + renumbered
	return c
}()

var transfer = entity("Transfer", "transfer", "transfers",
	transaction,
	number("Amount"),
	ref("FromAccountRef", "ToAccountRef", "ClassRef"),
).Voided("Amount", "PrivateNote", "Voided").Indexed("txn_date").
	About("money moved between two of the company's own accounts")

var inventoryAdjustment = entity("InventoryAdjustment", "inventory_adjustment", "inventory_adjustments",
	transaction,
	ref("AdjustAccountRef", "CustomerRef"),
).ReadEvery(daily).IfOffered().Indexed("txn_date").
	About("quantities only: QuickBooks tells no amounts").
	Noted(lastUpdated, "a bare date, kept as its midnight in UTC: of two changes on one day the later read stays").
	Holding(lines("inventory_adjustment", adjustmentDetail))

var budget = entity("Budget", "budget", "budgets",
	text("Name", "BudgetType", "BudgetEntryType"),
	date("StartDate", "EndDate"),
	flag(activePath),
).IfOffered().
	Noted("BudgetEntryType", "Monthly, Quarterly or Yearly: the length of a period").
	Holding(catalog.Child{
		Path: "BudgetDetail", Name: "budget_details", View: "budget_details",
		Note:    "one amount a period, account and, where the budget is divided so, customer, class or department",
		Columns: slices.Concat(date("BudgetDate"), number("Amount"), ref("AccountRef", "CustomerRef", "ClassRef", "DepartmentRef")),
	})

// recurringTransaction holds templates of transactions, each under the name of its kind.
var recurringTransaction = wrapped("*.", "RecurringTransaction", "recurring_transaction", "recurring_transactions",
	[]catalog.Column{{Path: kind, Name: "transaction_type", Note: "the entity that the template makes: Invoice, Bill"}},
	under("RecurringInfo", text("Name", "RecurType"), flag("Active"),
		under("ScheduleInfo", text("IntervalType"), integer("NumInterval", "DayOfMonth"), text("DayOfWeek", "WeekOfMonth", "MonthOfYear"),
			integer("RemindDays", "DaysBefore", "MaxOccurrences"), date("StartDate", "EndDate", "NextDate", "PreviousDate"))),
	id("RecurDataRef"),
	transaction,
	ref("CustomerRef", "VendorRef"), party("EntityRef"),
	number("TotalAmt", "Amount", "Balance"),
	taxed,
	ref("AccountRef", "ARAccountRef", "APAccountRef", "DepositToAccountRef", "FromAccountRef", "ToAccountRef",
		"SalesTermRef", "PaymentMethodRef", "ClassRef"),
	text("PaymentType", "CustomerMemo.value", "EmailStatus", "PrintStatus", "BillEmail.Address"),
	whole("CustomField"),
).ReadEvery(daily).IfOffered().
	About("templates: nothing here was posted, and ids are not those of transactions").
	Noted("*.RecurringInfo.RecurType", "Automated, Reminder or UnScheduled").
	Noted("*.RecurDataRef.value", "what the transactions that were made from the template carry").
	Holding(recurringLines)

var recurringLines = func() catalog.Child {
	c := lines("recurring_transaction", salesDetails, expenseDetails, journalDetail, depositDetail)
	c.Path, c.Again, c.Note = "*.Line", "GroupLineDetail.Line", grouped
	return c
}()
