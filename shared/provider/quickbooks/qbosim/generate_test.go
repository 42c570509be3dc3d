package qbosim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"runtime"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	a, b := newWorld(t, 500), newWorld(t, 500)
	other := newWorld(t, 500, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.Seed = 8 })
	different := false
	for _, entity := range everyEntity {
		if one, two := dump(a, entity), dump(b, entity); !bytes.Equal(one, two) {
			t.Errorf("%s differs between two companies of one seed", entity)
		}
		different = different || !bytes.Equal(dump(a, entity), dump(other, entity))
	}
	if !different {
		t.Error("another seed gives the same company")
	}
}

func dump(w *world, entity string) []byte {
	var b bytes.Buffer
	for raw := range w.company.All(entity) {
		b.Write(raw)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func rat(t *testing.T, v any) *big.Rat {
	t.Helper()
	n, ok := v.(json.Number)
	if !ok {
		t.Fatalf("%v (%T) is not a number", v, v)
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		t.Fatalf("%s is not a number", n)
	}
	return r
}

// TestBalancesAddUp checks what an accountant would: documents against lines, invoices against
// payments, customers and the receivable account against both.
func TestBalancesAddUp(t *testing.T) {
	t.Parallel()
	for _, invoices := range []int{0, 1, 7, 10, 1003} {
		t.Run(fmt.Sprint(invoices), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, invoices)
			checkBooks(w)
			if got := w.company.Count("Invoice"); got != invoices {
				t.Errorf("%d invoices, want %d", got, invoices)
			}
		})
	}
}

func checkBooks(w *world) {
	w.Helper()
	paid, owed := map[string]*big.Rat{}, map[string]*big.Rat{}
	add := func(m map[string]*big.Rat, key string, r *big.Rat, sign int64) {
		if m[key] == nil {
			m[key] = new(big.Rat)
		}
		m[key].Add(m[key], new(big.Rat).Mul(r, big.NewRat(sign, 1)))
	}
	receivable := new(big.Rat)
	ids := map[string]bool{}
	each(w, "Payment", func(o map[string]any) {
		sum := rat(w.T, o["UnappliedAmt"])
		for _, l := range o["Line"].([]any) {
			line := l.(map[string]any)
			add(paid, at(line["LinkedTxn"].([]any)[0], "TxnId"), rat(w.T, line["Amount"]), 1)
			sum.Add(sum, rat(w.T, line["Amount"]))
		}
		if sum.Cmp(rat(w.T, o["TotalAmt"])) != 0 {
			w.Errorf("payment %s: lines and rest are %s, total %s", at(o, "Id"), sum.FloatString(2), o["TotalAmt"])
		}
		add(owed, at(o, "CustomerRef", "value"), rat(w.T, o["UnappliedAmt"]), -1)
		receivable.Sub(receivable, rat(w.T, o["UnappliedAmt"]))
		unique(w, ids, at(o, "Id"))
	})
	each(w, "Invoice", func(o map[string]any) {
		unique(w, ids, at(o, "Id"))
		checkTotal(w, o)
		open := rat(w.T, o["TotalAmt"])
		if p := paid[at(o, "Id")]; p != nil {
			open.Sub(open, p)
		}
		if open.Cmp(rat(w.T, o["Balance"])) != 0 {
			w.Errorf("invoice %s: Balance %s, payments leave %s", at(o, "Id"), o["Balance"], open.FloatString(2))
		}
		add(owed, at(o, "CustomerRef", "value"), open, 1)
		receivable.Add(receivable, open)
	})
	each(w, "CreditMemo", func(o map[string]any) {
		unique(w, ids, at(o, "Id"))
		add(owed, at(o, "CustomerRef", "value"), rat(w.T, o["RemainingCredit"]), -1)
		receivable.Sub(receivable, rat(w.T, o["RemainingCredit"]))
	})
	each(w, "Customer", func(o map[string]any) {
		want := owed[at(o, "Id")]
		if want == nil {
			want = new(big.Rat)
		}
		if want.Cmp(rat(w.T, o["Balance"])) != 0 {
			w.Errorf("customer %s: Balance %s, documents say %s", at(o, "Id"), o["Balance"], want.FloatString(2))
		}
	})
	checkJobs(w)
	each(w, "Account", func(o map[string]any) {
		if at(o, "AccountSubType") == "AccountsReceivable" && receivable.Cmp(rat(w.T, o["CurrentBalance"])) != 0 {
			w.Errorf("receivable account: %s, documents say %s", o["CurrentBalance"], receivable.FloatString(2))
		}
	})
}

// checkJobs: BalanceWithJobs is a customer's own balance and those of all below it.
func checkJobs(w *world) {
	w.Helper()
	parent, sums, shown := map[string]string{}, map[string]*big.Rat{}, map[string]*big.Rat{}
	own := map[string]*big.Rat{}
	each(w, "Customer", func(o map[string]any) {
		id := at(o, "Id")
		parent[id], own[id], shown[id], sums[id] = at(o, "ParentRef", "value"), rat(w.T, o["Balance"]), rat(w.T, o["BalanceWithJobs"]), new(big.Rat)
	})
	for id, balance := range own {
		for above := id; above != ""; above = parent[above] {
			sums[above].Add(sums[above], balance)
		}
	}
	for id, want := range sums {
		if shown[id].Cmp(want) != 0 {
			w.Errorf("customer %s with jobs: %s, want %s", id, shown[id].FloatString(2), want.FloatString(2))
		}
	}
}

func unique(w *world, seen map[string]bool, id string) {
	if seen[id] {
		w.Errorf("transaction id %s comes twice", id)
	}
	seen[id] = true
}

