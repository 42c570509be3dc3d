package plaidsim_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// exemptions are where the simulator says what Plaid's description forbids. One that is not met any more
// fails the test.
var exemptions = []exemption{
	{"/investments/transactions/get investment_transactions/*/subtype", "enum", "reward", newValue},
	{"/investments/transactions/get investment_transactions/*/type", "enum", "staking", newValue},
	{"/liabilities/get liabilities/credit/*/aprs/*/apr_type", "enum", "promotional_apr", newValue},
	{"/link/token/get link_sessions/*/on_success/metadata/accounts/*/subtype", "nullable", nil, noSubtype},
	{"/link/token/get link_sessions/*/results/item_add_results/*/accounts/*/subtype", "nullable", nil, noSubtype},
	{"/transactions/get transactions/*/payment_channel", "enum", "kiosk", newValue},
	{"/transactions/get transactions/*/transaction_code", "enum", "direct credit", newValue},
	{"/transactions/recurring/get outflow_streams/*/frequency", "enum", "QUARTERLY", newValue},
	{"/transactions/sync added/*/payment_channel", "enum", "kiosk", newValue},
	{"/transactions/sync added/*/transaction_code", "enum", "direct credit", newValue},
}

const (
	newValue  = "Plaid adds values to its enumerations without a new version, and whoever reads them has to bear that"
	noSubtype = "of an account elsewhere the subtype may be null; what Link then says of the same account is not described"
)

// mustHave are the lists that have to have elements in some answer, or nothing was proved of these.
var mustHave = []string{
	"/accounts/get accounts", "/accounts/balance/get accounts",
	"/transactions/sync accounts", "/transactions/sync added", "/transactions/sync modified", "/transactions/sync removed", "/transactions/sync added counterparties",
	"/transactions/get transactions", "/transactions/recurring/get inflow_streams", "/transactions/recurring/get outflow_streams transaction_ids",
	"/liabilities/get liabilities credit", "/liabilities/get liabilities credit aprs", "/liabilities/get liabilities student", "/liabilities/get liabilities mortgage",
	"/investments/holdings/get holdings", "/investments/holdings/get securities", "/investments/holdings/get holdings tax_lots",
	"/investments/transactions/get investment_transactions", "/investments/transactions/get securities", "/statements/list accounts statements",
	"/link/token/get link_sessions", "/link/token/get link_sessions results item_add_results",
}

// webhookSchemas are the names that Plaid's description has for what is sent.
var webhookSchemas = map[string]string{
	"TRANSACTIONS/SYNC_UPDATES_AVAILABLE": "SyncUpdatesAvailableWebhook", "TRANSACTIONS/INITIAL_UPDATE": "InitialUpdateWebhook",
	"TRANSACTIONS/HISTORICAL_UPDATE": "HistoricalUpdateWebhook", "TRANSACTIONS/DEFAULT_UPDATE": "DefaultUpdateWebhook",
	"TRANSACTIONS/TRANSACTIONS_REMOVED": "TransactionsRemovedWebhook", "TRANSACTIONS/RECURRING_TRANSACTIONS_UPDATE": "RecurringTransactionsUpdateWebhook",
	"ITEM/ERROR": "ItemErrorWebhook", "ITEM/LOGIN_REPAIRED": "ItemLoginRepairedWebhook", "ITEM/PENDING_EXPIRATION": "PendingExpirationWebhook",
	"ITEM/PENDING_DISCONNECT": "PendingDisconnectWebhook", "ITEM/NEW_ACCOUNTS_AVAILABLE": "NewAccountsAvailableWebhook",
	"ITEM/USER_PERMISSION_REVOKED": "UserPermissionRevokedWebhook", "ITEM/USER_ACCOUNT_REVOKED": "UserAccountRevokedWebhook",
	"ITEM/WEBHOOK_UPDATE_ACKNOWLEDGED": "WebhookUpdateAcknowledgedWebhook", "LIABILITIES/DEFAULT_UPDATE": "LiabilitiesDefaultUpdateWebhook",
	"HOLDINGS/DEFAULT_UPDATE": "HoldingsDefaultUpdateWebhook", "INVESTMENTS_TRANSACTIONS/DEFAULT_UPDATE": "InvestmentsDefaultUpdateWebhook",
	"INVESTMENTS_TRANSACTIONS/HISTORICAL_UPDATE": "InvestmentsHistoricalUpdateWebhook",
	"STATEMENTS/STATEMENTS_REFRESH_COMPLETE":     "StatementsRefreshCompleteWebhook", "LINK/SESSION_FINISHED": "LinkSessionFinishedWebhook",
	"LINK/ITEM_ADD_RESULT": "ItemAddResultWebhook",
}

