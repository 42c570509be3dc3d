package app

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestMigrate(t *testing.T) {
	p := newPlace(t, "CUSTOM_FIELD_COLUMNS=onpoint/invoices/Generator Model=generatormodel, powergen/customers/A/B=ab,")
	for range 2 { // the second time changes nothing
		var out bytes.Buffer
		if err := Migrate(t.Context(), p.vars, &out); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			"tables and views are up to date", "organisation onpoint (OnPoint), read by the login reader_onpoint",
			`onpoint: "Generator Model" is the column generatormodel of appsheet.invoices`, `powergen: "A/B" is the column ab of appsheet.customers`,
		} {
			if !strings.Contains(out.String(), line+"\n") {
				t.Errorf("it does not say %q: %s", line, &out)
			}
		}
	}
	var n int
	err := p.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM information_schema.columns WHERE table_schema = 'appsheet'
AND (table_name, column_name) IN (('invoices', 'generatormodel'), ('customers', 'ab'))`).Scan(&n)
	if err != nil || n != 2 {
		t.Errorf("%d columns, %v; want 2", n, err)
	}

	for name, entry := range map[string]string{
		"no view": "onpoint/nothing/Generator Model=g", "no organisation": "nobody/invoices/Generator Model=g",
		"taken": "onpoint/invoices/Other=totalamt", "taken by another field": "onpoint/invoices/Other=generatormodel",
	} {
		err := Migrate(t.Context(), append(p.vars, "CUSTOM_FIELD_COLUMNS="+entry), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), "CUSTOM_FIELD_COLUMNS, "+entry) {
			t.Errorf("%s: %v, want the entry named", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	var o Organisations
	if err := o.UnmarshalText([]byte(" onpoint=OnPoint, power-gen = Power Gen ")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Organisations{{Slug: "onpoint", Name: "OnPoint"}, {Slug: "power-gen", Name: "Power Gen"}}, o); diff != "" {
		t.Errorf("organisations (-want +got):\n%s", diff)
	}
	for _, text := range []string{"onpoint", "onpoint=", "On Point=x", "=x"} {
		if err := new(Organisations).UnmarshalText([]byte(text)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("ORGANISATIONS=%s: %v, want the entry named", text, err)
		}
	}
	for _, text := range []string{"x", "onpoint/invoices/F", "onpoint/invoices=f", "onpoint//F=f", "onpoint/invoices/ =f", "onpoint/invoices/F=F", "onpoint/invoices/F="} {
		if err := new(CustomColumns).UnmarshalText([]byte(text)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("CUSTOM_FIELD_COLUMNS=%s: %v, want the entry named", text, err)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	_, _, err := Connect(t.Context(), []string{"DATABASE_URL=postgres://127.0.0.1:1/x", "SYNC_LIMIT=soon", "PUBLIC_URL=http://x"}, nil)
	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	for _, name := range []string{"GOOGLE_CLOUD_PROJECT", "SYNC_TOPIC", "QUICKBOOKS_CLIENT_ID", "QUICKBOOKS_CLIENT_SECRET", "CONNECT_SIGNING_KEY", "SYNC_LIMIT"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	vars := []string{"PUBLIC_URL=https://books.example.com", "CONNECT_SIGNING_KEY=a key for tests, not a short one"}
	var out, words bytes.Buffer
	if err := Link([]string{"-org", "onpoint", "-provider", "quickbooks", "-disconnect"}, vars, &out, &words); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.HasPrefix(s, "https://books.example.com/connect/quickbooks/disconnect?link=") || strings.Count(s, "\n") != 1 {
		t.Errorf("standard output %q, want the link alone", s)
	}
	if !strings.Contains(words.String(), "can disconnect quickbooks for onpoint, once") {
		t.Errorf("words %q", &words)
	}
	for _, args := range [][]string{
		{}, {"-org", "On Point", "-provider", "quickbooks"}, {"-org", "onpoint"}, {"-org", "onpoint", "-provider", "quickbooks", "-valid", "0s"},
		{"-org", "onpoint", "-provider", "quickbooks", "-add", "-connection", "1"}, {"-org", "onpoint", "-provider", "quickbooks", "more"},
	} {
		out.Reset()
		if err := Link(args, vars, &out, &words); err == nil || out.Len() > 0 {
			t.Errorf("link %v: %v, printed %q", args, err, &out)
		}
	}
}
