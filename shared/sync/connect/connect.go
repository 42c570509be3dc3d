// Package connect attaches provider accounts to organisations. A person opens a one-time link, gives
// consent at the provider, and comes back; another kind of link ends a connection. It names no
// provider.
//
// What keeps strangers out: links are signed and expire; each start has a state that is used once,
// within minutes, and only by the browser that started; an account feeds one organisation at a time.
//
// What cannot be kept out: who holds a link may start it and talk another into signing in on the
// provider's page. Where that page tells us afterwards what was done there, the sign-in is void as soon
// as the other's browser comes back here with the state; if it never does, the one who started has it.
// So a link goes to the person who is to sign in, and to nobody else.
package connect

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Provider is one outside world's part. Its errors are *fault.Error whose messages are fit for people
// and show no code and no token.
type Provider interface {
	// Title is the provider's name as people write it.
	Title() string
	// Words are what pages call its things.
	Words() Words
	// Several reports whether several accounts of one organisation are the rule. Where they are not,
	// a further one is taken for a mistake unless the link adds one.
	Several() bool
	// StateLife is how long a person may take at the provider's pages.
	StateLife() time.Duration
	// Begin returns the page where a person gives consent, and what the provider must know when they
	// are back: the memo is stored as it is, so what is secret in it is sealed. fault.Forbidden: this
	// cannot be begun, and what to do instead.
	Begin(ctx context.Context, start Start) (address string, memo []byte, err error)
	// Return finds out what the person agreed to, from Begin's memo and the callback's query; the
	// query is nil when nothing vouches for it. ErrUnfinished while they are not done, fault.Forbidden
	// when they said no or when what they chose cannot be had, fault.Invalid when the answer is not the
	// provider's. Asking changes nothing: it may be repeated until it has an answer.
	Return(ctx context.Context, memo []byte, callback url.Values) (Consent, error)
	// Grant turns the consent into a token and stores it; it returns the provider's name of the
	// account. It is called once for a consent, under the connection's lease. When it fails, the
	// provider holds nothing new, unless the error has ErrAnswerLost or ErrNotEnded in its chain.
	Grant(ctx context.Context, c org.Connection, l org.Lease, consent Consent) (account string, err error)
	// Revoke ends the consent at the provider and destroys the token. No token, or one that the
	// provider does not know, is no error, nor is one that could not be destroyed after its consent
	// has ended. When it fails nothing has changed here.
	Revoke(ctx context.Context, c org.Connection, l org.Lease) error
}

// ErrUnfinished says that a person is back before they were done at the provider's pages. It is
// compared with, never changed.
var ErrUnfinished = errors.New("the provider's pages are not done with")

// How a Grant may fail and leave something at the provider. They are compared with, never changed.
var (
	// ErrAnswerLost: there may be a token that nobody has.
	ErrAnswerLost = errors.New("the answer was lost")
	// ErrNotEnded: there is one that could neither be kept nor ended now. The connection stays
	// connecting, so that [Clear] goes on trying.
	ErrNotEnded = errors.New("what was granted could not be ended")
)

// Words are a provider's things as pages call them, within a sentence.
type Words struct {
	Account string // one of its accounts, such as "company"
	Kept    string // what is copied from one, a plural such as "books"
}

// Start is what a provider is told of a person whom it is to ask for consent.
type Start struct {
	State    string // comes back in the callback's query, as "state"
	Org      org.Slug
	Callback string          // our callback's address, without a query
	Mend     *org.Connection // the one to connect again; nil: whichever fits, or a new one
	Add      bool            // what looks like an account that the organisation has is a further one
}

// Consent is what a person agreed to.
type Consent struct {
	Account string           // the provider's name of the account; empty: Grant finds it out
	Name    string           // the account as people know it; empty: nobody has told
	Shown   any              // what the account is known again by, written as JSON; nil: nothing
	Claim   any              // for Grant: what a token is had for. It is secret
	Mends   org.ConnectionID // the consent is for this connection only; zero: for whichever fits
}

