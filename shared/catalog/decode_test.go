package catalog_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
)

var sale = catalog.Table{
	Provider: "shop", Stream: "Sale", Name: "sales", One: "sale", ID: "Id", Version: "Meta.Changed",
	Columns: []catalog.Column{
		{Path: "Id"},
		{Path: "Meta.Changed", Type: catalog.Timestamp},
		{Path: "Total", Type: catalog.Numeric},
		{Path: "Count", Type: catalog.Integer},
		{Path: "Day", Type: catalog.Date},
		{Path: "Open", Type: catalog.Boolean},
		{Path: "Buyer.Name"},
		{Path: "Extra", Type: catalog.JSON},
	},
	Children: []catalog.Child{{
		Path: "Line", Name: "sale_lines", Again: "Group.Line",
		Columns:  []catalog.Column{{Path: "Text"}, {Path: "Amount", Type: catalog.Numeric}},
		Children: []catalog.Child{{Path: "Link", Name: "sale_line_links", Columns: []catalog.Column{{Path: "To"}}}},
	}},
}

// rows decodes raw and writes each row as one line of words.
func rows(t *testing.T, raw string) ([]string, error) {
	t.Helper()
	return rowsOf(t, &sale, raw)
}

func rowsOf(t *testing.T, table *catalog.Table, raw string) ([]string, error) {
	t.Helper()
	var out []string
	err := catalog.NewDecoder(table).Decode([]byte(raw), func(r catalog.Row) error {
		words := []string{r.Relation.Name}
		if r.Relation.Parent != nil {
			words = append(words, fmt.Sprintf("%d<%d", r.Position, r.Parent))
		}
		for i, v := range r.Values {
			if !v.Valid {
				continue
			}
			c := r.Relation.Columns[i]
			switch c.Type {
			case catalog.Timestamp:
				words = append(words, c.Name+"="+time.UnixMicro(v.Int).UTC().Format(time.RFC3339Nano))
			case catalog.Integer, catalog.Date, catalog.Boolean:
				words = append(words, fmt.Sprintf("%s=%d", c.Name, v.Int))
			default:
				words = append(words, c.Name+"="+string(v.Text))
			}
		}
		out = append(out, strings.Join(words, " "))
		return nil
	})
	return out, err
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name, give string
		want       []string
	}{
		{"every type", `{"Id":"7","Meta":{"Changed":"2026-05-05T03:20:11.171-07:00"},"Total":300.00,"Count":5.0,"Day":"1970-01-03","Open":true,"Buyer":{"Name":"Zoë \"Z\"","Age":3},"Extra":{"a":[1, 2]}}`,
			[]string{`sales id=7 meta_changed=2026-05-05T10:20:11.171Z total=300.00 count=5 day=2 open=1 buyer_name=Zoë "Z" extra={"a":[1, 2]}`}},
		{"numbers and booleans as strings, and the other way round", `{"Id":7,"Total":"-12.50","Count":"3","Open":"false","Buyer":{"Name":true}}`,
			[]string{`sales id=7 total=-12.50 count=3 open=0 buyer_name=true`}},
		{"a rate with its sign", `{"Id":"7","Total":"7.50%"}`, []string{`sales id=7 total=7.50`}},
		{"null, absent, empty", `{"Id":"7","Total":null,"Day":"","Buyer":{},"Line":[],"Extra":null,"Meta":null}`,
			[]string{`sales id=7`}},
		{"an empty text stays", `{"Id":"7","Buyer":{"Name":""}}`, []string{`sales id=7 buyer_name=`}},
		{"unknown fields", `{"New":{"deep":[{"Id":"x"}]},"Id":"7","Line":[{"Text":"a","New":1}]}`,
			[]string{`sale_lines 1<0 text=a`, `sales id=7`}},
		{"lines nest, links point at their line", `{"Line":[{"Text":"a","Link":[{"To":"x"},{"To":"y"}]},{"Text":"g","Group":{"Line":[{"Text":"b","Link":[{"To":"z"}]}]}},{"Text":"c"}],"Id":"7"}`,
			[]string{"sale_line_links 1<1 to=x", "sale_line_links 2<1 to=y", "sale_lines 1<0 text=a", "sale_line_links 3<3 to=z", "sale_lines 3<2 text=b", "sale_lines 2<0 text=g", "sale_lines 4<0 text=c", "sales id=7"}},
		{"white space and escaped keys", " { \"\\u0049d\" : \"7\" , \"Total\" : 1e3 } ", []string{`sales id=7 total=1e3`}},
		{"a date with a zone is its own day", `{"Id":"7","Day":"1970-01-03-08:00"}`, []string{"sales id=7 day=2"}},
		{"a bare date as an instant", `{"Id":"7","Meta":{"Changed":"2026-01-02"}}`, []string{"sales id=7 meta_changed=2026-01-02T00:00:00Z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rows(t, tt.give)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tt := range []struct{ name, give, want string }{
		{"an amount that is text", `{"Id":"7","Total":"lots"}`, "Total is text, not a number"},
		{"two percent signs", `{"Id":"7","Total":"8%%"}`, "Total is text, not a number"},
		{"a sign without a number", `{"Id":"7","Total":"%"}`, "Total is text, not a number"},
		{"an amount that is an object", `{"Id":"7","Total":{}}`, "Total is an object or array, not a number"},
		{"a fraction of a count", `{"Id":"7","Count":1.5}`, "Count is not a whole number"},
		{"a date that is none", `{"Id":"7","Day":"2026-02-30"}`, "Day is text, not a date"},
		{"an amount in a nested line", `{"Id":"7","Line":[{"Group":{"Line":[{"Amount":"x"}]}}]}`, "Line[1].Group.Line[2].Amount is text, not a number"},
		{"a line that is no object", `{"Id":"7","Line":[1]}`, "Line[1] is not an object"},
		{"lines that are no array", `{"Id":"7","Line":{}}`, "Line is not an array"},
		{"a reference that is text", `{"Id":"7","Buyer":"me"}`, "Buyer is not an object"},
		{"U+0000", `{"Id":"7","Buyer":{"Name":"a\u0000b"}}`, "the record holds the character U+0000, which PostgreSQL cannot store"},
		{"broken UTF-8", "{\"Id\":\"\xff\"}", "the record is not valid UTF-8"},
		{"cut short", `{"Id":"7","Line":[{"Text":"a`, "the record is malformed JSON"},
		{"more behind it", `{"Id":"7"} x`, "the record is malformed JSON"},
		{"not an object", `[]`, "the record is not a JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := rows(t, tt.give)
			if fault.Of(err) != fault.Invalid {
				t.Fatalf("error %v is of kind %q, want invalid", err, fault.Of(err))
			}
			if err.Error() != tt.want {
				t.Errorf("error %q, want %q", err, tt.want)
			}
		})
	}
	if _, err := rows(t, `{"Id":"7","Buyer":{"Name":"a\\u0000b"}}`); err != nil {
		t.Errorf("an escaped backslash before u0000 is no U+0000: %v", err)
	}
}

