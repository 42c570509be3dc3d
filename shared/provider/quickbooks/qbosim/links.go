package qbosim

import (
	"cmp"
	"maps"
	"slices"
)

// What a transaction does to those it is linked with.

// links gives the ids of one type that o is linked with.
func links(o *object, kind string) []string {
	var ids []string
	if o != nil {
		for _, link := range o.objects("LinkedTxn") {
			if link.text("TxnType") == kind {
				ids = append(ids, link.text("TxnId"))
			}
		}
	}
	return ids
}

// link adds a link to o, or takes it away.
func link(o *object, id, kind string, linked bool) {
	all := slices.DeleteFunc(o.objects("LinkedTxn"), func(l *object) bool {
		return l.text("TxnType") == kind && l.text("TxnId") == id
	})
	if linked {
		all = append(all, obj("TxnId", id, "TxnType", kind))
	}
	o.set("LinkedTxn", list(all))
}

// eachChanged calls f for every id that only one of two lists has.
func eachChanged(was, is []string, f func(id string, linked bool)) {
	for _, id := range was {
		if !slices.Contains(is, id) {
			f(id, false)
		}
	}
	for _, id := range is {
		if !slices.Contains(was, id) {
			f(id, true)
		}
	}
}

// followOrders closes the purchase orders that have become a bill or a purchase, and opens them again.
// Their last update moves, and their SyncToken.
func followOrders(ch *change) {
	id, kind := subjectID(ch), ch.t.def.name
	eachChanged(links(ch.old, "PurchaseOrder"), links(ch.doc, "PurchaseOrder"), func(order string, linked bool) {
		ch.c.amend(ch.c.table("PurchaseOrder"), order, ch.at, true, func(o *object) {
			link(o, id, kind, linked)
			o.set("POStatus", "Open")
			if linked {
				o.set("POStatus", "Closed")
			}
		})
	})
}

// followEstimates shows an estimate the invoice that it has become. Its last update moves, its
// SyncToken does not.
func followEstimates(ch *change) {
	id := subjectID(ch)
	eachChanged(links(ch.old, "Estimate"), links(ch.doc, "Estimate"), func(estimate string, linked bool) {
		ch.c.amend(ch.c.table("Estimate"), estimate, ch.at, false, func(o *object) {
			link(o, id, "Invoice", linked)
			o.set("TxnStatus", "Pending")
			if linked {
				o.set("TxnStatus", "Closed")
			}
		})
	})
}

// followBill: a bill that is gone leaves its payments without their line.
func followBill(ch *change) {
	followOrders(ch)
	eachChanged(links(ch.old, billPaymentLink), links(ch.doc, billPaymentLink), func(payment string, linked bool) {
		if linked {
			return
		}
		ch.c.amend(ch.c.table("BillPayment"), payment, ch.at, true, func(o *object) {
			o.set("Line", list(slices.DeleteFunc(o.objects("Line"), func(line *object) bool { return linkedTo(line, "Bill") == ch.old.text("Id") })))
		})
	})
}

// billPaymentLink is what bills call every payment, one by card too.
const billPaymentLink = "BillPaymentCheck"

func linkedTo(line *object, kind string) string {
	for _, id := range links(line, kind) {
		return id
	}
	return ""
}

// shares adds up a payment's lines by what they are linked to.
func shares(payment *object, kind string) map[string]int64 {
	out := map[string]int64{}
	if payment != nil {
		for _, line := range payment.objects("Line") {
			out[linkedTo(line, kind)] += line.cents("Amount")
		}
	}
	return out
}

// followBillPayment moves the bills that a payment covers: their last update, and their SyncToken.
func followBillPayment(ch *change) {
	was, is := shares(ch.old, "Bill"), shares(ch.doc, "Bill")
	for id := range was {
		is[id] += 0
	}
	payment := subjectID(ch)
	for _, bill := range slices.Sorted(maps.Keys(is)) {
		if was[bill] == is[bill] {
			continue
		}
		ch.c.amend(ch.c.table("Bill"), bill, ch.at, true, func(o *object) {
			link(o, payment, billPaymentLink, is[bill] != 0)
			if len(o.objects("LinkedTxn")) == 0 {
				o.drop("LinkedTxn")
			}
			o.setCents("Balance", o.cents("Balance")-is[bill]+was[bill])
		})
	}
}

