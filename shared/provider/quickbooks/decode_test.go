package quickbooks

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestQueryAnswers(t *testing.T) {
	at := time.Date(2026, 5, 5, 10, 28, 39, 0, time.UTC)
	tests := []struct {
		name string
		give string
		want []string
		time time.Time
	}{
		{"rows first", `{"QueryResponse":{"Bill":[{"Id":"1"},{"Id":"2"}],"startPosition":1,"maxResults":2},"time":"2026-05-05T03:28:39-07:00"}`, []string{`{"Id":"1"}`, `{"Id":"2"}`}, at},
		{"time first, counters first", `{"time":"2026-05-05T03:28:39.5-07:00","QueryResponse":{"startPosition":1,"totalCount":1,"Bill":[{"Id":"1"}]}}`, []string{`{"Id":"1"}`}, at.Add(500 * time.Millisecond)},
		{"nanoseconds", `{"QueryResponse":{},"time":"2026-05-05T03:28:39.123456789-07:00"}`, nil, at.Add(123456789)},
		{"no time, unknown keys", `{"new":[[{"Id":"9"}]],"QueryResponse":{"new":{"Bill":[{"Id":"9"}]},"Bill":[{"Id":"1"}]},"more":null}`, []string{`{"Id":"1"}`}, time.Time{}},
		{"empty array", `{"QueryResponse":{"Bill":[]}}`, nil, time.Time{}},
		{"time is a number", `{"QueryResponse":{},"time":1601391072830}`, nil, time.Time{}},
		{"bytes stay as they are", "{\"QueryResponse\":{\"Bill\":[ {\"Amt\": 300.00 ,\n\"N\":\"\\u00e9\\/\xff\",\"N\":1e2}\n]}}", []string{"{\"Amt\": 300.00 ,\n\"N\":\"\\u00e9\\/\xff\",\"N\":1e2}"}, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := scripted(t, ok(tt.give))
			var got []string
			page, err := c.Query(t.Context(), Query{Entity: "Bill"}, collect(&got))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if page.Rows != len(tt.want) || !page.Time.Equal(tt.time) {
				t.Errorf("page %+v, want %d rows at %v", page, len(tt.want), tt.time)
			}
		})
	}
}