func TestIdentify(t *testing.T) {
	id, version, err := sale.Identify([]byte(`{"Line":[{"Id":"9"}],"Meta":{"By":{"Id":"3"},"Changed":"2026-05-05T03:11:51-07:00"},"Id":"7"}`))
	if err != nil || id != "7" || !version.Equal(time.Date(2026, 5, 5, 10, 11, 51, 0, time.UTC)) {
		t.Errorf("Identify = %q, %v, %v", id, version, err)
	}
	for _, raw := range []string{`{}`, `{"Id":""}`, `{"Id":null}`, `{"Meta":{"Changed":"2026-05-05T03:11:51Z"}}`} {
		if _, _, err := sale.Identify([]byte(raw)); fault.Of(err) != fault.Invalid {
			t.Errorf("Identify(%s) = %v, want fault.Invalid", raw, err)
		}
	}
}

func TestSnake(t *testing.T) {
	for path, want := range map[string]string{
		"BillAddr.Line1":           "bill_addr_line1",
		"MetaData.LastUpdatedTime": "meta_data_last_updated_time",
		"CustomerRef.value":        "customer_ref_value",
		"ARAccountRef.name":        "ar_account_ref_name",
		"GSTIN":                    "gstin",
		"UQCId":                    "uqc_id",
		"WebAddr.URI":              "web_addr_uri",
		"PONumber":                 "po_number",
		"AllowOnlineACHPayment":    "allow_online_ach_payment",
		"T4AEligible":              "t4_a_eligible",
	} {
		if got := catalog.Snake(path); got != want {
			t.Errorf("Snake(%q) = %q, want %q", path, got, want)
		}
	}
}

