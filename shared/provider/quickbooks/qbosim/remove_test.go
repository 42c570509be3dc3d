package qbosim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestVoids: amounts and quantities go, the object stays and says so in its note.
func TestVoids(t *testing.T) {
	t.Parallel()
	byAPI := map[string]string{"Invoice": "?operation=void", "Payment": "?operation=update&include=void",
		"SalesReceipt": "?operation=update&include=void", "BillPayment": "?operation=update&include=void"}
	for _, entity := range []string{"Invoice", "Payment", "SalesReceipt", "BillPayment", "CreditMemo", "RefundReceipt", "Purchase", "Transfer", "Bill", "Estimate", "Deposit"} {
		t.Run(entity, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 20)
			id := newest(w, entity)
			token := at(w.object(entity, id), "SyncToken")
			for _, how := range []string{"?operation=void", "?operation=update&include=void"} {
				a := w.post("/"+strings.ToLower(entity)+how, `{"Id":"`+id+`","SyncToken":"`+token+`"}`)
				if how != byAPI[entity] && (a.status != 400 || code(a.body) != "500") || how == byAPI[entity] && a.status != 200 {
					t.Fatalf("%s: %d %s", how, a.status, a.body)
				}
			}
			if byAPI[entity] == "" {
				err := w.company.Void(entity, id)
				if slices.Contains([]string{"Bill", "Estimate", "Deposit"}, entity) {
					if err == nil {
						t.Error("it was voided")
					}
					return
				} else if err != nil {
					t.Fatal(err)
				}
			}
			o := w.object(entity, id)
			total := "TotalAmt"
			if entity == "Transfer" {
				total = "Amount"
			}
			if at(o, total) != "0" || !strings.HasPrefix(at(o, "PrivateNote"), "Voided") || at(o, "SyncToken") == token {
				t.Errorf("voided: %v", o)
			}
			if lines, _ := o["Line"].([]any); (entity == "Payment" || entity == "BillPayment") && len(lines) != 0 {
				t.Errorf("lines %v", lines)
			}
			if raw := fmt.Sprint(o["Line"]); strings.Contains(raw, "UnitPrice") || strings.Contains(raw, "Qty:1") {
				t.Errorf("lines %s", raw)
			}
			checkBooks(w)
			checkLedger(w)
		})
	}
}

// newest gives an object that nothing holds.
func newest(w *world, entity string) string {
	w.Helper()
	ids := slices.Collect(w.company.IDs(entity))
	for _, id := range slices.Backward(ids) {
		if raw, _ := w.company.Get(entity, id); !strings.Contains(string(raw), `"TxnType":"Deposit"`) {
			return id
		}
	}
	w.Fatalf("no %s", entity)
	return ""
}

// versions are the last updates and tokens of all objects of all entities.
func versions(w *world) map[string]string {
	w.Helper()
	out := map[string]string{}
	for _, entity := range everyEntity {
		each(w, entity, func(o map[string]any) {
			out[entity+" "+idOf(entity, o)] = at(o, "MetaData", "LastUpdatedTime") + " " + at(o, "SyncToken")
		})
	}
	return out
}

