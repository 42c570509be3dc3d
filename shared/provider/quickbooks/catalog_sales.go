package quickbooks

import "github.com/countinghouse/countinghouse/shared/catalog"

var invoice = with(indexed(entity("Invoice", "invoice", "invoices",
	text("DocNumber"),
	date("TxnDate", "DueDate"),
	ref("CustomerRef"),
	number("TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance", "Deposit", "ExchangeRate"),
	ref("CurrencyRef"),
	text("TxnTaxDetail.TxnTaxCodeRef.value"),
	number("TxnTaxDetail.TotalTax"),
	text("GlobalTaxCalculation", "PrivateNote", "CustomerMemo.value"),
	ref("SalesTermRef", "ClassRef", "DepartmentRef", "ProjectRef", "DepositToAccountRef", "ARAccountRef", "TaxExemptionRef"),
	address("BillAddr", "ShipAddr"),
	flag("FreeFormAddress", "ApplyTaxAfterDiscount"),
	date("ShipDate"),
	ref("ShipMethodRef"),
	text("TrackingNum", "PONumber", "PrintStatus", "EmailStatus", "BillEmail.Address", "BillEmailCc.Address",
		"BillEmailBcc.Address", "DeliveryInfo.DeliveryType"),
	instant("DeliveryInfo.DeliveryTime"),
	flag("AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment"),
	text("TransactionLocationType", "TxnSource", "EInvoiceStatus"),
	whole("CustomField"),
), "customer_ref_value, txn_date", "txn_date"),
	salesLines("invoice"),
	linkedTxns("invoice_linked_txns"),
	taxLines("invoice"),
)

var payment = with(indexed(entity("Payment", "payment", "payments",
	date("TxnDate"),
	ref("CustomerRef"),
	number("TotalAmt", "UnappliedAmt", "HomeTotalAmt", "ExchangeRate"),
	ref("CurrencyRef", "DepositToAccountRef", "PaymentMethodRef", "ARAccountRef", "ProjectRef", "TaxExemptionRef"),
	text("PaymentRefNum", "PrivateNote", "TransactionLocationType", "TxnSource"),
	flag("ProcessPayment"),
	whole("CreditCardPayment", "CustomField"),
), "customer_ref_value, txn_date", "txn_date"),
	catalog.Child{
		Path: "Line", Name: "payment_lines", View: "payment_lines",
		Note:     "what a payment was applied to; none when it is wholly unapplied or voided",
		Columns:  join(text("Id"), integer("LineNum"), text("Description"), number("Amount"), whole("LineEx")),
		Children: []catalog.Child{linkedTxns("payment_line_linked_txns")},
	},
	linkedTxns("payment_linked_txns"),
)

// salesLines is the lines of a sales form, of every detail type; a group's own lines nest below it.
func salesLines(one string) catalog.Child {
	return catalog.Child{
		Path: "Line", Name: one + "_lines", Again: "GroupLineDetail.Line", View: one + "_lines",
		Note: "positions count through the whole form; parent_position is that of the group line a line belongs to. " +
			"QuickBooks renumbers Id when a form is edited",
		Columns: join(
			text("Id"), integer("LineNum"), text("DetailType", "Description"), number("Amount"),
			detail("SalesItemLineDetail",
				ref("ItemRef", "ItemAccountRef", "ClassRef", "TaxCodeRef", "PriceLevelRef", "UOMRef", "TaxClassificationRef"),
				number("Qty", "UnitPrice", "RatePercent", "DiscountRate", "DiscountAmt", "TaxInclusiveAmt"),
				date("ServiceDate")),
			detail("GroupLineDetail", ref("GroupItemRef", "UOMRef"), number("Quantity"), date("ServiceDate")),
			detail("DescriptionLineDetail", ref("TaxCodeRef"), date("ServiceDate")),
			detail("DiscountLineDetail",
				flag("PercentBased"), number("DiscountPercent"), ref("DiscountAccountRef", "DiscountRef", "ClassRef", "TaxCodeRef")),
			detail("SubTotalLineDetail", ref("ItemRef")),
			ref("ProjectRef"),
		),
		Children: []catalog.Child{linkedTxns(one + "_line_linked_txns")},
		Indexes:  []string{"sales_item_line_detail_item_ref_value"},
	}
}

func taxLines(one string) catalog.Child {
	return catalog.Child{
		Path: "TxnTaxDetail.TaxLine", Name: one + "_tax_lines",
		Columns: join(text("Id"), integer("LineNum"), text("DetailType"), number("Amount"),
			detail("TaxLineDetail", ref("TaxRateRef"), flag("PercentBased"),
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

// detail puts the columns under a line's detail object.
func detail(under string, groups ...[]catalog.Column) []catalog.Column {
	all := join(groups...)
	for i := range all {
		all[i].Path = under + "." + all[i].Path
	}
	return all
}

func with(t catalog.Table, children ...catalog.Child) catalog.Table {
	t.Children = children
	return t
}
