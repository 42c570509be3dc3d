package plaidsim_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

type m = map[string]any

// TestRefusals: what Plaid refuses is refused, in its words.
func TestRefusals(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 3, Products: []string{"transactions", "liabilities"}})
	token := g.it.AccessToken()
	for _, tt := range []struct {
		name, path string
		body       m
		code, says string
	}{
		{"missing", "/transactions/get", m{"access_token": token}, "MISSING_FIELDS", "the following required fields are missing: end_date, start_date"},
		{"unknown", "/item/get", m{"access_token": token, "b": 1, "a": nil}, "UNKNOWN_FIELDS", "the following fields are not recognized by this endpoint: a, b"},
		{"unknown inside", "/transactions/sync", m{"access_token": token, "options": m{"no": 1}}, "UNKNOWN_FIELDS",
			"the following fields are not recognized by this endpoint: options.no"},
		{"null options", "/transactions/sync", m{"access_token": token, "options": nil}, "INVALID_FIELD", "options must be an object"},
		{"text for a number", "/transactions/sync", m{"access_token": token, "count": "5"}, "INVALID_FIELD", "count must be a number"},
		{"count too large", "/transactions/sync", m{"access_token": token, "count": 501}, "INVALID_FIELD", "count must be between 1 and 500"},
		{"half a count", "/transactions/sync", m{"access_token": token, "count": 1.5}, "INVALID_FIELD", "count must be an integer"},
		{"null cursor", "/transactions/sync", m{"access_token": token, "cursor": nil}, "INVALID_FIELD", "cursor must be a string"},
		{"no day", "/transactions/get", m{"access_token": token, "start_date": "2026-02-30", "end_date": "2026-03-01"}, "INVALID_FIELD",
			"start_date must be a date in the form YYYY-MM-DD"},
		{"empty token", "/item/get", m{"access_token": ""}, "INVALID_FIELD", "access_token must be a non-empty string"},
		{"no token", "/item/get", m{"access_token": "hunter2"}, "INVALID_ACCESS_TOKEN",
			"provided access token is in an invalid format. expected format: access-<environment>-<identifier>"},
		{"other environment", "/item/get", m{"access_token": "access-production-1"}, "INVALID_ACCESS_TOKEN",
			`provided access token is for the wrong Plaid environment. expected "sandbox", got "production"`},
		{"unknown token", "/item/get", m{"access_token": "access-sandbox-1"}, "INVALID_ACCESS_TOKEN", "could not find matching access token"},
		{"wrong secret", "/item/get", m{"access_token": token, "client_id": appID, "secret": "other"}, "", ""}, // the headers are right
		{"path", "/items/get", m{}, "NOT_FOUND", "not found"},
		{"account", "/accounts/get", m{"access_token": token, "options": m{"account_ids": []string{"x"}}}, "INVALID_ACCOUNT_ID",
			"failed to find requested account ID for requested item"},
		{"unsupported product", "/statements/list", m{"access_token": token}, "PRODUCTS_NOT_SUPPORTED", "the products requested are not supported by this institution or account"},
		{"product without consent", "/liabilities/get", m{"access_token": token}, "ADDITIONAL_CONSENT_REQUIRED",
			"client does not have user consent to access the PRODUCT_LIABILITIES product"},
		{"webhook left out", "/item/webhook/update", m{"access_token": token}, "MISSING_FIELDS", "the following required fields are missing: webhook"},
		{"webhook that is none", "/item/webhook/update", m{"access_token": token, "webhook": "nowhere"}, "INVALID_FIELD", "webhook must be a valid URL"},
		{"public token", "/item/public_token/exchange", m{"public_token": "public-sandbox-1"}, "INVALID_PUBLIC_TOKEN", "could not find matching public token"},
		{"institution", "/institutions/get_by_id", m{"institution_id": "ins_0", "country_codes": []string{"US"}}, "INVALID_INSTITUTION", "invalid institution_id provided"},
		{"country", "/institutions/get_by_id", m{"institution_id": "ins_43", "country_codes": []string{"JP"}}, "INVALID_FIELD", "country_codes[0] must be one of: US, GB"},
	} {
		code, out := g.call(tt.path, tt.body)
		if says, _ := out["error_message"].(string); code != tt.code || !strings.HasPrefix(says, tt.says) {
			t.Errorf("%s: %s %q, want %s %q", tt.name, code, says, tt.code, tt.says)
		}
	}
	if billed := g.sim.Stats().Billed; len(billed) != 1 || billed["transactions"] != 1 {
		t.Errorf("refused calls cost money: %v", billed)
	}
}

// TestForm: what is wrong with a request before its fields are looked at.
func TestForm(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{})
	for _, tt := range []struct {
		name, method, body, code string
		headers                  map[string]string
	}{
		{"GET", http.MethodGet, `{}`, "NOT_FOUND", nil},
		{"no JSON", http.MethodPost, `{"access_token":`, "INVALID_BODY", nil},
		{"two values", http.MethodPost, `{}{}`, "INVALID_BODY", nil},
		{"a list", http.MethodPost, `[]`, "INVALID_BODY", nil},
		{"a form", http.MethodPost, `{}`, "INVALID_HEADERS", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		{"old version", http.MethodPost, `{}`, "INVALID_HEADERS", map[string]string{"Plaid-Version": "2019-05-29"}},
		{"no credentials", http.MethodPost, `{"access_token":"x"}`, "MISSING_FIELDS", map[string]string{"PLAID-CLIENT-ID": "", "PLAID-SECRET": ""}},
		{"wrong secret", http.MethodPost, `{"access_token":"x"}`, "INVALID_API_KEYS", map[string]string{"PLAID-SECRET": "other"}},
		{"credentials in the body", http.MethodPost, `{"access_token":"` + g.it.AccessToken() + `","client_id":"` + appID + `","secret":"` + appSecret + `"}`, "",
			map[string]string{"PLAID-CLIENT-ID": "", "PLAID-SECRET": ""}},
	} {
		r := httptest.NewRequest(tt.method, "/item/get", strings.NewReader(tt.body))
		for name, v := range map[string]string{"Content-Type": "application/json", "PLAID-CLIENT-ID": appID, "PLAID-SECRET": appSecret} {
			r.Header.Set(name, v)
		}
		for name, v := range tt.headers {
			r.Header.Set(name, v)
		}
		w := httptest.NewRecorder()
		g.sim.ServeHTTP(w, r)
		if code, _ := g.read(w); code != tt.code {
			t.Errorf("%s: %s, want %s", tt.name, code, tt.code)
		}
	}
}

