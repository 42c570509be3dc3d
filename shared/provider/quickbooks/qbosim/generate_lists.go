package qbosim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// The list objects are few and are kept from the start; books holds of them what invoices print.

type accountFact struct {
	id, ref string // ref is printed JSON, as in all facts
}

type termFact struct{ id, ref string }

type itemFact struct {
	id, ref, about string
	price          decimal
	account        int // of books.accounts
	taxable        bool
}

type customerFact struct {
	id, ref        string
	billTo, shipTo string // printed addresses
	email          string
	foreign        bool
}

func (f *customerFact) currency() string {
	if f.foreign {
		return `{"value":"EUR","name":"Euro"}`
	}
	return `{"value":"USD","name":"United States Dollar"}`
}

func (f *customerFact) currencyRef() *object {
	if f.foreign {
		return ref("EUR", "Euro")
	}
	return dollars()
}

func dollars() *object { return ref("USD", "United States Dollar") }

func printedRef(id, name string) string { return string(appendRef(nil, id, name)) }

// listID numbers list objects; a few have the long ids that some companies show.
func listID(i int) string {
	switch {
	case i%41 == 17:
		return fmt.Sprintf("500000000000000%04d", i)
	case i%67 == 29:
		return fmt.Sprintf("2009%017d", i)
	}
	return strconv.Itoa(i + 1)
}

// firstNewList is above every short id of the generator.
const firstNewList = 1150040000

const (
	receivableDollar = "84"
	receivableEuro   = "1150040000"
)

func (b *books) makeAccounts() {
	for _, spec := range chart {
		name := spec.name
		if spec.parent != "" {
			name = spec.parent + ":" + name
		}
		b.accounts = append(b.accounts, accountFact{spec.id, printedRef(spec.id, name)})
	}
	b.undeposited = undepositedFunds
}

func (b *books) makeTerms() {
	for i, term := range terms {
		id := strconv.Itoa(i + 1)
		b.terms = append(b.terms, termFact{id, printedRef(id, term.name)})
	}
}

func (b *books) makeItems() {
	for i, spec := range catalogue {
		fact := itemFact{id: listID(i), about: spec.about, account: spec.account, taxable: spec.taxable}
		fact.price, _ = parseDecimal(spec.price)
		fact.ref = printedRef(fact.id, spec.name)
		switch {
		case spec.kind == "Group":
			b.bundles = append(b.bundles, i)
		case spec.kind != "Category" && !spec.gone:
			b.sellable = append(b.sellable, i)
		}
		b.items = append(b.items, fact)
	}
}

func (b *books) makeCustomers() {
	n := b.spec.Customers
	if n == 0 {
		n = min(2000, 8+b.spec.Invoices/20)
	}
	for i := range n {
		fact := customerFact{id: listID(i), email: emailOf(i), foreign: b.spec.MultiCurrency && rootOf(i)%7 == 6}
		fact.ref = printedRef(fact.id, displayName(i))
		fact.billTo = fmt.Sprintf(`{"Id":"%d","Line1":%s,"Line2":%s,"Line3":%s,"Lat":"INVALID","Long":"INVALID"}`,
			2*i+2, appendText(nil, companyName(rootOf(i))), appendText(nil, streetOf(i)), appendText(nil, townOf(i).line()))
		if i%3 != 0 {
			fact.shipTo = string(addressOf(i, 2*i+3).append(nil))
		}
		b.customers = append(b.customers, fact)
	}
}

// jobOf gives the customer that customer i is a job of, -1 for none. Every ninth and the one after it
// belong to the one before, as its child and grandchild.
func jobOf(i int) int {
	if i%9 == 7 || i%9 == 8 {
		return i - 1
	}
	return -1
}

func rootOf(i int) int {
	for jobOf(i) >= 0 {
		i = jobOf(i)
	}
	return i
}

func level(i int) int {
	n := 0
	for ; jobOf(i) >= 0; i = jobOf(i) {
		n++
	}
	return n
}

func pathOf(i int) string {
	if jobOf(i) < 0 {
		return displayName(i)
	}
	return pathOf(jobOf(i)) + ":" + displayName(i)
}

func inactive(i int) bool { return i%23 == 11 }