// TestMalformed: what is no JSON is refused wherever it stands, in columns and in what no column reads.
func TestMalformed(t *testing.T) {
	for _, value := range []string{
		`nope`, `nul`, `nulls`, `True`, `tru`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `1-1`, `--1`, `0x1`, `NaN`, ``, `[}`, `{]`, `[1,]`, `[1 2]`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, `{"a" 1}`,
		`[[1]`, `"a`, `"\x"`, `"\u12g4"`, `"\`, "\"a\nb\"", `{"a":[{"b":nope}]}`, `[tru]`,
	} {
		for _, key := range []string{"Total", "Day", "Buyer", "Line", "Extra", "Unknown", "Id", "Meta"} {
			raw := `{"` + key + `":` + value + `}`
			if _, err := rows(t, raw); fault.Of(err) != fault.Invalid {
				t.Errorf("%s: %v, want fault.Invalid", raw, err)
			}
			if _, _, err := sale.Identify([]byte(raw[:len(raw)-1] + `,"Id":"7"}`)); fault.Of(err) != fault.Invalid {
				t.Errorf("Identify(%s): %v, want fault.Invalid", raw, err)
			}
		}
	}
	for _, value := range []string{`-0`, `0.0`, `1e5`, `1E-05`, `-12.50e+3`, `null`, `true`, `false`, `1e1000000`, `[]`, `{}`, `[null,{"a":[]}]`, `"\u12aF\"\/\b"`} {
		if _, err := rows(t, `{"Unknown": `+value+` }`); err != nil {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, deep := range []string{strings.Repeat(`[`, 300) + strings.Repeat(`]`, 300), strings.Repeat(`{"a":`, 300) + `1` + strings.Repeat(`}`, 300)} {
		for _, key := range []string{"Extra", "Unknown"} {
			if _, err := rows(t, `{"`+key+`":`+deep+`}`); err == nil || err.Error() != "the record is JSON nested too deeply" {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

// FuzzDecode: whatever comes in, the decoder neither panics nor takes malformed JSON, nor refuses
// well-formed JSON as malformed.
func FuzzDecode(f *testing.F) {
	f.Add(`{"Id":"7","Line":[{"Text":"a","Amount":1.5}],"Extra":[{}]}`)
	f.Add(`{"\u0049d":"7"}`)
	f.Add(`{"status":"Deleted","Sale":{"Id":"7","Line":[{"Text":"a"}]}}`)
	f.Add(`{"From":"EUR","To":"USD","On":{"Day":"2026-05-05"}}`)
	f.Add(`{"Total":nope,"X":[},"Y":"\q"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		err := catalog.NewDecoder(&sale).Decode([]byte(raw), func(catalog.Row) error { return nil })
		if malformed := err != nil && strings.Contains(err.Error(), "malformed"); json.Valid([]byte(raw)) && malformed || !json.Valid([]byte(raw)) && err == nil {
			t.Errorf("%q: %v", raw, err)
		}
		_, _, _ = sale.Identify([]byte(raw))
		for _, table := range []*catalog.Table{&template, &rate} {
			agree(t, table, raw)
		}
	})
}
