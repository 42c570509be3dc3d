package qbosim

// writeNamed is all that a plain list needs.
func writeNamed(ch *change) error {
	if ch.t.def.properties[0] == "Code" { // a currency
		ch.doc.setMissing("Name", ch.doc.text("Code"))
	}
	return ch.listDefaults()
}

// writeTree is for lists with sub-objects; flag says of one whether it is such.
func writeTree(ch *change, flag string) error {
	if err := ch.listDefaults(); err != nil {
		return err
	}
	parent, err := ch.place()
	if err != nil {
		return err
	}
	ch.doc.set(flag, parent != nil)
	if parent != nil {
		ch.doc.child("ParentRef").drop("name")
	}
	return nil
}

func writeEmployee(ch *change) error {
	ch.personName()
	if err := ch.listDefaults(); err != nil {
		return err
	}
	ch.doc.setMissing("BillableTime", false)
	ch.doc.setMissing("PrintOnCheckName", ch.doc.text("DisplayName"))
	return nil
}

func writeTaxAgency(ch *change) error {
	ch.doc.setMissing("TaxTrackedOnSales", true)
	ch.doc.setMissing("TaxTrackedOnPurchases", false)
	if ch.doc.text("DisplayName") == "" {
		return missing("DisplayName")
	}
	if ch.c.nameTaken(ch) {
		return duplicateName()
	}
	return nil
}

func writeTaxRate(ch *change) error {
	if err := ch.listDefaults(); err != nil {
		return err
	}
	value, ok := parseDecimal(ch.doc.text("RateValue"))
	if !ok {
		return badNumber("RateValue", ch.doc.text("RateValue"))
	}
	ch.doc.set("RateValue", number(value))
	ch.doc.setMissing("SpecialTaxType", "NONE")
	ch.doc.setMissing("DisplayType", "ReadOnly")
	ch.doc.setMissing("Description", ch.doc.text("Name"))
	return ch.referAll(ch.doc)
}

func writeTaxCode(ch *change) error {
	if err := ch.listDefaults(); err != nil {
		return err
	}
	for _, key := range []string{"SalesTaxRateList", "PurchaseTaxRateList"} {
		ch.doc.setMissing(key, obj("TaxRateDetail", []any{}))
	}
	ch.doc.setMissing("Description", ch.doc.text("Name"))
	ch.doc.setMissing("Taxable", true)
	ch.doc.set("TaxGroup", true)
	if err := ch.referAll(ch.doc); err != nil {
		return err
	}
	if id := ch.doc.text("Id"); id == "TAX" || id == "NON" {
		ch.doc.drop("SalesTaxRateList", "PurchaseTaxRateList").set("TaxGroup", false)
	}
	return nil
}

func writeBudget(ch *change) error {
	if err := ch.listDefaults(); err != nil {
		return err
	}
	doc := ch.doc
	for _, key := range []string{"StartDate", "EndDate"} {
		if doc.text(key) == "" {
			return missing(key)
		}
	}
	doc.setMissing("BudgetType", "ProfitAndLoss")
	doc.setMissing("BudgetEntryType", "Monthly")
	details := doc.objects("BudgetDetail")
	for _, detail := range details {
		amount, err := amountOf(detail)
		if err != nil {
			return err
		}
		if !detail.has("AccountRef") {
			return missing("AccountRef")
		}
		detail.set("Amount", amount)
	}
	doc.set("BudgetDetail", list(details))
	return ch.referAll(doc)
}

// writeExchangeRate sets the rate of a currency on a day: nobody can take one away.
func writeExchangeRate(ch *change) error {
	doc := ch.doc
	doc.setMissing("TargetCurrencyCode", homeCurrency)
	for _, key := range []string{"SourceCurrencyCode", "AsOfDate", "Rate"} {
		if doc.text(key) == "" {
			return missing(key)
		}
	}
	value, ok := parseDecimal(doc.text("Rate"))
	if !ok || value <= 0 {
		return badNumber("Rate", doc.text("Rate"))
	}
	doc.set("Rate", number(value))
	return nil
}