// Digest is the SHA-256 of a secret: all that is stored of it.
type Digest [sha256.Size]byte

func digest(secret string) Digest { return sha256.Sum256([]byte(secret)) }

// Attempt is what a state stands for: the link that was opened.
type Attempt struct {
	Link       Digest    // of the link's nonce
	LinkEnds   time.Time // when it expires anyway
	Org        org.Slug
	Provider   org.Provider
	Connection org.ConnectionID // the one to connect again; zero: whichever fits
	Add        bool             // may be a further account of the organisation
	Memo       []byte           // the provider's, from Begin; nil: none
}

// Existing is a connection that an organisation has.
type Existing struct {
	org.Connection
	Name string // the account as people know it; empty: nobody has told
	Ever bool   // it has been connected at some time, so that it has data
	Held bool   // somebody holds its lease now
}

// Store keeps links, states and connections.
type Store interface {
	// Organisation returns an organisation, or fault.NotFound.
	Organisation(ctx context.Context, slug org.Slug) (org.Organisation, error)
	// Connection returns a connection of any organisation, or fault.NotFound.
	Connection(ctx context.Context, id org.ConnectionID) (org.Connection, error)
	// LinkUsed reports whether a link has done its work.
	LinkUsed(ctx context.Context, link Digest) (bool, error)

	// SaveState keeps a state for ttl, bound to a browser. fault.Forbidden, in words for people: nothing
	// is connected for the organisation any more.
	SaveState(ctx context.Context, state, browser Digest, a Attempt, ttl time.Duration) error
	// FindState returns what a state stands for, and leaves it as it is. fault.NotFound when it is
	// unknown or too old, fault.Conflict when it is used up, fault.Forbidden for another browser.
	FindState(ctx context.Context, state, browser Digest) (Attempt, error)
	// TakeState uses a state up, once, and drops its memo. Its errors are FindState's.
	TakeState(ctx context.Context, state, browser Digest) error
	// VoidState uses up a state that has a memo, whichever browser it belongs to. done is false when
	// there is none that is still good.
	VoidState(ctx context.Context, state Digest) (done bool, err error)

	// Attach asks choose which of the organisation's connections of the provider is meant (zero: a
	// new one for account, whose state is connecting) and takes its lease for ttl, whatever its
	// state. ok is false when another owner has it. A disconnected one becomes connecting. Attempts
	// of one organisation take turns. Its errors are choose's own, and fault.Forbidden when the
	// account is attached to another organisation.
	Attach(ctx context.Context, a Attempt, account, holder string, ttl time.Duration,
		choose func([]Existing) (org.ConnectionID, error)) (c org.Connection, l org.Lease, ok bool, err error)
	// Hold is Attach for a connection that is there and is to be left as it is.
	Hold(ctx context.Context, slug org.Slug, p org.Provider, holder string, ttl time.Duration,
		choose func([]Existing) (org.ConnectionID, error)) (c org.Connection, l org.Lease, ok bool, err error)
	// Renew makes the lease last ttl from now. fault.Conflict: it was given back, or has passed to another.
	Renew(ctx context.Context, l org.Lease, ttl time.Duration) error

	// Activate makes the connection active under the provider's name of its account, uses the link up
	// and gives the lease back, in one transaction. Checkpoints stay, and so do the consent's Name and
	// Shown from before where it has none. fresh is false, and nothing has changed, when the link was used
	// meanwhile; fault.Conflict when the lease has passed to another owner, fault.Forbidden when the
	// account is attached elsewhere.
	Activate(ctx context.Context, l org.Lease, account string, consent Consent, link Digest, linkEnds time.Time) (fresh bool, err error)
	// Disconnect makes the connection disconnected, uses the link up and gives the lease back.
	Disconnect(ctx context.Context, l org.Lease, link Digest, linkEnds time.Time, reason string) error
	// GiveUp gives the lease back. A connection that is still connecting is gone when it has nothing,
	// else it becomes disconnected. noted reports whether a tick came while the lease was held.
	GiveUp(ctx context.Context, l org.Lease, reason string) (noted bool, err error)
	// Abandon gives the lease back and leaves the connection as it is.
	Abandon(ctx context.Context, l org.Lease) (noted bool, err error)
}

