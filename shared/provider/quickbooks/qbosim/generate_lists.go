package qbosim

import (
	"encoding/json"
	"strings"
)

var accountGenerator = &generator{
	count: func(b *books) int {
		if b.spec.MultiCurrency {
			return len(chart) + 1
		}
		return len(chart)
	},
	id: func(_ *books, i int) string {
		if i == len(chart) {
			return receivableEuro
		}
		return chart[i].id
	},
	when: func(b *books, i int) (int64, int64) {
		created := b.made + int64(i)%int64(len(chart))
		return created, max(created, b.sums.accounts.updated[i])
	},
	make:  (*books).account,
	gone:  func(i int) bool { return i < len(chart) && strings.HasSuffix(chart[i].name, deletedSuffix) },
	order: func(b *books) []int32 { return b.sums.accounts.order },
}

// accountIndex gives the place of an account's balance.
func accountIndex(_ *books, id string) int {
	for i := range chart {
		if chart[i].id == id {
			return i
		}
	}
	return len(chart)
}

func (b *books) account(i int) *object {
	spec := accountSpec{receivableEuro, "Accounts Receivable (A/R) - EUR", "", "Accounts Receivable", "AccountsReceivable"}
	currency := ref("EUR", "Euro")
	if i < len(chart) {
		spec, currency = chart[i], dollars()
	}
	o := obj("Name", spec.name, "SubAccount", spec.parent != "", "FullyQualifiedName", spec.path())
	for _, p := range chart {
		if spec.parent != "" && p.name == spec.parent {
			o.set("ParentRef", ref(p.id, ""))
		}
	}
	class, balance := classifications[spec.kind], b.sums.accounts.cents[i]
	if class == "Revenue" || class == "Expense" {
		balance = 0
	}
	return o.set("Active", !strings.HasSuffix(spec.name, deletedSuffix)).set("Classification", class).
		set("AccountType", spec.kind).set("AccountSubType", spec.subtype).
		setCents("CurrentBalance", balance).setCents("CurrentBalanceWithSubAccounts", balance).set("CurrencyRef", currency)
}

var termGenerator = &generator{
	count: fixed(len(terms)),
	id:    numbered,
	when:  func(b *books, _ int) (int64, int64) { return b.made, b.made },
	make: func(_ *books, i int) *object {
		return obj("Name", terms[i].name, "Active", true, "Type", "STANDARD",
			"DiscountPercent", count(0), "DueDays", json.Number(terms[i].days), "DiscountDays", count(0))
	},
}

var itemGenerator = &generator{
	count: fixed(len(catalogue)),
	id:    listed, index: listIndex,
	when: func(b *books, i int) (int64, int64) {
		created := b.made + int64(60*i)
		return created, created + int64(i/7)*3600
	},
	make:  (*books).item,
	name:  func(i int) string { return catalogue[i].name },
	gone:  func(i int) bool { return catalogue[i].gone },
	token: func(_ *books, i int) int { return i / 7 },
}

func (b *books) item(i int) *object {
	s := catalogue[i]
	o := obj("Name", s.name, "Active", !s.gone, "FullyQualifiedName", s.name, "Type", s.kind)
	if s.kind == "Category" {
		return o
	}
	if s.about != "" {
		o.set("Description", s.about)
	}
	if s.parent != "" {
		for n, p := range catalogue {
			if p.name == s.parent {
				o.set("SubItem", true).set("ParentRef", ref(listID(n), s.parent)).set("Level", count(1))
			}
		}
		o.set("FullyQualifiedName", s.parent+":"+s.name)
	}
	o.set("Taxable", s.taxable).set("UnitPrice", json.Number(s.price)).set("PurchaseCost", count(0)).set("TrackQtyOnHand", s.kind == "Inventory")
	if s.kind != "Group" {
		o.set("IncomeAccountRef", chart[s.account].ref())
	}
	if s.kind == "Inventory" {
		o.set("PurchaseDesc", s.about).set("ExpenseAccountRef", ref("80", "Cost of Goods Sold")).set("AssetAccountRef", ref("81", "Inventory Asset")).
			set("QtyOnHand", count(250)).set("InvStartDate", string(appendDate(nil, b.made)))
	}
	return o
}

