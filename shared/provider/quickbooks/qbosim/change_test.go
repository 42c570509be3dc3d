package qbosim_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// version is what moves when an object changes.
type version struct{ updated, token string }

func (w *world) version(entity, id string) version {
	o := w.object(entity, id)
	return version{at(o, "MetaData", "LastUpdatedTime"), at(o, "SyncToken")}
}

// moved compares two versions: "", "time", "token" or "both".
func moved(a, b version) string {
	switch {
	case a.updated != b.updated && a.token != b.token:
		return "both"
	case a.updated != b.updated:
		return "time"
	case a.token != b.token:
		return "token"
	}
	return ""
}

const hour = `{"Amount":200,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"1"},"UnitPrice":100,"Qty":2}}`

func (w *world) bill(customer string) string {
	w.Helper()
	return at(w.create("Invoice", `{"CustomerRef":{"value":"`+customer+`"},"Line":[`+hour+`]}`), "Id")
}

func (w *world) pay(customer, invoice, amount string) string {
	w.Helper()
	return at(w.create("Payment", `{"CustomerRef":{"value":"`+customer+`"},"TotalAmt":`+amount+`,"Line":[{"Amount":`+amount+
		`,"LinkedTxn":[{"TxnId":"`+invoice+`","TxnType":"Invoice"}]}]}`), "Id")
}

func (w *world) deposit(payment string) {
	w.Helper()
	if err := w.company.Deposit(payment); err != nil {
		w.Fatal(err)
	}
}

func (w *world) update(entity, body string) map[string]any {
	w.Helper()
	raw, err := w.company.Update(entity, body)
	if err != nil {
		w.Fatal(err)
	}
	var o map[string]any
	w.decode(string(raw), &o)
	return o
}

// TestWhatMoves is the table of what a change moves in other objects.
func TestWhatMoves(t *testing.T) {
	t.Parallel()
	const child, parent = "8", "7" // a job and its customer
	sell := func(w *world, _, _ string) { w.bill(child) }
	pay := func(w *world, i, _ string) { w.pay(child, i, "50") }
	deposit := func(w *world, _, p string) { w.deposit(p) }
	rename := func(entity, id, key string) func(*world, string, string) {
		return func(w *world, _, _ string) {
			w.update(entity, `{"Id":"`+id+`","sparse":true,"`+key+`":"Elsewhere"}`)
		}
	}
	renameJob, renameParent := rename("Customer", child, "DisplayName"), rename("Customer", parent, "DisplayName")
	renameItem, renameAccount := rename("Item", "1", "Name"), rename("Account", "1", "Name")
	memo := func(w *world, _, p string) {
		w.update("Payment", `{"Id":"`+p+`","sparse":true,"PrivateNote":"thanks"}`)
	}
	for _, tt := range []struct {
		name       string
		do         func(w *world, invoice, payment string)
		entity, id string // id "": the invoice, or the payment on it
		want       string
	}{
		{"payment moves its invoice", pay, "Invoice", "", "both"},
		{"payment moves its customer's time", pay, "Customer", child, "time"},
		{"payment moves the parent's time", pay, "Customer", parent, "time"},
		{"payment moves undeposited funds", pay, "Account", "4", "time"},
		{"payment moves receivables", pay, "Account", "84", "time"},
		{"payment leaves the one before", pay, "Payment", "", ""},
		{"sale moves its income account", sell, "Account", "1", "time"},
		{"sale moves receivables", sell, "Account", "84", "time"},
		{"sale moves its customer's time", sell, "Customer", child, "time"},
		{"sale moves the parent's time", sell, "Customer", parent, "time"},
		{"sale leaves other customers", sell, "Customer", "3", ""},
		{"stock moves the item's time", func(w *world, _, _ string) {
			w.create("Invoice", `{"CustomerRef":{"value":"1"},"Line":[{"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"3"},"UnitPrice":5,"Qty":2}}]}`)
		}, "Item", "3", "time"},
		{"sale leaves an item without stock", sell, "Item", "1", ""},
		{"deposit leaves the payment", deposit, "Payment", "", ""},
		{"deposit leaves the invoice", deposit, "Invoice", "", ""},
		{"deposit leaves the customer", deposit, "Customer", child, ""},
		{"rename moves the customer", renameJob, "Customer", child, "both"},
		{"rename of a customer leaves invoices", renameJob, "Invoice", "", ""},
		{"rename of a customer leaves payments", renameJob, "Payment", "", ""},
		{"rename of a customer leaves its parent", renameJob, "Customer", parent, ""},
		{"rename of a customer leaves its jobs", renameParent, "Customer", child, ""},
		{"rename moves the item", renameItem, "Item", "1", "both"},
		{"rename of an item leaves invoices", renameItem, "Invoice", "", ""},
		{"rename moves the account", renameAccount, "Account", "1", "both"},
		{"rename of an account leaves invoices", renameAccount, "Invoice", "", ""},
		{"rename of an account leaves items", renameAccount, "Item", "1", ""},
		{"rename of an account leaves those below", rename("Account", "45", "Name"), "Account", "46", ""},
		{"memo moves the payment", memo, "Payment", "", "both"},
		{"memo on a payment leaves its invoice", memo, "Invoice", "", ""},
		{"memo on a payment leaves the customer", memo, "Customer", child, ""},
		{"memo on an invoice leaves the customer", func(w *world, i, _ string) {
			w.update("Invoice", `{"Id":"`+i+`","sparse":true,"PrivateNote":"hello"}`)
		}, "Customer", child, ""},
		{"deactivating twice moves nothing", func(w *world, _, _ string) {
			w.update("Customer", `{"Id":"3","sparse":true,"Active":false}`)
			w.mark()
			w.update("Customer", `{"Id":"3","sparse":true,"Active":false}`)
		}, "Customer", "3", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 100)
			invoice := w.bill(child)
			payment := w.pay(child, invoice, "25")
			id := tt.id
			switch {
			case id == "" && tt.entity == "Invoice":
				id = invoice
			case id == "":
				id = payment
			}
			var before version
			w.mark = func() { w.clock.advance(time.Second); before = w.version(tt.entity, id) }
			w.mark()
			tt.do(w, invoice, payment)
			if got := moved(before, w.version(tt.entity, id)); got != tt.want {
				t.Errorf("moved %q, want %q", got, tt.want)
			}
			checkBooks(w)
		})
	}
}

