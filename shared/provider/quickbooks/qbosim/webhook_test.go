package qbosim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

const verifier = "not-a-real-verifier"

// endpoint takes deliveries as an app does, and answers what a test wants.
type endpoint struct {
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	answer func(n int) int // a status by attempt, from 1; nil: 200
	url    string
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bodies, e.heads = append(e.bodies, string(b)), append(e.heads, r.Header)
	if e.answer != nil {
		w.WriteHeader(e.answer(len(e.bodies)))
	}
}

// told is an event as an endpoint reads it, of either format.
type told struct{ realm, entity, id, operation, deleted, event string }

func (w *world) told(body string) []told {
	w.Helper()
	var out []told
	if strings.HasPrefix(body, "[") {
		var events []map[string]any
		w.decode(body, &events)
		for _, e := range events {
			kind := strings.Split(at(e, "type"), ".")
			out = append(out, told{at(e, "intuitaccountid"), kind[1], at(e, "intuitentityid"), kind[2], at(e, "data", "deletedid"), at(e, "id")})
		}
		return out
	}
	var legacy struct{ EventNotifications []map[string]any }
	if err := json.Unmarshal([]byte(body), &legacy); err != nil {
		w.Fatal(err)
	}
	for _, n := range legacy.EventNotifications {
		for _, e := range n["dataChangeEvent"].(map[string]any)["entities"].([]any) {
			out = append(out, told{at(n, "realmId"), strings.ToLower(at(e, "name")), at(e, "id"), strings.ToLower(at(e, "operation")), at(e, "deletedId"), ""})
		}
	}
	return out
}

func (w *world) deliver(hooks *qbosim.Webhooks) qbosim.Delivery {
	w.Helper()
	rep, err := hooks.Deliver(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return rep
}

// happenings is a bit of everything that Intuit tells of, and some of what it does not.
func happenings(w *world) {
	w.Helper()
	invoice := w.bill("3")
	w.update("Invoice", `{"Id":"`+invoice+`","sparse":true,"PrivateNote":"x"}`)
	payment := w.pay("3", invoice, "5")
	for _, err := range []error{
		w.company.Email("Invoice", invoice), w.company.Void("Payment", payment), w.company.Delete("Payment", payment),
		w.company.Merge("Customer", "3", "2"), w.company.Deactivate("Customer", "4"),
	} {
		if err != nil {
			w.Fatal(err)
		}
	}
	w.create("Attachable", `{"Note":"nobody is told"}`)
	w.create("Term", `{"Name":"Net 5"}`)
}

func TestWebhookBodies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		cfg   qbosim.WebhookConfig
		piece string
		words string // operations, in the order of what happened
	}{
		{"cloud events", qbosim.WebhookConfig{}, `"specversion":"1.0"`, "created updated created emailed void deleted merged updated created"},
		{"legacy", qbosim.WebhookConfig{Format: qbosim.Legacy}, `{"eventNotifications":[{"realmId":"` + realm + `","dataChangeEvent":{"entities":[{"name":"Invoice"`,
			"create update create emailed void delete merge update create"},
		{"soft removals", qbosim.WebhookConfig{DeactivationIsDelete: true}, `"qbo.customer.deleted.v1"`, "created updated created emailed void deleted merged deleted created"},
		{"some", qbosim.WebhookConfig{Subscribed: map[string]string{"Invoice": "C", "Term": "CUD", "Attachable": "CUD"}}, `qbo.term.created.v1`, "created created"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, e := newWorld(t, 20), newEndpoint(t)
			tt.cfg.URL, tt.cfg.VerifierToken, tt.cfg.Aggregate = e.url, verifier, 5*time.Second
			hooks := w.sim.Webhooks(tt.cfg)
			happenings(w)
			if rep := w.deliver(hooks); rep.Accepted != 0 || rep.Next != w.clock.Now().Add(5*time.Second) {
				t.Errorf("before it is due: %+v", rep)
			}
			w.clock.advance(5 * time.Second)
			if rep := w.deliver(hooks); rep.Accepted != 1 || len(e.bodies) != 1 {
				t.Fatalf("%+v, %d bodies", rep, len(e.bodies))
			}
			var words []string
			for _, event := range w.told(e.bodies[0]) {
				words = append(words, event.operation)
				if merged := strings.HasPrefix(event.operation, "merge"); event.realm != realm || merged != (event.deleted == "2") || merged && event.id != "3" {
					t.Errorf("%+v", event)
				}
			}
			if got := strings.Join(words, " "); got != tt.words || !strings.Contains(e.bodies[0], tt.piece) {
				t.Errorf("told of %s, want %s in %s", got, tt.words, e.bodies[0])
			}
			checkHeaders(t, e)
			if st := hooks.Stats(); st.Events != len(words) || st.Delivered != len(words) || st.Attempts != 1 || st.Waiting != 0 || !st.OldestWaiting.IsZero() {
				t.Errorf("%+v", st)
			}
		})
	}
}

