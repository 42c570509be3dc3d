package qbosim_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestHonestAnswers compares whole bodies: envelopes, faults, tokens.
func TestHonestAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30)
	since := w.clock.Now()
	w.clock.advance(time.Second)
	gone := w.bill("3")
	if err := w.company.Delete("Invoice", gone); err != nil {
		t.Fatal(err)
	}
	payment := w.pay("3", w.bill("3"), "20")
	path := "/v3/company/" + realm
	for _, tt := range []struct {
		name, file string
		got        answer
		status     int
		exact      bool // no key may be missing either
	}{
		{"count", "rec20_count_customer.json", w.query("SELECT COUNT(*) FROM Customer"), 200, true},
		{"empty", "rec20_query_empty.json", w.query("SELECT * FROM Invoice WHERE Id = '1'"), 200, true},
		{"no transactions", "rec26_query_transfer_empty.json", w.query("SELECT * FROM Payment WHERE Id = '1'"), 200, true},
		{"accounts", "rec26_query_account.json", w.query("SELECT * FROM Account"), 200, true},
		{"customers", "rec26_query_customer.json", w.query("SELECT * FROM Customer"), 200, true},
		{"few customers", "rec26_query_customer_maxresults_first.json", w.query("SELECT * FROM Customer MAXRESULTS 5 STARTPOSITION 1"), 200, true},
		{"invoices", "rec26_query_invoice.json", w.query("SELECT * FROM Invoice"), 200, true},
		{"items", "rec26_query_item.json", w.query("SELECT * FROM Item"), 200, true},
		{"payments", "rec26_query_payment.json", w.query("SELECT * FROM Payment"), 200, true},
		{"terms", "doc_term_query.json", w.query("SELECT * FROM Term"), 200, true},
		{"vendors", "rec26_query_vendor.json", w.query("SELECT * FROM Vendor"), 200, true},
		{"last vendors", "rec20_query_vendor_lastpage.json", w.query("SELECT * FROM Vendor STARTPOSITION 2"), 200, true},
		{"company", "doc_companyinfo.json", w.get(path + "/companyinfo/" + realm), 200, true},
		{"account", "doc_account_get.json", w.get(path + "/account/1"), 200, true},
		{"customer", "rec26_get_customer.json", w.get(path + "/customer/3"), 200, true},
		{"item", "rec26_get_item.json", w.get(path + "/item/1"), 200, true},
		{"payment", "rec26_get_payment.json", w.get(path + "/payment/" + payment), 200, true},
		{"vendor", "rec26_get_vendor.json", w.get(path + "/vendor/1"), 200, true},
		{"unknown entity", "rec20_fault_4001_unknown_entity.json", w.query("SELECT * FROM Custmoer"), 400, true},
		{"unknown property", "rec20_fault_2010_unknown_property.json", w.post("/invoice", `{"BadJson":1}`), 400, true},
		{"duplicate", "rec20_fault_6240_duplicate.json", w.post("/vendor", `{"DisplayName":"Delta Cable"}`), 400, true},
		{"unsupported", "rec20_fault_500_unsupported.json", w.get(path + "/customer/1/5"), 400, true},
		{"bad id", "rec20_fault_2030_no_time.json", w.get(path + "/customer/1.5"), 400, false},
		{"expired", "rec20_fault_401_3200.json", w.send("GET", path+"/query", "", map[string]string{"Authorization": "Bearer x"}), 401, true},
		{"deleted", "rec20_delete_invoice.json", w.post("/invoice?operation=delete", `{"Id":"`+w.bill("3")+`","SyncToken":"0"}`), 200, true},
		{"changes", "rec20_cdc_invoice_customer.json", w.cdc("Customer", since), 200, true},
		{"tombstone", "doc_cdc_deleted.json", w.cdc("Invoice", since), 200, false},
		{"tokens", "oauth_token_response.json", w.refresh(w.tokens.Refresh), 200, false},
		{"no grant", "oauth_token_failure.json", w.refresh("x"), 400, true},
		{"no such code", "oauth_token_failure.json", w.exchange("x"), 400, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got.status != tt.status || tt.got.header.Get("Content-Type") != "application/json;charset=utf-8" {
				t.Errorf("%d as %s", tt.got.status, tt.got.header.Get("Content-Type"))
			}
			ours, real := shape{}, shape{}
			var body any
			if err := json.Unmarshal([]byte(tt.got.body), &body); err != nil {
				t.Fatalf("%v in %s", err, tt.got.body)
			}
			ours.add("", envelope(body))
			for _, v := range recorded(t, tt.file) {
				real.add("", envelope(v))
			}
			if tt.name == "bad id" {
				real[".time"] = &spot{types: map[string]bool{"string": true}} // there or not: the real one does both
			}
			checkInvented(t, ours, real)
			for _, path := range slices.Sorted(maps.Keys(real)) {
				if tt.exact && ours[path] == nil {
					t.Errorf("no %s", path)
				}
			}
		})
	}
}

