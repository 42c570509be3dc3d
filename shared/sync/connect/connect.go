// Package connect attaches provider accounts to organisations. A person opens a one-time link, gives
// consent at the provider, and comes back; another kind of link ends a connection. It names no
// provider.
//
// What keeps strangers out: links are signed and expire; each start has a state that is used once,
// within minutes, and only by the browser that started; a company feeds one organisation at a time.
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
	// AuthorizeURL returns the page where a person gives consent. The provider sends them back to
	// our callback with the state.
	AuthorizeURL(state string) string
	// Account reads from the callback's query which account the consent is for. fault.Forbidden when
	// the person said no, fault.Invalid when the query is not the provider's.
	Account(callback url.Values) (account string, err error)
	// Grant turns the consent into a token and stores it. It is called under the connection's lease.
	Grant(ctx context.Context, c org.Connection, l org.Lease, callback url.Values) error
	// Revoke ends the consent at the provider and destroys the token. No token, or one that the
	// provider does not know, is no error, nor is one that could not be destroyed after its consent
	// has ended. When it fails nothing has changed here.
	Revoke(ctx context.Context, c org.Connection, l org.Lease) error
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
}

// Existing is a connection that an organisation has.
type Existing struct {
	org.Connection
	Ever bool // it has been connected at some time, so that it has data
	Held bool // somebody holds its lease now
}

// Store keeps links, states and connections.
type Store interface {
	// Organisation returns an organisation, or fault.NotFound.
	Organisation(ctx context.Context, slug org.Slug) (org.Organisation, error)
	// LinkUsed reports whether a link has done its work.
	LinkUsed(ctx context.Context, link Digest) (bool, error)

	// SaveState keeps a state for ttl, bound to a browser.
	SaveState(ctx context.Context, state, browser Digest, a Attempt, ttl time.Duration) error
	// TakeState uses a state up, once. fault.NotFound when it is unknown or too old, fault.Conflict
	// when it is used up, fault.Forbidden for another browser, which leaves it as it is.
	TakeState(ctx context.Context, state, browser Digest) (Attempt, error)

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

	// Activate makes the connection active, uses the link up and gives the lease back, in one
	// transaction. Checkpoints stay. fresh is false, and nothing has changed, when the link was used
	// meanwhile; fault.Conflict when the lease has passed to another owner.
	Activate(ctx context.Context, l org.Lease, link Digest, linkEnds time.Time) (fresh bool, err error)
	// Disconnect makes the connection disconnected, uses the link up and gives the lease back.
	Disconnect(ctx context.Context, l org.Lease, link Digest, linkEnds time.Time, reason string) error
	// GiveUp gives the lease back; a connection that is still connecting becomes disconnected. noted
	// reports whether a tick came while the lease was held.
	GiveUp(ctx context.Context, l org.Lease, reason string) (noted bool, err error)
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
	stateLife  = 15 * time.Minute       // from the start to the callback
	leaseLife  = 2 * time.Minute        // more than granting can take
	grantLimit = 90 * time.Second       // for all that a callback does
	patience   = 20 * time.Second       // for a sync that is at work
	leasePoll  = 250 * time.Millisecond // between two looks at its lease
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
