package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// lateRealm is a company that is connected after a backup was made.
const lateRealm = "9130357766900404"

// keepToken puts a token into a secret behind the ledger's back.
func (w *whole) keepToken(secret string, t vault.Token) {
	w.Helper()
	w.heard.keep(t.Access, t.Refresh)
	manager, err := vault.OpenSecretManager(w.Context(), vault.Config{Project: "demo", Emulator: w.secrets.Addr()})
	if err != nil {
		w.Fatal(err)
	}
	defer manager.Close()
	payload, err := json.Marshal(t)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := manager.Add(w.Context(), secret, payload); err != nil {
		w.Fatal(err)
	}
}

// unnoted does so with a company's new token, and returns what ends its consent.
func (w *whole) unnoted(secret, realm string) (refresh string) {
	w.Helper()
	issued := w.sim.IssueTokens(realm)
	w.keepToken(secret, vault.Token{Access: issued.Access, Refresh: issued.Refresh, AccessExpires: time.Now().Add(time.Hour), Account: realm})
	return issued.Refresh
}

// usable are the versions of a connection's secret that can be read.
func (w *whole) usable(c org.Connection) (n int) {
	for _, v := range w.secrets.Versions("projects/demo/secrets/" + vault.SecretName(c)) {
		if v.State == "ENABLED" {
			n++
		}
	}
	return n
}

// daily is jobs/daily.
func (w *whole) daily() {
	w.Helper()
	manager, err := vault.OpenSecretManager(w.Context(), vault.Config{Project: "demo", Emulator: w.secrets.Addr()})
	if err != nil {
		w.Fatal(err)
	}
	defer manager.Close()
	if err := w.job(jobOptions{}).daily(w.Context(), manager); err != nil {
		w.Error(err)
	}
}

// TestDailyEndsAttempts: Connect died when it had stored a consent's token and not yet noted it.
func TestDailyEndsAttempts(t *testing.T) {
	for _, age := range []string{"10 min", "2 h"} {
		t.Run(age, func(t *testing.T) {
			w := newLeavers(t)
			id := w.store.Connect(t, "onpoint", quickbooks.Provider, onpointRealm)
			w.spoil(`UPDATE sync.connections SET state = 'connecting', connected_at = NULL, created_at = now() - interval '` + age + `'`)
			c := org.Connection{ID: id, Org: "onpoint", Provider: quickbooks.Provider, Account: onpointRealm}
			refresh := w.unnoted(vault.SecretName(c), onpointRealm)
			back := w.sim.Inject(qbosim.Fault{On: qbosim.Revoke, Kind: qbosim.HTML502})
			w.daily()
			if w.usable(c) != 1 || len(w.told("consent_not_revoked")) != 1 {
				t.Errorf("while Intuit is out: %d versions are left, told %v", w.usable(c), w.told("consent_not_revoked"))
			}
			back()
			w.spoil(`UPDATE sync.connections SET clearing_at = NULL`) // the next day
			w.daily()
			if !w.ended(c, refresh) || w.usable(c) != 0 || w.count(`SELECT count(*) FROM sync.connections`) != 0 || len(w.told("orphaned_secret")) != 0 {
				t.Errorf("consent ended: %t, %d versions are left, told: %v", w.ended(c, refresh), w.usable(c), w.told("orphaned_secret"))
			}
		})
	}
}

