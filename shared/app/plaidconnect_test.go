package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// banking is Connect beside a Plaid that is asked. When the test ends, no secret that was used may have
// been left anywhere.
type banking struct {
	*whole
	plaid   *fakePlaid
	connect ready
}

const hooks = "https://books.example.com/plaidwebhook"

func newBanking(t *testing.T) *banking {
	t.Helper()
	w := &banking{whole: &whole{place: newPlace(t), heard: newHeard()}}
	w.heard.keep("marker-body", markerBankSecret)
	w.plaid = newFakePlaid(t, w.heard)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.heard.serve(w.connect, rw, r) }))
	t.Cleanup(w.server.Close)
	w.vars = append(w.vars, "PUBLIC_URL="+w.server.URL, "PLAID_CLIENT_ID=bank-client", "PLAID_SECRET="+markerBankSecret,
		"PLAID_API_URL="+w.plaid.URL, "PLAID_OPTIONAL_PRODUCTS=liabilities,statements", "PLAID_WEBHOOK_URL="+hooks, "SYNC_MAX_RETRIES=0")
	if err := Migrate.Run(t.Context(), nil, w.asOwner(), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	w.restart()
	t.Cleanup(w.wantNoSecrets)
	return w
}

// restart is another process: empty memory.
func (w *banking) restart() {
	w.connect = w.build(Connect)
	w.connect.banks.vault.Patience = 100 * time.Millisecond
}

func (w *banking) bankLink(slug string, args ...string) string {
	w.Helper()
	var out, words bytes.Buffer
	if err := Link.Run(w.Context(), append([]string{"-org", slug, "-provider", "plaid"}, args...), w.vars, &out, &words); err != nil {
		w.Fatal(err)
	}
	link := strings.TrimSpace(out.String())
	w.heard.link(link)
	w.heard.said(words.String())
	return link
}

// person is a browser that shows redirects instead of following them, and does not repeat what it asked
// of a process that died.
func (w *banking) person() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// open opens a link; the person is at the bank then, and comes back to that address.
func (w *banking) open(b *http.Client, link string) (at *fakeLink, back string) {
	w.Helper()
	res, err := b.Get(link)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, w.plaid.URL+"/hosted/") {
		_, page := w.read(res, err)
		w.Fatalf("start: %d to %s: %s", res.StatusCode, to, page)
	}
	at = w.plaid.link()
	back = at.asked["hosted_link"].(map[string]any)["completion_redirect_uri"].(string)
	u, err := url.Parse(back)
	if err != nil {
		w.Fatal(err)
	}
	w.heard.keep(u.Query().Get("state"))
	for _, c := range res.Cookies() {
		state, browser, _ := strings.Cut(c.Value, ".")
		w.heard.keep(state, browser)
	}
	return at, back
}

// back is the person at the callback; it returns the page that tells the result.
func (w *banking) back(b *http.Client, address string) (int, string) {
	w.Helper()
	res, err := b.Get(address)
	if err != nil {
		return 0, err.Error() // the process has died
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		w.Fatalf("callback: %d", res.StatusCode)
	}
	return w.read(b.Get(res.Header.Get("Location")))
}

// bare is an address without its query.
func bare(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// bank connects a bank, from the link to the result.
func (w *banking) bank(link, name string, accounts ...string) (int, string) {
	w.Helper()
	b := w.person()
	at, back := w.open(b, link)
	w.plaid.approve(at, name, accounts...)
	return w.back(b, back)
}

func (w *banking) want(status int, page string, wantStatus int, says ...string) {
	w.Helper()
	_, page, _ = strings.Cut(page, "<main")
	for _, s := range says {
		if !strings.Contains(page, s) {
			w.Errorf("the page does not say %q: %s", s, page)
		}
	}
	if status != wantStatus {
		w.Errorf("status %d, want %d: %s", status, wantStatus, page)
	}
}

// wantBanks compares the connections of all organisations, as "org account state".
func (w *banking) wantBanks(want ...string) {
	w.Helper()
	rows, err := w.store.Pool.Query(w.Context(), `SELECT org_id || ' ' || account || ' ' || state FROM sync.connections ORDER BY id`)
	if err != nil {
		w.Fatal(err)
	}
	var got []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.Fatal(err)
		}
		got = append(got, s)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("connections (-want +got):\n%s", diff)
	}
}

func (w *banking) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.store.Pool.Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
}

