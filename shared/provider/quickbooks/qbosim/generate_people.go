package qbosim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

func (f *customerFact) currencyRef() *object {
	if f.foreign {
		return ref("EUR", "Euro")
	}
	return dollars()
}

func dollars() *object { return ref(homeCurrency, "United States Dollar") }

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

// listIndex is listID's inverse, for ids that listID has made.
func listIndex(_ *books, id string) int {
	for _, prefix := range []string{"500000000000000", "2009"} {
		if long, ok := strings.CutPrefix(id, prefix); ok && len(id) >= 19 {
			n, _ := strconv.Atoi(long)
			return n
		}
	}
	n, _ := strconv.Atoi(id)
	return n - 1
}

func listed(_ *books, i int) string { return listID(i) }

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

var customerGenerator = &generator{
	count: func(b *books) int { return len(b.customers) },
	id:    listed, index: listIndex,
	when: func(b *books, i int) (int64, int64) {
		created := b.made + int64(i/3) // three a second: typed in by a machine
		return created, max(created, b.sums.customers.updated[i])
	},
	make:  (*books).customer,
	name:  displayName,
	gone:  inactive,
	token: func(_ *books, i int) int { return i % 2 },
	order: func(b *books) []int32 { return b.sums.customers.order },
}

func (b *books) customer(i int) *object {
	f := &b.customers[i]
	o := (&object{}).set("Taxable", i%2 == 0).set("BillAddr", addressOf(i, 2*i+2))
	if f.shipTo != "" {
		o.set("ShipAddr", addressOf(i, 2*i+3))
	}
	o.set("Job", jobOf(i) >= 0).set("BillWithParent", false).set("IsProject", i%9 == 8)
	if parent := jobOf(i); parent >= 0 {
		o.set("ParentRef", ref(listID(parent), "")).set("Level", count(level(i)))
	}
	o.setCents("Balance", b.sums.customers.cents[i]).setCents("BalanceWithJobs", b.sums.withJobs[i]).set("CurrencyRef", f.currencyRef())
	o.set("PreferredDeliveryMethod", "Print").set("ClientEntityId", "0")
	if n := len(b.spec.CustomFields); n > 0 {
		look := chance.Draw(chance.Seed(b.spec.Seed, "customer"), i)
		fields, _ := parseObject(append(b.appendFields([]byte(`{"CustomField":[`), &look), `]}`...))
		o.set("CustomField", fields.get("CustomField"))
	}
	if i%4 != 3 {
		o.set("GivenName", givenNames[i%len(givenNames)]).set("FamilyName", familyNames[i*7%len(familyNames)])
	}
	o.set("FullyQualifiedName", pathOf(i)).set("CompanyName", companyName(rootOf(i))).set("DisplayName", displayName(i)).
		set("PrintOnCheckName", companyName(rootOf(i))).set("Active", !inactive(i)).set("V4IDPseudonym", pseudonym(listID(i)))
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

var vendorGenerator = &generator{
	count: fixed(len(vendors)),
	id:    listed, index: listIndex,
	when: func(b *books, i int) (int64, int64) {
		created := b.made + int64(i)
		return created, max(created, b.sums.vendors.updated[i])
	},
	make:  (*books).vendor,
	name:  vendorName,
	gone:  lastVendor,
	order: func(b *books) []int32 { return b.sums.vendors.order },
}

func lastVendor(i int) bool { return i == len(vendors)-1 }

func vendorName(i int) string {
	if lastVendor(i) {
		return vendors[i] + deletedSuffix
	}
	return vendors[i]
}

func (b *books) vendor(i int) *object {
	o := (&object{}).set("BillAddr", addressOf(i+500, 9000+i))
	o.setCents("Balance", b.sums.vendors.cents[i]).set("AcctNum", strconv.Itoa(4500+i*131)).set("Vendor1099", i%4 == 1).set("CurrencyRef", dollars())
	if i%3 == 1 {
		o.set("TermRef", ref("3", ""))
	}
	o.set("CompanyName", vendors[i]).set("DisplayName", vendorName(i)).set("PrintOnCheckName", vendors[i]).set("Active", !lastVendor(i))
	return o.set("V4IDPseudonym", pseudonym("v"+strconv.Itoa(i))).set("PrimaryPhone", phoneOf(i+300)).
		set("PrimaryEmailAddr", (&object{}).set("Address", fmt.Sprintf("orders@supplier%d.example", i+1)))
}