// TestDailyEndsLeftovers: the token of a disconnected connection opens something that nobody reads.
func TestDailyEndsLeftovers(t *testing.T) {
	for _, tt := range []struct {
		name, sql string
		ended     bool
	}{
		{"it could not be destroyed when it was disconnected", `UPDATE sync.connections SET state = 'disconnected' WHERE id = $1`, true},
		{"disconnected in the backup, connected since", `UPDATE sync.connections SET state = 'disconnected', secret_version = NULL WHERE id = $1`, true},
		{"another connection has the account", `UPDATE sync.connections SET state = 'disconnected' WHERE id = $1;
			UPDATE sync.connections AS c SET account = o.account, state = 'connecting', lease_until = now() + interval '1 h' FROM sync.connections AS o WHERE o.id = $1 AND c.org_id = 'powergen' AND c.provider = o.provider`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newLeavers(t)
			w.come("powergen", powergenRealm, "other")
			books, bank := w.come("harbor", onpointRealm, "item")
			refresh := w.refresh(books)
			for _, c := range []org.Connection{books, bank} {
				for _, sql := range strings.Split(tt.sql, ";") {
					w.spoil(strings.ReplaceAll(sql, "$1", c.ID.String()))
				}
			}
			w.daily()
			for c, ended := range map[org.Connection]bool{books: w.ended(books, refresh), bank: w.plaid.item("item").Removed} {
				if n := w.usable(c); ended != tt.ended || (n == 0) != tt.ended {
					t.Errorf("%s: ended %t, %d versions are left", c.Provider, ended, n)
				}
			}
			if left, told := len(w.told("leftover_consent")), len(w.told("orphaned_secret")); tt.ended && (left != 2 || told != 0) || !tt.ended && (left != 0 || told != 2) {
				t.Errorf("told of %d ended and of %d left: %v", left, told, w.told("orphaned_secret"))
			}
			if n := w.count(`SELECT count(*) FROM sync.connections WHERE org_id = 'harbor' AND state = 'disconnected' AND lease_until IS NULL`); n != 2 {
				t.Errorf("%d connections are disconnected and free", n)
			}
			w.daily()
			if left := len(w.told("leftover_consent")); tt.ended && left != 2 {
				t.Error("the next day it finds them again")
			}
		})
	}
}

