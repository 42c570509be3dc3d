package qbosim_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestPostRefuses is what a body may get wrong.
func TestPostRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	inactive := at(w.create("Customer", `{"DisplayName":"Gone"}`), "Id")
	if err := w.company.Deactivate("Customer", inactive); err != nil {
		t.Fatal(err)
	}
	paid := w.bill("3")
	w.pay("3", paid, "150")
	line := `"Line":[` + hour + `]`
	for _, tt := range []struct{ name, path, body, code string }{
		{"not JSON", "/invoice", `{"CustomerRef"`, "2010"},
		{"unknown property", "/invoice", `{"BadJson":1}`, "2010"},
		{"no customer", "/invoice", `{` + line + `}`, "2020"},
		{"no lines", "/invoice", `{"CustomerRef":{"value":"3"}}`, "2020"},
		{"unknown customer", "/invoice", `{"CustomerRef":{"value":"777777"},` + line + `}`, "2500"},
		{"inactive customer", "/invoice", `{"CustomerRef":{"value":"` + inactive + `"},` + line + `}`, "610"},
		{"amount", "/invoice", `{"CustomerRef":{"value":"3"},"Line":[` + strings.Replace(hour, "200", "201", 1) + `]}`, "6070"},
		{"number", "/invoice", `{"CustomerRef":{"value":"3"},"Line":[` + strings.Replace(hour, "200", `"much"`, 1) + `]}`, "2080"},
		{"line type", "/invoice", `{"CustomerRef":{"value":"3"},"Line":[{"Amount":1,"DetailType":"Mystery"}]}`, "2170"},
		{"below what is paid", "/invoice", `{"Id":"` + paid + `","SyncToken":"1","sparse":true,"Line":[{"Amount":1,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{}}]}`, "6000"},
		{"duplicate name", "/customer", `{"DisplayName":"atlas engine parts"}`, "6240"},
		{"colon", "/customer", `{"DisplayName":"A:B"}`, "6000"},
		{"no name", "/customer", `{"Notes":"x"}`, "2020"},
		{"bad id", "/invoice", `{"Id":"1.5","SyncToken":"0"}`, "2030"},
		{"missing object", "/invoice", `{"Id":"99999999","SyncToken":"0","sparse":true}`, "610"},
		{"no token", "/invoice", `{"Id":"` + paid + `","sparse":true}`, "2020"},
		{"stale", "/invoice", `{"Id":"` + paid + `","SyncToken":"0","sparse":true}`, "5010"},
		{"stale delete", "/invoice?operation=delete", `{"Id":"` + paid + `","SyncToken":"0"}`, "5010"},
		{"delete of a list", "/customer?operation=delete", `{"Id":"3","SyncToken":"0"}`, "500"},
		{"void of a list", "/customer?operation=void", `{"Id":"3","SyncToken":"0"}`, "500"},
		{"void of a payment by name", "/payment?operation=void", `{"Id":"3","SyncToken":"0"}`, "500"},
		{"overpaid invoice", "/payment", `{"CustomerRef":{"value":"3"},"TotalAmt":900,"Line":[{"Amount":900,"LinkedTxn":[{"TxnId":"` + paid + `","TxnType":"Invoice"}]}]}`, "6000"},
		{"another's invoice", "/payment", `{"CustomerRef":{"value":"1"},"TotalAmt":1,"Line":[{"Amount":1,"LinkedTxn":[{"TxnId":"` + paid + `","TxnType":"Invoice"}]}]}`, "6000"},
		{"lines above total", "/payment", `{"CustomerRef":{"value":"3"},"TotalAmt":1,"Line":[{"Amount":2,"LinkedTxn":[{"TxnId":"` + paid + `","TxnType":"Invoice"}]}]}`, "6000"},
		{"read-only entity", "/companyinfo", `{"CompanyName":"x"}`, "500"},
		{"no such path", "/nonsense", `{}`, "500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := w.post(tt.path, tt.body)
			if a.status != 400 || code(a.body) != tt.code {
				t.Errorf("%d %s, want 400 with code %s", a.status, a.body, tt.code)
			}
		})
	}
	checkBooks(w)
}

func TestInvoiceByPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	a := w.post("/invoice", `{"CustomerRef":{"value":"3"},"TxnTaxDetail":{"TxnTaxCodeRef":{"value":"2"}},
		"CustomField":[{"DefinitionId":"2","StringValue":"V12"},{"DefinitionId":"9","StringValue":"dropped"}],"Line":[`+hour+`,
		{"Amount":50,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"3"},"TaxCodeRef":{"value":"TAX"}}},
		{"DetailType":"DescriptionOnly","Description":"as agreed"},
		{"DetailType":"DiscountLineDetail","DiscountLineDetail":{"PercentBased":true,"DiscountPercent":10}}]}`)
	if a.status != 200 {
		t.Fatal(a.body)
	}
	for _, piece := range []string{`"TotalAmt":229.00`, `"Balance":229.00`, `"TotalTax":4.00`, `"NetAmountTaxable":50.00`, `"SyncToken":"0"`,
		`{"Amount":250.00,"DetailType":"SubTotalLineDetail","SubTotalLineDetail":{}},{"Amount":25.00,"DetailType":"DiscountLineDetail"`,
		`{"Id":"3","LineNum":3,"Description":"as agreed","DetailType":"DescriptionOnly"`,
		`[{"DefinitionId":"1","Name":"Generator Model","Type":"StringType"},{"DefinitionId":"2","Name":"Engine Model","Type":"StringType","StringValue":"V12"}]`} {
		if !strings.Contains(a.body, piece) {
			t.Errorf("no %s in %s", piece, a.body)
		}
	}
	if strings.Contains(a.body, "dropped") {
		t.Error("a value of an undefined custom field is kept")
	}
	var o struct{ Invoice map[string]any }
	w.decode(a.body, &o)
	id := at(o.Invoice, "Id")
	w.want("Invoice", id, "FreeFormAddress", "true")

	// A line posted without its Id is a new line.
	w.update("Invoice", `{"Id":"`+id+`","sparse":true,"Line":[`+hour+`]}`)
	if first := w.object("Invoice", id)["Line"].([]any)[0]; at(first, "Id") != "4" {
		t.Errorf("renumbered to %s, want 4", at(first, "Id"))
	}
	w.update("Invoice", `{"Id":"`+id+`","CustomerRef":{"value":"3"},"Line":[`+hour+`]}`) // a full update
	if fields := w.object("Invoice", id)["CustomField"].([]any); at(fields[1], "StringValue") != "" {
		t.Error("a full update keeps what it leaves out")
	}
	a = w.post("/invoice?operation=void", `{"Id":"`+id+`","SyncToken":"2"}`)
	for _, piece := range []string{`"TotalAmt":0`, `"Qty":0`, `"PrivateNote":"Voided"`, `"SyncToken":"3"`, `"LinkedTxn":[]`, `"ItemRef":{"value":"1"`} {
		if !strings.Contains(a.body, piece) {
			t.Errorf("voided: no %s in %s", piece, a.body)
		}
	}
	a = w.post("/invoice?operation=delete", `{"Id":"`+id+`","SyncToken":"3"}`)
	if want := `{"Invoice":{"domain":"QBO","status":"Deleted","Id":"` + id + `"},"time":"2026-06-15T05:00:00.250-07:00"}`; a.body != want {
		t.Errorf("deleted: %s", a.body)
	}
	if a = w.get("/v3/company/" + realm + "/invoice/" + id); a.status != 400 || code(a.body) != "610" {
		t.Errorf("read of a deleted one: %d %s", a.status, a.body)
	}
	checkBooks(w)
}

func TestPaymentVoidByPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	id := w.pay("3", w.bill("3"), "50")
	a := w.post("/payment?operation=update&include=void", `{"Id":"`+id+`","SyncToken":"0","sparse":true}`)
	if a.status != 200 || !strings.Contains(a.body, `"Line":[]`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	n := w.company.Count("Customer")
	first := w.post("/customer?requestid=abc", `{"DisplayName":"Once"}`)
	second := w.post("/customer?requestid=abc", `{"DisplayName":"Once"}`)
	if first.status != 200 || first.body != second.body || w.company.Count("Customer") != n+1 {
		t.Errorf("%s\n%s", first.body, second.body)
	}
}