// TestMerge: nothing refers to the loser any more, and nothing but the two lists tells of it.
func TestMerge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ entity, winner, loser, ref string }{
		{"Customer", "3", "2", `"CustomerRef":{"value":"2"`},
		{"Vendor", "3", "2", `"VendorRef":{"value":"2"`},
		{"Account", "55", "7", `"AccountRef":{"value":"7"`},
		{"Class", "5000000000000007195", "5000000000000007196", `"value":"5000000000000007196"`},
		{"Department", "2", "1", `"DepartmentRef":{"value":"1"`},
		{"Employee", "56", "55", `"EmployeeRef":{"value":"55"`},
		{"Item", "4", "1", `"ItemRef":{"value":"1"`},
		{"PaymentMethod", "3", "2", `"PaymentMethodRef":{"value":"2"`},
	} {
		for _, stays := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %t", tt.entity, stays), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, 10, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.Each = 9 })
				makeAll(w)
				if n := strings.Count(string(all(w)), tt.ref); n == 0 {
					t.Fatal("nothing refers to the loser")
				}
				w.clock.advance(time.Minute)
				since, before := w.clock.Now(), versions(w)
				var how []qbosim.MergeHow
				if stays {
					how = append(how, qbosim.LoserInactive)
				}
				if err := w.company.Merge(tt.entity, tt.winner, tt.loser, how...); err != nil {
					t.Fatal(err)
				}
				if n := strings.Count(string(all(w)), tt.ref); n != 0 {
					t.Errorf("%d refs to the loser", n)
				}
				checkQuiet(w, before, tt.entity, tt.winner, tt.loser, stays)
				changed := w.changed(w.cdc(tt.entity, since))[tt.entity]
				if gone := slices.Contains(changed, tt.loser+"†"); gone == stays || !slices.Contains(changed, tt.winner) {
					t.Errorf("CDC tells of %v", changed)
				}
				for _, o := range w.rows("SELECT * FROM Invoice WHERE CustomerRef = '3' MAXRESULTS 1000", "Invoice") {
					w.want("Invoice", at(o, "Id"), "CustomerRef.name", at(w.object("Customer", "3"), "DisplayName"))
				}
				checkBooks(w)
				checkLedger(w)
				if tt.entity != "Item" { // it sells the loser
					w.bill("3")
				}
				checkBooks(w)
			})
		}
	}
}

// checkQuiet: no last update and no token moved but those of the merged, and of what they belong to.
func checkQuiet(w *world, before map[string]string, entity, winner, loser string, stays bool) {
	w.Helper()
	after := versions(w)
	for key, was := range before {
		if key == entity+" "+winner || key == entity+" "+loser {
			continue
		}
		if after[key] != was {
			w.Errorf("%s was %s, is %s", key, was, after[key])
		}
	}
	if _, still := after[entity+" "+loser]; still != stays {
		w.Errorf("the loser is there: %t", still)
	}
	if stays {
		w.want(entity, loser, "Active", "false")
	}
}

// all is every object that there is, but for the lists that are merged themselves.
func all(w *world) []byte {
	var b []byte
	for _, entity := range everyEntity {
		b = append(b, dump(w, entity)...)
	}
	return b
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency = true })
	for _, tt := range []struct{ entity, winner, loser, code string }{
		{"Term", "1", "2", "500"}, {"Invoice", "1", "2", "500"}, {"Customer", "3", "3", "6000"}, {"Customer", "3", "77777", "610"},
		{"Customer", "77777", "3", "610"}, {"Customer", "8", "7", "6000"}, {"Account", "35", "84", "6000"}, {"Account", "35", "7", "6000"},
		{"Item", "1", "3", "6000"}, {"Account", "84", "1150040000", "6000"},
	} {
		var refusal *qbosim.Refusal
		if err := w.company.Merge(tt.entity, tt.winner, tt.loser); !errors.As(err, &refusal) || refusal.Code != tt.code {
			t.Errorf("merge of %s %s into %s: %v, want %s", tt.entity, tt.loser, tt.winner, err, tt.code)
		}
	}
}

// TestMergeTwice: what was merged into a loser goes on to the last winner, and jobs go along.
func TestMergeTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	for _, m := range [][2]string{{"3", "2"}, {"4", "3"}, {"4", "7"}} {
		if err := w.company.Merge("Customer", m[0], m[1]); err != nil {
			t.Fatal(err)
		}
	}
	w.want("Customer", "8", "ParentRef.value", "4")
	w.want("Customer", "8", "FullyQualifiedName", at(w.object("Customer", "4"), "DisplayName")+":"+at(w.object("Customer", "8"), "DisplayName"))
	for _, id := range []string{"2", "3", "7"} {
		if rows := w.rows("SELECT * FROM Invoice WHERE CustomerRef = '"+id+"'", "Invoice"); len(rows) != 0 {
			t.Errorf("%d invoices of customer %s", len(rows), id)
		}
	}
	checkBooks(w)
}

