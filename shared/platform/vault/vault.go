// Package vault keeps the tokens of connections. A token lives in Secret Manager only, is read by
// the version number that the ledger in PostgreSQL holds, never by "latest", and is renewed under the
// connection's lease in an order that loses none:
//
//	journal the attempt → ask the provider → store the answer → move the ledger's pointer → use it
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Token is a provider's pair of tokens, or a single one that never ends. It prints as [secret].
type Token struct {
	Access         string
	Refresh        string    // empty where Access never ends: nothing renews it
	AccessExpires  time.Time // zero: never
	RefreshExpires time.Time // zero: the provider does not tell

	// What it opens, and who may: a secret may outlive what the ledger knows of it. Empty: not told.
	Account string `json:",omitempty"` // as the provider names it; Save fills it in
	App     string `json:",omitempty"` // the client id that it was given to
}

const hidden = "[secret]"

// String implements fmt.Stringer.
func (Token) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Token) GoString() string { return hidden }

// Format implements fmt.Formatter, for the verbs that would print the fields.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) } //nolint:errcheck // fmt has nowhere to tell

// LogValue implements slog.LogValuer.
func (Token) LogValue() slog.Value { return slog.StringValue(hidden) }

// complete reports whether t can replace another token: an empty answer must never do so.
func (t Token) complete() bool { return t.Access != "" && (t.endless() || t.Refresh != "") }

// endless reports whether the access token never ends.
func (t Token) endless() bool { return t.Refresh == "" && t.AccessExpires.IsZero() }

// ErrAnswerLost marks a refresh that was sent and got no complete answer: the provider may have
// ended the old token, and the new one is lost.
var ErrAnswerLost = errors.New("the answer was lost")

// ErrNoToken is in the chain of an error when it is certain that a connection has no token: none was ever
// noted, or the version that is noted is destroyed. A secret that is only not found may be a wrong
// project in the settings. It is compared with, never changed.
var ErrNoToken = errors.New("there is none any more")

// Refresh asks the provider for a new token. Its errors are fault.Reconnect when the provider
// refuses the old one for good, Invalid or Forbidden when it refuses the app or the request,
// RateLimited, else Unavailable or Stopped, with ErrAnswerLost in the chain when the provider may
// have acted.
type Refresh func(ctx context.Context, refreshToken string) (Token, error)

// Entry is what the ledger holds of a connection.
type Entry struct {
	Version int64     // of the secret; zero: none yet
	Parked  []byte    // a sealed token that Secret Manager did not take; nil: none
	Open    *Attempt  // the last refresh from Version that was never concluded; nil: none
	Expires time.Time // of the access token; the epoch: it never ends, or there is none
}

// Attempt is one journaled refresh.
type Attempt struct {
	ID      int64
	Started time.Time
}

// Ledger is PostgreSQL's side of the vault. All but Entry return fault.Conflict, and change nothing,
// when the lease has passed to another owner.
type Ledger interface {
	Entry(ctx context.Context, id org.ConnectionID) (Entry, error)
	// StartRefresh journals that a refresh from the entry's version is about to be sent.
	StartRefresh(ctx context.Context, l org.Lease) (Attempt, error)
	// EndRefresh journals how an attempt ended without a token.
	EndRefresh(ctx context.Context, l org.Lease, attempt int64, outcome, detail string) error
	// Settle moves the pointer to version, drops a parked token, and concludes all open attempts.
	Settle(ctx context.Context, l org.Lease, version int64, expires time.Time) error
	// Park keeps a sealed token until Secret Manager takes it, and concludes all open attempts.
	Park(ctx context.Context, l org.Lease, sealed []byte, expires time.Time) error
}

// Secrets keeps payloads by version.
type Secrets interface {
	Add(ctx context.Context, secret string, payload []byte) (version int64, err error)
	// Get returns the payload of one version. ErrNoToken is in its error's chain for one that is destroyed.
	Get(ctx context.Context, secret string, version int64) ([]byte, error)
	// Above returns the numbers of usable versions greater than version, newest first.
	Above(ctx context.Context, secret string, version int64) ([]int64, error)
	// DestroyUpTo destroys all versions up to and including version.
	DestroyUpTo(ctx context.Context, secret string, version int64) error
}

