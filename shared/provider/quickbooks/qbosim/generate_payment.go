package qbosim

import (
	"strconv"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// payment is one base payment in numbers.
type payment struct {
	block, k, customer int
	shares             []share
	total, unapplied   int64 // cents
	look               chance.Sequence
}

// share is what a payment pays on one invoice.
type share struct {
	rank        int
	cents, open int64 // paid, and open before
	invoice     invoice
}

// payment fills v with base payment i.
func (b *books) payment(i int, v *payment) {
	v.block, v.k = i/blockPayments, i%blockPayments
	v.look = chance.Draw(b.paymentSeed, -1-i)
	v.shares, v.total, v.unapplied = v.shares[:0], 0, 0
	rank := paysFrom[v.k]
	v.customer = b.customerOf(v.block, min(rank, blockInvoices))
	for ; rank < blockInvoices && payer[rank] == v.k; rank++ {
		v.shares = append(v.shares, share{rank: rank})
		s := &v.shares[len(v.shares)-1]
		b.invoice(v.block*blockInvoices+rank, &s.invoice)
		s.cents, s.open = s.invoice.paid, s.invoice.total
		v.total += s.cents
	}
	if v.k == unappliedPayment || v.k == generousPayment && v.look.OneIn(2) {
		v.unapplied = int64(1+v.look.Below(400)) * 125
		v.total += v.unapplied
	}
}

// paymentBase is the company's untouched payments.
type paymentBase struct{ *books }

func (b paymentBase) count() int { return b.paymentCount() }

func (b paymentBase) id(i int) string {
	return strconv.FormatInt(b.paymentID(i/blockPayments, i%blockPayments), 10)
}

func (b paymentBase) index(id string) (int, bool) {
	block, place, ok := b.place(id)
	if !ok || place < blockInvoices {
		return 0, false
	}
	i := block*blockPayments + place - blockInvoices
	return i, i < b.paymentCount()
}

func (b paymentBase) created(i int) int64 { return b.updated(i) }

func (b paymentBase) updated(i int) int64 {
	return b.when(i/blockPayments, paymentPart[i%blockPayments])
}

func (b paymentBase) scalar(i int, path string) (string, bool) {
	if path == "TxnDate" {
		return string(appendDate(nil, b.updated(i))), true
	}
	return "", false
}

func (b paymentBase) append(dst []byte, i int) []byte {
	var v payment
	b.payment(i, &v)
	customer := &b.customers[v.customer]
	dst = append(dst, `{"CustomerRef":`...)
	dst = append(dst, customer.ref...)
	dst = append(dst, `,"DepositToAccountRef":{"value":"`...)
	dst = append(dst, b.undeposited...)
	dst = append(dst, `"}`...)
	if v.look.OneIn(2) {
		dst = append(dst, `,"PaymentMethodRef":{"value":"`...)
		dst = append(dst, b.method(1+v.look.Below(4))...)
		dst = append(dst, `"}`...)
	}
	if v.look.OneIn(3) {
		dst = appendKey(dst, "PaymentRefNum")
		dst = appendQuotedInt(dst, int64(1000+v.look.Below(9000)))
	}
	dst = appendCents(appendKey(dst, "TotalAmt"), v.total)
	dst = appendCents(appendKey(dst, "UnappliedAmt"), v.unapplied)
	dst = append(dst, `,"ProcessPayment":false,"domain":"QBO","sparse":false,"Id":`...)
	dst = appendQuotedInt(dst, b.paymentID(v.block, v.k))
	dst = append(dst, `,"SyncToken":"0","MetaData":{"CreateTime":"`...)
	dst = appendStamp(dst, b.updated(i))
	dst = append(dst, `","LastUpdatedTime":"`...)
	dst = appendStamp(dst, b.updated(i))
	dst = append(dst, `"},"TxnDate":"`...)
	dst = appendDate(dst, b.updated(i))
	dst = append(dst, `","CurrencyRef":`...)
	dst = append(dst, customer.currency()...)
	if customer.foreign {
		dst = appendDecimal(appendKey(dst, "ExchangeRate"), euroRate)
	}
	dst = append(dst, `,"Line":[`...)
	for n := range v.shares {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = b.appendShare(dst, v.block, &v.shares[n])
	}
	return append(dst, `]}`...)
}

// method gives the id of a payment method, or of what it was merged into.
func (b *books) method(n int) string {
	id := strconv.Itoa(n)
	if other, ok := b.methods[id]; ok {
		return other
	}
	return id
}

func (b *books) appendShare(dst []byte, block int, s *share) []byte {
	id := strconv.FormatInt(b.invoiceID(block, s.rank), 10)
	dst = append(dst, `{"Amount":`...)
	dst = appendCents(dst, s.cents)
	dst = append(dst, `,"LinkedTxn":[{"TxnId":"`...)
	dst = append(dst, id...)
	dst = append(dst, `","TxnType":"Invoice"}],"LineEx":{"any":[`...)
	dst = appendNameValue(dst, "txnId", id)
	dst = appendNameValue(append(dst, ','), "txnOpenBalance", string(appendCents(nil, s.open)))
	if number := b.docNumber(&s.invoice); number != 0 {
		dst = appendNameValue(append(dst, ','), "txnReferenceNumber", strconv.FormatInt(number, 10))
	}
	return append(dst, `]}}`...)
}

func appendNameValue(dst []byte, name, value string) []byte {
	dst = append(dst, `{"name":"`+nameValueName+`","declaredType":"`+nameValueType+`","scope":"`+nameValueScope+`","value":{"Name":"`...)
	dst = append(dst, name...)
	dst = append(dst, `","Value":"`...)
	dst = append(dst, value...)
	return append(dst, `"},"nil":false,"globalScope":true,"typeSubstituted":false}`...)
}
