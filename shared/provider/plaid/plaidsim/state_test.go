package plaidsim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// parse reads an object with its numbers as text.
func (g *rig) parse(raw []byte) (text string, v m) {
	g.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		g.Fatal(err)
	}
	return string(encoded(g, v)), v
}

// health gives item.error's code as /item/get tells it.
func (g *rig) health() string {
	g.Helper()
	item := g.want("", "/item/get", nil)["item"].(m)
	trouble, _ := item["error"].(m)
	code, _ := trouble["error_code"].(string)
	return code
}

func TestItemStates(t *testing.T) {
	for _, tt := range []struct {
		name   string
		do     func(*plaidsim.Item)
		health string // item.error
		sync   string // what sync says
		told   string
	}{
		{"good", func(*plaidsim.Item) {}, "", "", ""},
		{"login", func(it *plaidsim.Item) { it.RequireLogin("OAUTH_INVALID_TOKEN") }, "ITEM_LOGIN_REQUIRED", "ITEM_LOGIN_REQUIRED", "ITEM/ERROR"},
		{"password", func(it *plaidsim.Item) { it.Break("PASSWORD_RESET_REQUIRED", "") }, "PASSWORD_RESET_REQUIRED", "PASSWORD_RESET_REQUIRED", "ITEM/ERROR"},
		{"expired", func(it *plaidsim.Item) { it.ExpireConsent() }, "ITEM_LOGIN_REQUIRED", "ITEM_LOGIN_REQUIRED", "ITEM/ERROR"},
		{"repaired", func(it *plaidsim.Item) { it.RequireLogin(""); it.Repair() }, "", "", "ITEM/LOGIN_REPAIRED"},
		{"revoked", func(it *plaidsim.Item) { it.Revoke() }, "USER_PERMISSION_REVOKED", "USER_PERMISSION_REVOKED", "ITEM/USER_PERMISSION_REVOKED"},
		{"bank down", func(it *plaidsim.Item) { it.BankDown(true) }, "", "INSTITUTION_DOWN", ""},
		{"bank up", func(it *plaidsim.Item) { it.BankDown(true); it.BankDown(false) }, "", "", ""},
		{"consent ends", func(it *plaidsim.Item) { it.EndConsent(time.Date(2026, 6, 22, 0, 0, 0, 0, time.UTC)) }, "", "", "ITEM/PENDING_EXPIRATION"},
		{"bank ends", func(it *plaidsim.Item) { it.EndConnection("INSTITUTION_MIGRATION", time.Time{}) }, "", "", "ITEM/PENDING_DISCONNECT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 3})
			tt.do(g.it)
			if got := g.health(); got != tt.health {
				t.Errorf("item.error is %q, want %q", got, tt.health)
			}
			g.want(tt.sync, "/transactions/sync", nil)
			if tt.told != "" && g.sim.Stats().Told[tt.told] != 1 {
				t.Errorf("told %v, want %s", g.sim.Stats().Told, tt.told)
			}
		})
	}
}

// TestCached: with that knob a broken Item is answered from what Plaid has.
func TestCached(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true, Cached: true}, plaidsim.LoginSpec{Transactions: 3})
	g.it.RequireLogin("")
	if out := g.want("", "/transactions/sync", nil); len(out["added"].([]any)) != 3 {
		t.Error("what Plaid has is not told")
	}
	if item := g.want("", "/accounts/get", nil)["item"].(m); item["error"] == nil {
		t.Error("the embedded item hides its trouble")
	}
}

func TestTokens(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{})
	old := g.it.AccessToken()
	fresh := g.want("", "/item/access_token/invalidate", nil)["new_access_token"]
	if fresh != g.it.AccessToken() || fresh == old {
		t.Error("the token stayed the same")
	}
	if code, _ := g.call("/item/get", m{"access_token": old}); code != "INVALID_ACCESS_TOKEN" {
		t.Error("the old token answers", code)
	}
	g.want("", "/item/remove", nil)
	g.want("ITEM_NOT_FOUND", "/item/get", nil)
	if len(g.sim.Items()) != 0 || g.sim.Item(g.it.ID()) == nil {
		t.Error("a removed Item is among those that are billed, or forgotten")
	}
	public := g.sim.Link(g.it.Login(), []string{"transactions"}, "")
	g.wall.advance(30 * time.Minute)
	if code, _ := g.call("/item/public_token/exchange", m{"public_token": public}); code != "INVALID_PUBLIC_TOKEN" {
		t.Error("a public token of half an hour ago answers", code)
	}
	public = g.sim.Link(g.it.Login(), []string{"transactions"}, "")
	for _, want := range []string{"", "INVALID_PUBLIC_TOKEN"} {
		if code, _ := g.call("/item/public_token/exchange", m{"public_token": public}); code != want {
			t.Errorf("exchange: %q, want %q", code, want)
		}
	}
}

