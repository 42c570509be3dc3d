package qbosim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// changed decodes a CDC answer into ids by entity; tombstones carry a †.
func (w *world) changed(a answer) map[string][]string {
	w.Helper()
	if a.status != 200 {
		w.Fatalf("%d %s", a.status, a.body)
	}
	var body struct {
		CDCResponse []struct {
			QueryResponse []map[string]json.RawMessage
		}
	}
	w.decode(a.body, &body)
	out := map[string][]string{}
	for _, group := range body.CDCResponse[0].QueryResponse {
		for entity, raw := range group {
			var rows []map[string]any
			if json.Unmarshal(raw, &rows) != nil {
				continue // a counter
			}
			for _, o := range rows {
				id := at(o, "Id")
				if at(o, "status") == "Deleted" {
					id += "†"
				}
				out[entity] = append(out[entity], id)
			}
		}
	}
	return out
}

func TestCDC(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	since := w.clock.Now()
	if a := w.cdc("Invoice,Customer", since); a.body != `{"CDCResponse":[{"QueryResponse":[{}]}],"time":"2026-06-15T05:00:00.250-07:00"}` {
		t.Errorf("nothing changed: %s", a.body)
	}
	w.clock.advance(time.Second)
	created := at(w.create("Customer", `{"DisplayName":"New"}`), "Id")
	if err := w.company.Deactivate("Customer", "2"); err != nil {
		t.Fatal(err)
	}
	bill := `{"CustomerRef":{"value":"3"},"Line":[{"Amount":10,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"1"}}}]}`
	gone := at(w.create("Invoice", bill), "Id")
	w.clock.advance(time.Second)
	kept := at(w.create("Invoice", bill), "Id")
	if err := w.company.Delete("Invoice", gone); err != nil {
		t.Fatal(err)
	}
	a := w.cdc("Invoice,Customer", since.Add(time.Second))
	got := w.changed(a)
	if want := fmt.Sprint([]string{kept, gone + "†"}); fmt.Sprint(got["Invoice"]) != want {
		t.Errorf("invoices %v, want %s", got["Invoice"], want)
	}
	if want := fmt.Sprint([]string{created, "2", "3"}); fmt.Sprint(got["Customer"]) != want {
		t.Errorf("customers %v, want %s: the new, the deactivated, the one that owes more", got["Customer"], want)
	}
	if !strings.Contains(a.body, `{"domain":"QBO","status":"Deleted","Id":"`+gone+`","MetaData":{"LastUpdatedTime":"2026-06-15T05:00:02-07:00"}}]`) {
		t.Errorf("tombstone: %s", a.body)
	}
}

func TestCDCCap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 900, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.OldChanges = true })
	if err := w.company.Delete("Invoice", w.firstID("Invoice")); err != nil {
		t.Fatal(err)
	}
	got := w.changed(w.cdc("Invoice,Payment,Customer", w.clock.Now().AddDate(-5, 0, 0)))
	if n := len(got["Invoice"]); n != 900 {
		t.Errorf("%d invoices with the tombstone, want 900", n)
	}
	if n := len(got["Invoice"]) + len(got["Payment"]) + len(got["Customer"]); n != 1000 {
		t.Errorf("%d objects in one answer, want 1000", n)
	}
}

func (w *world) firstID(entity string) string {
	for id := range w.company.IDs(entity) {
		return id
	}
	w.Fatalf("no %s", entity)
	return ""
}

func TestCDCRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	now := w.clock.Now()
	for _, entities := range []string{"", "Nonsense", "invoice", "TimeActivity", "TaxCode", "TaxRate", "TaxAgency", "JournalCode", "CompanyInfo", "Invoice,Nonsense"} {
		if a := w.cdc(entities, now); a.status != 400 || code(a.body) == "" {
			t.Errorf("entities=%s: %d %s", entities, a.status, a.body)
		}
	}
	if a := w.cdc("Invoice", now.Add(-31*24*time.Hour)); a.status != 400 {
		t.Errorf("31 days back: %d", a.status)
	}
	if a := w.cdc("Invoice", now.Add(-30*24*time.Hour)); a.status != 200 {
		t.Errorf("30 days back: %d", a.status)
	}
	for _, since := range []string{"", "&changedSince=soon"} {
		if a := w.get("/v3/company/" + realm + "/cdc?entities=Invoice" + since); a.status != 400 {
			t.Errorf("%q: %d", since, a.status)
		}
	}
}
