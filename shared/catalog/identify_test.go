package catalog_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
)

// template stands inside an object that tells its kind.
var template = catalog.Table{
	Provider: "shop", Stream: "Template", Name: "templates", One: "template", ID: "*.Id", Version: "*.Meta.Changed",
	Columns: []catalog.Column{
		{Path: "*", Name: "kind"}, {Path: "*.Id"}, {Path: "*.Meta.Changed", Type: catalog.Timestamp},
		{Path: "*.Total", Type: catalog.Numeric}, {Path: "*.Buyer.Name"}, {Path: "status"},
	},
	Children: []catalog.Child{{Path: "*.Line", Name: "template_lines", Again: "Group.Line", Columns: []catalog.Column{{Path: "Text"}}}},
}

// rate has no id: three of its values make one.
var rate = catalog.Table{
	Provider: "shop", Stream: "Rate", Name: "rates", One: "rate", ID: "From,To,On.Day",
	Columns: []catalog.Column{
		{Path: "From,To,On.Day", Name: "id"}, {Path: "From"}, {Path: "To"}, {Path: "On.Day", Type: catalog.Date}, {Path: "Rate", Type: catalog.Numeric},
	},
}

func TestWrappedObjects(t *testing.T) {
	for _, tt := range []struct {
		name, give string
		want       []string
	}{
		{"the member's key is the kind", `{"Invoice":{"Id":"7","Meta":{"Changed":"1970-01-03"},"Total":1.50,"Buyer":{"Name":"Z"}}}`,
			[]string{"templates kind=Invoice id=7 meta_changed=1970-01-03T00:00:00Z total=1.50 buyer_name=Z"}},
		{"what stands beside it", `{"status":"Deleted","domain":"x","n":[{"Id":"1"}],"Bill":{"Id":"7"}}`, []string{"templates kind=Bill id=7 status=Deleted"}},
		{"lines", `{"Bill":{"Line":[{"Text":"a","Group":{"Line":[{"Text":"b"}]}}],"Id":"7"}}`,
			[]string{"template_lines 2<1 text=b", "template_lines 1<0 text=a", "templates kind=Bill id=7"}},
		{"an escaped kind", `{"Bi\u006cl":{"Id":"7"}}`, []string{"templates kind=Bill id=7"}},
		{"none", `{"status":"x"}`, []string{"templates status=x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rowsOf(t, &template, tt.give)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
	for give, want := range map[string]string{
		`{"Bill":{"Id":"7"},"Invoice":{"Id":"8"}}`:                  "Invoice is a second object where one belongs",
		`{"Bill":{"Line":[{"Text":"a"},{"Group":{"Line":[1]}}]}}`:   "Bill.Line[2].Group.Line[3] is not an object",
		`{"Bill":{"Id":"7","Total":"x"}}`:                           "Bill.Total is text, not a number",
		`{"Bill":{"Id":"7"}`:                                        "the record is malformed JSON",
		`{"Bill":{"Id":"7"},"x":nope}`:                              "the record is malformed JSON",
		`{"Bill":{"Id":"7","Buyer":"me","Meta":{"Changed":"now"}}}`: "Bill.Buyer is not an object",
	} {
		if _, err := rowsOf(t, &template, give); fault.Of(err) != fault.Invalid || err.Error() != want {
			t.Errorf("%s: %v, want %s", give, err, want)
		}
	}
}

func TestIdentifyInParts(t *testing.T) {
	at := time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		table         *catalog.Table
		give, id, bad string
		version       time.Time
	}{
		{&sale, `{"Line":[{"Id":"1"}],"Id":"7","Meta":{"Id":"2","Changed":"2026-05-05T03:00:00-07:00"}}`, "7", "", at},
		{&sale, `{"Id":7}`, "7", "", time.Time{}},
		{&sale, `{"Id":null}`, "", "the record has no Id", time.Time{}},
		{&sale, `{"Meta":{"Changed":"soon"},"Id":"7"}`, "7", "Meta.Changed is not a time", time.Time{}},
		{&template, `{"status":"Deleted","Meta":"x","Bill":{"Id":"7","Meta":{"Changed":"2026-05-05T10:00:00Z"}}}`, "7", "", at},
		{&template, `{"Id":"7"}`, "", "the record has no *.Id", time.Time{}},
		{&rate, `{"To":"USD","On":{"Day":"2026-05-05"},"From":"EUR"}`, "EUR|USD|2026-05-05", "", time.Time{}},
		{&rate, `{"To":"USD","On":{"Day":""},"From":"EUR","":"x"}`, "", "the record has no On.Day", time.Time{}},
		{&rate, `{"To":"USD","On":{"Day":"2026-05-05"}}`, "", "the record has no From", time.Time{}},
	} {
		id, version, err := tt.table.Identify([]byte(tt.give))
		if id != tt.id || !version.Equal(tt.version) || (tt.bad == "") != (err == nil) || err != nil && (err.Error() != tt.bad || !fault.Is(err, fault.Invalid)) {
			t.Errorf("%s: %q %v %v", tt.give, id, version, err)
		}
	}
}

// Decoding an object without an id of its own makes the id that Identify tells, or fails like it.
func TestCompositeIDs(t *testing.T) {
	got, err := rowsOf(t, &rate, `{"From":"EUR","To":"USD","On":{"Day":"1970-01-03"},"Rate":1.10}`)
	if diff := cmp.Diff([]string{"rates id=EUR|USD|1970-01-03 from=EUR to=USD on_day=2 rate=1.10"}, got); diff != "" || err != nil {
		t.Errorf("%v, rows (-want +got):\n%s", err, diff)
	}
	if _, err := rowsOf(t, &rate, `{"From":"EUR","On":{"Day":"1970-01-03"}}`); fault.Of(err) != fault.Invalid || err.Error() != "the record has no To" {
		t.Errorf("without a part: %v", err)
	}
}

// agree compares the id in an object's row with the one that Identify tells.
func agree(t *testing.T, table *catalog.Table, raw string) {
	t.Helper()
	id, _, unidentified := table.Identify([]byte(raw))
	err := catalog.NewDecoder(table).Decode([]byte(raw), func(r catalog.Row) error {
		for i, c := range r.Relation.Columns {
			if v := r.Values[i]; r.Relation.Parent == nil && c.Name == "id" && unidentified == nil && string(v.Text) != id {
				t.Errorf("%q: decoded id %q, identified as %q", raw, v.Text, id)
			}
		}
		return nil
	})
	if err == nil && unidentified == nil && id == "" {
		t.Errorf("%q: no id and no error", raw)
	}
}

func TestNamesOfColumns(t *testing.T) {
	for _, tt := range []struct {
		column       catalog.Column
		name, inView string
	}{
		{catalog.Column{Path: "*.TxnDate"}, "txn_date", "txndate"},
		{catalog.Column{Path: "*.BillAddr.Line1"}, "bill_addr_line1", "billaddr_line1"},
		{catalog.Column{Path: "*", Name: "kind"}, "", "kind"},
		{catalog.Column{Path: "From,To", Name: "id"}, "from,_to", "id"},
		{catalog.Column{Path: "A1234567890123456789012345678901234567890.B123456789012345678901234567890", Name: "short"}, "a1234567890123456789012345678901234567890_b123456789012345678901234567890", "short"},
	} {
		if name := catalog.Snake(tt.column.Path); name != tt.name || tt.column.InView() != tt.inView {
			t.Errorf("%s: %q and %q, want %q and %q", tt.column.Path, name, tt.column.InView(), tt.name, tt.inView)
		}
	}
}