// Ticker asks for a sync.
type Ticker interface {
	Tick(ctx context.Context, t org.Tick) error
}

// Options makes a handler. All but Now and Patience are required.
type Options struct {
	Providers map[org.Provider]Provider
	Store     Store
	Ticks     Ticker
	Key       []byte // signs links and results; at least MinKey bytes
	Public    string // address that browsers come back to, such as https://books.example.com
	Holder    string // names this process in leases
	Log       *slog.Logger
	Now       func() time.Time // nil: time.Now
	Patience  time.Duration    // how long to wait for a sync that is at work; 0: 20 s
}

// How long things last.
const (
	leaseLife  = 2 * time.Minute        // more than granting can take
	grantLimit = 90 * time.Second       // for all that a callback does
	patience   = 20 * time.Second       // for a sync that is at work
	leasePoll  = 250 * time.Millisecond // between two looks at its lease
	endLimit   = 10 * time.Second       // for ending what nobody uses
	noteLimit  = 10 * time.Second       // for writing down here how it went
	resultLife = time.Hour              // of a result page
)

// server serves the pages.
type server struct {
	Options
	public *url.URL
	looks  *template.Template
}

// New returns the handler of everything below /connect/.
func New(o Options) (http.Handler, error) {
	if err := CheckKey(o.Key); err != nil {
		return nil, err
	}
	u, err := ParsePublic(o.Public)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Patience == 0 {
		o.Patience = patience
	}
	s := &server{Options: o, public: u, looks: looks()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect/{provider}", s.with((*server).start))
	mux.HandleFunc("GET /connect/{provider}/callback", s.with((*server).callback))
	mux.HandleFunc("GET /connect/{provider}/result", s.with((*server).result))
	mux.HandleFunc("GET /connect/{provider}/disconnect", s.with((*server).confirm))
	mux.HandleFunc("POST /connect/{provider}/disconnect", s.with((*server).disconnect))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.show(w, page{Status: http.StatusNotFound, Title: "There is nothing here", Text: "The address is not one of this service. Was the link copied as a whole?"})
	})
	return mux, nil
}

// visit is one request to one provider's pages.
type visit struct {
	name     org.Provider
	provider Provider
	w        http.ResponseWriter
	r        *http.Request
}

func (s *server) with(f func(*server, visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := org.Provider(r.PathValue("provider"))
		p, ok := s.Providers[name]
		if !ok {
			s.show(w, page{Status: http.StatusNotFound, Title: "Unknown provider", Text: "There is no such provider here. Was the link copied as a whole?"})
			return
		}
		f(s, visit{name, p, w, r})
	}
}

// held polls take until it gets the lease, fails, or a run at work has been waited for long enough.
// Nothing has happened by then, so a person who goes away, or a stop of the process, may end it.
func (s *server) held(patient context.Context, take func() (org.Connection, org.Lease, bool, error)) (org.Connection, org.Lease, error) {
	enough := time.NewTimer(s.Patience)
	defer enough.Stop()
	for {
		c, l, ok, err := take()
		if ok || err != nil {
			return c, l, err
		}
		select {
		case <-time.After(leasePoll):
		case <-enough.C:
			return c, l, errBusy
		case <-patient.Done():
			return c, l, patient.Err()
		}
	}
}

// errBusy says that the lease could not be had. It is compared with, never changed.
var errBusy = errors.New("a sync is at work on the connection")

// random returns 32 random bytes as text.
func random() string {
	b := make([]byte, 32)
	rand.Read(b) //nolint:errcheck // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
