package plaidsim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// wish is a good request for a hosted session; edit changes it.
func wish(edit ...m) m {
	body := m{"client_name": "Countinghouse", "language": "en", "country_codes": []string{"US"}, "user": m{"client_user_id": "onpoint"},
		"products": []string{"transactions"}, "webhook": "http://127.0.0.1/hook", "hosted_link": m{"completion_redirect_uri": "http://127.0.0.1/back?state=1"}}
	for _, e := range edit {
		for name, v := range e {
			if body[name] = v; v == nil {
				delete(body, name)
			}
		}
	}
	return body
}

func TestLinkTokenCreate(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{})
	token := g.it.AccessToken()
	for _, tt := range []struct {
		name, code string
		body       m
	}{
		{"good", "", wish()},
		{"long name", "INVALID_FIELD", wish(m{"client_name": strings.Repeat("x", 31)})},
		{"unknown language", "INVALID_FIELD", wish(m{"language": "jp"})},
		{"country without banks", "INVALID_FIELD", wish(m{"country_codes": []string{"JP"}})},
		{"no country", "INVALID_FIELD", wish(m{"country_codes": []string{}})},
		{"nobody", "MISSING_FIELDS", wish(m{"user": nil})},
		{"user without id", "MISSING_FIELDS", wish(m{"user": m{"legal_name": "x"}})},
		{"no products", "MISSING_FIELDS", wish(m{"products": nil})},
		{"only optional products", "MISSING_FIELDS", wish(m{"products": nil, "optional_products": []string{"liabilities"}})},
		{"unknown product", "INVALID_FIELD", wish(m{"products": []string{"gold"}})},
		{"balance", "INVALID_PRODUCTS", wish(m{"products": []string{"balance", "transactions"}})},
		{"the add-on", "INVALID_PRODUCTS", wish(m{"products": []string{"transactions", "recurring_transactions"}})},
		{"the add-on where it is offered", "INVALID_PRODUCTS", wish(m{"optional_products": []string{"recurring_transactions"}})},
		{"the add-on if supported", "INVALID_PRODUCTS", wish(m{"required_if_supported_products": []string{"recurring_transactions"}})},
		{"the add-on agreed to", "INVALID_PRODUCTS", wish(m{"additional_consented_products": []string{"recurring_transactions"}})},
		{"statements agreed to", "INVALID_PRODUCTS", wish(m{"additional_consented_products": []string{"statements"}, "statements": m{"start_date": "2025-01-01", "end_date": "2026-06-01"}})},
		{"overlap", "INVALID_PRODUCTS", wish(m{"additional_consented_products": []string{"transactions"}})},
		{"overlap of optional ones", "INVALID_PRODUCTS", wish(m{"optional_products": []string{"liabilities"}, "additional_consented_products": []string{"liabilities"}})},
		{"statements without their span", "MISSING_FIELDS", wish(m{"optional_products": []string{"statements"}})},
		{"statements", "", wish(m{"optional_products": []string{"statements"}, "statements": m{"start_date": "2025-01-01", "end_date": "2026-06-01"}})},
		{"statements of long ago", "INVALID_FIELD", wish(m{"optional_products": []string{"statements"}, "statements": m{"start_date": "2024-01-01", "end_date": "2026-06-01"}})},
		{"span without statements", "INVALID_FIELD", wish(m{"statements": m{"start_date": "2025-01-01", "end_date": "2026-06-01"}})},
		{"too many days", "INVALID_FIELD", wish(m{"transactions": m{"days_requested": 731}})},
		{"days", "", wish(m{"transactions": m{"days_requested": 730}})},
		{"webhook that is none", "INVALID_FIELD", wish(m{"webhook": "hook"})},
		{"redirect with a query", "INVALID_FIELD", wish(m{"redirect_uri": "http://127.0.0.1/oauth?x=1"})},
		{"redirect elsewhere", "INVALID_FIELD", wish(m{"redirect_uri": "https://example.com/oauth"})},
		{"redirect here", "", wish(m{"redirect_uri": "http://localhost:8080/oauth"})},
		{"redirect and Android", "INVALID_FIELD", wish(m{"redirect_uri": "http://localhost/oauth", "android_package_name": "x"})},
		{"back elsewhere", "INVALID_FIELD", wish(m{"hosted_link": m{"completion_redirect_uri": "https://example.com/"}})},
		{"a month to sign in", "INVALID_FIELD", wish(m{"hosted_link": m{"url_lifetime_seconds": 30 * 24 * 3600}})},
		{"delivery to nobody", "INVALID_FIELD", wish(m{"hosted_link": m{"delivery_method": "email"}})},
		{"unknown bank", "INVALID_INSTITUTION", wish(m{"institution_id": "ins_0"})},
		{"unknown field", "UNKNOWN_FIELDS", wish(m{"hosted_link": m{"back": "x"}})},
		{"update without an Item", "INVALID_FIELD", wish(m{"update": m{"account_selection_enabled": true}})},
		{"update mode", "", wish(m{"access_token": token, "products": nil})},
		{"products in update mode", "INVALID_FIELD", wish(m{"access_token": token})},
		{"consent in update mode", "", wish(m{"access_token": token, "products": nil, "additional_consented_products": []string{"liabilities"}})},
		{"update mode of a stranger", "INVALID_ACCESS_TOKEN", wish(m{"access_token": "access-sandbox-1", "products": nil})},
	} {
		code, out := g.call("/link/token/create", tt.body)
		if code != tt.code {
			t.Errorf("%s: %s (%v), want %s", tt.name, code, out["error_message"], tt.code)
		}
		life := 4 * time.Hour
		if tt.body["access_token"] != nil {
			life = 30 * time.Minute
		}
		if until := g.wall.Now().Add(life).Format(time.RFC3339); code == "" && out["expiration"] != until {
			t.Errorf("%s: expires %v, want %s", tt.name, out["expiration"], until)
		}
	}
	g.it.Revoke()
	if code, _ := g.call("/link/token/create", wish(m{"access_token": token, "products": nil})); code != "USER_PERMISSION_REVOKED" {
		t.Error("update mode of what was revoked:", code)
	}
}

