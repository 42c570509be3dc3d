package qbosim_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// byCDC are the entities that change data capture is known to have.
var byCDC = strings.Fields(`Account Bill BillPayment Budget Class CreditMemo Customer Department Deposit Employee Estimate Invoice Item
	JournalEntry Payment PaymentMethod Purchase PurchaseOrder RefundReceipt SalesReceipt Term Transfer Vendor VendorCredit`)

// withActive are the entities whose inactive rows hide.
var withActive = strings.Fields(`Account Budget Class CompanyCurrency Customer CustomerType Department Employee Item JournalCode
	PaymentMethod TaxCode TaxRate Term Vendor`)

func statementName(entity string) string {
	if entity == "CreditCardPayment" {
		return "creditcardpayment"
	}
	return entity
}

// everything asks for all rows of an entity, inactive ones too.
func everything(entity string) string {
	s := "SELECT * FROM " + statementName(entity)
	if slices.Contains(withActive, entity) {
		s += " WHERE Active IN (true, false)"
	}
	return s + " ORDERBY MetaData.LastUpdatedTime ASC MAXRESULTS 1000"
}

func idOf(entity string, o map[string]any) string {
	switch entity {
	case "ExchangeRate":
		return at(o, "SourceCurrencyCode") + "|" + at(o, "TargetCurrencyCode") + "|" + at(o, "AsOfDate")
	case "RecurringTransaction":
		for _, inner := range o {
			return at(inner, "Id")
		}
	}
	return at(o, "Id")
}

// TestEveryEntity: each can be asked for, counted and read, and comes by CDC or is refused there.
func TestEveryEntity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 120, func(c *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency, c.OldChanges = true, true })
	if len(everyEntity) != 39 {
		t.Fatalf("%d entities", len(everyEntity))
	}
	for _, entity := range everyEntity {
		rows := w.rows(everything(entity), jsonKey(entity))
		if len(rows) == 0 || len(rows) != w.company.Count(entity) {
			t.Errorf("%s: %d rows of %d", entity, len(rows), w.company.Count(entity))
		}
		checkRows(w, entity, rows)
		count := strings.Replace(everything(entity), "*", "COUNT(*)", 1)
		count, _, _ = strings.Cut(count, " ORDERBY")
		if a := w.query(count); !strings.Contains(a.body, fmt.Sprintf(`{"QueryResponse":{"totalCount":%d}`, len(rows))) {
			t.Errorf("%s: %s gives %s", entity, count, a.body)
		}
		cdc := w.cdc(entity, time.Unix(0, 0))
		if slices.Contains(byCDC, entity) {
			if n := len(w.changed(cdc)[entity]); n != len(rows) {
				t.Errorf("%s: CDC gives %d of %d", entity, n, len(rows))
			}
		} else if cdc.status != 400 || code(cdc.body) != "500" {
			t.Errorf("CDC of %s: %d %s", entity, cdc.status, cdc.body)
		}
	}
}

// checkRows: the order is that of the last updates, ids are unique and lead back to their row.
func checkRows(w *world, entity string, rows []map[string]any) {
	w.Helper()
	seen := map[string]bool{}
	last := ""
	for _, o := range rows {
		id := idOf(entity, o)
		unique(w, seen, id)
		raw, ok := w.company.Get(entity, id)
		var again map[string]any
		if ok {
			w.decode(string(raw), &again)
		}
		if fmt.Sprint(again) != fmt.Sprint(o) {
			w.Errorf("%s %s: a row shows %v, its object %v", entity, id, o, again)
		}
		meta := o
		if entity == "RecurringTransaction" {
			for _, inner := range o {
				meta, _ = inner.(map[string]any)
			}
		}
		at, err := time.Parse(time.RFC3339, at(meta, "MetaData", "LastUpdatedTime"))
		if entity == "InventoryAdjustment" {
			continue // a bare day
		}
		if now := at.UTC().Format(time.RFC3339); err != nil || now < last {
			w.Errorf("%s %s: %s comes after %s", entity, id, now, last)
		} else {
			last = now
		}
	}
}

func TestReadsByOtherKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency = true })
	base := "/v3/company/" + realm
	day := at(w.rows(everything("ExchangeRate"), "ExchangeRate")[0], "AsOfDate")
	for path, piece := range map[string]string{
		"/preferences":          `{"Preferences":{"AccountingInfoPrefs":`,
		"/companyinfo/" + realm: `{"CompanyInfo":{"CompanyName":`,
		"/exchangerate?sourcecurrencycode=EUR&asofdate=" + day: `"AsOfDate":"` + day + `"`,
		"/taxcode/TAX": `{"TaxCode":{"Name":"TAX","Description":"TAX","Taxable":true,"TaxGroup":false,"Id":"TAX","MetaData":{`,
		"/creditcardpayment/" + w.firstID("CreditCardPayment"):                                                             `{"CreditCardPaymentTxn":{`,
		"/recurringtransaction/" + at(w.rows(everything("RecurringTransaction"), "RecurringTransaction")[0]["Bill"], "Id"): `{"RecurringTransaction":{"Bill":{`,
	} {
		if a := w.get(base + path); a.status != 200 || !strings.Contains(a.body, piece) {
			t.Errorf("%s: %d, no %s in %.400s", path, a.status, piece, a.body)
		}
	}
	for path, want := range map[string]string{"/exchangerate/1": "500", "/preferences/1": "500", "/taxcode/NONE": "610", "/class/x": "2030"} {
		if a := w.get(base + path); a.status != 400 || code(a.body) != want {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.body, want)
		}
	}
}

// TestNames: the spelling that recordings have.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	if a := w.query("SELECT * FROM CreditCardPayment"); a.status != 400 {
		t.Errorf("CreditCardPayment is spelled creditcardpayment in statements: %d", a.status)
	}
	entry := w.rows("SELECT * FROM JournalEntry", "JournalEntry")[0]
	if lines := entry["Line"].([]any); at(entry, "TotalAmt") != "0" || at(lines[0], "Id") != "0" {
		t.Errorf("journal entry %v", entry)
	}
	for _, o := range w.rows("SELECT * FROM Deposit", "Deposit") {
		for _, line := range o["Line"].([]any) {
			if linked := line.(map[string]any)["LinkedTxn"] != nil; linked == (at(line, "Id") != "") {
				t.Errorf("deposit line %v", line)
			}
		}
	}
	if stamp := at(w.rows("SELECT * FROM InventoryAdjustment", "InventoryAdjustment")[0], "MetaData", "LastUpdatedTime"); len(stamp) != len("2026-01-31") {
		t.Errorf("inventory adjustment of %s", stamp)
	}
	for _, id := range []string{"TAX", "NON"} {
		if o := w.object("TaxCode", id); o["SyncToken"] != nil || o["domain"] != nil {
			t.Errorf("tax code %v", o)
		}
	}
}

// TestFeatures: a company may lack some; the answer is a refusal or nothing, as the company is set up.
func TestFeatures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		multi          bool
		without        []string
		refused, empty []string
	}{
		{"one currency", false, nil, []string{"ExchangeRate", "CompanyCurrency"}, nil},
		{"one currency, answered", false, []string{}, nil, []string{"ExchangeRate", "CompanyCurrency"}},
		{"two currencies", true, nil, nil, nil},
		{"no classes", true, []string{"Class", "TimeActivity"}, []string{"Class", "TimeActivity"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 20, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency, s.Without = tt.multi, tt.without })
			for _, entity := range everyEntity {
				a := w.query(everything(entity))
				switch {
				case slices.Contains(tt.refused, entity):
					if a.status != 400 || code(a.body) != "4001" || !strings.Contains(a.body, "QueryValidationError") {
						t.Errorf("%s: %d %s", entity, a.status, a.body)
					}
				case slices.Contains(tt.empty, entity) != strings.HasPrefix(a.body, `{"QueryResponse":{},`) || a.status != 200:
					t.Errorf("%s: %d %.200s", entity, a.status, a.body)
				}
			}
			if _, err := w.company.Create("Class", `{"Name":"New"}`); (err != nil) != slices.Contains(tt.refused, "Class") {
				t.Errorf("create: %v", err)
			}
			if text := string(dump(w, "Bill")); strings.Contains(text, "ClassRef") == slices.Contains(tt.refused, "Class") {
				t.Error("bills show classes that the company does not have, or none")
			}
			if a := w.cdc("Class,Bill", w.clock.Now()); a.status != 200 {
				t.Errorf("CDC: %d", a.status)
			}
		})
	}
}

// TestEach: the number of other transactions follows the invoices, or is said.
func TestEach(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ invoices, each, want int }{{0, 0, 3}, {100, 0, 8}, {5000, 0, 24}, {10, 40, 40}, {10, -1, 0}} {
		w := newWorld(t, tt.invoices, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.Each = tt.each })
		for _, entity := range []string{"Bill", "Purchase", "Transfer", "Attachable", "RecurringTransaction", "Budget"} {
			want := tt.want
			if entity == "Bill" {
				want *= 2
			}
			if got := w.company.Count(entity); got != want {
				t.Errorf("%d invoices, %d each: %d of %s, want %d", tt.invoices, tt.each, got, entity, want)
			}
		}
		w.bill("1") // ids go on behind all of them
		checkBooks(w)
	}
}

