package connect

import (
	"cmp"
	"context"
	"errors"
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
	t, err := s.presented(v)
	if err != nil {
		s.finish(v, s.stateless(v, err))
		return
	}
	// From here on a person who closes the window must not stop us: the code is good for one try.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), grantLimit)
	defer cancel()
	a, query, err := s.attempt(ctx, v, t)
	if err != nil {
		s.finish(v, s.elsewhere(ctx, v, t, err))
		return
	}
	p := s.returned(ctx, v, t, a, query)
	if p.Again {
		p.Ticket = cookieName(t.state)
	} else {
		s.drop(v, t)
	}
	s.finish(v, p)
}

// attempt returns what a ticket stands for, and what may be believed of the callback's query: nothing
// when it has no state, because then anybody may have made this browser open it. A provider that
// keeps no memo would have nothing else to go by.
func (s *server) attempt(ctx context.Context, v visit, t ticket) (Attempt, url.Values, error) {
	a, err := s.Store.FindState(ctx, digest(t.state), digest(t.browser))
	query := v.r.URL.Query()
	switch {
	case err != nil:
		return Attempt{}, nil, err
	case a.Provider != v.name:
		return Attempt{}, nil, fault.New(fault.NotFound, "the state is another provider's")
	case query.Get("state") != "":
		return a, query, nil
	case a.Memo == nil:
		return Attempt{}, nil, fault.New(fault.NotFound, "there is no state")
	}
	return a, nil, nil
}

// elsewhere is stateless, save that a browser other than the one that started makes the state void where
// the provider would be asked what was done on its pages: it may have been this one, talked into signing
// in for somebody else. Nothing has been granted yet, so nothing is left.
func (s *server) elsewhere(ctx context.Context, v visit, t ticket, err error) page {
	if !fault.Is(err, fault.Forbidden) {
		return s.stateless(v, err)
	}
	done, errVoid := s.Store.VoidState(ctx, digest(t.state))
	if errVoid != nil {
		return s.troubled(v, "void state", "", errVoid)
	}
	p := s.stateless(v, err)
	if done {
		s.Log.WarnContext(ctx, "a sign-in came back to another browser, and is void", "event", "connect_void", "provider", string(v.name))
		p.Text = "The sign-in was started in another browser, or cookies are switched off. Whatever was done at " + v.provider.Title() +
			" is void now: nothing was connected. Who has the link can open it again, and has to sign in in the same browser."
	}
	return p
}

// errSeveral is told by presented. It is compared with, never changed.
var errSeveral = fault.New(fault.Conflict, "several sign-ins are under way in this browser")

// stateless words why a state is not accepted.
func (s *server) stateless(v visit, err error) page {
	const again = " Open your link again to start anew; it still works if nothing was connected."
	switch {
	case errors.Is(err, errSeveral):
		return page{Status: http.StatusConflict, Title: "Which one?", Text: "You have opened a link several times in this browser, so nobody can tell which sign-in this is. Nothing was changed. Go back to the page where you signed in, and come here by its own button; or open your link again in a private window."}
	case fault.Is(err, fault.NotFound):
		return page{Status: http.StatusGone, Title: "This took too long", Text: fmt.Sprintf("The sign-in is older than %.0f minutes or did not start here. Nothing was changed.", v.provider.StateLife().Minutes()) + again}
	case fault.Is(err, fault.Conflict):
		return page{Status: http.StatusConflict, Title: "This sign-in is over", Text: "It has been used already, perhaps because the page was loaded twice." + again}
	case fault.Is(err, fault.Forbidden):
		return page{Status: http.StatusForbidden, Title: "Another browser", Text: "The sign-in was started in another browser, or cookies are switched off. Nothing was changed." + again}
	}
	return s.troubled(v, "take state", "", err)
}

// returned asks the provider what the person agreed to. As long as it has no answer the state stays as
// it is; with one it is used up, whatever the answer.
func (s *server) returned(ctx context.Context, v visit, t ticket, a Attempt, query url.Values) page {
	consent, err := v.provider.Return(ctx, a.Memo, query)
	switch {
	case errors.Is(err, ErrUnfinished):
		return page{
			Status: http.StatusConflict, Title: "Not finished yet", Again: true,
			Text: fmt.Sprintf("You are back before you were done at %s. Go on there, in its own page, then come back here. Nothing was changed.", v.provider.Title()),
		}
	case fault.Retry(err) && !fault.Is(err, fault.Internal):
		s.note(v, a.Org, "return", err)
		return page{
			Status: http.StatusServiceUnavailable, Title: "Not now", Again: true,
			Text: fmt.Sprintf("%s cannot say at the moment what you agreed to there. Nothing was changed, and nothing is lost; try again in a minute.", v.provider.Title()),
		}
	}
	if used := s.Store.TakeState(ctx, digest(t.state), digest(t.browser)); used != nil {
		return s.stateless(v, used)
	}
	if err != nil {
		return s.failed(v, a.Org, "no consent", notConnected, err)
	}
	return s.grant(ctx, v, a, consent)
}