// depositable are the types that lie in undeposited funds until a deposit takes them to the bank.
var depositable = []string{"Payment", "SalesReceipt"}

// depositedTxn gives what a line of a deposit is made from.
func depositedTxn(line *object) refKey {
	for _, kind := range depositable {
		if id := linkedTo(line, kind); id != "" {
			return refKey{kind, id}
		}
	}
	return refKey{}
}

func depositedTxns(deposit *object) []refKey {
	var out []refKey
	if deposit != nil {
		for _, line := range deposit.objects("Line") {
			if key := depositedTxn(line); key.id != "" {
				out = append(out, key)
			}
		}
	}
	return out
}

// followDeposit shows what lies in a deposit so. Neither a last update nor a SyncToken tells of it.
func followDeposit(ch *change) {
	id := subjectID(ch)
	was, is := depositedTxns(ch.old), depositedTxns(ch.doc)
	show := func(key refKey, linked bool) {
		ch.c.quietly(ch.c.table(key.entity), key.id, func(o *object) {
			link(o, id, "Deposit", linked)
			if !linked && len(o.objects("LinkedTxn")) == 0 {
				o.drop("LinkedTxn")
			}
		})
	}
	for _, key := range was {
		if !slices.Contains(is, key) {
			show(key, false)
		}
	}
	for _, key := range is {
		if !slices.Contains(was, key) {
			show(key, true)
		}
	}
}

// deposited: what lies in a deposit is frozen.
func deposited(o *object) error {
	if len(links(o, "Deposit")) > 0 {
		return inDeposit(o.text("Id"))
	}
	return nil
}

// What follows takes out of a restored object what the world has lost meanwhile.

func reviveInvoice(ch *change) {
	kept := slices.DeleteFunc(ch.doc.objects("LinkedTxn"), func(l *object) bool { return l.text("TxnType") == "Payment" })
	ch.doc.set("LinkedTxn", list(kept)).setCents("Balance", ch.doc.cents("TotalAmt"))
	setHome(ch.doc)
}

func reviveBill(ch *change) {
	kept := slices.DeleteFunc(ch.doc.objects("LinkedTxn"), func(l *object) bool { return l.text("TxnType") == billPaymentLink })
	ch.doc.set("LinkedTxn", list(kept)).setCents("Balance", ch.doc.cents("TotalAmt"))
	if len(kept) == 0 {
		ch.doc.drop("LinkedTxn")
	}
}

// stillOpen keeps the lines of a payment whose documents can still be paid, and adds them up.
func (ch *change) stillOpen(kind string) (kept []*object, used int64) {
	for _, line := range ch.doc.objects("Line") {
		document, ok := ch.c.load(ch.c.look(kind), linkedTo(line, kind))
		if ok && document.cents("Balance") >= line.cents("Amount") {
			kept, used = append(kept, line), used+line.cents("Amount")
		}
	}
	return kept, used
}

func revivePayment(ch *change) {
	lines, used := ch.stillOpen("Invoice")
	ch.doc.set("Line", list(lines)).setCents("UnappliedAmt", ch.doc.cents("TotalAmt")-used)
	leaveDeposit(ch)
}

func reviveBillPayment(ch *change) {
	lines, _ := ch.stillOpen("Bill")
	ch.doc.set("Line", list(lines))
}

func leaveDeposit(ch *change) { ch.doc.drop("LinkedTxn") }

// reviveDeposit leaves out what has gone, or lies in another deposit.
func reviveDeposit(ch *change) {
	var kept []*object
	total := -ch.doc.cents("CashBack", "Amount")
	for _, line := range ch.doc.objects("Line") {
		if key := depositedTxn(line); key.id != "" {
			if o, ok := ch.c.load(ch.c.look(key.entity), key.id); !ok || deposited(o) != nil || undeposited(o) != line.cents("Amount") {
				continue
			}
		}
		kept, total = append(kept, line), total+line.cents("Amount")
	}
	ch.doc.set("Line", list(kept)).setCents("TotalAmt", total)
}

// undeposited is the amount of a payment or receipt that lies in the undeposited funds.
func undeposited(o *object) int64 {
	if cmp.Or(o.text("DepositToAccountRef", "value"), undepositedFunds) != undepositedFunds {
		return 0
	}
	return o.cents("TotalAmt")
}
