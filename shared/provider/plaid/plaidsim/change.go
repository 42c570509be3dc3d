package plaidsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// TransactionSpec is a transaction that somebody makes. What is empty is made up from the seed.
type TransactionSpec struct {
	Account string `json:"account,omitempty"` // account_id; "": the first account that has transactions
	Amount  string `json:"amount,omitempty"`  // decimal text; positive: money leaves the account
	Date    string `json:"date,omitempty"`    // YYYY-MM-DD; "": today in UTC
	Name    string `json:"name,omitempty"`
	Further string `json:"further,omitempty"` // a JSON object that is laid over the transaction
}

// PostSpec says what a pending transaction becomes. What is empty stays as it was; the date: today.
type PostSpec struct {
	Amount string `json:"amount,omitempty"`
	Date   string `json:"date,omitempty"`
	Name   string `json:"name,omitempty"`
	NoLink bool   `json:"no_link,omitempty"` // pending_transaction_id stays null
	Pages  Pages  `json:"pages,omitempty"`
}

// Pages says how the two halves of a change come: the removed and the added transaction.
type Pages int

// The ways.
const (
	OnePage      Pages = iota // beside each other, as far as count allows
	RemovedFirst              // the added one on a later page
	AddedFirst                // the removed one on a later page
)

var (
	errNoTransaction = errors.New("there is no such transaction")
	errNoAccount     = errors.New("there is no such account")
	errNotPending    = errors.New("it is not pending")
)

// Add makes a posted transaction and gives its id.
func (it *Item) Add(spec TransactionSpec) (string, error) {
	return it.edit(change{Do: "add", Body: encode(spec)})
}

// Pend makes a pending transaction and gives its id.
func (it *Item) Pend(spec TransactionSpec) (string, error) {
	return it.edit(change{Do: "add", N: 1, Body: encode(spec)})
}

// Post removes a pending transaction and adds the posted one under a new id, which it gives.
func (it *Item) Post(pendingID string, spec PostSpec) (string, error) {
	return it.edit(change{Do: "post", ID: pendingID, Body: encode(spec)})
}

// Modify lays a JSON object over a transaction: {"merchant_name":null} sets null, and takes nothing away.
func (it *Item) Modify(id, patch string) error {
	_, err := it.edit(change{Do: "modify", ID: id, Body: patch})
	return err
}

// Remove removes a transaction: a hold that was released, say.
func (it *Item) Remove(id string) error {
	_, err := it.edit(change{Do: "remove", ID: id})
	return err
}

// Rekey gives a transaction a new id, as banks do: the old one is removed, and the same is added.
func (it *Item) Rekey(id string, pages Pages) (string, error) {
	return it.edit(change{Do: "rekey", ID: id, N: int(pages)})
}

// Together has the changes that f makes come as one update of the bank: with one webhook.
func (it *Item) Together(f func()) {
	hold := func(by int) {
		it.s.mu.Lock()
		defer it.s.mu.Unlock()
		it.holding += by
		it.flush()
	}
	hold(1)
	defer hold(-1)
	f()
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a struct of texts
	}
	return string(b)
}

// transaction finds a live one.
func (it *Item) transaction(id string) (*txn, error) {
	if t := it.ledger.byID[id]; t != nil && !t.dead && !t.account.gone {
		return t, nil
	}
	return nil, errNoTransaction
}

func (it *Item) addTransaction(c change) (string, error) {
	var spec TransactionSpec
	if err := json.Unmarshal([]byte(c.Body), &spec); err != nil {
		return "", err
	}
	covered := it.covered()
	at := 0
	if spec.Account != "" {
		at = slices.IndexFunc(covered, func(a *account) bool { return a.id == spec.Account })
	}
	if at < 0 || len(covered) == 0 {
		return "", errNoAccount
	}
	d, err := it.invent(spec, covered[at], c.At)
	if err != nil {
		return "", err
	}
	d.pending = c.N == 1
	t := &txn{id: it.newID(), account: covered[at], n: -1, own: d, date: d.date, pending: d.pending}
	it.ledger.put(t, false)
	it.news.added++
	return t.id, nil
}

// invent makes up what a spec leaves open.
func (it *Item) invent(spec TransactionSpec, on *account, at time.Time) (*detail, error) {
	if spec.Amount != "" && !json.Valid([]byte(spec.Amount)) {
		return nil, fmt.Errorf("%q is no amount", spec.Amount)
	}
	d := it.past.detail(it.past.total+it.drawn, on.spec, cmp.Or(spec.Date, at.UTC().Format(time.DateOnly)))
	d.amount, d.name = cmp.Or(decimal(spec.Amount), d.amount), cmp.Or(spec.Name, d.name)
	if spec.Further == "" {
		return d, nil
	}
	over, err := parse([]byte(spec.Further))
	if err != nil {
		return nil, err
	}
	in, ok := over.(obj)
	if !ok {
		return nil, errors.New("what is laid over a transaction must be an object")
	}
	d.further = maps.Clone(d.further)
	if d.further == nil {
		d.further = obj{}
	}
	maps.Copy(d.further, in)
	return d, nil
}

