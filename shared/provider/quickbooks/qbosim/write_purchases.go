package qbosim

import (
	"encoding/json"
	"slices"
	"time"
)

// expenseLines completes the posted lines of a purchase and gives their sum in cents.
func (ch *change) expenseLines(numbered, linked bool) (total int64, err error) {
	lines := ch.doc.objects("Line")
	if len(lines) == 0 {
		return 0, missing("Line")
	}
	w := newLineWriter(ch)
	for i, line := range lines {
		w.number(line)
		if !numbered {
			line.drop("LineNum")
		}
		if err := ch.expenseLine(line); err != nil {
			return 0, err
		}
		if linked {
			line.setMissing("LinkedTxn", []any{})
		}
		line.setMissing("CustomExtensions", []any{})
		line.arrange(lineKeys)
		lines[i], total = line, total+line.cents("Amount")
	}
	ch.doc.set("Line", list(lines)).setCents("TotalAmt", total)
	return total, nil
}

func (ch *change) expenseLine(line *object) error {
	kind := line.text("DetailType")
	detail := line.child(kind)
	switch {
	case kind == "":
		return missing("Line.DetailType")
	case kind != "AccountBasedExpenseLineDetail" && kind != "ItemBasedExpenseLineDetail":
		return invalid("2170", "Invalid Enumeration", "Invalid Enumeration : "+kind)
	case detail == nil:
		return missing(kind)
	}
	needed := "AccountRef"
	if kind == "ItemBasedExpenseLineDetail" {
		needed = "ItemRef"
	}
	if !detail.has(needed) {
		return missing(needed)
	}
	detail.setMissing("BillableStatus", "NotBillable")
	detail.setMissing("TaxCodeRef", ref("NON", ""))
	if err := ch.referAll(detail); err != nil {
		return err
	}
	return priceLine(line, detail)
}

// purchaseBasics checks what all purchases have: who sold, the account behind it, the date.
func (ch *change) purchaseBasics() (vendor *object, err error) {
	doc := ch.doc
	if vendor, err = ch.refer(doc, "VendorRef"); err != nil {
		return nil, err
	}
	doc.setMissing("APAccountRef", ref(payables, ""))
	if err := ch.referSome("APAccountRef", "SalesTermRef", "DepartmentRef", "ClassRef"); err != nil {
		return nil, err
	}
	doc.set("CurrencyRef", vendor.get("CurrencyRef"))
	return vendor, ch.dateDefault()
}

func writeBill(ch *change) error {
	doc := ch.doc
	vendor, err := ch.purchaseBasics()
	if err != nil {
		return err
	}
	total, err := ch.expenseLines(true, true)
	if err != nil {
		return err
	}
	paid := int64(0)
	if ch.old != nil {
		paid = ch.old.cents("TotalAmt") - ch.old.cents("Balance")
	}
	if paid != 0 && total < paid {
		return businessRule("The amount of the transaction is less than what has been paid on it")
	}
	doc.setCents("Balance", total-paid)
	day, _ := time.Parse(time.DateOnly, doc.text("TxnDate"))
	doc.setMissing("DueDate", day.AddDate(0, 0, 30).Format(time.DateOnly))
	if addr := vendor.child("BillAddr"); addr != nil && ch.creating() {
		doc.setMissing("VendorAddr", addr)
	}
	return ch.orderLinks()
}

// orderLinks: of its links a body can set those to purchase orders; the others follow from payments.
func (ch *change) orderLinks() error {
	var kept []*object
	if ch.old != nil {
		kept = slices.DeleteFunc(ch.old.objects("LinkedTxn"), func(l *object) bool { return l.text("TxnType") == "PurchaseOrder" })
	}
	for _, id := range links(ch.doc, "PurchaseOrder") {
		if _, ok := ch.c.load(ch.c.look("PurchaseOrder"), id); !ok {
			return badReference("LinkedTxn", id)
		}
		kept = append(kept, obj("TxnId", id, "TxnType", "PurchaseOrder"))
	}
	if ch.doc.drop("LinkedTxn"); len(kept) > 0 {
		ch.doc.set("LinkedTxn", list(kept))
	}
	return nil
}

func writeVendorCredit(ch *change) error {
	if _, err := ch.purchaseBasics(); err != nil {
		return err
	}
	total, err := ch.expenseLines(false, false)
	ch.doc.setCents("Balance", total)
	return err
}

func writePurchaseOrder(ch *change) error {
	doc := ch.doc
	if _, err := ch.purchaseBasics(); err != nil {
		return err
	}
	if _, err := ch.expenseLines(true, false); err != nil {
		return err
	}
	doc.setMissing("POStatus", "Open")
	doc.setMissing("EmailStatus", "NotSet")
	doc.setMissing("LinkedTxn", []any{})
	doc.setMissing("CustomField", []any{})
	return nil
}

