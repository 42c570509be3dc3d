package qbosim

var invoiceEntity = &entity{
	name:       "Invoice",
	totalCount: true,
	cdc:        true,
	void:       voidByName,
	zero:       zeroInvoice,
	properties: properties(`AllowIPNPayment AllowOnlinePayment AllowOnlineCreditCardPayment AllowOnlineACHPayment
		InvoiceLink EInvoiceStatus ECloudStatusTimeStamp … CustomField DocNumber TxnDate DepartmentRef CurrencyRef
		ExchangeRate PrivateNote LinkedTxn Line TxnTaxDetail CustomerRef CustomerMemo BillAddr ShipAddr
		FreeFormAddress ShipFromAddr ClassRef SalesTermRef DueDate ShipMethodRef ShipDate TrackingNum
		GlobalTaxCalculation TotalAmt HomeTotalAmt ApplyTaxAfterDiscount TemplateRef PrintStatus EmailStatus BillEmail
		BillEmailCc BillEmailBcc ARAccountRef Balance HomeBalance DeliveryInfo TaxExemptionRef Deposit
		DepositToAccountRef PaymentMethodRef PaymentRefNum DiscountRate DiscountAmt ProjectRef RecurDataRef
		TxnSource TxnStatus TaxFormType TaxFormNum TransactionLocationType Tag TxnApprovalInfo AttachableRef
		PONumber FOB SalesRepRef AutoDocNumber AutoPayEligible SchedulePayEligible ConvenienceFeeDetail LessCIS
		TxnRetainageDetail InvoiceEx RecurringInfo RemitToRef PaymentDetailsMessage CustomExtensions`),
	computed: properties(`InvoiceLink … LinkedTxn TotalAmt HomeTotalAmt Balance HomeBalance DeliveryInfo FreeFormAddress`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DueDate": dateKind, "DocNumber": textKind, "CustomerRef": refKind, "SalesTermRef": refKind,
		"Balance": numberKind, "TotalAmt": numberKind,
	}),
	showsEditor: true,
	alone:       addInvoiceLink,
	write:       writeInvoice,
	effect:      postInvoice,
}

var paymentEntity = &entity{
	name: "Payment",
	cdc:  true,
	void: voidByUpdate,
	zero: zeroPayment,
	properties: properties(`CustomerRef ARAccountRef DepositToAccountRef PaymentMethodRef PaymentRefNum CreditCardPayment
		TotalAmt UnappliedAmt ProcessPayment … CustomField TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote
		LinkedTxn Line TaxExemptionRef ProjectRef TxnSource TxnStatus TransactionLocationType AttachableRef Tag
		PaymentEx`),
	computed: properties(`… UnappliedAmt LinkedTxn`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "CustomerRef": refKind, "PaymentMethodRef": refKind, "TotalAmt": numberKind,
	}),
	frozen: depositedPayment,
	write:  writePayment,
	effect: postPayment,
}
