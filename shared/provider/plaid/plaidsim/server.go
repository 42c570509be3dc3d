package plaidsim

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	environment = "sandbox"
	version     = "2020-09-14"
)

// Config sets a Server up. The zero value of each field is what Plaid does.
type Config struct {
	ClientID, Secret string
	Now              func() time.Time // nil: time.Now
	Seed             uint64           // of all ids and tokens; servers of one seed give the same
	NoLimits         bool             // no throttling: for benchmarks of other parts

	// NotReadyCalls is how many sync calls of a new Item are answered NOT_READY. After these it has its
	// last 30 days, and once they are read its whole history. 0: all is there at once.
	NotReadyCalls int

	// Cached: an Item that needs a new login is answered from what Plaid has, with the trouble in the
	// embedded item, and not refused. Which of the two Plaid does is not known.
	Cached bool

	// RedirectTo says which addresses the app has registered as redirect URIs; nil: those of this
	// machine only.
	RedirectTo func(uri string) bool
}

// Server simulates Plaid for one client_id and any number of Items. It is safe for concurrent use.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	routes map[string]route
	limits limits
	faults faults

	mu      sync.Mutex // guards all that follows, the Items and the Logins
	logins  []*Login
	items   map[string]*Item // by item_id
	order   []*Item          // as they were linked
	access  map[string]*Item // by access token, those that worked once too
	publics map[string]*publicToken
	links   map[string]*link
	drawn   uint64 // how many tokens and ids of the server's own were given
	stats   Stats
	hooks   []func(*http.Request)
	mutate  func(itemID string, page int) bool

	keys     keyring
	webhooks atomic.Pointer[Webhooks]
	buffers  sync.Pool
}

// New returns a server without logins.
func New(cfg Config) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.RedirectTo == nil {
		cfg.RedirectTo = onThisMachine
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), routes: map[string]route{}, items: map[string]*Item{}, access: map[string]*Item{},
		publics: map[string]*publicToken{}, links: map[string]*link{}, stats: newStats(), limits: newLimits()}
	s.keys.seed = cfg.Seed
	s.buffers.New = func() any { return new([]byte) }
	s.addRoutes()
	s.mux.HandleFunc("GET /hosted/{token}", s.hostedPage)
	s.mux.HandleFunc("POST /hosted/{token}", s.hostedAnswer)
	s.mux.HandleFunc("/", s.api)
	return s
}

// ServeHTTP implements http.Handler. A fault that cuts the connection panics with
// http.ErrAbortHandler, which net/http's server understands.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// BeforeAnswer adds a hook that runs before each API answer is computed, outside all locks: tests
// change Items and order failures there while a run is under way.
func (s *Server) BeforeAnswer(hook func(r *http.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}

func (s *Server) runHooks(r *http.Request) {
	s.mu.Lock()
	hooks := slices.Clone(s.hooks)
	s.mu.Unlock()
	for _, hook := range hooks {
		hook(r)
	}
}

// Mutate has the data of an Item change while a run is read: before page number page of a run (1 is
// its first) is answered, f is asked, outside all locks, and when it says so a transaction changes.
// From the second page on Plaid then refuses with TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION. nil: never.
func (s *Server) Mutate(f func(itemID string, page int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mutate = f
}

// unlocked runs f, which may use the server as anybody may, while a handler holds the lock.
func (s *Server) unlocked(f func()) {
	s.mu.Unlock()
	defer s.mu.Lock()
	f()
}

func onThisMachine(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || ip != nil && ip.IsLoopback()
}