// TestPrinting: two spaces, sorted keys, amounts as they are.
func TestPrinting(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{})
	ok[string](g)(g.it.Add(plaidsim.TransactionSpec{Amount: "12345678901234567890.0123456789", Further: `{"zeta":[1,{"b":null,"a":[]}],"alpha":{}}`}))
	w := served(g.sim, "/transactions/sync", encoded(t, m{"access_token": g.it.AccessToken()}))
	for _, want := range []string{"{\n  \"accounts\": [\n    {\n      \"account_id\": ", "\n      \"amount\": 12345678901234567890.0123456789,\n",
		"\n      \"zeta\": [\n        1,\n        {\n          \"a\": [],\n          \"b\": null\n        }\n      ]\n    }\n  ],\n", "\n      \"alpha\": {},\n"} {
		if !bytes.Contains(w.Body.Bytes(), []byte(want)) {
			t.Errorf("no %q in\n%s", want, w.Body)
		}
	}
}

// TestBilling: a product that the person agreed to is billed when it is called first, and never otherwise.
func TestBilling(t *testing.T) {
	g := newRig(t, plaidsim.Config{NoLimits: true}, plaidsim.LoginSpec{Transactions: 3})
	g.want("", "/item/get", nil)
	g.want("", "/accounts/get", nil)
	if billed := g.sim.Stats().Billed; len(billed) != 1 {
		t.Errorf("reading what is free costs money: %v", billed)
	}
	for range 2 {
		g.want("", "/transactions/recurring/get", nil)
		g.want("", "/accounts/balance/get", nil)
		g.want("", "/transactions/refresh", nil)
	}
	got := g.sim.Stats()
	if got.Billed["recurring_transactions"] != 1 || got.Billed["balance"] != 2 || got.Billed["transactions_refresh"] != 2 {
		t.Errorf("billed: %v", got.Billed)
	}
	if got.Calls["/item/get"] != 1 || got.Items[g.it.ID()]["/accounts/balance/get"] != 2 {
		t.Errorf("calls: %v, of the Item %v", got.Calls, got.Items)
	}
}

func TestWeirdData(t *testing.T) {
	g := newRig(t, plaidsim.Config{}, plaidsim.LoginSpec{Transactions: 3000})
	seen := map[string]bool{}
	ids, folded := map[string]bool{}, map[string]bool{}
	twins := map[string]bool{}
	for raw := range g.it.Transactions() {
		_, v := g.parse(raw)
		id := v["transaction_id"].(string)
		ids[id], folded[strings.ToLower(id)] = true, true
		twin := v["account_id"].(string) + v["date"].(string) + string(encoded(t, v["amount"])) + v["name"].(string)
		seen["looks like another"] = seen["looks like another"] || twins[twin]
		twins[twin] = true
		for what, is := range oddities(v) {
			seen[what] = seen[what] || is
		}
	}
	for what := range oddities(m{}) {
		if !seen[what] {
			t.Errorf("no transaction: %s", what)
		}
	}
	if !seen["looks like another"] || len(ids) != 3000 || len(folded) == len(ids) {
		t.Errorf("%d ids, %d in lower case; twins %v", len(ids), len(folded), seen["looks like another"])
	}
}

// oddities are those that every large history has.
func oddities(v m) map[string]bool {
	amount, _ := v["amount"].(interface{ String() string })
	text := ""
	if amount != nil {
		text = amount.String()
	}
	name, _ := v["name"].(string)
	_, hasLogo := v["logo_url"]
	category, hasCategory := v["personal_finance_category"]
	return map[string]bool{
		"nothing moved": text == "0", "money comes in": strings.HasPrefix(text, "-"), "a whole number": text != "" && !strings.Contains(text, "."),
		"ten decimals": len(text)-strings.Index(text, ".") == 11, "an exponent": text == "1e-10",
		"no official currency": v["unofficial_currency_code"] == "BTC", "emoji": strings.Contains(name, "☕"), "Japanese": strings.Contains(name, "振込"),
		"500 characters": len(name) == 500, "an empty merchant name": v["merchant_name"] == "", "a key left out": v["transaction_id"] != nil && !hasLogo,
		"no category": hasCategory && category == nil, "an unknown channel": v["payment_channel"] == "kiosk", "an unknown code": v["transaction_code"] == "direct credit",
		"an unknown field": v["risk_hints"] != nil, "a sub-account": v["account_owner"] != nil, "dummy midnight": strings.HasSuffix(asText(v["datetime"]), "T00:00:00Z"),
	}
}

func asText(v any) string {
	t, _ := v.(string)
	return t
}