func TestAccounts(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 40})
	c := &replica{rows: map[string]string{}}
	g.settle(c)
	first := g.it.AccountIDs()[0]
	again := ok[string](g)(g.it.RekeyAccount(first))
	if got := g.it.AccountIDs(); slices.Contains(got, first) || got[0] != again {
		t.Errorf("re-keyed: %v", got)
	}
	out := g.want("", "/transactions/sync", m{"cursor": c.cursor, "count": 500})
	if len(out["added"].([]any)) == 0 || len(out["removed"].([]any)) != 0 {
		t.Error("the history of a re-keyed account is not added again, or told of as removed")
	}
	second := g.it.AccountIDs()[1]
	if err := g.it.CloseAccount(second, false); err != nil {
		t.Fatal(err)
	}
	fresh := &replica{rows: map[string]string{}}
	g.settle(fresh)
	g.agrees(fresh)
	if err := g.it.SetBalance(again, "", "-7.5", "0"); err != nil {
		t.Fatal(err)
	}
	accounts := g.want("", "/accounts/get", m{"options": m{"account_ids": []string{again}}})["accounts"].([]any)
	text, _ := g.parse(encoded(t, accounts[0].(m)["balances"]))
	if want := `{"available":null,"current":-7.5,"iso_currency_code":"USD","limit":0,"unofficial_currency_code":null}`; text != want {
		t.Errorf("balances %s", text)
	}
	if _, err := g.it.RekeyAccount(first); err == nil {
		t.Error("an account that is gone can be re-keyed")
	}
}

func TestLimits(t *testing.T) {
	g := newRig(t, plaidsim.Config{}, plaidsim.LoginSpec{Transactions: 3})
	for range 50 {
		g.want("", "/transactions/sync", nil)
	}
	w := served(g.sim, "/transactions/sync", encoded(t, m{"access_token": g.it.AccessToken()}))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "" {
		t.Errorf("the 51st call of a minute: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	g.want("TRANSACTIONS_SYNC_LIMIT", "/transactions/sync", nil)
	other := g.linked(g.it.Login(), "transactions")
	if code, _ := g.call("/transactions/sync", m{"access_token": other.AccessToken()}); code != "" {
		t.Error("another Item pays for it:", code)
	}
	for range 5 {
		g.want("", "/accounts/balance/get", nil)
	}
	g.want("ACCOUNTS_BALANCE_GET_LIMIT", "/accounts/balance/get", nil)
	g.wall.advance(time.Minute)
	g.want("", "/transactions/sync", nil)
	g.want("", "/accounts/balance/get", nil)
}

// TestClientLimit: calls without a cursor have a window of their own, over all Items.
func TestClientLimit(t *testing.T) {
	g := newRig(t, plaidsim.Config{}, plaidsim.LoginSpec{})
	items := []*plaidsim.Item{g.it}
	for range 10 {
		items = append(items, g.linked(g.it.Login(), "transactions"))
	}
	for i := range 500 {
		if code, _ := g.call("/transactions/sync", m{"access_token": items[i%11].AccessToken()}); code != "" {
			t.Fatal(i, code)
		}
	}
	code, _ := g.call("/transactions/sync", m{"access_token": items[10].AccessToken()})
	if now, _ := g.call("/transactions/sync", m{"access_token": items[10].AccessToken(), "cursor": "now"}); code != "TRANSACTIONS_SYNC_LIMIT" || now != "" {
		t.Errorf("from the start %q, from now %q", code, now)
	}
}

func TestFailures(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 3})
	server := httptest.NewServer(g.sim)
	defer server.Close()
	get := func() (status int, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/item/get", bytes.NewReader(encoded(t, m{"access_token": g.it.AccessToken()})))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]string{"Content-Type": "application/json", "PLAID-CLIENT-ID": appID, "PLAID-SECRET": appSecret} {
			r.Header.Set(name, v)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, ""
		}
		defer res.Body.Close()
		var b bytes.Buffer
		b.ReadFrom(res.Body)
		return res.StatusCode, b.String()
	}
	for code, want := range map[string]int{"INTERNAL_SERVER_ERROR": 500, "PLANNED_MAINTENANCE": 503, "ITEM_GET_LIMIT": 429, "INSTITUTION_DOWN": 400,
		plaidsim.HTML502: 502, plaidsim.Cut: 0, plaidsim.Lost: 0, plaidsim.Truncated: 200, plaidsim.Empty: 200} {
		g.sim.Fail("/item/get", 1, code)
		status, body := get()
		if status != want || status == 200 && json.Valid([]byte(body)) {
			t.Errorf("%s: %d %s, want %d", code, status, body, want)
		}
		if status, _ := get(); status != 200 || g.sim.Stats().Refused[code] != 1 {
			t.Errorf("after %s: %d", code, status)
		}
	}
	stop := g.sim.Fail("", -1, "INTERNAL_SERVER_ERROR")
	g.want("INTERNAL_SERVER_ERROR", "/item/get", nil)
	g.want("INTERNAL_SERVER_ERROR", "/accounts/get", nil)
	stop()
	g.want("", "/item/get", nil)
}

