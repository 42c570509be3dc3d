package qbosim

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// The facts are what invoices and payments print of list objects. All companies share them; one in
// which a name changes gets its own.

type accountFact struct {
	id, ref string // ref is printed JSON, as in all facts
}

type termFact struct{ id, ref string }

type itemFact struct {
	id, ref, about string
	price          decimal
	account        int // of books.accounts
	taxable        bool
}

type customerFact struct {
	id, ref        string
	billTo, shipTo string // printed addresses
	email          string
	foreign        bool
}

func (f *customerFact) currency() string {
	if f.foreign {
		return `{"value":"EUR","name":"Euro"}`
	}
	return `{"value":"USD","name":"United States Dollar"}`
}

// sharedFacts are the facts of all companies of a server.
type sharedFacts struct {
	mu        sync.Mutex
	customers [2][]customerFact // of companies with one currency, and with more
	accounts  []accountFact
	terms     []termFact
	items     []itemFact
	sellable  []int // items that lines may sell
	bundles   []int // items of type Group
}

// lend gives a company what it shares with the others.
func (s *sharedFacts) lend(b *books, customers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		s.makeAccounts()
		s.makeTerms()
		s.makeItems()
	}
	kind := 0
	if b.spec.MultiCurrency {
		kind = 1
	}
	for i := len(s.customers[kind]); i < customers; i++ {
		s.customers[kind] = append(s.customers[kind], makeCustomer(i, b.spec.MultiCurrency))
	}
	b.customers = s.customers[kind][:customers:customers]
	b.accounts, b.terms, b.items = s.accounts, s.terms, s.items
	b.sellable, b.bundles = s.sellable, s.bundles
}

func printedRef(id, name string) string { return string(appendRef(nil, id, name)) }

func (s *sharedFacts) makeAccounts() {
	for _, spec := range chart {
		s.accounts = append(s.accounts, accountFact{spec.id, printedRef(spec.id, spec.path())})
	}
}

func (s *sharedFacts) makeTerms() {
	for i, term := range terms {
		id := strconv.Itoa(i + 1)
		s.terms = append(s.terms, termFact{id, printedRef(id, term.name)})
	}
}

func (s *sharedFacts) makeItems() {
	for i, spec := range catalogue {
		fact := itemFact{id: listID(i), about: spec.about, account: spec.account, taxable: spec.taxable}
		fact.price, _ = parseDecimal(spec.price)
		fact.ref = printedRef(fact.id, spec.name)
		switch {
		case spec.kind == "Group":
			s.bundles = append(s.bundles, i)
		case spec.kind != "Category" && !spec.gone:
			s.sellable = append(s.sellable, i)
		}
		s.items = append(s.items, fact)
	}
}

func makeCustomer(i int, multiCurrency bool) customerFact {
	fact := customerFact{id: listID(i), email: emailOf(i), foreign: multiCurrency && rootOf(i)%7 == 6}
	fact.ref = printedRef(fact.id, displayName(i))
	fact.billTo = fmt.Sprintf(`{"Id":"%d","Line1":%s,"Line2":%s,"Line3":%s,"Lat":"INVALID","Long":"INVALID"}`,
		2*i+2, appendText(nil, companyName(rootOf(i))), appendText(nil, streetOf(i)), appendText(nil, townOf(i).line()))
	if i%3 != 0 {
		fact.shipTo = string(addressOf(i, 2*i+3).append(nil))
	}
	return fact
}

// show lets the refs of base invoices and payments to a list object show another id and name.
func (b *books) show(key refKey, id, name string) {
	ref := printedRef(id, name)
	switch key.entity {
	case "Customer":
		b.customers = changed(b.customers, func(f *customerFact) {
			if f.id == key.id {
				f.id, f.ref = id, ref
			}
		})
	case "Item":
		b.items = changed(b.items, func(f *itemFact) {
			if f.id == key.id {
				f.id, f.ref = id, ref
			}
		})
	case "Account":
		b.accounts = changed(b.accounts, func(f *accountFact) {
			if f.id == key.id {
				f.id, f.ref = id, ref
			}
		})
	case "Term":
		b.terms = changed(b.terms, func(f *termFact) {
			if f.id == key.id {
				f.id, f.ref = id, ref
			}
		})
	case "PaymentMethod":
		b.showMethod(key.id, id)
	}
}

// changed gives a company its own copy of facts, each changed by f.
func changed[F any](facts []F, f func(*F)) []F {
	own := slices.Clone(facts)
	for i := range own {
		f(&own[i])
	}
	return own
}

// showMethod lets payments show another payment method, which has no name in them.
func (b *books) showMethod(id, other string) {
	if id == other {
		return
	}
	methods := map[string]string{id: other}
	for from, to := range b.methods {
		if to == id {
			to = other
		}
		methods[from] = to
	}
	b.methods = methods
}
