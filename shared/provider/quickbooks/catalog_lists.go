package quickbooks

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// The name lists: whom a company deals with, and what it sorts its transactions by.

var account = entity("Account", "account", "accounts",
	text("Name", "FullyQualifiedName", "Description", "AcctNum", "AccountAlias"),
	flag(activePath, "SubAccount"),
	ref("ParentRef"),
	text("Classification", "AccountType", "AccountSubType", "TxnLocationType"),
	number("CurrentBalance", "CurrentBalanceWithSubAccounts"),
	ref("CurrencyRef", "TaxCodeRef", "JournalCodeRef"),
).Merging().
	Noted("CurrentBalance", "0 for accounts of income and expense")

var customer = entity("Customer", "customer", "customers",
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
).Merging().Indexed("display_name", "parent_ref_value").
	About("sub-customers, jobs and projects too: those have a parent").
	Noted("BalanceWithJobs", "with the balances of its sub-customers").
	Noted("Level", "1 to 4, of sub-customers; null: has no parent")

var vendor = entity("Vendor", "vendor", "vendors",
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
	whole("OtherContactInfo", "VendorPaymentBankDetail", "CustomField"),
).Merging().Indexed("display_name").
	Noted("TaxIdentifier", "QuickBooks masks all but the last digits").
	Noted("AcctNum", "the company's account number at the vendor").
	Noted("BillRate", "what is charged for an hour").
	Noted("CostRate", "what an hour costs the company")

var employee = entity("Employee", "employee", "employees",
	text("DisplayName", "PrintOnCheckName"),
	person,
	flag(activePath, "BillableTime"),
	text("EmployeeNumber", "SSN", "Gender"),
	date("HiredDate", "ReleasedDate", "BirthDate"),
	number("BillRate", "CostRate"),
	contact,
	address("PrimaryAddr"),
	text("Notes"),
).Merging().IfOffered().Indexed("display_name").
	Noted("SSN", "masked by QuickBooks").
	Noted("BillRate", "what is charged for an hour").
	Noted("CostRate", "what an hour costs the company")

var item = entity("Item", "item", "items",
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
).Merging().Indexed("name").
	Noted("Type", "Inventory, Service, NonInventory; Category and Group are items too, without price or account").
	Noted("QtyOnHand", "null: not an inventory item").
	Holding(catalog.Child{
		Path: "ItemGroupDetail.ItemGroupLine", Name: "item_group_lines", View: "item_group_lines",
		Note:    "what a Group, also called bundle, is made of",
		Columns: slices.Concat(ref("ItemRef"), number("Qty"), ref("UOMRef")),
	})

var class = nested("Class", "class", "classes", flag("SubClass")).Merging().IfOffered()

var department = nested("Department", "department", "departments", flag("SubDepartment"), address("Address")).Merging().IfOffered().
	About("called location on QuickBooks' pages")

// nested is a list of names that stand below each other.
func nested(stream, one, many string, more ...[]catalog.Column) declare.Table {
	common := [][]catalog.Column{text("Name", "FullyQualifiedName"), flag(activePath), ref("ParentRef")}
	return entity(stream, one, many, append(common, more...)...)
}

var customerType = entity("CustomerType", "customer_type", "customer_types",
	text("Name"), flag(activePath),
).ReadEvery(weekly).IfOffered()

var term = entity("Term", "term", "terms",
	text("Name"), flag(activePath), text("Type"),
	integer("DueDays", "DiscountDays"), number("DiscountPercent"),
	integer("DayOfMonthDue", "DueNextMonthDays", "DiscountDayOfMonth"),
).Noted("Type", "STANDARD: due so many days after the transaction; DATE_DRIVEN: due on a day of the month").
	Noted("DueNextMonthDays", "due a month later when the transaction is closer than these days to the due day")

var paymentMethod = entity("PaymentMethod", "payment_method", "payment_methods",
	text("Name"), flag(activePath), text("Type"),
).Merging().
	Noted("Type", "CREDIT_CARD or NON_CREDIT_CARD")

var journalCode = entity("JournalCode", "journal_code", "journal_codes",
	text("Name", "Type", "Description"), flag(activePath),
).ReadEvery(weekly).IfOffered().
	About("France only")

var person = text("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")

var contact = text("PrimaryPhone.FreeFormNumber", "AlternatePhone.FreeFormNumber", "Mobile.FreeFormNumber",
	"Fax.FreeFormNumber", "PrimaryEmailAddr.Address", "WebAddr.URI")