// token returns what the vault has for a connection, as another process sees it.
func (w *banking) token(id org.ConnectionID) string {
	w.Helper()
	c, err := w.store.Connection(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	t, err := w.build(Connect).banks.vault.Current(w.Context(), c)
	if err != nil && !fault.Is(err, fault.NotFound) {
		w.Fatal(err)
	}
	return t.Access
}

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

// TestTokenOutOfReach: settings that point at another project give no login up.
func TestTokenOutOfReach(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	w.restart()
	w.connect.banks.vault.Secrets = elsewhere{w.connect.banks.vault.Secrets}
	status, page = w.read(http.Get(w.bankLink("onpoint", "-connection", "1")))
	w.want(status, page, http.StatusServiceUnavailable, "Nothing was changed")
	status, page = w.disconnect(w.bankLink("onpoint", "-disconnect"))
	w.want(status, page, http.StatusServiceUnavailable, "Nothing was changed here")
	status, page = w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusForbidden, "already connected")
	w.wantBanks("onpoint item-1 active")
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE secret_version IS NOT NULL`); n != 1 || w.plaid.item("item-1").Removed {
		t.Errorf("%d connections know their token", n)
	}
}

// elsewhere is another project's secrets.
type elsewhere struct{ vault.Secrets }

func (e elsewhere) Get(ctx context.Context, secret string, version int64) ([]byte, error) {
	return e.Secrets.Get(ctx, secret+"-elsewhere", version)
}

func (e elsewhere) Above(ctx context.Context, secret string, version int64) ([]int64, error) {
	return e.Secrets.Above(ctx, secret+"-elsewhere", version)
}

func (e elsewhere) DestroyUpTo(ctx context.Context, secret string, version int64) error {
	return e.Secrets.DestroyUpTo(ctx, secret+"-elsewhere", version)
}

// TestMendWhatNeverWas: an attempt that died is no bank to sign in to again.
func TestMendWhatNeverWas(t *testing.T) {
	w := newBanking(t)
	v := w.connect.banks.vault
	d := dying{v.Ledger, v.Secrets, "before activating"}
	v.Ledger, v.Secrets = d, d
	w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.restart()
	status, page := w.read(http.Get(w.bankLink("onpoint", "-connection", "1")))
	w.want(status, page, http.StatusForbidden, "never connected", "Ask for a link that connects the bank")
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

func TestExchangeFails(t *testing.T) {
	w := newBanking(t)
	w.plaid.refuse["/item/public_token/exchange"] = "RATE_LIMIT_EXCEEDED"
	link := w.bankLink("onpoint")
	status, page := w.bank(link, "First Bank", "Checking 0000")
	w.want(status, page, http.StatusServiceUnavailable, "Not now")
	w.wantBanks()
	delete(w.plaid.refuse, "/item/public_token/exchange")
	status, page = w.bank(link, "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	w.plaid.refuse["/link/token/create"] = "INVALID_API_KEYS"
	status, page = w.read(http.Get(w.bankLink("onpoint")))
	w.want(status, page, http.StatusForbidden, "check PLAID_CLIENT_ID and PLAID_SECRET")
}

// TestExchangeWithoutAnswer: Plaid may have made an Item then, and bills it. That is never forgotten,
// also when it was asked again and had the sign-in used up.
func TestExchangeWithoutAnswer(t *testing.T) {
	for name, retries := range map[string]string{"once": "0", "asked again": "3"} {
		t.Run(name, func(t *testing.T) {
			w := newBanking(t)
			w.vars = append(w.vars, "SYNC_MAX_RETRIES="+retries, "SYNC_RETRY_DELAY=1ms")
			w.restart()
			answers := 0
			w.plaid.leaving = func(path string) {
				if path == "/item/public_token/exchange" {
					if answers++; answers == 1 {
						panic(http.ErrAbortHandler)
					}
				}
			}
			status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
			w.want(status, page, http.StatusServiceUnavailable, "Plaid has your consent", "Your link still works")
			if strings.Contains(page, "Nothing was changed") {
				t.Errorf("the page says %s", page)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections AS c JOIN sync.token_journal AS j ON j.connection_id = c.id AND j.finished_at IS NULL
				WHERE c.state = 'disconnected' AND c.reason LIKE '%The provider may keep a login%'`); n != 1 || len(w.told("exchange_lost")) != 1 {
				t.Errorf("%d connections and %d lines of the log tell of the Item", n, len(w.told("exchange_lost")))
			}
		})
	}
}

