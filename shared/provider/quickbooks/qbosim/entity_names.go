package qbosim

var classEntity = &entity{
	name:       "Class",
	list:       true,
	named:      "Name",
	totalCount: true,
	cdc:        true,
	merges:     true,
	webhooks:   "CUDM",
	properties: properties(`Name SubClass ParentRef FullyQualifiedName Active …`),
	computed:   properties(`… SubClass FullyQualifiedName`),
	filters:    filters(map[string]kind{"Name": textKind, "FullyQualifiedName": textKind, "Active": boolKind, "ParentRef": refKind}),
	write:      func(ch *change) error { return writeTree(ch, "SubClass") },
	gen:        tree(classes, "SubClass"),
}

var departmentEntity = &entity{
	name:       "Department",
	list:       true,
	named:      "Name",
	cdc:        true,
	merges:     true,
	webhooks:   "CUM",
	properties: properties(`Name SubDepartment ParentRef FullyQualifiedName Active Address …`),
	computed:   properties(`… SubDepartment FullyQualifiedName`),
	filters:    filters(map[string]kind{"Name": textKind, "FullyQualifiedName": textKind, "Active": boolKind, "ParentRef": refKind}),
	write:      func(ch *change) error { return writeTree(ch, "SubDepartment") },
	gen:        tree(departments, "SubDepartment"),
}

var employeeEntity = &entity{
	name:     "Employee",
	list:     true,
	named:    "DisplayName",
	names:    "people",
	cdc:      true,
	merges:   true,
	webhooks: "CUDM",
	properties: properties(`SSN PrimaryAddr BillableTime BillRate CostRate BirthDate Gender HiredDate ReleasedDate EmployeeNumber Notes
		Organization … Title GivenName MiddleName FamilyName Suffix DisplayName PrintOnCheckName Active V4IDPseudonym
		PrimaryPhone Mobile PrimaryEmailAddr`),
	computed: properties(`… V4IDPseudonym`),
	filters: filters(map[string]kind{
		"DisplayName": textKind, "GivenName": textKind, "FamilyName": textKind, "Active": boolKind,
	}),
	write: writeEmployee,
	gen:   employeeGenerator,
}

var paymentMethodEntity = &entity{
	name:       "PaymentMethod",
	list:       true,
	named:      "Name",
	cdc:        true,
	merges:     true,
	webhooks:   "CUM",
	properties: properties(`Name Active Type …`),
	computed:   properties(`…`),
	filters:    filters(map[string]kind{"Name": textKind, "Active": boolKind, "Type": textKind}),
	write: func(ch *change) error {
		ch.doc.setMissing("Type", "NON_CREDIT_CARD")
		return writeNamed(ch)
	},
	gen: paymentMethodGenerator,
}

var customerTypeEntity = &entity{
	name:       "CustomerType",
	list:       true,
	named:      "Name",
	readOnly:   true,
	properties: properties(`Name Active …`),
	computed:   properties(`…`),
	filters:    filters(map[string]kind{"Name": textKind, "Active": boolKind}),
	write:      writeNamed,
	gen:        customerTypeGenerator,
}

var journalCodeEntity = &entity{
	name:       "JournalCode",
	list:       true,
	named:      "Name",
	totalCount: true,
	webhooks:   "CU",
	properties: properties(`Name Type Description Active …`),
	computed:   properties(`…`),
	filters:    filters(map[string]kind{"Name": textKind, "Type": textKind, "Active": boolKind}),
	write:      writeNamed,
	gen:        journalCodeGenerator,
}

// budgetEntity has Active and can be deleted nevertheless.
var budgetEntity = &entity{
	name:       "Budget",
	list:       true,
	hard:       true,
	named:      "Name",
	totalCount: true,
	cdc:        true,
	webhooks:   "CU",
	properties: properties(`Name StartDate EndDate BudgetType BudgetEntryType Active … BudgetDetail`),
	computed:   properties(`…`),
	filters:    filters(map[string]kind{"Name": textKind, "StartDate": dateKind, "EndDate": dateKind, "BudgetType": textKind, "Active": boolKind}),
	write:      writeBudget,
	gen:        budgetGenerator,
}