// hosted makes a hosted session.
func (g *rig) hosted(edit ...m) (token, page string) {
	g.Helper()
	code, out := g.call("/link/token/create", wish(edit...))
	if code != "" {
		g.Fatal(code, out["error_message"])
	}
	return out["link_token"].(string), out["hosted_link_url"].(string)
}

// path is the address of a page without the server.
func path(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	return u.Path
}

// session gives the only session of a link token.
func (g *rig) session(token string) m {
	g.Helper()
	_, out := g.call("/link/token/get", m{"link_token": token})
	sessions, _ := out["link_sessions"].([]any)
	if len(sessions) != 1 {
		g.Fatalf("%d sessions: %v", len(sessions), out)
	}
	return sessions[0].(m)
}

// browser opens pages of the simulator and sends their forms off, as a person without JavaScript does.
type browser struct {
	*rig
	server *httptest.Server
}

func newBrowser(g *rig) *browser {
	server := httptest.NewServer(g.sim)
	g.Cleanup(server.Close)
	return &browser{g, server}
}

func (b *browser) do(method, path string, form url.Values) (status int, page, location string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header.Get("Location")
}

var input = regexp.MustCompile(`name="(login|account)" value="([^"]*)"( checked)?`)

// fill ticks what the page has ticked.
func fill(page string) url.Values {
	form := url.Values{"decision": {"continue"}}
	for _, f := range input.FindAllStringSubmatch(page, -1) {
		if f[3] != "" {
			form.Add(f[1], f[2])
		}
	}
	return form
}