func (it *Item) postTransaction(c change) (string, error) {
	var spec PostSpec
	if err := json.Unmarshal([]byte(c.Body), &spec); err != nil {
		return "", err
	}
	old, err := it.transaction(c.ID)
	if err != nil {
		return "", err
	}
	if !old.pending {
		return "", errNotPending
	}
	over := obj{"pending": false, "date": cmp.Or(spec.Date, c.At.UTC().Format(time.DateOnly)), "pending_transaction_id": old.id}
	if spec.NoLink {
		over["pending_transaction_id"] = nil
	}
	if spec.Amount != "" {
		over["amount"] = json.Number(spec.Amount)
	}
	if spec.Name != "" {
		over["name"] = spec.Name
	}
	return it.replace(old, over, spec.Pages), nil
}

// replace removes a transaction and adds another that says the same, but for what is laid over.
func (it *Item) replace(old *txn, over obj, pages Pages) string {
	says := old.object(it.past, true)
	maps.Copy(says, over)
	t := &txn{id: it.newID(), account: old.account, n: -1, changed: says}
	t.read()
	if pages == AddedFirst {
		it.ledger.put(t, false)
		it.kill(old, true)
	} else {
		it.kill(old, false)
		it.ledger.put(t, pages == RemovedFirst)
	}
	it.news.added++
	return t.id
}

// read takes over from what a transaction says what lists are made by.
func (t *txn) read() {
	t.date, _ = t.changed["date"].(string)
	t.pending, _ = t.changed["pending"].(bool)
}

// kill removes a transaction. One that Plaid does not have yet never comes.
func (it *Item) kill(t *txn, newPage bool) {
	t.dead = true
	if t.added == 0 {
		return
	}
	it.ledger.note(t, newPage)
	it.news.removed = append(it.news.removed, t.id)
}

func (it *Item) modifyTransaction(c change) (string, error) {
	t, err := it.transaction(c.ID)
	if err != nil {
		return "", err
	}
	over, err := parse([]byte(c.Body))
	if err != nil {
		return "", err
	}
	in, ok := over.(obj)
	if !ok {
		return "", errors.New("a patch must be an object")
	}
	says := t.object(it.past, true)
	maps.Copy(says, in)
	t.changed = says
	t.read()
	if t.added > 0 {
		it.ledger.note(t, false)
		it.news.modified++
	}
	return t.id, nil
}

func (it *Item) removeTransaction(c change) (string, error) {
	t, err := it.transaction(c.ID)
	if err != nil {
		return "", err
	}
	it.kill(t, false)
	return "", nil
}

func (it *Item) rekeyTransaction(c change) (string, error) {
	t, err := it.transaction(c.ID)
	if err != nil {
		return "", err
	}
	return it.replace(t, obj{"pending_transaction_id": nil}, Pages(c.N)), nil
}

// touch has Plaid think again about the category of some transaction.
func (it *Item) touch(c change) (string, error) {
	var live []*txn
	for _, t := range it.ledger.all {
		if t.live() {
			live = append(live, t)
		}
	}
	if len(live) == 0 {
		return it.addTransaction(change{At: c.At, Body: "{}"})
	}
	t := live[c.N%len(live)]
	patch := fmt.Sprintf(`{"personal_finance_category":{"primary":"OTHER","detailed":"OTHER_OTHER","confidence_level":"LOW","version":"v2"},"name":"seen again %d"}`, c.N)
	return it.modifyTransaction(change{At: c.At, ID: t.id, Body: patch})
}

// Transactions gives the transactions that a sync from the start tells of, as it does with
// original_description: the truth to compare a copy with.
func (it *Item) Transactions() iter.Seq[json.RawMessage] {
	return it.each(func() []rendered {
		var out []rendered
		for _, t := range it.ledger.all {
			if t.live() {
				out = append(out, t.append(nil, it.past, true))
			}
		}
		return out
	})
}

// All gives the truth about a stream, in the shape of the catalog's raws. Streams that the Item's
// products do not cover give nothing. It panics when there is no such stream.
func (it *Item) All(stream string) iter.Seq[json.RawMessage] {
	switch stream {
	case "transactions":
		return it.Transactions()
	case "accounts":
		return it.each(func() []rendered { return renderAccounts(it.live()) })
	}
	return it.each(func() []rendered {
		all, ok := it.productStream(stream)
		if !ok {
			panic("plaidsim: no stream " + stream)
		}
		return all
	})
}

func renderAccounts(all []*account) []rendered {
	var out []rendered
	for _, a := range all {
		out = append(out, render(a.print()))
	}
	return out
}

// each takes a list with the lock held and gives it without.
func (it *Item) each(list func() []rendered) iter.Seq[json.RawMessage] {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	all := list()
	return func(yield func(json.RawMessage) bool) {
		for _, v := range all {
			if !yield(json.RawMessage(v)) {
				return
			}
		}
	}
}
