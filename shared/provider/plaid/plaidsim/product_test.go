package plaidsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// productStreams are the catalog's streams that this file is about, by what reads them.
var productStreams = map[string]func(h *house) ([]json.RawMessage, error){
	"recurring_inflows": func(h *house) ([]json.RawMessage, error) {
		r, err := h.item.Recurring(h.Context())
		return r.Inflow, err
	},
	"recurring_outflows": func(h *house) ([]json.RawMessage, error) {
		r, err := h.item.Recurring(h.Context())
		return r.Outflow, err
	},
	"credit_liabilities": func(h *house) ([]json.RawMessage, error) {
		l, err := h.item.Liabilities(h.Context())
		return l.Credit, err
	},
	"student_loans": func(h *house) ([]json.RawMessage, error) {
		l, err := h.item.Liabilities(h.Context())
		return l.Student, err
	},
	"mortgages": func(h *house) ([]json.RawMessage, error) {
		l, err := h.item.Liabilities(h.Context())
		return l.Mortgage, err
	},
	"holdings": func(h *house) ([]json.RawMessage, error) {
		x, err := h.item.Holdings(h.Context())
		return x.Holdings, err
	},
	"investment_transactions": (*house).trades,
	"statement_accounts":      func(h *house) ([]json.RawMessage, error) { return h.item.Statements(h.Context()) },
}

// trades reads all pages, of seven each.
func (h *house) trades() (all []json.RawMessage, err error) {
	for {
		page, err := h.item.InvestmentTransactions(h.Context(), plaid.Range{From: "2020-01-01", To: "2030-01-01", Count: 7, Offset: len(all)})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Transactions...)
		if len(all) >= page.Total || len(page.Transactions) == 0 {
			return all, nil
		}
	}
}

// checkTruth compares what is answered with what All says.
func (h *house) checkTruth(when string) {
	h.Helper()
	for stream, read := range productStreams {
		raws, err := read(h)
		h.must(err)
		var got []map[string]any
		for _, raw := range raws {
			var row map[string]any
			h.decode(raw, &row)
			got = append(got, row)
		}
		if diff := cmp.Diff(h.truth(stream), got); diff != "" {
			h.Errorf("%s: %s (-truth +answer):\n%s", when, stream, diff)
		}
	}
}

// TestTruth: after each change the answers are what All says, and none is empty for nothing.
func TestTruth(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	for stream := range productStreams {
		if len(h.truth(stream)) == 0 {
			t.Errorf("there are no %s", stream)
		}
	}
	h.checkTruth("at first")
	card, broker, checking := h.account("credit"), h.account("investment"), h.account("depository")
	stream, trade, fund := "", "", h.bank.Security("DBLTX")
	for i, change := range []func() error{
		func() error { _, err := h.bank.NextStatement(card); return err },
		func() error { return h.bank.PayCard(card, "20.05") },
		func() error { _, err := h.bank.AddStatement(checking, 2020, 3); return err },
		func() (err error) {
			stream, err = h.bank.AddRecurring(plaidsim.RecurringSpec{Account: card, Amount: "5", Description: "Gym", Frequency: "WEEKLY", Times: 2})
			return err
		},
		func() error { return h.bank.Recur(stream, "6.5") },
		func() error { return h.bank.EndRecurring(stream) },
		func() error { return h.bank.DropRecurring(stream) },
		func() error { return h.bank.Price(fund, "10.4300000001") },
		func() (err error) {
			trade, err = h.bank.Trade(plaidsim.TradeSpec{Account: broker, Security: fund, Quantity: "0.0000000001", Price: "11", Fees: "0", Name: "a bit"})
			return err
		},
		func() error { _, err := h.bank.CancelTrade(trade); return err },
		func() error { _, err := h.bank.RekeySecurity(fund); return err },
		func() error { return h.bank.CloseAccount(card, false) },
	} {
		h.wall.advance(36 * time.Hour)
		h.must(change())
		h.checkTruth(fmt.Sprintf("after change %d", i+1))
	}
}

