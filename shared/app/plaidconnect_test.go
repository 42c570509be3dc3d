package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

func TestConnectBanks(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK, "Plaid is connected", "Bank login First Bank now belongs to OnPoint", "Its accounts and transactions are being copied")
	status, page = w.bank(w.bankLink("onpoint"), "Second Bank", "Checking 1111") // no -add is needed
	w.want(status, page, http.StatusOK, "Second Bank")
	status, page = w.bank(w.bankLink("powergen"), "First Bank", "Checking 0000") // the same real login: another Item
	w.want(status, page, http.StatusOK, "PowerGen")
	w.wantBanks("onpoint item-1 active", "onpoint item-2 active", "powergen item-3 active")
	for id := range org.ConnectionID(3) {
		if item := w.plaid.items[w.token(id+1)]; item == nil || item.ID != fmt.Sprintf("item-%d", id+1) || item.Webhook != hooks {
			t.Errorf("connection %d has the token of %+v", id+1, item)
		}
	}
	want := []org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Manual}, {Org: "onpoint", Connection: 2, Reason: org.Manual}, {Org: "powergen", Connection: 3, Reason: org.Manual}}
	if diff := cmp.Diff(want, w.ticks()); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	if n := w.count(`SELECT count(*) FROM sync.token_journal WHERE finished_at IS NULL OR outcome <> 'stored'`); n != 0 || w.count(`SELECT count(*) FROM sync.token_journal`) != 3 {
		t.Errorf("%d exchanges are not journaled as they went", n)
	}
}

