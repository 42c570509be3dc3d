package qbosim

import (
	"net/http"
	"slices"
	"time"
)

// outage is a time in which nothing works.
type outage struct{ from, to time.Time }

const html503 = `<html>
<head><title>503 Service Temporarily Unavailable</title></head>
<body><center><h1>503 Service Temporarily Unavailable</h1></center></body>
</html>
`

// Outage answers everything with a front end's 503 from one instant until another, and sends no
// webhooks meanwhile.
func (s *Server) Outage(from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outages = append(s.outages, outage{from, to})
}

func (s *Server) isOut(now time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.ContainsFunc(s.outages, func(o outage) bool { return !now.Before(o.from) && now.Before(o.to) })
}

// unavailable answers within an outage.
func (s *Server) unavailable(w http.ResponseWriter) {
	s.stats.add("", func(st *Stats) { st.Outage++ })
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusServiceUnavailable)
	w.Write([]byte(html503))
}

// month names a calendar month, in UTC.
func month(t time.Time) string { return t.UTC().Format("2006-01") }

// overQuota: the app has used up the calls of this month, over all companies.
func (s *Server) overQuota(now time.Time) bool {
	return s.cfg.MonthlyCalls > 0 && s.stats.metered(month(now)) >= s.cfg.MonthlyCalls
}
