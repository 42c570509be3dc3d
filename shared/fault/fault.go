// Package fault names the kinds of failure that Countinghouse tells apart.
//
// The code that meets a failure first, usually a provider's client, gives it its kind, once.
// Everything above acts on the kind, never on a text or a status.
package fault

import (
	"context"
	"errors"
	"time"
)

// Kind says what can be done about a failure.
type Kind string

// The kinds. Their texts are stored in run records and printed in logs.
const (
	Invalid     Kind = "invalid"      // the request or the data is wrong: repeating it does not help
	NotFound    Kind = "not_found"    // the thing asked for is not there
	Conflict    Kind = "conflict"     // somebody else was faster: the lease is lost, the state has moved on
	Forbidden   Kind = "forbidden"    // the caller may not do this
	Reconnect   Kind = "reconnect"    // only the customer can mend it, by connecting again
	Paused      Kind = "paused"       // the provider has closed the account for now, for example an ended subscription
	RateLimited Kind = "rate_limited" // too many calls: come back after Error.After
	Unavailable Kind = "unavailable"  // the other side is down or slow: try again later
	Stopped     Kind = "stopped"      // we were asked to stop, or our time is up
	Internal    Kind = "internal"     // our own mistake, or a failure nobody has given a kind
)

// Error is a failure with its kind.
type Error struct {
	Kind  Kind
	Msg   string        // what happened, for people: never a token, never a provider's body
	After time.Duration // for RateLimited and Unavailable: how long to wait; zero when not known
	Ref   string        // the provider's own request id, for its support
	Err   error         // the cause, if any
}

// New returns an error of kind k that says msg.
func New(k Kind, msg string) *Error { return &Error{Kind: k, Msg: msg} }

// Wrap gives err the kind k and says msg before it. It returns nil for a nil err.
func Wrap(k Kind, msg string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: k, Msg: msg, Err: err}
}

func (e *Error) Error() string {
	s := e.Msg
	if e.Err != nil {
		if s != "" {
			s += ": "
		}
		s += e.Err.Error()
	}
	if e.Ref != "" {
		s += " (request " + e.Ref + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Of returns the kind of err: that of the outermost *Error in its chain, Stopped for a cancelled
// or expired context, Internal for any other error, and "" for nil.
func Of(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Stopped
	default:
		return Internal
	}
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && Of(err) == k }

// After returns how long err asks to wait before the next attempt, or zero.
func After(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

// Retry reports whether the same work may succeed later without anybody's help.
// A message whose failure is not to be retried is recorded and acknowledged.
func Retry(err error) bool {
	switch Of(err) {
	case RateLimited, Unavailable, Conflict, Stopped, Internal:
		return true
	default:
		return false
	}
}