func displayName(i int) string {
	name := companyName(i)
	if jobOf(i) >= 0 {
		name = jobName(i)
	}
	if inactive(i) {
		name += deletedSuffix
	}
	return name
}

// jobName is unique over all customers, because DisplayName must be.
func jobName(i int) string { return fmt.Sprintf("%s, site %d", streetOf(i), i) }

func companyName(i int) string {
	a, k := len(firstWords), len(lastWords)
	name := firstWords[i%a] + " " + lastWords[i/a%k]
	if round := i / (a * k); round > 0 {
		name += " " + strconv.Itoa(round+1)
	}
	return name
}

func emailOf(i int) string { return fmt.Sprintf("accounts%d@customer.example", i+1) }

func streetOf(i int) string {
	return strconv.Itoa(100+i*37%8900) + " " + streets[i%len(streets)]
}

type town struct{ city, state, zip string }

func (t town) line() string { return t.city + ", " + t.state + "  " + t.zip }

func townOf(i int) town { return towns[i%len(towns)] }

func addressOf(i, id int) *object {
	t := townOf(i)
	return (&object{}).set("Id", strconv.Itoa(id)).set("Line1", streetOf(i)).set("City", t.city).
		set("CountrySubDivisionCode", t.state).set("PostalCode", t.zip).
		set("Lat", fmt.Sprintf("37.%07d", 4000000+i*991%999999)).set("Long", fmt.Sprintf("-122.%07d", 1000000+i*787%999999))
}

func phoneOf(i int) *object {
	return (&object{}).set("FreeFormNumber", fmt.Sprintf("(%d) 555-%04d", 400+i%500, i*7919%10000))
}

func stamped(o *object, id string, token int, created, updated int64) *object {
	meta := (&object{}).set("CreateTime", string(appendStamp(nil, created))).set("LastUpdatedTime", string(appendStamp(nil, updated)))
	return o.set("domain", "QBO").set("sparse", false).set("Id", id).set("SyncToken", strconv.Itoa(token)).set("MetaData", meta)
}

// listRows makes the objects of every list, with the balances that the base transactions add up to.
func (b *books) listRows() map[string][]*object {
	sums := b.addUp()
	made := b.start - 90*24*3600
	out := map[string][]*object{}
	for i, spec := range chart {
		o := spec.object(sums.accounts[spec.id])
		updated := max(made+int64(i), sums.accountUpdated[spec.id])
		out["Account"] = append(out["Account"], stamped(o, spec.id, 0, made+int64(i), updated))
	}
	if b.spec.MultiCurrency {
		o := accountSpec{id: receivableEuro, name: "Accounts Receivable (A/R) - EUR", kind: "Accounts Receivable", subtype: "AccountsReceivable"}.
			object(sums.accounts[receivableEuro]).set("CurrencyRef", ref("EUR", "Euro"))
		out["Account"] = append(out["Account"], stamped(o, receivableEuro, 0, made, max(made, sums.accountUpdated[receivableEuro])))
	}
	for i, spec := range terms {
		out["Term"] = append(out["Term"], stamped(spec.object(), b.terms[i].id, 0, made, made))
	}
	for i, spec := range catalogue {
		o := spec.object(b, made)
		out["Item"] = append(out["Item"], stamped(o, b.items[i].id, i%3, made+int64(60*i), made+int64(60*i)+int64(i%3)*3600))
	}
	for i := range b.customers {
		created := made + int64(i/3) // three a second: typed in by a machine
		out["Customer"] = append(out["Customer"], stamped(b.customer(i, sums), b.customers[i].id, i%2, created, max(created, sums.updated[i])))
	}
	for i := range vendors {
		out["Vendor"] = append(out["Vendor"], stamped(vendor(i), listID(i), 0, made+int64(i), made+int64(i)))
	}
	out["CompanyInfo"] = []*object{b.companyInfo(made)}
	for entity, list := range out {
		for _, o := range list {
			o.arrange(entities[entity].properties)
		}
	}
	return out
}

