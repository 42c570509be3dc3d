package quickbooks

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// The company itself: who it is, how it is set up, its currencies, its files.

var companyInfo = entity("CompanyInfo", "company_info", "company_info",
	text("CompanyName", "LegalName", "Country", "SupportedLanguages", "DefaultTimeZone", "EmployerId", "FiscalYearStartMonth"),
	date("CompanyStartDate"),
	text("PrimaryPhone.FreeFormNumber", "Email.Address", "CustomerCommunicationEmailAddr.Address", "WebAddr.URI"),
	address("CompanyAddr", "CustomerCommunicationAddr", "LegalAddr"),
).ReadEvery(daily).NeverRemoved().
	About("one row a company").
	Noted("DefaultTimeZone", "such as America/Los_Angeles").
	Noted("CompanyStartDate", "when the company began in QuickBooks").
	Noted("FiscalYearStartMonth", "such as January").
	Holding(nameValues("NameValue", "company_info_values"))

var preferences = entity("Preferences", "preferences", "preferences",
	under("AccountingInfoPrefs",
		flag("UseAccountNumbers", "TrackDepartments", "ClassTrackingPerTxn", "ClassTrackingPerTxnLine"),
		text("DepartmentTerminology", "CustomerTerminology", "TaxForm", "FirstMonthOfFiscalYear", "TaxYearMonth"), date("BookCloseDate")),
	under("ProductAndServicesPrefs", flag("ForSales", "ForPurchase", "QuantityWithPriceAndRate", "QuantityOnHand", "RevenueRecognition")),
	under("SalesFormsPrefs",
		flag("CustomTxnNumbers", "AllowDeposit", "AllowDiscount", "AllowEstimates", "AllowServiceDate", "AllowShipping",
			"AutoApplyCredit", "UsingProgressInvoicing"),
		ref("DefaultTerms"), text("DefaultCustomerMessage"), whole("CustomField")),
	under("VendorAndPurchasesPrefs",
		flag("EnableBills", "TrackingByCustomer", "BillableExpenseTracking"), ref("DefaultTerms"), whole("POCustomField")),
	under("TimeTrackingPrefs", flag("UseServices", "BillCustomers", "ShowBillRateToAll", "MarkTimeEntriesBillable"), text("WorkWeekStartDate")),
	under("TaxPrefs", flag("UsingSalesTax", "PartnerTaxEnabled"), ref("TaxGroupCodeRef")),
	under("CurrencyPrefs", flag("MultiCurrencyEnabled"), ref("HomeCurrency")),
	under("ReportPrefs", text("ReportBasis"), flag("CalcAgingReportFromTxnDate")),
	whole("EmailMessagesPrefs"),
).ReadEvery(daily).NeverRemoved().
	About("one row a company: how it is set up. What is no column is in raw").
	Noted("AccountingInfoPrefs.BookCloseDate", "nothing up to this day may change; null: the books are open").
	Noted("CurrencyPrefs.HomeCurrency.value", "its code, such as USD").
	Noted("ReportPrefs.ReportBasis", "Accrual or Cash").
	Holding(nameValues("OtherPrefs.NameValue", "preference_values"))

// nameValues is the table of an array of names and values.
func nameValues(path, table string) catalog.Child {
	return catalog.Child{Path: path, Name: table, View: table, Columns: text("Name", "Value")}
}

var companyCurrency = entity("CompanyCurrency", "company_currency", "company_currencies",
	text("Code", "Name"), flag(activePath),
).ReadEvery(weekly).IfOffered().
	About("the currencies that a company uses beside its own")

// exchangeRate has no id: two currencies and a day tell a rate.
var exchangeRate = func() declare.Table {
	d := entity("ExchangeRate", "exchange_rate", "exchange_rates",
		text("SourceCurrencyCode", "TargetCurrencyCode"), date("AsOfDate"), number("Rate"))
	d.ID = "SourceCurrencyCode,TargetCurrencyCode,AsOfDate"
	d.Columns[0] = catalog.Column{Path: d.ID, Name: "id", Note: "both currencies' codes and the day, joined by |: QuickBooks has no id"}
	return d
}().ReadEvery(daily).NeverRemoved().IfOffered().Indexed("source_currency_code, as_of_date").
	Noted("Rate", "so much of the target currency for one unit of the source currency")

var attachable = entity("Attachable", "attachable", "attachables",
	text("FileName", "ContentType"), integer("Size"),
	text("Category", "Note", "Tag", "Lat", "Long", "PlaceName", "FileAccessUri", "ThumbnailFileAccessUri"),
).ReadEvery(twiceDaily).IfOffered().Indexed("file_name").
	About("files and notes, which outlive what they are attached to. The file itself is asked for from QuickBooks, by the id").
	Noted("FileName", "null: a note without a file").
	Noted("Size", "in bytes").
	Holding(catalog.Child{
		Path: "AttachableRef", Name: "attachable_refs", View: "attachable_refs",
		Note:    "what the file or note is attached to; none: to nothing",
		Columns: slices.Concat(text("EntityRef.value", "EntityRef.type", "LineInfo"), flag("IncludeOnSend", "NoRefOnly"), whole("CustomField")),
		Indexes: []string{"entity_ref_type, entity_ref_value"},
	})