// TestDailyEndsAnAttemptThatWasVoided: another organisation has connected the company before this one's attempt
// was over, and its row is old enough to be dropped. Its token goes first.
func TestDailyEndsAnAttemptThatWasVoided(t *testing.T) {
	w := newLeavers(t)
	w.sim.AddCompany(qbosim.CompanySpec{Realm: lateRealm, Name: "Wanted by two", Seed: 4})
	c, err := w.store.Connection(t.Context(), w.store.Connect(t, "harbor", quickbooks.Provider, lateRealm))
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE sync.connections SET state = 'disconnected', connected_at = NULL, created_at = now() - interval '8 days' WHERE org_id = 'harbor'`)
	refresh := w.unnoted(vault.SecretName(c), lateRealm)
	w.daily()
	if !w.ended(c, refresh) || w.usable(c) != 0 || len(w.told("leftover_consent")) != 1 || len(w.told("orphaned_secret")) != 0 {
		t.Errorf("ended %t, %d versions are left, told %v", w.ended(c, refresh), w.usable(c), w.told("orphaned_secret"))
	}
}

// TestDailyWithoutAnswer: what the provider does not end stays, and is ended another day.
func TestDailyWithoutAnswer(t *testing.T) {
	w := newLeavers(t)
	_, bank := w.come("harbor", onpointRealm, "item")
	w.spoil(`UPDATE sync.connections SET state = 'disconnected' WHERE provider = 'plaid'`)
	w.plaid.refuse["/item/remove"] = "INTERNAL_SERVER_ERROR"
	w.daily()
	if w.usable(bank) != 1 || len(w.told("consent_not_revoked")) != 1 {
		t.Errorf("%d versions, told %v", w.usable(bank), w.told("consent_not_revoked"))
	}
	delete(w.plaid.refuse, "/item/remove")
	w.daily()
	if !w.plaid.item("item").Removed || w.usable(bank) != 0 {
		t.Errorf("removed %t, %d versions", w.plaid.item("item").Removed, w.usable(bank))
	}
}

// TestAttemptInTheBackup: the backup has a company that was being connected. It is connected since: that holds.
func TestAttemptInTheBackup(t *testing.T) {
	w := newLeavers(t)
	books := w.attach("harbor", onpointRealm)
	refresh := w.refresh(books)
	w.spoil(`UPDATE sync.connections SET state = 'connecting', connected_at = NULL, secret_version = NULL, token_expires_at = NULL`)
	if err := Migrate.Run(t.Context(), []string{"-restored"}, w.asOwner(), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	w.daily()
	w.syncOrg = w.process()
	w.sync("harbor")
	got, err := w.store.Connection(t.Context(), books.ID)
	if err != nil || got.State != org.Active || w.ended(books, refresh) || len(w.told("token_adopted")) != 1 {
		t.Errorf("%s %q, %v, told %v", got.State, got.Reason, err, w.told("token_adopted"))
	}
}

// TestEraseWithoutToken: what nobody can end is not told as ended.
func TestEraseWithoutToken(t *testing.T) {
	for name, spoil := range map[string]func(*leavers, org.Connection){
		"destroyed": func(w *leavers, bank org.Connection) {
			if err := w.syncOrg.banks.vault.Secrets.DestroyUpTo(w.Context(), vault.SecretName(bank), 1); err != nil {
				w.Fatal(err)
			}
		},
		"its answer was lost": func(w *leavers, bank org.Connection) {
			if err := w.syncOrg.banks.vault.Secrets.DestroyUpTo(w.Context(), vault.SecretName(bank), 1); err != nil {
				w.Fatal(err)
			}
			w.spoil(fmt.Sprintf(`UPDATE sync.connections SET state = 'disconnected', secret_version = NULL WHERE id = %d`, bank.ID))
			w.spoil(fmt.Sprintf(`INSERT INTO sync.token_journal (connection_id, fence) VALUES (%d, 1)`, bank.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLeavers(t)
			_, bank := w.come("harbor", onpointRealm, "item")
			spoil(w, bank)
			said, err := w.erase("harbor")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"may be left at the provider: plaid item (connection " + bank.ID.String() + "): there is no token to end it with: have the provider's support end it", "1 logins ended at the providers, 1 left there"} {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

// TestEraseAfterSecretsLost: tokens that were called lost, and are there, end their logins.
func TestEraseAfterSecretsLost(t *testing.T) {
	w := newLeavers(t)
	books, _ := w.come("harbor", onpointRealm, "item")
	refresh := w.refresh(books)
	if _, err := w.store.SecretsLost(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said, err := w.erase("harbor"); err != nil || !w.ended(books, refresh) || !w.plaid.item("item").Removed {
		t.Errorf("%v, company ended %t, Item removed %t: %s", err, w.ended(books, refresh), w.plaid.item("item").Removed, said)
	}
}

// TestEraseInAnotherEnvironment: Plaid does not know the other environment's tokens, and says so as it does of
// those that have ended.
func TestEraseInAnotherEnvironment(t *testing.T) {
	w := newLeavers(t)
	_, bank := w.come("harbor", onpointRealm, "item")
	right := w.vars
	w.vars = append(right, "PLAID_ENVIRONMENT=production")
	if _, err := w.erase("harbor"); err == nil || !strings.Contains(err.Error(), "set PLAID_ENVIRONMENT and PLAID_SECRET to sandbox") || w.usable(bank) != 1 {
		t.Errorf("%v, %d versions are left", err, w.usable(bank))
	}
	w.vars = right
	if _, err := w.erase("harbor"); err != nil || !w.plaid.item("item").Removed {
		t.Errorf("%v, Item removed %t", err, w.plaid.item("item").Removed)
	}
}

// TestDisconnectEndsTheNewestToken: a person's disconnect looks above the pointer, too.
func TestDisconnectEndsTheNewestToken(t *testing.T) {
	w := newLeavers(t)
	books := w.attach("onpoint", onpointRealm)
	newest := w.unnoted(vault.SecretName(books), onpointRealm) // the noted one has ended
	w.disconnect(w.link("-disconnect"))
	if !w.ended(books, newest) || w.usable(books) != 0 {
		t.Errorf("ended %t, %d versions are left", w.ended(books, newest), w.usable(books))
	}
}
