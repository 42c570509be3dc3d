package plaidsim

import (
	"errors"
	"fmt"
	"time"
)

// An Item is kept between two lives of a simulator as what was done to it: linked again from the same
// spec at the same instant, and all changes played again at theirs, it has the same ids, the same
// bytes and the same cursors.

// change is one thing that happened to an Item's data at the bank or at Plaid.
type change struct {
	At    time.Time `json:"at"`
	Do    string    `json:"do"`           // the names are those in carryOut
	ID    string    `json:"id,omitempty"` // what it was done to
	Other string    `json:"other,omitempty"`
	N     int       `json:"n,omitempty"`
	Body  string    `json:"body,omitempty"` // JSON
}

var errNoChange = errors.New("plaidsim: no change of that name")

// change carries out something now and notes it. The caller holds the lock; what it tells of is told
// by flush. The text is the id that came of it, if one did.
func (it *Item) change(c change) (string, error) {
	c.At = it.s.cfg.Now()
	made, err := it.carryOut(c)
	if err != nil {
		return "", fmt.Errorf("plaidsim: %s %s: %w", c.Do, c.ID, err)
	}
	it.tape = append(it.tape, c)
	return made, nil
}

// carryOut does what a change says. It depends on the Item and the change alone: no clock, nothing that
// the API or Link set; and it tells nobody.
func (it *Item) carryOut(c change) (string, error) {
	switch c.Do {
	case "pull":
		it.ledger.pull(it, stage(c.N), c.Other)
		return "", nil
	case "add":
		return it.addTransaction(c)
	case "post":
		return it.postTransaction(c)
	case "modify":
		return it.modifyTransaction(c)
	case "remove":
		return it.removeTransaction(c)
	case "rekey":
		return it.rekeyTransaction(c)
	case "touch":
		return it.touch(c)
	}
	return it.changeAccounts(c)
}

func (it *Item) changeAccounts(c change) (string, error) {
	switch c.Do {
	case "open account":
		return it.openAccount(c)
	case "close account":
		return it.closeAccount(c)
	case "rekey account":
		return it.rekeyAccount(c)
	case "select accounts":
		return it.selectAccounts(c)
	case "balance":
		return it.setBalance(c)
	}
	return it.changeProducts(c)
}

// edit is a change that a test or the demo makes: it locks, and tells of what came.
func (it *Item) edit(c change) (string, error) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	made, err := it.change(c)
	it.flush()
	return made, err
}

// play does everything on a tape again, and tells nobody.
func (it *Item) play(tape []change) error {
	for i, c := range tape {
		if _, err := it.carryOut(c); err != nil {
			return fmt.Errorf("plaidsim: change %d of Item %s, %s %s: %w", i+1, it.id, c.Do, c.ID, err)
		}
	}
	it.tape, it.news = tape, news{}
	return nil
}