// grant attaches the account that consent was given for, or says why not.
func (s *server) grant(ctx context.Context, v visit, a Attempt, consent Consent) page {
	// Another window may have been faster with the same link.
	if used, err := s.Store.LinkUsed(ctx, a.Link); err != nil {
		return s.troubled(v, "look up link", a.Org, err)
	} else if used {
		return pageUsed()
	}
	c, l, name, err := s.attach(ctx, v, a, consent)
	if err != nil {
		return s.failed(v, a.Org, "attach", notConnected, err)
	}
	account, err := v.provider.Grant(ctx, c, l, consent)
	if err != nil {
		return s.ungranted(ctx, v, c, l, err)
	}
	if fresh, err := s.Store.Activate(ctx, l, account, consent, a.Link, a.LinkEnds); err != nil || !fresh {
		if went, p := s.unwanted(ctx, v, c, l, err); !went {
			return p
		}
	}
	return s.connected(ctx, v, c, account, cmp.Or(consent.Name, name))
}

// connected is told of a connection that has become active.
func (s *server) connected(ctx context.Context, v visit, c org.Connection, account, name string) page {
	s.Log.InfoContext(ctx, "connected", "event", "connected", "org", string(c.Org), "provider", string(c.Provider), "connection", int64(c.ID), "again", c.State != org.Connecting)
	s.tick(ctx, c)
	w := v.provider.Words()
	return page{
		Status: http.StatusOK, Title: v.provider.Title() + " is connected",
		Text: fmt.Sprintf("%s now belongs to %s. Its %s are being copied: the first time takes some minutes, later changes arrive by themselves. You can close this window.",
			capital(w.called(account, name)), s.title(ctx, c.Org), w.Kept),
	}
}

// attach finds or makes the connection for a consent, and takes its lease. One whose account the
// provider is yet to name gets a name that no other has. name is what people call the account so far.
func (s *server) attach(ctx context.Context, v visit, a Attempt, consent Consent) (c org.Connection, l org.Lease, name string, err error) {
	account := consent.Account
	if account == "" {
		account = Unnamed + random()
	}
	c, l, err = s.held(v.r.Context(), func() (org.Connection, org.Lease, bool, error) {
		return s.Store.Attach(ctx, a, account, s.Holder, leaseLife, func(have []Existing) (org.ConnectionID, error) {
			id, err := a.choose(v.provider, consent, have)
			name = nameOf(id, have)
			return id, err
		})
	})
	return c, l, name, err
}

// ungranted gives a connection up for which there is no token, and words why. What the provider may hold
// for all that is told too.
func (s *server) ungranted(ctx context.Context, v visit, c org.Connection, l org.Lease, err error) page {
	lost, kept := errors.Is(err, ErrAnswerLost), errors.Is(err, ErrNotEnded)
	if kept {
		abandon(ctx, s.Store, s.Log, l)
	} else {
		s.giveUp(ctx, c, l, "connecting was not finished: "+words(err))
	}
	p := s.failed(v, c.Org, "grant", notConnected, err)
	if lost || kept {
		s.Log.ErrorContext(ctx, "a consent was given, and what came of it did not get here", "event", "connect_lost",
			"org", string(c.Org), "provider", string(c.Provider), "connection", int64(c.ID), "err", err.Error())
		p.Status, p.Title = http.StatusServiceUnavailable, notConnected
		p.Text = v.provider.Title() + " has your consent, but what it answered could not be kept here. This has been recorded, and is looked after. Your link still works: open it again in some minutes."
	}
	return p
}

// unwanted handles a token that came after all, for a connection that did not become active. One of a
// new connection is of no use to anybody. Without a cause the link was used meanwhile. went reports that
// it has become active for all that: only the answer was lost. The lease tells, which is given back then;
// while it cannot be asked all stays as it is, and [Clear] ends what is not active.
func (s *server) unwanted(ctx context.Context, v visit, c org.Connection, l org.Lease, cause error) (went bool, p page) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit+noteLimit)
	defer cancel()
	if cause != nil {
		err := s.Store.Renew(ctx, l, leaseLife)
		if fault.Is(err, fault.Conflict) {
			now, errNow := s.Store.Connection(ctx, c.ID)
			if went = errNow == nil && now.State == org.Active; went {
				return true, page{}
			}
		}
		if err != nil {
			return false, s.unsure(v, c, errors.Join(cause, err))
		}
	}
	if c.State != org.Connecting {
		s.giveUp(ctx, c, l, "")
	} else {
		s.revoke(ctx, v, c, l)
	}
	if cause == nil {
		return false, pageUsed()
	}
	return false, s.failed(v, c.Org, "activate", notConnected, cause)
}

// unsure is told when nobody can say now whether a connection has become active.
func (s *server) unsure(v visit, c org.Connection, err error) page {
	s.note(v, c.Org, "activate", err)
	return page{
		Status: http.StatusServiceUnavailable, Title: "Perhaps connected",
		Text: "Your consent was given, but whether it could be written down here is not known at the moment. Open your link again in some minutes: if it says that it has been used, all is well.",
	}
}

// revoke ends a consent that nobody uses, and its connection. When the provider cannot do so now, the
// connection stays as it is, and [Clear] tries again.
func (s *server) revoke(ctx context.Context, v visit, c org.Connection, l org.Lease) {
	if noted := end(ctx, s.Store, v.provider, s.Log, c, l); noted {
		s.tick(ctx, c)
	}
}

// giveUp gives the lease back. A tick that came meanwhile is sent again.
func (s *server) giveUp(ctx context.Context, c org.Connection, l org.Lease, reason string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
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
