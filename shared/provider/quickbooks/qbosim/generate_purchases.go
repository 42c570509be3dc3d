package qbosim

import "github.com/countinghouse/countinghouse/shared/provider/chance"

const payables = "33"

// Every round has two bills: one open, one that the round's payment covers, by half in odd rounds.
var billGenerator = &generator{
	count: func(b *books) int { return 2 * b.rounds },
	id:    func(b *books, i int) string { return b.roundTxn(i/2, billPlace+i%2) },
	index: func(b *books, id string) int {
		round := b.roundOf(id)
		if id == b.roundTxn(round, paidBillPlace) {
			return 2*round + 1
		}
		return 2 * round
	},
	when: func(b *books, i int) (int64, int64) {
		created := b.roundTime(i/2, billPlace+i%2)
		if i%2 == 1 {
			return created, b.roundTime(i/2, billPaymentPlace)
		}
		return created, created
	},
	make:  func(b *books, i int) *object { return b.bill(i/2, billPlace+i%2) },
	token: func(_ *books, i int) int { return i % 2 },
}

func (b *books) bill(round, place int) *object {
	r := b.roundDraw(round, place)
	vendor := supplier(&r)
	lines, total := b.expenseLines(&r, true)
	o := obj("SalesTermRef", ref("3", ""), "DueDate", string(appendDate(nil, b.roundTime(round, place)+30*24*3600)),
		"VendorAddr", addressOf(vendor+500, 9000+vendor), "TxnDate", b.day(round, place), "CurrencyRef", dollars(),
		"Line", lines, "VendorRef", supplierRef(vendor), "APAccountRef", accountRef(payables), "TotalAmt", money(total))
	b.tagged(&r, o, "DepartmentRef")
	if r.OneIn(2) {
		o.set("DocNumber", count(7000+round).String())
	}
	open := total
	if place == paidBillPlace {
		open -= paidOnBill(round, total)
		o.set("LinkedTxn", []any{obj("TxnId", b.roundTxn(round, billPaymentPlace), "TxnType", "BillPaymentCheck")})
	} else if ordered(round) {
		o.set("LinkedTxn", []any{obj("TxnId", b.roundTxn(round, orderPlace), "TxnType", "PurchaseOrder")})
	}
	return o.setCents("Balance", open)
}

func paidOnBill(round int, total int64) int64 {
	if round%2 == 1 {
		return total / 2
	}
	return total
}

// ordered: the purchase order of every other round has become the round's open bill.
func ordered(round int) bool { return round%2 == 1 }

var billPaymentGenerator = perRound(billPaymentPlace, func(b *books, round int) *object {
	bill := b.bill(round, paidBillPlace)
	paid := paidOnBill(round, bill.cents("TotalAmt"))
	o := obj("VendorRef", bill.get("VendorRef"), "PayType", "Check")
	if round%3 == 2 {
		o.set("PayType", "CreditCard").set("CreditCardPayment", obj("CCAccountRef", accountRef("41")))
	} else {
		o.set("CheckPayment", obj("BankAccountRef", accountRef("35"), "PrintStatus", "NotSet"))
	}
	link := obj("TxnId", b.roundTxn(round, paidBillPlace), "TxnType", "Bill")
	return o.set("TotalAmt", money(paid)).set("DocNumber", count(round+1).String()).set("TxnDate", b.day(round, billPaymentPlace)).
		set("CurrencyRef", dollars()).set("Line", []any{obj("Amount", money(paid), "LinkedTxn", []any{link})})
})

var orderGenerator = perRoundUntil(orderPlace, func(round int) int {
	if ordered(round) {
		return billPlace
	}
	return orderPlace
}, func(b *books, round int) *object {
	r := b.roundDraw(round, orderPlace)
	vendor := supplier(&r)
	lines, total := b.expenseLines(&r, false)
	o := obj("EmailStatus", "NotSet", "POStatus", "Open", "CustomField", []any{}, "DocNumber", count(1001+round).String(),
		"TxnDate", b.day(round, orderPlace), "CurrencyRef", dollars(), "LinkedTxn", []any{}, "Line", lines,
		"VendorRef", supplierRef(vendor), "APAccountRef", accountRef(payables), "TotalAmt", money(total), "Memo", "Deliver to the north yard")
	if ordered(round) {
		o.set("POStatus", "Closed").set("LinkedTxn", []any{obj("TxnId", b.roundTxn(round, billPlace), "TxnType", "Bill")})
	}
	return o
})