func (w *world) want(entity, id string, path, want string) {
	w.Helper()
	if got := at(w.object(entity, id), strings.Split(path, ".")...); got != want {
		w.Errorf("%s %s: %s is %q, want %q", entity, id, path, got, want)
	}
}

func TestPaymentLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	invoice := w.bill("3")
	payment := w.pay("3", invoice, "150.5")
	w.want("Invoice", invoice, "Balance", "49.50")
	if links := w.object("Invoice", invoice)["LinkedTxn"].([]any); len(links) != 1 || at(links[0], "TxnId") != payment {
		t.Errorf("links %v", links)
	}
	w.want("Payment", payment, "UnappliedAmt", "0")
	w.update("Payment", `{"Id":"`+payment+`","sparse":true,"TotalAmt":180}`)
	w.want("Payment", payment, "UnappliedAmt", "29.50")
	w.want("Invoice", invoice, "Balance", "49.50")
	checkBooks(w)
	if err := w.company.Void("Payment", payment); err != nil {
		t.Fatal(err)
	}
	w.want("Invoice", invoice, "Balance", "200.00")
	w.want("Payment", payment, "PrivateNote", "Voided")
	w.want("Payment", payment, "TotalAmt", "0")
	if lines := w.object("Payment", payment)["Line"].([]any); len(lines) != 0 {
		t.Errorf("voided payment has lines %v", lines)
	}
	second := w.pay("3", invoice, "200")
	w.want("Invoice", invoice, "Balance", "0")
	if err := w.company.Delete("Payment", second); err != nil {
		t.Fatal(err)
	}
	w.want("Invoice", invoice, "Balance", "200.00")
	third := w.pay("3", invoice, "20")
	if err := w.company.Delete("Invoice", invoice); err != nil {
		t.Fatal(err)
	}
	w.want("Payment", third, "UnappliedAmt", "20.00")
	checkBooks(w)
}

