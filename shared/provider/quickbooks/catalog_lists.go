package quickbooks

import "github.com/countinghouse/countinghouse/shared/catalog"

var account = indexed(entity("Account", "account", "accounts",
	text("Name", "FullyQualifiedName", "Description", "AcctNum"),
	flag(activePath, "SubAccount"),
	ref("ParentRef"),
	text("Classification", "AccountType", "AccountSubType"),
	number("CurrentBalance", "CurrentBalanceWithSubAccounts"),
	ref("CurrencyRef", "TaxCodeRef"),
))

var customer = indexed(entity("Customer", "customer", "customers",
	text("DisplayName", "FullyQualifiedName", "CompanyName", "PrintOnCheckName"),
	person,
	flag(activePath, "Taxable", "Job", "BillWithParent", "IsProject"),
	ref("ParentRef"),
	integer("Level"),
	number("Balance", "BalanceWithJobs"),
	ref("CurrencyRef"),
	contact,
	address("BillAddr", "ShipAddr"),
	ref("SalesTermRef", "PaymentMethodRef", "CustomerTypeRef", "DefaultTaxCodeRef", "ARAccountRef"),
	date("OpenBalanceDate"),
	text("PreferredDeliveryMethod", "ResaleNum", "Notes", "TaxExemptionReasonId", "PrimaryTaxIdentifier",
		"SecondaryTaxIdentifier", "BusinessNumber", "GSTIN", "GSTRegistrationType"),
	whole("CustomField"),
), "display_name", "parent_ref_value")

var vendor = indexed(entity("Vendor", "vendor", "vendors",
	text("DisplayName", "CompanyName", "PrintOnCheckName"),
	person,
	flag(activePath, "Vendor1099"),
	number("Balance"),
	ref("CurrencyRef"),
	contact,
	address("BillAddr"),
	ref("TermRef", "APAccountRef"),
	number("BillRate", "CostRate"),
	text("AcctNum", "TaxIdentifier", "TaxReportingBasis", "GSTIN", "BusinessNumber"),
	flag("HasTPAR", "T4AEligible", "T5018Eligible"),
	whole("CustomField"),
), "display_name")

var item = indexed(entity("Item", "item", "items",
	text("Name", "FullyQualifiedName", "Sku", "Description", "PurchaseDesc", "Type"),
	flag(activePath, "Taxable", "SubItem", "TrackQtyOnHand", "SalesTaxIncluded", "PurchaseTaxIncluded", "PrintGroupedItems", "DeferredRevenue"),
	ref("ParentRef"),
	integer("Level"),
	number("UnitPrice", "PurchaseCost", "QtyOnHand", "ReorderPoint", "RatePercent"),
	date("InvStartDate"),
	ref("IncomeAccountRef", "ExpenseAccountRef", "AssetAccountRef", "PrefVendorRef", "ClassRef",
		"SalesTaxCodeRef", "PurchaseTaxCodeRef", "TaxClassificationRef"),
	text("ServiceType", "ItemCategoryType", "UQCDisplayText", "UQCId"),
	number("AbatementRate", "ReverseChargeRate"),
	whole("ItemGroupDetail"),
), "name")

var person = text("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")

var contact = text("PrimaryPhone.FreeFormNumber", "AlternatePhone.FreeFormNumber", "Mobile.FreeFormNumber",
	"Fax.FreeFormNumber", "PrimaryEmailAddr.Address", "WebAddr.URI")

// indexed adds the columns that people look objects up by.
func indexed(t catalog.Table, columns ...string) catalog.Table {
	t.Indexes = columns
	return t
}
