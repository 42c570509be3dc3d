package app

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store"
)

// leavers is the whole beside a Plaid that is asked: organisations come and go.
type leavers struct {
	*whole
	plaid *fakePlaid
}

func newLeavers(t *testing.T) *leavers {
	t.Helper()
	w := &leavers{whole: newWhole(t, qbosim.Config{NoLimits: true})}
	w.heard.keep(markerBankSecret)
	w.plaid = newFakePlaid(t, w.heard)
	w.vars = append(w.vars, "PLAID_CLIENT_ID=bank-client", "PLAID_SECRET="+markerBankSecret, "PLAID_API_URL="+w.plaid.URL)
	w.syncOrg = w.process()
	return w
}

// come makes an organisation with a company, whose books are read, and a bank.
func (w *leavers) come(slug org.Slug, realm, item string) (books, bank org.Connection) {
	w.Helper()
	books = w.attach(slug, realm)
	if status := w.push(w.syncOrg, org.Tick{Org: slug, Connection: books.ID, Reason: org.Manual}); status >= 300 {
		w.Fatalf("first load of %s: status %d", slug, status)
	}
	bank, err := w.store.Connection(w.Context(), w.store.Connect(w.T, slug, plaid.Provider, item))
	if err != nil {
		w.Fatal(err)
	}
	token := w.plaid.new(item)
	l := w.store.Lease(w.T, bank.ID)
	if err := w.syncOrg.banks.vault.Save(w.Context(), bank, l, vault.Token{Access: token}); err != nil {
		w.Fatal(err)
	}
	if _, err := w.store.Abandon(w.Context(), l); err != nil {
		w.Fatal(err)
	}
	return books, bank
}

// erase is jobs/erase; it returns its words.
func (w *leavers) erase(slug string, args ...string) (string, error) {
	w.Helper()
	var out, words bytes.Buffer
	err := Erase.Run(w.Context(), append([]string{"-org", slug, "-confirm", slug}, args...), w.asOwner(), &out, &words)
	w.heard.said(out.String() + words.String())
	return out.String(), err
}

// picture is a digest of each table's rows.
func (w *leavers) picture() map[string]string {
	w.Helper()
	rows, err := w.store.Pool.Query(w.Context(), `SELECT table_schema, table_name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') AND table_schema NOT LIKE 'intake\_%'
AND (table_schema, table_name) NOT IN (('sync', 'erasures'), ('sync', 'usage_days'), ('sync', 'erased_usage'), ('sync', 'call_windows'))`)
	if err != nil {
		w.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (name pgx.Identifier, err error) {
		name = make(pgx.Identifier, 2)
		return name, row.Scan(&name[0], &name[1])
	})
	if err != nil {
		w.Fatal(err)
	}
	picture := map[string]string{}
	for _, name := range all {
		var digest string
		if err := w.store.Pool.QueryRow(w.Context(), `SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\n' ORDER BY t::text), '')) FROM `+name.Sanitize()+` AS t`).Scan(&digest); err != nil {
			w.Fatal(err)
		}
		picture[strings.Join(name, ".")] = digest
	}
	return picture
}

// ended reports whether the grant of a company has been.
func (w *leavers) ended(c org.Connection, refresh string) bool {
	w.Helper()
	_, err := w.process().quickBooks.oauth.Refresh(w.Context(), refresh)
	if err != nil && !fault.Is(err, fault.Reconnect) {
		w.Fatalf("%s: %v", c.Account, err)
	}
	return err != nil
}

func (w *leavers) refresh(c org.Connection) string {
	w.Helper()
	t, err := w.process().quickBooks.vault.Current(w.Context(), c)
	if err != nil {
		w.Fatal(err)
	}
	return t.Refresh
}

