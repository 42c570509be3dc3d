package qbosim

import "github.com/countinghouse/countinghouse/shared/provider/chance"

var estimateGenerator = perRound(estimatePlace, func(b *books, round int) *object {
	r := b.roundDraw(round, estimatePlace)
	o := b.sale(&r, round, estimatePlace)
	status := [...]string{"Pending", "Accepted", "Rejected"}[round%3]
	o.set("TxnStatus", status).set("DocNumber", "1001") // on most of the real ones too
	if status == "Accepted" {
		o.set("ExpirationDate", string(appendDate(nil, b.roundTime(round, estimatePlace)+30*24*3600)))
	}
	return o
})

var receiptGenerator = perRound(receiptPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, receiptPlace)
	o := b.sale(&r, round, receiptPlace).set("Balance", count(0))
	o.set("PaymentMethodRef", ref("2", "Check")).set("PaymentRefNum", count(500+round).String())
	if !banked(round) {
		return o.set("DepositToAccountRef", accountRef("35"))
	}
	o.set("DepositToAccountRef", accountRef(undepositedFunds))
	return o.set("LinkedTxn", []any{obj("TxnId", b.roundTxn(round, depositPlace), "TxnType", "Deposit")})
})

// banked: the receipt of every other round lies in the round's deposit.
func banked(round int) bool { return round%2 == 0 }

var memoGenerator = perRound(memoPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, memoPlace)
	o := b.sale(&r, round, memoPlace)
	return o.set("RemainingCredit", o.get("TotalAmt")).set("Balance", o.get("TotalAmt"))
})

var refundGenerator = perRound(refundPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, refundPlace)
	return b.sale(&r, round, refundPlace).set("Balance", count(0)).
		set("DepositToAccountRef", accountRef("35")).set("PaymentMethodRef", ref("2", "Check"))
})

// sale is what all sales forms have.
func (b *books) sale(r *chance.Sequence, round, place int) *object {
	customer := b.buyer(r)
	lines, subtotal, taxable := b.saleLines(r)
	tax := int64(0)
	detail := obj("TotalTax", count(0))
	if taxable > 0 && r.OneIn(2) {
		tax = percentOf(taxable, taxPercent)
		detail = obj("TxnTaxCodeRef", ref(taxCodeID, ""), "TotalTax", money(tax), "TaxLine", []any{taxLine(tax, taxable)})
	}
	o := obj("CustomField", b.customField(r), "DocNumber", count(2000+round*roundIDs+place).String(), "TxnDate", b.day(round, place),
		"CurrencyRef", dollars(), "Line", lines, "TxnTaxDetail", detail, "CustomerRef", buyerRef(customer),
		"CustomerMemo", obj("value", "Thank you for your business and have a great day!"),
		"BillAddr", b.billTo(customer), "FreeFormAddress", true, "TotalAmt", money(subtotal+tax), "ApplyTaxAfterDiscount", false,
		"PrintStatus", "NeedToPrint", "EmailStatus", "NotSet", "BillEmail", obj("Address", emailOf(customer)))
	if r.OneIn(4) {
		o.set("PrivateNote", oddNotes[r.Below(len(oddNotes))])
	}
	return o
}

// saleLines makes one to three item lines and the SubTotal behind them.
func (b *books) saleLines(r *chance.Sequence) (lines []any, subtotal, taxable int64) {
	var v invoice
	for range 1 + r.Below(3) {
		b.sell(&v, r)
	}
	for n, line := range v.lines {
		item := catalogue[line.item]
		code := "NON"
		if item.taxable {
			code = "TAX"
		}
		detail := obj("ItemRef", ref(listID(line.item), item.name))
		b.tagged(r, detail, "ClassRef")
		detail.set("UnitPrice", number(line.price)).set("Qty", number(line.qty)).
			set("ItemAccountRef", chart[item.account].ref()).set("TaxCodeRef", ref(code, ""))
		lines = append(lines, obj("Id", count(n+1).String(), "LineNum", count(n+1), "Description", item.about, "Amount", money(line.cents),
			"DetailType", "SalesItemLineDetail", "SalesItemLineDetail", detail, "CustomExtensions", []any{}))
	}
	lines = append(lines, obj("Amount", money(v.subtotal), "DetailType", "SubTotalLineDetail", "SubTotalLineDetail", &object{}))
	return lines, v.subtotal, v.taxable
}

func (b *books) billTo(customer int) *object {
	return obj("Id", count(2*customer+2).String(), "Line1", companyName(rootOf(customer)), "Line2", streetOf(customer),
		"Line3", townOf(customer).line(), "Lat", "INVALID", "Long", "INVALID")
}

func (b *books) customField(r *chance.Sequence) []any {
	fields := []any{}
	for i, name := range b.spec.CustomFields {
		field := obj("DefinitionId", count(i+1).String(), "Name", name, "Type", "StringType")
		if !r.OneIn(3) {
			field.set("StringValue", models[r.Below(len(models))])
		}
		fields = append(fields, field)
	}
	return fields
}
