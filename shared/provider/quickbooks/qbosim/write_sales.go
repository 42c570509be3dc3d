package qbosim

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

func number(d decimal) json.Number { return json.Number(appendDecimal(nil, d)) }

func writeInvoice(ch *change) error {
	doc := ch.doc
	customer, err := ch.refer(doc, "CustomerRef")
	if err != nil {
		return err
	}
	w := newLineWriter(ch)
	lines, err := w.complete(doc.objects("Line"))
	if err != nil {
		return err
	}
	total := w.subtotal - w.discount + completeTax(doc, w.taxable)
	paid := int64(0)
	if ch.old != nil {
		paid = ch.old.cents("TotalAmt") - ch.old.cents("Balance")
	}
	if paid != 0 && total < paid {
		return businessRule("The amount of the transaction is less than what has been paid on it")
	}
	doc.set("Line", lines).setCents("TotalAmt", total).setCents("Balance", total-paid)
	if err := ch.referSome("SalesTermRef"); err != nil {
		return err
	}
	if err := ch.estimateLinks(); err != nil {
		return err
	}
	for _, flag := range []string{"AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment"} {
		doc.setMissing(flag, false)
	}
	if err := ch.saleDefaults(customer); err != nil {
		return err
	}
	day, _ := time.Parse(time.DateOnly, doc.text("TxnDate"))
	doc.setMissing("DueDate", day.AddDate(0, 0, 30).Format(time.DateOnly))
	setHome(doc)
	return nil
}

// estimateLinks: of its links a body can set those to estimates; the others follow from payments.
func (ch *change) estimateLinks() error {
	var kept []*object
	if ch.old != nil {
		kept = slices.DeleteFunc(ch.old.objects("LinkedTxn"), func(l *object) bool { return l.text("TxnType") == "Estimate" })
	}
	for _, id := range links(ch.doc, "Estimate") {
		if _, ok := ch.c.load(ch.c.look("Estimate"), id); !ok {
			return badReference("LinkedTxn", id)
		}
		kept = append(kept, obj("TxnId", id, "TxnType", "Estimate"))
	}
	ch.doc.set("LinkedTxn", list(kept))
	return nil
}

// completeTax fills TxnTaxDetail and gives the tax in cents. A tax code without a total is computed
// at the simulator's one rate; a posted total is believed.
func completeTax(doc *object, taxable int64) int64 {
	detail := doc.child("TxnTaxDetail")
	if detail == nil {
		detail = &object{}
		doc.set("TxnTaxDetail", detail)
	}
	if detail.has("TxnTaxCodeRef") && !detail.has("TotalTax") {
		tax := percentOf(taxable, taxPercent)
		detail.setCents("TotalTax", tax)
		detail.set("TaxLine", []any{taxLine(tax, taxable)})
	}
	detail.setCents("TotalTax", detail.cents("TotalTax"))
	return detail.cents("TotalTax")
}

func taxLine(tax, taxable int64) *object {
	detail := (&object{}).set("TaxRateRef", ref(taxRateID, "")).set("PercentBased", true).
		set("TaxPercent", number(taxPercent)).setCents("NetAmountTaxable", taxable)
	return (&object{}).setCents("Amount", tax).set("DetailType", "TaxLineDetail").set("TaxLineDetail", detail)
}

