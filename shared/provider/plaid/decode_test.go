package plaid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// lists is what a method gave, by the path of the list in the answer.
type lists map[string][]json.RawMessage

// answers says how each fixture is read, and how many elements its lists have.
var answers = map[string]struct {
	read func(t *testing.T, i *Item) (lists, error)
	want map[string]int
}{
	"resp_transactions_sync.json": {readSync, map[string]int{"accounts": 1, "added": 1, "modified": 1, "removed": 1}},
	"resp_accounts_get.json":      {readAccounts, map[string]int{"accounts": 3}},
	"resp_accounts_balance_get.json": {func(t *testing.T, i *Item) (lists, error) {
		a, err := i.Balances(t.Context(), BalancesQuery{})
		return lists{"accounts": a.Accounts}, err
	}, map[string]int{"accounts": 3}},
	"recorded_sandbox_accounts_get.json":    {readAccounts, map[string]int{"accounts": 4}},
	"resp_liabilities_get.json":             {readLiabilities, map[string]int{"accounts": 4, "liabilities.credit": 1, "liabilities.mortgage": 1, "liabilities.student": 1}},
	"recorded_sandbox_liabilities_get.json": {readLiabilities, map[string]int{"accounts": 4, "liabilities.credit": 1, "liabilities.mortgage": 0, "liabilities.student": 1}},
	"resp_transactions_get.json": {func(t *testing.T, i *Item) (lists, error) {
		p, err := i.Transactions(t.Context(), Range{})
		if p.Total != 1 {
			t.Errorf("%d transactions in all", p.Total)
		}
		return lists{"accounts": p.Accounts, "transactions": p.Transactions}, err
	}, map[string]int{"accounts": 1, "transactions": 2}},
	"resp_transactions_recurring_get.json": {func(t *testing.T, i *Item) (lists, error) {
		r, err := i.Recurring(t.Context())
		return lists{"inflow_streams": r.Inflow, "outflow_streams": r.Outflow}, err
	}, map[string]int{"inflow_streams": 1, "outflow_streams": 2}},
	"resp_investments_holdings_get.json":                 {readHoldings, map[string]int{"accounts": 4, "holdings": 9, "securities": 8}},
	"recorded_sandbox_investments_holdings_get.json":     {readHoldings, map[string]int{"accounts": 4, "holdings": 3, "securities": 3}},
	"resp_investments_transactions_get.json":             {readInvestments, map[string]int{"investment_transactions": 3, "securities": 3}},
	"recorded_sandbox_investments_transactions_get.json": {readInvestments, map[string]int{"investment_transactions": 4, "securities": 3}},
	"resp_statements_list.json": {func(t *testing.T, i *Item) (lists, error) {
		accounts, err := i.Statements(t.Context())
		return lists{"accounts": accounts}, err
	}, map[string]int{"accounts": 1}},
}

func readSync(t *testing.T, i *Item) (lists, error) {
	p, err := i.Sync(t.Context(), "", 0)
	if p.Status != HistoricalComplete || p.Next != "tVUUL15lYQN5rBnfDIc1I8xudpGdIlw9nsgeXWvhOfkECvUeR663i3Dt1uf/94S8ASkitgLcIiOSqNwzzp+bh89kirazha5vuZHBb2ZA5NtCDkkV" || p.More {
		t.Errorf("status %q, next %q, more %v", p.Status, p.Next, p.More)
	}
	return lists{"accounts": p.Accounts, "added": p.Added, "modified": p.Modified, "removed": p.Removed}, err
}

func readAccounts(t *testing.T, i *Item) (lists, error) {
	a, err := i.Accounts(t.Context())
	return lists{"accounts": a.Accounts}, err
}

func readLiabilities(t *testing.T, i *Item) (lists, error) {
	l, err := i.Liabilities(t.Context())
	return lists{"accounts": l.Accounts, "liabilities.credit": l.Credit, "liabilities.mortgage": l.Mortgage, "liabilities.student": l.Student}, err
}

