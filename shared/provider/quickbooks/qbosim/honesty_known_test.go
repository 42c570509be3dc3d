package qbosim_test

import "strings"

// everyEntity is all that the simulator knows.
var everyEntity = strings.Fields(`CompanyInfo Preferences CompanyCurrency ExchangeRate Account Class Department Term PaymentMethod
	CustomerType JournalCode TaxAgency TaxRate TaxCode Customer Vendor Employee Item Budget Invoice Payment CreditMemo SalesReceipt
	RefundReceipt Estimate Bill BillPayment Purchase PurchaseOrder VendorCredit CreditCardPayment JournalEntry Deposit Transfer
	InventoryAdjustment TimeActivity ReimburseCharge RecurringTransaction Attachable`)

// documented is what Intuit's API reference describes and no recording happens to hold.
var documented = map[string][]string{
	"Invoice": {
		".ExchangeRate number", ".HomeTotalAmt number", ".HomeBalance number", ".CustomField[].StringValue string",
		".Line[].DescriptionLineDetail object", ".Line[].GroupLineDetail object", ".Line[].GroupLineDetail.Quantity number",
		".Line[].GroupLineDetail.GroupItemRef object", ".Line[].GroupLineDetail.GroupItemRef.value string",
		".Line[].GroupLineDetail.GroupItemRef.name string", ".Line[].GroupLineDetail.Line array",
	},
	"Payment":       {".ExchangeRate number"},
	"Item":          {".SubItem bool", ".ParentRef object", ".ParentRef.value string", ".ParentRef.name string", ".Level number"},
	"CompanyInfo":   {".DefaultTimeZone string"},
	"Vendor":        {".BillRate number"},
	"Department":    {".ParentRef object", ".ParentRef.value string"},
	"CreditMemo":    {".ExchangeRate number", ".HomeTotalAmt number", ".HomeBalance number"},
	"Estimate":      {".ExpirationDate string", ".DeliveryInfo.DeliveryTime string"},
	"SalesReceipt":  {".FreeFormAddress bool", ".PrivateNote string", ".TxnTaxDetail.TaxLine array"},
	"RefundReceipt": {".FreeFormAddress bool", ".PrivateNote string", ".CurrencyRef object", ".CurrencyRef.value string", ".CurrencyRef.name string", ".EmailStatus string"},
	"Bill":          {".DocNumber string", ".DepartmentRef object", ".DepartmentRef.value string", ".DepartmentRef.name string"},
	"VendorCredit":  {".Balance number", ".CurrencyRef object", ".CurrencyRef.value string", ".CurrencyRef.name string", ".Line[].CustomExtensions array", ".DocNumber string"},
	"Purchase":      {".PrivateNote string"},
	"Attachable":    {".Note string"},
	"Transfer": {
		" object", ".TxnDate string", ".Amount number", ".FromAccountRef object", ".FromAccountRef.value string", ".FromAccountRef.name string",
		".ToAccountRef object", ".ToAccountRef.value string", ".ToAccountRef.name string", ".PrivateNote string",
		".CurrencyRef object", ".CurrencyRef.value string", ".CurrencyRef.name string", ".domain string", ".sparse bool", ".Id string", ".SyncToken string",
		".MetaData object", ".MetaData.CreateTime string", ".MetaData.LastUpdatedTime string",
	},
}

