package connect

import (
	"errors"
	"net/http"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// start sends the browser to the provider's consent page. It does not use the link up: programs that
// preview links would do so before the person can.
func (s *server) start(v visit) {
	link, o, ok := s.admit(v, v.r.URL.Query().Get("link"), Connect)
	if !ok {
		return
	}
	mend, err := s.named(v, link)
	if err != nil {
		s.show(v.w, s.failed(v, o.Slug, "look up connection", notConnected, err))
		return
	}
	t := ticket{random(), random()}
	to, memo, err := v.provider.Begin(v.r.Context(), Start{State: t.state, Org: o.Slug, Callback: address(s.public, v.name, "callback").String(), Mend: mend, Add: link.Add})
	if err != nil {
		s.show(v.w, s.failed(v, o.Slug, "begin", notConnected, err))
		return
	}
	life := v.provider.StateLife()
	err = s.Store.SaveState(v.r.Context(), digest(t.state), digest(t.browser), Attempt{
		Link: digest(link.Nonce), LinkEnds: link.Expires,
		Org: o.Slug, Provider: v.name, Connection: link.Connection, Add: link.Add, Memo: memo,
	}, life)
	if err != nil {
		s.show(v.w, s.failed(v, o.Slug, "start", notConnected, err))
		return
	}
	http.SetCookie(v.w, s.cookie(v.name, t, int(life.Seconds())))
	s.Log.InfoContext(v.r.Context(), "connect started", "event", "connect_started", "org", string(o.Slug), "provider", string(v.name))
	s.redirect(v.w, to)
}

// named returns the connection that a link connects again; nil when it names none.
func (s *server) named(v visit, link Link) (*org.Connection, error) {
	if link.Connection == 0 {
		return nil, nil //nolint:nilnil // most links name none
	}
	c, err := s.Store.Connection(v.r.Context(), link.Connection)
	if fault.Is(err, fault.NotFound) || err == nil && (c.Org != link.Org || c.Provider != v.name) {
		return nil, missing(link.Connection)
	}
	return &c, err
}

// admit checks a link and looks up its organisation. When it says no it has answered.
func (s *server) admit(v visit, text string, want Purpose) (Link, org.Organisation, bool) {
	refused := func(p page) (Link, org.Organisation, bool) {
		s.show(v.w, p)
		return Link{}, org.Organisation{}, false
	}
	link, err := readLink(s.Key, text, s.Now())
	switch {
	case errors.Is(err, errExpired):
		return refused(page{Status: http.StatusGone, Title: "This link has expired", Text: "Links work for a limited time only. Ask for a new one."})
	case err != nil:
		return refused(page{Status: http.StatusForbidden, Title: "This link is not valid", Text: "It was not made by this service, or it was not copied as a whole. Ask for a new one if it does not work."})
	case link.Purpose != want || link.Provider != v.name:
		return refused(page{Status: http.StatusBadRequest, Title: "This link is for something else", Text: "It is valid, but not for this page. Open it exactly as you got it."})
	}
	used, err := s.Store.LinkUsed(v.r.Context(), digest(link.Nonce))
	if err != nil {
		return refused(s.troubled(v, "look up link", link.Org, err))
	}
	if used {
		return refused(pageUsed())
	}
	o, err := s.Store.Organisation(v.r.Context(), link.Org)
	switch {
	case fault.Is(err, fault.NotFound):
		return refused(page{Status: http.StatusNotFound, Title: "Unknown organisation", Text: "The organisation that this link is for does not exist here. Ask for a new link."})
	case err != nil:
		return refused(s.troubled(v, "look up organisation", link.Org, err))
	}
	return link, o, true
}

func pageUsed() page {
	return page{Status: http.StatusConflict, Title: "This link has been used", Text: "A link works once. If you have to do this again, ask for a new one."}
}
