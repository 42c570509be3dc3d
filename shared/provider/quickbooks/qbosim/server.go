package qbosim

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config sets a Server up. The zero value of each field is what Intuit does.
type Config struct {
	ClientID, ClientSecret string
	RedirectURIs           []string         // exact match, else the authorize page refuses
	Now                    func() time.Time // nil: time.Now

	AccessTTL            time.Duration // life of an access token; 0: 1 h
	RotateEvery          time.Duration // a refresh token older than this gets a new value; 0: 24 h
	RotateAlways         bool          // a new refresh token with every refresh
	OmitErrorDescription bool          // {"error":"invalid_grant"} alone
	NoLimits             bool          // no throttling: for benchmarks of other parts
	OldChanges           bool          // CDC reaches back beyond 30 days, as in some sandboxes
	NoCDC                []string      // entities that CDC refuses though it is documented to have them

	// MonthlyCalls is how many metered calls the app has in a calendar month, over all companies; when
	// they are used up every API call is answered 429 until the next one. 0: as many as it likes.
	MonthlyCalls int

	DisconnectURL string       // of the app, called when a user disconnects; "": none
	Client        *http.Client // for that; nil: http.DefaultClient
}

// Server simulates Intuit for any number of companies under one base URL:
//
//	GET, POST /connect/oauth2                      consent page
//	POST /oauth2/v1/tokens/bearer                  token exchange and refresh
//	POST /v2/oauth2/tokens/revoke                  revocation
//	GET, POST /v3/company/{realm}/query            statements
//	GET  /v3/company/{realm}/cdc                   change data capture
//	GET  /v3/company/{realm}/{entity}/{id}         read; preferences and exchangerate go without an id
//	POST /v3/company/{realm}/{entity}              create, update, delete, void
//
// It is safe for concurrent use.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	grants *grants
	faults faults
	limits limits
	stats  counters
	shared *sharedFacts

	webhooks atomic.Pointer[Webhooks]

	mu        sync.RWMutex
	companies map[string]*Company
	order     []*Company // as they were added: what the consent page lists
	hooks     []func(*http.Request)
	outages   []outage
}

// New returns a server without companies.
func New(cfg Config) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.AccessTTL == 0 {
		cfg.AccessTTL = time.Hour
	}
	if cfg.RotateEvery == 0 {
		cfg.RotateEvery = 24 * time.Hour
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), companies: map[string]*Company{}, shared: &sharedFacts{}}
	s.grants = newGrants(cfg)
	s.limits.realms = map[string]*window{}
	s.stats.realms, s.stats.months = map[string]*Stats{}, map[string]int{}
	s.mux.HandleFunc("GET /connect/oauth2", s.consentPage)
	s.mux.HandleFunc("POST /connect/oauth2", s.consentAnswer)
	s.mux.HandleFunc("POST /oauth2/v1/tokens/bearer", s.tokenEndpoint)
	s.mux.HandleFunc("POST /v2/oauth2/tokens/revoke", s.revokeEndpoint)
	s.mux.HandleFunc("/v3/company/{realm}/{rest...}", s.api)
	return s
}

// ServeHTTP implements http.Handler. A fault that cuts the connection panics with
// http.ErrAbortHandler, which net/http's server understands.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.isOut(s.cfg.Now()) {
		s.unavailable(w)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// AddCompany makes a company and returns it. Making it adds up the balances of its base invoices:
// about half a second for a million. A second company of one realm replaces the first.
func (s *Server) AddCompany(spec CompanySpec) *Company { return s.add(spec, s.cfg.Now()) }

func (s *Server) add(spec CompanySpec, made time.Time) *Company {
	spec.CustomFields = spec.CustomFields[:min(len(spec.CustomFields), 3)]
	b := newBooks(spec, made, s.shared)
	c := &Company{spec: spec, server: s, now: s.cfg.Now, made: made, kinds: entities, tables: map[string]*table{}, books: b,
		nextTxn: b.lastTxn, nextList: firstNewList}
	b.addUp(entities)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.companies[spec.Realm]; old != nil {
		s.order[slices.Index(s.order, old)] = c
	} else {
		s.order = append(s.order, c)
	}
	s.companies[spec.Realm] = c
	return c
}

// Company gives the company of a realm, nil when there is none.
func (s *Server) Company(realm string) *Company {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.companies[realm]
}

// Companies gives all companies in the order of their adding.
func (s *Server) Companies() []*Company {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.order)
}

// BeforeAnswer adds a hook that runs before each API answer is computed, outside all locks: tests edit
// the company there while a load runs.
func (s *Server) BeforeAnswer(hook func(r *http.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}

func (s *Server) runHooks(r *http.Request) {
	s.mu.RLock()
	hooks := slices.Clone(s.hooks)
	s.mu.RUnlock()
	for _, hook := range hooks {
		hook(r)
	}
}

// acceptsJSON: without it QBO would answer XML, which the simulator writes for errors only.
func acceptsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}