func readHoldings(t *testing.T, i *Item) (lists, error) {
	h, err := i.Holdings(t.Context())
	return lists{"accounts": h.Accounts, "holdings": h.Holdings, "securities": h.Securities}, err
}

func readInvestments(t *testing.T, i *Item) (lists, error) {
	p, err := i.InvestmentTransactions(t.Context(), Range{})
	if p.Total == 0 {
		t.Error("no total")
	}
	return lists{"investment_transactions": p.Transactions, "securities": p.Securities}, err
}

// elsewhere are the fixtures that other tests read, or that no call of ours gives.
var elsewhere = []string{
	"resp_item_get.json", "recorded_sandbox_item_get.json", "resp_item_remove.json", "resp_item_webhook_update.json", "resp_transactions_refresh.json",
	"resp_item_public_token_exchange.json", "recorded_sandbox_public_token_exchange.json", "resp_link_token_create.json", "recorded_sandbox_link_token_create.json",
	"resp_link_token_get.json", "resp_institutions_get_by_id.json", "resp_webhook_verification_key_get.json",
	"resp_institutions_search.json", "resp_user_items_get.json", "resp_user_transactions_refresh.json", "resp_processor_transactions_sync.json",
	"resp_sandbox_item_fire_webhook.json", "resp_sandbox_item_reset_login.json", "resp_sandbox_public_token_create.json",
}

// TestRecordedAnswers: every list of every answer is there, each element with the bytes that Plaid sent.
func TestRecordedAnswers(t *testing.T) {
	seen := documents(t, "resp_*.json")
	for name, body := range documents(t, "recorded_*.json") {
		seen[name] = body
	}
	for _, name := range elsewhere {
		delete(seen, name)
	}
	for name := range answers {
		if seen[name] == nil {
			t.Errorf("%s is not there", name)
		}
	}
	for name, body := range seen {
		a, ok := answers[name]
		if !ok {
			t.Errorf("%s is read by no test", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			got, err := a.read(t, answering(t, string(body)))
			if err != nil {
				t.Fatal(err)
			}
			for path, n := range a.want {
				if len(got[path]) != n {
					t.Errorf("%s has %d elements, want %d", path, len(got[path]), n)
				}
				if diff := cmp.Diff(written(elements(t, body, path)), written(got[path])); diff != "" {
					t.Errorf("%s (-sent +got):\n%s", path, diff)
				}
			}
		})
	}
}