func checkHeaders(t *testing.T, e *endpoint) {
	t.Helper()
	h := e.heads[0]
	for key, want := range map[string]string{
		"Intuit-Signature": qbosim.Signature(verifier, []byte(e.bodies[0])), "User-Agent": "intuit_notification_server/0.1",
		"Content-Type": "application/json", "Intuit-Notification-Schema-Version": "0.1",
	} {
		if h.Get(key) != want {
			t.Errorf("%s: %q, want %q", key, h.Get(key), want)
		}
	}
	if h.Get("Intuit-Created-Time") == "" || h.Get("Intuit-T-Id") == "" {
		t.Errorf("headers %v", h)
	}
}

// TestWebhookHonesty compares the bodies with the recorded ones, key by key.
func TestWebhookHonesty(t *testing.T) {
	t.Parallel()
	for format, file := range map[qbosim.Format]string{qbosim.Legacy: "webhook_legacy_vendor_customer.json", qbosim.CloudEvents: "webhook_cloudevents_class_created.json"} {
		w, e := newWorld(t, 20), newEndpoint(t)
		hooks := w.sim.Webhooks(qbosim.WebhookConfig{URL: e.url, Format: format})
		happenings(w)
		w.deliver(hooks)
		ours, real := shape{}, shape{}
		var v any
		w.decode(e.bodies[0], &v)
		ours.add("", v)
		for _, v := range recorded(t, file) {
			real.add("", v)
		}
		for _, documented := range []string{"[].datacontenttype", "[].data.deletedid", ".eventNotifications[].dataChangeEvent.entities[].deletedId"} {
			real[documented] = &spot{types: map[string]bool{"string": true}}
		}
		checkInvented(t, ours, real)
	}
}

// TestSeveralCompanies: one delivery tells of all of them, but only of those that are connected.
func TestSeveralCompanies(t *testing.T) {
	t.Parallel()
	for _, format := range []qbosim.Format{qbosim.Legacy, qbosim.CloudEvents} {
		w, e := newWorld(t, 5), newEndpoint(t)
		other, stranger := spec(5), spec(5)
		other.Realm, stranger.Realm = "2", "3"
		second, third := w.sim.AddCompany(other), w.sim.AddCompany(stranger)
		w.sim.IssueTokens("2")
		hooks := w.sim.Webhooks(qbosim.WebhookConfig{URL: e.url, Format: format})
		for _, c := range []*qbosim.Company{w.company, second, third, w.company} {
			if _, err := c.Create("Customer", `{"DisplayName":"New `+time.Duration(c.Count("Customer")).String()+`"}`); err != nil {
				t.Fatal(err)
			}
		}
		w.deliver(hooks)
		var realms []string
		for _, event := range w.told(e.bodies[0]) {
			realms = append(realms, event.realm)
		}
		slices.Sort(realms)
		if got := strings.Join(realms, " "); got != "2 "+realm+" "+realm || len(e.bodies) != 1 {
			t.Errorf("told of %s in %d deliveries", got, len(e.bodies))
		}
		second.Disconnect()
		if _, err := second.Create("Term", `{"Name":"x"}`); err != nil {
			t.Fatal(err)
		}
		if st := hooks.Stats(); st.Waiting != 0 {
			t.Error("a company that is not connected any more is told of")
		}
	}
}

// TestDerivedEvents: Intuit does not promise them; with the switch an invoice tells of its payment.
func TestDerivedEvents(t *testing.T) {
	t.Parallel()
	for _, derived := range []bool{false, true} {
		w, e := newWorld(t, 5), newEndpoint(t)
		invoice := w.bill("3")
		hooks := w.sim.Webhooks(qbosim.WebhookConfig{URL: e.url, Derived: derived})
		w.pay("3", invoice, "5")
		w.deliver(hooks)
		if got := strings.Contains(e.bodies[0], "qbo.invoice.updated.v1"); got != derived {
			t.Errorf("derived %t: %s", derived, e.bodies[0])
		}
	}
}

// TestQuietOutage: while Intuit is out of order nobody is told of anything, and it is made up for.
func TestQuietOutage(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t, 5), newEndpoint(t)
	hooks := w.sim.Webhooks(qbosim.WebhookConfig{URL: e.url})
	w.sim.Outage(w.clock.Now(), w.clock.Now().Add(2*time.Hour))
	w.create("Term", `{"Name":"a"}`)
	if rep := w.deliver(hooks); rep.Accepted != 0 || len(e.bodies) != 0 || rep.Next.IsZero() {
		t.Errorf("within an outage: %+v", rep)
	}
	w.clock.advance(2 * time.Hour)
	if rep := w.deliver(hooks); rep.Accepted != 1 {
		t.Errorf("after it: %+v", rep)
	}
}
