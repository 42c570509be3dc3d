package quickbooks

import "github.com/countinghouse/countinghouse/shared/catalog"

// What a company buys, and what it pays its vendors.

// purchaseForm is what every order, bill and credit of a vendor has.
var purchaseForm = join(
	transaction,
	ref("VendorRef", "APAccountRef"),
	number("TotalAmt", "HomeTotalAmt"),
	taxed,
	address("VendorAddr"),
	whole("CustomField"),
)

// bought declares a vendor's form with its lines. People look for one by vendor and by date.
func bought(stream, one, many string, lines catalog.Child, columns ...[]catalog.Column) declaration {
	return entity(stream, one, many, append([][]catalog.Column{purchaseForm}, columns...)...).
		voided("TotalAmt").
		indexed("vendor_ref_value, txn_date", "txn_date").
		holding(lines, linkedTxns(one+"_linked_txns"), taxLines(one))
}

var purchaseOrder = bought("PurchaseOrder", "purchase_order", "purchase_orders",
	expenseLines("purchase_order", number("Received")),
	byWhom,
	text("POStatus", "Memo", "EmailStatus", "POEmail.Address"),
	flag("ManuallyClosed"),
	date("DueDate", "ShipDate"),
	ref("SalesTermRef", "ClassRef", "ShipMethodRef", "ShipTo"),
	address("ShipAddr"),
).optional().
	noted("POStatus", "Open or Closed").
	noted("Memo", "what the vendor reads; private_note is for the company")

var bill = bought("Bill", "bill", "bills", expenseLines("bill"),
	byWhom,
	date("DueDate"), ref("SalesTermRef"),
	number("Balance", "HomeBalance"),
	flag("IncludeInAnnualTPAR"),
).noted("Balance", "what is still to be paid")

var vendorCredit = bought("VendorCredit", "vendor_credit", "vendor_credits", expenseLines("vendor_credit"),
	number("Balance", "HomeBalance"),
	flag("IncludeInAnnualTPAR"),
).about("what vendors owe the company: amounts are positive").
	noted("Balance", "what is not yet applied to bills")

var billPayment = entity("BillPayment", "bill_payment", "bill_payments",
	transaction,
	ref("VendorRef", "APAccountRef"),
	number("TotalAmt", "HomeTotalAmt"),
	text("PayType"), flag("ProcessBillPayment"),
	under("CheckPayment", ref("BankAccountRef"), text("PrintStatus"), whole("CheckDetail"), address("PayeeAddr")),
	under("CreditCardPayment", ref("CCAccountRef"), whole("CCDetail")),
).voided("TotalAmt").indexed("vendor_ref_value, txn_date", "txn_date").
	noted("PayType", "Check or CreditCard: which account it was paid from").
	holding(appliedLines("bill_payment"), linkedTxns("bill_payment_linked_txns"))

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
).voided("TotalAmt").indexed("entity_ref_value, txn_date", "account_ref_value, txn_date", "txn_date").
	about("what is paid at once: checks, expenses, cards").
	noted("PaymentType", "Cash, Check or CreditCard").
	noted("Credit", "true: money given back to a card; null: not paid by card").
	noted("EntityRef.value", "null: nobody was named").
	holding(expenseLines("purchase"), linkedTxns("purchase_linked_txns"), taxLines("purchase"))

var cardPayment = entity("CreditCardPayment", "credit_card_payment", "credit_card_payments",
	transaction,
	number("Amount"),
	ref("CreditCardAccountRef", "BankAccountRef", "VendorRef"),
	text("CheckNum", "PrintStatus", "Memo"),
).voided("Amount").every(daily).optional().indexed("txn_date").
	about("what is paid to a card's account; answers call it CreditCardPaymentTxn")