// TestRefusedBeforeAll is what no endpoint takes.
func TestRefusedBeforeAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	base := "/v3/company/" + realm
	query := base + "/query?query=" + url.QueryEscape(anyQuery)
	cdc := base + "/cdc?entities=Invoice&changedSince=2026-06-15"
	for _, tt := range []struct{ method, path, allow string }{
		{"PUT", query, "GET, POST"}, {"DELETE", query, "GET, POST"}, {"PATCH", query, "GET, POST"},
		{"POST", cdc, "GET"}, {"PUT", cdc, "GET"}, {"DELETE", cdc, "GET"},
		{"PUT", base + "/customer", "GET, POST"}, {"DELETE", base + "/customer/3", "GET, POST"},
	} {
		a := w.send(tt.method, tt.path, "", nil)
		if a.status != 405 || code(a.body) != "500" || a.header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d, allowed %q: %s", tt.method, tt.path, a.status, a.header.Get("Allow"), a.body)
		}
	}
	for _, path := range []string{base + "/customer", base + "/companyinfo"} {
		if a := w.get(path); a.status != 400 || code(a.body) != "500" {
			t.Errorf("GET %s: %d %s", path, a.status, a.body)
		}
	}
	if st := w.sim.Stats(); st.Metered != 0 || st.Errors != 10 {
		t.Errorf("figures %+v", st)
	}
	n := w.company.Count("Customer")
	for length, want := range map[int]string{50: "", 51: "2050"} {
		id := url.QueryEscape(strings.Repeat("é", length))
		a := w.post("/customer?requestid="+id, fmt.Sprintf(`{"DisplayName":"With %d"}`, length))
		if code(a.body) != want {
			t.Errorf("requestid of %d characters: %d %s", length, a.status, a.body)
		}
	}
	if got := w.company.Count("Customer"); got != n+1 {
		t.Errorf("%d customers were made, want 1", got-n)
	}
}

func TestReadShowsMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 200)
	online := at(w.rows("SELECT * FROM Invoice MAXRESULTS 1000", "Invoice")[0], "Id")
	for _, o := range w.rows("SELECT * FROM Invoice MAXRESULTS 1000", "Invoice") {
		if at(o, "AllowOnlineACHPayment") == "true" && at(o, "BillEmail", "Address") != "" {
			online = at(o, "Id")
		}
		if o["InvoiceLink"] != nil {
			t.Error("a query row shows InvoiceLink")
		}
	}
	for path, key := range map[string]string{"invoice/" + online: "InvoiceLink", "item/1": "DeferredRevenue", "vendor/1": "BillRate", "companyinfo/" + realm: "DefaultTimeZone", "term/3": "DueDays"} {
		if a := w.get("/v3/company/" + realm + "/" + path); a.status != 200 || !strings.Contains(a.body, `"`+key+`":`) {
			t.Errorf("%s: %d, no %s: %.300s", path, a.status, key, a.body)
		}
	}
	for path, want := range map[string]string{"customer/1/5": "500", "invoice/1.5": "2030", "invoice/0": "610", "companyinfo/1": "610", "nothing/1": "500"} {
		if a := w.get("/v3/company/" + realm + "/" + path); a.status != 400 || code(a.body) != want {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.body, want)
		}
	}
}

func TestPutRaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.company.PutRaw("Invoice", "5", w.clock.Now(), `{"TotalAmt":"much"}`)
	if a := w.query("SELECT * FROM Invoice MAXRESULTS 1"); !strings.Contains(a.body, `[{"TotalAmt":"much"}]`) {
		t.Errorf("planted row: %s", a.body)
	}
	if _, ok := w.company.Get("Invoice", "5"); !ok || w.company.Count("Invoice") != 4 {
		t.Error("the planted object is not there")
	}
}

func TestErrorsAreRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	_, err := w.company.Create("Customer", `{"DisplayName":"atlas engine parts"}`)
	var refusal *qbosim.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "6240" {
		t.Errorf("got %v", err)
	}
	if err := w.company.Delete("Invoice", "77777"); !errors.As(err, &refusal) || refusal.Code != "610" {
		t.Errorf("got %v", err)
	}
}