// documentedOf is what the reference says of whole families: tax, classes, new keys of lines.
func documentedOf(entity string) []string {
	ref := func(path string) []string {
		return []string{path + " object", path + ".value string", path + ".name string"}
	}
	var out []string
	switch entity {
	case "CreditMemo", "SalesReceipt", "RefundReceipt", "Estimate", "Invoice":
		detail := ".Line[].SalesItemLineDetail"
		out = append(ref(detail+".ItemAccountRef"), ref(detail+".ClassRef")...)
		for _, addr := range []string{".BillAddr", ".ShipAddr"} {
			out = append(out, addr+" object")
			for _, key := range []string{"Id", "Line1", "City", "CountrySubDivisionCode", "PostalCode", "Lat", "Long"} {
				out = append(out, addr+"."+key+" string")
			}
		}
		out = append(out, ".Line[].CustomExtensions array", ".Line[].Description string", ".CustomField[].StringValue string", ".BillEmail object", ".BillEmail.Address string")
		tax := ".TxnTaxDetail.TaxLine[]"
		out = append(out, ".TxnTaxDetail.TxnTaxCodeRef object", ".TxnTaxDetail.TxnTaxCodeRef.value string", ".TxnTaxDetail.TaxLine array",
			tax+" object", tax+".Amount number", tax+".DetailType string", tax+".TaxLineDetail object", tax+".TaxLineDetail.TaxRateRef object",
			tax+".TaxLineDetail.TaxRateRef.value string", tax+".TaxLineDetail.PercentBased bool", tax+".TaxLineDetail.TaxPercent number",
			tax+".TaxLineDetail.NetAmountTaxable number")
	case "Bill", "Purchase", "VendorCredit", "PurchaseOrder":
		account, item := ".Line[].AccountBasedExpenseLineDetail", ".Line[].ItemBasedExpenseLineDetail"
		out = append(ref(account+".ClassRef"), ref(account+".AccountRef")...)
		out = append(out, ref(item+".ItemRef")...)
		out = append(out, account+" object", account+".BillableStatus string", account+".TaxCodeRef object", account+".TaxCodeRef.value string",
			item+" object", item+".BillableStatus string", item+".TaxCodeRef object", item+".TaxCodeRef.value string", item+".UnitPrice number", item+".Qty number",
			".Line[].Description string")
	case "JournalEntry":
		out = ref(".Line[].JournalEntryLineDetail.ClassRef")
	case "RecurringTransaction": // what its wrapper holds is known of the entity itself
		out = append(out, ".Bill.Line[].CustomExtensions array", ".Bill.Line[].LinkedTxn array",
			".Invoice.Line[].SalesItemLineDetail.Qty number", ".Invoice.Line[].SalesItemLineDetail.UnitPrice number")
		for _, kind := range []string{"Invoice", "Bill"} {
			for _, line := range documentedOf(kind) {
				out = append(out, "."+kind+line)
			}
		}
	}
	return out
}

// mayBeMissing is always there in the recorded company, but is what somebody typed or depends on the
// type of the object.
var mayBeMissing = map[string][]string{
	"Invoice":       {".DocNumber", ".ShipAddr.", ".BillAddr.", ".SalesItemLineDetail.UnitPrice", ".CustomField[].StringValue", ".PrivateNote", ".Line[].Amount"},
	"Customer":      {".GivenName"},
	"Item":          {".IncomeAccountRef", ".UnitPrice", ".PurchaseCost", ".Taxable", ".TrackQtyOnHand", ".Description"},
	"Payment":       {".PaymentMethodRef", ".LineEx.any"},
	"CreditMemo":    {".ShipAddr.", ".ShipFromAddr", ".BillAddr.", ".CustomerMemo", ".PrivateNote", ".SalesItemLineDetail.UnitPrice", ".SalesItemLineDetail.Qty", ".CustomField[]", ".ShipAddr"},
	"Estimate":      {".ShipAddr.", ".ShipFromAddr", ".ShipAddr", ".BillAddr.", ".CustomerMemo", ".PrivateNote", ".CustomField[]", ".BillEmail", ".LinkedTxn"},
	"Bill":          {".VendorAddr", ".SalesTermRef", ".LinkedTxn", ".PrivateNote"},
	"BillPayment":   {},
	"PurchaseOrder": {".VendorAddr", ".ShipAddr", ".Memo", ".DocNumber", ".Description"},
	"Purchase":      {".EntityRef", ".DocNumber", ".UnitPrice"},
	"JournalEntry":  {".DocNumber", ".PrivateNote", ".Description"},
	"Deposit":       {".PrivateNote", ".CashBack"},
}

