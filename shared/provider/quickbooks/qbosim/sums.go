package qbosim

import (
	"cmp"
	"slices"
)

// sums is what the base transactions add up to. It is made once, by one pass over numbers only:
// customers, vendors and accounts are few, transactions are not kept.
type sums struct {
	customers, vendors, accounts tally
	withJobs                     []int64 // cents by customer
}

// tally is what list objects of one kind have by their number.
type tally struct {
	cents   []int64
	updated []int64 // unix seconds, 0: never
	order   []int32 // the numbers by last update
}

func newTally(n int) tally { return tally{cents: make([]int64, n), updated: make([]int64, n)} }

// add: an account in euros is not there for a company without them.
func (t *tally) add(i int, cents, at int64) {
	if i >= len(t.cents) {
		return
	}
	t.cents[i] += cents
	t.updated[i] = max(t.updated[i], at)
}

// sort puts the numbers into the order in which a table has its rows.
func (t *tally) sort(updated func(i int) int64) {
	t.order = make([]int32, len(t.cents))
	for i := range t.order {
		t.order[i] = int32(i)
	}
	slices.SortStableFunc(t.order, func(a, b int32) int { return cmp.Compare(updated(int(a)), updated(int(b))) })
}

func (b *books) addUp(kinds map[string]*entity) {
	s := &b.sums
	s.customers, s.vendors, s.accounts = newTally(len(b.customers)), newTally(len(vendors)), newTally(accountGenerator.count(b))
	b.addInvoices()
	b.addPayments()
	b.addRounds(kinds)
	s.rollUp()
	for name, t := range map[string]*tally{"Customer": &s.customers, "Vendor": &s.vendors, "Account": &s.accounts} {
		t.sort(func(i int) int64 {
			_, updated := kinds[name].gen.when(b, i)
			return updated
		})
	}
}

func (b *books) addInvoices() {
	var v invoice
	invoices := invoiceBase{b}
	var last, received int64
	var open [2]int64 // dollars, euros
	for i := range invoices.count() {
		b.invoice(i, &v)
		last = max(last, invoices.updated(i))
		b.sums.customers.add(v.customer, v.total-v.paid, invoices.updated(i))
		open[b.currencyOf(v.customer)] += v.total - v.paid
		received += v.paid
	}
	if last == 0 {
		return
	}
	b.sums.accounts.add(accountIndex(b, receivableDollar), open[0], last)
	b.sums.accounts.add(accountIndex(b, receivableEuro), open[1], last)
	b.sums.accounts.add(accountIndex(b, undepositedFunds), received, last)
	for _, i := range b.sellable {
		b.sums.accounts.add(b.items[i].account, 0, last)
	}
}

// addPayments adds what payments leave unapplied; what they pay is in the invoices.
func (b *books) addPayments() {
	var p payment
	payments := paymentBase{b}
	for i := range payments.count() {
		if k := i % blockPayments; k < generousPayment { // these leave nothing unapplied
			continue
		}
		b.payment(i, &p)
		at := payments.updated(i)
		b.sums.customers.add(p.customer, -p.unapplied, at)
		b.sums.accounts.add(accountIndex(b, receivableOf(currencies[b.currencyOf(p.customer)])), -p.unapplied, at)
		b.sums.accounts.add(accountIndex(b, undepositedFunds), p.unapplied, at)
	}
}

// addRounds adds the other transactions by what each says it does.
func (b *books) addRounds(kinds map[string]*entity) {
	for _, def := range kinds {
		if def.posts == nil || def.gen == nil || b.without(def.name) {
			continue
		}
		for i := range def.gen.count(b) {
			_, at := def.gen.when(b, i)
			for _, p := range def.posts(b.object(def, i)) {
				b.sums.post(b, p, at)
			}
		}
	}
}

func (s *sums) post(b *books, p posting, at int64) {
	switch p.list {
	case "Customer":
		s.customers.add(listIndex(b, p.id), p.cents, at)
	case "Vendor":
		s.vendors.add(listIndex(b, p.id), p.cents, at)
	case "Account":
		s.accounts.add(accountIndex(b, p.id), p.cents, at)
	}
}

var currencies = [2]string{homeCurrency, "EUR"}

func (b *books) currencyOf(customer int) int {
	if b.customers[customer].foreign {
		return 1
	}
	return 0
}

// rollUp adds every customer's balance to all above it. A job follows its parent in number, so going
// down meets children first.
func (s *sums) rollUp() {
	s.withJobs = append([]int64(nil), s.customers.cents...)
	for i := len(s.withJobs) - 1; i >= 0; i-- {
		if parent := jobOf(i); parent >= 0 {
			s.withJobs[parent] += s.withJobs[i]
			s.customers.updated[parent] = max(s.customers.updated[parent], s.customers.updated[i])
		}
	}
}
