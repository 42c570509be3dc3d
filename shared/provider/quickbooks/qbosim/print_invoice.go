package qbosim

import (
	"strconv"
	"sync"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// drafts are invoices between two rows: their lines are not allocated again.
var drafts = sync.Pool{New: func() any { return new(invoice) }}

// docNumber gives an invoice's number, 0 when nobody gave it one.
func (b *books) docNumber(v *invoice) int64 {
	if look := v.look; look.OneIn(25) {
		return 0
	}
	return b.firstDoc + int64(v.block*blockInvoices+idPlace[v.rank])
}

// append prints base invoice i, key by key in QBO's order.
func (b invoiceBase) append(dst []byte, i int) []byte {
	v := drafts.Get().(*invoice)
	defer drafts.Put(v)
	b.invoice(i, v)
	customer := &b.customers[v.customer]
	dst = append(dst, `{"AllowIPNPayment":false,"AllowOnlinePayment":false,"AllowOnlineCreditCardPayment":`...)
	look := v.look
	look.Next() // docNumber has drawn it
	online := look.OneIn(5)
	dst = strconv.AppendBool(dst, online)
	dst = strconv.AppendBool(append(dst, `,"AllowOnlineACHPayment":`...), online)
	dst = append(dst, `,"domain":"QBO","sparse":false,"Id":`...)
	dst = appendQuotedInt(dst, b.invoiceID(v.block, v.rank))
	dst = append(dst, `,"SyncToken":"`...)
	dst = strconv.AppendInt(dst, b.token(v), 10)
	dst = append(dst, `","MetaData":{"CreateTime":"`...)
	dst = appendStamp(dst, b.created(i))
	dst = append(dst, `","LastModifiedByRef":{"value":"`+editor+`"},"LastUpdatedTime":"`...)
	dst = appendStamp(dst, b.updated(i))
	dst = append(dst, `"},"CustomField":[`...)
	dst = b.appendFields(dst, &look)
	dst = append(dst, ']')
	if number := b.docNumber(v); number != 0 {
		dst = appendQuotedInt(appendKey(dst, "DocNumber"), number)
	}
	dst = append(dst, `,"TxnDate":"`...)
	dst = appendDate(dst, b.created(i))
	dst = append(dst, `","CurrencyRef":`...)
	dst = append(dst, customer.currency()...)
	if customer.foreign {
		dst = appendDecimal(appendKey(dst, "ExchangeRate"), euroRate)
	}
	if look.OneIn(9) {
		dst = appendMember(dst, "PrivateNote", oddNotes[look.Below(len(oddNotes))])
	}
	dst = b.appendLinks(dst, v)
	dst = b.appendLines(dst, v)
	dst = b.appendTax(dst, v)
	dst = append(dst, `,"CustomerRef":`...)
	dst = append(dst, customer.ref...)
	if !look.OneIn(5) {
		dst = append(dst, `,"CustomerMemo":{"value":"Thank you for your business and have a great day!"}`...)
	}
	dst = append(dst, `,"BillAddr":`...)
	dst = append(dst, customer.billTo...)
	if customer.shipTo != "" {
		dst = append(dst, `,"ShipAddr":`...)
		dst = append(dst, customer.shipTo...)
	}
	dst = append(dst, `,"FreeFormAddress":true,"SalesTermRef":`...)
	dst = append(dst, b.terms[netThirty].ref...)
	dst = append(dst, `,"DueDate":"`...)
	dst = appendDate(dst, b.created(i)+30*24*3600)
	dst = append(dst, '"')
	return b.appendEnd(dst, v, look)
}

// token: a payment moved it once; the invoice of rank 3 was edited.
func (b *books) token(v *invoice) int64 {
	if v.rank >= 3 {
		return 1
	}
	return 0
}

func (b *books) appendFields(dst []byte, look *chance.Sequence) []byte {
	for n, head := range b.fields {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, head...)
		if !look.OneIn(5) {
			dst = appendMember(dst, "StringValue", models[look.Below(len(models))])
		}
		dst = append(dst, '}')
	}
	return dst
}

func (b *books) appendLinks(dst []byte, v *invoice) []byte {
	dst = append(dst, `,"LinkedTxn":[`...)
	if v.paid != 0 {
		dst = append(dst, `{"TxnId":`...)
		dst = appendQuotedInt(dst, b.paymentID(v.block, payer[v.rank]))
		dst = append(dst, `,"TxnType":"Payment"}`...)
	}
	return append(dst, ']')
}