// Vault keeps tokens. Its methods are safe for concurrent use.
type Vault struct {
	Ledger   Ledger
	Secrets  Secrets
	Seal     Seal          // closes tokens that must be parked
	Buffer   time.Duration // renew an access token this long before it ends
	Patience time.Duration // how long to go on trying to read a token, or to store a new one before it is parked
	Log      *slog.Logger
	Now      func() time.Time

	mu    sync.Mutex
	known map[org.ConnectionID]known // access tokens last as long as a process: most ticks read no secret
}

type known struct {
	version int64
	token   Token
}

// SecretName names the secret of a connection. Access is granted by the prefix "connection-".
func SecretName(c org.Connection) string {
	return fmt.Sprintf("connection-%s-%s-%d", c.Org, c.Provider, c.ID)
}

// Save stores a token that a person's consent has just given, in place of any other. The connection's account
// is kept with it.
func (v *Vault) Save(ctx context.Context, c org.Connection, l org.Lease, t Token) error {
	if !t.complete() {
		return fault.New(fault.Unavailable, "the provider's answer held no token")
	}
	return v.store(context.WithoutCancel(ctx), c, l, t)
}

// Forget destroys every version of a connection's token.
func (v *Vault) Forget(ctx context.Context, c org.Connection, l org.Lease) error {
	e, err := v.Ledger.Entry(ctx, c.ID)
	if err != nil {
		return err
	}
	newest := e.Version
	above, err := v.Secrets.Above(ctx, SecretName(c), e.Version)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return fmt.Errorf("forget token: %w", err)
	}
	if len(above) > 0 {
		newest = above[0]
	}
	if newest > 0 {
		if err := v.Secrets.DestroyUpTo(ctx, SecretName(c), newest); err != nil {
			return fmt.Errorf("forget token: %w", err)
		}
	}
	v.remember(c.ID, known{})
	return v.Ledger.Settle(ctx, l, 0, time.Time{})
}

// Current returns the stored token of a connection, without renewing it. fault.NotFound when there is
// none, fault.Invalid when it is destroyed or damaged; ErrNoToken where it is certain that there is none
// to come back to: neither where the ledger points nor above.
func (v *Vault) Current(ctx context.Context, c org.Connection) (Token, error) {
	e, err := v.Ledger.Entry(ctx, c.ID)
	if err != nil {
		return Token{}, err
	}
	t, err := v.read(ctx, c, e)
	if !errors.Is(err, ErrNoToken) {
		return t, err
	}
	// The pointer is behind in a database that was restored from a backup, and where a process has died
	// before it could move it.
	above, errAbove := v.above(ctx, c, e.Version)
	switch {
	case errAbove != nil:
		return Token{}, errAbove
	case len(above) == 0:
		return Token{}, err
	}
	return v.read(ctx, c, Entry{Version: above[0]})
}

// above returns the numbers of usable versions above the pointer, newest first.
func (v *Vault) above(ctx context.Context, c org.Connection, pointer int64) ([]int64, error) {
	ctx, cancel := v.briefly(ctx)
	defer cancel()
	above, err := v.Secrets.Above(ctx, SecretName(c), pointer)
	if err != nil {
		return nil, fmt.Errorf("look for a newer token: %w", err)
	}
	return above, nil
}

// store puts t into Secret Manager, or parks it, and moves the pointer. It must not be cut short:
// t may be the only valid token there is.
func (v *Vault) store(ctx context.Context, c org.Connection, l org.Lease, t Token) error {
	t.Account = c.Account
	payload, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode token: %w", err)
	}
	version, err := v.add(ctx, SecretName(c), payload)
	if err != nil {
		return v.park(ctx, c, l, t, payload, err)
	}
	return v.settle(ctx, c, l, t, version)
}

// unpark moves a parked token to Secret Manager. While that is still out it stays parked, which is
// no reason not to use it.
func (v *Vault) unpark(ctx context.Context, c org.Connection, l org.Lease, t Token) error {
	payload, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode token: %w", err)
	}
	version, err := v.addOnce(ctx, SecretName(c), payload)
	if err != nil {
		v.stays(ctx, c, err)
		return nil
	}
	return v.settle(ctx, c, l, t, version)
}

// stays is told of a token that cannot be moved to Secret Manager yet.
func (v *Vault) stays(ctx context.Context, c org.Connection, err error) {
	v.Log.WarnContext(ctx, "a token stays parked in the database: Secret Manager is still out", "connection", int64(c.ID), "err", err.Error())
}

