package qbosim

var customerEntity = &entity{
	name:  "Customer",
	list:  true,
	named: "DisplayName",
	names: "people",
	cdc:   true,
	properties: properties(`Taxable BillAddr ShipAddr Notes Job BillWithParent ParentRef Level SalesTermRef PaymentMethodRef
		CustomerTypeRef Balance OpenBalanceDate BalanceWithJobs CurrencyRef PreferredDeliveryMethod ResaleNum
		ARAccountRef IsProject TaxExemptionReasonId ClientEntityId … CustomField Title GivenName MiddleName FamilyName
		Suffix FullyQualifiedName CompanyName DisplayName PrintOnCheckName Active V4IDPseudonym PrimaryPhone
		AlternatePhone Mobile Fax PrimaryEmailAddr WebAddr DefaultTaxCodeRef PrimaryTaxIdentifier
		SecondaryTaxIdentifier BusinessNumber GSTIN GSTRegistrationType UserId`),
	computed: properties(`… Balance BalanceWithJobs Level FullyQualifiedName V4IDPseudonym ClientEntityId IsProject`),
	filters: filters(map[string]kind{
		"DisplayName": textKind, "FullyQualifiedName": textKind, "GivenName": textKind, "FamilyName": textKind,
		"CompanyName": textKind, "Active": boolKind, "Balance": numberKind, "Job": boolKind, "ParentRef": refKind,
		"Taxable": boolKind,
	}),
	rowsOnly:   []string{"ClientEntityId"},
	notOnWrite: []string{"V4IDPseudonym"},
	write:      writeCustomer,
	webhooks:   "CUDM",
	merges:     true,
	gen:        customerGenerator,
}

var vendorEntity = &entity{
	name:  "Vendor",
	list:  true,
	named: "DisplayName",
	names: "people",
	cdc:   true,
	properties: properties(`BillAddr TaxIdentifier TermRef BillRate Balance AcctNum Vendor1099 CurrencyRef CostRate APAccountRef
		TaxReportingBasis … CustomField Title GivenName MiddleName FamilyName Suffix CompanyName DisplayName
		PrintOnCheckName Active V4IDPseudonym PrimaryPhone AlternatePhone Mobile Fax PrimaryEmailAddr WebAddr
		OtherContactInfo GSTIN GSTRegistrationType BusinessNumber HasTPAR T4AEligible T5018Eligible
		VendorPaymentBankDetail`),
	computed: properties(`… Balance V4IDPseudonym`),
	filters: filters(map[string]kind{
		"DisplayName": textKind, "GivenName": textKind, "FamilyName": textKind, "CompanyName": textKind,
		"Active": boolKind, "Balance": numberKind,
	}),
	alone:    addVendorRates,
	write:    writeVendor,
	webhooks: "CUDM",
	merges:   true,
	gen:      vendorGenerator,
}

var itemEntity = &entity{
	name:  "Item",
	list:  true,
	named: "Name",
	cdc:   true,
	properties: properties(`Name Description Active SubItem ParentRef Level FullyQualifiedName Taxable SalesTaxIncluded
		UnitPrice RatePercent Type IncomeAccountRef PurchaseDesc PurchaseTaxIncluded PurchaseCost ExpenseAccountRef
		AssetAccountRef PrefVendorRef ClassRef TrackQtyOnHand QtyOnHand ReorderPoint InvStartDate PrintGroupedItems
		ItemGroupDetail SalesTaxCodeRef PurchaseTaxCodeRef TaxClassificationRef DeferredRevenue … Sku AbatementRate
		ReverseChargeRate ServiceType ItemCategoryType UQCDisplayText UQCId CustomExtensions`),
	computed: properties(`… FullyQualifiedName Level DeferredRevenue`),
	filters: filters(map[string]kind{
		"Name": textKind, "FullyQualifiedName": textKind, "Type": textKind, "Sku": textKind, "Active": boolKind,
		"UnitPrice": numberKind, "QtyOnHand": numberKind, "ParentRef": refKind,
	}),
	alone:    addDeferredRevenue,
	write:    writeItem,
	webhooks: "CUDM",
	merges:   true,
	gen:      itemGenerator,
}

var accountEntity = &entity{
	name:  "Account",
	list:  true,
	named: "Name",
	cdc:   true,
	properties: properties(`Name SubAccount ParentRef Description FullyQualifiedName AccountAlias Active Classification
		AccountType AccountSubType AcctNum CurrentBalance CurrentBalanceWithSubAccounts CurrencyRef TaxCodeRef
		TxnLocationType JournalCodeRef …`),
	computed: properties(`… FullyQualifiedName SubAccount CurrentBalance CurrentBalanceWithSubAccounts`),
	filters: filters(map[string]kind{
		"Name": textKind, "FullyQualifiedName": textKind, "AccountType": textKind, "AccountSubType": textKind,
		"Classification": textKind, "AcctNum": textKind, "Active": boolKind, "CurrentBalance": numberKind,
		"SubAccount": boolKind, "ParentRef": refKind,
	}),
	write:    writeAccount,
	webhooks: "CUDM",
	merges:   true,
	gen:      accountGenerator,
}

var termEntity = &entity{
	name:  "Term",
	list:  true,
	named: "Name",
	cdc:   true,
	properties: properties(`Name Active Type DiscountPercent DueDays DiscountDays DayOfMonthDue DueNextMonthDays
		DiscountDayOfMonth …`),
	computed: properties(`…`),
	filters:  filters(map[string]kind{"Name": textKind, "Active": boolKind, "Type": textKind, "DueDays": numberKind}),
	write:    writeTerm,
	webhooks: "CU",
	gen:      termGenerator,
}