// TestStatementsOfACard: the newest one is answered, the others stay in what could be read.
func TestStatementsOfACard(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	card := h.account("credit")
	h.must(h.bank.PayCard(card, "1.10"))
	var days []string
	for range 3 {
		day, err := h.bank.NextStatement(card)
		h.must(err)
		days = append(days, day)
	}
	rows := h.truth("credit_statements")
	if len(rows) != 4 || fmt.Sprint(rows[0]["last_payment_amount"]) != "1.10" {
		t.Fatalf("statements: %v", rows)
	}
	for i, row := range rows[1:] {
		if row["last_statement_issue_date"] != days[i] || row["account_id"] != card {
			t.Errorf("statement %d: %v, want the one of %s", i+2, row, days[i])
		}
	}
	first, err := time.Parse(time.DateOnly, days[0])
	h.must(err)
	if days[1] != first.AddDate(0, 1, 0).Format(time.DateOnly) {
		t.Errorf("statements of %v: not a month apart", days)
	}
}

// TestTrading: holdings follow what is bought and sold, to the last digit.
func TestTrading(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	broker := h.account("investment")
	coin, err := h.bank.AddSecurity("NEW", "New Corp", "3")
	h.must(err)
	held := func() string {
		for _, row := range h.truth("holdings") {
			if row["security_id"] == coin && row["account_id"] == broker {
				return fmt.Sprint(row["quantity"], " ", row["institution_value"])
			}
		}
		return ""
	}
	last := ""
	for _, tt := range []struct{ quantity, want string }{{"1.5", "1.5 4.5"}, {"0.0000000001", "1.5000000001 4.5"}, {"-1", "0.5000000001 1.5"}, {"-0.5000000001", ""}} {
		last, err = h.bank.Trade(plaidsim.TradeSpec{Account: broker, Security: coin, Quantity: tt.quantity, Price: "3", Name: "x"})
		h.must(err)
		if got := held(); got != tt.want {
			t.Errorf("after %s: %q, want %q", tt.quantity, got, tt.want)
		}
	}
	made, err := h.bank.CancelTrade(last)
	h.must(err)
	var kinds []string
	for _, row := range h.truth("investment_transactions") {
		if row["investment_transaction_id"] == last {
			t.Error("what was cancelled is still there")
		}
		if row["investment_transaction_id"] == made && row["cancel_transaction_id"] == last {
			kinds = append(kinds, row["type"].(string))
		}
	}
	if !slices.Equal(kinds, []string{"cancel"}) || held() != "0.5000000001 1.5" {
		t.Errorf("cancelled by %v, %s held", kinds, held())
	}
}

// TestPagesOfInvestments: pages hold what was asked for, newest first, with the securities of the page.
func TestPagesOfInvestments(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	all := h.truth("investment_transactions")
	from, to := all[len(all)-1]["date"].(string), all[0]["date"].(string)
	if !slices.IsSortedFunc(all, func(a, b map[string]any) int { return strings.Compare(b["date"].(string), a["date"].(string)) }) || from >= to {
		t.Fatalf("from %s to %s, or not the newest first", from, to)
	}
	page, err := h.item.InvestmentTransactions(t.Context(), plaid.Range{From: to, To: to, Count: 500})
	if err != nil || page.Total == 0 || page.Total >= len(all) || len(page.Transactions) != page.Total {
		t.Errorf("of the newest day: %d of %d, %v", len(page.Transactions), page.Total, err)
	}
	page, err = h.item.InvestmentTransactions(t.Context(), plaid.Range{From: from, To: to, Count: 2, Offset: 1})
	if err != nil || len(page.Transactions) != 2 || page.Total != len(all) || len(page.Securities) > 2 {
		t.Errorf("%d of %d with %d securities, %v", len(page.Transactions), page.Total, len(page.Securities), err)
	}
	h.wall.advance(3 * 365 * 24 * time.Hour)
	page, err = h.item.InvestmentTransactions(t.Context(), plaid.Range{From: from, To: to, Count: 500})
	if err != nil || page.Total != 0 || len(h.truth("investment_transactions")) != 0 {
		t.Errorf("three years later there are %d, %v", page.Total, err)
	}
}