// saleDefaults fills what QBO fills when a sales form leaves it out. Customer is nil when it names none.
func (ch *change) saleDefaults(customer *object) error {
	doc := ch.doc
	doc.setMissing("ApplyTaxAfterDiscount", false)
	if err := ch.dateDefault(); err != nil {
		return err
	}
	if !doc.has("DocNumber") && ch.creating() {
		doc.set("DocNumber", strconv.FormatInt(ch.c.books.firstDoc+int64(ch.c.spec.Invoices)+ch.c.nextTxn-ch.c.books.lastTxn, 10))
	}
	doc.set("CurrencyRef", dollars())
	if customer != nil {
		doc.set("CurrencyRef", customer.get("CurrencyRef"))
	}
	if doc.text("CurrencyRef", "value") == "EUR" {
		doc.setMissing("ExchangeRate", number(euroRate))
	}
	for _, addr := range []string{"BillAddr", "ShipAddr"} {
		if posted := customer.child(addr); posted != nil && ch.creating() {
			doc.setMissing(addr, posted)
		}
	}
	doc.setMissing("FreeFormAddress", true)
	doc.setMissing("PrintStatus", "NeedToPrint")
	doc.setMissing("EmailStatus", "NotSet")
	ch.customFields(true)
	return nil
}

// dateDefault sets TxnDate to the company's today when it is missing.
func (ch *change) dateDefault() error {
	ch.doc.setMissing("TxnDate", string(appendDate(nil, ch.at)))
	if _, err := time.Parse(time.DateOnly, ch.doc.text("TxnDate")); err != nil {
		return businessRule("TxnDate is not a date: " + ch.doc.text("TxnDate"))
	}
	return nil
}

// customFields prints every defined field; the value key is missing when the value is empty, and
// values for undefined fields are dropped without an error, as QBO does.
func (ch *change) customFields(evenNone bool) {
	if len(ch.c.spec.CustomFields) == 0 && !evenNone {
		ch.doc.drop("CustomField")
		return
	}
	values := map[string]string{}
	collect := func(from *object) {
		for _, field := range from.objects("CustomField") {
			values[field.text("DefinitionId")] = field.text("StringValue")
		}
	}
	if ch.sparse {
		collect(ch.old)
	}
	collect(ch.doc)
	fields := []any{}
	for i, name := range ch.c.spec.CustomFields {
		id := strconv.Itoa(i + 1)
		field := (&object{}).set("DefinitionId", id).set("Name", name).set("Type", "StringType")
		if v := values[id]; v != "" {
			field.set("StringValue", v)
		}
		fields = append(fields, field)
	}
	ch.doc.set("CustomField", fields)
}

// setHome shows the amounts of a foreign sale in the company's own currency.
func setHome(doc *object) {
	rate, ok := parseDecimal(doc.text("ExchangeRate"))
	if !ok {
		return
	}
	doc.setCents("HomeTotalAmt", cents(doc.cents("TotalAmt")).times(rate))
	doc.setCents("HomeBalance", cents(doc.cents("Balance")).times(rate))
}

// cents makes a decimal of an amount.
func cents(n int64) decimal { return decimal(n) * (one / 100) }

// zeroInvoice voids: items stay, amounts and quantities go.
func zeroInvoice(doc *object) {
	zeroLines(doc.objects("Line"))
	doc.setCents("TotalAmt", 0).setCents("Balance", 0)
	doc.set("LinkedTxn", []any{}).set("TxnTaxDetail", (&object{}).setCents("TotalTax", 0))
	setHome(doc)
}

func zeroLines(lines []*object) {
	for _, line := range lines {
		if line.has("Amount") {
			line.setCents("Amount", 0)
		}
		for _, kind := range []string{"SalesItemLineDetail", "ItemBasedExpenseLineDetail"} {
			if detail := line.child(kind); detail != nil {
				detail.drop("UnitPrice")
				if detail.has("Qty") {
					detail.setCents("Qty", 0)
				}
			}
		}
		if group := line.child("GroupLineDetail"); group != nil {
			zeroLines(group.objects("Line"))
		}
	}
}

// addInvoiceLink: an invoice that can be paid online by somebody whose address is known shows where.
func addInvoiceLink(o *object) {
	online := o.get("AllowOnlineACHPayment") == true || o.get("AllowOnlineCreditCardPayment") == true
	if online && o.text("BillEmail", "Address") != "" {
		o.set("InvoiceLink", "https://invoice.example/pay/"+o.text("Id")+"?locale=en_US")
	}
}
