package connect

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// choose returns which of an organisation's connections a consent is meant for, zero for a new one.
// Where an organisation has one account as a rule, it does not get another's data by mistake: a person
// who is signed in to several picks the wrong one easily.
func (a Attempt) choose(p Provider, consent Consent, have []Existing) (org.ConnectionID, error) {
	wanted, w := cmp.Or(consent.Mends, a.Connection), p.Words()
	chosen := w.called(consent.Account, consent.Name)
	var others []string
	for _, c := range have {
		switch {
		case c.Account == consent.Account && (wanted == 0 || wanted == c.ID):
			return c.ID, nil
		case c.ID == wanted:
			return 0, refuse("This link connects %s %s again, but you chose %s. Open the link once more and choose %s.",
				p.Title(), w.called(c.Account, c.Name), chosen, w.called(c.Account, c.Name))
		case c.Ever || c.Held:
			others = append(others, cmp.Or(c.Name, c.Account))
		}
	}
	switch {
	case wanted != 0:
		return 0, missing(wanted)
	case len(others) > 0 && !a.Add && !p.Several():
		return 0, refuse("Your organisation has the data of %s %s %s, but you chose %s. Open the link once more and choose that one; "+
			"to attach a further %s, ask for a link that adds one.", p.Title(), w.Account, strings.Join(others, ", "), chosen, w.Account)
	}
	return 0, nil
}

// missing says that a link names a connection that its organisation does not have here.
func missing(id org.ConnectionID) error {
	return fault.New(fault.NotFound, fmt.Sprintf("This link is for connection %s, which this organisation does not have. Ask for a new link.", id))
}

// called is how a sentence names an account: as people know it, else as the provider does.
func (w Words) called(account, name string) string {
	return strings.TrimSpace(w.Account + " " + cmp.Or(name, account))
}

// nameOf returns what people call the account of one of the connections.
func nameOf(id org.ConnectionID, have []Existing) string {
	for _, c := range have {
		if c.ID == id {
			return c.Name
		}
	}
	return ""
}

// only returns the connection that a disconnect link means.
func only(link Link, have []Existing) (org.ConnectionID, error) {
	var found []org.ConnectionID
	for _, c := range have {
		if c.ID == link.Connection {
			return c.ID, nil
		}
		if c.State != org.Disconnected {
			found = append(found, c.ID)
		}
	}
	switch {
	case link.Connection != 0 || len(have) == 0:
		return 0, fault.New(fault.NotFound, "Your organisation has no such connection: there is nothing to disconnect.")
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return have[0].ID, nil
	}
	return 0, refuse("Your organisation has several connections here. Ask for a link that names the one to disconnect.")
}

func refuse(format string, args ...any) error {
	return fault.New(fault.Forbidden, fmt.Sprintf(format, args...))
}