// TestDownload: statements are PDFs, and the hash is theirs.
func TestDownload(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	seen := map[string]bool{}
	for _, account := range h.truth("statement_accounts") {
		for _, st := range account["statements"].([]any) {
			id := st.(map[string]any)["statement_id"].(string)
			var file bytes.Buffer
			down, err := h.item.Statement(t.Context(), id, &file)
			if err != nil || down.Size != int64(file.Len()) || !bytes.HasPrefix(file.Bytes(), []byte("%PDF-1.4\n")) || !bytes.HasSuffix(file.Bytes(), []byte("%%EOF\n")) {
				t.Errorf("%d bytes, %+v, %v", file.Len(), down, err)
			}
			seen[down.SHA256] = true
		}
	}
	if len(seen) != 24 {
		t.Errorf("%d different statements of two accounts' twelve months", len(seen))
	}
	if code, _ := h.ask("/statements/download", map[string]any{"statement_id": "another"}); code != "INVALID_FIELD" {
		t.Errorf("of a statement that there is not: %q", code)
	}
}

// TestRefresh: what is asked for from the bank comes, is told of, and is paid for.
func TestRefresh(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	count := func() (n int) {
		for _, account := range h.truth("statement_accounts") {
			n += len(account["statements"].([]any))
		}
		return n
	}
	if code, _ := h.ask("/statements/refresh", map[string]any{"start_date": "2025-01-10", "end_date": "2025-03-20"}); code != "" || count() != 24+6 {
		t.Errorf("%q, %d statements", code, count())
	}
	if code, _ := h.ask("/investments/refresh", nil); code != "" {
		t.Error(code)
	}
	for what, body := range map[string]map[string]any{
		"backwards": {"start_date": "2026-03-10", "end_date": "2026-03-09"}, "too old": {"start_date": "2023-03-10", "end_date": "2026-03-09"},
	} {
		if code, _ := h.ask("/statements/refresh", body); code != "INVALID_FIELD" {
			t.Errorf("%s: %q", what, code)
		}
	}
	h.deliver()
	if got := h.hook.codes(t); !slices.Contains(got, "STATEMENTS/STATEMENTS_REFRESH_COMPLETE") || !slices.Contains(got, "HOLDINGS/DEFAULT_UPDATE") {
		t.Errorf("told of %v", got)
	}
	if st := h.sim.Stats(); st.Billed["statements_refresh"] != 1 || st.Billed["investments_refresh"] != 1 {
		t.Errorf("billed %v", st.Billed)
	}
}

// TestProductRefusals: an Item without the accounts is refused, and so is what makes no sense.
func TestProductRefusals(t *testing.T) {
	t.Parallel()
	rich := newHouse(t, plaidsim.WebhookConfig{})
	poor := newHouse(t, plaidsim.WebhookConfig{}, func(spec *plaidsim.LoginSpec) {
		spec.Accounts = []plaidsim.AccountSpec{{Name: "Checking", Type: "depository", Subtype: "checking", Current: "1"}}
	})
	days := map[string]any{"start_date": "2026-01-01", "end_date": "2026-02-01"}
	for _, tt := range []struct {
		h    *house
		path string
		body map[string]any
		want string
	}{
		{poor, "/liabilities/get", nil, "NO_LIABILITY_ACCOUNTS"},
		{poor, "/investments/holdings/get", nil, "NO_INVESTMENT_ACCOUNTS"},
		{poor, "/investments/transactions/get", days, "NO_INVESTMENT_ACCOUNTS"},
		{rich, "/liabilities/get", map[string]any{"options": map[string]any{"account_ids": []string{"x"}}}, "INVALID_ACCOUNT_ID"},
		{rich, "/investments/holdings/get", map[string]any{"options": map[string]any{"account_ids": []string{"x"}}}, "INVALID_ACCOUNT_ID"},
		{rich, "/transactions/recurring/get", map[string]any{"account_ids": []string{"x"}}, "INVALID_ACCOUNT_ID"},
		{rich, "/investments/transactions/get", map[string]any{"start_date": "2026-01-02", "end_date": "2026-01-01"}, "INVALID_FIELD"},
		{rich, "/investments/transactions/get", nil, "MISSING_FIELDS"},
		{rich, "/statements/list", map[string]any{"cursor": ""}, "UNKNOWN_FIELDS"},
	} {
		if code, _ := tt.h.ask(tt.path, tt.body); code != tt.want {
			t.Errorf("%s %v: %q, want %s", tt.path, tt.body, code, tt.want)
		}
	}
	_, some := rich.ask("/liabilities/get", map[string]any{"options": map[string]any{"account_ids": []string{rich.account("credit")}}})
	if lists := some["liabilities"].(map[string]any); len(lists["credit"].([]any)) != 1 || lists["student"] != nil || lists["mortgage"] != nil {
		t.Errorf("of the card alone: %v", lists)
	}
}

