package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Session hands out one connection's access token to the owner of its lease. It is not safe for
// concurrent use by runs of different leases; within one run its methods may be called at once.
type Session struct {
	vault   *Vault
	conn    org.Connection
	lease   org.Lease
	refresh Refresh
	turn    chan struct{} // holds one: refreshes of one run take turns; who has it has the fields below

	unparked bool  // has tried to move a parked token
	refused  error // the provider's refusal, of a kind that asking again in this run would only repeat
}

// Session returns the connection's tokens for as long as the lease is held.
func (v *Vault) Session(c org.Connection, l org.Lease, r Refresh) *Session {
	return &Session{vault: v, conn: c, lease: l, refresh: r, turn: make(chan struct{}, 1)}
}

// Access returns an access token that lasts longer than the vault's buffer, renewing it if need be.
// One that never ends is returned as it is.
func (s *Session) Access(ctx context.Context) (string, error) { return s.traced(ctx, "") }

// Renew returns an access token other than the one that the provider rejected; fault.Reconnect when
// that one never ends, because there is no other.
func (s *Session) Renew(ctx context.Context, rejected string) (string, error) {
	return s.traced(ctx, rejected)
}

func (s *Session) token(ctx context.Context, rejected string) (string, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	e, err := s.vault.Ledger.Entry(ctx, s.conn.ID)
	if err != nil {
		return "", fmt.Errorf("look up token: %w", err)
	}
	t, lost, err := s.recover(ctx, e)
	if err != nil {
		return "", err
	}
	if t.Access != rejected && (t.endless() || t.AccessExpires.After(s.vault.Now().Add(s.vault.Buffer))) {
		return t.Access, nil
	}
	if t.endless() {
		return "", fault.New(fault.Reconnect, "the provider does not accept this connection's token any more: connect again")
	}
	if s.refused != nil {
		return "", s.refused
	}
	renewing(ctx)
	// From here on a hang-up must not stop us between the provider's answer and its storage.
	t, err = s.renew(context.WithoutCancel(ctx), t, lost)
	return t.Access, err
}

// recover returns the newest token there is, after mending what a killed run or an outage of Secret
// Manager has left. lost is when a refresh was sent whose answer nobody has: zero when there is none.
func (s *Session) recover(ctx context.Context, e Entry) (t Token, lost time.Time, err error) {
	if e.Open != nil {
		// The run before us died after it had asked for a new token, perhaps after it had stored it.
		if t, err = s.adopt(ctx, e); err == nil || !fault.Is(err, fault.NotFound) {
			return t, time.Time{}, err
		}
		lost = e.Open.Started
	}
	t, err = s.vault.read(ctx, s.conn, e)
	switch {
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound) && e.Version == 0:
		t, err = s.newer(ctx, e, err)
	case err == nil && e.Parked != nil && e.Open == nil && !s.unparked:
		s.unparked = true
		t, err = s.unpark(context.WithoutCancel(ctx), e, t)
	}
	// A secret that is not there although the ledger points at it may be a wrong project in the
	// settings: nobody is asked to connect again for that.
	if none := fault.Is(err, fault.NotFound) && e.Version == 0; none || fault.Is(err, fault.Invalid) {
		err = fault.Wrap(fault.Reconnect, "this connection has no usable token any more: connect again", err)
	}
	return t, lost, err
}

// newer takes a newer token where the one that the entry points at is of no use: a database that was
// restored from a backup points at one that has been renewed, and destroyed, since, or at none. Without a
// newer one the error is unusable.
func (s *Session) newer(ctx context.Context, e Entry, unusable error) (Token, error) {
	t, err := s.adopt(ctx, e)
	if fault.Is(err, fault.NotFound) {
		return Token{}, unusable
	}
	if err == nil {
		s.vault.Log.WarnContext(ctx, "the database names a token that is not usable, and a newer one was found: it was restored from a backup, or the secret was changed by hand",
			"event", "token_adopted", "org", string(s.conn.Org), "connection", int64(s.conn.ID), "version", e.Version)
	}
	return t, err
}

// unpark moves a parked token to Secret Manager, unless a newer one is there: then the parked one
// comes from a backup, and would push the good one out.
func (s *Session) unpark(ctx context.Context, e Entry, parked Token) (Token, error) {
	t, err := s.adopt(ctx, e)
	switch {
	case err == nil, fault.Is(err, fault.Conflict):
		return t, err
	case !fault.Is(err, fault.NotFound):
		s.vault.stays(ctx, s.conn, err)
		return parked, nil
	}
	return parked, s.vault.unpark(ctx, s.conn, s.lease, parked)
}

