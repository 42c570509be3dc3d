package plaidsim

import (
	"cmp"
	"encoding/json"
	"slices"
)

// OpenAccount adds an account and gives its id. Offered: the bank has it, and it comes once the person
// chooses it in update mode; NEW_ACCOUNTS_AVAILABLE is sent.
func (it *Item) OpenAccount(spec AccountSpec, offered bool) (string, error) {
	id, err := it.edit(change{Do: "open account", N: number01(offered), Body: encode(spec)})
	if err == nil && offered {
		it.s.mu.Lock()
		defer it.s.mu.Unlock()
		it.s.tell(it, "ITEM", "NEW_ACCOUNTS_AVAILABLE", obj{"error": nil})
	}
	return id, err
}

// CloseAccount has an account vanish from all answers. Its transactions are told of as removed, or not
// told of at all, as Plaid may do.
func (it *Item) CloseAccount(accountID string, withRemoved bool) error {
	_, err := it.edit(change{Do: "close account", ID: accountID, N: number01(withRemoved)})
	return err
}

// RevokeAccount closes an account because its holder took the permission back, and tells so.
func (it *Item) RevokeAccount(accountID string) error {
	err := it.CloseAccount(accountID, false)
	if err == nil {
		it.s.mu.Lock()
		defer it.s.mu.Unlock()
		it.s.tell(it, "ITEM", "USER_ACCOUNT_REVOKED", obj{"account_id": accountID})
	}
	return err
}

// RekeyAccount gives an account a new id, which it returns: the old one vanishes, and its whole history
// is added again under new ids.
func (it *Item) RekeyAccount(accountID string) (string, error) {
	return it.edit(change{Do: "rekey account", ID: accountID})
}

// SetBalance changes an account's balances: decimal text, "" for null.
func (it *Item) SetBalance(accountID, available, current, limit string) error {
	_, err := it.edit(change{Do: "balance", ID: accountID, Body: encode(AccountSpec{Available: available, Current: current, Limit: limit})})
	return err
}

// Account gives what an account was made of and whether the Item has it now.
func (it *Item) Account(accountID string) (spec AccountSpec, live bool) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	for _, a := range it.accounts {
		if a.id == accountID {
			return a.spec, !a.gone && !a.offered
		}
	}
	return AccountSpec{}, false
}

// AccountIDs gives the ids of the accounts that the Item has now.
func (it *Item) AccountIDs() []string {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	var out []string
	for _, a := range it.live() {
		out = append(out, a.id)
	}
	return out
}

func number01(v bool) int {
	if v {
		return 1
	}
	return 0
}

func (it *Item) openAccount(c change) (string, error) {
	var spec AccountSpec
	if err := json.Unmarshal([]byte(c.Body), &spec); err != nil {
		return "", err
	}
	spec.Type, spec.Name = cmp.Or(spec.Type, "depository"), cmp.Or(spec.Name, "Plaid Account")
	a := &account{id: it.newID(), spec: spec, n: len(it.accounts), offered: c.N == 1}
	it.accounts = append(it.accounts, a)
	return a.id, nil
}

func (it *Item) closeAccount(c change) (string, error) {
	a := it.account(c.ID)
	if a == nil {
		return "", errNoAccount
	}
	a.gone = true
	if c.N == 1 {
		for _, t := range it.ledger.on(a) {
			it.kill(t, false)
		}
	}
	return "", nil
}

// on gives the transactions of an account that were not removed.
func (l *ledger) on(a *account) []*txn {
	var out []*txn
	for _, t := range l.all {
		if t.account == a && !t.dead {
			out = append(out, t)
		}
	}
	return out
}

func (it *Item) rekeyAccount(c change) (string, error) {
	old := it.account(c.ID)
	if old == nil {
		return "", errNoAccount
	}
	a := &account{id: it.newID(), spec: old.spec, n: old.n}
	old.gone = true
	it.more.goods[a.n] = it.goods(old) // its cards, holdings and statements are the same
	it.accounts = slices.Insert(it.accounts, slices.Index(it.accounts, old)+1, a)
	for _, t := range it.ledger.on(old) {
		again := &txn{id: it.newID(), account: a, n: t.n, own: t.own, changed: t.changed, date: t.date, pending: t.pending}
		if t.added == 0 {
			it.ledger.all, it.ledger.byID[again.id] = append(it.ledger.all, again), again
			continue
		}
		it.ledger.put(again, false)
		it.news.added++
	}
	return a.id, nil
}

// selectAccounts is what the person chose in update mode: the accounts to have, of all that the bank
// has. Those not named vanish; offered ones that are named come.
func (it *Item) selectAccounts(c change) (string, error) {
	var chosen []string
	if err := json.Unmarshal([]byte(c.Body), &chosen); err != nil {
		return "", err
	}
	for _, a := range it.accounts {
		in := slices.Contains(chosen, a.id)
		switch {
		case a.offered && in:
			it.bring(a)
		case !a.offered && !in:
			a.gone = true
		}
	}
	return "", nil
}

// bring has an offered account come, with the history that it has by now.
func (it *Item) bring(a *account) {
	a.offered = false
	for _, t := range it.ledger.on(a) {
		if t.added > 0 {
			t.added = 0
			it.ledger.note(t, false)
			it.news.added++
		}
	}
}

func (it *Item) setBalance(c change) (string, error) {
	a := it.account(c.ID)
	if a == nil {
		return "", errNoAccount
	}
	var to AccountSpec
	if err := json.Unmarshal([]byte(c.Body), &to); err != nil {
		return "", err
	}
	a.spec.Available, a.spec.Current, a.spec.Limit = to.Available, to.Current, to.Limit
	return "", nil
}
