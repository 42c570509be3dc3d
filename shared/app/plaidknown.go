package app

import (
	"context"
	"errors"
	"slices"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store"
)

// bankBook tells which banks an organisation has.
type bankBook interface {
	Banks(ctx context.Context, slug org.Slug, institution string) ([]store.Bank, error)
}

// known refuses a bank login that the organisation has connected already: it would be billed twice, and
// everything in it would be there twice. Plaid gives it new ids each time, so what people see of its
// accounts has to tell. A login that is another one all the same is connected by a link that adds it.
func (p plaidConnect) known(ctx context.Context, slug org.Slug, item plaid.LinkedItem) error {
	if item.InstitutionID == "" || len(item.Accounts) == 0 {
		return nil
	}
	have, err := p.book.Banks(ctx, slug, item.InstitutionID)
	if err != nil {
		return err
	}
	chosen := accountsOf(item)
	for _, bank := range have {
		if common(chosen, bank.Accounts) && p.there(ctx, bank.Connection) {
			return fault.New(fault.Forbidden, "This bank login is already connected, as connection "+bank.ID.String()+
				", so nothing was added. If it needs a new sign-in, or other accounts, ask for the link that reconnects it; if it is another login all the same, for a link that adds one")
		}
	}
	return nil
}

// there reports whether a connection has something to sign in to again: an Item that is gone, or whose
// token is, keeps nobody from connecting the bank anew. When that cannot be found out it counts.
func (p plaidConnect) there(ctx context.Context, c org.Connection) bool {
	t, err := p.vault.Current(ctx, c)
	if err != nil {
		return !errors.Is(err, vault.ErrNoToken)
	}
	s, err := p.client.Item(c.Account, fixed(t.Access)).Get(ctx)
	return !plaid.Ended(err) && !plaid.Ended(s.Trouble)
}

// common reports whether a and b have an account of the same name and mask, one of which may be missing.
func common(a, b []store.BankAccount) bool {
	return slices.ContainsFunc(a, func(x store.BankAccount) bool { return x != store.BankAccount{} && slices.Contains(b, x) })
}

// accountsOf is what people see of a login's accounts.
func accountsOf(item plaid.LinkedItem) (all []store.BankAccount) {
	for _, a := range item.Accounts {
		all = append(all, store.BankAccount{Name: a.Name, Mask: a.Mask})
	}
	return all
}

// shown is what is kept of a login that is being connected: its accounts are known by it until they have
// been read.
func shown(item plaid.LinkedItem) any {
	if item.InstitutionID == "" || len(item.Accounts) == 0 {
		return nil
	}
	return store.ShownBank{Institution: item.InstitutionID, Accounts: accountsOf(item)}
}