const (
	expenseOf = `{"Amount":40,"DetailType":"AccountBasedExpenseLineDetail","AccountBasedExpenseLineDetail":{"AccountRef":{"value":"7"}}}`
	partsOf   = `{"DetailType":"ItemBasedExpenseLineDetail","ItemBasedExpenseLineDetail":{"ItemRef":{"value":"5"},"UnitPrice":12.5,"Qty":4}}`
)

// made are bodies of what people make, by entity, in an order that works.
var made = []struct{ entity, body string }{
	{"Customer", `{"DisplayName":"Child","ParentRef":{"value":"3"}}`},
	{"Item", `{"Name":"Made","Type":"Service","IncomeAccountRef":{"value":"1"}}`},
	{"Account", `{"Name":"Made","AccountType":"Bank"}`},
	{"Vendor", `{"DisplayName":"Made"}`},
	{"Term", `{"Name":"Made"}`},
	{"Class", `{"Name":"Made","ParentRef":{"value":"5000000000000007196"}}`},
	{"Department", `{"Name":"Made"}`},
	{"Employee", `{"GivenName":"Newly","FamilyName":"Made"}`},
	{"PaymentMethod", `{"Name":"Made"}`},
	{"CustomerType", `{"Name":"Made"}`},
	{"JournalCode", `{"Name":"MD","Type":"Others","Description":"Made"}`},
	{"CompanyCurrency", `{"Code":"GBP","Name":"British Pound"}`},
	{"ExchangeRate", `{"SourceCurrencyCode":"EUR","AsOfDate":"2026-06-14","Rate":1.1}`},
	{"TaxAgency", `{"DisplayName":"Made"}`},
	{"TaxRate", `{"Name":"Made","RateValue":4.5,"AgencyRef":{"value":"1"}}`},
	{"TaxCode", `{"Name":"Made","SalesTaxRateList":{"TaxRateDetail":[{"TaxTypeApplicable":"TaxOnAmount","TaxRateRef":{"value":"3"},"TaxOrder":0}]}}`},
	{"Budget", `{"Name":"Made","StartDate":"2026-01-01","EndDate":"2026-12-31","BudgetDetail":[{"BudgetDate":"2026-01-01","Amount":5,"AccountRef":{"value":"7"}}]}`},
	{"CreditMemo", `{"CustomerRef":{"value":"3"},"Line":[` + hour + `]}`},
	{"SalesReceipt", `{"CustomerRef":{"value":"3"},"Line":[` + hour + `],"TxnTaxDetail":{"TxnTaxCodeRef":{"value":"2"}}}`},
	{"RefundReceipt", `{"CustomerRef":{"value":"3"},"DepositToAccountRef":{"value":"35"},"PaymentMethodRef":{"value":"2"},"Line":[` + hour + `]}`},
	{"Estimate", `{"CustomerRef":{"value":"3"},"Line":[` + hour + `]}`},
	{"PurchaseOrder", `{"VendorRef":{"value":"1"},"Line":[` + expenseOf + `,` + partsOf + `]}`},
	{"Bill", `{"VendorRef":{"value":"1"},"SalesTermRef":{"value":"3"},"Line":[` + expenseOf + `,` + partsOf + `]}`},
	{"Purchase", `{"AccountRef":{"value":"35"},"PaymentType":"Cash","EntityRef":{"value":"2","type":"Vendor"},"Line":[` + expenseOf + `,` + partsOf + `]}`},
	{"VendorCredit", `{"VendorRef":{"value":"1"},"Line":[` + expenseOf + `]}`},
	{"CreditCardPayment", `{"CreditCardAccountRef":{"value":"41"},"BankAccountRef":{"value":"35"},"Amount":12.34}`},
	{"JournalEntry", `{"Line":[{"Amount":7,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":"Debit","AccountRef":{"value":"40"}}},
		{"Amount":7,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":"Credit","AccountRef":{"value":"44"},"Entity":{"Type":"Customer","EntityRef":{"value":"3"}}}}]}`},
	{"Deposit", `{"DepositToAccountRef":{"value":"35"},"CashBack":{"AccountRef":{"value":"36"},"Amount":2,"Memo":"cash"},"Line":[{"Amount":9,"DetailType":"DepositLineDetail","DepositLineDetail":{"AccountRef":{"value":"25"}}}]}`},
	{"Transfer", `{"FromAccountRef":{"value":"35"},"ToAccountRef":{"value":"36"},"Amount":25.5}`},
	{"InventoryAdjustment", `{"AdjustAccountRef":{"value":"80"},"Line":[{"ItemAdjustmentLineDetail":{"ItemRef":{"value":"5"},"QtyDiff":-2}}]}`},
	{"TimeActivity", `{"NameOf":"Employee","EmployeeRef":{"value":"55"},"CustomerRef":{"value":"3"},"Hours":2}`},
	{"ReimburseCharge", `{"CustomerRef":{"value":"3"},"Amount":19}`},
	{"RecurringTransaction", `{"Bill":{"VendorRef":{"value":"1"},"Line":[` + expenseOf + `],"RecurringInfo":{"Name":"Rent"}}}`},
	{"Attachable", `{"Note":"Look at this","AttachableRef":[{"EntityRef":{"value":"3","type":"Customer"}}]}`},
	{"Attachable", `{"FileName":"scan.pdf","AttachableRef":[{"EntityRef":{"value":"3","type":"Customer"}}]}`},
}