// TestOpenAPI holds everything against Plaid's own description: what our client asks, what the simulator
// answers, refusals too, and what it sends by itself.
func TestOpenAPI(t *testing.T) {
	c := newContract(t)
	t.Parallel()
	o := newObserved(t, c)
	o.linking()
	o.reading()
	o.changing()
	o.byHand()
	o.failing()
	o.ending()
	o.telling()
	c.complete(t, o.sim)
}

// complete fails when something was not looked at, or an exemption is not needed.
func (c *contract) complete(t *testing.T, sim *plaidsim.Server) {
	t.Helper()
	for _, path := range plaidsim.Endpoints(sim) {
		answered := c.answered[path]
		if answered[http.StatusOK] == 0 || answered[http.StatusBadRequest] == 0 {
			t.Errorf("%s: %v answers checked; both good ones and refusals are to be", path, answered)
		}
		if byHand := strings.HasPrefix(path, "/sandbox/") || path == "/statements/refresh" || path == "/investments/refresh"; !byHand && c.asked[path] == 0 {
			t.Errorf("%s: our client did not ask for it", path)
		}
	}
	for _, place := range mustHave {
		if c.rows[place] == 0 {
			t.Errorf("%s: no element was checked", place)
		}
	}
	for code, schema := range webhookSchemas {
		if c.webhooks[schema] == 0 {
			t.Errorf("%s: no webhook was checked", code)
		}
	}
	for i, e := range exemptions {
		if c.used[i] == 0 {
			t.Errorf("%s (%s) is exempted for nothing: %s", e.place, e.field, e.why)
		}
	}
	t.Logf("checked %d paths, %d kinds of webhook; answers %v", len(c.answered), len(c.webhooks), c.answered)
}

// observed is a house whose every call is looked at on its way.
type observed struct {
	*house
	c    *contract
	hand bool // calls are made by hand, and wrong on purpose
}

func newObserved(t *testing.T, c *contract) *observed {
	t.Helper()
	o := &observed{house: newHouse(t, plaidsim.WebhookConfig{}, weird), c: c}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	o.url = server.URL
	o.client = plaid.New(plaid.Options{API: o.url, ClientID: appID, Secret: appSecret, HTTP: server.Client(), Now: o.wall.Now})
	o.item = o.client.Item(o.bank.ID(), access(o.bank.AccessToken()))
	return o
}

// weird is a login with everything that is odd.
func weird(spec *plaidsim.LoginSpec) {
	spec.Transactions, spec.Days, spec.Pending = 600, 300, 5
	spec.Accounts = []plaidsim.AccountSpec{
		{Name: "Checking", OfficialName: "The Official One", Mask: "0000", Type: "depository", Subtype: "checking", Available: "100", Current: "110", Holder: "personal"},
		{Name: "口座 🏦", Type: "depository", Subtype: "savings", Current: "-0.5", Available: "12", Currency: "JPY", Persistent: "8cfb8beb89b774ee43b090625f0d61d0814322b43bff984eaf60386e"},
		{Name: "Coins", Mask: "x1", Type: "depository", Unofficial: "BTC", Current: "0.1234567890", Further: `{"rewards_tier":{"name":"gold"}}`},
		{Name: "Card", Mask: "3333", Type: "credit", Subtype: "credit card", Current: "410", Limit: "2000"},
		{Name: "Second card", Mask: "3334", Type: "credit", Subtype: "paypal", Current: "0", Limit: "0"},
		{Name: "Third card", Mask: "3335", Type: "credit", Subtype: "credit card", Current: "-1"},
		{Name: "IRA", Mask: "5555", Type: "investment", Subtype: "ira", Current: "320.76"},
		{Name: "401k", Type: "investment", Subtype: "401k", Current: "23631.9805"},
		{Name: "Student", Mask: "7777", Type: "loan", Subtype: "student", Current: "65262"},
		{Name: "Mortgage", Mask: "8888", Type: "loan", Subtype: "mortgage", Current: "56302.06"},
	}
}

