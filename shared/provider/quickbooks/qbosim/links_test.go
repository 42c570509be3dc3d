package qbosim_test

import (
	"fmt"
	"testing"
	"time"
)

// TestWhatPurchasesMove is the table of what a change moves in other objects, beyond invoices.
func TestWhatPurchasesMove(t *testing.T) {
	t.Parallel()
	ordered := func(w *world, ids map[string]string) string {
		return at(w.create("Bill", `{"VendorRef":{"value":"1"},"LinkedTxn":[{"TxnId":"`+ids["PurchaseOrder"]+`","TxnType":"PurchaseOrder"}],"Line":[`+expenseOf+`]}`), "Id")
	}
	pay := func(w *world, ids map[string]string) {
		w.create("BillPayment", `{"VendorRef":{"value":"1"},"PayType":"Check","CheckPayment":{"BankAccountRef":{"value":"35"}},"TotalAmt":10,
			"Line":[{"Amount":10,"LinkedTxn":[{"TxnId":"`+ids["Bill"]+`","TxnType":"Bill"}]}]}`)
	}
	quote := func(w *world, ids map[string]string) {
		w.create("Invoice", `{"CustomerRef":{"value":"3"},"LinkedTxn":[{"TxnId":"`+ids["Estimate"]+`","TxnType":"Estimate"}],"Line":[`+hour+`]}`)
	}
	bank := func(w *world, ids map[string]string) {
		w.create("Deposit", `{"DepositToAccountRef":{"value":"35"},"Line":[{"Amount":200,"LinkedTxn":[{"TxnId":"`+ids["SalesReceipt"]+`","TxnType":"SalesReceipt"}]}]}`)
	}
	rename := func(entity, key, id string) func(*world, map[string]string) {
		return func(w *world, _ map[string]string) {
			w.update(entity, `{"Id":"`+id+`","sparse":true,"`+key+`":"Elsewhere"}`)
		}
	}
	for _, tt := range []struct {
		name       string
		do         func(w *world, ids map[string]string)
		entity, id string // id "": the one that was made
		want       string
		path, is   string // what it shows then
	}{
		{"bill payment moves its bill", pay, "Bill", "", "both", "Balance", "80.00"},
		{"bill payment moves its vendor's time", pay, "Vendor", "1", "time", "", ""},
		{"bill payment moves the bank's time", pay, "Account", "35", "time", "", ""},
		{"bill payment moves payables", pay, "Account", "33", "time", "", ""},
		{"bill moves its vendor's time", func(w *world, ids map[string]string) { ordered(w, ids) }, "Vendor", "1", "time", "", ""},
		{"bill leaves other vendors", func(w *world, ids map[string]string) { ordered(w, ids) }, "Vendor", "2", "", "", ""},
		{"bill moves its order", func(w *world, ids map[string]string) { ordered(w, ids) }, "PurchaseOrder", "", "both", "POStatus", "Closed"},
		{"deleted bill opens its order", func(w *world, ids map[string]string) {
			id := ordered(w, ids)
			w.mark()
			if err := w.company.Delete("Bill", id); err != nil {
				w.Fatal(err)
			}
		}, "PurchaseOrder", "", "both", "POStatus", "Open"},
		{"invoice moves its estimate's time", quote, "Estimate", "", "time", "TxnStatus", "Closed"},
		{"deposit leaves the receipt", bank, "SalesReceipt", "", "", "Balance", "0"},
		{"deposit moves the bank's time", bank, "Account", "35", "time", "", ""},
		{"rename of a vendor leaves bills", rename("Vendor", "DisplayName", "1"), "Bill", "", "", "VendorRef.name", "Elsewhere"},
		{"rename of an account leaves purchases", rename("Account", "Name", "35"), "Purchase", "", "", "AccountRef.name", "Elsewhere"},
		{"rename of an employee leaves time", rename("Employee", "DisplayName", "55"), "TimeActivity", "", "", "EmployeeRef.name", "Elsewhere"},
		{"rename of a payment method leaves refunds", rename("PaymentMethod", "Name", "2"), "RefundReceipt", "", "", "PaymentMethodRef.name", "Elsewhere"},
		{"bought stock moves its item's time", func(w *world, _ map[string]string) {
			w.create("Purchase", `{"AccountRef":{"value":"35"},"PaymentType":"Cash","Line":[`+partsOf+`]}`)
		}, "Item", "5", "time", "", ""},
		{"adjusted stock moves its item's time", func(w *world, _ map[string]string) {
			w.create("InventoryAdjustment", `{"AdjustAccountRef":{"value":"80"},"Line":[{"ItemAdjustmentLineDetail":{"ItemRef":{"value":"5"},"QtyDiff":-2}}]}`)
		}, "Item", "5", "time", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 20)
			ids := map[string]string{}
			for _, m := range made {
				if tt.id != "" && tt.entity == m.entity || m.entity == "CompanyCurrency" || m.entity == "ExchangeRate" {
					continue
				}
				ids[m.entity] = at(w.create(m.entity, m.body), "Id")
			}
			id := tt.id
			if id == "" {
				id = ids[tt.entity]
			}
			var before version
			w.mark = func() { w.clock.advance(time.Second); before = w.version(tt.entity, id) }
			w.mark()
			w.T = t
			tt.do(w, ids)
			if got := moved(before, w.version(tt.entity, id)); got != tt.want {
				t.Errorf("moved %q, want %q", got, tt.want)
			}
			if tt.path != "" {
				w.want(tt.entity, id, tt.path, tt.is)
			}
			checkLedger(w)
		})
	}
}

// TestDepositIsAnObject: it holds its payments, and lets them go when it is deleted.
func TestDepositIsAnObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	before := w.company.Count("Deposit")
	payment := w.pay("3", w.bill("3"), "20")
	w.deposit(payment)
	if n := w.company.Count("Deposit"); n != before+1 {
		t.Fatalf("%d deposits, want %d", n, before+1)
	}
	id := at(w.object("Payment", payment)["LinkedTxn"].([]any)[0], "TxnId")
	line := fmt.Sprint(w.object("Deposit", id)["Line"])
	if want := fmt.Sprintf("[map[Amount:20.00 LinkedTxn:[map[TxnId:%s TxnLineId:0 TxnType:Payment]]]]", payment); line != want {
		t.Errorf("lines %s, want %s", line, want)
	}
	if a := w.post("/deposit", `{"DepositToAccountRef":{"value":"35"},"Line":[{"Amount":20,"LinkedTxn":[{"TxnId":"`+payment+`","TxnType":"Payment"}]}]}`); code(a.body) != "6540" {
		t.Errorf("deposited twice: %d %s", a.status, a.body)
	}
	was := w.version("Payment", payment)
	w.clock.advance(time.Second)
	if err := w.company.Delete("Deposit", id); err != nil {
		t.Fatal(err)
	}
	if o := w.object("Payment", payment); o["LinkedTxn"] != nil || w.version("Payment", payment) != was {
		t.Errorf("the payment shows %v", o)
	}
	w.deposit(payment)
	checkLedger(w)
	checkBooks(w)
}