func (b *books) customer(i int, sums *sums) *object {
	f := &b.customers[i]
	o := (&object{}).set("Taxable", i%2 == 0).set("BillAddr", addressOf(i, 2*i+2))
	if f.shipTo != "" {
		o.set("ShipAddr", addressOf(i, 2*i+3))
	}
	o.set("Job", jobOf(i) >= 0).set("BillWithParent", false).set("IsProject", i%9 == 8)
	if parent := jobOf(i); parent >= 0 {
		o.set("ParentRef", ref(b.customers[parent].id, "")).set("Level", json.Number(strconv.Itoa(level(i))))
	}
	o.setCents("Balance", sums.balance[i]).setCents("BalanceWithJobs", sums.withJobs[i]).set("CurrencyRef", f.currencyRef())
	o.set("PreferredDeliveryMethod", "Print").set("ClientEntityId", "0")
	if n := len(b.spec.CustomFields); n > 0 {
		look := draw(seedOf(b.spec.Seed, "customer"), i)
		fields, _ := parseObject(append(b.appendFields([]byte(`{"CustomField":[`), &look), `]}`...))
		o.set("CustomField", fields.get("CustomField"))
	}
	if i%4 != 3 {
		o.set("GivenName", givenNames[i%len(givenNames)]).set("FamilyName", familyNames[i*7%len(familyNames)])
	}
	o.set("FullyQualifiedName", pathOf(i)).set("CompanyName", companyName(rootOf(i))).set("DisplayName", displayName(i)).
		set("PrintOnCheckName", companyName(rootOf(i))).set("Active", !inactive(i)).set("V4IDPseudonym", pseudonym(f.id))
	if i%5 != 4 {
		o.set("PrimaryPhone", phoneOf(i))
	}
	if i%11 == 3 {
		o.set("Mobile", phoneOf(i+1)).set("Notes", oddNotes[i%len(oddNotes)])
	}
	o.set("PrimaryEmailAddr", (&object{}).set("Address", f.email))
	if i%6 == 2 {
		o.set("WebAddr", (&object{}).set("URI", fmt.Sprintf("http://customer%d.example", i+1)))
	}
	return o
}

func vendor(i int) *object {
	name := vendors[i]
	o := (&object{}).set("BillAddr", addressOf(i+500, 9000+i))
	o.set("Balance", json.Number("0")).set("AcctNum", strconv.Itoa(4500+i*131)).set("Vendor1099", i%4 == 1).set("CurrencyRef", dollars())
	if i%3 == 1 {
		o.set("TermRef", ref("3", ""))
	}
	active := i != len(vendors)-1
	if !active {
		name += deletedSuffix
	}
	o.set("CompanyName", vendors[i]).set("DisplayName", name).set("PrintOnCheckName", vendors[i]).set("Active", active)
	return o.set("V4IDPseudonym", pseudonym("v"+strconv.Itoa(i))).set("PrimaryPhone", phoneOf(i+300)).
		set("PrimaryEmailAddr", (&object{}).set("Address", fmt.Sprintf("orders@supplier%d.example", i+1)))
}

func (b *books) companyInfo(made int64) *object {
	addr := func() *object {
		return (&object{}).set("Id", "1").set("Line1", "1 Foundry Way").set("City", "Middlefield").set("Country", "USA").
			set("CountrySubDivisionCode", "CA").set("PostalCode", "94303")
	}
	o := (&object{}).set("CompanyName", b.spec.Name).set("LegalName", b.spec.Name+" LLC").
		set("CompanyAddr", addr()).set("CustomerCommunicationAddr", addr()).set("LegalAddr", addr()).
		set("PrimaryPhone", phoneOf(0)).set("CompanyStartDate", string(appendDate(nil, made))).
		set("FiscalYearStartMonth", "January").set("Country", "US").
		set("Email", (&object{}).set("Address", "office@"+strings.ToLower(strings.Fields(b.spec.Name + " company")[0])+".example")).
		set("WebAddr", &object{}).set("SupportedLanguages", "en").set("DefaultTimeZone", "America/Los_Angeles")
	pairs := []any{}
	for _, kv := range [][2]string{{"NeoEnabled", "true"}, {"IndustryType", "Power generation equipment"}, {"SubscriptionStatus", "PAID"},
		{"OfferingSku", "QuickBooks Online Plus"}, {"PayrollFeature", "false"}, {"AccountantFeature", "false"}} {
		pairs = append(pairs, (&object{}).set("Name", kv[0]).set("Value", kv[1]))
	}
	return stamped(o.set("NameValue", pairs), "1", 4, made, made)
}
