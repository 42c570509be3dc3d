package connect

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

const notConnected = "Not connected"

// callback is where the provider sends the browser back to. Whatever comes of it is told by the page
// that it redirects to, so that no code stays in the address bar.
func (s *server) callback(v visit) {
	query := v.r.URL.Query()
	state := query.Get("state")
	var browser string
	if c, err := v.r.Cookie(cookieName(state)); err == nil {
		browser = c.Value
	}
	// From here on a person who closes the window must not stop us: the code is good for one try.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), grantLimit)
	defer cancel()
	a, err := s.Store.TakeState(ctx, digest(state), digest(browser))
	if err == nil && a.Provider != v.name {
		err = fault.New(fault.NotFound, "the state is another provider's")
	}
	if err != nil {
		s.finish(v, s.stateless(v, err))
		return
	}
	http.SetCookie(v.w, s.cookie(v.name, state, "", -1))
	s.finish(v, s.grant(ctx, v, a, query))
}

// stateless words why a state is not accepted.
func (s *server) stateless(v visit, err error) page {
	const again = " Open your link again to start anew; it still works if nothing was connected."
	switch fault.Of(err) {
	case fault.NotFound:
		return page{Status: http.StatusGone, Title: "This took too long", Text: "The sign-in is older than 15 minutes or did not start here. Nothing was changed." + again}
	case fault.Conflict:
		return page{Status: http.StatusConflict, Title: "This sign-in is over", Text: "It has been used already, perhaps because the page was loaded twice." + again}
	case fault.Forbidden:
		return page{Status: http.StatusForbidden, Title: "Another browser", Text: "The sign-in was started in another browser, or cookies are switched off. Nothing was changed." + again}
	}
	return s.troubled(v, "take state", "", err)
}

// grant attaches the account that consent was given for, or says why not.
func (s *server) grant(ctx context.Context, v visit, a Attempt, query url.Values) page {
	account, err := v.provider.Account(query)
	if err != nil {
		return s.failed(v, a.Org, "no consent", notConnected, err)
	}
	// Another window may have been faster with the same link.
	if used, err := s.Store.LinkUsed(ctx, a.Link); err != nil {
		return s.troubled(v, "look up link", a.Org, err)
	} else if used {
		return pageUsed()
	}
	c, l, err := s.held(v.r.Context(), func() (org.Connection, org.Lease, bool, error) {
		return s.Store.Attach(ctx, a, account, s.Holder, leaseLife, func(have []Existing) (org.ConnectionID, error) {
			return a.choose(v.provider.Title(), account, have)
		})
	})
	if err != nil {
		return s.failed(v, a.Org, "attach", notConnected, err)
	}
	if err := v.provider.Grant(ctx, c, l, query); err != nil {
		s.giveUp(ctx, c, l, "connecting was not finished: "+words(err))
		return s.failed(v, a.Org, "grant", notConnected, err)
	}
	if fresh, err := s.Store.Activate(ctx, l, a.Link, a.LinkEnds); err != nil || !fresh {
		return s.unwanted(ctx, v, c, l, err)
	}
	s.Log.InfoContext(ctx, "connected", "event", "connected", "org", string(c.Org), "provider", string(c.Provider), "connection", int64(c.ID), "again", c.State != org.Connecting)
	s.tick(ctx, c)
	return page{
		Status: http.StatusOK, Title: v.provider.Title() + " is connected",
		Text: fmt.Sprintf("Company %s now belongs to %s. Its books are being copied: the first time takes some minutes, later changes arrive by themselves. You can close this window.",
			account, s.title(ctx, c.Org)),
	}
}

// unwanted handles a token that came after all, for a connection that may not become active. One of
// a new connection is of no use to anybody. Without a cause the link was used meanwhile.
func (s *server) unwanted(ctx context.Context, v visit, c org.Connection, l org.Lease, cause error) page {
	if c.State == org.Connecting {
		if err := v.provider.Revoke(ctx, c, l); err != nil {
			s.Log.WarnContext(ctx, "consent not revoked", "connection", int64(c.ID), "err", err.Error())
		}
	}
	s.giveUp(ctx, c, l, "connecting was not finished")
	if cause == nil {
		return pageUsed()
	}
	return s.failed(v, c.Org, "activate", notConnected, cause)
}

// giveUp gives the lease back. A tick that came meanwhile is sent again.
func (s *server) giveUp(ctx context.Context, c org.Connection, l org.Lease, reason string) {
	noted, err := s.Store.GiveUp(ctx, l, reason)
	if err != nil {
		s.Log.WarnContext(ctx, "lease not given back: it ends by itself", "connection", int64(c.ID), "err", err.Error())
	}
	if noted {
		s.tick(ctx, c)
	}
}

// tick asks for a sync. When it fails the schedule's next one does the same a little later.
func (s *server) tick(ctx context.Context, c org.Connection) {
	if err := s.Ticks.Tick(ctx, org.Tick{Org: c.Org, Connection: c.ID, Reason: org.Manual}); err != nil {
		s.Log.WarnContext(ctx, "no tick sent: the next scheduled one will do", "connection", int64(c.ID), "err", err.Error())
	}
}

// title returns an organisation's name as people write it.
func (s *server) title(ctx context.Context, slug org.Slug) string {
	if o, err := s.Store.Organisation(ctx, slug); err == nil && o.Name != "" {
		return o.Name
	}
	return string(slug)
}
