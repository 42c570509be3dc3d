package qbosim

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"sync"
	"time"
)

const (
	codeTTL     = 5 * time.Minute
	refreshTTL  = 8726400 * time.Second    // rolling: 101 days from the last refresh
	refreshHard = 5 * 365 * 24 * time.Hour // from the consent on, whatever is refreshed
)

// Tokens are what a token endpoint's answer holds.
type Tokens struct{ Access, Refresh string }

// grant is one consent of a user for one company.
type grant struct {
	realm        string
	refresh      string
	valueSince   time.Time // when refresh got its present value
	lastUsed     time.Time
	given        time.Time
	accessTokens []string
	refreshing   int // requests under way
}

// code is an authorization code. Used ones are kept: a second use ends the grant.
type code struct {
	realm, redirect string
	until           time.Time
	used            *grant
}

type accessToken struct {
	grant *grant
	until time.Time
}

// grants holds all consents, codes and tokens.
type grants struct {
	cfg Config

	mu        sync.Mutex
	byRefresh map[string]*grant
	byRealm   map[string]*grant
	tokens    map[string]accessToken
	codes     map[string]*code
}

func newGrants(cfg Config) *grants {
	return &grants{cfg: cfg, byRefresh: map[string]*grant{}, byRealm: map[string]*grant{},
		tokens: map[string]accessToken{}, codes: map[string]*code{}}
}

// secret makes an opaque text of n random bytes behind a prefix that looks like Intuit's.
func secret(prefix string, n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// IssueTokens connects a company without the consent page. Like a reconnect it ends older tokens.
func (s *Server) IssueTokens(realm string) Tokens {
	s.grants.mu.Lock()
	defer s.grants.mu.Unlock()
	g := s.grants.issue(realm)
	return Tokens{Access: s.grants.newAccess(g), Refresh: g.refresh}
}

// issue starts a grant. Older ones of the realm end. The caller holds the lock, as below.
func (gs *grants) issue(realm string) *grant {
	gs.revoke(gs.byRealm[realm])
	now := gs.cfg.Now()
	g := &grant{realm: realm, refresh: secret("AB11", 36), valueSince: now, lastUsed: now, given: now}
	gs.byRefresh[g.refresh], gs.byRealm[realm] = g, g
	return g
}

func (gs *grants) newAccess(g *grant) string {
	g.accessTokens = slices.DeleteFunc(g.accessTokens, func(token string) bool {
		over := !gs.cfg.Now().Before(gs.tokens[token].until)
		if over {
			delete(gs.tokens, token) // a simulated month refreshes often
		}
		return over
	})
	token := secret("eyJ", 480)
	gs.tokens[token] = accessToken{g, gs.cfg.Now().Add(gs.cfg.AccessTTL)}
	g.accessTokens = append(g.accessTokens, token)
	return token
}

func (gs *grants) revoke(g *grant) {
	if g == nil {
		return
	}
	delete(gs.byRefresh, g.refresh)
	for _, token := range g.accessTokens {
		delete(gs.tokens, token)
	}
	if gs.byRealm[g.realm] == g {
		delete(gs.byRealm, g.realm)
	}
}

func (gs *grants) revokeRealm(realm string) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.revoke(gs.byRealm[realm])
}

// connected: somebody has given the app access to the company.
func (gs *grants) connected(realm string) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	return gs.byRealm[realm] != nil
}

// revokeToken ends the grant that a refresh or access token belongs to.
func (gs *grants) revokeToken(token string) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := gs.byRefresh[token]
	if g == nil {
		g = gs.tokens[token].grant
	}
	gs.revoke(g)
	return g != nil
}

// access gives the realm that an access token opens.
func (gs *grants) access(token string) (realm string, ok bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	t, ok := gs.tokens[token]
	if !ok || !gs.cfg.Now().Before(t.until) {
		return "", false
	}
	return t.grant.realm, true
}

func (gs *grants) newCode(realm, redirect string) string {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	value := secret("AB11", 30)
	gs.codes[value] = &code{realm: realm, redirect: redirect, until: gs.cfg.Now().Add(codeTTL)}
	return value
}

// exchange turns a code into a grant. A second use ends what the first one gave.
func (gs *grants) exchange(value, redirect string) (*grant, string, bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	c := gs.codes[value]
	switch {
	case c == nil:
		return nil, "", false
	case c.used != nil:
		gs.revoke(c.used)
		return nil, "", false
	case c.redirect != redirect || !gs.cfg.Now().Before(c.until):
		return nil, "", false
	}
	c.used = gs.issue(c.realm)
	return c.used, gs.newAccess(c.used), true
}

// begin notes that a refresh is under way, and whether another one already was.
func (gs *grants) begin(refresh string) (g *grant, concurrent bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if g = gs.byRefresh[refresh]; g != nil {
		g.refreshing++
		concurrent = g.refreshing > 1
	}
	return g, concurrent
}

func (gs *grants) end(g *grant) {
	if g == nil {
		return
	}
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g.refreshing--
}

// renew answers a refresh: a new access token, and a new refresh token when the present one is old
// enough. The value before it is dead at once.
func (gs *grants) renew(refresh string) (g *grant, access string, rotated, ok bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g = gs.byRefresh[refresh]
	now := gs.cfg.Now()
	if g == nil {
		return nil, "", false, false
	}
	if now.Sub(g.lastUsed) >= refreshTTL || now.Sub(g.given) >= refreshHard {
		gs.revoke(g)
		return nil, "", false, false
	}
	g.lastUsed = now
	if rotated = gs.cfg.RotateAlways || now.Sub(g.valueSince) >= gs.cfg.RotateEvery; rotated {
		delete(gs.byRefresh, g.refresh)
		g.refresh, g.valueSince = secret("AB11", 36), now
		gs.byRefresh[g.refresh] = g
	}
	return g, gs.newAccess(g), rotated, true
}

// owner gives the realm of a code or a refresh token, for faults that are put on a realm.
func (gs *grants) owner(token string) string {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if g := gs.byRefresh[token]; g != nil {
		return g.realm
	}
	if t := gs.tokens[token]; t.grant != nil {
		return t.grant.realm
	}
	if c := gs.codes[token]; c != nil {
		return c.realm
	}
	return ""
}
