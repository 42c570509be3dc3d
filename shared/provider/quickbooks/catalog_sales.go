package quickbooks

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// What a company sells, and what its customers pay.

// transaction is what every transaction has.
var transaction = slices.Concat(
	text("DocNumber"),
	date("TxnDate"),
	ref("CurrencyRef"),
	number("ExchangeRate"),
	text("PrivateNote"),
	ref("DepartmentRef"),
	text("TransactionLocationType", "TxnSource"),
)

// saleForm is what every sales form has beside that.
var saleForm = slices.Concat(
	transaction,
	ref("CustomerRef"),
	number("TotalAmt", "HomeTotalAmt"),
	taxed,
	text("CustomerMemo.value"),
	ref("ClassRef", "ProjectRef", "TaxExemptionRef"),
	address("BillAddr", "ShipAddr", "ShipFromAddr"),
	flag("FreeFormAddress", "ApplyTaxAfterDiscount"),
	text("PrintStatus", "EmailStatus", "BillEmail.Address", "BillEmailCc.Address", "BillEmailBcc.Address"),
	number("DiscountRate", "DiscountAmt"),
	whole("CustomField"),
)

// shipped is how goods travel, and terms under which they are paid.
var shipped = slices.Concat(
	date("DueDate"), ref("SalesTermRef"),
	date("ShipDate"), ref("ShipMethodRef"), text("TrackingNum", "PONumber", "FOB"),
)

// delivered is how the form itself reached the customer.
var delivered = slices.Concat(text("DeliveryInfo.DeliveryType"), instant("DeliveryInfo.DeliveryTime"), text("DeliveryInfo.DeliveryErrorType"))

// received is how money came in, or went out again.
var received = slices.Concat(ref("PaymentMethodRef"), text("PaymentRefNum"), ref("DepositToAccountRef"))

// byWhom is the user who edited the object last: an id that nothing else in the copy explains.
var byWhom = text("MetaData.LastModifiedByRef.value")

// sale declares a sales form with its lines. People look for one by customer and by date.
func sale(stream, one, many string, columns ...[]catalog.Column) declare.Table {
	return entity(stream, one, many, append([][]catalog.Column{saleForm}, columns...)...).
		Voided("TotalAmt", "PrivateNote", "Voided").
		Indexed("customer_ref_value, txn_date", "txn_date").
		Holding(salesLines(one), linkedTxns(one+"_linked_txns"), taxLines(one))
}

var estimate = sale("Estimate", "estimate", "estimates",
	shipped, delivered,
	text("TxnStatus", "AcceptedBy"), date("AcceptedDate", "ExpirationDate"),
).Noted("TxnStatus", "Pending, Accepted, Closed, Rejected or Converted").
	Noted("DocNumber", "not unique: estimates repeat theirs")

var invoice = sale("Invoice", "invoice", "invoices",
	shipped, delivered, byWhom,
	number("Balance", "HomeBalance", "Deposit", "TotalCostAmount", "HomeTotalCostAmount", "LessCIS"),
	ref("DepositToAccountRef", "ARAccountRef"),
	flag("AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment", "AutoPayEligible", "SchedulePayEligible"),
	text("EInvoiceStatus", "InvoiceLink"), instant("ECloudStatusTimeStamp"),
	whole("ConvenienceFeeDetail", "TxnRetainageDetail"),
).Noted("Balance", "what is still to be paid").
	Noted("AllowOnlinePayment", "without effect: QuickBooks has given it up").
	Noted("InvoiceLink", "comes only when QuickBooks is asked for one invoice")

var creditMemo = sale("CreditMemo", "credit_memo", "credit_memos",
	shipped, delivered,
	number("Balance", "HomeBalance", "RemainingCredit"),
	ref("ARAccountRef", "InvoiceRef", "PaymentMethodRef"),
).Noted("RemainingCredit", "what is not yet applied to invoices")

var salesReceipt = sale("SalesReceipt", "sales_receipt", "sales_receipts",
	shipped, delivered, received,
	number("Balance", "HomeBalance"),
	whole("CreditCardPayment", "CheckPayment"),
).Noted("CustomerRef.value", "null: a sale to nobody in particular").
	Noted("Balance", "always 0: it was paid at once")

var refundReceipt = sale("RefundReceipt", "refund_receipt", "refund_receipts",
	shipped, delivered, received,
	number("Balance", "HomeBalance"),
	ref("ARAccountRef"),
	whole("CreditCardPayment", "CheckPayment"),
).About("money given back to customers: amounts are positive")

var payment = entity("Payment", "payment", "payments",
	transaction,
	ref("CustomerRef"),
	number("TotalAmt", "UnappliedAmt", "HomeTotalAmt"),
	received,
	ref("ARAccountRef", "ProjectRef", "TaxExemptionRef"),
	flag("ProcessPayment"),
	whole("CreditCardPayment", "CustomField"),
).Voided("TotalAmt", "PrivateNote", "Voided").Indexed("customer_ref_value, txn_date", "txn_date").
	Noted("TotalAmt", "0 also when only a credit memo was applied").
	Noted("UnappliedAmt", "what no line applies to anything").
	Holding(appliedLines("payment"), linkedTxns("payment_linked_txns"))

var reimburseCharge = entity("ReimburseCharge", "reimburse_charge", "reimburse_charges",
	transaction,
	ref("CustomerRef"),
	number("Amount", "HomeTotalAmt"),
	flag("HasBeenInvoiced"),
).ReadEvery(daily).IfOffered().Indexed("customer_ref_value, txn_date").
	About("expenses that are to be charged to a customer").
	Holding(lines("reimburse_charge", reimburseDetail), linkedTxns("reimburse_charge_linked_txns"))

var timeActivity = entity("TimeActivity", "time_activity", "time_activities",
	date("TxnDate"),
	text("NameOf", "Description", "TransactionLocationType"),
	ref("DepartmentRef", "EmployeeRef", "VendorRef", "OtherNameRef", "CustomerRef", "ItemRef", "ClassRef", "PayrollItemRef", "ProjectRef"),
	text("BillableStatus"), flag("Taxable"),
	number("HourlyRate", "CostRate"),
	integer("Hours", "Minutes", "Seconds", "BreakHours", "BreakMinutes"),
	instant("StartTime", "EndTime"),
	text("TimeZone"), flag("HoursInEmployeeTimeZone"),
).ReadEvery(twiceDaily).IfOffered().Indexed("customer_ref_value, txn_date", "employee_ref_value, txn_date").
	Noted("NameOf", "Employee, Vendor or Other: which reference says whose time it is").
	Noted("Hours", "whole hours of the duration, to which minutes and seconds are added; null: see start_time and end_time").
	Noted("HourlyRate", "what the customer is charged for an hour").
	Noted("CostRate", "what an hour costs the company").
	Noted("BillableStatus", "Billable, NotBillable or HasBeenBilled; may change without a new last_updated_time")
