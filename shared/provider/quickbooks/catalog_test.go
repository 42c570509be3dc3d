package quickbooks

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// captured are the entities that change data capture is known to cover. Source: reference 4.
const captured = "Account Bill BillPayment Budget Class CreditMemo Customer Department Deposit Employee Estimate Invoice Item " +
	"JournalEntry Payment PaymentMethod Purchase PurchaseOrder RefundReceipt SalesReceipt Term Transfer Vendor VendorCredit"

// What is said of entities beyond their columns, entity by entity.
func TestCatalogProperties(t *testing.T) {
	got := map[string]string{}
	say := func(property string, is func(*catalog.Table) bool) {
		var names []string
		tables := Catalog()
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
	say("captured", every(0))
	say("12h", every(12*time.Hour))
	say("24h", every(24*time.Hour))
	say("weekly", every(7*24*time.Hour))
	say("permanent", func(t *catalog.Table) bool { return t.Permanent })
	say("optional", func(t *catalog.Table) bool { return t.Optional })
	say("merges", func(t *catalog.Table) bool { return t.Merges })
	say("voided", func(t *catalog.Table) bool { return t.Void != nil })
	say("lists", IsList)
	want := map[string]string{
		"captured":  captured,
		"12h":       "Attachable TimeActivity",
		"24h":       "CompanyInfo CreditCardPayment ExchangeRate InventoryAdjustment Preferences RecurringTransaction ReimburseCharge TaxCode TaxRate",
		"weekly":    "CompanyCurrency CustomerType JournalCode TaxAgency",
		"permanent": "CompanyInfo ExchangeRate Preferences",
		"optional": "Attachable Budget Class CompanyCurrency CreditCardPayment CustomerType Department Employee ExchangeRate InventoryAdjustment JournalCode PurchaseOrder " +
			"RecurringTransaction ReimburseCharge TaxAgency TaxCode TaxRate TimeActivity",
		"merges": "Account Class Customer Department Employee Item PaymentMethod Vendor",
		"voided": "Bill BillPayment CreditCardPayment CreditMemo Deposit Estimate Invoice Payment Purchase PurchaseOrder RefundReceipt SalesReceipt Transfer VendorCredit",
		"lists":  "Account Budget Class CompanyCurrency Customer CustomerType Department Employee Item JournalCode PaymentMethod TaxCode TaxRate Term Vendor",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A reference's id belongs to an entity of the catalog, and every id that a user can follow says to which.
func TestReferences(t *testing.T) {
	streams := map[string]bool{}
	for _, table := range Catalog() {
		streams[table.Stream] = true
	}
	if len(streams) != 39 {
		t.Errorf("%d entities, want 39", len(streams))
	}
	nowhere := map[string]bool{}
	tables := Catalog()
	for i := range tables {
		for _, r := range tables[i].Relations() {
			for _, c := range r.Columns {
				for stream := range strings.SplitSeq(c.Refers, ",") {
					if c.Refers != "" && !streams[stream] {
						t.Errorf("%s.%s refers to %q", r.Name, c.Name, stream)
					}
				}
				if object, is := strings.CutSuffix(c.Path, ".value"); is && c.Refers == "" {
					nowhere[object[strings.LastIndexByte(object, '.')+1:]] = true
				}
			}
		}
	}
	want := []string{ // what is no entity, or of several kinds that a column beside it tells
		"CurrencyRef", "CustomerMemo", "DiscountRef", "EntityRef", "HomeCurrency", "InventorySiteRef", "LastModifiedByRef", "OtherNameRef", "PayrollItemRef",
		"PriceLevelRef", "ProjectRef", "RecurDataRef", "ShipMethodRef", "TaxClassificationRef", "TaxExemptionRef", "TaxReturnLineRef", "UOMRef",
	}
	var got []string
	for name := range nowhere {
		got = append(got, name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("references to nothing that is copied (-want +got):\n%s", diff)
	}
	for column, want := range map[string]string{
		"customers.parent_ref_value": "Customer", "accounts.parent_ref_value": "Account", "invoices.ar_account_ref_value": "Account",
		"invoice_lines.discount_line_detail_discount_account_ref_value": "Account", "bills.sales_term_ref_value": "Term",
		"item_group_lines.item_ref_value": "Item", "purchases.entity_ref_value": "Customer,Vendor,Employee", "recurring_transactions.customer_ref_value": "Customer",
		"customers.customer_type_ref_value": "CustomerType", "tax_rates.original_tax_rate_value": "TaxRate", "preferences.sales_forms_prefs_default_terms_value": "Term",
		"customers.parent_ref_name": "", "invoices.tax_exemption_ref_value": "",
	} {
		if got := refers(tables, column); got != want {
			t.Errorf("%s refers to %q, want %q", column, got, want)
		}
	}
}

// refers returns what a column refers to.
func refers(tables []catalog.Table, column string) string {
	for i := range tables {
		for _, r := range tables[i].Relations() {
			for _, c := range r.Columns {
				if r.Name+"."+c.Name == column {
					return c.Refers
				}
			}
		}
	}
	return "no such column"
}

// A first load meets what is referred to before what refers to it, as far as lists go.
func TestCatalogOrder(t *testing.T) {
	met := map[string]bool{}
	tables := Catalog()
	lists := map[string]bool{}
	for i := range tables {
		lists[tables[i].Stream] = IsList(&tables[i])
	}
	for i := range tables {
		table := &tables[i]
		met[table.Stream] = true
		if lists[table.Stream] || table.Permanent { // lists refer to each other in circles
			continue
		}
		for _, r := range table.Relations() {
			for _, c := range r.Columns {
				for stream := range strings.SplitSeq(c.Refers, ",") {
					if lists[stream] && !met[stream] {
						t.Errorf("%s.%s refers to %s, which is loaded later", r.Name, c.Name, stream)
					}
				}
			}
		}
	}
}

// Within a provider no two tables and no two views have one name.
func TestCatalogNames(t *testing.T) {
	tables, names := Catalog(), map[string]int{}
	for i := range tables {
		for _, r := range tables[i].Relations() {
			names["table "+r.Name]++
			if r.View != "" {
				names["view "+r.View]++
			}
			if strings.HasSuffix(r.Name, "_lines") && !strings.HasSuffix(r.Name, "_tax_lines") && r.View == "" {
				t.Errorf("%s has no view", r.Name)
			}
			if r.Parent == nil && r.View == "" {
				t.Errorf("%s has no view", r.Name)
			}
		}
	}
	for name, n := range names {
		if n > 1 {
			t.Errorf("there are %d of %s", n, name)
		}
	}
}