// TestErase erases one of four organisations, and wants everything to be as if it had never been there. One
// slug begins like the erased one's.
func TestErase(t *testing.T) {
	w := newLeavers(t)
	w.come("powergen", powergenRealm, "item-of-powergen")
	two, _ := w.come("harbor-two", spareRealm, "item-of-two")
	before, secrets, columns := w.picture(), w.secrets.Secrets(), w.viewColumns()

	books, bank := w.come("harbor", onpointRealm, "item-of-harbor")
	if err := w.store.SetCustomColumn(t.Context(), store.CustomColumn{Org: "harbor", View: "invoices", Field: "Only Harbor's", Column: "onlyharbors"}); err != nil {
		t.Fatal(err)
	}
	w.sim.AddCompany(qbosim.CompanySpec{Realm: lateRealm, Name: "Connected after the backup", Seed: 4})
	late := w.unnoted("connection-harbor-quickbooks-999", lateRealm) // of connections that are gone
	w.keepToken("connection-harbor-plaid-998", vault.Token{Access: w.plaid.new("item-after-the-backup")})
	refresh, rows := w.refresh(books), w.count(`SELECT count(*) FROM quickbooks.invoices WHERE org_id = 'harbor'`)
	if rows == 0 || cmp.Equal(columns, w.viewColumns()) {
		t.Fatal("the organisation has nothing that could be erased")
	}

	cost, err := w.store.Usage(t.Context(), quickbooks.Provider)
	if err != nil || cost.Month == 0 {
		t.Fatalf("%+v, %v", cost, err)
	}
	said, err := w.erase("harbor")
	if err != nil {
		t.Fatal(err)
	}
	if now, err := w.store.Usage(t.Context(), quickbooks.Provider); err != nil || now.Month != cost.Month || now.Week != cost.Week {
		t.Errorf("what it has cost the app: %+v, and now %+v, %v", cost, now, err)
	}
	if diff := cmp.Diff(before, w.picture()); diff != "" {
		t.Errorf("tables, before it came and after it left (-want +got):\n%s", diff)
	}
	if n := w.count(`SELECT count(*) FROM sync.call_windows WHERE account LIKE '%' || $1 OR account LIKE '%' || $2`, books.Account, bank.Account); n != 0 {
		t.Errorf("%d accounts' calls are left", n)
	}
	if diff := cmp.Diff(secrets, w.secrets.Secrets()); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(columns, w.viewColumns()); diff != "" {
		t.Errorf("columns of views (-want +got):\n%s", diff)
	}
	if !w.ended(books, refresh) || !w.plaid.item(bank.Account).Removed {
		t.Error("a login of its is open still")
	}
	if !w.ended(org.Connection{Account: lateRealm}, late) || !w.plaid.item("item-after-the-backup").Removed {
		t.Error("a login that only a secret tells of is open still")
	}
	if w.ended(two, w.refresh(two)) || w.plaid.item("item-of-two").Removed || w.plaid.item("item-of-powergen").Removed {
		t.Error("a login of another's was ended")
	}
	for _, want := range []string{"harbor was erased on ", "4 secrets; 4 logins ended at the providers, 0 left there", "Take harbor out of ORGANISATIONS", "Webhooks that still come", "Backups"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	// Started once more, after it had ended before anybody read its words.
	if again, err := w.erase("harbor"); err != nil || again != said {
		t.Errorf("once more: %v\n%s", err, cmp.Diff(said, again))
	}
	if status := w.push(w.syncOrg, org.Tick{Org: "powergen", Connection: 1, Reason: org.Manual}); status >= 300 {
		t.Errorf("the others' syncs: status %d", status)
	}
}

// viewColumns are the columns of the views for invoices.
func (w *leavers) viewColumns() (names []string) {
	w.Helper()
	if err := w.store.Pool.QueryRow(w.Context(), `SELECT array_agg(column_name::text ORDER BY column_name) FROM information_schema.columns
WHERE table_schema = 'appsheet' AND table_name = 'invoices'`).Scan(&names); err != nil {
		w.Fatal(err)
	}
	return names
}

// TestEraseEndsTheNewestToken is after a process that had died when it had stored a token and not yet noted it.
func TestEraseEndsTheNewestToken(t *testing.T) {
	w := newLeavers(t)
	books, _ := w.come("harbor", onpointRealm, "item")
	newest := w.unnoted(vault.SecretName(books), onpointRealm) // the noted one has ended
	if _, err := w.erase("harbor"); err != nil {
		t.Fatal(err)
	}
	if !w.ended(books, newest) {
		t.Error("the newest token opens the company still")
	}
}

// TestEraseWhileIntuitIsOut says what to do, and does it when it is done.
func TestEraseWhileIntuitIsOut(t *testing.T) {
	w := newLeavers(t)
	w.come("harbor", onpointRealm, "item")
	back := w.sim.Inject(qbosim.Fault{On: qbosim.Revoke, Kind: qbosim.HTML502})
	said, err := w.erase("harbor")
	if !fault.Is(err, fault.Unavailable) || said != "" || !strings.Contains(err.Error(), "quickbooks "+onpointRealm) || !strings.Contains(err.Error(), "start erase again later") {
		t.Errorf("%v, said %q", err, said)
	}
	if n := w.count(`SELECT count(*) FROM quickbooks.invoices`); n == 0 || len(w.secrets.Secrets()) != 2 || !w.plaid.item("item").Removed {
		t.Errorf("%d invoices, secrets %q", n, w.secrets.Secrets())
	}
	back()
	if _, err := w.erase("harbor"); err != nil || len(w.secrets.Secrets()) != 0 {
		t.Errorf("%v, secrets %q", err, w.secrets.Secrets())
	}
	if n := w.plaid.count("/item/remove"); n != 1 {
		t.Errorf("the bank's login was ended %d times", n)
	}
}

// TestEraseWithoutRight is told which right is missing; tokens are gone all the same.
func TestEraseWithoutRight(t *testing.T) {
	w := newLeavers(t)
	w.come("harbor", onpointRealm, "item")
	w.secrets.FailNext("DeleteSecret", 1, 7) // PermissionDenied
	if _, err := w.erase("harbor"); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "check the roles") {
		t.Errorf("%v", err)
	}
	if _, err := w.erase("harbor", "-keep-logins"); err != nil || len(w.secrets.Secrets()) != 0 {
		t.Errorf("%v, secrets %q", err, w.secrets.Secrets())
	}
}

