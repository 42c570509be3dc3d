// Package org holds the words for tenants: organisations, their connections to providers, and the
// ticks that ask for a sync.
package org

import (
	"regexp"
	"strconv"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Slug names an organisation: lower-case letters, digits and inner underscores or hyphens, at most 40.
type Slug string

var slugs = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)

// MaxSlug is the greatest length of a slug: with its prefix it must fit a PostgreSQL role name.
const MaxSlug = 40

// ParseSlug checks s. Its error is fault.Invalid and says what a slug looks like.
func ParseSlug(s string) (Slug, error) {
	if len(s) > MaxSlug || !slugs.MatchString(s) {
		return "", fault.New(fault.Invalid, "organisation "+strconv.Quote(s)+
			": want a slug of at most 40 lower-case letters, digits, inner hyphens or underscores that begins with a letter, such as onpoint")
	}
	return Slug(s), nil
}

// Organisation is a tenant.
type Organisation struct {
	Slug Slug
	Name string // as people write it
}

// Provider names one outside world: "quickbooks", "plaid", "moneytree". It is also a database schema.
type Provider string

// State is the state of a connection.
type State string

// The states of a connection.
const (
	Connecting   State = "connecting"   // consent was given, the first token is being stored
	Active       State = "active"       // synced at every tick
	NeedsReauth  State = "needs_reauth" // the customer must connect again; data stays
	Paused       State = "paused"       // the provider or an operator has stopped it for now
	Leaving      State = "leaving"      // its organisation leaves: the login at the provider is yet to be ended
	Disconnected State = "disconnected" // ended; data stays
)

// Syncs reports whether a tick works on a connection in this state. A paused one is tried too, so
// that it comes back by itself when the provider opens the account again.
func (s State) Syncs() bool { return s == Active || s == Paused }

// ConnectionID numbers a connection within the database.
type ConnectionID int64

func (id ConnectionID) String() string { return strconv.FormatInt(int64(id), 10) }

// Connection is one organisation's link to one account at a provider.
type Connection struct {
	ID       ConnectionID
	Org      Slug
	Provider Provider
	Account  string // the provider's own name of the account: a QuickBooks realm, a Plaid Item, a Moneytree guest
	State    State
	Reason   string // why it is in this state, in words for people
}

// Lease is the right to work on a connection for a while. Fence grows with each new owner, so that
// a late one, whose lease has passed to another, cannot write.
type Lease struct {
	Connection ConnectionID
	Fence      int64
}
