package quickbooks

// hasWebhooks are the entities whose changes webhooks tell of, as the developer portal lists them.
var hasWebhooks = map[string]bool{
	"Account": true, "Bill": true, "BillPayment": true, "Budget": true, "ChangeOrder": true, "Class": true,
	"CompanyCurrency": true, "CreditMemo": true, "Currency": true, "Customer": true, "Department": true,
	"Deposit": true, "Employee": true, "Estimate": true, "Invoice": true, "Item": true, "JournalCode": true,
	"JournalEntry": true, "Payment": true, "PaymentMethod": true, "Preferences": true, "Purchase": true,
	"PurchaseOrder": true, "RefundReceipt": true, "SalesReceipt": true, "TaxAgency": true, "Term": true,
	"TimeActivity": true, "Transfer": true, "Vendor": true, "VendorCredit": true,
}

// HasWebhooks reports whether webhooks tell of a stream's changes, as far as the app's owner has
// subscribed to them. Changes that follow from others, such as a balance, are not promised for any.
//
// Source: Intuit, Webhooks, the list of entities and operations to subscribe to.
func HasWebhooks(stream string) bool { return hasWebhooks[stream] }