// treeSpec is an object of a list that has a tree of its own.
type treeSpec struct {
	id, name string
	parent   int // of the same list, from 1; 0: none
}

var (
	classes     = []treeSpec{{"5000000000000007195", "Installation", 0}, {"5000000000000007196", "Service", 0}, {"5000000000000007197", "Contracts", 2}, {"5000000000000007201", "Rental", 0}}
	departments = []treeSpec{{"1", "North yard", 0}, {"2", "South yard", 0}, {"3", "Mobile crew", 1}, {"4", "Old depot (deleted)", 0}}
)

func tree(list []treeSpec, flag string) *generator {
	return &generator{
		count: fixed(len(list)),
		id:    func(_ *books, i int) string { return list[i].id },
		when:  madeOnce,
		make: func(_ *books, i int) *object {
			o := obj("Name", list[i].name, flag, list[i].parent != 0, "FullyQualifiedName", list[i].name, "Active", !strings.HasSuffix(list[i].name, deletedSuffix))
			if above := list[i].parent; above != 0 {
				o.set("ParentRef", ref(list[above-1].id, "")).set("FullyQualifiedName", list[above-1].name+":"+list[i].name)
			}
			return o
		},
		name: func(i int) string { return list[i].name },
		gone: func(i int) bool { return strings.HasSuffix(list[i].name, deletedSuffix) },
	}
}

// plain makes a list of objects that are nothing but their properties.
func plain(id func(b *books, i int) string, list ...func() *object) *generator {
	return &generator{
		count: fixed(len(list)), id: id, when: madeOnce,
		make: func(_ *books, i int) *object { return list[i]() },
	}
}

func method(name, kind string) func() *object {
	return func() *object { return obj("Name", name, "Active", true, "Type", kind) }
}

var paymentMethodGenerator = plain(numbered,
	method("Cash", "NON_CREDIT_CARD"), method("Check", "NON_CREDIT_CARD"), method("Visa", "CREDIT_CARD"), method("MasterCard", "CREDIT_CARD"),
	method("Discover", "CREDIT_CARD"), method("American Express", "CREDIT_CARD"), method("Diners Club", "CREDIT_CARD"))

func longID(_ *books, i int) string { return "500000000000000346" + count(i).String() }

func customerType(name string) func() *object {
	return func() *object { return obj("Name", name, "Active", true) }
}

var customerTypeGenerator = plain(longID, customerType("Hospital"), customerType("Contractor"), customerType("Public"))

func journalCode(name, kind, about string) func() *object {
	return func() *object { return obj("Name", name, "Type", kind, "Description", about, "Active", true) }
}

var journalCodeGenerator = plain(numbered,
	journalCode("VE", "Sales", "Ventes"), journalCode("AC", "Expenses", "Achats"), journalCode("BQ", "Bank", "Banque"), journalCode("OD", "Others", "Opérations diverses"))

var employeeGenerator = &generator{
	count: fixed(employees),
	id:    func(_ *books, i int) string { return count(55 + i).String() },
	when:  madeOnce,
	make:  (*books).employee,
	name:  employeeName,
	gone:  func(i int) bool { return i == employees-1 },
}

const employees = 5

func employeeName(i int) string {
	name := givenNames[i] + " " + familyNames[(i+4)%len(familyNames)]
	if i == employees-1 {
		name += deletedSuffix
	}
	return name
}

func (b *books) employee(i int) *object {
	given, family := givenNames[i], familyNames[(i+4)%len(familyNames)]
	o := obj("BillableTime", i%2 == 0, "GivenName", given, "FamilyName", family, "DisplayName", employeeName(i),
		"PrintOnCheckName", given+" "+family, "Active", i != employees-1)
	if i%2 == 0 {
		addr := addressOf(i+700, 9500+i)
		addr.drop("Lat", "Long")
		o.set("PrimaryAddr", addr).set("PrimaryPhone", phoneOf(i+600)).set("SSN", "XXX-XX-XXXX")
	}
	if i == 1 {
		o.set("HiredDate", "2019-03-04").set("BirthDate", "1988-11-23")
	}
	return o
}
