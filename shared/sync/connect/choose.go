package connect

import (
	"fmt"
	"strings"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// choose returns which of an organisation's connections a consent for account is meant for, zero for
// a new one. An organisation that has data of one company does not get another's by mistake: a person
// who is signed in to several companies picks the wrong one easily.
func (a Attempt) choose(title, account string, have []Existing) (org.ConnectionID, error) {
	var others []string
	for _, c := range have {
		switch {
		case c.Account == account && (a.Connection == 0 || a.Connection == c.ID):
			return c.ID, nil
		case c.ID == a.Connection:
			return 0, refuse("This link connects %s company %s again, but you chose company %s. Open the link once more and choose company %s.",
				title, c.Account, account, c.Account)
		case c.Ever || c.Held:
			others = append(others, c.Account)
		}
	}
	switch {
	case a.Connection != 0:
		return 0, fault.New(fault.NotFound, fmt.Sprintf("This link is for connection %s, which this organisation does not have. Ask for a new link.", a.Connection))
	case len(others) > 0 && !a.Add:
		return 0, refuse("Your organisation has the data of %s company %s, but you chose company %s. Open the link once more and choose that one; "+
			"to attach a further company, ask for a link that adds one.", title, strings.Join(others, ", "), account)
	}
	return 0, nil
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
