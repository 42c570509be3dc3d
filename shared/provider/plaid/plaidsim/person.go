package plaidsim

import (
	"errors"
	"fmt"
	"net/url"
	"path"
)

// Approve does what a person does on a hosted page: it signs in with a login (nil: the first one that
// is offered, and in update mode that of the Item) and leaves all accounts ticked. It gives the address
// that the browser is sent to, "" when the app named none.
func (s *Server) Approve(hostedURL string, with *Login) (back string, err error) {
	return s.person(hostedURL, func(v hostedView) choice {
		var c choice
		for _, one := range v.Logins {
			if with == nil && (one.Checked || v.Mending) || with != nil && (one.Key == with.key() || v.Mending) {
				c.login = one.Key
				for _, a := range one.Accounts {
					c.accounts = append(c.accounts, a.Value)
				}
			}
		}
		return c
	})
}

// Choose is Approve with some accounts only: those of a login by number, in update mode by account_id.
func (s *Server) Choose(hostedURL string, with *Login, accounts ...string) (back string, err error) {
	return s.person(hostedURL, func(hostedView) choice {
		if with == nil {
			return choice{accounts: accounts}
		}
		c := choice{login: with.key()}
		for _, n := range accounts {
			c.accounts = append(c.accounts, with.key()+"/"+n)
		}
		return c
	})
}

// Cancel does what a person does who does not want to.
func (s *Server) Cancel(hostedURL string) (back string, err error) {
	return s.person(hostedURL, func(hostedView) choice { return choice{cancel: true} })
}

// person opens a hosted page and sends off what decide says.
func (s *Server) person(hostedURL string, decide func(hostedView) choice) (back string, err error) {
	u, err := url.Parse(hostedURL)
	if err != nil {
		return "", fmt.Errorf("plaidsim: hosted page: %w", err)
	}
	back, page := s.sent(path.Base(u.Path), decide)
	if why := page.Over + page.Problem; why != "" {
		return "", errors.New("plaidsim: hosted page: " + why)
	}
	return back, nil
}