// TestPlaidIsAsked: what Plaid is told of us, and nothing of anybody's name.
func TestPlaidIsAsked(t *testing.T) {
	w := newBanking(t)
	at, back := w.open(w.person(), w.bankLink("onpoint"))
	got := at.asked
	statements, _ := got["statements"].(map[string]any)
	if from, to := fmt.Sprint(statements["start_date"]), fmt.Sprint(statements["end_date"]); len(from) != 10 || len(to) != 10 || from >= to {
		t.Errorf("statements %v", statements)
	}
	delete(got, "statements")
	want := map[string]any{
		"client_name": "Countinghouse", "language": "en", "country_codes": []any{"US"}, "user": map[string]any{"client_user_id": "onpoint"},
		"products": []any{"transactions"}, "optional_products": []any{"liabilities", "statements"}, "transactions": map[string]any{"days_requested": 730.0},
		"webhook": hooks, "hosted_link": map[string]any{"completion_redirect_uri": back, "url_lifetime_seconds": 1800.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(back, w.server.URL+"/connect/plaid/callback?state=") {
		t.Errorf("people come back to %s", back)
	}
}

// TestBankThatCameToNothing: whoever cancels, or never comes back, leaves nothing behind.
func TestBankThatCameToNothing(t *testing.T) {
	w := newBanking(t)
	link := w.bankLink("onpoint")
	for _, tt := range []struct{ code, says string }{
		{"", "You left the bank&#39;s page before you were done"},
		{"ITEM_LOCKED", "The bank was not connected: the bank has locked the login"},
	} {
		b := w.person()
		at, back := w.open(b, link)
		w.plaid.leave(at, tt.code)
		status, page := w.back(b, back)
		w.want(status, page, http.StatusForbidden, tt.says)
		status, page = w.back(b, back)
		w.want(status, page, http.StatusConflict, "This sign-in is over")
	}
	b := w.person()
	at, back := w.open(b, link)
	status, page := w.back(b, back) // by the browser's back button
	w.want(status, page, http.StatusConflict, "Not finished yet", "Try again")
	w.wantBanks()
	if n := w.plaid.count("/item/public_token/exchange"); n != 0 || len(w.secrets.Secrets()) != 0 {
		t.Errorf("%d exchanges, secrets %v", n, w.secrets.Secrets())
	}
	w.plaid.approve(at, "First Bank", "Checking 0000")
	status, page = w.back(b, back)
	w.want(status, page, http.StatusOK, "is connected") // the state was still good

	// Plaid may not pass on what we put into its address.
	b = w.person()
	at, back = w.open(b, w.bankLink("onpoint"))
	w.plaid.approve(at, "Second Bank", "Checking 1111")
	status, page = w.back(b, bare(back))
	w.want(status, page, http.StatusOK, "Second Bank")
	w.wantBanks("onpoint item-1 active", "onpoint item-2 active")
}

// TestTwoTabs: one link is good for one bank, whichever tab comes first.
func TestTwoTabs(t *testing.T) {
	w := newBanking(t)
	link, b := w.bankLink("onpoint"), w.person()
	first, backFirst := w.open(b, link)
	second, backSecond := w.open(b, link)
	w.plaid.approve(first, "First Bank", "Checking 0000")
	w.plaid.approve(second, "Second Bank", "Checking 1111")
	status, page := w.back(b, bare(backSecond))
	w.want(status, page, http.StatusConflict, "open your link again in a private window")
	status, page = w.back(b, backSecond) // nothing was lost
	w.want(status, page, http.StatusOK, "Second Bank")
	status, page = w.back(b, backFirst)
	w.want(status, page, http.StatusConflict, "This link has been used")
	w.wantBanks("onpoint item-1 active")
	if n := w.plaid.count("/item/public_token/exchange"); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
}

func TestBankIsMended(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	token, item := w.token(1), w.plaid.item("item-1")
	mend := func() (int, string, map[string]any) {
		b := w.person()
		at, back := w.open(b, w.bankLink("onpoint", "-connection", "1"))
		w.plaid.approve(at, "")
		status, page := w.back(b, back)
		return status, page, at.asked
	}
	// It works: so there are new accounts to choose from.
	status, page, asked := mend()
	w.want(status, page, http.StatusOK, "Bank login First Bank now belongs")
	if diff := cmp.Diff(map[string]any{"account_selection_enabled": true}, asked["update"]); diff != "" || asked["access_token"] != token || asked["products"] != nil || asked["webhook"] != nil {
		t.Errorf("asked %v", asked)
	}

	w.exec(`UPDATE sync.connections SET state = 'needs_reauth', reason = 'sign in again'`)
	item.Trouble, item.Webhook = "ITEM_LOGIN_REQUIRED", "https://old.example.com"
	status, page, asked = mend()
	w.want(status, page, http.StatusForbidden, "The bank login does not work yet: the bank wants somebody to sign in again")
	w.wantBanks("onpoint item-1 needs_reauth")
	if asked["update"] != nil || item.Webhook != "https://old.example.com" {
		t.Errorf("asked %v, webhooks go to %s", asked, item.Webhook)
	}
	item.Trouble = "INSTITUTION_DOWN" // not the person's
	status, page, _ = mend()
	w.want(status, page, http.StatusOK)
	w.wantBanks("onpoint item-1 active")
	if item.Webhook != hooks || w.token(1) != token || w.plaid.count("/item/public_token/exchange") != 1 {
		t.Errorf("webhooks go to %s, the same token: %t", item.Webhook, w.token(1) == token)
	}
	w.plaid.refuse["/item/webhook/update"] = "INTERNAL_SERVER_ERROR"
	item.Webhook = ""
	status, page, _ = mend()
	w.want(status, page, http.StatusOK) // webhooks are not worth a failure
}

// TestSameBankTwice: a login that the organisation has is not paid for twice; one that is gone at Plaid
// is no reason against a new one.
func TestSameBankTwice(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000", "Saving 1111")
	w.want(status, page, http.StatusOK)
	w.exec(`INSERT INTO plaid.items (org_id, connection_id, id, institution_id, raw, digest, synced_at) VALUES ('onpoint', 1, 'item-1', 'ins_1', '{}', '', now())`)
	w.exec(`INSERT INTO plaid.accounts (org_id, connection_id, id, name, mask, raw, digest, synced_at) VALUES
		('onpoint', 1, 'x', 'Saving', '1111', '{}', '', now()), ('onpoint', 1, 'y', 'Checking', '0000', '{}', '', now())`)

	link := w.bankLink("onpoint")
	status, page = w.bank(link, "First Bank", "Checking 0000", "Saving 1111")
	w.want(status, page, http.StatusForbidden, "already connected, as connection 1", "the link that reconnects it")
	if n := w.plaid.count("/item/public_token/exchange"); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
	status, page = w.bank(link, "First Bank", "Checking 0000", "Loan 9999") // another choice of the same login's accounts
	w.want(status, page, http.StatusForbidden, "for a link that adds one")
	status, page = w.bank(w.bankLink("onpoint", "-add"), "First Bank", "Checking 0000") // somebody knows better
	w.want(status, page, http.StatusOK)
	w.exec(`UPDATE sync.connections SET shown = NULL, state = 'disconnected' WHERE account = 'item-2'`)
	status, page = w.bank(w.bankLink("onpoint"), "First Bank", "Saving 0000", "Checking 1111") // names alone, or masks, are no account
	w.want(status, page, http.StatusOK)
	w.exec(`UPDATE sync.connections SET state = 'disconnected' WHERE account = 'item-3'`)
	status, page = w.bank(w.bankLink("powergen"), "First Bank", "Checking 0000", "Saving 1111")
	w.want(status, page, http.StatusOK) // another organisation's are its own business

	w.exec(`UPDATE sync.connections SET state = 'needs_reauth' WHERE id = 1`)
	w.plaid.item("item-1").Removed = true // at my.plaid.com
	if status, page := w.read(http.Get(w.bankLink("onpoint", "-connection", "1"))); status != http.StatusForbidden || !strings.Contains(page, "Ask for a link that connects the bank anew") {
		t.Errorf("mend what is gone: %d %s", status, page)
	}
	status, page = w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000", "Saving 1111")
	w.want(status, page, http.StatusOK)
	w.wantBanks("onpoint item-1 needs_reauth", "onpoint item-2 disconnected", "onpoint item-3 disconnected", "powergen item-4 active", "onpoint item-5 active")
}

// TestSameBankAtOnce: what the person chose tells, as long as no sync has read the accounts.
func TestSameBankAtOnce(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000", "Cash ")
	w.want(status, page, http.StatusOK)
	for _, again := range []string{"Checking 0000", "Cash "} {
		status, page = w.bank(w.bankLink("onpoint"), "First Bank", "Loan 9999", again)
		w.want(status, page, http.StatusForbidden, "already connected, as connection 1")
	}
	w.exec(`INSERT INTO plaid.accounts (org_id, connection_id, id, name, mask, raw, digest, synced_at) VALUES ('onpoint', 1, 'x', 'Saving', '1111', '{}', '', now())`)
	status, page = w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000") // what has been read counts more
	w.want(status, page, http.StatusOK)
	w.wantBanks("onpoint item-1 active", "onpoint item-2 active")
}

// TestTimeAtTheBank: who comes back at the end of the page's life still has time to be served.
func TestTimeAtTheBank(t *testing.T) {
	w := newBanking(t)
	b := w.person()
	at, back := w.open(b, w.bankLink("onpoint"))
	w.plaid.approve(at, "First Bank", "Checking 0000")
	w.exec(`UPDATE sync.connect_states SET expires_at = expires_at - interval '45 min'`)
	status, page := w.back(b, back)
	w.want(status, page, http.StatusOK)
}

// TestItemOfAnotherOrganisation should be impossible; it leaves nothing that is billed.
func TestItemOfAnotherOrganisation(t *testing.T) {
	w := newBanking(t)
	w.store.Connect(t, "powergen", "plaid", "item-1")
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusForbidden, "attached to another organisation")
	w.wantBanks("powergen item-1 active")
	if !w.plaid.item("item-1").Removed {
		t.Error("the Item is not removed")
	}
}

func TestDisconnectBank(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	w.plaid.refuse["/item/remove"] = "INTERNAL_SERVER_ERROR"
	link := w.bankLink("onpoint", "-disconnect")
	status, page = w.disconnect(link)
	w.want(status, page, http.StatusServiceUnavailable, "Nothing was changed here")
	w.wantBanks("onpoint item-1 active")
	delete(w.plaid.refuse, "/item/remove")
	status, page = w.disconnect(link)
	w.want(status, page, http.StatusOK, "Plaid is disconnected", "Bank login First Bank is no longer read for OnPoint")
	w.wantBanks("onpoint item-1 disconnected")
	if !w.plaid.item("item-1").Removed {
		t.Error("the Item is not removed")
	}
	for _, name := range w.secrets.Secrets() {
		for _, v := range w.secrets.Versions(name) {
			if v.State != "DESTROYED" {
				t.Errorf("version %d of %s is %s", v.Number, name, v.State)
			}
		}
	}
	if status, page := w.read(http.Get(w.bankLink("onpoint", "-connection", "1"))); status != http.StatusForbidden || !strings.Contains(page, "connects the bank anew") {
		t.Errorf("mend what is disconnected: %d %s", status, page)
	}
	status, page = w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)

	w.plaid.item("item-2").Removed = true // by somebody else, at Plaid
	status, page = w.disconnect(w.bankLink("onpoint", "-disconnect", "-connection", "2"))
	w.want(status, page, http.StatusOK)
	w.wantBanks("onpoint item-1 disconnected", "onpoint item-2 disconnected")
}