// ServeHTTP lets a call through and checks both directions.
func (o *observed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	page := strings.HasPrefix(r.URL.Path, "/hosted/")
	if !page && !o.hand {
		o.c.request(o.T, r, body)
	}
	answer := httptest.NewRecorder()
	o.sim.ServeHTTP(answer, r)
	if !page {
		o.c.answer(o.T, r.URL.Path, answer.Code, answer.Header(), answer.Body.Bytes())
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	if _, err := w.Write(answer.Body.Bytes()); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// linking goes through Link: a page that is used, one that is left, an overlay, and update mode.
func (o *observed) linking() {
	ctx := o.Context()
	ask := plaid.LinkRequest{ClientName: "Countinghouse", Language: "en", Countries: []string{"US", "CA"}, User: "org-1",
		Products: []string{"transactions"}, RequiredIfSupported: []string{"investments"}, Optional: []string{"statements"}, Consented: []string{"liabilities"},
		Days: 730, StatementsFrom: "2025-06-01", StatementsTo: "2026-06-01", Webhook: o.hook.url, RedirectURI: "http://localhost:8080/back",
		Hosted: &plaid.Hosted{CompletionRedirect: "http://localhost:8080/back", Lifetime: time.Hour}, Institution: "ins_109508"}
	used, err := o.client.LinkToken(ctx, ask)
	o.must(err)
	_, err = o.client.LinkSession(ctx, used.Token) // nobody was there
	o.must(err)
	_, err = o.sim.Approve(used.HostedURL, o.bank.Login())
	o.must(err)
	session, err := o.client.LinkSession(ctx, used.Token)
	o.must(err)
	if !session.Succeeded || len(session.Items) != 1 {
		o.Fatalf("%+v", session)
	}
	_, err = o.client.Exchange(ctx, session.Items[0].Public)
	o.must(err)

	left, err := o.client.LinkToken(ctx, ask)
	o.must(err)
	_, err = o.sim.Cancel(left.HostedURL)
	o.must(err)
	_, err = o.client.LinkSession(ctx, left.Token)
	o.must(err)

	ask.Hosted, ask.Institution, ask.Webhook = nil, "", ""
	_, err = o.client.LinkToken(ctx, ask)
	o.must(err)
	o.mending()
}

// mending signs in again, chooses accounts and consents to more.
func (o *observed) mending() {
	ctx := o.Context()
	o.bank.RequireLogin("OAUTH_CONSENT_EXPIRED")
	_, err := o.item.Get(ctx)
	o.must(err)
	token, err := o.client.LinkToken(ctx, plaid.LinkRequest{ClientName: "Countinghouse", Language: "fr", Countries: []string{"US"}, User: "org-1",
		Access: plaid.Secret(o.bank.AccessToken()), SelectAccounts: true, Consented: []string{"liabilities"},
		Webhook: o.hook.url, Hosted: &plaid.Hosted{}})
	o.must(err)
	_, err = o.sim.Approve(token.HostedURL, nil)
	o.must(err)
	_, err = o.client.LinkSession(ctx, token.Token)
	o.must(err)
}

// reading asks for everything that can be read, with and without what can be left out.
func (o *observed) reading() {
	ctx := o.Context()
	for name, read := range map[string]func() error{
		"item":        func() error { _, err := o.item.Get(ctx); return err },
		"institution": func() error { _, err := o.client.Institution(ctx, "ins_109508", []string{"US"}); return err },
		"key":         func() error { _, err := o.client.WebhookKey(ctx, o.sim.SigningKey()); return err },
		"accounts":    func() error { _, err := o.item.Accounts(ctx); return err },
		"balances":    func() error { _, err := o.item.Balances(ctx, plaid.BalancesQuery{}); return err },
		"some balances": func() error {
			_, err := o.item.Balances(ctx, plaid.BalancesQuery{Accounts: o.bank.AccountIDs()[:1], Since: o.wall.Now()})
			return err
		},
		"transactions": func() error {
			_, err := o.item.Transactions(ctx, plaid.Range{From: "2025-01-01", To: "2026-12-31", Count: 500, Offset: 1})
			return err
		},
		"refresh":     func() error { return o.item.Refresh(ctx) },
		"recurring":   func() error { _, err := o.item.Recurring(ctx); return err },
		"liabilities": func() error { _, err := o.item.Liabilities(ctx); return err },
		"holdings":    func() error { _, err := o.item.Holdings(ctx); return err },
		"investments": func() error {
			_, err := o.item.InvestmentTransactions(ctx, plaid.Range{From: "2025-01-01", To: "2026-12-31"})
			return err
		},
		"statements": o.statements,
	} {
		if err := read(); err != nil {
			o.Errorf("%s: %v", name, err)
		}
	}
	o.sync("")
}

func (o *observed) statements() error {
	if _, err := o.item.Statements(o.Context()); err != nil {
		return err
	}
	_, err := o.item.Statement(o.Context(), o.truth("statement_accounts")[0]["statements"].([]any)[0].(map[string]any)["statement_id"].(string), io.Discard)
	return err
}

// sync reads all pages after a cursor and gives the last one.
func (o *observed) sync(cursor string) string {
	o.Helper()
	for {
		page, err := o.item.Sync(o.Context(), cursor, 250)
		o.must(err)
		if cursor = page.Next; !page.More {
			return cursor
		}
	}
}

// changing has everything happen at the bank, and reads again.
func (o *observed) changing() {
	cursor := o.sync("")
	o.wall.advance(time.Hour)
	pending, err := o.bank.Pend(plaidsim.TransactionSpec{Amount: "12.30"})
	o.must(err)
	cursor = o.sync(cursor)
	posted, err := o.bank.Post(pending, plaidsim.PostSpec{Amount: "14.76"})
	o.must(err)
	o.must(o.bank.Modify(posted, `{"merchant_name":null}`))
	for raw := range o.bank.Transactions() {
		var row map[string]any
		o.decode(raw, &row)
		o.must(o.bank.Modify(row["transaction_id"].(string), `{"name":"changed"}`))
		break
	}
	o.sync(cursor)
	o.happenings()
	o.bank.Repair()
	o.reading()
}

// byHand makes the calls that our client does not make.
func (o *observed) byHand() {
	o.hand = true
	defer func() { o.hand = false }()
	_, _, body := o.post("/sandbox/public_token/create", map[string]any{"institution_id": "ins_109509", "initial_products": []string{"transactions"},
		"options": map[string]any{"override_username": "user_transactions_dynamic", "webhook": o.hook.url}})
	var made struct {
		Public string `json:"public_token"`
	}
	o.decode(body, &made)
	dynamic := *o.house
	dynamic.link(made.Public)
	today := o.wall.Now().Format(time.DateOnly)
	dynamic.good("/sandbox/transactions/create", map[string]any{"transactions": []any{map[string]any{"date_transacted": today, "date_posted": today,
		"amount": 1.5, "description": "by hand"}}})
	dynamic.good("/sandbox/item/fire_webhook", map[string]any{"webhook_code": "SYNC_UPDATES_AVAILABLE"})
	dynamic.good("/sandbox/item/reset_login", nil)
	o.good("/statements/refresh", map[string]any{"start_date": "2025-03-01", "end_date": "2025-05-01"})
	o.good("/investments/refresh", nil)
	o.good("/investments/transactions/get", map[string]any{"start_date": "2025-03-01", "end_date": "2026-06-30", "options": map[string]any{"async_update": true}})
	ids := o.bank.AccountIDs()[:1]
	o.good("/transactions/get", map[string]any{"start_date": "2025-03-01", "end_date": "2026-06-30", "options": map[string]any{"account_ids": ids, "include_original_description": true}})
	o.good("/liabilities/get", map[string]any{"options": map[string]any{"account_ids": ids}})
	o.good("/transactions/recurring/get", map[string]any{"account_ids": ids})
}

func (h *house) good(path string, body map[string]any) {
	h.Helper()
	if code, answer := h.ask(path, body); code != "" {
		h.Errorf("%s: %s %v", path, code, answer["error_message"])
	}
}

// failing has every endpoint refuse, in all the ways that Plaid has of doing so.
func (o *observed) failing() {
	o.hand = true
	defer func() { o.hand = false }()
	for _, path := range plaidsim.Endpoints(o.sim) {
		o.post(path, nil)
		o.post(path, map[string]any{"no_such_field": 1})
		o.post(path, map[string]any{"access_token": 5})
		o.post(path, map[string]any{"access_token": "access-production-x"})
	}
	for _, code := range plaidsim.ErrorCodes() {
		o.sim.Fail("/item/get", 1, code)
		o.ask("/item/get", nil)
	}
	for code, broken := range map[string]func(){
		"ITEM_LOGIN_REQUIRED": func() { o.bank.RequireLogin("OAUTH_USER_REVOKED") }, "INSTITUTION_DOWN": func() { o.bank.BankDown(true) },
		"": func() { o.bank.Repair(); o.bank.BankDown(false) },
	} {
		broken()
		for _, path := range plaidsim.Endpoints(o.sim) {
			if path != "/item/remove" && path != "/item/access_token/invalidate" {
				o.post(path, map[string]any{"access_token": o.bank.AccessToken()})
			}
		}
		o.bank.Repair()
		o.bank.BankDown(false)
		if got, _ := o.ask("/item/get", nil); got != "" {
			o.Errorf("after %s: %s", code, got)
		}
	}
}

// ending takes the Item away.
func (o *observed) ending() {
	ctx := o.Context()
	token, err := o.item.Invalidate(ctx)
	o.must(err)
	o.item = o.client.Item(o.bank.ID(), access(token))
	o.must(o.item.UpdateWebhook(ctx, o.hook.url))
	o.must(o.item.UpdateWebhook(ctx, ""))
	o.must(o.item.Remove(ctx))
	if _, err := o.item.Get(ctx); err == nil {
		o.Error("a removed Item is answered")
	}
}

// telling checks the bodies of all webhooks that there are.
func (o *observed) telling() {
	for _, w := range o.hooks.Waiting() {
		schema := webhookSchemas[w.Type+"/"+w.Code]
		if schema == "" {
			o.Errorf("%s/%s: of what schema it is nobody says", w.Type, w.Code)
			continue
		}
		o.c.webhook(o.T, schema, w.Body)
	}
}

// TestExemptions: an exemption covers its one place and value, and no other.
func TestExemptions(t *testing.T) {
	t.Parallel()
	for _, e := range exemptions {
		right := openapi3.SchemaError{SchemaField: e.field, Value: e.value}
		other := openapi3.SchemaError{SchemaField: e.field, Value: "something else"}
		rule := openapi3.SchemaError{SchemaField: "type", Value: e.value}
		if !e.covers(e.place, &right) || e.covers(e.place, &other) || e.covers(e.place, &rule) || e.covers(e.place+"/more", &right) || e.why == "" {
			t.Errorf("%s: more is exempted than is said, or less", e.place)
		}
	}
}

// TestContract: what is wrong is seen, each thing once.
func TestContract(t *testing.T) {
	c := newContract(t)
	t.Parallel()
	for _, tt := range []struct {
		name, schema, body string
		wrong              int
	}{
		{"all is well", "APR", `{"apr_percentage":1.5,"apr_type":"special","balance_subject_to_apr":null,"interest_charge_amount":null}`, 0},
		{"a number in quotes", "APR", `{"apr_percentage":"1.5","apr_type":"special","balance_subject_to_apr":null,"interest_charge_amount":null}`, 1},
		{"a new kind", "APR", `{"apr_percentage":1.5,"apr_type":"new","balance_subject_to_apr":null,"interest_charge_amount":null}`, 1},
		{"something missing, something null", "APR", `{"apr_percentage":null,"apr_type":"special","balance_subject_to_apr":null}`, 2},
		{"no date", "StatementsStatement", `{"statement_id":"x","month":1,"year":2020,"date_posted":"yesterday"}`, 1},
		{"below allOf", "InvestmentAccount", `{"account_id":"x"}`, 7},
	} {
		if got := leaves(c.visit(c.doc.Components.Schemas[tt.schema].Value, decoded(t, []byte(tt.body)))); len(got) != tt.wrong {
			t.Errorf("%s: %d complaints, want %d", tt.name, len(got), tt.wrong)
		}
	}
	request := c.doc.Components.Schemas["LiabilitiesGetRequest"].Value
	found := undescribed(request, decoded(t, []byte(`{"access_token":"x","more":1,"options":{"account_ids":["a"],"count":1}}`)), "")
	slices.Sort(found)
	if fmt.Sprint(found) != "[/more /options/count]" {
		t.Errorf("unknown fields: %v", found)
	}
}
