package qbosim

import (
	"slices"
	"strings"
)

// MergeHow is what becomes of the object that is merged into another.
type MergeHow int

// What becomes of it.
const (
	LoserVanishes MergeHow = iota // with a tombstone
	LoserInactive                 // it stays, with " (deleted)" after its name
)

// systemAccounts cannot be merged: QuickBooks books to them by itself.
var systemAccounts = []string{receivableDollar, receivableEuro, undepositedFunds, payables}

// Merge makes one object of a list of two: Customer, Vendor, Account, Class, Department, Employee, Item
// or PaymentMethod. All that referred to the loser refers to the winner from then on, without any last
// update or SyncToken telling of it; what the loser was owed, the winner is owed.
func (c *Company) Merge(entity, winner, loser string, how ...MergeHow) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(entity)
	if t == nil {
		return errNoEntity
	}
	stays := slices.Contains(how, LoserInactive)
	if err := c.merge(t, winner, loser, stays); err != nil {
		return err
	}
	do := "merge"
	if stays {
		do = "merge, keeping"
	}
	c.note(edit{Do: do, Entity: entity, ID: winner, Other: loser})
	c.tell(Merged, entity, winner, loser)
	return nil
}

func (c *Company) merge(t *table, winner, loser string, stays bool) error {
	entity := t.def.name
	if !t.def.merges {
		return unsupported("merge of " + entity)
	}
	w, ok := c.load(t, winner)
	if !ok {
		return notFound(entity, winner)
	}
	l, ok := c.load(t, loser)
	if !ok {
		return notFound(entity, loser)
	}
	if err := c.mayMerge(t, w, l); err != nil {
		return err
	}
	at := c.now().Unix()
	c.handOver(t, w, l, at)
	if stays {
		c.amend(t, loser, at, true, func(o *object) {
			o.set("Active", false).set(t.def.named, strings.TrimSuffix(o.text(t.def.named), deletedSuffix)+deletedSuffix)
		})
	} else {
		t.remove(loser, at, nil)
	}
	c.redirect(t, winner, loser)
	return nil
}

func (c *Company) mayMerge(t *table, winner, loser *object) error {
	id := loser.text("Id")
	switch {
	case winner.text("Id") == id:
		return businessRule("An object cannot be merged into itself")
	case t.def.name == "Account" && slices.Contains(systemAccounts, id):
		return businessRule("QuickBooks needs this account")
	case winner.text("CurrencyRef", "value") != loser.text("CurrencyRef", "value"):
		return businessRule("The currencies differ")
	case winner.text("AccountType") != loser.text("AccountType"), t.def.name == "Item" && winner.text("Type") != loser.text("Type"):
		return businessRule("The types differ")
	}
	for above := winner; above != nil; {
		parent := above.text("ParentRef", "value")
		if parent == id {
			return businessRule("The winner is below the loser")
		}
		above, _ = c.load(t, parent)
	}
	return nil
}

// handOver moves the loser's balances to the winner, and to all above the two.
func (c *Company) handOver(t *table, winner, loser *object, at int64) {
	var amounts []string
	switch t.def.name {
	case "Customer":
		c.oweAbove(t, loser, -loser.cents("BalanceWithJobs"), at)
		c.oweAbove(t, winner, loser.cents("BalanceWithJobs"), at)
		amounts = []string{"Balance", "BalanceWithJobs"}
	case "Vendor":
		amounts = []string{"Balance"}
	case "Account":
		amounts = []string{"CurrentBalance", "CurrentBalanceWithSubAccounts"}
	}
	give := func(id string, sign int64) {
		c.amend(t, id, at, false, func(o *object) {
			for _, key := range amounts {
				o.setCents(key, o.cents(key)+sign*loser.cents(key))
			}
		})
	}
	give(winner.text("Id"), 1)
	if len(amounts) > 0 {
		give(loser.text("Id"), -1)
	}
}

// oweAbove adds to BalanceWithJobs of all that a customer belongs to.
func (c *Company) oweAbove(t *table, below *object, delta, at int64) {
	for delta != 0 {
		parent := below.text("ParentRef", "value")
		c.amend(t, parent, at, false, func(o *object) { o.setCents("BalanceWithJobs", o.cents("BalanceWithJobs")+delta) })
		var ok bool
		if below, ok = c.load(t, parent); !ok {
			return
		}
	}
}

// redirect lets everything that referred to the loser refer to the winner.
func (c *Company) redirect(t *table, winner, loser string) {
	if c.merged == nil {
		c.merged = map[refKey]string{}
	}
	entity := t.def.name
	delete(c.merged, refKey{entity, winner}) // one that had been merged and stayed may win in turn
	c.merged[refKey{entity, loser}] = winner
	w, _ := c.load(t, winner)
	name := w.text(refName(entity))
	c.books.show(refKey{entity, loser}, winner, name)
	c.rename(refKey{entity, winner}, name)
	if full := w.text("FullyQualifiedName"); full != "" {
		c.renameBelow(t, winner, full)
	}
}

// Touch moves the last update of the first n objects of an entity to this second and nothing else, as
// a program does that writes many at once.
func (c *Company) Touch(entity string, n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(entity)
	if t == nil {
		return errNoEntity
	}
	var ids []string
	for h := range t.walk(always, false, 0) {
		ids = append(ids, t.id(h))
	}
	if len(ids) < n {
		return businessRule("there are only " + count(len(ids)).String() + " objects of " + entity)
	}
	slices.Sort(ids)
	at := c.now().Unix()
	for _, id := range ids[:n] {
		c.amend(t, id, at, false, func(*object) {})
	}
	c.note(edit{Do: "touch", Entity: entity, N: n})
	return nil
}

// Email sends a sales form to its customer: EmailStatus and DeliveryInfo say so.
func (c *Company) Email(entity, id string) error {
	return c.end(entity, id, func(t *table, _ *object) error {
		if !slices.Contains(t.def.properties, "EmailStatus") {
			return unsupported("send of " + entity)
		}
		at := c.now().Unix()
		c.amend(t, id, at, true, func(o *object) {
			o.set("EmailStatus", "EmailSent")
			if slices.Contains(t.def.properties, "DeliveryInfo") {
				o.set("DeliveryInfo", obj("DeliveryType", "Email", "DeliveryTime", string(appendStamp(nil, at))))
			}
		})
		c.note(edit{Do: "email", Entity: entity, ID: id})
		c.tell(Emailed, entity, id, "")
		return nil
	})
}
