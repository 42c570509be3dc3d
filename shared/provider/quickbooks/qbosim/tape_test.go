package qbosim_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// A simulator that is saved and loaded again holds the same objects, byte for byte, and knows its tokens.
func TestSaveAndLoad(t *testing.T) {
	now := time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)
	cfg := qbosim.Config{ClientID: "id", ClientSecret: "secret", Now: func() time.Time { return now }}
	sim := qbosim.New(cfg)
	c := sim.AddCompany(qbosim.CompanySpec{Realm: "1", Name: "Kept", Seed: 5, Invoices: 40})
	sim.IssueTokens("1")
	fresh, err := c.Create("Customer", `{"DisplayName":"New here"}`)
	if err != nil {
		t.Fatal(err)
	}
	var customer struct {
		ID string `json:"Id"`
	}
	if err := json.Unmarshal(fresh, &customer); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	invoices := slices.Collect(c.IDs("Invoice"))
	payments := slices.Collect(c.IDs("Payment"))
	if _, err := c.Create("Invoice", `{"CustomerRef":{"value":"1"},"Line":[{"DetailType":"Mystery"}]}`); err == nil {
		t.Fatal("a bad invoice was made") // it must not have used up an id
	}
	for _, err := range []error{
		c.Deposit(payments[1]), c.Deposit(payments[2]),
		c.Void("Invoice", invoices[0]), c.Delete("Payment", payments[0]), c.Deactivate("Customer", customer.ID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c.PutRaw("Invoice", "odd", now, `{"no":"id"}`)
	now = now.Add(time.Hour)
	for _, m := range made {
		if m.entity != "CompanyCurrency" && m.entity != "ExchangeRate" {
			if _, err := c.Create(m.entity, m.body); err != nil {
				t.Fatal(err)
			}
		}
	}
	bills := slices.Collect(c.IDs("Bill"))
	for _, err := range []error{
		c.Merge("Vendor", "3", "2"), c.Merge("Customer", "5", "4", qbosim.LoserInactive), c.Delete("Bill", bills[0]),
		c.Delete("Bill", bills[2], qbosim.OldTombstone), c.Restore("Bill", bills[0]), c.Restore("Payment", payments[0], qbosim.SameTime),
		c.Touch("Invoice", 7), c.Email("Invoice", invoices[5]), c.Reactivate("Customer", customer.ID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "sim.json")
	if err := sim.Save(file); err != nil {
		t.Fatal(err)
	}

	now = now.Add(48 * time.Hour)
	again := qbosim.New(cfg)
	if found, err := again.Load(file); err != nil || !found {
		t.Fatalf("Load = %v, %v", found, err)
	}
	for _, entity := range everyEntity {
		if diff := cmp.Diff(texts(c, entity), texts(again.Company("1"), entity)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", entity, diff)
		}
	}
	for _, sim := range []*qbosim.Server{sim, again} {
		if _, err := sim.Company("1").Create("Bill", `{"VendorRef":{"value":"1"},"Line":[`+expenseOf+`]}`); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(texts(c, "Bill"), texts(again.Company("1"), "Bill")); diff != "" {
		t.Errorf("what comes after differs (-first +loaded):\n%s", diff)
	}
	if err := again.Save(file); err != nil {
		t.Errorf("save again: %v", err)
	}
	if found, err := qbosim.New(cfg).Load(filepath.Join(t.TempDir(), "none")); found || err != nil {
		t.Errorf("Load without a file = %v, %v", found, err)
	}
}

func texts(c *qbosim.Company, entity string) (out []string) {
	for raw := range c.All(entity) {
		out = append(out, string(raw))
	}
	return out
}