// TestTokenThatCannotBeStored: first the vault parks it; when it cannot do that either, the Item goes.
func TestTokenThatCannotBeStored(t *testing.T) {
	w := newBanking(t)
	w.secrets.Down(true)
	link := w.bankLink("onpoint")
	status, page := w.bank(link, "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	if w.plaid.items[w.token(1)] == nil {
		t.Error("the parked token is not the Item's")
	}
	if held := w.columns(); !strings.Contains(held["sync.token_journal.outcome"], "parked") || len(w.heard.secrets) < 12 {
		t.Errorf("only %d secrets were overheard, or nothing was parked", len(w.heard.secrets)) // so looking for them shows little
	}
	w.connect.banks.vault.Ledger = without{w.connect.banks.vault.Ledger}
	link = w.bankLink("onpoint")
	status, page = w.bank(link, "Second Bank", "Checking 1111")
	w.want(status, page, http.StatusServiceUnavailable)
	w.wantBanks("onpoint item-1 active")
	if !w.plaid.item("item-2").Removed {
		t.Error("an Item without a token goes on being billed")
	}
	w.plaid.refuse["/item/remove"] = "INTERNAL_SERVER_ERROR"
	status, page = w.bank(link, "Third Bank", "Checking 2222")
	w.want(status, page, http.StatusServiceUnavailable)
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'connecting'`); n != 1 {
		t.Errorf("%d connections are left to the job", n)
	}
	w.secrets.Down(false)
	w.clear() // it finds no token
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'disconnected' AND reason LIKE '%The provider may keep a login%'`); n != 1 || !strings.Contains(w.logs.String(), `"item":"item-3"`) {
		t.Errorf("%d connections tell of the Item that is left", n)
	}
}

// without is a ledger in which no token can be parked.
type without struct{ vault.Ledger }

func (without) Park(context.Context, org.Lease, []byte, time.Time) error {
	return fault.New(fault.Unavailable, "the database is out of order")
}

// dying is a vault's surroundings in which the process dies at one point.
type dying struct {
	vault.Ledger
	vault.Secrets
	at string
}

func (d dying) die(at string) {
	if d.at == at {
		panic(http.ErrAbortHandler)
	}
}

func (d dying) Add(ctx context.Context, secret string, payload []byte) (int64, error) {
	d.die("before storing")
	version, err := d.Secrets.Add(ctx, secret, payload)
	d.die("before noting")
	return version, err
}

func (d dying) Settle(ctx context.Context, l org.Lease, version int64, expires time.Time) error {
	err := d.Ledger.Settle(ctx, l, version, expires)
	d.die("before activating")
	return err
}

// clear is what jobs/daily does about attempts to connect.
func (w *banking) clear() {
	w.Helper()
	j := w.job(jobOptions{})
	j.banks.vault.Patience = 100 * time.Millisecond
	if _, err := j.clear(w.Context()); err != nil {
		w.Errorf("clear: %v", err)
	}
}

// TestKilledWhileConnecting: what a process leaves that dies with a token in its hands is ended by the
// job, whether or not the person has tried again. Only a token that nobody stored cannot be helped: that is told.
func TestKilledWhileConnecting(t *testing.T) {
	for _, tt := range []struct {
		at      string
		removed bool
		left    string
	}{
		{"before storing", false, "disconnected connecting was not finished: a token was asked for, and its answer is lost"},
		{"before noting", true, ""},
		{"before activating", true, ""},
	} {
		t.Run(tt.at, func(t *testing.T) {
			w := newBanking(t)
			v := w.connect.banks.vault
			d := dying{v.Ledger, v.Secrets, tt.at}
			v.Ledger, v.Secrets = d, d
			link := w.bankLink("onpoint")
			if status, page := w.bank(link, "First Bank", "Checking 0000"); status != 0 {
				t.Fatalf("it did not die: %d %s", status, page)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'connecting' AND connected_at IS NULL`); n != 1 {
				t.Fatalf("%d connections", n)
			}
			w.restart()
			status, page := w.bank(link, "First Bank", "Checking 0000") // at once, as people do
			w.want(status, page, http.StatusOK)
			w.exec(`UPDATE sync.connections SET lease_until = now() - interval '1 s' WHERE state = 'connecting'`)
			w.clear()
			if got := w.plaid.item("item-1").Removed; got != tt.removed {
				t.Errorf("the Item was removed: %t", got)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections WHERE account = 'item-2' AND state = 'active'`); n != 1 {
				t.Error("the second try is not active")
			}
			if n := w.count(`SELECT count(*) FROM sync.connections WHERE account <> 'item-2' AND starts_with(state || ' ' || reason, $1)`, tt.left); (n == 1) != (tt.left != "") {
				t.Errorf("%d connections are left that say %q", n, tt.left)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections`); (n == 1) != (tt.left == "") {
				t.Errorf("%d connections", n)
			}
		})
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
