package qbosim_test

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// ledger adds up what documents say of balances, in an accountant's way and not in the simulator's.
type ledger struct {
	w                 *world
	accounts, vendors map[string]*big.Rat
}

func (l *ledger) book(m map[string]*big.Rat, id string, amount *big.Rat, sign int64) {
	if id == "" {
		return
	}
	if m[id] == nil {
		m[id] = new(big.Rat)
	}
	m[id].Add(m[id], new(big.Rat).Mul(amount, big.NewRat(sign, 1)))
}

func (l *ledger) amount(v any) *big.Rat {
	if v == nil {
		return new(big.Rat)
	}
	return rat(l.w.T, v)
}

// checkLedger compares bank, card, payable and undeposited accounts, and vendors, with the documents.
func checkLedger(w *world) {
	w.Helper()
	l := &ledger{w, map[string]*big.Rat{}, map[string]*big.Rat{}}
	l.sales()
	l.purchases()
	l.transfers()
	for _, id := range []string{"33", "35", "36", "41", "4"} {
		if got, want := rat(w.T, w.object("Account", id)["CurrentBalance"]), orZero(l.accounts[id]); got.Cmp(want) != 0 {
			w.Errorf("account %s: %s, documents say %s", id, got.FloatString(2), want.FloatString(2))
		}
	}
	each(w, "Vendor", func(o map[string]any) {
		if got, want := rat(w.T, o["Balance"]), orZero(l.vendors[at(o, "Id")]); got.Cmp(want) != 0 {
			w.Errorf("vendor %s: %s, documents say %s", at(o, "Id"), got.FloatString(2), want.FloatString(2))
		}
	})
}

func orZero(r *big.Rat) *big.Rat {
	if r == nil {
		return new(big.Rat)
	}
	return r
}

func (l *ledger) sales() {
	into := func(entity string, sign int64) {
		each(l.w, entity, func(o map[string]any) {
			l.book(l.accounts, at(o, "DepositToAccountRef", "value"), l.amount(o["TotalAmt"]), sign)
		})
	}
	into("Payment", 1)
	into("SalesReceipt", 1)
	into("RefundReceipt", -1)
	into("Deposit", 1)
	each(l.w, "Deposit", func(o map[string]any) {
		if back, ok := o["CashBack"].(map[string]any); ok {
			l.book(l.accounts, at(back, "AccountRef", "value"), l.amount(back["Amount"]), 1)
		}
		for _, v := range o["Line"].([]any) {
			line := v.(map[string]any)
			if line["LinkedTxn"] != nil {
				l.book(l.accounts, "4", l.amount(line["Amount"]), -1)
			} else {
				l.book(l.accounts, at(line, "DepositLineDetail", "AccountRef", "value"), l.amount(line["Amount"]), -1)
			}
		}
	})
}

func (l *ledger) purchases() {
	paid := map[string]*big.Rat{}
	each(l.w, "BillPayment", func(o map[string]any) {
		total := l.amount(o["TotalAmt"])
		l.book(l.accounts, at(o, "CheckPayment", "BankAccountRef", "value"), total, -1)
		l.book(l.accounts, at(o, "CreditCardPayment", "CCAccountRef", "value"), total, -1)
		l.book(l.accounts, "33", total, 1)
		l.book(l.vendors, at(o, "VendorRef", "value"), total, -1)
		for _, line := range o["Line"].([]any) {
			l.book(paid, at(line.(map[string]any)["LinkedTxn"].([]any)[0], "TxnId"), l.amount(line.(map[string]any)["Amount"]), 1)
		}
	})
	each(l.w, "Bill", func(o map[string]any) {
		total := l.amount(o["TotalAmt"])
		l.book(l.accounts, "33", total, -1)
		l.book(l.vendors, at(o, "VendorRef", "value"), total, 1)
		open := new(big.Rat).Sub(total, orZero(paid[at(o, "Id")]))
		if open.Cmp(l.amount(o["Balance"])) != 0 {
			l.w.Errorf("bill %s: Balance %s, payments leave %s", at(o, "Id"), o["Balance"], open.FloatString(2))
		}
		checkSum(l, "bill", o)
	})
	each(l.w, "VendorCredit", func(o map[string]any) {
		l.book(l.accounts, "33", l.amount(o["TotalAmt"]), 1)
		l.book(l.vendors, at(o, "VendorRef", "value"), l.amount(o["TotalAmt"]), -1)
		checkSum(l, "vendor credit", o)
	})
	each(l.w, "Purchase", func(o map[string]any) {
		sign := int64(-1)
		if o["Credit"] == true {
			sign = 1
		}
		l.book(l.accounts, at(o, "AccountRef", "value"), l.amount(o["TotalAmt"]), sign)
		checkSum(l, "purchase", o)
	})
}

func checkSum(l *ledger, what string, o map[string]any) {
	sum := new(big.Rat)
	for _, line := range o["Line"].([]any) {
		sum.Add(sum, l.amount(line.(map[string]any)["Amount"]))
	}
	if sum.Cmp(l.amount(o["TotalAmt"])) != 0 {
		l.w.Errorf("%s %s: lines are %s, TotalAmt %s", what, at(o, "Id"), sum.FloatString(2), o["TotalAmt"])
	}
}

func (l *ledger) transfers() {
	move := func(entity, from, to string) {
		each(l.w, entity, func(o map[string]any) {
			l.book(l.accounts, at(o, from, "value"), l.amount(o["Amount"]), -1)
			l.book(l.accounts, at(o, to, "value"), l.amount(o["Amount"]), 1)
		})
	}
	move("Transfer", "FromAccountRef", "ToAccountRef")
	move("CreditCardPayment", "BankAccountRef", "CreditCardAccountRef")
	each(l.w, "JournalEntry", func(o map[string]any) {
		debits := new(big.Rat)
		for _, v := range o["Line"].([]any) {
			line := v.(map[string]any)
			sign := int64(1)
			if at(line, "JournalEntryLineDetail", "PostingType") == "Credit" {
				sign = -1
			}
			l.book(l.accounts, at(line, "JournalEntryLineDetail", "AccountRef", "value"), l.amount(line["Amount"]), sign)
			debits.Add(debits, new(big.Rat).Mul(l.amount(line["Amount"]), big.NewRat(sign, 1)))
		}
		if debits.Sign() != 0 {
			l.w.Errorf("journal entry %s does not balance", at(o, "Id"))
		}
	})
}

// TestLedgerAddsUp: from the beginning, after people have made everything, and after it is removed.
func TestLedgerAddsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 200)
	checkLedger(w)
	checkBooks(w)
	before := map[string][]string{}
	for _, entity := range everyEntity {
		before[entity] = slices.Collect(w.company.IDs(entity))
	}
	checkLedger(newWorld(t, 0))
	makeAll(w)
	checkLedger(w)
	checkBooks(w)
	for _, entity := range []string{"Deposit", "Payment", "BillPayment", "Bill", "SalesReceipt", "CreditMemo", "RefundReceipt", "Purchase", "VendorCredit", "Transfer", "JournalEntry", "CreditCardPayment", "PurchaseOrder", "Estimate"} {
		for _, id := range slices.Collect(w.company.IDs(entity)) {
			if !slices.Contains(before[entity], id) || id[len(id)-1] == '3' {
				if err := w.company.Delete(entity, id); err != nil && !frozen(err) {
					t.Errorf("%s %s: %v", entity, id, err)
				}
			}
		}
		checkLedger(w)
		checkBooks(w)
	}
}

func frozen(err error) bool {
	var refusal *qbosim.Refusal
	return errors.As(err, &refusal) && refusal.Code == "6540"
}
