package qbosim

func writePayment(ch *change) error {
	doc := ch.doc
	customer, err := ch.refer(doc, "CustomerRef")
	if err != nil {
		return err
	}
	if !doc.has("TotalAmt") {
		return missing("TotalAmt")
	}
	total, ok := parseDecimal(doc.text("TotalAmt"))
	if !ok || total < 0 {
		return badNumber("TotalAmt", doc.text("TotalAmt"))
	}
	used, err := ch.paymentLines()
	if err != nil {
		return err
	}
	if used > total.cents() {
		return businessRule("The amount applied is greater than the amount of the payment")
	}
	doc.setCents("TotalAmt", total.cents()).setCents("UnappliedAmt", total.cents()-used)
	if deposit := doc.text("DepositToAccountRef", "value"); deposit == "" {
		doc.set("DepositToAccountRef", ref(ch.c.books.undeposited, ""))
	} else if _, ok := ch.c.load(ch.c.look("Account"), deposit); !ok {
		return badReference("DepositToAccountRef", deposit)
	}
	doc.setMissing("ProcessPayment", false)
	doc.set("CurrencyRef", customer.get("CurrencyRef"))
	return ch.dateDefault()
}

// paymentLines checks what a payment is applied to and gives the sum in cents.
func (ch *change) paymentLines() (used int64, err error) {
	lines := ch.doc.objects("Line")
	before := applied(ch.old)
	share := map[string]int64{}
	for i, line := range lines {
		amount, ok := parseDecimal(line.text("Amount"))
		if !ok || amount < 0 {
			return 0, badNumber("Line.Amount", line.text("Amount"))
		}
		id := linkedInvoice(line)
		invoice, ok := ch.c.load(ch.c.look("Invoice"), id)
		if !ok {
			return 0, badReference("LinkedTxn", id)
		}
		if invoice.text("CustomerRef", "value") != ch.doc.text("CustomerRef", "value") {
			return 0, businessRule("The linked invoice belongs to another customer")
		}
		open := invoice.cents("Balance") + before[id]
		share[id] += amount.cents()
		if share[id] > open {
			return 0, businessRule("The amount applied is greater than the open balance of the invoice")
		}
		used += amount.cents()
		lines[i] = paymentLine(id, amount.cents(), open, invoice.text("DocNumber"))
	}
	ch.doc.set("Line", list(lines))
	return used, nil
}

// paymentLine is a payment's share of an invoice; such lines have no DetailType.
func paymentLine(invoice string, amount, open int64, docNumber string) *object {
	extra := []any{nameValue("txnId", invoice), nameValue("txnOpenBalance", string(appendCents(nil, open)))}
	if docNumber != "" {
		extra = append(extra, nameValue("txnReferenceNumber", docNumber))
	}
	link := (&object{}).set("TxnId", invoice).set("TxnType", "Invoice")
	return (&object{}).setCents("Amount", amount).set("LinkedTxn", []any{link}).
		set("LineEx", (&object{}).set("any", extra))
}

// zeroPayment voids: the lines go with the amounts.
func zeroPayment(doc *object) {
	doc.set("Line", []any{}).setCents("TotalAmt", 0)
	if doc.has("UnappliedAmt") {
		doc.setCents("UnappliedAmt", 0)
	}
}

// nameValue is QBO's Java serialisation, which shows through in LineEx.
func nameValue(name, value string) *object {
	pair := (&object{}).set("Name", name).set("Value", value)
	return (&object{}).set("name", nameValueName).set("declaredType", nameValueType).set("scope", nameValueScope).
		set("value", pair).set("nil", false).set("globalScope", true).set("typeSubstituted", false)
}

const (
	nameValueName  = "{http://schema.intuit.com/finance/v3}NameValue"
	nameValueType  = "com.intuit.schema.finance.v3.NameValue"
	nameValueScope = "javax.xml.bind.JAXBElement$GlobalScope"
)