func TestHostedLink(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 20})
	b := newBrowser(g)
	token, page := g.hosted(m{"optional_products": []string{"investments"}, "additional_consented_products": []string{"liabilities"}})
	at := path(page)
	if _, out := g.call("/link/token/get", m{"link_token": token}); out["link_sessions"] != nil {
		t.Error("there is a session before anybody came")
	}
	status, text, _ := b.do(http.MethodGet, at, nil)
	if status != 200 || !strings.Contains(text, "Countinghouse asks for") || !strings.Contains(text, "First Platypus Bank") || strings.Contains(text, "<script") {
		t.Fatalf("%d %s", status, text)
	}
	if one := g.session(token); one["finished_at"] != nil || one["results"] != nil {
		t.Errorf("under way: %v", one)
	}
	form := fill(text)
	form["account"] = form["account"][:2]
	status, _, back := b.do(http.MethodPost, at, form)
	if status != 303 || back != "http://127.0.0.1/back?state=1" {
		t.Errorf("%d to %q", status, back)
	}
	one := g.session(token)
	adds := one["results"].(m)["item_add_results"].([]any)
	if one["finished_at"] == nil || one["exit"] != nil || len(adds) != 1 || len(adds[0].(m)["accounts"].([]any)) != 2 {
		t.Fatalf("finished: %v", one)
	}
	g.it = g.sim.Item(exchanged(t, g.sim, adds[0].(m)["public_token"].(string)))
	item := g.want("", "/item/get", nil)["item"].(m)
	if got := string(encoded(t, []any{item["billed_products"], item["consented_products"], item["webhook"]})); got !=
		`[["investments","transactions"],["investments","liabilities","transactions"],"http://127.0.0.1/hook"]` {
		t.Error(got)
	}
	if len(g.it.AccountIDs()) != 2 {
		t.Error("accounts that were not given are there")
	}
	if status, text, _ := b.do(http.MethodPost, at, form); status != 400 || !strings.Contains(text, "This is done") {
		t.Errorf("a second time: %d %s", status, text)
	}
	if told := g.sim.Stats().Told; told["LINK/SESSION_FINISHED"] != 1 || told["LINK/ITEM_ADD_RESULT"] != 1 {
		t.Errorf("told %v", told)
	}
	g.wall.advance(6 * time.Hour)
	if _, out := g.call("/link/token/get", m{"link_token": token}); out["link_sessions"] != nil {
		t.Error("the session is told of for ever")
	}
}

func TestHostedCancelled(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{})
	b := newBrowser(g)
	items := len(g.sim.Items())
	token, page := g.hosted()
	at := path(page)
	if status, text, _ := b.do(http.MethodPost, at, url.Values{"decision": {"continue"}}); status != 400 || !strings.Contains(text, "Choose one of the bank logins") {
		t.Errorf("nothing chosen: %d %s", status, text)
	}
	if status, _, back := b.do(http.MethodPost, at, url.Values{"decision": {"cancel"}}); status != 303 || !strings.HasPrefix(back, "http://127.0.0.1/back") {
		t.Errorf("%d to %q", status, back)
	}
	one := g.session(token)
	if one["exit"] == nil || one["on_success"] != nil || len(one["results"].(m)["item_add_results"].([]any)) != 0 || len(g.sim.Items()) != items {
		t.Errorf("cancelled: %v", one)
	}
	_, page = g.hosted()
	g.wall.advance(30 * time.Minute)
	if status, text, _ := b.do(http.MethodGet, path(page), nil); status != 400 || !strings.Contains(text, "expired") {
		t.Errorf("half an hour later: %d %s", status, text)
	}
	if status, _, _ := b.do(http.MethodGet, "/hosted/link-sandbox-unknown", nil); status != 400 {
		t.Errorf("no such session: %d", status)
	}
}

