package qbosim

var timeActivityEntity = &entity{
	name:     "TimeActivity",
	webhooks: "CUD",
	properties: properties(`TxnDate NameOf EmployeeRef VendorRef OtherNameRef CustomerRef DepartmentRef ItemRef ClassRef PayrollItemRef
		ProjectRef BillableStatus Taxable HourlyRate CostRate Hours Minutes Seconds BreakHours BreakMinutes StartTime
		EndTime TimeZone Description TransactionLocationType HoursInEmployeeTimeZone …`),
	computed: properties(`…`),
	filters: filters(map[string]kind{
		"TxnDate": dateKind, "EmployeeRef": refKind, "VendorRef": refKind, "CustomerRef": refKind, "BillableStatus": textKind,
	}),
	write: writeTimeActivity,
	gen:   timeGenerator,
}

var reimburseChargeEntity = &entity{
	name:       "ReimburseCharge",
	readOnly:   true,
	properties: properties(`HasBeenInvoiced Amount HomeTotalAmt … TxnDate CurrencyRef ExchangeRate LinkedTxn Line CustomerRef PrivateNote`),
	computed:   properties(`… LinkedTxn`),
	filters:    filters(map[string]kind{"TxnDate": dateKind, "CustomerRef": refKind, "HasBeenInvoiced": boolKind}),
	write:      writeReimburseCharge,
	gen:        chargeGenerator,
}

// recurringTransactionEntity wraps templates of other transactions: {"Invoice":{…}}.
var recurringTransactionEntity = &entity{
	name:    "RecurringTransaction",
	wrapped: true,
	properties: properties(`Invoice Bill Estimate SalesReceipt CreditMemo RefundReceipt Purchase PurchaseOrder VendorCredit JournalEntry
		Deposit Transfer`),
	computed: properties(`… TotalAmt Balance`),
	filters:  filters(nil),
	write:    writeRecurringTransaction,
	gen:      recurringGenerator,
}

var attachableEntity = &entity{
	name: "Attachable",
	properties: properties(`FileName FileAccessUri TempDownloadUri ThumbnailFileAccessUri ThumbnailTempDownloadUri Size ContentType Category
		Lat Long PlaceName Note Tag … AttachableRef CustomField`),
	computed: properties(`… FileAccessUri TempDownloadUri ThumbnailFileAccessUri ThumbnailTempDownloadUri Size`),
	filters:  filters(map[string]kind{"FileName": textKind, "Note": textKind, "ContentType": textKind}),
	write:    writeAttachable,
	gen:      attachableGenerator,
}