// TestDeposit: a payment in a deposit shows it, is frozen, and no time or token tells of it.
func TestDeposit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	made := w.pay("3", w.bill("3"), "20")
	w.clock.advance(time.Minute)
	since := w.clock.Now()
	seen := map[string]bool{}
	for _, id := range []string{slices.Collect(w.company.IDs("Payment"))[0], made} {
		before := w.object("Payment", id)
		w.deposit(id)
		after := w.object("Payment", id)
		links, _ := after["LinkedTxn"].([]any)
		if len(links) != 1 || at(links[0], "TxnType") != "Deposit" || at(links[0], "TxnId") == "" {
			t.Fatalf("links %v", after["LinkedTxn"])
		}
		unique(w, seen, at(links[0], "TxnId"))
		if delete(after, "LinkedTxn"); !reflect.DeepEqual(before, after) {
			t.Errorf("was %v\nis %v", before, after)
		}
		if rows := w.rows("SELECT * FROM Payment WHERE Id = '"+id+"'", "Payment"); len(rows) != 1 || rows[0]["LinkedTxn"] == nil {
			t.Errorf("a query gives %v", rows)
		}
		token := `{"Id":"` + id + `","sparse":true,"SyncToken":"` + at(after, "SyncToken") + `","PrivateNote":"x"}`
		for _, how := range []string{"", "?operation=delete", "?operation=update&include=void"} {
			if a := w.post("/payment"+how, token); a.status != 400 || code(a.body) != "6540" {
				t.Errorf("payment%s: %d %s", how, a.status, a.body)
			}
		}
	}
	if got := w.changed(w.cdc("Payment,Invoice,Customer", since)); len(got) != 0 {
		t.Errorf("change data capture tells of %v", got)
	}
	unique(w, seen, w.bill("3"))
	banked := at(w.create("Payment", `{"CustomerRef":{"value":"3"},"TotalAmt":5,"DepositToAccountRef":{"value":"35"}}`), "Id")
	voided := w.pay("3", w.bill("3"), "5")
	if err := w.company.Void("Payment", voided); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{made: "6540", banked: "6000", voided: "6000", "77777": "610"} {
		var refusal *qbosim.Refusal
		if err := w.company.Deposit(id); !errors.As(err, &refusal) || refusal.Code != want {
			t.Errorf("deposit of %s: %v, want %s", id, err, want)
		}
	}
	checkBooks(w)
}

func TestBasePaymentsAreAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	count := w.company.Count("Payment")
	n := 0
	for _, id := range slices.Collect(w.company.IDs("Payment")) {
		var err error
		switch n++; n % 3 {
		case 0:
			err = w.company.Delete("Payment", id)
		case 1:
			err = w.company.Void("Payment", id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	n = 0
	for _, id := range slices.Collect(w.company.IDs("Invoice")) {
		if n++; n%4 == 0 {
			if err := w.company.Delete("Invoice", id); err != nil {
				t.Fatal(err)
			}
		} else if n%4 == 1 {
			if err := w.company.Void("Invoice", id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.company.Count("Invoice") != 75 || w.company.Count("Payment") != count-count/3 {
		t.Errorf("%d invoices, %d of %d payments left", w.company.Count("Invoice"), w.company.Count("Payment"), count)
	}
	checkBooks(w)
}

// TestRenameShowsEverywhere: names in refs are looked up when an object is read.
func TestRenameShowsEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	fresh := w.bill("3")
	payment := w.pay("3", fresh, "20")
	base := w.rows("SELECT * FROM Invoice WHERE CustomerRef = '3'", "Invoice")
	w.update("Customer", `{"Id":"3","sparse":true,"DisplayName":"Renamed \"Co\""}`)
	w.update("Item", `{"Id":"1","sparse":true,"Name":"Labour"}`)
	w.update("Account", `{"Id":"45","sparse":true,"Name":"Power"}`)
	w.update("Account", `{"Id":"1","sparse":true,"Name":"Work"}`)
	w.want("Invoice", fresh, "CustomerRef.name", `Renamed "Co"`)
	w.want("Payment", payment, "CustomerRef.name", `Renamed "Co"`)
	w.want("Item", "1", "IncomeAccountRef.name", "Work")
	for _, o := range base {
		w.want("Invoice", at(o, "Id"), "CustomerRef.name", `Renamed "Co"`)
	}
	text := string(dump(w, "Invoice"))
	for _, old := range []string{`"name":"Hours"`, "Power Services:Load"} {
		if strings.Contains(text, old) {
			t.Errorf("invoices still show %s", old)
		}
	}
	if !strings.Contains(text, `"name":"Power:Load Bank Testing"`) {
		t.Error("an account's new path does not show")
	}
	w.want("Account", "46", "FullyQualifiedName", "Power:Load Bank Testing")
	checkBooks(w)
}

func TestDeactivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	name := at(w.object("Customer", "3"), "DisplayName")
	if err := w.company.Deactivate("Customer", "3"); err != nil {
		t.Fatal(err)
	}
	w.want("Customer", "3", "DisplayName", name+" (deleted)")
	w.want("Customer", "3", "Active", "false")
	if rows := w.rows("SELECT * FROM Customer WHERE Id = '3'", "Customer"); len(rows) != 0 {
		t.Error("an inactive customer comes without being asked for")
	}
	if rows := w.rows("SELECT * FROM Customer WHERE Id = '3' AND Active IN (true, false)", "Customer"); len(rows) != 1 {
		t.Error("an inactive customer does not come when asked for")
	}
	w.update("Customer", `{"Id":"3","sparse":true,"Active":true}`)
	w.want("Customer", "3", "DisplayName", name)
}
