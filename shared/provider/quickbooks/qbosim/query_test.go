package qbosim_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGrammar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 60)
	w.create("Customer", `{"DisplayName":"Amy's Bird \\ Sanctuary"}`)
	id := slices.Collect(w.company.IDs("Invoice"))[0]
	for _, tt := range []struct {
		statement string
		code      string // "": accepted
		rows      int    // -1: any
	}{
		{"SELECT * FROM Invoice", "", 60},
		{"select * from Invoice startposition 1 maxresults 7", "", 7},
		{"SELECT * FROM Invoice MAXRESULTS 7 STARTPOSITION 58", "", 3},
		{"SELECT * FROM Invoice STARTPOSITION 61", "", 0},
		{"Select * From Invoice Where Id = '" + id + "'", "", 1},
		{"SELECT * FROM Invoice WHERE Id IN ('" + id + "', '" + id + "', '999999')", "", 1},
		{"SELECT * FROM Invoice WHERE Metadata.LastUpdatedTime > '2015-01-01' AND MetaData.CreateTime >= '2015-01-01T00:00:00-08:00'", "", 60},
		{"SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime < '2015-01-01T00:00:00Z'", "", 0},
		{"SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime >= '2015-01-01T00:00:00+00:00' ORDERBY MetaData.LastUpdatedTime", "", 60},
		{"SELECT * FROM Invoice WHERE TxnDate <= CURRENT_DATE ORDER BY TxnDate DESC, TotalAmt ASC", "", 60},
		{"SELECT * FROM Invoice WHERE TotalAmt > '0' AND Balance >= 0", "", 60},
		{"SELECT * FROM Invoice WHERE DocNumber LIKE '10%'", "", -1},
		{"SELECT * FROM Invoice WHERE CustomerRef = '1'", "", -1},
		{`SELECT * FROM Customer WHERE DisplayName = 'amy\'s bird \\ sanctuary'`, "", 1},
		{"SELECT * FROM Customer WHERE DisplayName LIKE '%BIRD%'", "", 1},
		{"SELECT * FROM Customer WHERE Active IN (true, false) MAXRESULTS 1000", "", -1},
		{"SELECT * FROM Customer WHERE Active = false", "", -1},
		{"SELECT COUNT(*) FROM Invoice", "", -1},
		{"SELECT count(*) FROM Customer WHERE Active = true", "", -1},
		{"SELECT * FROM CompanyInfo", "", 1},
		{"SELECT * FROM Term", "", 5},

		{"", "4000", 0},
		{"SELECT * Invoice", "4000", 0},
		{"SELECT Id FROM Invoice", "4000", 0},
		{"SELECT Id, DocNumber FROM Invoice", "4000", 0},
		{"SELECT * FROM Invoice WHERE Id = '1' OR Id = '2'", "4000", 0},
		{"SELECT * FROM Invoice WHERE Id != '1'", "4000", 0},
		{"SELECT * FROM Invoice WHERE (Id = '1')", "4000", 0},
		{"SELECT * FROM Invoice WHERE NOT Id = '1'", "4000", 0},
		{"SELECT * FROM Invoice WHERE Id = 1a", "4000", 0},
		{"SELECT * FROM Invoice WHERE DocNumber = 'open", "4000", 0},
		{"SELECT * FROM Invoice;", "4000", 0},
		{"SELECT * FROM Invoice GROUP BY Id", "4000", 0},
		{"SELECT * FROM Invoice MAXRESULTS 5 MAXRESULTS 6", "4000", 0},
		{"SELECT * FROM Invoice MAXRESULTS ten", "4000", 0},
		{"SELECT MAX(Id) FROM Invoice", "4000", 0},
		{"SELECT * FROM Custmoer", "4001", 0},
		{"SELECT * FROM invoice", "4001", 0},
		{"SELECT * FROM Invoice STARTPOSITION 0", "4001", 0},
		{"SELECT * FROM Invoice MAXRESULTS 0", "4001", 0},
		{"SELECT * FROM Invoice MAXRESULTS 1001", "4001", 0},
		{"SELECT * FROM Invoice WHERE Active = true", "4001", 0},
		{"SELECT * FROM Invoice WHERE DepartmentRef = '1'", "4001", 0},
		{"SELECT * FROM Invoice WHERE Line.Amount = '1'", "4001", 0},
		{"SELECT * FROM Invoice WHERE Nonsense = '1'", "4001", 0},
		{"SELECT * FROM Invoice WHERE Id > '1'", "4001", 0},
		{"SELECT * FROM Invoice WHERE CustomerRef > '1'", "4001", 0},
		{"SELECT * FROM Invoice WHERE TotalAmt LIKE '1%'", "4001", 0},
		{"SELECT * FROM Invoice WHERE TotalAmt = 'much'", "4001", 0},
		{"SELECT * FROM Invoice WHERE TxnDate = 'yesterday'", "4001", 0},
		{"SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime > '2026-05-05T03:11:51 07:00'", "4001", 0},
		{"SELECT * FROM Invoice ORDERBY Id", "4001", 0},
	} {
		a := w.query(tt.statement)
		if got := code(a.body); got != tt.code {
			t.Errorf("%s: code %q, want %q: %.200s", tt.statement, got, tt.code, a.body)
			continue
		}
		if want := map[bool]int{true: 200, false: 400}[tt.code == ""]; a.status != want {
			t.Errorf("%s: status %d, want %d", tt.statement, a.status, want)
		}
		if n := strings.Count(a.body, `"domain":"QBO"`); tt.code == "" && tt.rows >= 0 && n != tt.rows {
			t.Errorf("%s: %d rows, want %d", tt.statement, n, tt.rows)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 25)
	stamp := `"time":"2026-06-15T05:00:00.250-07:00"}`
	for _, tt := range []struct{ statement, want string }{
		{"SELECT COUNT(*) FROM Invoice", `{"QueryResponse":{"totalCount":25},` + stamp},
		{"SELECT * FROM Payment WHERE Id = '1'", `{"QueryResponse":{},` + stamp},
	} {
		if a := w.query(tt.statement); a.body != tt.want {
			t.Errorf("%s: %s", tt.statement, a.body)
		}
	}
	a := w.query("SELECT * FROM Invoice STARTPOSITION 3 MAXRESULTS 10")
	if !strings.HasSuffix(a.body, `,"startPosition":3,"maxResults":10,"totalCount":25},`+stamp) {
		t.Errorf("an invoice page ends with %s", a.body[len(a.body)-120:])
	}
	if a.header.Get("Content-Type") != "application/json;charset=utf-8" || a.header.Get("intuit_tid") == "" {
		t.Errorf("headers %v", a.header)
	}
	a = w.query("SELECT * FROM Payment MAXRESULTS 2")
	if !strings.HasSuffix(a.body, `,"startPosition":1,"maxResults":2},`+stamp) {
		t.Errorf("a payment page ends with %s", a.body[len(a.body)-120:])
	}
}

func TestPostedStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	path := "/v3/company/" + realm + "/query"
	text := map[string]string{"Content-Type": "application/text"}
	if a := w.send("POST", path, "SELECT * FROM Invoice", text); strings.Count(a.body, "AllowIPNPayment") != 3 {
		t.Errorf("in the body: %.200s", a.body)
	}
	if a := w.send("POST", path+"?query="+url.QueryEscape("SELECT * FROM Invoice"), "", text); strings.Count(a.body, "AllowIPNPayment") != 3 {
		t.Errorf("in the URL: %.200s", a.body)
	}
	if a := w.send("POST", path, "SELECT * FROM Invoice", nil); a.status != 400 {
		t.Errorf("as application/json: %d", a.status)
	}
}

func TestDefaultOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 120)
	w.clock.advance(time.Minute)
	w.create("Invoice", `{"CustomerRef":{"value":"1"},"Line":[{"Amount":10,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"1"}}}]}`)
	for _, entity := range []string{"Invoice", "Payment"} {
		last := "9999"
		for _, o := range w.rows("SELECT * FROM "+entity+" MAXRESULTS 1000", entity) {
			stamp := utc(t, at(o, "MetaData", "LastUpdatedTime"))
			if stamp > last {
				t.Fatalf("%s: %s after %s", entity, stamp, last)
			}
			last = stamp
		}
	}
	var names []string
	for _, o := range w.rows("SELECT * FROM Customer", "Customer") {
		names = append(names, strings.ToLower(at(o, "DisplayName")))
		if at(o, "Active") != "true" {
			t.Errorf("inactive customer %s without being asked for", at(o, "Id"))
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("customers are not alphabetical: %q", names)
	}
}

