package qbosim

var billEntity = &entity{
	name:        "Bill",
	totalCount:  true,
	cdc:         true,
	webhooks:    "CUD",
	showsEditor: true,
	properties: properties(`SalesTermRef DueDate VendorAddr Balance HomeBalance … CustomField DocNumber TxnDate DepartmentRef CurrencyRef
		ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail GlobalTaxCalculation VendorRef APAccountRef TotalAmt
		HomeTotalAmt TransactionLocationType IncludeInAnnualTPAR AttachableRef RecurringInfo RecurDataRef`),
	computed: properties(`… TotalAmt HomeTotalAmt Balance HomeBalance`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DueDate": dateKind, "DocNumber": textKind, "VendorRef": refKind, "SalesTermRef": refKind,
		"APAccountRef": refKind, "Balance": numberKind, "TotalAmt": numberKind,
	}),
	bare:   []string{"SalesTermRef"},
	write:  writeBill,
	posts:  postsBill,
	effect: followBill,
	revive: reviveBill,
	gen:    billGenerator,
}

var billPaymentEntity = &entity{
	name:       "BillPayment",
	totalCount: true,
	cdc:        true,
	void:       voidByUpdate,
	zero:       zeroPayment,
	webhooks:   "CUDV",
	properties: properties(`VendorRef APAccountRef PayType CheckPayment CreditCardPayment TotalAmt ProcessBillPayment … DocNumber TxnDate
		DepartmentRef CurrencyRef ExchangeRate PrivateNote Line TransactionLocationType`),
	computed: properties(`…`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "VendorRef": refKind, "TotalAmt": numberKind, "PayType": textKind,
	}),
	write:  writeBillPayment,
	posts:  postsBillPayment,
	effect: followBillPayment,
	revive: reviveBillPayment,
	gen:    billPaymentGenerator,
}

var purchaseEntity = &entity{
	name:     "Purchase",
	cdc:      true,
	zero:     zeroPurchase,
	webhooks: "CUDV",
	properties: properties(`AccountRef PaymentMethodRef PaymentType CheckPayment EntityRef Credit RemitToAddr TotalAmt PrintStatus PurchaseEx …
		CustomField DocNumber TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail
		GlobalTaxCalculation TransactionLocationType ProjectRef AttachableRef`),
	computed: properties(`… TotalAmt PurchaseEx`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "TotalAmt": numberKind, "PaymentType": textKind, "EntityRef": refKind,
	}),
	write:  writePurchase,
	posts:  postsPurchase,
	effect: followOrders,
	gen:    purchaseGenerator,
}

var purchaseOrderEntity = &entity{
	name:        "PurchaseOrder",
	totalCount:  true,
	cdc:         true,
	webhooks:    "CUDE",
	showsEditor: true,
	properties: properties(`VendorAddr ShipAddr POEmail EmailStatus POStatus ManuallyClosed … CustomField DocNumber TxnDate CurrencyRef
		ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail VendorRef APAccountRef TotalAmt ClassRef SalesTermRef
		DueDate ShipMethodRef ShipTo Memo GlobalTaxCalculation`),
	computed: properties(`… TotalAmt LinkedTxn`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "VendorRef": refKind, "TotalAmt": numberKind,
	}),
	bare:  []string{"SalesTermRef"},
	write: writePurchaseOrder,
	gen:   orderGenerator,
}

var vendorCreditEntity = &entity{
	name:       "VendorCredit",
	totalCount: true,
	cdc:        true,
	webhooks:   "CUD",
	properties: properties(`VendorAddr Balance … CustomField DocNumber TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote LinkedTxn
		Line TxnTaxDetail VendorRef APAccountRef TotalAmt GlobalTaxCalculation TransactionLocationType`),
	computed: properties(`… TotalAmt Balance LinkedTxn`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "VendorRef": refKind, "TotalAmt": numberKind,
	}),
	write: writeVendorCredit,
	posts: postsVendorCredit,
	gen:   vendorCreditGenerator,
}

// creditCardPaymentEntity has three names: in paths and statements, in JSON, and its own.
var creditCardPaymentEntity = &entity{
	name:       "CreditCardPayment",
	queried:    "creditcardpayment",
	key:        "CreditCardPaymentTxn",
	totalCount: true,
	properties: properties(`CreditCardAccountRef BankAccountRef Amount … DocNumber TxnDate CurrencyRef PrivateNote VendorRef CheckNum
		PrintStatus Memo`),
	computed: properties(`…`),
	filters:  filters(map[string]kind{"TxnDate": dateKind, "Amount": numberKind}),
	write:    writeCreditCardPayment,
	posts: func(o *object) []posting {
		return moveMoney(o, "BankAccountRef", "CreditCardAccountRef")
	},
	gen: cardPaymentGenerator,
}
