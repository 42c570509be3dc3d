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
	computed: properties(`InvoiceLink … TotalAmt HomeTotalAmt Balance HomeBalance DeliveryInfo FreeFormAddress`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DueDate": dateKind, "DocNumber": textKind, "CustomerRef": refKind, "SalesTermRef": refKind,
		"Balance": numberKind, "TotalAmt": numberKind,
	}),
	showsEditor: true,
	alone:       addInvoiceLink,
	write:       writeInvoice,
	effect:      postInvoice,
	revive:      reviveInvoice,
	webhooks:    "CUDVE",
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
	frozen:   deposited,
	write:    writePayment,
	effect:   postPayment,
	revive:   revivePayment,
	webhooks: "CUDVE",
}

// saleProperties are what the forms beside the invoice share.
const saleProperties = ` … CustomField DocNumber TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote TxnStatus LinkedTxn Line
	TxnTaxDetail CustomerRef CustomerMemo BillAddr ShipAddr FreeFormAddress ShipFromAddr ClassRef SalesTermRef DueDate
	ShipMethodRef ShipDate TrackingNum GlobalTaxCalculation TotalAmt HomeTotalAmt ApplyTaxAfterDiscount TemplateRef
	PrintStatus EmailStatus BillEmail BillEmailCc BillEmailBcc ARAccountRef Balance HomeBalance DeliveryInfo
	TaxExemptionRef DiscountRate DiscountAmt ProjectRef TransactionLocationType AttachableRef RecurDataRef `

var creditMemoEntity = &entity{
	name:       "CreditMemo",
	cdc:        true,
	zero:       zeroSale,
	webhooks:   "CUDVE",
	properties: properties(`RemainingCredit InvoiceRef PaymentMethodRef` + saleProperties),
	computed:   properties(`RemainingCredit … LinkedTxn TotalAmt HomeTotalAmt Balance HomeBalance DeliveryInfo FreeFormAddress`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "CustomerRef": refKind, "Balance": numberKind, "TotalAmt": numberKind,
	}),
	write: writeCreditMemo,
	posts: postsCreditMemo,
	gen:   memoGenerator,
}

var salesReceiptEntity = &entity{
	name:       "SalesReceipt",
	cdc:        true,
	void:       voidByUpdate,
	zero:       zeroSale,
	webhooks:   "CUDVE",
	properties: properties(saleProperties + `PaymentMethodRef PaymentRefNum CreditCardPayment DepositToAccountRef`),
	computed:   properties(`… LinkedTxn TotalAmt HomeTotalAmt Balance HomeBalance DeliveryInfo FreeFormAddress`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "CustomerRef": refKind, "TotalAmt": numberKind,
	}),
	frozen: deposited,
	write:  writeSalesReceipt,
	posts:  postsSalesReceipt,
	revive: leaveDeposit,
	gen:    receiptGenerator,
}

var refundReceiptEntity = &entity{
	name:       "RefundReceipt",
	totalCount: true,
	cdc:        true,
	zero:       zeroSale,
	webhooks:   "CUDVE",
	properties: properties(saleProperties + `PaymentMethodRef PaymentRefNum CheckPayment CreditCardPayment DepositToAccountRef`),
	computed:   properties(`… LinkedTxn TotalAmt HomeTotalAmt Balance HomeBalance DeliveryInfo FreeFormAddress`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "CustomerRef": refKind, "TotalAmt": numberKind,
	}),
	write: writeRefundReceipt,
	posts: postsRefundReceipt,
	gen:   refundGenerator,
}

var estimateEntity = &entity{
	name:       "Estimate",
	cdc:        true,
	webhooks:   "CUDE",
	properties: properties(saleProperties + `ExpirationDate AcceptedBy AcceptedDate`),
	computed:   properties(`… LinkedTxn TotalAmt HomeTotalAmt DeliveryInfo FreeFormAddress`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "DocNumber": textKind, "CustomerRef": refKind, "TotalAmt": numberKind, "TxnStatus": textKind,
	}),
	write: writeEstimate,
	gen:   estimateGenerator,
}