// settle moves the pointer to a version that has been stored, and destroys what is older.
func (v *Vault) settle(ctx context.Context, c org.Connection, l org.Lease, t Token, version int64) error {
	if err := v.Ledger.Settle(ctx, l, version, t.AccessExpires); err != nil {
		// The version stays: whoever holds the lease finds it above the pointer and adopts it.
		return fmt.Errorf("note token version %d: %w", version, err)
	}
	v.remember(c.ID, known{version, t})
	if err := v.Secrets.DestroyUpTo(ctx, SecretName(c), version-1); err != nil {
		v.Log.WarnContext(ctx, "old token versions not destroyed", "connection", int64(c.ID), "err", err.Error())
	}
	return nil
}

// add tries for the vault's patience: the provider has already ended the token before this one.
func (v *Vault) add(ctx context.Context, secret string, payload []byte) (version int64, err error) {
	patience, cancel := context.WithTimeout(ctx, v.Patience)
	defer cancel()
	version, err = v.addOnce(ctx, secret, payload) // patience may be too short for even one
	for wait := 100 * time.Millisecond; err != nil; wait = min(2*wait, 5*time.Second) {
		select {
		case <-patience.Done():
			return 0, err
		case <-time.After(wait):
		}
		version, err = v.addOnce(patience, secret, payload)
	}
	return version, nil
}

// One attempt to store a token, or to look for a newer one, gets the vault's patience, within these
// bounds: Secret Manager's client would wait a minute for an answer that does not come.
const (
	shortestTry = time.Second
	longestTry  = 5 * time.Second
)

func (v *Vault) briefly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, min(max(v.Patience, shortestTry), longestTry))
}

func (v *Vault) addOnce(ctx context.Context, secret string, payload []byte) (version int64, err error) {
	ctx, cancel := v.briefly(ctx)
	defer cancel()
	return v.Secrets.Add(ctx, secret, payload)
}

func (v *Vault) park(ctx context.Context, c org.Connection, l org.Lease, t Token, payload []byte, cause error) error {
	sealed, err := v.Seal.Close(payload, SecretName(c))
	if err == nil {
		err = v.Ledger.Park(ctx, l, sealed, t.AccessExpires)
	}
	if err != nil {
		return errors.Join(fault.Wrap(fault.Unavailable, "the new token could be stored neither in Secret Manager", cause),
			fmt.Errorf("nor in the database: %w", err))
	}
	v.Log.ErrorContext(ctx, "Secret Manager did not take a new token; it is kept, sealed, in the database and moved at the next run",
		"connection", int64(c.ID), "err", cause.Error())
	v.remember(c.ID, known{parkedVersion, t})
	return nil
}

// parkedVersion is what known says of a token that has no version yet.
const parkedVersion = -1

// read returns the token that the entry points at.
func (v *Vault) read(ctx context.Context, c org.Connection, e Entry) (Token, error) {
	if e.Parked != nil {
		payload, err := v.Seal.Open(e.Parked, SecretName(c))
		if err != nil {
			return Token{}, fault.Wrap(fault.Invalid, "the parked token does not open: has the app's client secret changed?", err)
		}
		return decode(payload)
	}
	if e.Version == 0 {
		return Token{}, fault.Wrap(fault.NotFound, "no token is stored for this connection", ErrNoToken)
	}
	v.mu.Lock()
	k := v.known[c.ID]
	v.mu.Unlock()
	if k.version == e.Version {
		return k.token, nil
	}
	payload, err := v.get(ctx, SecretName(c), e.Version)
	if err != nil {
		return Token{}, fmt.Errorf("read token: %w", err)
	}
	t, err := decode(payload)
	if err == nil {
		v.remember(c.ID, known{e.Version, t})
	}
	return t, err
}

// get reads a version within the vault's patience: the client would repeat a call that Secret Manager
// does not answer for as long as the whole run may last.
func (v *Vault) get(ctx context.Context, secret string, version int64) ([]byte, error) {
	patience, cancel := context.WithTimeout(ctx, v.Patience)
	defer cancel()
	payload, err := v.Secrets.Get(patience, secret, version)
	if err != nil && ctx.Err() != nil {
		return nil, fault.Wrap(fault.Stopped, "stopped during a call to Secret Manager", ctx.Err())
	}
	return payload, err
}

func decode(payload []byte) (t Token, err error) {
	if err := json.Unmarshal(payload, &t); err != nil || !t.complete() {
		return Token{}, fault.New(fault.Invalid, "the stored token is not one that was written here")
	}
	return t, nil
}

func (v *Vault) remember(id org.ConnectionID, k known) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil {
		v.known = map[org.ConnectionID]known{}
	}
	v.known[id] = k
}