// TestUpdateMode: signing in again mends the Item, which stays the same, and brings offered accounts.
func TestUpdateMode(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 20})
	before := g.it.AccessToken()
	g.it.EndConsent(g.wall.Now().AddDate(0, 0, 7))
	g.it.RequireLogin("OAUTH_CONSENT_EXPIRED")
	update := m{"access_token": before, "products": nil}
	g.it.KeepBroken(true)
	_, page := g.hosted(update)
	if _, err := g.sim.Approve(page, nil); err != nil || g.health() == "" {
		t.Error("a bank that still refuses is mended:", err)
	}
	g.it.KeepBroken(false)
	offered := ok[string](g)(g.it.OpenAccount(plaidsim.AccountSpec{Name: "New one"}, true))
	if slices.Contains(g.it.AccountIDs(), offered) || g.sim.Stats().Told["ITEM/NEW_ACCOUNTS_AVAILABLE"] != 1 {
		t.Error("an offered account is there, or nobody was told")
	}
	token, page := g.hosted(update, m{"update": m{"account_selection_enabled": true}})
	if _, err := g.sim.Approve(page, nil); err != nil {
		t.Fatal(err)
	}
	if g.health() != "" || g.it.AccessToken() != before || !slices.Contains(g.it.AccountIDs(), offered) {
		t.Error("not mended, another token, or no new account")
	}
	one := g.session(token)
	if len(one["results"].(m)["item_add_results"].([]any)) != 0 || one["on_success"] == nil {
		t.Errorf("update mode adds an Item: %v", one)
	}
	if until := g.want("", "/item/get", nil)["item"].(m)["consent_expiration_time"]; until != "2026-12-12T12:00:00Z" {
		t.Errorf("the consent ends %v", until)
	}
	_, page = g.hosted(update, m{"update": m{"account_selection_enabled": true}})
	if _, err := g.sim.Choose(page, nil, offered); err != nil || len(g.it.AccountIDs()) != 1 {
		t.Error("de-selected accounts stay:", g.it.AccountIDs(), err)
	}
}

// TestLaterAccount: an account that was not given at first brings its history when it is.
func TestLaterAccount(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 60})
	login := g.it.Login()
	_, page := g.hosted()
	if _, err := g.sim.Choose(page, login, "1"); err != nil {
		t.Fatal(err)
	}
	token := page[strings.LastIndex(page, "/")+1:]
	g.it = g.sim.Item(exchanged(t, g.sim, g.session(token)["on_success"].(m)["public_token"].(string)))
	c := &replica{rows: map[string]string{}}
	g.settle(c)
	few := len(c.rows)
	_, page = g.hosted(m{"access_token": g.it.AccessToken(), "products": nil, "update": m{"account_selection_enabled": true}})
	if _, err := g.sim.Approve(page, nil); err != nil {
		t.Fatal(err)
	}
	g.settle(c)
	g.agrees(c)
	if len(c.rows) != 60 || few == 0 || few == 60 {
		t.Errorf("%d transactions of one account, %d of all", few, len(c.rows))
	}
}

// TestDays: Plaid has as much history as was asked for, and three months when nothing was said.
func TestDays(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 365, Days: 365})
	if n := len(all(g)); n != 365 {
		t.Errorf("%d transactions of a year", n)
	}
	for days, want := range map[int]int{0: 91, 1: 31, 180: 181} {
		body := m{}
		if days > 0 {
			body["transactions"] = m{"days_requested": days}
		}
		token, page := g.hosted(body)
		if _, err := g.sim.Approve(page, nil); err != nil {
			t.Fatal(err)
		}
		g.it = g.sim.Item(exchanged(t, g.sim, g.session(token)["on_success"].(m)["public_token"].(string)))
		g.want("", "/transactions/sync", m{"options": m{"days_requested": 365}})
		if n := len(all(g)); n != want {
			t.Errorf("%d days: %d transactions, want %d", days, n, want)
		}
	}
}

// TestAddedLater: a product that was only agreed to comes with the first call, and as many days as that asks for.
func TestAddedLater(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 365, Days: 365})
	token, page := g.hosted(m{"products": []string{"liabilities"}, "additional_consented_products": []string{"transactions"}})
	if _, err := g.sim.Approve(page, g.it.Login()); err != nil {
		t.Fatal(err)
	}
	g.it = g.sim.Item(exchanged(t, g.sim, g.session(token)["on_success"].(m)["public_token"].(string)))
	before := g.sim.Stats().Billed["transactions"]
	g.want("", "/transactions/sync", m{"options": m{"days_requested": 200}})
	g.want("", "/transactions/sync", m{"options": m{"days_requested": 300}})
	if n, billed := len(all(g)), g.sim.Stats().Billed["transactions"]-before; n != 201 || billed != 1 {
		t.Errorf("%d transactions, billed %d times", n, billed)
	}
}
