package quickbooks

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// Sales tax: who collects it, its rates, and the codes that lines carry.

var taxAgency = entity("TaxAgency", "tax_agency", "tax_agencies",
	text("DisplayName", "TaxRegistrationNumber", "TaxAgencyConfig"),
	flag("TaxTrackedOnSales", "TaxTrackedOnPurchases"),
	date("LastFileDate"),
).ReadEvery(weekly).IfOffered()

var taxRate = entity("TaxRate", "tax_rate", "tax_rates",
	text("Name", "Description"), flag(activePath),
	number("RateValue"),
	ref("AgencyRef", "TaxReturnLineRef", "OriginalTaxRate"),
	text("SpecialTaxType", "DisplayType"),
).ReadEvery(daily).IfOffered().
	Noted("RateValue", "a percentage: 8 is 8 %").
	Holding(catalog.Child{
		Path: "EffectiveTaxRate", Name: "tax_rate_effective_rates", View: "tax_rate_effective_rates",
		Note:    "the rate over time, in percent",
		Columns: slices.Concat(number("RateValue"), instant("EffectiveDate", "EndDate")),
	})

var taxCode = entity("TaxCode", "tax_code", "tax_codes",
	text("Name", "Description"),
	flag(activePath, "Hidden", "Taxable", "TaxGroup"),
	text("TaxCodeConfigType"),
).ReadEvery(daily).IfOffered().
	About("companies in the USA also have the codes TAX and NON, which lines carry and which have neither SyncToken nor Active").
	Holding(
		taxRateDetails("SalesTaxRateList", "tax_code_sales_rates"),
		taxRateDetails("PurchaseTaxRateList", "tax_code_purchase_rates"),
		taxRateDetails("AdjustmentTaxRateList", "tax_code_adjustment_rates"),
	)

// taxRateDetails is one list of the rates that a code stands for.
func taxRateDetails(list, table string) catalog.Child {
	return catalog.Child{
		Path: list + ".TaxRateDetail", Name: table, View: table,
		Columns: slices.Concat(ref("TaxRateRef"), text("TaxTypeApplicable"), integer("TaxOrder", "TaxOnTaxOrder")),
	}
}