// makeAll is edit in a company with one currency.
func makeAll(w *world) {
	w.Helper()
	for _, m := range made {
		if m.entity != "CompanyCurrency" && m.entity != "ExchangeRate" {
			w.create(m.entity, m.body)
		}
	}
	w.deposit(w.pay("3", w.bill("3"), "120"))
}

// edit makes objects by the write path too: what it prints is compared like the rest.
func edit(w *world) {
	w.Helper()
	invoice := w.bill("3")
	w.deposit(w.pay("3", invoice, "120"))
	voided := w.bill("3")
	ids := map[string]string{"Invoice": voided}
	for _, m := range made {
		o := w.create(m.entity, m.body)
		ids[m.entity] = at(o, "Id")
	}
	w.create("BillPayment", `{"VendorRef":{"value":"1"},"PayType":"CreditCard","CreditCardPayment":{"CCAccountRef":{"value":"41"}},"TotalAmt":5,
		"Line":[{"Amount":5,"LinkedTxn":[{"TxnId":"`+ids["Bill"]+`","TxnType":"Bill"}]}]}`)
	ids["BillPayment"] = at(w.create("BillPayment", `{"VendorRef":{"value":"1"},"PayType":"Check","CheckPayment":{"BankAccountRef":{"value":"35"}},"TotalAmt":6,
		"Line":[{"Amount":6,"LinkedTxn":[{"TxnId":"`+ids["Bill"]+`","TxnType":"Bill"}]}]}`), "Id")
	w.create("Invoice", `{"CustomerRef":{"value":"3"},"LinkedTxn":[{"TxnId":"`+ids["Estimate"]+`","TxnType":"Estimate"}],"Line":[`+hour+`]}`)
	for _, entity := range []string{"Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt", "Purchase", "Transfer", "BillPayment"} {
		if err := w.company.Void(entity, ids[entity]); err != nil {
			w.Fatalf("void of %s: %v", entity, err)
		}
	}
}

// bodyOf is what is posted to make one of an entity.
func bodyOf(entity string) string {
	for _, m := range made {
		if m.entity == entity {
			return m.body
		}
	}
	return ""
}