// TestSandbox: what Plaid's Sandbox has for tests.
func TestSandbox(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{})
	_, out := g.call("/sandbox/public_token/create", m{"institution_id": "ins_109509", "initial_products": []string{"transactions"},
		"options": m{"override_username": "user_transactions_dynamic", "override_password": "anything"}})
	g.it = g.sim.Item(exchanged(t, g.sim, out["public_token"].(string)))
	c := &replica{rows: map[string]string{}}
	g.settle(c)
	_, pending := g.transactions()
	g.want("", "/transactions/refresh", nil)
	_, now := g.transactions()
	if len(pending) == 0 || slices.ContainsFunc(now, func(id string) bool { return slices.Contains(pending, id) }) {
		t.Errorf("pending before %v, after a refresh %v", pending, now)
	}
	g.settle(c)
	g.agrees(c)
	one := m{"date_transacted": "2026-06-14", "date_posted": "2026-06-16", "amount": 12.50, "description": "Bagel"}
	g.want("", "/sandbox/transactions/create", m{"transactions": []any{one}})
	g.want("INVALID_FIELD", "/sandbox/transactions/create", m{"transactions": slices.Repeat([]any{one}, 11)})
	one["date_posted"] = "2026-06-01"
	g.want("INVALID_FIELD", "/sandbox/transactions/create", m{"transactions": []any{one}})
	if _, later := g.transactions(); len(later) != len(now)+1 {
		t.Error("what posts tomorrow is not pending")
	}
	g.want("", "/sandbox/item/reset_login", nil)
	if g.health() != "ITEM_LOGIN_REQUIRED" {
		t.Error("the login is still good")
	}
}

// TestSaved: a simulator that was started again goes on as if nothing had been.
func TestSaved(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true, NotReadyCalls: 1}, plaidsim.LoginSpec{Transactions: 40, Pending: 5})
	c := &replica{rows: map[string]string{}}
	g.settle(c)
	_, pending := g.transactions()
	ok[string](g)(g.it.Post(pending[0], plaidsim.PostSpec{Amount: "1.10"}))
	ok[string](g)(g.it.Add(plaidsim.TransactionSpec{Name: "new", Further: `{"x":[1.50]}`}))
	ok[string](g)(g.it.RekeyAccount(g.it.AccountIDs()[0]))
	ok[string](g)(g.it.OpenAccount(plaidsim.AccountSpec{Name: "Later"}, true))
	g.it.RequireLogin("OAUTH_INVALID_TOKEN")
	file, old := filepath.Join(t.TempDir(), "sim.json"), g.it
	if err := g.sim.Save(file); err != nil {
		t.Fatal(err)
	}
	g.sim = plaidsim.New(plaidsim.Config{ClientID: appID, Secret: appSecret, Now: g.wall.Now, NoLimits: true, NotReadyCalls: 1})
	if found, err := g.sim.Load(file); !found || err != nil {
		t.Fatal(found, err)
	}
	if g.it = g.sim.Item(old.ID()); g.it.AccessToken() != old.AccessToken() || g.health() != "ITEM_LOGIN_REQUIRED" {
		t.Error("the token or the trouble was lost")
	}
	for _, stream := range []string{"accounts", "transactions"} {
		before, after := slices.Collect(old.All(stream)), slices.Collect(g.it.All(stream))
		if !slices.EqualFunc(before, after, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Errorf("%s: %d rows before, %d after, or others", stream, len(before), len(after))
		}
	}
	g.it.Repair()
	changed := g.want("", "/transactions/sync", m{"cursor": c.cursor, "count": 500})
	if len(changed["added"].([]any)) == 0 {
		t.Error("the old cursor tells of nothing")
	}
	if found, err := g.sim.Load(filepath.Join(t.TempDir(), "none")); found || err != nil {
		t.Error("a file that is not there:", found, err)
	}
}
