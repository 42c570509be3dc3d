package qbosim

import (
	"maps"
	"sync"
)

// Stats counts calls: what was asked, what was metered, what went wrong.
type Stats struct {
	Query, Count, CDC, Read, Write int // API calls by kind, refused ones too
	Token, Revoke                  int

	Metered             int // CorePlus calls: successful data retrieval
	Refreshes           int // successful refresh_token grants
	Rotations           int // of these: with a new refresh token
	ConcurrentRefreshes int // refreshes that met another one of the same grant under way
	Throttled           int // calls above the limits of a company
	OverQuota           int // calls of a month whose metered calls were used up
	Outage              int // requests of any kind within an outage
	Errors              int // API and token calls that were not answered as asked

	MeteredByMonth map[string]int   // "2026-06", in UTC
	Realms         map[string]Stats // the same by company; both maps are nil inside it
}

// counters guards the figures.
type counters struct {
	mu     sync.Mutex
	all    Stats
	realms map[string]*Stats
	months map[string]int // metered calls
}

func (c *counters) metered(month string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.months[month]
}

func (c *counters) meter(month string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.months[month]++
}

// add changes the totals and, unless realm is empty, the company's figures.
func (c *counters) add(realm string, f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.all)
	if realm == "" {
		return
	}
	if c.realms[realm] == nil {
		c.realms[realm] = &Stats{}
	}
	f(c.realms[realm])
}

// Stats gives the figures since the server was made.
func (s *Server) Stats() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	out := s.stats.all
	out.MeteredByMonth = maps.Clone(s.stats.months)
	out.Realms = make(map[string]Stats, len(s.stats.realms))
	for realm, figures := range s.stats.realms {
		out.Realms[realm] = *figures
	}
	return out
}

// count enters an API call, once it has been answered.
func (k *call) count(realm string) {
	if k.c == nil {
		realm = "" // nobody's
	}
	if !k.w.failed() && k.kind != Write {
		k.s.stats.meter(month(k.started))
	}
	k.s.stats.add(realm, func(st *Stats) {
		if n := st.byKind(k.kind); n != nil {
			*n++
		}
		switch {
		case k.w.throttled:
			st.Throttled++
			st.Errors++
		case k.w.overQuota:
			st.OverQuota++
			st.Errors++
		case k.w.failed():
			st.Errors++
		case k.kind != Write:
			st.Metered++
		}
	})
}

func (st *Stats) byKind(e Endpoint) *int {
	switch e {
	case Query:
		return &st.Query
	case Count:
		return &st.Count
	case CDC:
		return &st.CDC
	case Read:
		return &st.Read
	case Write:
		return &st.Write
	case Token:
		return &st.Token
	case Revoke:
		return &st.Revoke
	}
	return nil
}