func utc(t *testing.T, stamp string) string {
	t.Helper()
	v, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC().Format(time.RFC3339)
}

// TestKeysetWalk reads a company page by page the way a careful client does, while somebody edits it:
// every row that lives at the end must have been seen in its last state.
func TestKeysetWalk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3000) // includes an import of more than 1000 invoices in one second
	ids := slices.Collect(w.company.IDs("Invoice"))
	edits := 0
	w.sim.BeforeAnswer(func(*http.Request) {
		if edits++; edits > 6 {
			return
		}
		w.clock.advance(time.Second)
		if _, err := w.company.Update("Invoice", `{"Id":"`+ids[edits*300]+`","sparse":true,"PrivateNote":"changed"}`); err != nil {
			t.Error(err)
		}
	})
	seen := map[string]string{}
	most := 0
	from, position := "2000-01-01T00:00:00Z", 1
	for {
		rows := w.rows(fmt.Sprintf("SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime >= '%s' ORDERBY MetaData.LastUpdatedTime ASC STARTPOSITION %d MAXRESULTS 1000", from, position), "Invoice")
		last := from
		for _, o := range rows {
			seen[at(o, "Id")] = at(o, "MetaData", "LastUpdatedTime")
			last = at(o, "MetaData", "LastUpdatedTime")
		}
		if len(rows) < 1000 {
			break
		}
		if last == from {
			position += 900
			most++
		} else {
			from, position = last, 1
		}
	}
	if len(seen) != 3000 || most == 0 {
		t.Errorf("%d of 3000 invoices seen, %d pages inside one second", len(seen), most)
	}
	each(w, "Invoice", func(o map[string]any) {
		if got, want := seen[at(o, "Id")], at(o, "MetaData", "LastUpdatedTime"); got != want {
			t.Errorf("invoice %s was read as of %s, is of %s", at(o, "Id"), got, want)
		}
	})
}

// TestPagesShift: there is no snapshot, so a change moves later rows one place up.
func TestPagesShift(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 50)
	page := func(start int) []map[string]any {
		return w.rows(fmt.Sprintf("SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime ASC STARTPOSITION %d MAXRESULTS 10", start), "Invoice")
	}
	first, second := page(1), page(11)
	w.clock.advance(time.Second)
	if _, err := w.company.Update("Invoice", `{"Id":"`+at(first[0], "Id")+`","sparse":true,"PrivateNote":"x"}`); err != nil {
		t.Fatal(err)
	}
	if now := page(11); at(now[0], "Id") != at(second[1], "Id") {
		t.Errorf("position 11 is %s, want %s moved up", at(now[0], "Id"), at(second[1], "Id"))
	}
	if last := page(50); at(last[0], "Id") != at(first[0], "Id") {
		t.Errorf("the changed invoice is not last")
	}
}

func TestDaylightSaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 7, 1, 7, 0, 1, 0, time.UTC), "2026-07-01T00:00:01-07:00"},
		{time.Date(2026, 12, 1, 8, 0, 1, 0, time.UTC), "2026-12-01T00:00:01-08:00"},
	} {
		w.clock.advance(tt.at.Sub(w.clock.Now()))
		o := w.create("Customer", `{"DisplayName":"Summer `+tt.want[:7]+`"}`)
		if got := at(o, "MetaData", "CreateTime"); got != tt.want {
			t.Errorf("printed %s, want %s", got, tt.want)
		}
	}
}
