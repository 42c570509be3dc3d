package qbosim

import (
	"strconv"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// lineKind is what stands on a base invoice's line.
type lineKind int

const (
	itemLine lineKind = iota
	noteLine
	groupLine
)

type saleLine struct {
	kind       lineKind
	item       int // of b.items; for a group the bundle
	price, qty decimal
	cents      int64
	nested     int // of a group: how many of the following lines are inside it
	note       int // of oddNotes, -1: the item's own description
}

// invoice is one base invoice in numbers. Its lines are reused from row to row.
type invoice struct {
	block, rank, customer int
	lines                 []saleLine
	percent               decimal // discount; 0: none
	subtotal, discount    int64   // cents, as all below
	taxable, tax          int64
	total, paid           int64
	look                  chance.Sequence // decides what does not touch amounts
}

// invoice fills v with base invoice i.
func (b *books) invoice(i int, v *invoice) {
	v.block, v.rank = i/blockInvoices, i%blockInvoices
	v.customer = b.customerOf(v.block, v.rank)
	r := chance.Draw(b.invoiceSeed, i)
	b.fillLines(v, &r)
	v.percent, v.discount = 0, 0
	if b.spec.LinesPerInvoice == 0 && r.OneIn(12) {
		v.percent = decimal(5*(1+r.Below(2))) * one
		v.discount = percentOf(v.subtotal, v.percent)
	}
	v.tax = 0
	if !r.OneIn(3) || v.taxable <= 0 || b.customers[v.customer].foreign {
		v.taxable = 0
	}
	v.tax = percentOf(v.taxable, taxPercent)
	v.total = v.subtotal - v.discount + v.tax
	v.look = r
	v.paid = b.paidOn(v)
}

// paidOn gives what the block's payments have paid on v.
func (b *books) paidOn(v *invoice) int64 {
	k := payer[v.rank]
	if k < 0 || k >= paymentsIn[b.invoicesIn(v.block)] {
		return 0
	}
	if k != partialPayment {
		return v.total
	}
	r := chance.Draw(b.paymentSeed, v.block)
	return v.total * int64(25+r.Below(50)) / 100
}

func (b *books) fillLines(v *invoice, r *chance.Sequence) {
	v.lines, v.subtotal, v.taxable = v.lines[:0], 0, 0
	n := b.spec.LinesPerInvoice
	if n == 0 {
		n = 1 + min(r.Below(6), r.Below(6))
	}
	for range n {
		b.sell(v, r)
	}
	if b.spec.LinesPerInvoice > 0 {
		return
	}
	if r.OneIn(8) {
		v.lines = append(v.lines, saleLine{kind: noteLine, note: r.Below(len(oddNotes))})
	}
	if r.OneIn(14) {
		b.sellBundle(v, r)
	}
	if first := v.lines[0]; r.OneIn(12) && first.cents > 0 { // an old part taken back
		price := -first.price / 4
		line := saleLine{item: first.item, price: price, qty: one, note: -1}
		b.add(v, line)
	}
}

// sell adds an item line.
func (b *books) sell(v *invoice, r *chance.Sequence) {
	line := saleLine{item: b.sellable[r.Below(len(b.sellable))], qty: decimal(1+min(r.Below(8), r.Below(8))) * one, note: -1}
	line.price = b.items[line.item].price
	switch r.Below(8) {
	case 0:
		line.qty += one / 2
	case 1:
		line.qty += one / 4
	case 2:
		line.price += decimal(r.Below(999)) * (one / 100)
	}
	if r.OneIn(16) {
		line.note = r.Below(len(oddNotes))
	}
	b.add(v, line)
}

func (b *books) add(v *invoice, line saleLine) int64 {
	line.cents = line.price.times(line.qty)
	v.lines = append(v.lines, line)
	v.subtotal += line.cents
	if b.items[line.item].taxable {
		v.taxable += line.cents
	}
	return line.cents
}

// sellBundle adds a group line with the lines inside it; the group's amount is theirs.
func (b *books) sellBundle(v *invoice, r *chance.Sequence) {
	at := len(v.lines)
	v.lines = append(v.lines, saleLine{kind: groupLine, item: b.bundles[r.Below(len(b.bundles))], qty: one, nested: 2})
	var sum int64
	for range 2 {
		item := b.sellable[r.Below(len(b.sellable))]
		sum += b.add(v, saleLine{item: item, price: b.items[item].price, qty: one, note: -1})
	}
	v.lines[at].cents = sum
}

func (b *books) invoiceID(block, rank int) int64 {
	return firstTxn + int64(block)*blockIDs + int64(idPlace[rank])
}

func (b *books) paymentID(block, k int) int64 {
	return firstTxn + int64(block)*blockIDs + blockInvoices + int64(k)
}

// invoiceBase is the company's untouched invoices.
type invoiceBase struct{ *books }

func (b invoiceBase) count() int { return b.spec.Invoices }

func (b invoiceBase) id(i int) string {
	return strconv.FormatInt(b.invoiceID(i/blockInvoices, i%blockInvoices), 10)
}

func (b invoiceBase) index(id string) (int, bool) {
	block, place, ok := b.place(id)
	if !ok || place >= blockInvoices {
		return 0, false
	}
	i := block*blockInvoices + rankOf[place]
	return i, i < b.spec.Invoices
}

func (b invoiceBase) created(i int) int64 {
	return b.when(i/blockInvoices, createdPart[i%blockInvoices])
}

func (b invoiceBase) updated(i int) int64 {
	return b.when(i/blockInvoices, updatedPart[i%blockInvoices])
}

func (b invoiceBase) scalar(i int, path string) (string, bool) {
	switch path {
	case "TxnDate":
		return string(appendDate(nil, b.created(i))), true
	case "CustomerRef":
		return b.customers[b.customerOf(i/blockInvoices, i%blockInvoices)].id, true
	case "TotalAmt", "Balance":
		var v invoice
		b.invoice(i, &v)
		if path == "Balance" {
			v.total -= v.paid
		}
		return string(appendCents(nil, v.total)), true
	}
	return "", false
}
