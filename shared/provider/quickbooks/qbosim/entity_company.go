package qbosim

// companyInfoEntity has one row, with Id "1". CDC for it is not documented, so it is refused.
var companyInfoEntity = &entity{
	name:      "CompanyInfo",
	readOnly:  true,
	permanent: true,
	properties: properties(`CompanyName LegalName CompanyAddr CustomerCommunicationAddr LegalAddr PrimaryPhone CompanyStartDate
		EmployerId FiscalYearStartMonth Country Email WebAddr SupportedLanguages DefaultTimeZone
		CustomerCommunicationEmailAddr NameValue …`),
	computed: properties(`…`),
	filters:  filters(map[string]kind{"CompanyName": textKind, "LegalName": textKind, "Country": textKind}),
	write:    keep,
	gen:      single(4, (*books).companyInfo),
}

var preferencesEntity = &entity{
	name:      "Preferences",
	webhooks:  "U",
	permanent: true,
	properties: properties(`AccountingInfoPrefs ProductAndServicesPrefs SalesFormsPrefs EmailMessagesPrefs VendorAndPurchasesPrefs
		TimeTrackingPrefs TaxPrefs CurrencyPrefs ReportPrefs OtherPrefs …`),
	computed: properties(`…`),
	filters:  filters(nil),
	write:    keep,
	unusual:  func(o *object) { o.drop("domain", "sparse") },
	gen:      single(6, (*books).preferences),
}

// keep writes what a body says: nobody can add a second one of these.
func keep(ch *change) error {
	if ch.creating() {
		return unsupported("create of " + ch.t.def.name)
	}
	return nil
}

var companyCurrencyEntity = &entity{
	name:       "CompanyCurrency",
	list:       true,
	named:      "Code",
	totalCount: true,
	webhooks:   "CUD",
	properties: properties(`Code Name Active … CustomField`),
	computed:   properties(`…`),
	filters:    filters(map[string]kind{"Code": textKind, "Name": textKind, "Active": boolKind}),
	write:      writeNamed,
	gen:        companyCurrencyGenerator,
}

// exchangeRateEntity: its objects have no Id, no CreateTime and no frame but a SyncToken.
var exchangeRateEntity = &entity{
	name:       "ExchangeRate",
	totalCount: true,
	permanent:  true,
	properties: properties(`AsOfDate SourceCurrencyCode Rate TargetCurrencyCode … CustomField`),
	computed:   properties(`…`),
	filters: map[string]kind{
		updatedPath: timeKind, "AsOfDate": dateKind, "SourceCurrencyCode": textKind, "TargetCurrencyCode": textKind,
	},
	identify: func(o *object) string {
		return rateID(o.text("SourceCurrencyCode"), o.text("TargetCurrencyCode"), o.text("AsOfDate"))
	},
	unusual: func(o *object) {
		o.drop("domain", "sparse", "Id")
		o.child("MetaData").drop("CreateTime")
	},
	write: writeExchangeRate,
	gen:   exchangeRateGenerator,
}
