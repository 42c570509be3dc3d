package plaidsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// TestWebhooksAreGenuine: our verifier believes each of them, and the bodies look as Plaid's do.
func TestWebhooksAreGenuine(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	h.happenings()
	h.deliver()
	verifier := plaid.NewVerifier(h.client.WebhookKey, h.wall.Now)
	for i, body := range h.hook.bodies {
		signed, err := verifier.Verify(t.Context(), body, h.hook.heads[i].Get(plaid.WebhookSignature))
		if err != nil || !signed.Issued.Equal(h.wall.Now().Truncate(time.Second)) {
			t.Errorf("%s: %v, issued %v", body, err, signed.Issued)
		}
		if !strings.HasPrefix(string(body), "{\n  \"") || h.hook.heads[i].Get("Content-Type") != "application/json" {
			t.Errorf("%s with %v", body, h.hook.heads[i])
		}
		w, err := plaid.ParseWebhook(body)
		if err != nil || w.Item != h.bank.ID() || w.Environment != "sandbox" {
			t.Errorf("%+v, %v", w, err)
		}
	}
	if st := h.hooks.Stats(); st.Told != len(h.hook.bodies) || st.Deliveries != st.Told || st.Waiting != 0 || !st.OldestWaiting.IsZero() {
		t.Errorf("%+v", st)
	}
	if n := h.sim.Stats().Calls["/webhook_verification_key/get"]; n != 1 {
		t.Errorf("%d look-ups of one key", n)
	}
}

// happenings is a bit of everything that Plaid tells of.
func (h *house) happenings() {
	h.Helper()
	if _, err := h.item.Sync(h.Context(), "", 500); err != nil {
		h.Fatal(err)
	}
	pending, err := h.bank.Pend(plaidsim.TransactionSpec{Amount: "12.30"})
	h.must(err)
	_, err = h.bank.Post(pending, plaidsim.PostSpec{})
	h.must(err)
	h.bank.RequireLogin("OAUTH_INVALID_TOKEN")
	h.bank.Repair()
	h.bank.EndConsent(h.wall.Now().AddDate(0, 0, 7))
	h.bank.EndConnection("INSTITUTION_MIGRATION", h.wall.Now().AddDate(0, 0, 7))
	_, err = h.bank.OpenAccount(plaidsim.AccountSpec{Type: "depository", Subtype: "checking", Name: "New"}, true)
	h.must(err)
	_, err = h.bank.NextStatement(h.account("credit"))
	h.must(err)
	h.must(h.bank.Price(h.bank.Security("AAPL"), "212"))
	_, err = h.bank.Trade(plaidsim.TradeSpec{Account: h.account("investment"), Security: h.bank.Security("AAPL"), Quantity: "1", Price: "212", Name: "x"})
	h.must(err)
	_, err = h.bank.AddStatement(h.account("depository"), 2026, 5)
	h.must(err)
	_, err = h.bank.AddRecurring(plaidsim.RecurringSpec{Account: h.account("credit"), Amount: "9.99", Description: "Gym", Frequency: "MONTHLY", Times: 3})
	h.must(err)
	h.must(h.item.UpdateWebhook(h.Context(), h.hook.url))
	h.must(h.bank.RevokeAccount(h.account("credit")))
	h.bank.Revoke()
}

// TestToldInOrder: what happened is told of, in its order, by the right codes.
func TestToldInOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	h.happenings()
	h.deliver()
	want := []string{
		"TRANSACTIONS/INITIAL_UPDATE", "TRANSACTIONS/HISTORICAL_UPDATE",
		"TRANSACTIONS/SYNC_UPDATES_AVAILABLE", "TRANSACTIONS/DEFAULT_UPDATE", // pending
		"TRANSACTIONS/SYNC_UPDATES_AVAILABLE", "TRANSACTIONS/DEFAULT_UPDATE", "TRANSACTIONS/TRANSACTIONS_REMOVED", // posted
		"ITEM/ERROR", "ITEM/LOGIN_REPAIRED", "ITEM/PENDING_EXPIRATION", "ITEM/PENDING_DISCONNECT", "ITEM/NEW_ACCOUNTS_AVAILABLE",
		"LIABILITIES/DEFAULT_UPDATE", "HOLDINGS/DEFAULT_UPDATE", "HOLDINGS/DEFAULT_UPDATE", "INVESTMENTS_TRANSACTIONS/DEFAULT_UPDATE",
		"STATEMENTS/STATEMENTS_REFRESH_COMPLETE", "TRANSACTIONS/RECURRING_TRANSACTIONS_UPDATE",
		"ITEM/WEBHOOK_UPDATE_ACKNOWLEDGED", "ITEM/USER_ACCOUNT_REVOKED", "ITEM/USER_PERMISSION_REVOKED",
	}
	if diff := cmp.Diff(want, h.hook.codes(t)); diff != "" {
		t.Errorf("told of (-want +got):\n%s", diff)
	}
}