// TestMemoIsSealed: what a sign-in is about opens only with the app's secret, and only as a memo.
func TestMemoIsSealed(t *testing.T) {
	w := newBanking(t)
	w.open(w.person(), w.bankLink("onpoint"))
	p := plaidConnect{banks: w.connect.banks}
	var memo []byte
	if err := w.store.Pool.QueryRow(t.Context(), `SELECT memo FROM sync.connect_states`).Scan(&memo); err != nil {
		t.Fatal(err)
	}
	if m, err := p.unseal(memo); err != nil || !strings.HasPrefix(m.Token, "link-sandbox-") || m.Org != "onpoint" || m.Mends != 0 {
		t.Errorf("%s of %s: %v", m.Item, m.Org, err)
	}
	memo[20] ^= 1
	for name, spoilt := range map[string][]byte{"changed": memo, "empty": {}, "none": nil} {
		if _, err := p.Return(t.Context(), spoilt, nil); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "Open your link again") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoBanksWithoutAnApp(t *testing.T) {
	w := newBanking(t)
	w.vars = append(w.vars, "PLAID_CLIENT_ID=", "PLAID_SECRET=")
	w.connect = w.build(Connect)
	if status, page := w.read(http.Get(w.bankLink("onpoint"))); status != http.StatusNotFound || !strings.Contains(page, "Unknown provider") {
		t.Errorf("%d %s", status, page)
	}
}
