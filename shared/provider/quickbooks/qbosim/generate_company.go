package qbosim

import (
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

const (
	homeCurrency = "USD"
	theOnlyID    = "1" // of entities with one object
)

// single makes an entity of which a company has one object.
func single(token int, made func(*books, int) *object) *generator {
	return &generator{
		count: fixed(1),
		id:    func(*books, int) string { return theOnlyID },
		when:  madeOnce,
		make:  made,
		token: func(*books, int) int { return token },
	}
}

func (b *books) companyInfo(int) *object {
	addr := func() *object {
		return obj("Id", "1", "Line1", "1 Foundry Way", "City", "Middlefield", "Country", "USA", "CountrySubDivisionCode", "CA", "PostalCode", "94303")
	}
	office := "office@" + strings.ToLower(strings.Fields(b.spec.Name + " company")[0]) + ".example"
	pairs := []any{}
	for _, kv := range [][2]string{{"NeoEnabled", "true"}, {"IndustryType", "Power generation equipment"}, {"SubscriptionStatus", "PAID"},
		{"OfferingSku", "QuickBooks Online Plus"}, {"PayrollFeature", "false"}, {"AccountantFeature", "false"}} {
		pairs = append(pairs, obj("Name", kv[0], "Value", kv[1]))
	}
	return obj("CompanyName", b.spec.Name, "LegalName", b.spec.Name+" LLC",
		"CompanyAddr", addr(), "CustomerCommunicationAddr", addr(), "LegalAddr", addr(),
		"PrimaryPhone", phoneOf(0), "CompanyStartDate", string(appendDate(nil, b.made)),
		"FiscalYearStartMonth", "January", "Country", "US", "Email", obj("Address", office),
		"WebAddr", &object{}, "SupportedLanguages", "en", "DefaultTimeZone", "America/Los_Angeles", "NameValue", pairs)
}

func (b *books) preferences(int) *object {
	message := func(what string) *object {
		return obj("Subject", what+" from {CompanyName}", "Message", "Your "+strings.ToLower(what)+" is attached.")
	}
	fields := []any{}
	for i := 2; i >= 0; i-- {
		fields = append(fields, obj("Name", "SalesFormsPrefs.UseSalesCustom"+count(i+1).String(), "Type", "BooleanType", "BooleanValue", i < len(b.spec.CustomFields)))
	}
	return obj(
		"AccountingInfoPrefs", obj("TrackDepartments", !b.without("Department"), "DepartmentTerminology", "Location",
			"ClassTrackingPerTxn", false, "ClassTrackingPerTxnLine", !b.without("Class"), "CustomerTerminology", "Customers"),
		"ProductAndServicesPrefs", obj("ForSales", true, "ForPurchase", true, "QuantityWithPriceAndRate", true, "QuantityOnHand", true),
		"SalesFormsPrefs", obj("CustomField", fields, "CustomTxnNumbers", false, "AllowDeposit", false, "AllowDiscount", true, "AllowEstimates", true,
			"ETransactionEnabledStatus", "NotApplicable", "IPNSupportEnabled", false, "AllowServiceDate", false, "AllowShipping", false,
			"DefaultTerms", ref("3", "")),
		"EmailMessagesPrefs", obj("InvoiceMessage", message("Invoice"), "EstimateMessage", message("Estimate"), "SalesReceiptMessage", message("Sales receipt")),
		"VendorAndPurchasesPrefs", obj("TrackingByCustomer", true, "BillableExpenseTracking", true, "DefaultTerms", ref("3", "")),
		"TimeTrackingPrefs", obj("UseServices", true, "BillCustomers", true, "ShowBillRateToAll", false, "MarkTimeEntriesBillable", true),
		"TaxPrefs", obj("UsingSalesTax", true, "TaxGroupCodeRef", ref(taxCodeID, "")),
		"CurrencyPrefs", obj("MultiCurrencyEnabled", b.spec.MultiCurrency, "HomeCurrency", ref(homeCurrency, "")),
		"OtherPrefs", obj("NameValue", []any{obj("Name", "SalesFormsPrefs.DefaultCustomerMessage", "Value", ""), obj("Name", "SalesFormsPrefs.DefaultItem", "Value", "1")}))
}

var companyCurrencyGenerator = &generator{
	count: foreignOnly(2),
	id:    numbered,
	when:  madeOnce,
	make: func(_ *books, i int) *object {
		return [...]*object{obj("Code", "EUR", "Name", "Euro", "Active", true), obj("Code", "CAD", "Name", "Canadian Dollar", "Active", true)}[i]
	},
}

// foreignOnly: a company with one currency has none.
func foreignOnly(n int) func(*books) int {
	return func(b *books) int {
		if b.spec.MultiCurrency {
			return n
		}
		return 0
	}
}

const rateDays = 10

// exchangeRateGenerator gives a rate a day for the last days of the company's history. Rates have no
// Id: currencies and day name them.
var exchangeRateGenerator = &generator{
	count: foreignOnly(rateDays),
	id: func(b *books, i int) string {
		return rateID("EUR", homeCurrency, b.rateDay(i))
	},
	when: func(b *books, i int) (int64, int64) { at := b.rateTime(i); return at, at },
	make: func(b *books, i int) *object {
		r := chance.Draw(chance.Seed(b.spec.Seed, "rate"), i)
		rate := euroRate + decimal(r.Below(200_000))
		return obj("SourceCurrencyCode", "EUR", "TargetCurrencyCode", homeCurrency, "Rate", number(rate), "AsOfDate", b.rateDay(i))
	},
}

func rateID(source, target, day string) string { return source + "|" + target + "|" + day }

func (b *books) rateTime(i int) int64 {
	return time.Unix(b.roundEnd(), 0).In(pacific).AddDate(0, 0, i-rateDays).Unix()
}

func (b *books) rateDay(i int) string { return string(appendDate(nil, b.rateTime(i))) }