// appendLines prints the lines, the computed SubTotal line and the discount behind it.
func (b *books) appendLines(dst []byte, v *invoice) []byte {
	dst = append(dst, `,"Line":[`...)
	inside := 0
	for n := range v.lines {
		dst = b.appendLine(dst, v, n)
		switch {
		case v.lines[n].nested > 0:
			inside = v.lines[n].nested
			continue // the next line is the first one inside, without a comma
		case inside > 1:
			inside--
		case inside == 1:
			inside = 0
			dst = append(dst, `]},"CustomExtensions":[]}`...)
		}
		dst = append(dst, ',')
	}
	dst = append(dst, `{"Amount":`...)
	dst = appendCents(dst, v.subtotal)
	dst = append(dst, `,"DetailType":"SubTotalLineDetail","SubTotalLineDetail":{}}`...)
	if v.percent != 0 {
		dst = append(dst, `,{"Amount":`...)
		dst = appendCents(dst, v.discount)
		dst = append(dst, `,"DetailType":"DiscountLineDetail","DiscountLineDetail":{"PercentBased":true,"DiscountPercent":`...)
		dst = appendDecimal(dst, v.percent)
		dst = append(dst, `,"DiscountAccountRef":`...)
		dst = append(dst, b.accounts[discountAccount].ref...)
		dst = append(dst, `}}`...)
	}
	return append(dst, ']')
}

// appendLine prints line n; a group stays open for the lines inside it.
func (b *books) appendLine(dst []byte, v *invoice, n int) []byte {
	line := &v.lines[n]
	item := &b.items[line.item]
	dst = append(dst, `{"Id":`...)
	dst = appendQuotedInt(dst, int64(n+1))
	dst = append(dst, `,"LineNum":`...)
	dst = strconv.AppendInt(dst, int64(n+1), 10)
	dst = append(dst, `,"Description":`...)
	switch {
	case line.kind == noteLine || line.note >= 0:
		dst = appendText(dst, oddNotes[line.note])
	default:
		dst = appendText(dst, item.about)
	}
	if line.kind == noteLine {
		return append(dst, `,"DetailType":"DescriptionOnly","DescriptionLineDetail":{},"CustomExtensions":[]}`...)
	}
	dst = appendCents(append(dst, `,"Amount":`...), line.cents)
	if line.kind == groupLine {
		dst = append(dst, `,"DetailType":"GroupLineDetail","GroupLineDetail":{"GroupItemRef":`...)
		dst = append(dst, item.ref...)
		return append(dst, `,"Quantity":1,"Line":[`...)
	}
	dst = append(dst, `,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":`...)
	dst = append(dst, item.ref...)
	dst = appendDecimal(append(dst, `,"UnitPrice":`...), line.price)
	dst = appendDecimal(append(dst, `,"Qty":`...), line.qty)
	dst = append(dst, `,"ItemAccountRef":`...)
	dst = append(dst, b.accounts[item.account].ref...)
	if item.taxable {
		return append(dst, `,"TaxCodeRef":{"value":"TAX"}},"CustomExtensions":[]}`...)
	}
	return append(dst, `,"TaxCodeRef":{"value":"NON"}},"CustomExtensions":[]}`...)
}

func (b *books) appendTax(dst []byte, v *invoice) []byte {
	if v.taxable == 0 {
		return append(dst, `,"TxnTaxDetail":{"TotalTax":0}`...)
	}
	dst = append(dst, `,"TxnTaxDetail":{"TxnTaxCodeRef":{"value":"`+taxCodeID+`"},"TotalTax":`...)
	dst = appendCents(dst, v.tax)
	dst = append(dst, `,"TaxLine":[{"Amount":`...)
	dst = appendCents(dst, v.tax)
	dst = append(dst, `,"DetailType":"TaxLineDetail","TaxLineDetail":{"TaxRateRef":{"value":"`+taxRateID+`"},"PercentBased":true,"TaxPercent":`...)
	dst = appendDecimal(dst, taxPercent)
	dst = append(dst, `,"NetAmountTaxable":`...)
	dst = appendCents(dst, v.taxable)
	return append(dst, `}}]}`...)
}

func (b *books) appendEnd(dst []byte, v *invoice, look chance.Sequence) []byte {
	customer := &b.customers[v.customer]
	dst = appendCents(appendKey(dst, "TotalAmt"), v.total)
	if customer.foreign {
		dst = appendCents(appendKey(dst, "HomeTotalAmt"), cents(v.total).times(euroRate))
	}
	dst = append(dst, `,"ApplyTaxAfterDiscount":false,"PrintStatus":"NeedToPrint","EmailStatus":`...)
	sent := look.OneIn(6)
	if sent {
		dst = append(dst, `"EmailSent"`...)
	} else {
		dst = append(dst, `"NotSet"`...)
	}
	dst = append(dst, `,"BillEmail":{"Address":`...)
	dst = appendText(dst, customer.email)
	dst = appendCents(append(dst, `},"Balance":`...), v.total-v.paid)
	if customer.foreign {
		dst = appendCents(appendKey(dst, "HomeBalance"), cents(v.total-v.paid).times(euroRate))
	}
	if sent {
		dst = append(dst, `,"DeliveryInfo":{"DeliveryType":"Email","DeliveryTime":"`...)
		dst = appendStamp(dst, b.when(v.block, createdPart[v.rank]))
		dst = append(dst, `"}`...)
	}
	return append(dst, '}')
}
