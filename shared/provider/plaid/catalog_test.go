package plaid_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// What is said of streams beyond their columns, stream by stream.
func TestCatalogProperties(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	say := func(property string, is func(*catalog.Table) bool) {
		var names []string
		tables := plaid.Catalog()
		for i := range tables {
			if is(&tables[i]) {
				names = append(names, tables[i].Stream)
			}
		}
		slices.Sort(names)
		got[property] = strings.Join(names, " ")
	}
	every := func(d time.Duration) func(*catalog.Table) bool {
		return func(t *catalog.Table) bool { return t.Every == d }
	}
	say("feed", every(0))
	say("6h", every(6*time.Hour))
	say("12h", every(12*time.Hour))
	say("24h", every(24*time.Hour))
	say("weekly", every(7*24*time.Hour))
	say("permanent", func(t *catalog.Table) bool { return t.Permanent })
	say("optional", func(t *catalog.Table) bool { return t.Optional })
	say("succession", func(t *catalog.Table) bool { return t.Succession != nil })
	say("in appsheet", func(t *catalog.Table) bool { return t.View != "" })
	say("versions", func(t *catalog.Table) bool { return t.Version != "" })
	want := map[string]string{
		"feed":        "transactions",
		"6h":          "accounts balances items",
		"12h":         "credit_liabilities credit_statements holdings mortgages securities student_loans",
		"24h":         "investment_transactions recurring_inflows recurring_outflows statement_accounts",
		"weekly":      "institutions",
		"permanent":   "balances credit_statements securities",
		"optional":    "credit_liabilities credit_statements holdings investment_transactions mortgages recurring_inflows recurring_outflows securities statement_accounts student_loans",
		"succession":  "accounts transactions",
		"in appsheet": "", "versions": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An id that belongs to an object of another stream says to which.
func TestReferences(t *testing.T) {
	t.Parallel()
	streams := map[string]bool{}
	var nowhere []string
	tables := plaid.Catalog()
	for i := range tables {
		streams[tables[i].Stream] = true
	}
	for i := range tables {
		for _, r := range tables[i].Relations() {
			for _, c := range r.Columns {
				if c.Refers != "" && !streams[c.Refers] {
					t.Errorf("%s.%s refers to %q", r.Name, c.Name, c.Refers)
				}
				if strings.HasSuffix(c.Path, "_id") && c.Refers == "" && c.Name != "id" {
					nowhere = append(nowhere, r.Name+"."+c.Name)
				}
			}
		}
	}
	want := []string{ // ids of what is not copied
		"items.error_request_id", "accounts.persistent_account_id",
		"transactions.merchant_entity_id", "transactions.payment_meta_ppd_id", "transactions.category_id", "transactions.client_customization_custom_entity_id",
		"transaction_counterparties.entity_id", "recurring_inflows.category_id", "recurring_outflows.category_id",
		"securities.institution_security_id", "holding_tax_lots.institution_lot_id", "investment_transactions.cancel_transaction_id", "statements.statement_id",
	}
	if diff := cmp.Diff(want, nowhere); diff != "" {
		t.Errorf("ids that refer to nothing (-want +got):\n%s", diff)
	}
}

// No two tables have one name, no name is cut, and what people must know of an amount is said of each.
func TestCatalogNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	tables := plaid.Catalog()
	for i := range tables {
		for _, r := range tables[i].Relations() {
			if seen[r.Name] {
				t.Errorf("there are two tables %s", r.Name)
			}
			seen[r.Name] = true
			columns := map[string]bool{}
			for _, c := range r.Columns {
				if len(c.Name) > 63 || columns[c.Name] {
					t.Errorf("%s.%s is too long or there twice", r.Name, c.Name)
				}
				columns[c.Name] = true
				if strings.HasSuffix(c.Path, "amount") && columns["iso_currency_code"] && c.Note == "" {
					t.Errorf("nothing tells the sign of %s.%s", r.Name, c.Name)
				}
			}
		}
	}
}

// table returns the table of a stream.
func table(t *testing.T, stream string) *catalog.Table {
	t.Helper()
	tables := plaid.Catalog()
	at := slices.IndexFunc(tables, func(t catalog.Table) bool { return t.Stream == stream })
	if at < 0 {
		t.Fatalf("there is no stream %s", stream)
	}
	return &tables[at]
}

// Ids are texts of Plaid's, kept as they came, alone or joined.
func TestIDs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ stream, raw, want string }{
		{"items", `{"item":{"item_id":"aB","institution_id":"ins_1"},"status":null}`, "aB"},
		{"balances", `{"account_id":"aB","date":"2026-01-31","balances":{"current":1}}`, "aB|2026-01-31"},
		{"credit_statements", `{"account_id":"aB","last_statement_issue_date":"2026-01-31"}`, "aB|2026-01-31"},
		{"credit_statements", `{"account_id":"aB","last_statement_issue_date":null}`, ""}, // there is no statement
		{"credit_liabilities", `{"account_id":"aB","last_statement_issue_date":null}`, "aB"},
		{"holdings", `{"security_id":"S","account_id":"aB"}`, "aB|S"},
		{"transactions", `{"account_id":"aB"}`, ""},
	} {
		id, version, err := table(t, tt.stream).Identify([]byte(tt.raw))
		if id != tt.want || !version.IsZero() || (tt.want == "") != fault.Is(err, fault.Invalid) {
			t.Errorf("%s %s: %q at %v, %v; want %q", tt.stream, tt.raw, id, version, err, tt.want)
		}
	}
}

// Institutions give times in their own ways. One that is no instant does not take its transaction away
// in silence: that becomes a dead letter, which names the place and not the value, and the others are stored.
func TestTimesAsInstitutionsGiveThem(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, plaid.Catalog()...)
	lease := s.Lease(t, s.Connect(t, "onpoint", plaid.Provider, "item"))
	give := map[string]string{
		"utc": "2026-01-31T10:20:30Z", "zone": "2026-01-31T10:20:30.25+09:00", "dummy": "2026-01-31T00:00:00Z", "day": "2026-01-31", "empty": "",
		"no zone": "2026-01-31T10:20:30", "words": "yesterday",
	}
	var b engine.Batch
	for id, at := range give {
		b.Records = append(b.Records, engine.Record{Stream: "transactions", ID: id, Raw: fmt.Appendf(nil,
			`{"transaction_id":%q,"account_id":"a","amount":1,"date":"2026-01-31","datetime":%q,"authorized_datetime":null}`, id, at)})
	}
	if n, err := s.Apply(t.Context(), lease, 0, b, engine.Usage{}); err != nil || n.Written != 5 || n.Dead != 2 {
		t.Errorf("stored %+v: %v", n, err)
	}
	got := map[string]string{}
	rows, err := s.Pool.Query(t.Context(), `SELECT id, coalesce(to_char(datetime AT TIME ZONE 'UTC', 'MM-DD HH24:MI:SS.MS'), 'null') FROM plaid.transactions
UNION ALL SELECT record_id, reason FROM sync.dead_letters`)
	if err != nil {
		t.Fatal(err)
	}
	var id, says string
	if _, err := pgx.ForEachRow(rows, []any{&id, &says}, func() error {
		got[id] = says
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"utc": "01-31 10:20:30.000", "zone": "01-31 01:20:30.250", "dummy": "01-31 00:00:00.000", "day": "01-31 00:00:00.000", "empty": "null",
		"no zone": "datetime is text, not a time", "words": "datetime is text, not a time",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