// TestChangeRefusals: what cannot be is not done, and leaves nothing behind.
func TestChangeRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	card, broker := h.account("credit"), h.account("investment")
	for what, change := range map[string]func() error{
		"a statement of no card":    func() error { _, err := h.bank.NextStatement(broker); return err },
		"a payment in words":        func() error { return h.bank.PayCard(card, "much") },
		"a payment with a fraction": func() error { return h.bank.PayCard(card, "1/2") },
		"a trade on a card": func() error {
			_, err := h.bank.Trade(plaidsim.TradeSpec{Account: card, Security: h.bank.Security("AAPL"), Quantity: "1", Price: "1"})
			return err
		},
		"a trade in nothing": func() error {
			_, err := h.bank.Trade(plaidsim.TradeSpec{Account: broker, Security: "x", Quantity: "1", Price: "1"})
			return err
		},
		"a price of nothing":      func() error { return h.bank.Price("x", "1") },
		"cancelling what was not": func() error { _, err := h.bank.CancelTrade("x"); return err },
		"the end of no stream":    func() error { return h.bank.EndRecurring("x") },
		"a stream of an account's twin": func() error {
			_, err := h.bank.AddRecurring(plaidsim.RecurringSpec{Account: "x", Amount: "1"})
			return err
		},
		"a stream without an amount": func() error {
			_, err := h.bank.AddRecurring(plaidsim.RecurringSpec{Account: card, Frequency: "MONTHLY"})
			return err
		},
	} {
		told := h.hooks.Stats().Told
		if err := change(); err == nil || h.hooks.Stats().Told != told {
			t.Errorf("%s: %v, %d webhooks", what, err, h.hooks.Stats().Told-told)
		}
	}
	h.checkTruth("after refusals")
}

