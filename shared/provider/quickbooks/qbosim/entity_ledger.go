package qbosim

import "strings"

var journalEntryEntity = &entity{
	name:       "JournalEntry",
	totalCount: true,
	cdc:        true,
	webhooks:   "CUD",
	properties: properties(`Adjustment HomeCurrencyAdjustment EnteredInHomeCurrency TotalAmt HomeTotalAmt … DocNumber TxnDate CurrencyRef
		ExchangeRate PrivateNote Line TxnTaxDetail GlobalTaxCalculation JournalCodeRef TransactionLocationType AttachableRef`),
	computed: properties(`… TotalAmt`),
	filters:  filters(map[string]kind{"TxnDate": dateKind, "DocNumber": textKind}),
	write:    writeJournalEntry,
	posts:    postsJournalEntry,
	gen:      journalGenerator,
}

var depositEntity = &entity{
	name:       "Deposit",
	totalCount: true,
	cdc:        true,
	webhooks:   "CUD",
	properties: properties(`DepositToAccountRef CashBack TotalAmt HomeTotalAmt … TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote
		TxnSource Line TxnTaxDetail GlobalTaxCalculation AttachableRef TransactionLocationType`),
	computed: properties(`… TotalAmt`),
	filters:  filters(map[string]kind{"TxnDate": dateKind, "TotalAmt": numberKind}),
	bare:     []string{"PaymentMethodRef"},
	write:    writeDeposit,
	posts:    postsDeposit,
	effect:   followDeposit,
	revive:   reviveDeposit,
	gen:      depositGenerator,
}

var transferEntity = &entity{
	name:     "Transfer",
	cdc:      true,
	zero:     func(o *object) { o.setCents("Amount", 0) },
	webhooks: "CUDV",
	properties: properties(`FromAccountRef ToAccountRef Amount … TxnDate CurrencyRef ExchangeRate PrivateNote ClassRef
		TransactionLocationType`),
	computed: properties(`…`),
	filters:  filters(map[string]kind{"TxnDate": dateKind, "Amount": numberKind}),
	write:    writeTransfer,
	posts:    func(o *object) []posting { return moveMoney(o, "FromAccountRef", "ToAccountRef") },
	gen:      transferGenerator,
}

// inventoryAdjustmentEntity shows the day of its last update, and nothing else of its times.
var inventoryAdjustmentEntity = &entity{
	name:       "InventoryAdjustment",
	properties: properties(`AdjustAccountRef … DocNumber TxnDate DepartmentRef PrivateNote Line CustomerRef`),
	computed:   properties(`…`),
	filters:    filters(map[string]kind{"TxnDate": dateKind, "DocNumber": textKind}),
	unusual: func(o *object) {
		day, _, _ := strings.Cut(o.text("MetaData", "LastUpdatedTime"), "T")
		o.set("MetaData", obj("LastUpdatedTime", day))
	},
	bare:  []string{"ItemRef"},
	write: writeInventoryAdjustment,
	posts: postsInventoryAdjustment,
	gen:   adjustmentGenerator,
}
