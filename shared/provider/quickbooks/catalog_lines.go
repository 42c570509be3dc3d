package quickbooks

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// The arrays that transactions hold, and the kinds of lines. An element of Line has one detail
// object, whose key is the line's DetailType (but DescriptionLineDetail's is DescriptionOnly).

// line is what every line has.
var line = slices.Concat(
	text("Id"), integer("LineNum"), text("DetailType", "Description"), number("Amount"), ref("ProjectRef"),
)

const renumbered = "QuickBooks renumbers Id when a transaction is edited"

// lines is the table of the lines of one entity, each with the transactions that it is linked to.
func lines(one string, columns ...[]catalog.Column) catalog.Child {
	return catalog.Child{
		Path: "Line", Name: one + "_lines", View: one + "_lines", Note: renumbered,
		Columns:  slices.Concat(append([][]catalog.Column{line}, columns...)...),
		Children: []catalog.Child{linkedTxns(one + "_line_linked_txns")},
	}
}

// salesLines is the lines of a sales form, of every detail type; a group's own lines nest below it.
func salesLines(one string) catalog.Child {
	c := lines(one, salesDetails)
	c.Again = "GroupLineDetail.Line"
	c.Note = grouped
	c.Indexes = []string{"sales_item_line_detail_item_ref_value"}
	return c
}

const grouped = "positions count through the whole form; parent_position is that of the group line a line belongs to. " +
	"QuickBooks renumbers Id when a form is edited"

// expenseLines is the lines of what is bought: on an account or of an item.
func expenseLines(one string, more ...[]catalog.Column) catalog.Child {
	c := lines(one, append([][]catalog.Column{expenseDetails}, more...)...)
	c.Indexes = []string{"account_based_expense_line_detail_account_ref_value", "item_based_expense_line_detail_item_ref_value"}
	return c
}

// appliedLines is what a payment was applied to. Its lines have no id of their own.
func appliedLines(one string) catalog.Child {
	return catalog.Child{
		Path: "Line", Name: one + "_lines", View: one + "_lines",
		Note:     "what a payment was applied to; none when it is wholly unapplied or voided",
		Columns:  slices.Concat(text("Id"), integer("LineNum"), text("Description"), number("Amount"), whole("LineEx")),
		Children: []catalog.Child{linkedTxns(one + "_line_linked_txns")},
	}
}

var salesDetails = slices.Concat(
	under("SalesItemLineDetail",
		ref("ItemRef", "ItemAccountRef", "ClassRef", "TaxCodeRef", "PriceLevelRef", "UOMRef", "TaxClassificationRef", "InventorySiteRef"),
		number("Qty", "UnitPrice", "RatePercent", "DiscountRate", "DiscountAmt", "TaxInclusiveAmt", "UnitCostPrice", "RetainageAmount"),
		date("ServiceDate"), flag("DeferredRevenue")),
	markup("SalesItemLineDetail"),
	under("GroupLineDetail", ref("GroupItemRef", "UOMRef"), number("Quantity"), date("ServiceDate")),
	under("DescriptionLineDetail", ref("TaxCodeRef"), date("ServiceDate")),
	under("DiscountLineDetail",
		flag("PercentBased"), number("DiscountPercent"), ref("DiscountAccountRef", "DiscountRef", "ClassRef", "TaxCodeRef"), date("ServiceDate")),
	under("SubTotalLineDetail", ref("ItemRef"), date("ServiceDate")),
	number("CostAmount", "HomeCostAmount"),
)

var expenseDetails = slices.Concat(
	under("AccountBasedExpenseLineDetail",
		ref("AccountRef", "CustomerRef", "ClassRef"), text("BillableStatus"), ref("TaxCodeRef"), number("TaxAmount", "TaxInclusiveAmt")),
	markup("AccountBasedExpenseLineDetail"),
	under("ItemBasedExpenseLineDetail",
		ref("ItemRef", "ItemAccountRef", "CustomerRef", "ClassRef"), number("Qty", "UnitPrice"), text("BillableStatus"),
		ref("TaxCodeRef", "PriceLevelRef", "UOMRef"), number("TaxInclusiveAmt")),
	markup("ItemBasedExpenseLineDetail"),
)

var journalDetail = under("JournalEntryLineDetail",
	text("PostingType"), ref("AccountRef"), text("Entity.Type"), ref("Entity.EntityRef", "ClassRef", "DepartmentRef", "TaxCodeRef", "TaxRateRef"),
	text("TaxApplicableOn"), number("TaxAmount", "TaxInclusiveAmt"), text("BillableStatus"), ref("JournalCodeRef"),
)

var depositDetail = under("DepositLineDetail",
	party("Entity"), ref("AccountRef", "ClassRef", "PaymentMethodRef"), text("CheckNum", "TxnType"), ref("TaxCodeRef"), text("TaxApplicableOn"),
)

var reimburseDetail = slices.Concat(
	under("ReimburseLineDetail",
		ref("ItemRef", "ItemAccountRef", "ClassRef", "TaxCodeRef", "PriceLevelRef", "UOMRef"), number("Qty", "UnitPrice", "TaxInclusiveAmt"), date("ServiceDate")),
	markup("ReimburseLineDetail"),
)

var adjustmentDetail = under("ItemAdjustmentLineDetail", ref("ItemRef", "ClassRef"), number("QtyDiff", "NewQty", "SalesPrice"))

// markup is what is charged to a customer on top of a cost.
func markup(detail string) []catalog.Column {
	at := detail + ".MarkupInfo"
	short := catalog.Snake(detail) + "_markup_"
	return slices.Concat(
		under(at, flag("PercentBased"), number("Value", "Percent")),
		named(short+"price_level_ref", under(at, ref("PriceLevelRef"))),
		named(short+"account_ref", under(at, ref("MarkUpIncomeAccountRef"))),
	)
}

// taxed is what a transaction says of its tax as a whole.
var taxed = slices.Concat(
	id("TxnTaxDetail.TxnTaxCodeRef"), number("TxnTaxDetail.TotalTax"), flag("TxnTaxDetail.UseAutomatedSalesTax"), text("GlobalTaxCalculation"),
)

func taxLines(one string) catalog.Child {
	return catalog.Child{
		Path: "TxnTaxDetail.TaxLine", Name: one + "_tax_lines",
		Columns: slices.Concat(text("Id"), integer("LineNum"), text("DetailType"), number("Amount"),
			under("TaxLineDetail", ref("TaxRateRef"), flag("PercentBased"),
				number("TaxPercent", "NetAmountTaxable", "TaxInclusiveAmount", "OverrideDeltaAmount"))),
	}
}

func linkedTxns(table string) catalog.Child {
	return catalog.Child{
		Path: "LinkedTxn", Name: table,
		Note:    "TxnType is not always an entity's name: Check, Expense and CreditCardCredit are Purchases",
		Columns: text("TxnId", "TxnType", "TxnLineId"),
	}
}