// elements returns the elements of a list in body as encoding/json sees them.
func elements(t testing.TB, body []byte, path string) (all []json.RawMessage) {
	t.Helper()
	value := json.RawMessage(body)
	for _, name := range strings.Split(path, ".") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(value, &object); err != nil {
			t.Fatal(err)
		}
		value = object[name]
	}
	if err := json.Unmarshal(value, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAnswersOfOtherShapes: what has to be there and is not makes no empty page.
func TestAnswersOfOtherShapes(t *testing.T) {
	for _, body := range []string{
		`{"added":[],"modified":[],"removed":[],"next_cursor":"c"}`,
		`{"added":[],"modified":[],"has_more":false,"next_cursor":"c"}`,
		`{"added":[],"modified":[],"removed":null,"next_cursor":"c","has_more":false}`,
		`{"added":[],"modified":[],"removed":[],"next_cursor":null,"has_more":false}`,
		`{"added":[],"modified":[],"removed":[],"next_cursor":7,"has_more":false}`,
		`{"added":[],"modified":[],"removed":[],"next_cursor":"c","has_more":"no"}`,
		`{"added":"","modified":[],"removed":[],"next_cursor":"c","has_more":false}`,
		`[]`, `null`, `7`, `{"added":[}`, `{"added":[],}`,
	} {
		var p SyncPage
		err := p.read([]byte(body))
		var r *refused
		if !errors.As(err, &r) || r.fault.Kind != fault.Unavailable {
			t.Errorf("%s: %v, %+v", body, err, p)
		}
	}
	for body, good := range map[string]bool{
		`{"transactions":[],"total_transactions":0}`: true, `{"transactions":[],"total_transactions":-1}`: false,
		`{"transactions":[],"total_transactions":1.5}`: false, `{"transactions":[],"total_transactions":null}`: false, `{"transactions":[]}`: false,
	} {
		c, _, _ := scripted(t, ok(body))
		c.opts.Retry.MaxRetries = 0
		if _, err := c.Item("i", tokens{}).Transactions(t.Context(), Range{}); (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestOddRowsPass: a row that nobody can store is still a row, and the others are not lost for it.
func TestOddRowsPass(t *testing.T) {
	rows := []string{`{"a":1,"a":2}`, `"` + "\xff" + `"`, `null`, `[ 1 , 2 ]`, `1e400`, `{"amount": 23631.98050}`, `"\ud800"`}
	body := `{"next_cursor":"\u0063","has_more":true,"modified":[],"removed":[],"new":{"added":[1]},"added":[ ` + strings.Join(rows, " ,\n") + ` ]}`
	var p SyncPage
	if err := p.read([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, written(p.Added)); diff != "" || p.Next != "c" || !p.More {
		t.Errorf("%+v (-want +got):\n%s", p, diff)
	}
}

// FuzzSyncPage: whatever comes is refused, or read as encoding/json would: no element is lost, added or changed.
func FuzzSyncPage(f *testing.F) {
	f.Add([]byte(empty))
	recordings(f, "*transactions_sync*.json", func(body []byte) { f.Add(body) })
	f.Add([]byte(`{"added":[{"a":1},null],"modified":[ 7 ],"removed":[],"next_cursor":"c","has_more":true,"added":[]}`))
	f.Add([]byte(`{"ADDED":[1],"added":[1e5],"modified":[],"removed":["\ud800"],"next_cursor":"\u0000","has_more":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p SyncPage
		if err := p.read(body); err != nil {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%v", err)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("read although it is no object: %v", err)
		}
		var want struct {
			Accounts, Added, Modified, Removed []json.RawMessage
			Next                               string
			More                               bool
		}
		for name, into := range map[string]any{
			"accounts": &want.Accounts, "added": &want.Added, "modified": &want.Modified, "removed": &want.Removed, "next_cursor": &want.Next, "has_more": &want.More,
		} {
			if raw := members[name]; raw != nil {
				if err := json.Unmarshal(raw, into); err != nil {
					t.Fatalf("%s is read although it is another value: %v", name, err)
				}
			}
		}
		got := [][]json.RawMessage{p.Accounts, p.Added, p.Modified, p.Removed}
		for i, list := range [][]json.RawMessage{want.Accounts, want.Added, want.Modified, want.Removed} {
			if diff := cmp.Diff(written(list), written(got[i])); diff != "" {
				t.Errorf("list %d (-encoding/json +got):\n%s", i, diff)
			}
		}
		if p.Next != want.Next || p.More != want.More {
			t.Errorf("next %q, more %v; want %q, %v", p.Next, p.More, want.Next, want.More)
		}
	})
}

// BenchmarkSyncPage reads pages of 500 transactions of the size that Plaid sends, from the connection to the elements.
func BenchmarkSyncPage(b *testing.B) {
	var page SyncPage
	if err := page.read(fixture(b, "resp_transactions_sync.json")); err != nil {
		b.Fatal(err)
	}
	rows := bytes.Repeat(append(page.Added[0], ','), 500)
	body := fmt.Sprintf(`{"added":[%s],"modified":[],"removed":[],"accounts":[],"next_cursor":"c","has_more":true}`, rows[:len(rows)-1])
	item := answering(&testing.T{}, body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := item.Sync(b.Context(), "", 500)
		if err != nil || len(p.Added) != 500 {
			b.Fatal(len(p.Added), err)
		}
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "transactions/s") //nolint:forbidigo // a figure, no money
}