// TestInactiveHide: lists show what was made inactive only when asked.
func TestInactiveHide(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency = true })
	for _, entity := range withActive {
		id := w.firstID(entity)
		if entity == "TaxCode" {
			id = "3"
		}
		before := len(w.rows("SELECT * FROM "+entity, entity))
		if raw, _ := w.company.Get(entity, id); strings.Contains(string(raw), `"Active":false`) {
			continue
		}
		if err := w.company.Deactivate(entity, id); err != nil {
			t.Errorf("%s %s: %v", entity, id, err)
			continue
		}
		if n := len(w.rows("SELECT * FROM "+entity, entity)); n != before-1 {
			t.Errorf("%s: %d rows of %d", entity, n, before)
		}
		if n := len(w.rows(everything(entity), entity)); n != w.company.Count(entity) {
			t.Errorf("%s: %d rows with inactive ones, want %d", entity, n, w.company.Count(entity))
		}
		if err := w.company.Reactivate(entity, id); err != nil {
			t.Errorf("%s: %v", entity, err)
		}
		if n := len(w.rows("SELECT * FROM "+entity, entity)); n != before {
			t.Errorf("%s: %d rows after it came back, want %d", entity, n, before)
		}
	}
	if a := w.query("SELECT * FROM TimeActivity WHERE Active = true"); a.status != 400 {
		t.Errorf("Active of what has none: %d", a.status)
	}
}

// TestEveryBodyByPost: what people make can be made, changed and deleted over the API, but for what only they can.
func TestEveryBodyByPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20, func(_ *qbosim.Config, s *qbosim.CompanySpec) { s.MultiCurrency = true })
	byPeople := []string{"CustomerType", "TaxRate", "TaxCode", "ReimburseCharge"}
	for _, m := range made {
		path := "/" + strings.ToLower(m.entity)
		a := w.post(path, m.body)
		if slices.Contains(byPeople, m.entity) {
			if a.status != 400 || code(a.body) != "500" {
				t.Errorf("%s: %d %s", m.entity, a.status, a.body)
			}
			continue
		}
		var out map[string]json.RawMessage
		w.decode(a.body, &out)
		var o map[string]any
		if a.status != 200 || out[jsonKey(m.entity)] == nil {
			t.Errorf("%s: %d %s", m.entity, a.status, a.body)
			continue
		}
		w.decode(string(out[jsonKey(m.entity)]), &o)
		id := idOf(m.entity, o)
		if a := w.post(path, `{"Nonsense":1}`); code(a.body) != "2010" {
			t.Errorf("%s takes anything: %d %s", m.entity, a.status, a.body)
		}
		if soft := slices.Contains(withActive, m.entity) && m.entity != "Budget"; soft || m.entity == "ExchangeRate" || m.entity == "TaxAgency" {
			if err := w.company.Delete(m.entity, id); err == nil {
				t.Errorf("%s was deleted", m.entity)
			}
			continue
		}
		body := `{"Id":"` + id + `","SyncToken":"0"}`
		if m.entity == "RecurringTransaction" {
			body = `{"Bill":` + body + `}`
		}
		a = w.post(path+"?operation=delete", body)
		if a.status != 200 || !strings.Contains(a.body, `"status":"Deleted"`) || !strings.Contains(a.body, `"`+jsonKey(m.entity)+`":{"domain":"QBO"`) {
			t.Errorf("delete of %s: %d %s", m.entity, a.status, a.body)
		}
		if _, ok := w.company.Get(m.entity, id); ok {
			t.Errorf("%s %s is still there", m.entity, id)
		}
	}
	checkLedger(w)
}

// TestManySmallCompanies: a simulator holds ten thousand of them.
func TestManySmallCompanies(t *testing.T) {
	sim := qbosim.New(config(newClock()))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	const n = 500
	for i := range n {
		s := spec(10)
		s.Realm, s.Seed = fmt.Sprint(9341450000001000+i), uint64(i)
		sim.AddCompany(s)
	}
	each := (int64(heap()) - int64(before)) / n
	t.Logf("%d bytes a company", each)
	if each > 8<<10 {
		t.Errorf("%d bytes a company", each)
	}
	runtime.KeepAlive(sim)
}
