package httpclient

import (
	"sync"
	"time"
	"weak"
)

// Limiters gives the clients of one process that call the same account (for QuickBooks: the realm)
// the same [Limiter]. It is safe for concurrent use; make one with [NewLimiters].
type Limiters struct {
	make func() *Limiter

	mu    sync.Mutex
	byKey map[string]*entry
	swept time.Time
}

// entry keeps a limiter alive while its past calls still count. After that only those who use it do,
// so two clients of one account never have different limiters, and idle ones go away.
type entry struct {
	strong *Limiter
	weak   weak.Pointer[Limiter]
}

// sweepEvery is how often idle limiters are looked for; a registry that is not asked keeps what it has.
const sweepEvery = time.Minute

// NewLimiters returns an empty registry whose limiters are made by mk.
func NewLimiters(mk func() *Limiter) *Limiters {
	return &Limiters{make: mk, byKey: make(map[string]*entry), swept: time.Now()}
}

// Get returns the limiter of key, the same one for all who ask while it is in use or its windows
// remember a call.
func (ls *Limiters) Get(key string) *Limiter {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if time.Since(ls.swept) >= sweepEvery {
		ls.sweep()
	}
	e := ls.byKey[key]
	if e == nil {
		e = &entry{}
		ls.byKey[key] = e
	}
	if e.strong == nil {
		e.strong = e.weak.Value()
	}
	if e.strong == nil {
		e.strong = ls.make()
		e.weak = weak.Make(e.strong)
	}
	return e.strong
}

func (ls *Limiters) sweep() {
	for key, e := range ls.byKey {
		l := e.weak.Value()
		switch {
		case l == nil:
			delete(ls.byKey, key)
		case l.quiet():
			e.strong = nil
		default:
			e.strong = l
		}
	}
	ls.swept = time.Now()
}