// TestRestore: a deleted object comes back, with a new time or with the old one.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, entity := range []string{"Invoice", "Payment", "Bill", "BillPayment", "SalesReceipt", "CreditMemo", "RefundReceipt", "Purchase", "Deposit", "Transfer",
		"JournalEntry", "Estimate", "PurchaseOrder", "VendorCredit", "TimeActivity", "Attachable", "Budget", "RecurringTransaction", "InventoryAdjustment"} {
		t.Run(entity, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 10, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.AccessTTL = 1000 * time.Hour })
			id := newest(w, entity)
			for _, how := range []qbosim.RestoreHow{qbosim.NewTime, qbosim.SameTime} {
				w.clock.advance(25 * time.Hour)
				raw, _ := w.company.Get(entity, id)
				was := string(raw)
				if err := w.company.Delete(entity, id); err != nil {
					t.Fatal(err)
				}
				checkBooks(w)
				w.clock.advance(25 * time.Hour)
				since := w.clock.Now()
				if err := w.company.Restore(entity, id, how); err != nil {
					t.Fatal(err)
				}
				checkBooks(w)
				checkLedger(w)
				raw, _ = w.company.Get(entity, id)
				if moved := lastUpdate(was) != lastUpdate(string(raw)); moved == (how == qbosim.SameTime) {
					t.Errorf("restored %s, was %s", raw, was)
				}
				if slices.Contains(byCDC, entity) {
					changed := w.changed(w.cdc(entity, since))[entity]
					if slices.Contains(changed, id) == (how == qbosim.SameTime) || slices.Contains(changed, id+"†") {
						t.Errorf("CDC tells of %v", changed)
					}
				}
			}
			if err := w.company.Restore(entity, id); err == nil {
				t.Error("what lives was restored")
			}
		})
	}
}

// lastUpdate cuts a time of last update out of an object of any shape.
func lastUpdate(raw string) string {
	_, after, _ := strings.Cut(raw, `"LastUpdatedTime":"`)
	stamp, _, _ := strings.Cut(after, `"`)
	return stamp
}

// TestOldTombstone: the fault that a deletion seems older than what was deleted.
func TestOldTombstone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	id := w.bill("3")
	w.clock.advance(time.Minute)
	if err := w.company.Delete("Invoice", id, qbosim.OldTombstone); err != nil {
		t.Fatal(err)
	}
	a := w.cdc("Invoice", w.clock.Now().Add(-2*time.Hour))
	if want := `{"domain":"QBO","status":"Deleted","Id":"` + id + `","MetaData":{"LastUpdatedTime":"2026-06-15T04:00:00-07:00"}}`; !strings.Contains(a.body, want) {
		t.Errorf("no %s in %s", want, a.body)
	}
	if got := w.changed(w.cdc("Invoice", w.clock.Now().Add(-time.Minute))); len(got["Invoice"]) != 0 {
		t.Errorf("told of as new: %v", got)
	}
}

// TestTouch: more objects of one second than any answer of CDC holds.
func TestTouch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1200)
	w.clock.advance(time.Minute)
	since := w.clock.Now()
	if err := w.company.Touch("Invoice", 1001); err != nil {
		t.Fatal(err)
	}
	if got := w.changed(w.cdc("Invoice", since)); len(got["Invoice"]) != 1000 {
		t.Errorf("%d by CDC", len(got["Invoice"]))
	}
	second := since.Truncate(time.Second).UTC().Format(time.RFC3339)
	condition := fmt.Sprintf("FROM Invoice WHERE MetaData.LastUpdatedTime >= '%s' AND MetaData.LastUpdatedTime <= '%s'", second, second)
	if a := w.query("SELECT COUNT(*) " + condition); !strings.Contains(a.body, `"totalCount":1001}`) {
		t.Errorf("%s", a.body)
	}
	if err := w.company.Touch("Invoice", 1201); err == nil {
		t.Error("more were touched than there are")
	}
	checkBooks(w)
}
