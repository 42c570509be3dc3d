package quickbooks

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// What a company buys, and what it pays its vendors.

// purchaseForm is what every order, bill and credit of a vendor has.
var purchaseForm = slices.Concat(
	transaction,
	ref("VendorRef", "APAccountRef"),
	number("TotalAmt", "HomeTotalAmt"),
	taxed,
	address("VendorAddr"),
	whole("CustomField"),
)

// bought declares a vendor's form with its lines. People look for one by vendor and by date.
func bought(stream, one, many string, lines catalog.Child, columns ...[]catalog.Column) declare.Table {
	return entity(stream, one, many, append([][]catalog.Column{purchaseForm}, columns...)...).
		Voided("TotalAmt", "PrivateNote", "Voided").
		Indexed("vendor_ref_value, txn_date", "txn_date").
		Holding(lines, linkedTxns(one+"_linked_txns"), taxLines(one))
}

var purchaseOrder = bought("PurchaseOrder", "purchase_order", "purchase_orders",
	expenseLines("purchase_order", number("Received")),
	byWhom,
	text("POStatus", "Memo", "EmailStatus", "POEmail.Address"),
	flag("ManuallyClosed"),
	date("DueDate", "ShipDate"),
	ref("SalesTermRef", "ClassRef", "ShipMethodRef", "ShipTo"),
	address("ShipAddr"),
).IfOffered().
	Noted("POStatus", "Open or Closed").
	Noted("Memo", "what the vendor reads; private_note is for the company")

var bill = bought("Bill", "bill", "bills", expenseLines("bill"),
	byWhom,
	date("DueDate"), ref("SalesTermRef"),
	number("Balance", "HomeBalance"),
	flag("IncludeInAnnualTPAR"),
).Noted("Balance", "what is still to be paid")

var vendorCredit = bought("VendorCredit", "vendor_credit", "vendor_credits", expenseLines("vendor_credit"),
	number("Balance", "HomeBalance"),
	flag("IncludeInAnnualTPAR"),
).About("what vendors owe the company: amounts are positive").
	Noted("Balance", "what is not yet applied to bills")

var billPayment = entity("BillPayment", "bill_payment", "bill_payments",
	transaction,
	ref("VendorRef", "APAccountRef"),
	number("TotalAmt", "HomeTotalAmt"),
	text("PayType"), flag("ProcessBillPayment"),
	under("CheckPayment", ref("BankAccountRef"), text("PrintStatus"), whole("CheckDetail"), address("PayeeAddr")),
	under("CreditCardPayment", ref("CCAccountRef"), whole("CCDetail")),
).Voided("TotalAmt", "PrivateNote", "Voided").Indexed("vendor_ref_value, txn_date", "txn_date").
	Noted("PayType", "Check or CreditCard: which account it was paid from").
	Holding(appliedLines("bill_payment"), linkedTxns("bill_payment_linked_txns"))

var purchase = entity("Purchase", "purchase", "purchases",
	transaction,
	text("PaymentType"), flag("Credit"),
	ref("AccountRef"), party("EntityRef"),
	number("TotalAmt", "HomeTotalAmt"),
	taxed,
	ref("PaymentMethodRef", "ProjectRef"), text("PaymentRefNum", "PrintStatus"),
	address("RemitToAddr"),
	flag("IncludeInAnnualTPAR"),
	whole("PurchaseEx", "CustomField"),
).Voided("TotalAmt", "PrivateNote", "Voided").Indexed("entity_ref_value, txn_date", "account_ref_value, txn_date", "txn_date").
	About("what is paid at once: checks, expenses, cards").
	Noted("PaymentType", "Cash, Check or CreditCard").
	Noted("Credit", "true: money given back to a card; null: not paid by card").
	Noted("EntityRef.value", "null: nobody was named").
	Holding(expenseLines("purchase"), linkedTxns("purchase_linked_txns"), taxLines("purchase"))

var cardPayment = entity("CreditCardPayment", "credit_card_payment", "credit_card_payments",
	transaction,
	number("Amount"),
	ref("CreditCardAccountRef", "BankAccountRef", "VendorRef"),
	text("CheckNum", "PrintStatus", "Memo"),
).Voided("Amount", "PrivateNote", "Voided").ReadEvery(daily).IfOffered().Indexed("txn_date").
	About("what is paid to a card's account; answers call it CreditCardPaymentTxn")
