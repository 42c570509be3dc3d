package connect

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// ticket is what a browser has of a sign-in under way. The state travels through the provider's pages
// too; the secret shows that this is the browser that started.
type ticket struct{ state, browser string }

// cookie keeps a ticket in the browser for maxAge seconds; -1: it is dropped. Its name tells starts in
// several tabs apart, its path the providers.
func (s *server) cookie(p org.Provider, t ticket, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(t.state), Value: t.state + "." + t.browser, MaxAge: maxAge,
		Path:     address(s.public, p, "").EscapedPath(),
		HttpOnly: true, Secure: s.public.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
}

const cookiePrefix = "connect_"

func cookieName(state string) string {
	d := digest("cookie " + state)
	return cookiePrefix + hex.EncodeToString(d[:8])
}

// drop takes a ticket from the browser.
func (s *server) drop(v visit, t ticket) {
	http.SetCookie(v.w, s.cookie(v.name, ticket{state: t.state}, -1))
}

// presented returns the ticket that a callback is about. A provider may leave out the state that it was
// given: then it is the one that our own page names, or the browser's only one. With several nobody can
// tell: errSeveral.
func (*server) presented(v visit) (ticket, error) {
	state, all := v.r.URL.Query().Get("state"), tickets(v.r)
	if state != "" {
		for _, t := range all {
			if t.state == state {
				return t, nil
			}
		}
		return ticket{state: state}, nil
	}
	if named := v.r.URL.Query().Get("ticket"); named != "" {
		all = slices.DeleteFunc(all, func(t ticket) bool { return cookieName(t.state) != named })
	}
	switch len(all) {
	case 0:
		return ticket{}, fault.New(fault.NotFound, "there is no state")
	case 1:
		return all[0], nil
	}
	return ticket{}, errSeveral
}

// tickets returns those that the browser has for this provider.
func tickets(r *http.Request) (all []ticket) {
	for _, c := range r.Cookies() {
		state, browser, ok := strings.Cut(c.Value, ".")
		if ok && strings.HasPrefix(c.Name, cookiePrefix) && c.Name == cookieName(state) {
			all = append(all, ticket{state, browser})
		}
	}
	return all
}
