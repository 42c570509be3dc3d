package qbosim

import (
	"maps"
	"slices"
)

// editor is the user that MetaData.LastModifiedByRef names.
const editor = "9341450000000001"

// owe moves what a customer owes, and BalanceWithJobs of all above it. Derived values move the last
// update but not the SyncToken.
func (c *Company) owe(customer string, delta, at int64) {
	t := c.table("Customer")
	parent := ""
	c.amend(t, customer, at, false, func(o *object) {
		o.setCents("Balance", o.cents("Balance")+delta)
		o.setCents("BalanceWithJobs", o.cents("BalanceWithJobs")+delta)
		parent = o.text("ParentRef", "value")
	})
	for parent != "" {
		above := parent
		parent = ""
		c.amend(t, above, at, false, func(o *object) {
			o.setCents("BalanceWithJobs", o.cents("BalanceWithJobs")+delta)
			parent = o.text("ParentRef", "value")
		})
	}
}

// book posts to an account. Income accounts show no balance in lists, but their last update moves.
func (c *Company) book(account string, delta, at int64) {
	c.amend(c.table("Account"), account, at, false, func(o *object) {
		if class := o.text("Classification"); class == "Revenue" || class == "Expense" {
			return
		}
		o.setCents("CurrentBalance", o.cents("CurrentBalance")+delta)
		o.setCents("CurrentBalanceWithSubAccounts", o.cents("CurrentBalanceWithSubAccounts")+delta)
	})
}

// stake is what a transaction does to a customer's balance.
type stake struct {
	customer, account string
	cents             int64
}

// move replaces one stake by another in the customers' and the accounts' balances. Sign is 1 for
// sales, -1 for money received.
func (c *Company) move(was, is stake, sign, at int64) {
	if was == is {
		return
	}
	switch {
	case was.customer == is.customer && was.cents == is.cents: // another account only
	case was.customer == is.customer:
		c.owe(is.customer, sign*(is.cents-was.cents), at)
	default:
		c.oweSome(was, -sign, at)
		c.oweSome(is, sign, at)
	}
	if was.account == is.account {
		c.book(is.account, is.cents-was.cents, at)
		return
	}
	c.book(was.account, -was.cents, at)
	c.book(is.account, is.cents, at)
}

func (c *Company) oweSome(s stake, sign, at int64) {
	if s.customer != "" {
		c.owe(s.customer, sign*s.cents, at)
	}
}

// postInvoice moves what follows from an invoice that was written, voided or removed.
func postInvoice(ch *change) {
	c := ch.c
	eachChanged(links(ch.old, "Payment"), links(ch.doc, "Payment"), func(payment string, linked bool) {
		if !linked {
			c.release(payment, ch.old.text("Id"), ch.at)
		}
	})
	followEstimates(ch)
	was, is := c.invoiceStake(ch.old), c.invoiceStake(ch.doc)
	c.move(was, is, 1, ch.at)
	sold, soldNow := quantities(ch.old), quantities(ch.doc)
	if was == is && maps.Equal(sold, soldNow) {
		return
	}
	for id, n := range sold {
		soldNow[id] -= n
	}
	accounts := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(soldNow)) {
		if account := c.takeFromStock(id, soldNow[id], ch.at); account != "" {
			accounts[account] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		c.book(id, 0, ch.at)
	}
}

func (c *Company) invoiceStake(o *object) stake {
	if o == nil {
		return stake{}
	}
	return stake{o.text("CustomerRef", "value"), receivableOf(o.text("CurrencyRef", "value")), o.cents("TotalAmt")}
}

// quantities adds up what a sale takes of each item, inside groups too.
func quantities(sale *object) map[string]decimal {
	out := map[string]decimal{}
	var add func(lines []*object)
	add = func(lines []*object) {
		for _, line := range lines {
			if detail := line.child("SalesItemLineDetail"); detail != nil {
				n, _ := parseDecimal(detail.text("Qty"))
				out[detail.text("ItemRef", "value")] += n
			}
			if group := line.child("GroupLineDetail"); group != nil {
				add(group.objects("Line"))
			}
		}
	}
	if sale != nil {
		add(sale.objects("Line"))
	}
	return out
}

// takeFromStock moves QtyOnHand of an inventory item and gives any item's income account.
func (c *Company) takeFromStock(item string, n decimal, at int64) string {
	t := c.table("Item")
	o, ok := c.load(t, item)
	if !ok {
		return ""
	}
	if n != 0 && o.text("Type") == "Inventory" {
		c.amend(t, item, at, false, func(o *object) {
			stock, _ := parseDecimal(o.text("QtyOnHand"))
			o.set("QtyOnHand", number(stock-n))
		})
	}
	return o.text("IncomeAccountRef", "value")
}

// release makes a payment's share of an invoice that is gone unapplied.
func (c *Company) release(payment, invoice string, at int64) {
	c.amend(c.table("Payment"), payment, at, true, func(o *object) {
		lines := o.objects("Line")
		freed := applied(o)[invoice]
		lines = slices.DeleteFunc(lines, func(line *object) bool { return linkedInvoice(line) == invoice })
		o.set("Line", list(lines)).setCents("UnappliedAmt", o.cents("UnappliedAmt")+freed)
	})
}

// postPayment moves the invoices that a payment covers, the customer and the accounts.
func postPayment(ch *change) {
	was, is := applied(ch.old), applied(ch.doc)
	for id := range was {
		is[id] += 0
	}
	payment := subjectID(ch)
	for _, invoice := range slices.Sorted(maps.Keys(is)) {
		if was[invoice] != is[invoice] {
			ch.c.settle(invoice, payment, is[invoice]-was[invoice], is[invoice] != 0, ch.at)
		}
	}
	before, after := paymentStake(ch.old), paymentStake(ch.doc)
	ch.c.move(before, after, -1, ch.at)
	if delta := after.cents - before.cents; delta != 0 {
		ch.c.book(receivableOf(ch.currency()), -delta, ch.at)
	}
}

// subjectID is the id of the object that a change is about.
func subjectID(ch *change) string {
	if ch.doc != nil {
		return ch.doc.text("Id")
	}
	return ch.old.text("Id")
}

func (ch *change) currency() string {
	if ch.doc != nil {
		return ch.doc.text("CurrencyRef", "value")
	}
	return ch.old.text("CurrencyRef", "value")
}

func paymentStake(o *object) stake {
	if o == nil {
		return stake{}
	}
	return stake{o.text("CustomerRef", "value"), o.text("DepositToAccountRef", "value"), o.cents("TotalAmt")}
}

// applied adds up a payment's lines by invoice.
func applied(payment *object) map[string]int64 { return shares(payment, "Invoice") }

func linkedInvoice(line *object) string { return linkedTo(line, "Invoice") }

// settle takes delta off an invoice's Balance and keeps its link to the payment while linked.
func (c *Company) settle(invoice, payment string, delta int64, linked bool, at int64) {
	c.amend(c.table("Invoice"), invoice, at, true, func(o *object) {
		link(o, payment, "Payment", linked)
		o.setCents("Balance", o.cents("Balance")-delta)
		setHome(o)
	})
}
