package qbosim

var taxAgencyEntity = &entity{
	name:       "TaxAgency",
	named:      "DisplayName",
	totalCount: true,
	permanent:  true,
	webhooks:   "CU",
	properties: properties(`DisplayName TaxTrackedOnSales TaxTrackedOnPurchases TaxRegistrationNumber LastFileDate TaxAgencyConfig …`),
	computed:   properties(`… LastFileDate TaxAgencyConfig`),
	filters:    filters(map[string]kind{"DisplayName": textKind}),
	write:      writeTaxAgency,
	gen:        taxAgencyGenerator,
}

// Tax codes and rates are made by people, or through a service that the simulator does not have.
var taxCodeEntity = &entity{
	name:       "TaxCode",
	list:       true,
	named:      "Name",
	totalCount: true,
	readOnly:   true,
	wordIDs:    true,
	properties: properties(`Name Description Active Hidden Taxable TaxGroup SalesTaxRateList PurchaseTaxRateList AdjustmentTaxRateList
		TaxCodeConfigType …`),
	computed: properties(`… TaxGroup TaxCodeConfigType`),
	filters:  filters(map[string]kind{"Name": textKind, "Description": textKind, "Active": boolKind, "Taxable": boolKind}),
	unusual: func(o *object) {
		if id := o.text("Id"); id == "TAX" || id == "NON" {
			o.drop("SyncToken", "domain", "sparse", "Active")
		}
	},
	write: writeTaxCode,
	gen:   taxCodeGenerator,
}

var taxRateEntity = &entity{
	name:       "TaxRate",
	list:       true,
	named:      "Name",
	totalCount: true,
	readOnly:   true,
	properties: properties(`Name Description Active RateValue AgencyRef TaxReturnLineRef EffectiveTaxRate SpecialTaxType DisplayType
		OriginalTaxRate …`),
	computed: properties(`…`),
	filters:  filters(map[string]kind{"Name": textKind, "Description": textKind, "Active": boolKind}),
	write:    writeTaxRate,
	gen:      taxRateGenerator,
}
