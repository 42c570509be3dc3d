package plaidsim

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Webhook is one thing that Plaid tells of.
type Webhook struct {
	Type, Code string
	Item       string // "": of a Link session
	URL        string
	Body       []byte // as it is signed and sent
	At         time.Time
}

// WebhookConfig says how webhooks are sent. What is zero is what Plaid does.
type WebhookConfig struct {
	Client *http.Client // nil: http.DefaultClient; the ten seconds are kept in any case, redirects are not followed

	// Factor shortens the waits between attempts, and the day after which Plaid gives up: with 60 the
	// first of them is half a second. 0: 1.
	Factor int

	// SameToken sends the JWT of the first attempt with all later ones. Plaid is believed to sign each
	// attempt afresh; whether it does is not written anywhere.
	SameToken bool

	Faults WebhookFaults

	// OnDelivered is called after the endpoint has accepted a webhook for the first time, with the time
	// of that. It holds up the next one and must not call Deliver. May be nil.
	OnDelivered func(Webhook, time.Time)
}

// Webhooks sends what the server tells of, one webhook after the other. One that is retried holds up
// nothing: those behind it are sent meanwhile.
type Webhooks struct {
	server *Server
	cfg    WebhookConfig
	client *http.Client

	sending sync.Mutex // held by the one that delivers

	mu      sync.Mutex
	waiting []*delivery // in the order in which they will be sent, each when it is due
	recent  []*delivery // first attempts of the last day
	stats   WebhookStats
	news    chan struct{}
	faults  faultState
}

// WebhookStats counts webhooks and attempts.
type WebhookStats struct {
	Told       int            // webhooks that there were to send
	Codes      map[string]int // of them, by "TYPE/CODE"
	Silent     int            // that had no URL to go to
	Attempts   int
	Failures   int // attempts that were not answered 200 in ten seconds
	Tampered   int // attempts that were made wrong
	Deliveries int // accepted by the endpoint, repeated ones too
	Duplicates int // webhooks that were sent once more
	Lost       int // that were never sent: injected
	GivenUp    int // that were refused for a day, or by an endpoint that refuses nearly all

	Waiting       int       // webhooks now
	OldestWaiting time.Time // zero: none
}

// Webhooks makes the server send what it tells of from now on. Nothing is sent by itself: call Deliver,
// or let Run do so. A later call replaces an earlier one, whose webhooks stay with it.
func (s *Server) Webhooks(cfg WebhookConfig) *Webhooks {
	cfg.Factor = max(cfg.Factor, 1)
	client := http.DefaultClient
	if cfg.Client != nil {
		client = cfg.Client
	}
	alone := *client
	alone.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w := &Webhooks{server: s, cfg: cfg, client: &alone, news: make(chan struct{}, 1), stats: WebhookStats{Codes: map[string]int{}}}
	w.inject(cfg.Faults)
	s.webhooks.Store(w)
	return w
}

// take puts what is told into the queue. The caller holds the server's lock.
func (w *Webhooks) take(e event) {
	h := Webhook{Type: e.Type, Code: e.Code, Item: e.Item, URL: e.URL, Body: e.body(), At: w.now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Told++
	w.stats.Codes[h.Type+"/"+h.Code]++
	switch {
	case h.URL == "":
		w.stats.Silent++
		return
	case w.faults.loses(w.stats.Told):
		w.stats.Lost++
		return
	}
	w.waiting = append(w.waiting, &delivery{Webhook: h, due: h.At.Add(w.faults.Delay)})
	w.faults.shuffle(w.waiting)
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// body is what is sent, two spaces deep as Plaid's bodies are: the signature is over these very bytes.
func (e event) body() []byte {
	out := obj{"webhook_type": e.Type, "webhook_code": e.Code, "environment": environment}
	if e.Item != "" {
		out["item_id"] = e.Item
	}
	maps.Copy(out, e.Fields)
	return render(out)
}

// Waiting gives the webhooks that are still to be sent, in their order.
func (w *Webhooks) Waiting() []Webhook {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Webhook, 0, len(w.waiting))
	for _, d := range w.waiting {
		out = append(out, d.Webhook)
	}
	return out
}

// Stats gives the figures since the webhooks were set up.
func (w *Webhooks) Stats() WebhookStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := w.stats
	st.Codes = maps.Clone(w.stats.Codes)
	st.Waiting = len(w.waiting)
	if len(w.waiting) > 0 {
		st.OldestWaiting = slices.MinFunc(w.waiting, func(a, b *delivery) int { return a.At.Compare(b.At) }).At
	}
	return st
}
