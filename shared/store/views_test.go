package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

func (f *fixture) columns(view string) []string {
	f.Helper()
	return strings.Fields(f.value(`SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns
		WHERE table_schema = 'appsheet' AND table_name = $1`, view))
}

func TestViews(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`UPDATE sync.organisations SET name = 'OnPoint'`)
	f.apply(order("1", 1), order("2", 5), deleted("2", 6), deleted("3", 1))
	want := []string{"row_key", "organizationname", "org_id", "connection_id", "id", "meta_updated", "name", "total", "count", "open", "day", "extra", "customerref_value"}
	if diff := cmp.Diff(want, f.columns("orders")); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
	want = []string{"row_key", "organizationname", "org_id", "connection_id", "order_id", "position", "parent_position", "id", "amount"}
	if diff := cmp.Diff(want, f.columns("order_lines")); diff != "" {
		t.Errorf("order_lines (-want +got):\n%s", diff)
	}
	id := f.id.String()
	if diff := cmp.Diff([]string{"(onpoint:" + id + ":1,OnPoint,1,v1)"}, f.rows(`SELECT row_key, organizationname, id, name FROM appsheet.orders`)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"(onpoint:" + id + ":1:1,1,0,1.50)"}, f.rows(`SELECT row_key, order_id, id, amount FROM appsheet.order_lines`)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The names that AppSheet apps of this kind already use.
func TestViewsOfQuickBooks(t *testing.T) {
	t.Parallel()
	f := &fixture{Store: storetest.New(t, quickbooks.Catalog()...), TB: t, ctx: t.Context()}
	for view, names := range map[string]string{
		"customers": "row_key id organizationname companyname displayname balance currencyref_value billaddr_line1 primaryemailaddr_address metadata_createtime metadata_lastupdatedtime merged_into",
		"invoices":  "row_key id organizationname customerref_value customerref_name txndate duedate totalamt balance currencyref_value billaddr_line1 metadata_createtime metadata_lastupdatedtime is_voided",
		"items":     "row_key id organizationname name metadata_createtime metadata_lastupdatedtime", "invoice_lines": "row_key invoice_id position id amount organizationname",
		"exchange_rates": "row_key id sourcecurrencycode asofdate rate", "recurring_transactions": "row_key id transaction_type txndate recurringinfo_name",
		"recurring_transaction_lines": "row_key recurring_transaction_id position salesitemlinedetail_itemref_value accountbasedexpenselinedetail_accountref_value",
		"bill_lines":                  "row_key bill_id accountbasedexpenselinedetail_accountref_value account_based_expense_line_detail_markup_account_ref_value",
	} {
		have := f.columns(view)
		for name := range strings.FieldsSeq(names) {
			if !slices.Contains(have, name) {
				t.Errorf("appsheet.%s has no %s", view, name)
			}
		}
	}
}

func TestCustomColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const field = `Engine's "Model"\`
	withField := order("1", 1)
	withField.Raw = []byte(strings.Replace(string(withField.Raw), `"Name"`, `"CustomField":[{"Name":"Other"},{"Name":"Engine's \"Model\"\\","NumberValue":12.50}],"Name"`, 1))
	f.apply(withField, order("2", 1))
	other := f.Connect(t, "powergen", books, "realm-2")
	withField.ID, withField.Raw = "3", []byte(strings.Replace(string(withField.Raw), `"Id":"1"`, `"Id":"3"`, 1))
	if _, err := f.Apply(f.ctx, f.Lease(t, other), 0, engine.Batch{Records: []engine.Record{withField}}, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	set := func(o org.Slug, view, field, column string) error {
		return f.SetCustomColumn(f.ctx, store.CustomColumn{Org: o, View: view, Field: field, Column: column})
	}
	if err := set("onpoint", "orders", field, "enginemodel"); err != nil {
		t.Fatal(err)
	}
	read := `SELECT id, enginemodel FROM appsheet.orders ORDER BY id`
	if diff := cmp.Diff([]string{"(1,12.50)", "(2,)", "(3,)"}, f.rows(read)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := set("powergen", "orders", field, "enginemodel"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"(1,12.50)", "(2,)", "(3,12.50)"}, f.rows(read)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, tt := range []struct{ org, view, field, column string }{
		{"onpoint", "orders", "x", "total"}, {"onpoint", "orders", "x", "row_key"}, {"onpoint", "orders", "x", "Bad Name"}, {"onpoint", "orders", "x", ""},
		{"onpoint", "orders", "x", "enginemodel"}, {"onpoint", "order_lines", "x", "y"}, {"onpoint", "nothing", "x", "y"}, {"onpoint", "orders", "", "y"},
	} {
		if err := set(org.Slug(tt.org), tt.view, tt.field, tt.column); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", tt, err)
		}
	}
	if err := set("nobody", "orders", "x", "y"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such organisation: %v", err)
	}
	f.exec(`CREATE ROLE ` + tempRole(f) + ` NOLOGIN`)
	t.Cleanup(func() { f.exec(`DROP OWNED BY ` + tempRole(f) + `; DROP ROLE ` + tempRole(f)) })
	f.exec(`GRANT SELECT ON appsheet.orders TO ` + tempRole(f))
	if err := f.DropCustomColumn(f.ctx, "onpoint", "orders", field); err != nil {
		t.Fatal(err)
	}
	if err := f.DropCustomColumn(f.ctx, "powergen", "orders", field); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(f.columns("orders"), "enginemodel") {
		t.Error("the column is still there")
	}
	for _, role := range []string{tempRole(f), "countinghouse_reader"} {
		if got := f.value(`SELECT has_table_privilege($1, 'appsheet.orders', 'SELECT')`, role); got != "true" {
			t.Errorf("%s has lost its right when the view was made anew", role)
		}
	}
}

func tempRole(f *fixture) string {
	return "bi_" + f.value(`SELECT oid FROM pg_database WHERE datname = current_database()`)
}

func TestDeclarationsThatCannotBeTables(t *testing.T) {
	for name, change := range map[string]func(*catalog.Table){
		"no id":         func(t *catalog.Table) { t.Columns = t.Columns[1:] },
		"taken name":    func(t *catalog.Table) { t.Columns = append(t.Columns, catalog.Column{Path: "Raw"}) },
		"same name":     func(t *catalog.Table) { t.Columns = append(t.Columns, catalog.Column{Path: "Name"}) },
		"long name":     func(t *catalog.Table) { t.Columns = append(t.Columns, catalog.Column{Path: strings.Repeat("x", 64)}) },
		"text version":  func(t *catalog.Table) { t.Version = "Name" },
		"ours":          func(t *catalog.Table) { t.Columns = append(t.Columns, catalog.Column{Path: "MergedInto"}) },
		"no amount":     func(t *catalog.Table) { t.Void = &catalog.Void{Amount: "Name", Note: "Name", Word: "Voided"} },
		"no note":       func(t *catalog.Table) { t.Void = &catalog.Void{Amount: "Total", Note: "Absent", Word: "Voided"} },
		"odd word":      func(t *catalog.Table) { t.Void = &catalog.Void{Amount: "Total", Note: "Name", Word: "Void%"} },
		"child's taken": func(t *catalog.Table) { t.Children[0].Columns = []catalog.Column{{Path: "Position"}} },
	} {
		table := orders()
		change(&table)
		if _, err := store.New(nil, []catalog.Table{table}); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
