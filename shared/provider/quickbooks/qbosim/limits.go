package qbosim

import (
	"sync"
	"time"
)

// Intuit's limits per company.
const (
	perSecond = 10
	perMinute = 500
	inFlight  = 10
)

// limits throttles by company: sliding windows and requests in flight.
type limits struct {
	mu     sync.Mutex
	realms map[string]*window
}

type window struct {
	recent   []time.Time // of the last minute, oldest first
	inFlight int
}

// enter counts a request in; false means throttled. A throttled one does not use up the windows.
func (l *limits) enter(realm string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.realms[realm]
	if w == nil {
		w = &window{}
		l.realms[realm] = w
	}
	for len(w.recent) > 0 && now.Sub(w.recent[0]) >= time.Minute {
		w.recent = w.recent[1:]
	}
	n := len(w.recent)
	busy := n >= perSecond && now.Sub(w.recent[n-perSecond]) < time.Second
	if w.inFlight >= inFlight || n >= perMinute || busy {
		return false
	}
	w.recent = append(w.recent, now)
	w.inFlight++
	return true
}

func (l *limits) leave(realm string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.realms[realm].inFlight--
}
