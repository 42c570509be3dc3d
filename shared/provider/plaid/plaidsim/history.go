package plaidsim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// history is what a login has when it is linked: a function of its seed, the day and a number.
type history struct {
	seed    uint64
	total   int
	pendent int      // how many of the newest are pending
	dates   []string // its days, the oldest first
	plain   bool
}

// history begins so many days before made that made is its last.
func (l *Login) history(made time.Time) history {
	h := history{seed: chance.Seed(l.seed, "history"), total: l.spec.Transactions, pendent: l.spec.Pending, plain: l.spec.Plain}
	today := made.UTC()
	for back := l.spec.Days - 1; back >= 0; back-- {
		h.dates = append(h.dates, today.AddDate(0, 0, -back).Format(time.DateOnly))
	}
	return h
}

// model is the number after which transaction n was made: some look like the one before, and differ
// from it in nothing but the id.
func (h history) model(n int) int {
	if n > 0 && n%97 == 0 && !h.plain {
		return n - 1
	}
	return n
}

// account is which of several accounts transaction n is on; the first ones have the most.
func (h history) account(n, of int) int {
	r := draw(h.seed, h.model(n))
	return min(r.Below(of), r.Below(of))
}

func (h history) date(n int) string { return h.dates[h.model(n)*len(h.dates)/h.total] }

func (h history) pending(n int) bool { return n >= h.total-h.pendent }

// detail makes transaction n, which is on an account of that kind. What is made later has numbers
// from total on and a day of its own.
func (h history) detail(n int, on AccountSpec, date string) *detail {
	r := draw(h.seed+1, h.model(n))
	m := &merchants[r.Below(len(merchants))]
	d := &detail{merchant: m, merchantName: m.name, iso: on.iso(), unofficial: on.Unofficial, date: date, authorized: date,
		channel: m.channel, kind: m.kind, v2: r.OneIn(2), pending: h.pending(n) && n < h.total}
	d.amount = cents(&r, m.income)
	d.name = m.name + " " + strconv.Itoa(1000+r.Below(9000))
	d.original = strings.ToUpper(d.name) + " REF" + strconv.Itoa(r.Below(1_000_000))
	if n < h.total && !d.pending && r.OneIn(3) {
		d.pendingID = r.pick(37) // one that was gone before the bank was linked
	}
	if !h.plain {
		h.weird(&r, d, h.model(n), on)
	}
	return d
}

// cents makes an amount as a JSON printer writes it: without the zeros at its end.
func cents(r *random, income bool) decimal {
	n := 1 + r.Below(50_000)
	if r.OneIn(20) {
		n *= 100
	}
	sign := ""
	if income {
		sign, n = "-", n*10
	}
	return decimal(sign + fraction(strconv.Itoa(n), 2))
}

// fraction sets a point before the last places digits and takes zeros at the end away.
func fraction(digits string, places int) string {
	if len(digits) <= places {
		digits = strings.Repeat("0", places-len(digits)+1) + digits
	}
	whole, part := digits[:len(digits)-places], strings.TrimRight(digits[len(digits)-places:], "0")
	if part == "" {
		return whole
	}
	return whole + "." + part
}

// weird makes some transactions what banks make of them. All of it is known from Plaid or allowed by
// its description.
func (h history) weird(r *random, d *detail, n int, on AccountSpec) {
	d.weirdTexts(r, n)
	d.weirdCodes(r, n)
	switch {
	case on.Unofficial != "" && r.OneIn(9):
		d.amount = "1e-10"
	case on.Unofficial != "":
		d.amount = decimal(fraction(strconv.Itoa(1+r.Below(1_000_000_000)), 10))
	case n%53 == 52:
		d.amount = "0"
	case n%59 == 58:
		d.amount = "-" + d.amount
		d.amount = decimal(strings.TrimPrefix(string(d.amount), "--"))
	}
	if on.Type == "credit" && n%11 == 3 {
		d.owner = "Jane D. *" + strconv.Itoa(1000+r.Below(3))
	}
	switch n % 17 {
	case 5:
		d.at, d.authorizedAt = d.date+"T00:00:00Z", d.date+"T11:01:01.123456Z"
	case 9:
		d.authorized = ""
	case 11:
		d.merchant, d.bare = nil, n%2 == 0
	case 13:
		d.bare = true
	}
}

func (d *detail) weirdTexts(r *random, n int) {
	switch {
	case n%61 == 60:
		d.name = "☕️ Café 👩‍👩‍👧 <b>&amp;</b> \"quoted\" \\ back\tslash"
	case n%67 == 66:
		d.name, d.original = "振込　カ）ヤマダショウテン", ""
	case n%211 == 210:
		d.name = strings.Repeat("Long name of a bank. ", 24)[:500]
	case n%71 == 70:
		d.merchantName = ""
	case n%79 == 78:
		d.check = strconv.Itoa(r.Below(100))
	}
}

func (d *detail) weirdCodes(r *random, n int) {
	switch {
	case n%73 == 72:
		d.unsorted = true
	case n%199 == 198:
		d.channel = "kiosk" // not in Plaid's list
	case n%197 == 196:
		d.code = "direct credit" // nor this
	case n%101 == 100:
		d.code = "bank charge"
	case n%83 == 82:
		d.further = obj{"business_finance_category": obj{"primary": "OPERATING_EXPENSES", "detailed": "OPERATING_EXPENSES_SOFTWARE", "confidence_level": nil}}
	case n%89 == 88:
		d.further = obj{"risk_hints": []any{obj{"score": decimal("0.30"), "since": nil}, "new"}, "client_customization": nil}
	case n%103 == 102:
		d.further = obj{"payment_meta": obj{"by_order_of": nil, "payee": "Ünïted Wîdgets", "payer": "", "payment_method": "ACH", "payment_processor": nil,
			"ppd_id": strconv.Itoa(r.Below(1_000_000)), "reason": nil, "reference_number": "007"}}
	}
}

// append prints a transaction as the API answers it.
func (t *txn) append(b []byte, h history, original bool) []byte {
	switch {
	case t.changed != nil:
		return appendValue(b, t.object(h, original), 0)
	case t.own != nil:
		return t.own.append(b, t.id, t.account.id, original)
	}
	return h.detail(t.n, t.account.spec, t.date).append(b, t.id, t.account.id, original)
}

// object is the transaction as a value of its own.
func (t *txn) object(h history, original bool) obj {
	if t.changed == nil {
		return parsed(t.append(nil, h, original)).(obj)
	}
	out := obj{}
	for name, v := range t.changed {
		if original || name != "original_description" {
			out[name] = v
		}
	}
	out["transaction_id"], out["account_id"] = t.id, t.account.id
	return out
}

// amount is what moved.
func (t *txn) amount(h history) decimal {
	n, ok := t.object(h, false)["amount"].(json.Number)
	if !ok {
		return "0"
	}
	return decimal(n)
}