// envelope empties every object that has a row's Id, so that only what is around rows compares;
// tombstones stay. The groups of a CDC answer get one name, whatever their entity is.
func envelope(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = envelope(v[i])
		}
	case map[string]any:
		if v["Id"] != nil && v["status"] == nil {
			return map[string]any{}
		}
		for key, child := range v {
			v[key] = envelope(child)
		}
		if cdc, ok := v["CDCResponse"].([]any); ok {
			joinGroups(cdc[0].(map[string]any)["QueryResponse"].([]any))
		}
	}
	return v
}

func joinGroups(groups []any) {
	for _, g := range groups {
		group := g.(map[string]any)
		for key, value := range group {
			if rows, ok := value.([]any); ok {
				delete(group, key)
				group["Rows"] = rows
			}
		}
	}
}

// TestHonestSingles: a read by id and the answer to a write show other properties than a row of the
// same entity, and the same others as the real ones.
func TestHonestSingles(t *testing.T) {
	t.Parallel()
	all, rows := recorded(t, everyAnswer...), recorded(t, "rec20_query_*.json", "rec26_query_*.json")
	w := newWorld(t, 200)
	path, sparse := "/v3/company/"+realm, `","SyncToken":"0","sparse":true`
	payment := w.pay("3", w.bill("3"), "20")
	online := w.bill("3")
	w.update("Invoice", `{"Id":"`+online+`","sparse":true,"AllowOnlineACHPayment":true}`)
	item := at(w.create("Item", `{"Name":"Made","Type":"Service","IncomeAccountRef":{"value":"1"}}`), "Id")
	vendor := at(w.create("Vendor", `{"DisplayName":"Made"}`), "Id")
	customer := at(w.create("Customer", `{"DisplayName":"Made too"}`), "Id")
	invoice := `{"CustomerRef":{"value":"3"},"AllowOnlineACHPayment":true,"Line":[` + hour + `]}`
	for _, tt := range []struct {
		name, entity, file string
		got                answer
	}{
		{"read customer", "Customer", "rec26_get_customer.json", w.get(path + "/customer/3")},
		{"read item", "Item", "rec26_get_item.json", w.get(path + "/item/1")},
		{"read vendor", "Vendor", "rec26_get_vendor.json", w.get(path + "/vendor/1")},
		{"read payment", "Payment", "rec26_get_payment.json", w.get(path + "/payment/" + payment)},
		{"create invoice", "Invoice", "rec26_create_invoice.json", w.post("/invoice", invoice)},
		{"create payment", "Payment", "rec26_create_payment.json", w.post("/payment", `{"CustomerRef":{"value":"3"},"TotalAmt":100}`)},
		{"create item", "Item", "rec26_create_item.json", w.post("/item", `{"Name":"Posted","Type":"Service","IncomeAccountRef":{"value":"1"}}`)},
		{"create vendor", "Vendor", "rec26_create_vendor.json", w.post("/vendor", `{"DisplayName":"Posted"}`)},
		{"create customer", "Customer", "rec26_update_customer.json", w.post("/customer", `{"DisplayName":"Posted too"}`)},
		{"update customer", "Customer", "rec26_update_customer.json", w.post("/customer", `{"Id":"`+customer+sparse+`,"Notes":"x"}`)},
		{"update account", "Account", "rec26_update_account.json", w.post("/account", `{"Id":"45`+sparse+`,"Name":"Power"}`)},
		{"update item", "Item", "rec26_update_item.json", w.post("/item", `{"Id":"`+item+sparse+`,"Description":"x"}`)},
		{"update vendor", "Vendor", "rec26_update_vendor.json", w.post("/vendor", `{"Id":"`+vendor+sparse+`,"AcctNum":"7"}`)},
		{"update invoice", "Invoice", "rec26_update_invoice.json", w.post("/invoice", `{"Id":"`+online+
			`","SyncToken":"1","sparse":true,"BillEmail":{"Address":"accounts@customer.example"}}`)},
		{"read bill", "Bill", "rec26_get_bill.json", w.get(path + "/bill/" + w.firstID("Bill"))},
		{"read credit memo", "CreditMemo", "rec26_get_creditmemo.json", w.get(path + "/creditmemo/" + w.firstID("CreditMemo"))},
		{"read deposit", "Deposit", "rec26_get_deposit.json", w.get(path + "/deposit/" + w.firstID("Deposit"))},
		{"read estimate", "Estimate", "rec26_get_estimate.json", w.get(path + "/estimate/" + w.firstID("Estimate"))},
		{"read purchase order", "PurchaseOrder", "rec26_get_purchaseorder.json", w.get(path + "/purchaseorder/" + w.firstID("PurchaseOrder"))},
		{"create bill", "Bill", "rec26_create_bill.json", w.post("/bill", bodyOf("Bill"))},
		{"create credit memo", "CreditMemo", "rec26_create_creditmemo.json", w.post("/creditmemo", bodyOf("CreditMemo"))},
		{"create deposit", "Deposit", "rec26_create_deposit.json", w.post("/deposit", bodyOf("Deposit"))},
		{"create estimate", "Estimate", "rec26_create_estimate.json", w.post("/estimate", bodyOf("Estimate"))},
		{"create journal entry", "JournalEntry", "rec26_create_journalentry.json", w.post("/journalentry", bodyOf("JournalEntry"))},
		{"create purchase order", "PurchaseOrder", "rec26_create_purchaseorder.json", w.post("/purchaseorder", bodyOf("PurchaseOrder"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body any
			w.decode(tt.got.body, &body)
			ours, ourRows := collected(tt.entity, body), shape{}
			checkInvented(t, ours, known(tt.entity, all))
			anyRow := collected(tt.entity, rows...)
			for raw := range w.company.All(tt.entity) {
				var o any
				w.decode(string(raw), &o)
				ourRows.add(tt.entity, o)
				anyRow.add(tt.entity, o)
			}
			real := collected(tt.entity, recorded(t, tt.file)...)
			realRows := collected(tt.entity, recorded(t, "rec26_query_"+strings.ToLower(tt.entity)+"*.json")...)
			wantMore, wantLess := projection(tt.entity, real, realRows, anyRow)
			more, less := projection(tt.entity, ours, ourRows, anyRow)
			if !slices.Equal(more, wantMore) || !slices.Equal(less, wantLess) {
				t.Errorf("more than rows: %q, less: %q; really %q and %q in %s", more, less, wantMore, wantLess, tt.got.body)
			}
		})
	}
}

// projection gives the properties that one object shows and no row anywhere does, and those that all
// of its kin's rows show and it does not.
func projection(entity string, one, rows, anyRow shape) (more, less []string) {
	own := func(path string) bool { return strings.Count(path, ".") == 1 && strings.HasPrefix(path, entity+".") }
	for _, path := range slices.Sorted(maps.Keys(one)) {
		if own(path) && anyRow[path] == nil {
			more = append(more, path)
		}
	}
	for _, path := range rows.always() {
		if own(path) && one[path] == nil {
			less = append(less, path)
		}
	}
	return more, less
}

// TestHonestGateway: the gateway answers XML, whatever was asked for. There is no recording of it.
func TestHonestGateway(t *testing.T) {
	t.Parallel()
	fault := func(kind, code, message, detail string) string {
		return `<IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time="…"><Fault type="` + kind + `"><Error code="` + code +
			`"><Message>` + message + `</Message><Detail>` + detail + `</Detail></Error></Fault></IntuitResponse>`
	}
	declaration := regexp.MustCompile(`^<\?xml [^>]*\?>`)
	stamp := regexp.MustCompile(` time="([^"]*)"`)
	for _, tt := range []struct {
		kind   qbosim.FaultKind
		status int
		want   string
	}{
		{qbosim.XML401, 401, fault("AUTHENTICATION", "3200", "message=AuthenticationFailed; errorCode=003200; statusCode=401", "Token expired")},
		{qbosim.Forbidden403, 403, fault("AUTHORIZATION", "3201", "message=ApplicationAuthorizationFailed; errorCode=003201; statusCode=403", "The app is not entitled to this company")},
		{qbosim.XML429, 429, fault("SERVICE", "3001", "message=ThrottleExceeded; errorCode=003001; statusCode=429", "The request limit was reached. Try again later")},
	} {
		w := newWorld(t, 1)
		w.sim.Inject(qbosim.Fault{Kind: tt.kind})
		a := w.query(anyQuery)
		body := declaration.ReplaceAllString(a.body, "")
		if got := stamp.ReplaceAllString(body, ` time="…"`); a.status != tt.status || got != tt.want {
			t.Errorf("%d %s\nwant %s", a.status, got, tt.want)
		}
		if at := stamp.FindStringSubmatch(body); at == nil || utc(t, at[1]) != utc(t, w.clock.Now().Format(time.RFC3339)) {
			t.Errorf("time %q", at)
		}
		if kind := a.header.Get("Content-Type"); kind != "application/xml;charset=utf-8" {
			t.Errorf("as %s", kind)
		}
		if got := a.header.Get("WWW-Authenticate"); (got != "") != (a.status == 401) {
			t.Errorf("%d with WWW-Authenticate %q", a.status, got)
		}
	}
}

// TestHonestTokenErrors: the token and the revoke endpoint answer errors as OAuth spells them, with a
// description only where Intuit has one.
func TestHonestTokenErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	plain := newWorld(t, 1, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.OmitErrorDescription = true })
	const tokens, revoke = "/oauth2/v1/tokens/bearer", "/v2/oauth2/tokens/revoke"
	wrong := with(form, "Authorization", basic(clientID, "x"))
	good := "grant_type=refresh_token&refresh_token=" + w.tokens.Refresh
	for _, tt := range []struct {
		name   string
		got    answer
		status int
		body   string
	}{
		{"unknown token", w.refresh("x"), 400, notGranted},
		{"unknown token, plain", plain.refresh("x"), 400, `{"error":"invalid_grant"}`},
		{"unknown code", w.exchange("x"), 400, `{"error":"invalid_grant","error_description":"Invalid authorization code"}`},
		{"unknown code, plain", plain.exchange("x"), 400, `{"error":"invalid_grant"}`},
		{"wrong password", w.send("POST", tokens, good, wrong), 401, `{"error":"invalid_client"}`},
		{"no grant type", w.token("refresh_token", w.tokens.Refresh), 400, `{"error":"invalid_request"}`},
		{"another grant", w.token("grant_type", "password"), 400, `{"error":"unsupported_grant_type"}`},
		{"revoke, wrong password", w.send("POST", revoke, `{"token":"x"}`, with(wrong, "Content-Type", "application/json")), 401, `{"error":"invalid_client"}`},
		{"revoke nothing", w.send("POST", revoke, `{}`, with(form, "Content-Type", "application/json")), 400, `{"error":"invalid_request"}`},
	} {
		if tt.got.status != tt.status || tt.got.body != tt.body || tt.got.header.Get("Content-Type") != "application/json;charset=utf-8" {
			t.Errorf("%s: %d %s as %s", tt.name, tt.got.status, tt.got.body, tt.got.header.Get("Content-Type"))
		}
	}
}
