package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// newPlaidWebhooks is the function in a place where onpoint has bank item-1 and powergen bank item-2.
func newPlaidWebhooks(t *testing.T, vars ...string) (*place, ready, *plaidKeys) {
	t.Helper()
	keys := newPlaidKeys()
	server := httptest.NewServer(keys)
	p := newPlace(t, append([]string{"PLAID_CLIENT_ID=client", "PLAID_SECRET=" + markerPlaidSecret, "PLAID_API_URL=" + server.URL}, vars...)...)
	t.Cleanup(server.Close)
	h, end, err := PlaidWebhook.Build(t.Context(), p.vars, p.log())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(context.Background()) }) //nolint:errcheck // the test is over
	t.Cleanup(func() {
		for _, secret := range []string{"marker-", "eyJ"} { // a JWT begins so
			if strings.Contains(p.logs.String(), secret) {
				t.Errorf("%s stands in the log: %s", secret, p.logs)
			}
		}
	})
	p.store.Connect(t, "onpoint", "plaid", "item-1")
	p.store.Connect(t, "powergen", "plaid", "item-2")
	return p, h.(ready), keys
}

// deliverSigned sends a body with these signatures.
func deliverSigned(h http.Handler, body string, tokens ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for _, token := range tokens {
		r.Header.Add("plaid-verification", token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// told is a webhook as Plaid writes it.
func told(kind, code, item string, more ...string) string {
	fields := append([]string{`"webhook_type": "` + kind + `"`, `"webhook_code": "` + code + `"`}, more...)
	if item != "" {
		fields = append(fields, `"item_id": "`+item+`"`)
	}
	return "{\n  " + strings.Join(append(fields, `"environment": "sandbox"`), ",\n  ") + "\n}"
}

// ordered returns notices in an order of our own: the database has its own of letters.
func ordered(all []notice) []notice {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b notice) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}

// TestPlaidWebhookFromTheWireToTheRecord: each webhook is kept once, and what calls for a look at the
// bank asks for one.
func TestPlaidWebhookFromTheWireToTheRecord(t *testing.T) {
	p, h, _ := newPlaidWebhooks(t)
	first, second := []org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Webhook}}, []org.Tick{{Org: "powergen", Connection: 2, Reason: org.Webhook}}
	for _, tt := range []struct {
		body  string
		ticks []org.Tick
		kept  notice
	}{
		{told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1", `"initial_update_complete": true`), first, notice{"item-1", "transactions", "item-1", "updated", "", "open"}},
		{told("ITEM", "PENDING_EXPIRATION", "item-2", `"consent_expiration_time": "2026-12-15T13:25:17.766Z"`), second, notice{"item-2", "items", "item-2", "ending", "", "open"}},
		{told("ITEM", "NEW_ACCOUNTS_AVAILABLE", "item-2"), second, notice{"item-2", "items", "item-2", "offered", "", "open"}},
		{told("LIABILITIES", "DEFAULT_UPDATE", "item-1"), first, notice{"item-1", "credit_liabilities", "item-1", "updated", "", "open"}},
		{told("TRANSACTIONS", "DEFAULT_UPDATE", "item-404"), nil, notice{"item-404", "", "item-404", "updated", "", "noted"}},
		{told("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", "item-404"), nil, notice{"item-404", "", "item-404", "updated", "", "noted"}},
		{told("DASHBOARD_CONFIGURED_ALERT", "INSTITUTION_STATUS_ALERT_TRIGGERED", ""), nil, notice{"", "", "DASHBOARD_CONFIGURED_ALERT", "updated", "", "noted"}},
		{told("HOLDINGS", "DEFAULT_UPDATE", "item-403"), nil, notice{"item-403", "holdings", "item-403", "updated", "", "unknown company"}},
		{told("ITEM", "REPLACED_BY_AN_OWL", "item-405"), nil, notice{"item-405", "", "item-405", "updated", "", "unknown company"}},
		{told("OWL", "POST", ""), nil, notice{"", "", "OWL", "updated", "", "unknown company"}},
		{told("ITEM", "LOGIN_REPAIRED", ""), nil, notice{"", "items", "ITEM", "mended", "", "malformed"}},
		{strings.Replace(told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1"), "sandbox", "production", 1), nil, notice{"item-1", "transactions", "item-1", "updated", "", "malformed"}},
	} {
		p.pubsub.ClearMessages()
		before := p.notices()
		if w := deliverSigned(h, tt.body, newJot(tt.body).signed()); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "recorded" {
			t.Errorf("%s: status %d, %s", tt.body, w.Code, w.Body)
		}
		if diff := gocmp.Diff(tt.ticks, p.asked()); diff != "" {
			t.Errorf("%s: ticks (-want +got):\n%s", tt.body, diff)
		}
		if diff := gocmp.Diff(ordered(append(before, tt.kept)), ordered(p.notices())); diff != "" {
			t.Errorf("%s: notices (-want +got):\n%s", tt.body, diff)
		}
	}
	if n := p.count(`SELECT count(*) FROM sync.notices WHERE raw NOT LIKE '{%"webhook_type": %}' OR told_at IS NULL OR told_at > now() OR event !~ '^[0-9a-f]{64}$'`); n != 0 {
		t.Errorf("%d notices lack their words, their time or their key", n)
	}
}

// TestUnknownPlaidWebhooks: what Plaid may come to tell of a bank that we know is recorded.
func TestUnknownPlaidWebhooks(t *testing.T) {
	p, h, _ := newPlaidWebhooks(t)
	for _, body := range []string{told("OWL", "POST", "item-1"), told("ITEM", "OWL", "item-1"), told("TRANSACTIONS", "OWL", "item-1")} {
		if w := deliverSigned(h, body, newJot(body).signed()); w.Code != 200 {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
	want := slices.Repeat([]notice{{"item-1", "", "item-1", "updated", "", "unknown kind"}}, 3)
	if diff := gocmp.Diff(want, p.notices()); diff != "" || len(p.ticks()) != 0 {
		t.Errorf("ticks %v, notices (-want +got):\n%s", p.ticks(), diff)
	}
}

// TestLoginRepaired: a bank that waited for its customer is looked at again, once.
func TestLoginRepaired(t *testing.T) {
	p, h, _ := newPlaidWebhooks(t)
	state := func(sql string) {
		t.Helper()
		if _, err := p.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET next_sync_at = now() + interval '3 hours', `+sql); err != nil {
			t.Fatal(err)
		}
		p.pubsub.ClearMessages()
	}
	send := func(body, token string) {
		t.Helper()
		if w := deliverSigned(h, body, token); w.Code != 200 {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
	mended := func(want int, ticks ...org.Tick) {
		t.Helper()
		n := p.count(`SELECT count(*) FROM sync.connections WHERE state = 'active' AND reason = '' AND next_sync_at <= now()`)
		if diff := gocmp.Diff(ticks, p.asked()); n != want || diff != "" {
			t.Errorf("%d banks are mended, want %d; ticks (-want +got):\n%s", n, want, diff)
		}
	}
	failed := told("ITEM", "ERROR", "item-1", `"error": {"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED"}`)
	repaired := told("ITEM", "LOGIN_REPAIRED", "item-1")
	misled := strings.Replace(repaired, "sandbox", "production", 1)
	token := newJot(repaired).signed()

	state(`state = 'needs_reauth', reason = 'the bank wants a new login'`)
	send(failed, newJot(failed).signed())
	send(misled, newJot(misled).signed())
	mended(0)
	send(repaired, token)
	mended(1, org.Tick{Org: "onpoint", Connection: 1, Reason: org.Webhook})
	state(`state = 'needs_reauth', reason = 'the bank wants a new login'`)
	send(repaired, token)
	mended(0) // sent again by somebody: it was true once
	send(repaired, newJot(repaired).signed())
	mended(1, org.Tick{Org: "onpoint", Connection: 1, Reason: org.Webhook})
	state(`state = 'disconnected', reason = 'ended'`)
	send(repaired, newJot(repaired).signed())
	mended(0)
}

// TestPlaidTokensAreNotKept: webhooks of Link hold tokens that open a bank. So may what is no webhook,
// and what the database cannot hold.
func TestPlaidTokensAreNotKept(t *testing.T) {
	p, h, _ := newPlaidWebhooks(t)
	held := []string{`"public_token": "` + markerPublicToken + `"`, `"public_tokens": ["` + markerPublicToken + `"]`, `"link_token": "` + markerLinkToken + `"`}
	nul := `"status": "\u0000"`
	for _, tt := range []struct{ body, words string }{
		{told("LINK", "SESSION_FINISHED", "", held...), "recorded"},
		{told("LINK", "ITEM_ADD_RESULT", "", held[0]), "recorded"},
		{told("LINK", "EVENTS", "", `"events": [{"event_metadata": {`+held[0]+`}}]`), "recorded"},
		{told("ITEM", "OWL", "item-1", held...), "recorded"},
		{told("LINK", "SESSION_FINISHED", "", append(held, nul)...), ""},
		{"{" + strings.Join(held, ",") + "}", "rejected"},
		{"[{" + strings.Join(held, ",") + "}]", "rejected"},
		{"<html>" + markerPublicToken, "rejected"},
	} {
		if w := deliverSigned(h, tt.body, newJot(tt.body).signed()); w.Code != 200 || !strings.HasPrefix(w.Body.String(), tt.words) || strings.Contains(w.Body.String(), "marker") {
			t.Errorf("%s: status %d, %s", tt.body, w.Code, w.Body)
		}
	}
	if n := p.count(`SELECT (SELECT count(*) FROM sync.notices AS n WHERE n::text LIKE '%marker%') + (SELECT count(*) FROM sync.rejected_messages AS r WHERE r::text LIKE '%marker%')`); n != 0 {
		t.Errorf("%d rows hold a token", n)
	}
	if n := p.count(`SELECT (SELECT count(*) FROM sync.notices WHERE raw LIKE '%[secret]%') + (SELECT count(*) FROM sync.rejected_messages WHERE kind = 'plaid webhook' AND body <> '')`); n != 8 {
		t.Errorf("%d of 8 are kept without their tokens", n)
	}
}

// TestPlaidWebhookWithoutDatabase: Plaid is asked to come again.
func TestPlaidWebhookWithoutDatabase(t *testing.T) {
	_, h, _ := newPlaidWebhooks(t, "DATABASE_URL=postgres://127.0.0.1:1/none?connect_timeout=1")
	for _, body := range []string{told("ITEM", "ERROR", "item-1"), "{"} {
		if w := deliverSigned(h, body, newJot(body).signed()); w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
	if err := h.Ready(t.Context()); err == nil {
		t.Error("it says that it is ready")
	}
}

func TestOtherAddressesOfPlaidWebhook(t *testing.T) {
	_, h, _ := newPlaidWebhooks(t)
	for _, tt := range []struct {
		method, path string
		status       int
	}{{"GET", "/", 405}, {"PUT", "/", 405}, {"POST", "/other", 404}, {"GET", "/disconnect", 404}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.status {
			t.Errorf("%s %s: status %d", tt.method, tt.path, w.Code)
		}
	}
	if err := h.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
}

func TestPlaidWebhookSettings(t *testing.T) {
	t.Parallel()
	for vars, want := range map[string]string{
		"PLAID_CLIENT_ID=client": "PLAID_CLIENT_ID, PLAID_SECRET: want both",
		"PLAID_CLIENT_ID=client PLAID_SECRET=secret PLAID_ENVIRONMENT=development": "PLAID_ENVIRONMENT: want sandbox or production",
	} {
		environ := append(strings.Fields(vars), "SYNC_TOPIC=ticks", "GOOGLE_CLOUD_PROJECT=demo", "DATABASE_URL=postgres://127.0.0.1:1/none")
		_, _, err := PlaidWebhook.Build(t.Context(), environ, nil)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", vars, err)
		}
	}
}

// simulated is a bank of the simulator's, connected here, and what sends its webhooks.
func simulated(t *testing.T) (*place, *plaidsim.Item, *plaidsim.Webhooks) {
	t.Helper()
	sim := plaidsim.New(plaidsim.Config{ClientID: "client", Secret: markerPlaidSecret})
	api := httptest.NewServer(sim)
	p, h, _ := newPlaidWebhooks(t, "PLAID_API_URL="+api.URL)
	t.Cleanup(api.Close)
	hook := httptest.NewServer(h)
	t.Cleanup(hook.Close)
	sender := sim.Webhooks(plaidsim.WebhookConfig{})
	public := sim.Link(sim.AddLogin(plaidsim.LoginSpec{Transactions: 10}), []string{"transactions", "liabilities"}, hook.URL+"/")
	client := plaid.New(plaid.Options{API: api.URL, ClientID: "client", Secret: markerPlaidSecret})
	grant, err := client.Exchange(t.Context(), plaid.Secret(public))
	if err != nil {
		t.Fatal(err)
	}
	p.store.Connect(t, "onpoint", "plaid", grant.Item)
	return p, sim.Item(grant.Item), sender
}

// TestSimulatedPlaidWebhooks: what the simulator tells of is kept, each once for each time that it is signed.
func TestSimulatedPlaidWebhooks(t *testing.T) {
	p, bank, sender := simulated(t)
	for _, tt := range []struct {
		happens func()
		want    notice
	}{
		{func() { bank.RequireLogin("") }, notice{bank.ID(), "items", bank.ID(), "updated", "", "open"}},
		{bank.Repair, notice{bank.ID(), "items", bank.ID(), "mended", "", "open"}},
		{func() { bank.EndConsent(time.Now().Add(48 * time.Hour)) }, notice{bank.ID(), "items", bank.ID(), "ending", "", "open"}},
		{func() { bank.RevokeAccount(bank.AccountIDs()[0]) }, notice{bank.ID(), "accounts", bank.ID(), "updated", "", "open"}}, //nolint:errcheck // the notice tells
	} {
		if _, err := sender.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := len(p.notices())
		tt.happens()
		if _, err := sender.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := p.notices(); !slices.Contains(after, tt.want) || len(after) == before {
			t.Errorf("notices %v, want %v among them", after, tt.want)
		}
	}
	if stats := sender.Stats(); stats.Failures != 0 || stats.Deliveries < 4 || stats.Waiting != 0 || p.count(`SELECT count(*) FROM sync.notices WHERE outcome IS NULL`) != 4 {
		t.Errorf("the sender says %+v, notices %v", stats, p.notices())
	}
}