// TestNobodyToTell: without an address nothing is sent, and it is counted.
func TestNobodyToTell(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	h.deliver()
	before := len(h.hook.bodies)
	h.must(h.item.UpdateWebhook(t.Context(), ""))
	h.bank.RequireLogin("")
	h.deliver()
	if st := h.hooks.Stats(); len(h.hook.bodies) != before || st.Silent != 1 || st.Codes["ITEM/ERROR"] != 1 {
		t.Errorf("%d heard, %+v", len(h.hook.bodies)-before, st)
	}
}

// TestRetries is Plaid's schedule: 30 s, and four times as long each time, for a day; nothing waits
// behind what is retried.
func TestRetries(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	h.deliver()
	h.hook.bodies, h.hook.heads = nil, nil
	statuses := []int{500, 302, 404, 202, 401, 503, 500, 200}
	h.hook.answer = func(n int) int { return statuses[min(n, len(statuses))-1] }
	h.bank.RequireLogin("")
	if rep := h.deliver(); rep.Failed != 1 || rep.Accepted != 0 {
		t.Fatalf("%+v", rep)
	}
	for i, wait := range []time.Duration{30 * time.Second, 2 * time.Minute, 8 * time.Minute, 32 * time.Minute, 128 * time.Minute, 512 * time.Minute} {
		if rep := h.deliver(); rep.Next != h.wall.Now().Add(wait) || len(h.hook.bodies) != i+1 {
			t.Fatalf("attempt %d: %+v, want the next in %v", i+1, rep, wait)
		}
		h.wall.advance(wait - time.Second)
		h.deliver()
		if len(h.hook.bodies) != i+1 {
			t.Fatalf("attempt %d came early", i+2)
		}
		h.wall.advance(time.Second)
		h.deliver()
	}
	st := h.hooks.Stats()
	if len(h.hook.bodies) != 7 || st.GivenUp != 1 || st.Waiting != 0 {
		t.Errorf("%d attempts, %+v", len(h.hook.bodies), st)
	}
	h.bank.Repair()
	if h.deliver(); !slices.Equal(h.hook.codes(t)[6:], []string{"ITEM/ERROR", "ITEM/LOGIN_REPAIRED"}) {
		t.Errorf("heard %v", h.hook.codes(t))
	}
}

// TestNothingWaitsBehindARetry: a later webhook is sent while an earlier one is retried.
func TestNothingWaitsBehindARetry(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{Factor: 60})
	h.deliver()
	first := len(h.hook.bodies) + 1
	h.hook.answer = func(n int) int { return map[bool]int{true: 500, false: 200}[n == first] }
	h.bank.RequireLogin("")
	h.bank.Repair()
	if rep := h.deliver(); rep.Failed != 1 || rep.Accepted != 1 || rep.Next != h.wall.Now().Add(time.Second/2) {
		t.Errorf("%+v", rep)
	}
	h.wall.advance(time.Second / 2)
	h.deliver()
	if got := h.hook.codes(t)[first-1:]; !slices.Equal(got, []string{"ITEM/ERROR", "ITEM/LOGIN_REPAIRED", "ITEM/ERROR"}) {
		t.Errorf("heard %v", got)
	}
}

// TestEndpointThatRefusesAll gets no retries, once there is enough to judge by.
func TestEndpointThatRefusesAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{}, func(spec *plaidsim.LoginSpec) { spec.Transactions = 0 })
	h.hook.answer = func(int) int { return 500 }
	for range 40 {
		h.bank.RequireLogin("")
	}
	h.deliver()
	if st := h.hooks.Stats(); st.GivenUp < 20 || st.Waiting > 20 {
		t.Errorf("%+v", st)
	}
	h.hook.answer = nil
	h.wall.advance(25 * time.Hour)
	h.deliver()
	h.hook.answer = func(int) int { return 500 }
	h.bank.RequireLogin("")
	h.deliver()
	if st := h.hooks.Stats(); st.Waiting != 1 {
		t.Errorf("what is a day old is held against the endpoint: %+v", st)
	}
}

// TestSignedAfresh: each attempt has a token of its own, unless that is switched off.
func TestSignedAfresh(t *testing.T) {
	t.Parallel()
	for _, same := range []bool{false, true} {
		h := newHouse(t, plaidsim.WebhookConfig{SameToken: same})
		h.deliver()
		h.hook.bodies, h.hook.heads = nil, nil
		h.hook.answer = func(n int) int { return []int{500, 500, 200}[n-1] }
		h.bank.RequireLogin("")
		for range 3 {
			h.deliver()
			h.wall.advance(10 * time.Minute)
		}
		verifier := plaid.NewVerifier(h.client.WebhookKey, h.wall.Now)
		h.wall.advance(-10 * time.Minute)
		last := len(h.hook.bodies) - 1
		_, err := verifier.Verify(t.Context(), h.hook.bodies[last], h.hook.heads[last].Get(plaid.WebhookSignature))
		if last != 2 || (err != nil) != same {
			t.Errorf("same %t: after %d attempts: %v", same, last+1, err)
		}
	}
}