// TestFired: what the Sandbox fires for the asking.
func TestFired(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	h.deliver()
	h.hook.bodies = nil
	for _, tt := range []struct{ code, kind, want string }{
		{"SYNC_UPDATES_AVAILABLE", "", ""}, {"DEFAULT_UPDATE", "TRANSACTIONS", ""}, {"DEFAULT_UPDATE", "LIABILITIES", ""}, {"DEFAULT_UPDATE", "HOLDINGS", ""},
		{"DEFAULT_UPDATE", "INVESTMENTS_TRANSACTIONS", ""}, {"RECURRING_TRANSACTIONS_UPDATE", "TRANSACTIONS", ""}, {"NEW_ACCOUNTS_AVAILABLE", "", ""},
		{"LOGIN_REPAIRED", "ITEM", ""}, {"PENDING_DISCONNECT", "", ""}, {"USER_PERMISSION_REVOKED", "", ""}, {"USER_ACCOUNT_REVOKED", "", ""}, {"ERROR", "ITEM", ""},
		{"ERROR", "", "SANDBOX_PRODUCT_NOT_ENABLED"}, {"DEFAULT_UPDATE", "AUTH", "SANDBOX_PRODUCT_NOT_ENABLED"}, {"PRODUCT_READY", "", "SANDBOX_PRODUCT_NOT_ENABLED"},
		{"DEFAULT_UPDATE", "", "INVALID_FIELD"}, {"DEFAULT_UPDATE", "ITEM", "INVALID_FIELD"}, {"NO_SUCH_CODE", "", "INVALID_FIELD"}, {"LOGIN_REPAIRED", "HOLDINGS", "INVALID_FIELD"},
	} {
		body := map[string]any{"webhook_code": tt.code}
		if tt.kind != "" {
			body["webhook_type"] = tt.kind
		}
		code, answer := h.ask("/sandbox/item/fire_webhook", body)
		if code != tt.want || code == "" && answer["webhook_fired"] != true {
			t.Errorf("%s %s: %q, want %q", tt.kind, tt.code, code, tt.want)
		}
	}
	h.deliver()
	if got := h.hook.codes(t); len(got) != 12 || got[0] != "TRANSACTIONS/SYNC_UPDATES_AVAILABLE" || got[11] != "ITEM/ERROR" {
		t.Errorf("heard %v", got)
	}
	h.must(h.item.UpdateWebhook(t.Context(), ""))
	if code, _ := h.ask("/sandbox/item/fire_webhook", map[string]any{"webhook_code": "LOGIN_REPAIRED"}); code != "SANDBOX_WEBHOOK_INVALID" {
		t.Errorf("without an address: %q", code)
	}
}

// TestRekeyedAccount: under its new id an account owes what it owed, and the statement that was read
// under the old one is not forgotten.
func TestRekeyedAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	card := h.account("credit")
	before := h.truth("credit_liabilities")[0]
	made, err := h.bank.RekeyAccount(card)
	h.must(err)
	after := h.truth("credit_liabilities")[0]
	if after["account_id"] != made {
		t.Errorf("the liability is that of %v, not of %s", after["account_id"], made)
	}
	after["account_id"] = card
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("another liability (-before +after):\n%s", diff)
	}
	var of []any
	for _, row := range h.truth("credit_statements") {
		of = append(of, row["account_id"])
	}
	if !slices.Equal(of, []any{card, made}) {
		t.Errorf("statements of %v", of)
	}
}

// TestProductsAreKept: a simulator that is started again from its file has what it had.
func TestProductsAreKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	h.wall.advance(time.Hour)
	card, broker := h.account("credit"), h.account("investment")
	_, err := h.bank.NextStatement(card)
	h.must(err)
	h.must(h.bank.PayCard(card, "3"))
	h.wall.advance(time.Hour)
	coin, err := h.bank.AddSecurity("NEW", "New Corp", "3")
	h.must(err)
	_, err = h.bank.Trade(plaidsim.TradeSpec{Account: broker, Security: coin, Quantity: "7", Price: "3", Name: "x"})
	h.must(err)
	_, err = h.bank.RekeySecurity(coin)
	h.must(err)
	_, err = h.bank.AddStatement(h.account("depository"), 2021, 12)
	h.must(err)
	stream, err := h.bank.AddRecurring(plaidsim.RecurringSpec{Account: card, Amount: "5", Description: "Gym", Frequency: "BIWEEKLY", Times: 2})
	h.must(err)
	h.must(h.bank.Recur(stream, "6"))
	_, err = h.bank.RekeyAccount(card)
	h.must(err)
	file := filepath.Join(t.TempDir(), "plaid.json")
	h.must(h.sim.Save(file))
	again := plaidsim.New(plaidsim.Config{ClientID: appID, Secret: appSecret, Now: h.wall.Now, Seed: 7, NoLimits: true})
	if found, err := again.Load(file); !found || err != nil {
		t.Fatal(found, err)
	}
	before := *h
	h.bank = again.Item(h.bank.ID())
	for _, stream := range append(slices.Sorted(maps.Keys(productStreams)), "credit_statements", "securities") {
		if diff := cmp.Diff(before.truth(stream), h.truth(stream)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", stream, diff)
		}
	}
	if again.SigningKey() != h.sim.SigningKey() {
		t.Error("webhooks are signed with another key")
	}
}
