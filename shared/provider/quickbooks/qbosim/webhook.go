package qbosim

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// Operation is what happened to an object, in the words of the legacy format.
type Operation string

// The operations.
const (
	Created Operation = "Create"
	Updated Operation = "Update"
	Deleted Operation = "Delete"
	Merged  Operation = "Merge"
	Voided  Operation = "Void"
	Emailed Operation = "Emailed"
)

// Format is how deliveries are written.
type Format int

// The formats.
const (
	CloudEvents Format = iota // an array of events, as of 2026
	Legacy                    // {"eventNotifications":[…]}
)

// Event is one change that an endpoint is told of.
type Event struct {
	ID, Realm, Entity, EntityID string
	Operation                   Operation
	DeletedID                   string // of a merge: the loser
	At                          time.Time
}

// WebhookConfig says where events go and in what form. What is zero is what Intuit does.
type WebhookConfig struct {
	URL           string
	VerifierToken string // the key of the signature
	Format        Format
	ContentType   string       // "": application/json
	Client        *http.Client // nil: http.DefaultClient; the three seconds are kept in any case

	// Subscribed are the letters of the operations told of by entity, as the reference has them
	// (C create, U update, D delete, M merge, V void, E emailed); nil: all that Intuit offers. What
	// Intuit does not offer cannot be had.
	Subscribed map[string]string

	// Aggregate is how long events are gathered before they are sent together; 0: not at all.
	Aggregate time.Duration
	MaxEvents int // in one delivery; 0: 100

	Derived              bool // balances that move tell of an update too, which Intuit does not promise
	DeactivationIsDelete bool // a list object made inactive is told of as deleted; not known of Intuit

	Faults WebhookFaults

	// OnDelivered is called after the endpoint has accepted an event for the first time, with the time
	// of that. It holds up the next delivery and must not call Deliver. May be nil.
	OnDelivered func(Event, time.Time)
}

// Webhooks sends the events of all connected companies to one endpoint, one delivery after the other.
type Webhooks struct {
	cfg WebhookConfig
	now func() time.Time
	out func(time.Time) bool // Intuit is out of order

	sending sync.Mutex // held by the one that delivers

	mu       sync.Mutex
	waiting  []Event     // in the order in which they will be sent
	current  *delivery   // what the endpoint has not accepted yet: everything waits behind it
	later    []*delivery // what will be sent once more
	disabled bool
	stats    WebhookStats
	events   int // that there ever were
	news     chan struct{}
	faults   faultState
}

// WebhookStats counts events and deliveries.
type WebhookStats struct {
	Events     int // that happened and are subscribed
	Deliveries int // accepted by the endpoint, repeated ones too
	Delivered  int // events in accepted deliveries, repeated ones too
	Attempts   int
	Failures   int // attempts that were not answered 200 in three seconds
	Blocked    int // times that something due had to wait behind a delivery that is retried
	Duplicates int // deliveries that were sent once more
	Lost       int // events that were never sent: injected, or while the endpoint was disabled
	Disabled   int // times that the endpoint was disabled

	Waiting       int       // events now
	OldestWaiting time.Time // zero: none
}

// Webhooks makes the server tell an endpoint what happens from now on in companies that are connected.
// Nothing is sent by itself: call Deliver, or let Run do so. A later call replaces an earlier one.
func (s *Server) Webhooks(cfg WebhookConfig) *Webhooks {
	cfg.MaxEvents = cmp.Or(cfg.MaxEvents, 100)
	cfg.ContentType = cmp.Or(cfg.ContentType, "application/json")
	if cfg.Client == nil {
		cfg.Client = http.DefaultClient
	}
	w := &Webhooks{cfg: cfg, now: s.cfg.Now, out: s.isOut, news: make(chan struct{}, 1)}
	w.inject(cfg.Faults)
	s.webhooks.Store(w)
	return w
}

// tell appends an event of the company. The caller holds the company's lock.
func (c *Company) tell(what Operation, entity, id, loser string) {
	w := c.server.webhooks.Load()
	if c.playing || w == nil || !w.subscribed(c.kinds[entity], what) || !c.server.grants.connected(c.spec.Realm) {
		return
	}
	w.add(Event{Realm: c.spec.Realm, Entity: entity, EntityID: id, Operation: what, DeletedID: loser, At: c.now()})
}

// derived tells of a change that nobody made.
func (c *Company) derived(entity, id string) {
	if w := c.server.webhooks.Load(); w != nil && w.cfg.Derived {
		c.tell(Updated, entity, id, "")
	}
}

// changed is the operation of a write.
func (ch *change) changed() Operation {
	def := ch.t.def
	switch w := ch.c.server.webhooks.Load(); {
	case ch.creating():
		return Created
	case w != nil && w.cfg.DeactivationIsDelete && def.list && ch.doc.get("Active") == false && ch.old.get("Active") == true:
		return Deleted
	}
	return Updated
}

func (w *Webhooks) subscribed(def *entity, what Operation) bool {
	letter := string(what[0])
	if !strings.Contains(def.webhooks, letter) {
		return false
	}
	return w.cfg.Subscribed == nil || strings.Contains(w.cfg.Subscribed[def.name], letter)
}

func (w *Webhooks) add(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events++
	w.stats.Events++
	e.ID = eventID(w.events, e)
	if w.disabled || w.faults.loses(w.events) {
		w.stats.Lost++
		return
	}
	w.waiting = append(w.waiting, e)
	w.faults.shuffle(w.waiting)
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// eventID is unique and opaque. Intuit's has two looks.
func eventID(n int, e Event) string {
	r := chance.Sequence(chance.Seed(uint64(n), "event"))
	a, b := r.Next(), r.Next()
	id := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
	if n%3 == 0 {
		id += "-" + e.Entity + "-" + e.EntityID
	}
	return id
}

// Enable lets a disabled endpoint have events again, as its developer does in the portal.
func (w *Webhooks) Enable() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disabled = false
}

// Stats gives the figures since the endpoint was set.
func (w *Webhooks) Stats() WebhookStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := w.stats
	oldest := func(events []Event) {
		for _, e := range events {
			st.Waiting++
			if st.OldestWaiting.IsZero() || e.At.Before(st.OldestWaiting) {
				st.OldestWaiting = e.At
			}
		}
	}
	oldest(w.waiting)
	if w.current != nil {
		oldest(w.current.events)
	}
	return st
}
