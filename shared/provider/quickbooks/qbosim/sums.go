package qbosim

// sums is what the base transactions add up to. It is made once, by one pass over numbers only:
// customers and accounts are few, invoices are not kept.
type sums struct {
	balance, withJobs []int64 // cents by customer
	updated           []int64 // unix seconds by customer, 0: never
	accounts          map[string]int64
	accountUpdated    map[string]int64
}

func (b *books) addUp() *sums {
	n := len(b.customers)
	s := &sums{balance: make([]int64, n), updated: make([]int64, n),
		accounts: map[string]int64{}, accountUpdated: map[string]int64{}}
	var open [2]int64 // dollars, euros
	var received, last int64
	var v invoice
	var p payment
	invoices, payments := invoiceBase{b}, paymentBase{b}
	for i := range invoices.count() {
		b.invoice(i, &v)
		s.balance[v.customer] += v.total - v.paid
		open[b.currencyOf(v.customer)] += v.total - v.paid
		received += v.paid
		s.updated[v.customer] = max(s.updated[v.customer], invoices.updated(i))
		last = max(last, invoices.updated(i))
	}
	for i := range payments.count() {
		if k := i % blockPayments; k < generousPayment { // these leave nothing unapplied
			continue
		}
		b.payment(i, &p)
		s.balance[p.customer] -= p.unapplied
		open[b.currencyOf(p.customer)] -= p.unapplied
		received += p.unapplied
		s.updated[p.customer] = max(s.updated[p.customer], payments.updated(i))
		last = max(last, payments.updated(i))
	}
	s.rollUp()
	for id, cents := range map[string]int64{receivableDollar: open[0], receivableEuro: open[1], undepositedFunds: received} {
		s.accounts[id], s.accountUpdated[id] = cents, last
	}
	for _, i := range b.sellable {
		s.accountUpdated[b.accounts[b.items[i].account].id] = last
	}
	return s
}

func (b *books) currencyOf(customer int) int {
	if b.customers[customer].foreign {
		return 1
	}
	return 0
}

// rollUp adds every customer's balance to all above it. A job follows its parent in number, so going
// down meets children first.
func (s *sums) rollUp() {
	s.withJobs = append([]int64(nil), s.balance...)
	for i := len(s.withJobs) - 1; i >= 0; i-- {
		if parent := jobOf(i); parent >= 0 {
			s.withJobs[parent] += s.withJobs[i]
			s.updated[parent] = max(s.updated[parent], s.updated[i])
		}
	}
}