// TestTampering: our verifier refuses whatever is wrong, and believes the genuine attempt that comes after it.
func TestTampering(t *testing.T) {
	t.Parallel()
	for _, how := range plaidsim.Tamperings() {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plaidsim.WebhookConfig{})
			h.deliver()
			h.hook.bodies, h.hook.heads = nil, nil
			h.hook.answer = func(int) int { return 401 }
			h.hooks.Inject(plaidsim.WebhookFaults{Tamper: how})
			h.bank.RequireLogin("")
			h.deliver()
			h.hooks.Inject(plaidsim.WebhookFaults{})
			h.wall.advance(time.Minute)
			h.deliver()
			verifier := plaid.NewVerifier(h.client.WebhookKey, h.wall.Now)
			_, wrong := verifier.Verify(t.Context(), h.hook.bodies[0], h.hook.heads[0].Get(plaid.WebhookSignature))
			_, right := verifier.Verify(t.Context(), h.hook.bodies[1], h.hook.heads[1].Get(plaid.WebhookSignature))
			if (wrong == nil) != (how == plaidsim.OtherEnvironment) || right != nil {
				t.Errorf("tampered: %v; genuine: %v", wrong, right)
			}
			if again, err := plaid.ParseWebhook(h.hook.bodies[1]); err != nil || again.Item != h.bank.ID() || again.Environment != "sandbox" {
				t.Errorf("what comes after it: %+v, %v", again, err)
			}
			w, err := plaid.ParseWebhook(h.hook.bodies[0])
			if changed := w.Item != h.bank.ID(); changed != (how == plaidsim.ChangedBody) {
				t.Errorf("about Item %s", w.Item)
			}
			if want := map[bool]string{true: "production", false: "sandbox"}[how == plaidsim.OtherEnvironment]; err != nil || w.Environment != want {
				t.Errorf("environment %q, %v", w.Environment, err)
			}
			if st := h.hooks.Stats(); st.Tampered != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// TestSomeAreTampered: one attempt in three is wrong, and what was refused comes again.
func TestSomeAreTampered(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{}, func(spec *plaidsim.LoginSpec) { spec.Transactions = 0 })
	h.deliver()
	verifier := plaid.NewVerifier(h.client.WebhookKey, h.wall.Now)
	genuine := 0
	h.hook.answer = func(n int) int {
		if _, err := verifier.Verify(t.Context(), h.hook.bodies[n-1], h.hook.heads[n-1].Get(plaid.WebhookSignature)); err != nil {
			return http.StatusUnauthorized
		}
		genuine++
		return http.StatusOK
	}
	h.hooks.Inject(plaidsim.WebhookFaults{Tamper: plaidsim.ChangedBody, TamperEvery: 3})
	for range 9 {
		h.bank.RequireLogin("")
	}
	for rep := h.deliver(); !rep.Next.IsZero(); rep = h.deliver() {
		h.wall.advance(rep.Next.Sub(h.wall.Now()))
	}
	if st := h.hooks.Stats(); genuine != 9 || st.Tampered != st.Failures || st.Tampered < 3 || st.GivenUp != 0 {
		t.Errorf("%d genuine, %+v", genuine, st)
	}
}

