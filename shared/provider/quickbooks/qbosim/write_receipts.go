package qbosim

// The sales forms beside the invoice.

// writeSale completes what they share.
func writeSale(ch *change, needsCustomer bool) error {
	doc := ch.doc
	var customer *object
	if needsCustomer || doc.has("CustomerRef") {
		var err error
		if customer, err = ch.refer(doc, "CustomerRef"); err != nil {
			return err
		}
	}
	w := newLineWriter(ch)
	lines, err := w.complete(doc.objects("Line"))
	if err != nil {
		return err
	}
	total := w.subtotal - w.discount + completeTax(doc, w.taxable)
	doc.set("Line", lines).setCents("TotalAmt", total)
	if err := ch.referSome("SalesTermRef", "PaymentMethodRef", "DepositToAccountRef", "ClassRef", "DepartmentRef"); err != nil {
		return err
	}
	return ch.saleDefaults(customer)
}

func writeCreditMemo(ch *change) error {
	if err := writeSale(ch, true); err != nil {
		return err
	}
	ch.doc.set("RemainingCredit", ch.doc.get("TotalAmt")).set("Balance", ch.doc.get("TotalAmt"))
	setHome(ch.doc)
	return nil
}

func writeSalesReceipt(ch *change) error {
	if !ch.doc.has("DepositToAccountRef") {
		ch.doc.set("DepositToAccountRef", ref(undepositedFunds, ""))
	}
	if err := writeSale(ch, false); err != nil {
		return err
	}
	ch.doc.set("Balance", count(0))
	return nil
}

func writeRefundReceipt(ch *change) error {
	if !ch.doc.has("DepositToAccountRef") {
		return missing("DepositToAccountRef")
	}
	if err := writeSale(ch, true); err != nil {
		return err
	}
	ch.doc.set("Balance", count(0))
	return nil
}

func writeEstimate(ch *change) error {
	ch.doc.setMissing("TxnStatus", "Pending")
	return writeSale(ch, true)
}

// zeroSale voids a form: items stay, amounts and quantities go.
func zeroSale(doc *object) {
	zeroLines(doc.objects("Line"))
	doc.setCents("TotalAmt", 0).setCents("Balance", 0).set("TxnTaxDetail", (&object{}).setCents("TotalTax", 0))
	if doc.has("RemainingCredit") {
		doc.setCents("RemainingCredit", 0)
	}
	setHome(doc)
}
