package quickbooks

import (
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Provider is QuickBooks Online's name in connections, ticks and the database.
const Provider org.Provider = "quickbooks"

// Catalog returns the tables of a QuickBooks company, in the order in which a first load reads them:
// lists before the transactions that refer to them, small before large. [About] says what holds for all.
func Catalog() []catalog.Table {
	return declare.Tables(
		companyInfo, preferences, companyCurrency, journalCode, paymentMethod, term, customerType, department, class,
		taxAgency, taxRate, taxCode, account, employee, vendor, item, customer, exchangeRate, budget,
		recurringTransaction, inventoryAdjustment, transfer, cardPayment, vendorCredit, refundReceipt, creditMemo,
		purchaseOrder, estimate, reimburseCharge, timeActivity, journalEntry, bill, billPayment, purchase,
		salesReceipt, invoice, payment, deposit, attachable,
	)
}

// activePath is what tells a list from a transaction: only lists have it, and hide their inactive
// objects unless a query asks for them.
const activePath = "Active"

// IsList reports whether t is a name list: its objects can be made inactive, and a query leaves
// those out unless it asks for them.
func IsList(t *catalog.Table) bool {
	for _, c := range t.Columns {
		if c.Path == activePath {
			return true
		}
	}
	return false
}