func TestChangesAnswers(t *testing.T) {
	tests := []struct {
		name string
		give string
		want []string
	}{
		{"nothing", `{"CDCResponse":[{"QueryResponse":[{}]}],"time":"2026-05-05T03:28:39-07:00"}`, nil},
		{"two entities, a tombstone", `{"CDCResponse":[{"QueryResponse":[{"Customer":[{"Id":"1"}],"startPosition":1,"maxResults":1},{"startPosition":1,"Estimate":[{"Id":"2"},{"domain":"QBO","status":"Deleted","Id":"979"}],"totalCount":5}]}],"time":"2026-05-05T03:28:39-07:00"}`,
			[]string{`Customer {"Id":"1"}`, `Estimate {"Id":"2"}`, `Estimate {"domain":"QBO","status":"Deleted","Id":"979"}`}},
		{"another name", `{"time":"2026-05-05T03:28:39-07:00","CDCResponse":[{"QueryResponse":[{"CreditCardPaymentTxn":[{"Id":"1"}]}]}]}`, []string{`CreditCardPayment {"Id":"1"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s, _ := scripted(t, ok(tt.give))
			var got []string
			ch, err := c.Changes(t.Context(), []string{"Customer", "CreditCardPayment"}, time.Now(), func(entity string, raw []byte) error {
				got = append(got, entity+" "+string(raw))
				return nil
			})
			if err != nil || ch.Rows != len(tt.want) || ch.Cut() || ch.Time.IsZero() {
				t.Fatalf("%+v, %v", ch, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if s.seen[0].path != "/v3/company/9130/cdc" {
				t.Errorf("asked %+v", s.seen[0])
			}
		})
	}
	for name, give := range map[string]string{
		"a fault in an element": `{"CDCResponse":[{"QueryResponse":[{"Bill":[{"Id":"1"}]}]},{"Fault":{"Error":[{"code":"6190"}]}}]}`,
		"a fault in a group":    `{"CDCResponse":[{"QueryResponse":[{"Fault":{"Error":[{"code":"6190"}]}}]}]}`,
	} {
		c, _, _ := scripted(t, ok(give))
		if _, err := c.Changes(t.Context(), []string{"Bill"}, time.Now(), func(string, []byte) error { return nil }); !fault.Is(err, fault.Paused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBrokenAnywhere cuts a good answer at every byte: no piece of it may pass for a whole.
func TestBrokenAnywhere(t *testing.T) {
	const whole = `{"QueryResponse":{"Bill":[{"Id":"1","N":[{"a":"\u00e9"}]},{"Id":"2"}],"totalCount":2},"time":"2026-05-05T03:28:39-07:00"}`
	for n := range len(whole) {
		c, _, _ := scripted(t, ok(whole[:n]))
		c.opts.Retry.MaxRetries = 0
		if _, err := c.Query(t.Context(), Query{Entity: "Bill"}, func([]byte) error { return nil }); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", whole[:n], err)
		}
	}
}

// TestDeliveredAgain shows at-least-once: an answer that broke off is given again.
func TestDeliveredAgain(t *testing.T) {
	c, _, _ := scripted(t, ok(`{"QueryResponse":{"Bill":[{"Id":"1"},`), ok(`{"QueryResponse":{"Bill":[{"Id":"1"},{"Id":"2"}]}}`))
	c.opts.Retry.Delay = 1
	var got []string
	page, err := c.Query(t.Context(), Query{Entity: "Bill"}, collect(&got))
	if diff := cmp.Diff([]string{`{"Id":"1"}`, `{"Id":"1"}`, `{"Id":"2"}`}, got); err != nil || page.Rows != 2 || diff != "" {
		t.Errorf("%+v, %v (-want +got):\n%s", page, err, diff)
	}
}

// TestRecordings feeds real answers through the client. They are not part of this repository.
func TestRecordings(t *testing.T) {
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("COUNTINGHOUSE_FIXTURES is not set: in CI the recordings are required")
		}
		t.Skip("COUNTINGHOUSE_FIXTURES is not set: it names a folder with quickbooks/*.json, real answers of QuickBooks")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "quickbooks", "*.json"))
	seen := map[string]int{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var top struct{ QueryResponse, CDCResponse, Fault json.RawMessage }
		if json.Unmarshal(body, &top) != nil {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, _, _ := scripted(t, ok(string(body)))
			var got []string
			var err error
			switch {
			case top.Fault != nil:
				seen["fault"]++
				c, _, _ = scripted(t, reply{status: 400, body: string(body)})
				want := fault.Invalid
				if strings.Contains(string(body), `"code":"3200"`) {
					want = fault.Reconnect
				}
				if _, err = c.Read(t.Context(), "Bill", "1"); !fault.Is(err, want) {
					t.Errorf("fault: %v, want %s", err, want)
				}
				return
			case top.CDCResponse != nil:
				seen["cdc"]++
				_, err = c.Changes(t.Context(), []string{"Bill"}, time.Now(), func(_ string, raw []byte) error { return collect(&got)(raw) })
			case top.QueryResponse != nil:
				seen["query"]++
				_, err = c.Query(t.Context(), Query{Entity: "Bill"}, collect(&got))
			default:
				t.Skip("not an answer to a query")
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(objects(t, top.QueryResponse, top.CDCResponse), got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
	if seen["fault"] == 0 || seen["cdc"] == 0 || seen["query"] == 0 {
		t.Errorf("recordings fed: %v, want some of each", seen)
	}
}

// objects finds the rows of an answer in another way: with encoding/json, all in memory.
func objects(t *testing.T, query, cdc json.RawMessage) []string {
	t.Helper()
	groups := []json.RawMessage{query}
	if cdc != nil {
		var elements []struct{ QueryResponse []json.RawMessage }
		if err := json.Unmarshal(cdc, &elements); err != nil {
			t.Fatal(err)
		}
		groups = nil
		for _, e := range elements {
			groups = append(groups, e.QueryResponse...)
		}
	}
	var out []string
	for _, g := range groups {
		d := json.NewDecoder(bytes.NewReader(g))
		d.Token() //nolint:errcheck // {
		for d.More() {
			d.Token() //nolint:errcheck // a name
			var value json.RawMessage
			var rows []json.RawMessage
			if err := d.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if json.Unmarshal(value, &rows) == nil {
				for _, r := range rows {
					out = append(out, string(r))
				}
			}
		}
	}
	return out
}

// onePage is an answer of 1000 invoices of about 3 KB.
func onePage() string {
	line := `{"Id":"1","LineNum":1,"Description":"Rock fountain, with \"installation\" and a long description","Amount":275.00,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"5","name":"Rock Fountain"},"UnitPrice":275,"Qty":1,"ItemAccountRef":{"value":"79","name":"Sales of Product Income"},"TaxCodeRef":{"value":"TAX"}},"CustomExtensions":[]}`
	invoice := `{"Id":"130","SyncToken":"0","MetaData":{"CreateTime":"2026-05-05T03:11:51-07:00","LastUpdatedTime":"2026-05-05T03:11:51-07:00"},"DocNumber":"1037","CustomField":[{"DefinitionId":"1","Name":"Crew #","Type":"StringType"}],"Line":[` +
		line + strings.Repeat(","+line, 6) + `],"CustomerRef":{"value":"24","name":"Sonnenschein Family Store"},"BillAddr":{"Id":"95","Line1":"5647 Cypress Hill Ave.","City":"Middlefield","CountrySubDivisionCode":"CA","PostalCode":"94303"},"TotalAmt":362.07,"Balance":362.07}`
	return `{"QueryResponse":{"Invoice":[` + invoice + strings.Repeat(","+invoice, 999) + `],"startPosition":1,"maxResults":1000},"time":"2026-05-05T03:28:39.892-07:00"}`
}

func BenchmarkPage(b *testing.B) {
	page := onePage()
	c := New(Options{Tokens: &tokens{}})
	b.SetBytes(int64(len(page)))
	b.ReportMetric(float64(len(page))/1000, "B/row")
	b.ReportAllocs()
	for b.Loop() {
		a := answer{each: func(string, []byte) error { return nil }}
		if err := c.scanQuery(io.NopCloser(strings.NewReader(page)), &a); err != nil || a.rows != 1000 {
			b.Fatal(a.rows, err)
		}
	}
}
