package plaidsim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// BenchmarkSync reads a history of 100,000 transactions in pages of 500, without the network.
func BenchmarkSync(b *testing.B) {
	sim := plaidsim.New(plaidsim.Config{ClientID: appID, Secret: appSecret, NoLimits: true})
	it := sim.Item(exchanged(b, sim, sim.Link(sim.AddLogin(plaidsim.LoginSpec{Transactions: 100_000, Days: 730}), []string{"transactions"}, "")))
	rows, size := 0, 0
	b.ResetTimer()
	for b.Loop() {
		cursor := ""
		for more := true; more; {
			body := encoded(b, map[string]any{"access_token": it.AccessToken(), "cursor": cursor, "count": 500,
				"options": map[string]any{"include_original_description": true}})
			w := served(sim, "/transactions/sync", body)
			size += w.Body.Len()
			cursor, more = tail(b, w.Body.Bytes())
		}
		rows += 100_000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(size)/float64(rows), "B/row")
}

// tail reads the end of a sync answer without reading its rows.
func tail(b *testing.B, body []byte) (cursor string, more bool) {
	b.Helper()
	var next struct {
		Cursor string `json:"next_cursor"`
	}
	body = body[max(0, len(body)-1000):]
	at := bytes.Index(body, []byte(`"next_cursor"`))
	end := bytes.IndexByte(body[at:], ',') + at
	if err := json.Unmarshal([]byte("{"+string(body[at:end])+"}"), &next); err != nil {
		b.Fatal(err)
	}
	return next.Cursor, bytes.Contains(body, []byte(`"has_more": true`))
}

func served(sim *plaidsim.Server, path string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("PLAID-CLIENT-ID", appID)
	r.Header.Set("PLAID-SECRET", appSecret)
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	return w
}

func encoded(tb testing.TB, v any) []byte {
	tb.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// exchanged gives the item_id of a public token.
func exchanged(tb testing.TB, sim *plaidsim.Server, public string) string {
	tb.Helper()
	var out struct {
		Item string `json:"item_id"`
	}
	if err := json.Unmarshal(served(sim, "/item/public_token/exchange", encoded(tb, map[string]any{"public_token": public})).Body.Bytes(), &out); err != nil {
		tb.Fatal(err)
	}
	return out.Item
}