var vendorCreditGenerator = perRound(vendorCreditPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, vendorCreditPlace)
	total := int64(100+r.Below(9000)) * 5
	line := obj("Id", "1", "Amount", money(total), "DetailType", "AccountBasedExpenseLineDetail",
		"AccountBasedExpenseLineDetail", b.expense(&r), "CustomExtensions", []any{})
	return obj("TxnDate", b.day(round, vendorCreditPlace), "VendorRef", supplierRef(supplier(&r)), "APAccountRef", accountRef(payables),
		"CurrencyRef", dollars(), "TotalAmt", money(total), "Balance", money(total), "Line", []any{line})
})

// paymentTypes of purchases, with the number that PurchaseEx has for each.
var paymentTypes = []struct{ name, number, account string }{{"Cash", "31", "35"}, {"Check", "3", "35"}, {"CreditCard", "1", "41"}}

var purchaseGenerator = perRound(purchasePlace, func(b *books, round int) *object {
	r := b.roundDraw(round, purchasePlace)
	vendor, kind := supplier(&r), paymentTypes[round%len(paymentTypes)]
	lines, total := b.purchaseLines(&r)
	o := obj("AccountRef", accountRef(kind.account), "PaymentType", kind.name)
	number := kind.number
	switch kind.name {
	case "CreditCard":
		credit := r.OneIn(3)
		if credit {
			number = "11"
		}
		o.set("Credit", credit)
	case "Check":
		o.set("PrintStatus", "NotSet").set("RemitToAddr", addressOf(vendor+500, 9000+vendor)).set("DocNumber", count(70+round).String())
	}
	if !r.OneIn(5) {
		o.set("EntityRef", supplierRef(vendor).set("type", "Vendor"))
	}
	return o.set("TotalAmt", money(total)).set("PurchaseEx", obj("any", []any{nameValue("TxnType", number)})).
		set("TxnDate", b.day(round, purchasePlace)).set("CurrencyRef", dollars()).set("Line", lines)
})

// expense is the detail of a line that is booked to an account.
func (b *books) expense(r *chance.Sequence) *object {
	account := [...]string{"7", "55", "56", "17"}[r.Below(4)]
	return b.tagged(r, obj("AccountRef", accountRef(account), "BillableStatus", "NotBillable", "TaxCodeRef", ref("NON", "")), "ClassRef")
}

// expenseLines makes one to three lines of a bill or an order.
func (b *books) expenseLines(r *chance.Sequence, linked bool) (lines []any, total int64) {
	for n := range 1 + r.Below(3) {
		line := obj("Id", count(n+1).String(), "LineNum", count(n+1))
		if linked {
			line.set("LinkedTxn", []any{})
		}
		cents := int64(100+r.Below(50_000)) * 3
		if r.OneIn(2) {
			i := b.sellable[r.Below(len(b.sellable))]
			qty := decimal(1+r.Below(9)) * one
			price := b.items[i].price / 2
			cents = price.times(qty)
			line.set("DetailType", "ItemBasedExpenseLineDetail").set("ItemBasedExpenseLineDetail", obj("BillableStatus", "NotBillable",
				"ItemRef", ref(listID(i), catalogue[i].name), "UnitPrice", number(price), "Qty", number(qty), "TaxCodeRef", ref("NON", "")))
		} else {
			line.set("DetailType", "AccountBasedExpenseLineDetail").set("AccountBasedExpenseLineDetail", b.expense(r))
		}
		line.set("Description", "Delivered "+count(n+1).String()).setCents("Amount", cents).set("CustomExtensions", []any{})
		line.arrange(lineKeys)
		lines, total = append(lines, line), total+cents
	}
	return lines, total
}

// purchaseLines have an Id and no LineNum.
func (b *books) purchaseLines(r *chance.Sequence) (lines []any, total int64) {
	lines, total = b.expenseLines(r, false)
	for _, line := range lines {
		line.(*object).drop("LineNum")
	}
	return lines, total
}
