package qbosim

import (
	"cmp"
	"maps"
	"slices"
)

// posting is what a transaction adds to a balance: of a customer, a vendor or an account in cents (debits
// are positive, so what the company owes is negative), of an item in ten-millionths of a piece.
type posting struct {
	list, id string
	cents    int64
}

// post moves the balances by what has changed between the old and the new state of a transaction. A
// balance whose share stays the same is not touched.
func (ch *change) post() {
	posts := ch.t.def.posts
	if posts == nil {
		return
	}
	sum := func(o *object) map[refKey]int64 {
		out := map[refKey]int64{}
		if o == nil {
			return out
		}
		for _, p := range posts(o) {
			if p.id != "" {
				out[refKey{p.list, p.id}] += p.cents
			}
		}
		return out
	}
	was, is := sum(ch.old), sum(ch.doc)
	for key := range was {
		is[key] += 0
	}
	keys := slices.SortedFunc(maps.Keys(is), func(a, b refKey) int { return cmp.Or(cmp.Compare(a.entity, b.entity), cmp.Compare(a.id, b.id)) })
	for _, key := range keys {
		if delta := is[key] - was[key]; delta != 0 {
			ch.c.add(key, delta, ch.at)
		}
	}
}

// add moves one balance.
func (c *Company) add(key refKey, delta, at int64) {
	switch key.entity {
	case "Customer":
		c.owe(key.id, delta, at)
	case "Vendor":
		c.amend(c.table("Vendor"), key.id, at, false, func(o *object) { o.setCents("Balance", o.cents("Balance")+delta) })
	case "Item":
		c.takeFromStock(key.id, -decimal(delta), at)
	default:
		c.book(key.id, delta, at)
	}
}

// postsTotal is a posting of a transaction's total, with a sign, to the list object that a ref names.
func postsTotal(o *object, list, refKey string, sign int64) posting {
	return posting{list, o.text(refKey, "value"), sign * o.cents("TotalAmt")}
}

// postsSale books a sale's lines: income, and what leaves the stock.
func postsSale(o *object, sign int64) []posting {
	var out []posting
	for _, line := range o.objects("Line") {
		detail := line.child("SalesItemLineDetail")
		if detail == nil {
			continue
		}
		out = append(out, posting{"Account", detail.text("ItemAccountRef", "value"), -sign * line.cents("Amount")})
		out = append(out, stock(detail, -sign))
	}
	return out
}

func stock(detail *object, sign int64) posting {
	n, _ := parseDecimal(detail.text("Qty"))
	return posting{"Item", detail.text("ItemRef", "value"), sign * int64(n)}
}

// receivableOf is the account that open sales of a currency stand on.
func receivableOf(currency string) string {
	if currency == "EUR" {
		return receivableEuro
	}
	return receivableDollar
}

func postsCreditMemo(o *object) []posting {
	receivable := receivableOf(o.text("CurrencyRef", "value"))
	return append(postsSale(o, -1), postsTotal(o, "Customer", "CustomerRef", -1), posting{"Account", receivable, -o.cents("TotalAmt")})
}

func postsSalesReceipt(o *object) []posting {
	return append(postsSale(o, 1), postsTotal(o, "Account", "DepositToAccountRef", 1))
}

func postsRefundReceipt(o *object) []posting {
	return append(postsSale(o, -1), postsTotal(o, "Account", "DepositToAccountRef", -1))
}

// postsExpenses books the lines of a purchase: expenses, and what comes into the stock.
func postsExpenses(o *object, sign int64) []posting {
	var out []posting
	for _, line := range o.objects("Line") {
		if detail := line.child("AccountBasedExpenseLineDetail"); detail != nil {
			out = append(out, posting{"Account", detail.text("AccountRef", "value"), sign * line.cents("Amount")})
		}
		if detail := line.child("ItemBasedExpenseLineDetail"); detail != nil {
			out = append(out, stock(detail, sign))
		}
	}
	return out
}

func postsBill(o *object) []posting {
	return append(postsExpenses(o, 1), postsTotal(o, "Vendor", "VendorRef", 1), postsTotal(o, "Account", "APAccountRef", -1))
}

func postsVendorCredit(o *object) []posting {
	return append(postsExpenses(o, -1), postsTotal(o, "Vendor", "VendorRef", -1), postsTotal(o, "Account", "APAccountRef", 1))
}

func postsBillPayment(o *object) []posting {
	total := o.cents("TotalAmt")
	from := cmp.Or(o.text("CheckPayment", "BankAccountRef", "value"), o.text("CreditCardPayment", "CCAccountRef", "value"))
	to := cmp.Or(o.text("APAccountRef", "value"), payables)
	return []posting{postsTotal(o, "Vendor", "VendorRef", -1), {"Account", from, -total}, {"Account", to, total}}
}

func postsPurchase(o *object) []posting {
	sign := int64(1)
	if o.get("Credit") == true {
		sign = -1
	}
	return append(postsExpenses(o, sign), postsTotal(o, "Account", "AccountRef", -sign))
}

func moveMoney(o *object, from, to string) []posting {
	n := o.cents("Amount")
	return []posting{{"Account", o.text(from, "value"), -n}, {"Account", o.text(to, "value"), n}}
}

func postsJournalEntry(o *object) []posting {
	var out []posting
	for _, line := range o.objects("Line") {
		detail, n := line.child("JournalEntryLineDetail"), line.cents("Amount")
		if detail == nil {
			continue
		}
		if detail.text("PostingType") == "Credit" {
			n = -n
		}
		out = append(out, posting{"Account", detail.text("AccountRef", "value"), n})
	}
	return out
}

// postsDeposit takes linked payments out of the undeposited funds, and books the other lines.
func postsDeposit(o *object) []posting {
	out := []posting{postsTotal(o, "Account", "DepositToAccountRef", 1),
		{"Account", o.text("CashBack", "AccountRef", "value"), o.cents("CashBack", "Amount")}}
	for _, line := range o.objects("Line") {
		account := line.text("DepositLineDetail", "AccountRef", "value")
		if depositedTxn(line).id != "" {
			account = undepositedFunds
		}
		out = append(out, posting{"Account", account, -line.cents("Amount")})
	}
	return out
}

func postsInventoryAdjustment(o *object) []posting {
	var out []posting
	for _, line := range o.objects("Line") {
		n, _ := parseDecimal(line.text("ItemAdjustmentLineDetail", "QtyDiff"))
		out = append(out, posting{"Item", line.text("ItemAdjustmentLineDetail", "ItemRef", "value"), int64(n)})
	}
	return out
}