func writePurchase(ch *change) error {
	doc := ch.doc
	number, err := purchaseNumber(doc)
	if err != nil {
		return err
	}
	if _, err := ch.expenseLines(false, false); err != nil {
		return err
	}
	if !doc.has("AccountRef") {
		return missing("AccountRef")
	}
	if err := ch.referSome("AccountRef", "EntityRef", "DepartmentRef", "PaymentMethodRef"); err != nil {
		return err
	}
	doc.set("PurchaseEx", obj("any", []any{nameValue("TxnType", number)}))
	doc.set("CurrencyRef", dollars())
	if err := ch.orderLinks(); err != nil {
		return err
	}
	return ch.dateDefault()
}

// purchaseNumber is what PurchaseEx calls the way of paying; a card's credit has its own.
func purchaseNumber(doc *object) (string, error) {
	for _, kind := range paymentTypes {
		if kind.name != doc.text("PaymentType") {
			continue
		}
		if kind.name == "CreditCard" && doc.setMissing("Credit", false).get("Credit") == true {
			return "11", nil
		}
		return kind.number, nil
	}
	return "", missing("PaymentType")
}

// zeroPurchase voids: accounts and items stay.
func zeroPurchase(doc *object) {
	zeroLines(doc.objects("Line"))
	doc.setCents("TotalAmt", 0)
}

func writeBillPayment(ch *change) error {
	doc := ch.doc
	vendor, err := ch.refer(doc, "VendorRef")
	if err != nil {
		return err
	}
	if err := ch.paidFrom(); err != nil {
		return err
	}
	total, ok := parseDecimal(doc.text("TotalAmt"))
	if !ok || total < 0 {
		return badNumber("TotalAmt", doc.text("TotalAmt"))
	}
	used, err := ch.billLines()
	if err != nil {
		return err
	}
	if used != total.cents() {
		return businessRule("The lines of a bill payment add up to its amount")
	}
	doc.setCents("TotalAmt", total.cents()).set("CurrencyRef", vendor.get("CurrencyRef"))
	doc.setMissing("DocNumber", doc.text("Id"))
	return ch.dateDefault()
}

// paidFrom checks the bank account or the card that a bill payment comes from.
func (ch *change) paidFrom() error {
	holder, account := ch.doc.child("CheckPayment"), "BankAccountRef"
	switch ch.doc.text("PayType") {
	case "Check":
		if holder != nil {
			holder.setMissing("PrintStatus", "NotSet")
		}
	case "CreditCard":
		holder, account = ch.doc.child("CreditCardPayment"), "CCAccountRef"
	default:
		return missing("PayType")
	}
	if holder == nil {
		return missing(account)
	}
	_, err := ch.refer(holder, account)
	return err
}

// billLines checks what a payment is applied to and gives the sum in cents.
func (ch *change) billLines() (used int64, err error) {
	before, share := shares(ch.old, "Bill"), map[string]int64{}
	lines := ch.doc.objects("Line")
	for i, line := range lines {
		amount, ok := parseDecimal(line.text("Amount"))
		if !ok || amount < 0 {
			return 0, badNumber("Line.Amount", line.text("Amount"))
		}
		id := linkedTo(line, "Bill")
		bill, ok := ch.c.load(ch.c.look("Bill"), id)
		if !ok {
			return 0, badReference("LinkedTxn", id)
		}
		if bill.text("VendorRef", "value") != ch.doc.text("VendorRef", "value") {
			return 0, businessRule("The linked bill belongs to another vendor")
		}
		share[id] += amount.cents()
		if share[id] > bill.cents("Balance")+before[id] {
			return 0, businessRule("The amount applied is greater than the open balance of the bill")
		}
		used += amount.cents()
		lines[i] = obj("Amount", money(amount.cents()), "LinkedTxn", []any{obj("TxnId", id, "TxnType", "Bill")})
	}
	ch.doc.set("Line", list(lines))
	return used, nil
}

func writeCreditCardPayment(ch *change) error {
	return ch.twoAccounts("CreditCardAccountRef", "BankAccountRef")
}

// twoAccounts is a movement of money between two accounts.
func (ch *change) twoAccounts(a, b string) error {
	doc := ch.doc
	amount, ok := parseDecimal(doc.text("Amount"))
	if !ok || amount <= 0 {
		return badNumber("Amount", doc.text("Amount"))
	}
	for _, key := range []string{a, b} {
		if err := ch.referAs(doc, key); err != nil {
			return err
		}
	}
	if doc.text(a, "value") == doc.text(b, "value") {
		return businessRule("The two accounts must differ")
	}
	doc.setCents("Amount", amount.cents()).set("CurrencyRef", dollars())
	return ch.dateDefault()
}

// amountOf checks the Amount of a line or an object and prints it as QBO does.
func amountOf(o *object) (json.Number, error) {
	amount, ok := parseDecimal(o.text("Amount"))
	if !ok {
		return "", badNumber("Amount", o.text("Amount"))
	}
	return money(amount.cents()), nil
}
