package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestMigrate(t *testing.T) {
	p := newPlace(t, "CUSTOM_FIELD_COLUMNS=onpoint/invoices/Generator Model=generatormodel, powergen/customers/A/B=ab,")
	for range 2 { // the second time changes nothing
		var out bytes.Buffer
		if err := Migrate.Run(t.Context(), nil, p.asOwner(), &out, io.Discard); err != nil {
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
		err := Migrate.Run(t.Context(), nil, append(p.asOwner(), "CUSTOM_FIELD_COLUMNS="+entry), &bytes.Buffer{}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "CUSTOM_FIELD_COLUMNS, "+entry) {
			t.Errorf("%s: %v, want the entry named", name, err)
		}
	}
}

func TestMigrateLetsProgramsIn(t *testing.T) {
	p := newPlace(t)
	program, err := url.Parse(p.store.ProgramURL)
	if err != nil {
		t.Fatal(err)
	}
	other := "run-" + strings.ToLower(rand.Text()) + "@demo.iam" // logins are the whole server's
	name := pgx.Identifier{other}.Sanitize()
	if _, err := p.store.Pool.Exec(t.Context(), "CREATE ROLE "+name+" LOGIN"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.store.Pool.Exec(context.Background(), "DROP ROLE "+name) }) //nolint:errcheck // the next test has another
	for _, step := range []struct{ setting, says string }{
		{program.User.Username() + ", " + other, other + " may read and write rows\n"},
		{"", ""},
		{program.User.Username(), other + " may no longer read and write rows: DB_PROGRAM_USERS does not name it\n"},
	} {
		var out bytes.Buffer
		if err := Migrate.Run(t.Context(), nil, append(p.asOwner(), "DB_PROGRAM_USERS="+step.setting), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), other) != (step.says != "") || !strings.Contains(out.String(), step.says) {
			t.Errorf("DB_PROGRAM_USERS=%s says %q, want %q", step.setting, &out, step.says)
		}
	}
	err = Migrate.Run(t.Context(), nil, append(p.asOwner(), "DB_PROGRAM_USERS=nobody@demo.iam"), io.Discard, io.Discard)
	if !fault.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "DB_PROGRAM_USERS: the database has no login nobody@demo.iam") {
		t.Errorf("a login that is not there: %v", err)
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

func TestMigrateArguments(t *testing.T) {
	t.Parallel()
	var words bytes.Buffer
	nowhere := []string{"DATABASE_URL=postgres://127.0.0.1:1/none"} // dialling it fails
	if err := Migrate.Run(t.Context(), []string{"--help"}, nowhere, &bytes.Buffer{}, &words); !errors.Is(err, flag.ErrHelp) || !strings.Contains(words.String(), "Usage: migrate [-restored") {
		t.Errorf("asked for help: %v, %q", err, &words)
	}
	for _, arg := range []string{"onpoint", "-org", "-secrets-lost"} {
		if err := Migrate.Run(t.Context(), []string{arg}, nowhere, &bytes.Buffer{}, &words); err == nil || !strings.Contains(err.Error(), arg) {
			t.Errorf("with the argument %s: %v, want it refused", arg, err)
		}
	}
	if err := Migrate.Run(t.Context(), nil, nowhere, &bytes.Buffer{}, &words); !fault.Is(err, fault.Unavailable) || strings.HasPrefix(err.Error(), "migrate") {
		t.Errorf("without a database: %v, want words that do not repeat the command's name", err)
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	_, _, err := Connect.Build(t.Context(), []string{
		"LOG_LEVEL=loud", "SYNC_LIMIT=soon", "SYNC_RETRY_DELAY=0s", "TOKEN_REFRESH_BUFFER=1h", "SYNC_LEASE=1s", "QUICKBOOKS_ENVIRONMENT=prod",
		"QUICKBOOKS_REVOKE_URL=here", "QUICKBOOKS_API_URL=there", "PUBLIC_URL=http://books.example.com", "CONNECT_SIGNING_KEY=only thirty-one characters long",
	}, nil)
	want := `settings:
  LOG_LEVEL: want DEBUG, INFO, WARN or ERROR
  GOOGLE_CLOUD_PROJECT is not set (the project of the topics)
  SYNC_TOPIC is not set (Pub/Sub topic of the ticks)
  SYNC_LIMIT: want a duration such as 90s, 3m or 1h (how long one run may take; below the function's own limit)
  QUICKBOOKS_CLIENT_ID is not set (of the app, from Intuit's developer portal)
  QUICKBOOKS_CLIENT_SECRET is not set (of the app, from Intuit's developer portal)
  DATABASE_URL is not set, nor are all of INSTANCE_CONNECTION_NAME, DB_NAME and DB_IAM_USER (or DB_USER and DB_PASSWORD)
  SYNC_RETRY_DELAY: want a duration above zero
  TOKEN_REFRESH_BUFFER: want 0s to 30m
  SYNC_LEASE: want 3s or more
  QUICKBOOKS_ENVIRONMENT: want sandbox or production
  QUICKBOOKS_API_URL: want an address such as https://example.com/path
  QUICKBOOKS_REVOKE_URL: want an address such as https://example.com/path
  PUBLIC_URL: want an address such as https://books.example.com; http only with localhost, 127.0.0.1 or [::1]
  CONNECT_SIGNING_KEY: want 32 characters or more`
	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	vars := []string{"PUBLIC_URL=https://books.example.com", "CONNECT_SIGNING_KEY=a key for tests, not a short one"}
	var out, words bytes.Buffer
	if err := Link.Run(t.Context(), []string{"-org", "onpoint", "-provider", "quickbooks", "-disconnect"}, vars, &out, &words); err != nil {
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
		if err := Link.Run(t.Context(), args, vars, &out, &words); err == nil || out.Len() > 0 {
			t.Errorf("link %v: %v, printed %q", args, err, &out)
		}
	}
}
