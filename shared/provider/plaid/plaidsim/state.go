package plaidsim

import (
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// Login is what a person has at a bank: accounts and their history. It can be linked any number of
// times; each time gives an Item with ids of its own. Changes are made to the Item.
type Login struct {
	spec LoginSpec
	seed uint64
}

// Item is a login that was linked. The exported methods lock; those of the package are called with the
// server's lock held.
type Item struct {
	s      *Server
	login  *Login
	id     string
	seed   uint64
	n      int       // it was the nth to be linked
	made   time.Time // when it was linked
	chosen []int     // the accounts that the person gave, by number; nil: all

	// what the API and hosted Link change
	token       string // the access token that works
	exchanged   bool
	removed     bool
	webhook     string // "": none
	products    []string
	consented   []string // what the person agreed to, products among them
	trouble     *refusal // item.error
	stubborn    bool     // signing in again does not mend it
	bankDown    *refusal // nil: the bank works
	consent     time.Time
	days        int  // of history that were asked for; frozen once Transactions is on the Item
	asked       int  // sync calls so far, up to the one that was answered with data
	synced      bool // sync was called: SYNC_UPDATES_AVAILABLE is sent from now on
	lastWebhook struct {
		at   time.Time
		code string
	}

	// what changes on the tape make of the login's base
	accounts []*account // those that vanished too, in the order of their coming
	past     history
	ledger   ledger
	more     productData
	tape     []change
	drawn    int // how many ids were given after linking
	holding  int // calls of Together that are under way
	news     news
	updated  time.Time // when the bank last told of something
	failed   time.Time // when it last could not be asked
}

// stage is how much of an Item's history Plaid has.
type stage int

const (
	notReady stage = iota
	initial        // the last 30 days
	historical
)

// account is one account of an Item.
type account struct {
	id      string
	spec    AccountSpec
	n       int  // number in the login; what was opened later goes on from there
	offered bool // the bank has it, the person has not agreed to it yet
	gone    bool // closed, de-selected or known by another id now
}

// ID is the Item's item_id.
func (it *Item) ID() string { return it.id }

// Login is what was linked.
func (it *Item) Login() *Login { return it.login }

// AccessToken is the one that works now.
func (it *Item) AccessToken() string {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	return it.token
}

// Item gives the Item of an item_id, nil when there never was one. Removed ones are given too.
func (s *Server) Item(itemID string) *Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[itemID]
}

// Items gives the Items whose public token was exchanged and that were not removed, as they were
// linked: those that Plaid bills.
func (s *Server) Items() []*Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Item
	for _, it := range s.order {
		if it.exchanged && !it.removed {
			out = append(out, it)
		}
	}
	return out
}

// live gives the accounts that the Item has now.
func (it *Item) live() []*account {
	var out []*account
	for _, a := range it.accounts {
		if !a.gone && !a.offered {
			out = append(out, a)
		}
	}
	return out
}

// account gives a live account, nil when there is none of that id.
func (it *Item) account(id string) *account {
	for _, a := range it.accounts {
		if a.id == id && !a.gone && !a.offered {
			return a
		}
	}
	return nil
}

// newID gives an id that the Item has not given yet; the tape played again gives the same.
func (it *Item) newID() string {
	it.drawn++
	return id(chance.Seed(it.seed, "later"), it.drawn)
}

// print is the account as every endpoint answers it.
func (a *account) print() obj {
	out := obj{"account_id": a.id, "balances": a.balances(), "mask": orNull(a.spec.Mask), "name": a.spec.Name,
		"official_name": orNull(a.spec.OfficialName), "type": a.spec.Type, "subtype": orNull(a.spec.Subtype)}
	if a.spec.Persistent != "" {
		out["persistent_account_id"] = a.spec.Persistent
	}
	if a.spec.Holder != "" {
		out["holder_category"] = a.spec.Holder
	}
	for name, v := range a.spec.further() {
		out[name] = v
	}
	return out
}

func (a *account) balances() obj {
	return obj{"available": decimal(a.spec.Available), "current": decimal(a.spec.Current), "limit": decimal(a.spec.Limit),
		"iso_currency_code": orNull(a.spec.iso()), "unofficial_currency_code": orNull(a.spec.Unofficial)}
}

// printAccounts is the list of accounts that endpoints answer with.
func printAccounts(all []*account) []obj {
	out := make([]obj, 0, len(all))
	for _, a := range all {
		out = append(out, a.print())
	}
	return out
}

// print is the item that endpoints embed.
func (it *Item) print() obj {
	return obj{"item_id": it.id, "institution_id": it.login.spec.Institution, "institution_name": it.login.spec.InstitutionName,
		"webhook": it.webhook, "error": it.trouble.inItem(), "available_products": it.available(), "billed_products": it.billed(),
		"products": slices.Sorted(slices.Values(it.products)), "consented_products": slices.Sorted(slices.Values(it.consented)),
		"consent_expiration_time": instant(it.consent), "update_type": "background", "auth_method": nil}
}

// instant prints a time, null when there is none.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// stands tells whether the Item can be read at all.
func (it *Item) stands() *refusal {
	switch {
	case it.trouble != nil && (it.trouble.Code == "USER_PERMISSION_REVOKED" || !it.s.cfg.Cached):
		r := *it.trouble
		return &r
	case it.bankDown != nil:
		r := *it.bankDown
		return &r
	}
	return nil
}
