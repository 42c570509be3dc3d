package qbosim

import (
	"slices"
	"sync"
	"time"
)

// Endpoint names what a fault is put on and what figures count.
type Endpoint int

// The endpoints.
const (
	Any   Endpoint = iota
	Query          // statements; a fault on Query meets counting ones too
	Count          // SELECT COUNT(*)
	CDC
	Read // one object by id
	Write
	Token
	Revoke
)

// FaultKind is what goes wrong.
type FaultKind int

// The faults.
const (
	Slow              FaultKind = iota // nothing but the Delay
	HTML502                            // a front end's page
	JSON500                            // SystemFault 10000
	XML429                             // throttled, as the gateway says it
	JSON429                            // throttled, in JSON
	QuotaExhausted429                  // the month's calls are used up: the answer is that of JSON429, the figures tell them apart
	XML401                             // an expired token, as XML
	GatewayJSON401                     // an expired token, in the gateway's lower-case JSON
	Forbidden403                       // the app is not entitled
	Status6190                         // the company's subscription has ended
	FaultIn200                         // HTTP 200 with a Fault in the body
	TruncatedJSON                      // carried out; the answer stops half way
	EmptyBody                          // carried out; HTTP 200 with nothing in it
	LostAnswer                         // carried out; the connection is cut without an answer
	Hang                               // nothing until Delay is over or the client has gone, then the connection is cut
	InvalidGrant                       // token endpoint: the refresh token is refused
	FalseTombstone                     // CDC reports a live object as deleted
)

// Fault makes calls go wrong. The zero value of a field matches everything.
type Fault struct {
	On     Endpoint
	Realm  string
	Entity string // a statement's, a path's, or one of a CDC call's

	Skip  int // calls that pass unharmed first
	Times int // calls that are harmed then; 0: all until removed

	Kind       FaultKind
	RetryAfter time.Duration // sent as the header in whole seconds; 0: none, like Intuit
	Delay      time.Duration // waited before anything else
}

// activeFault is a fault with its counters.
type activeFault struct {
	Fault
	skipped, met int
}

type faults struct {
	mu   sync.Mutex
	list []*activeFault
}

// Inject adds a fault. The first one that matches a call is used. Remove may be called at any time.
func (s *Server) Inject(f Fault) (remove func()) {
	a := &activeFault{Fault: f}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, a)
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		s.faults.list = slices.DeleteFunc(s.faults.list, func(x *activeFault) bool { return x == a })
	}
}

// take gives the fault that a call meets, nil for none.
func (f *faults) take(kind Endpoint, realm string, entities []string) *activeFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, a := range f.list {
		if !a.matches(kind, realm, entities) {
			continue
		}
		if a.skipped < a.Skip {
			a.skipped++
			continue
		}
		if a.met++; a.Times > 0 && a.met >= a.Times {
			f.list = slices.Delete(f.list, i, i+1)
		}
		return a
	}
	return nil
}

func (a *activeFault) matches(kind Endpoint, realm string, entities []string) bool {
	on := a.On == Any || a.On == kind || a.On == Query && kind == Count
	return on && (a.Realm == "" || a.Realm == realm) && (a.Entity == "" || slices.Contains(entities, a.Entity))
}