// checkTotal: the lines make the SubTotal line, that less discounts plus tax makes TotalAmt.
func checkTotal(w *world, o map[string]any) {
	sum := new(big.Rat)
	for _, l := range o["Line"].([]any) {
		line := l.(map[string]any)
		if line["Amount"] == nil {
			continue // text only
		}
		amount := rat(w.T, line["Amount"])
		switch line["DetailType"] {
		case "SubTotalLineDetail":
			if sum.Cmp(amount) != 0 {
				w.Errorf("invoice %s: lines are %s, SubTotal %s", at(o, "Id"), sum.FloatString(2), line["Amount"])
			}
		case "DiscountLineDetail":
			sum.Sub(sum, amount)
		default:
			sum.Add(sum, amount)
		}
	}
	sum.Add(sum, rat(w.T, o["TxnTaxDetail"].(map[string]any)["TotalTax"]))
	if sum.Cmp(rat(w.T, o["TotalAmt"])) != 0 {
		w.Errorf("invoice %s: lines and tax are %s, TotalAmt %s", at(o, "Id"), sum.FloatString(2), o["TotalAmt"])
	}
}

func each(w *world, entity string, f func(map[string]any)) {
	for raw := range w.company.All(entity) {
		var o map[string]any
		w.decode(string(raw), &o)
		f(o)
	}
}

// TestShapesOccur: what the fields may be must also come up, else clients are tested on half of it.
func TestShapesOccur(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3000, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency = true })
	text := string(dump(w, "Invoice"))
	for name, piece := range map[string]string{
		"long price": `"UnitPrice":92.5633333`, "negative amount": `"Amount":-`, "text line": `"DetailType":"DescriptionOnly"`,
		"group": `"GroupLineDetail":{"GroupItemRef"`, "discount": `"DiscountPercent":5`, "tax": `"TaxLine":[`, "escape": `\"`,
		"new line": `\n`, "unicode": "発電機", "no custom value": `"Type":"StringType"}`, "custom value": `"Name":"Engine Model","Type":"StringType","StringValue":`,
		"bare zero": `"Balance":0,`, "euros": `"HomeBalance":`, "link": `"TxnType":"Payment"`,
	} {
		if !bytes.Contains([]byte(text), []byte(piece)) {
			t.Errorf("no invoice has a %s", name)
		}
	}
	partial, full, unnumbered := 0, 0, 0
	each(w, "Invoice", func(o map[string]any) {
		balance := rat(t, o["Balance"])
		switch {
		case balance.Sign() == 0:
			full++
		case balance.Cmp(rat(t, o["TotalAmt"])) != 0:
			partial++
		}
		if o["DocNumber"] == nil {
			unnumbered++
		}
	})
	if full != 1500 || partial == 0 || unnumbered == 0 {
		t.Errorf("%d paid, %d partly paid, %d without a number", full, partial, unnumbered)
	}
	for _, piece := range []string{`"Line":[]`, `"UnappliedAmt":0,`} {
		if !bytes.Contains(dump(w, "Payment"), []byte(piece)) {
			t.Errorf("no payment has %s", piece)
		}
	}
	for _, piece := range []string{`"Active":false`, `"Level":2`, `"IsProject":true`, `"Id":"200900`, `"Id":"500000`} {
		if !bytes.Contains(dump(w, "Customer"), []byte(piece)) {
			t.Errorf("no customer has %s", piece)
		}
	}
}

func TestExactLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.LinesPerInvoice = 4 })
	each(w, "Invoice", func(o map[string]any) {
		if n := len(o["Line"].([]any)); n != 5 {
			t.Errorf("invoice %s has %d lines", at(o, "Id"), n)
		}
	})
}

// discard counts what a handler writes and keeps nothing.
type discard struct {
	header http.Header
	n      int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { d.n += len(b); return len(b), nil }

func pageRequest(token, statement string) *http.Request {
	r, _ := http.NewRequest("GET", "/v3/company/"+realm+"/query?query="+url.QueryEscape(statement), http.NoBody)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestMemoryStaysFlat(t *testing.T) {
	clock := newClock()
	sim := qbosim.New(config(clock))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	company := sim.AddCompany(spec(1_000_000))
	token := sim.IssueTokens(realm).Access
	for start := 1; start < 1_000_000; start += 250_000 {
		d := &discard{header: http.Header{}}
		sim.ServeHTTP(d, pageRequest(token, fmt.Sprintf("SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime STARTPOSITION %d MAXRESULTS 1000", start)))
		if d.n < 1<<20 {
			t.Fatalf("page at %d has %d bytes", start, d.n)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 8<<20 {
		t.Errorf("a company of a million invoices keeps %d KiB", grown>>10)
	} else {
		t.Logf("a company of a million invoices keeps %d KiB", grown>>10)
	}
	if n := company.Count("Invoice"); n != 1_000_000 {
		t.Errorf("%d invoices", n)
	}
	runtime.KeepAlive(sim)
}

func BenchmarkPage(b *testing.B) {
	for _, invoices := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(invoices), func(b *testing.B) {
			sp := spec(invoices)
			sp.LinesPerInvoice = 4
			sim := qbosim.New(config(newClock()))
			sim.AddCompany(sp)
			r := pageRequest(sim.IssueTokens(realm).Access, "SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime ASC STARTPOSITION 5000 MAXRESULTS 1000")
			d := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				d.n = 0
				sim.ServeHTTP(d, r.Clone(b.Context()))
			}
			b.ReportMetric(float64(d.n)/1e6, "MB/page")
		})
	}
}

func BenchmarkAddCompany(b *testing.B) {
	sim := qbosim.New(config(newClock()))
	for b.Loop() {
		sim.AddCompany(spec(1_000_000))
	}
}
