package qbosim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

const deletedSuffix = " (deleted)"

// listDefaults is what all name lists share: a unique name, the suffix of removed ones, the place in
// a tree.
func (ch *change) listDefaults() error {
	def, doc := ch.t.def, ch.doc
	doc.setMissing("Active", true)
	name := doc.text(def.named)
	if name == "" {
		return missing(def.named)
	}
	if strings.ContainsAny(name, ":\t\n") {
		return businessRule("A name must not hold a colon, a tab or a new line")
	}
	if doc.get("Active") == true {
		name = strings.TrimSuffix(name, deletedSuffix)
	} else if ch.old != nil && ch.old.get("Active") == true {
		name += deletedSuffix
	}
	doc.set(def.named, name)
	if ch.c.nameTaken(ch) {
		return duplicateName()
	}
	return nil
}

// place sets FullyQualifiedName and gives the parent, nil at the top.
func (ch *change) place() (parent *object, err error) {
	doc := ch.doc
	full := doc.text(ch.t.def.named)
	if id := doc.text("ParentRef", "value"); id != "" {
		var ok bool
		if parent, ok = ch.c.load(ch.t, id); !ok || id == doc.text("Id") {
			return nil, badReference("ParentRef", id)
		}
		full = parent.text("FullyQualifiedName") + ":" + full
	}
	doc.set("FullyQualifiedName", full)
	if ch.old != nil && ch.old.text("FullyQualifiedName") != full {
		ch.c.renameBelow(ch.t, doc.text("Id"), full)
	}
	return parent, nil
}

// renameBelow shows a new path in everything below an object; like all derived names it moves nothing.
func (c *Company) renameBelow(t *table, id, full string) {
	below := map[string][]*object{}
	for h := range t.walk(always, false, 0) {
		o, ok := c.load(t, t.id(h))
		if parent := o.text("ParentRef", "value"); ok && parent != "" {
			below[parent] = append(below[parent], o)
		}
	}
	var show func(id, full string)
	show = func(id, full string) {
		for _, o := range below[id] {
			path := full + ":" + o.text(t.def.named)
			c.quietly(t, o.text("Id"), func(o *object) { o.set("FullyQualifiedName", path) })
			show(o.text("Id"), path)
		}
	}
	show(id, full)
}

// quietly changes what an object shows without moving its last update or its SyncToken.
func (c *Company) quietly(t *table, id string, f func(*object)) {
	old, _ := c.load(t, id)
	doc, ok := c.load(t, id)
	if !ok {
		return
	}
	f(doc)
	doc.arrange(t.def.properties)
	r := newRow(t.def, doc)
	c.noteRename(&change{c: c, t: t, old: old, doc: doc}, r)
	t.replace(r)
}

// nameTaken looks through all lists that share names. Where lists form a tree a name may repeat
// under another parent.
func (c *Company) nameTaken(ch *change) bool {
	name := strings.ToLower(ch.doc.text(ch.t.def.named))
	for _, def := range c.kinds {
		if def != ch.t.def && (def.names == "" || def.names != ch.t.def.names) {
			continue
		}
		t := c.look(def.name)
		for h := range t.walk(always, false, 0) {
			if t.name(h) == name && (def != ch.t.def || t.id(h) != ch.doc.text("Id")) && c.sameNames(ch, t, t.id(h)) {
				return true
			}
		}
	}
	return false
}

// sameNames: lists that share names share them whole, others by parent.
func (c *Company) sameNames(ch *change, t *table, id string) bool {
	if t.def.names != "" {
		return true
	}
	o, ok := c.load(t, id)
	return ok && o.text("ParentRef", "value") == ch.doc.text("ParentRef", "value")
}

// personName makes the DisplayName of the parts when none is given.
func (ch *change) personName() {
	doc := ch.doc
	if doc.has("DisplayName") {
		return
	}
	name := strings.Join(strings.Fields(strings.Join([]string{
		doc.text("Title"), doc.text("GivenName"), doc.text("MiddleName"), doc.text("FamilyName"), doc.text("Suffix")}, " ")), " ")
	if name == "" {
		name = doc.text("CompanyName")
	}
	if name != "" {
		doc.set("DisplayName", name)
	}
}

func writeCustomer(ch *change) error {
	doc := ch.doc
	ch.personName()
	if err := ch.listDefaults(); err != nil {
		return err
	}
	parent, err := ch.place()
	if err != nil {
		return err
	}
	doc.set("Job", parent != nil)
	if parent != nil {
		level, _ := strconv.Atoi(parent.text("Level"))
		doc.set("Level", json.Number(strconv.Itoa(level+1)))
	}
	ch.currencyDefault()
	for _, flag := range []string{"Taxable", "BillWithParent", "IsProject"} {
		doc.setMissing(flag, false)
	}
	doc.setMissing("Balance", json.Number("0"))
	doc.setMissing("BalanceWithJobs", json.Number("0"))
	doc.setMissing("PreferredDeliveryMethod", "Print")
	doc.setMissing("ClientEntityId", "0")
	doc.setMissing("PrintOnCheckName", doc.text("DisplayName"))
	doc.setMissing("V4IDPseudonym", pseudonym(doc.text("Id")))
	ch.customFields(false)
	return nil
}