func TestEraseArguments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, says string }{
		{"", "-org: "},
		{"-org On.Point", "want a slug"},
		{"-org onpoint", "this erases all that is kept of onpoint, for good: if that is meant, add -confirm onpoint"},
		{"-org onpoint -confirm onpoin", "add -confirm onpoint"},
		{"-org onpoint -confirm onpoint now", `"now" is not an option`},
	} {
		if err := Erase.Run(t.Context(), strings.Fields(tt.args), nowhere, io.Discard, io.Discard); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("erase %s: %v, want it to say %q", tt.args, err, tt.says)
		}
	}
	if err := Erase.Run(t.Context(), strings.Fields("-org onpoint -confirm onpoint"), nowhere, io.Discard, io.Discard); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a database: %v", err)
	}
	var words bytes.Buffer
	if err := Erase.Run(t.Context(), []string{"-h"}, nil, io.Discard, &words); !errors.Is(err, flag.ErrHelp) || !strings.Contains(words.String(), "-keep-logins") {
		t.Errorf("help: %v\n%s", err, &words)
	}
}

func TestSecretsOfAnOrganisation(t *testing.T) {
	w := newPlace(t)
	manager, err := vault.OpenSecretManager(t.Context(), vault.Config{Project: "demo", Emulator: w.secrets.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	for _, name := range []string{
		"connection-a-quickbooks-1", "connection-a-plaid-12", // a's
		"connection-a-b-quickbooks-2", "connection-a-quickbooks-plaid-3", "connection-a-quickbooks-1-plaid-4", "connection-ab-plaid-5", "connection-a", "connection-a-plaid", "my-connection-a-plaid-6",
	} {
		if _, err := manager.Add(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := tenantSecrets{manager}.Of(t.Context(), "a", []org.Connection{{ID: 7, Org: "a", Provider: "plaid"}, {ID: 1, Org: "a", Provider: "quickbooks"}})
	slices.Sort(got)
	if diff := cmp.Diff([]string{"connection-a-plaid-12", "connection-a-plaid-7", "connection-a-quickbooks-1"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
