package qbosim

// The sales tax of the simulator: one agency, two rates and a code that is used, one that is not, and
// the two pseudo codes that lines name in the United States.

var taxAgencyGenerator = plain(numbered,
	func() *object {
		return obj("DisplayName", "California Dept. of Tax", "TaxTrackedOnSales", true, "TaxTrackedOnPurchases", false)
	},
	func() *object {
		return obj("DisplayName", "Arizona Dept. of Revenue", "TaxTrackedOnSales", true, "TaxTrackedOnPurchases", false)
	})

func rate(name, about, agency, percent string) func() *object {
	return func() *object {
		value, _ := parseDecimal(percent)
		return obj("Name", name, "Description", about, "Active", true, "RateValue", number(value), "AgencyRef", ref(agency, ""),
			"SpecialTaxType", "NONE", "DisplayType", "ReadOnly")
	}
}

var taxRateGenerator = plain(numbered,
	rate("AZ State tax", "Sales Tax", "2", "7.1"), rate("Tucson City", "Sales Tax", "2", "2"), rate("California", "Sales Tax", "1", "8"))

var taxCodes = []string{"TAX", "NON", taxCodeID, "3"}

var taxCodeGenerator = &generator{
	count: fixed(len(taxCodes)),
	id:    func(_ *books, i int) string { return taxCodes[i] },
	when:  madeOnce,
	make:  func(_ *books, i int) *object { return taxCode(i) },
}

func taxCode(i int) *object {
	rates := func(parts ...*object) *object { return obj("TaxRateDetail", list(parts)) }
	part := func(id, name string) *object {
		return obj("TaxTypeApplicable", "TaxOnAmount", "TaxRateRef", ref(id, name), "TaxOrder", count(0))
	}
	switch taxCodes[i] {
	case "TAX", "NON":
		return obj("Name", taxCodes[i], "Description", taxCodes[i], "Taxable", taxCodes[i] == "TAX", "TaxGroup", false)
	case taxCodeID:
		return obj("Name", "California", "Description", "California", "Active", true, "Taxable", true, "TaxGroup", true,
			"SalesTaxRateList", rates(part(taxRateID, "California")), "PurchaseTaxRateList", rates())
	}
	return obj("Name", "Tucson", "Description", "Tucson", "Active", true, "Taxable", true, "TaxGroup", true,
		"SalesTaxRateList", rates(part("1", "AZ State tax"), part("2", "Tucson City")), "PurchaseTaxRateList", rates())
}