func writeVendor(ch *change) error {
	doc := ch.doc
	ch.personName()
	if err := ch.listDefaults(); err != nil {
		return err
	}
	ch.currencyDefault()
	doc.setMissing("Balance", json.Number("0"))
	doc.setMissing("Vendor1099", false)
	doc.setMissing("PrintOnCheckName", doc.text("DisplayName"))
	doc.setMissing("V4IDPseudonym", pseudonym(doc.text("Id")))
	return nil
}

// pseudonym is a stable opaque text in the look of QBO's V4IDPseudonym.
func pseudonym(id string) string {
	r := chance.Sequence(chance.Seed(14, id))
	return fmt.Sprintf("002098%016x%016x", r.Next(), r.Next())
}

func (ch *change) currencyDefault() {
	if code := ch.doc.text("CurrencyRef", "value"); code == "EUR" && ch.c.spec.MultiCurrency {
		ch.doc.set("CurrencyRef", ref("EUR", "Euro"))
	} else {
		ch.doc.set("CurrencyRef", ref("USD", "United States Dollar"))
	}
}

func writeItem(ch *change) error {
	doc := ch.doc
	doc.setMissing("Type", "Service")
	if err := ch.listDefaults(); err != nil {
		return err
	}
	parent, err := ch.place()
	if err != nil {
		return err
	}
	if parent != nil {
		doc.set("SubItem", true)
		doc.setMissing("Level", json.Number("1"))
	}
	if doc.text("Type") == "Category" {
		return nil
	}
	required := []string{"IncomeAccountRef"}
	switch doc.text("Type") {
	case "Inventory":
		required = append(required, "ExpenseAccountRef", "AssetAccountRef")
		doc.set("TrackQtyOnHand", true)
		if !doc.has("QtyOnHand") || !doc.has("InvStartDate") {
			return missing("QtyOnHand, InvStartDate")
		}
	case "Group":
		required = nil
	case "Service", "NonInventory":
	default:
		return invalid("2170", "Invalid Enumeration", "Invalid Enumeration : "+doc.text("Type"))
	}
	for _, key := range required {
		if _, err := ch.refer(doc, key); err != nil {
			return err
		}
	}
	doc.setMissing("Taxable", false)
	doc.setMissing("UnitPrice", json.Number("0"))
	doc.setMissing("PurchaseCost", json.Number("0"))
	doc.setMissing("TrackQtyOnHand", false)
	return nil
}

// classifications is the side of the books that an AccountType is on.
var classifications = map[string]string{
	"Bank": "Asset", "Accounts Receivable": "Asset", "Other Current Asset": "Asset", "Fixed Asset": "Asset", "Other Asset": "Asset",
	"Accounts Payable": "Liability", "Credit Card": "Liability", "Other Current Liability": "Liability", "Long Term Liability": "Liability",
	"Equity": "Equity", "Income": "Revenue", "Other Income": "Revenue",
	"Cost of Goods Sold": "Expense", "Expense": "Expense", "Other Expense": "Expense",
}

func writeAccount(ch *change) error {
	doc := ch.doc
	if err := ch.listDefaults(); err != nil {
		return err
	}
	parent, err := ch.place()
	if err != nil {
		return err
	}
	class, ok := classifications[doc.text("AccountType")]
	if !ok {
		return missing("AccountType")
	}
	doc.set("SubAccount", parent != nil).set("Classification", class)
	doc.setMissing("AccountSubType", strings.ReplaceAll(doc.text("AccountType"), " ", ""))
	doc.setMissing("CurrentBalance", json.Number("0"))
	doc.setMissing("CurrentBalanceWithSubAccounts", json.Number("0"))
	ch.currencyDefault()
	return nil
}

func writeTerm(ch *change) error {
	if err := ch.listDefaults(); err != nil {
		return err
	}
	ch.doc.setMissing("Type", "STANDARD")
	ch.doc.setMissing("DiscountPercent", json.Number("0"))
	if ch.doc.text("Type") == "STANDARD" {
		ch.doc.setMissing("DueDays", json.Number("0"))
		ch.doc.setMissing("DiscountDays", json.Number("0"))
	}
	return nil
}

// addVendorRates: rows do not show a vendor's rates.
func addVendorRates(o *object) {
	o.setMissing("BillRate", json.Number("0"))
	o.setMissing("CostRate", json.Number("0"))
}

// addDeferredRevenue: rows do not show this flag.
func addDeferredRevenue(o *object) {
	if o.text("Type") != "Category" {
		o.set("DeferredRevenue", false)
	}
}