// TestFaults: webhooks are delayed, doubled, lost and shuffled, and always the same for one seed.
func TestFaults(t *testing.T) {
	t.Parallel()
	run := func(f plaidsim.WebhookFaults) ([]string, plaidsim.WebhookStats) {
		h := newHouse(t, plaidsim.WebhookConfig{}, func(spec *plaidsim.LoginSpec) { spec.Transactions = 0 })
		h.deliver()
		h.hook.bodies = nil
		h.hooks.Inject(f)
		for i := range 60 {
			h.bank.EndConnection("INSTITUTION_MIGRATION", h.wall.Now().Add(time.Duration(i)*time.Hour))
		}
		h.deliver()
		soon := len(h.hook.bodies)
		h.wall.advance(time.Hour)
		h.deliver()
		var all []string
		for _, b := range h.hook.bodies {
			var said struct{ Disconnect_time string } //nolint:revive // Plaid's name
			h.must(json.Unmarshal(b, &said))
			all = append(all, said.Disconnect_time)
		}
		if f.Delay > 0 && soon > 0 {
			t.Errorf("%d webhooks came at once", soon)
		}
		return all, h.hooks.Stats()
	}
	plain, _ := run(plaidsim.WebhookFaults{Delay: time.Minute})
	if len(plain) != 60 || distinct(plain) != 60 {
		t.Fatalf("%d webhooks, %d of them distinct", len(plain), distinct(plain))
	}
	if all, st := run(plaidsim.WebhookFaults{DuplicateEvery: 3, DuplicateAfter: time.Minute}); len(all) != 80 || distinct(all) != 60 || st.Duplicates != 20 {
		t.Errorf("%d webhooks, %d distinct, %+v", len(all), distinct(all), st)
	}
	if all, st := run(plaidsim.WebhookFaults{LosePerMille: 250, Seed: 3}); len(all)+st.Lost != 60 || st.Lost < 5 || st.Lost > 30 {
		t.Errorf("%d webhooks of 60, %+v", len(all), st)
	}
	if all, st := run(plaidsim.WebhookFaults{LoseEvery: 10}); len(all) != 54 || st.Lost != 6 {
		t.Errorf("%d webhooks of 60, %+v", len(all), st)
	}
	mixed, _ := run(plaidsim.WebhookFaults{Reorder: 4, Seed: 1})
	again, _ := run(plaidsim.WebhookFaults{Reorder: 4, Seed: 1})
	if slices.Equal(mixed, plain) || distinct(mixed) != 60 || !slices.Equal(mixed, again) {
		t.Error("the order is the right one, or another each time")
	}
	for i, one := range mixed {
		if place := slices.Index(plain, one); place-i > 4 {
			t.Errorf("webhook %d overtook %d others", place, place-i)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSlowEndpoint: ten seconds, and not one more; Run goes on by itself.
func TestSlowEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := plaidsim.New(plaidsim.Config{ClientID: appID, Secret: appSecret})
		public := sim.Link(sim.AddLogin(plaidsim.LoginSpec{}), []string{"liabilities"}, "http://app.example/hook")
		grant, err := plaid.New(plaid.Options{API: "http://plaid", ClientID: appID, Secret: appSecret, HTTP: inside(sim)}).Exchange(t.Context(), plaid.Secret(public))
		if err != nil {
			t.Fatal(err)
		}
		bank := sim.Item(grant.Item)
		heard := make(chan time.Time, 2)
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			heard <- time.Now()
			if len(heard) == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})}
		var delivered []plaidsim.Webhook
		hooks := sim.Webhooks(plaidsim.WebhookConfig{Client: client, OnDelivered: func(w plaidsim.Webhook, _ time.Time) { delivered = append(delivered, w) }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		bank.RequireLogin("")
		if err := hooks.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if first, second := <-heard, <-heard; second.Sub(first) != 40*time.Second {
			t.Errorf("the second attempt came after %v, not ten seconds and thirty", second.Sub(first))
		}
		if len(delivered) != 1 || delivered[0].Code != "ERROR" || delivered[0].Item != bank.ID() {
			t.Errorf("%+v", delivered)
		}
	})
}

// inside is a client that reaches a server without a network.
func inside(server http.Handler) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w.Result(), nil
	})}
}

// TestLinkIsTold: what becomes of a Link session goes to the address of its link token, with what is
// needed to go on, and it is signed as all is.
func TestLinkIsTold(t *testing.T) {
	t.Parallel()
	h, link := newHouse(t, plaidsim.WebhookConfig{}), newEar(t)
	h.deliver()
	for _, leave := range []bool{false, true} {
		token, err := h.client.LinkToken(t.Context(), plaid.LinkRequest{ClientName: "Countinghouse", Language: "en", Countries: []string{"US"}, User: "org-1",
			Products: []string{"transactions"}, Webhook: link.url, Hosted: &plaid.Hosted{}})
		h.must(err)
		if leave {
			_, err = h.sim.Cancel(token.HostedURL)
		} else {
			_, err = h.sim.Approve(token.HostedURL, h.bank.Login())
		}
		h.must(err)
	}
	h.deliver()
	verifier := plaid.NewVerifier(h.client.WebhookKey, h.wall.Now)
	var told []string
	for i, body := range link.bodies {
		if _, err := verifier.Verify(t.Context(), body, link.heads[i].Get(plaid.WebhookSignature)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		var said struct {
			Code   string   `json:"webhook_code"`
			Status string   `json:"status"`
			Item   string   `json:"item_id"`
			Tokens []string `json:"public_tokens"`
		}
		h.decode(body, &said)
		if said.Item == "" && strings.HasPrefix(said.Code, "SESSION") {
			told = append(told, fmt.Sprint(said.Status, len(said.Tokens)))
		}
	}
	if diff := cmp.Diff([]string{"SUCCESS1", "EXITED0"}, told); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
}
