package quickbooks_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

var update = flag.Bool("update", false, "record the simulator's answers again and rewrite the golden files")

// again is the command that does so.
const again = "go test ./shared/provider/quickbooks -run Golden -update"

// rehearsed are the calls whose answers are testdata/<case>.json. The first word of a case is its entity.
var rehearsed = []struct{ name, path, statement string }{
	{"account_query", "query", "SELECT * FROM Account WHERE Active IN (true, false) MAXRESULTS 5"},
	{"customer_query", "query", "SELECT * FROM Customer WHERE Active IN (true, false) MAXRESULTS 8"},
	{"vendor_query", "query", "SELECT * FROM Vendor WHERE Active IN (true, false) MAXRESULTS 4"},
	{"item_query", "query", "SELECT * FROM Item WHERE Type IN ('Category', 'Group', 'Inventory') MAXRESULTS 8"},
	{"invoice_query", "query", "SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime STARTPOSITION 17 MAXRESULTS 10"},
	{"payment_query", "query", "SELECT * FROM Payment ORDERBY MetaData.LastUpdatedTime MAXRESULTS 7"},
	{"cdc", "cdc?entities=Customer,Item,Invoice,Payment,Account,Vendor&changedSince=2026-05-05T10:00:00Z", ""},
}

// simulate gives the simulator's answers to what is rehearsed, by case: a small company of a fixed
// seed at a fixed time, in which a few things happen.
func simulate(t *testing.T) map[string][]byte {
	t.Helper()
	const realm = "9130347957983546"
	now := time.Date(2026, 5, 5, 9, 0, 0, 0, time.UTC)
	sim := qbosim.New(qbosim.Config{ClientID: "id", ClientSecret: "secret", Now: func() time.Time { return now }, AccessTTL: 24 * time.Hour, NoLimits: true})
	company := sim.AddCompany(qbosim.CompanySpec{
		Realm: realm, Name: "OnPoint Power", Seed: 5, Invoices: 60, Customers: 12, MultiCurrency: true,
		CustomFields: []string{"Generator Model", "Engine Model"},
	})
	tokens := sim.IssueTokens(realm)
	now = now.Add(90 * time.Minute)
	happen(t, company)
	now = now.Add(time.Minute)

	answers := map[string][]byte{}
	for _, r := range rehearsed {
		path := "/v3/company/" + realm + "/" + r.path
		if r.statement != "" {
			path += "?minorversion=75&query=" + url.QueryEscape(r.statement)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		req.Header.Set("Authorization", "Bearer "+tokens.Access)
		req.Header.Set("Accept", "application/json")
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", r.name, w.Code, w.Body)
		}
		answers[r.name] = w.Body.Bytes()
	}
	return answers
}

// happen changes a bit of everything: what change data capture tells of.
func happen(t *testing.T, company *qbosim.Company) {
	t.Helper()
	var invoices, payments []string
	for id := range company.IDs("Invoice") {
		invoices = append(invoices, id)
	}
	for id := range company.IDs("Payment") {
		payments = append(payments, id)
	}
	_, created := company.Create("Customer", `{"DisplayName":"Zoë \"Zz\" Ångström 発電機","BillAddr":{"Line1":"1 Main Street","City":"Lagos"}}`)
	_, edited := company.Update("Invoice", fmt.Sprintf(`{"Id":%q,"sparse":true,"PrivateNote":"two\nlines"}`, invoices[3]))
	for _, err := range []error{
		created, edited,
		company.Void("Invoice", invoices[1]),
		company.Delete("Invoice", invoices[len(invoices)-1]),
		company.Delete("Payment", payments[0]),
		company.Deactivate("Vendor", "2"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// record writes what the simulator says today.
func record(t *testing.T) {
	t.Helper()
	for name, body := range simulate(t) {
		if err := os.WriteFile(filepath.Join("testdata", name+".json"), body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecordingsAreCurrent compares the recordings with what the simulator says today.
func TestRecordingsAreCurrent(t *testing.T) {
	for name, body := range simulate(t) {
		file := filepath.Join("testdata", name+".json")
		recorded, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(recorded) != string(body) {
			t.Errorf("%s is not what the simulator says: run %s, and read what changes", file, again)
		}
	}
}