// adopt takes the newest stored version above the pointer, if there is one: fault.NotFound if not.
// While a token is parked, one that is older than that does not count: it may have been stored
// without our having known.
func (s *Session) adopt(ctx context.Context, e Entry) (Token, error) {
	v := s.vault
	above, err := v.above(ctx, s.conn, e.Version)
	if err != nil {
		return Token{}, err
	}
	for _, version := range above {
		t, err := v.read(ctx, s.conn, Entry{Version: version})
		switch fault.Of(err) {
		case "":
			if e.Parked != nil && !t.endless() && t.AccessExpires.Before(e.Expires.Truncate(time.Second)) {
				continue
			}
			return t, v.Ledger.Settle(ctx, s.lease, version, t.AccessExpires)
		case fault.NotFound, fault.Invalid: // destroyed meanwhile, or not ours
		default: // it may be the only good token there is
			return Token{}, err
		}
	}
	return Token{}, fault.New(fault.NotFound, "no newer token is stored")
}

// renew asks the provider for a new token and stores it. An answer that got lost is asked for once
// more: most providers repeat the same token within a day, and then nothing is lost.
func (s *Session) renew(ctx context.Context, old Token, lost time.Time) (Token, error) {
	for try := 1; ; try++ {
		attempt, err := s.vault.Ledger.StartRefresh(ctx, s.lease)
		if err != nil {
			return Token{}, fmt.Errorf("journal refresh: %w", err)
		}
		t, err := s.refresh(ctx, old.Refresh)
		switch {
		case err == nil && (!t.complete() || t.endless()): // what was renewed once has to be renewed again
			err = fault.New(fault.Unavailable, "the provider's answer to a token refresh held no token")
			return Token{}, s.concluded(ctx, attempt, "empty", err)
		case err == nil:
			return t, s.vault.store(ctx, s.conn, s.lease, t)
		case fault.Is(err, fault.Reconnect):
			return s.rejected(ctx, attempt, err, lost)
		case !errors.Is(err, ErrAnswerLost):
			return Token{}, s.turnedDown(ctx, attempt, err)
		}
		if lost.IsZero() {
			lost = attempt.Started
		}
		if try == 2 { // the attempt stays open in the journal: the next run knows that an answer is missing
			return Token{}, fmt.Errorf("refresh token: %w", &fault.Error{Kind: fault.Of(err), After: fault.After(err), Err: err,
				Msg: "the token could not be renewed, the next sync tries again"})
		}
	}
}

// turnedDown concludes an attempt that has changed nothing at the provider: refused for a reason
// other than the token, or not even sent.
func (s *Session) turnedDown(ctx context.Context, a Attempt, err error) error {
	outcome := "failed"
	switch fault.Of(err) {
	case fault.RateLimited:
		outcome = "refused"
	case fault.Invalid, fault.Forbidden:
		outcome = "refused"
		s.refused = fmt.Errorf("refresh token: %w", err)
	}
	return s.concluded(ctx, a, outcome, err)
}

// rejected looks once more for a token that somebody else has stored, then gives up on the login.
func (s *Session) rejected(ctx context.Context, a Attempt, refusal error, lost time.Time) (Token, error) {
	e, err := s.vault.Ledger.Entry(ctx, s.conn.ID)
	if err != nil {
		return Token{}, fmt.Errorf("look up token: %w", err)
	}
	t, err := s.adopt(ctx, e)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return t, err
	}
	if !lost.IsZero() {
		// The provider's own words would name reasons that are not this one.
		told := &fault.Error{Kind: fault.Reconnect, Msg: "the provider changed this connection's token at " +
			lost.UTC().Format("2006-01-02 15:04:05") + " UTC, but its answer never arrived: connect again"}
		var said *fault.Error
		if errors.As(refusal, &said) {
			told.Ref = said.Ref
		}
		refusal = told
	}
	return Token{}, s.concluded(ctx, a, "refused", refusal)
}

// concluded journals how an attempt ended and returns err with what went wrong in doing so.
func (s *Session) concluded(ctx context.Context, a Attempt, outcome string, err error) error {
	err = fmt.Errorf("refresh token: %w", err)
	if errEnd := s.vault.Ledger.EndRefresh(ctx, s.lease, a.ID, outcome, err.Error()); errEnd != nil {
		return errors.Join(err, fmt.Errorf("journal refresh: %w", errEnd))
	}
	return err
}
