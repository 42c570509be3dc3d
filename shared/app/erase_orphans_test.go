package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestEraseOfWhatWasConnectedAgain: a database that was restored to before knows these connections as
// disconnected, and their secrets hold live tokens.
func TestEraseOfWhatWasConnectedAgain(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(map[bool]string{false: "ended", true: "kept"}[keep], func(t *testing.T) {
			w := newLeavers(t)
			books, bank := w.come("harbor", onpointRealm, "item-of-harbor")
			refresh := w.refresh(books)
			w.exec(`UPDATE sync.connections SET state = 'disconnected', secret_version = NULL, parked_token = NULL WHERE org_id = 'harbor'`)
			args, says := []string{}, "2 logins ended at the providers, 0 left there"
			if keep {
				args, says = []string{"-keep-logins"}, "0 logins ended at the providers, 2 left there"
			}
			said, err := w.erase("harbor", args...)
			if err != nil || !strings.Contains(said, says) {
				t.Errorf("%v, it does not say %q:\n%s", err, says, said)
			}
			if w.ended(books, refresh) == keep || w.plaid.item(bank.Account).Removed == keep {
				t.Error("a login is not as it was to be left")
			}
		})
	}
}

// TestEraseOfADisabledToken: somebody was careful, and an older token that is there still ends nothing.
func TestEraseOfADisabledToken(t *testing.T) {
	for _, state := range []string{"active", "connecting", "disconnected"} {
		t.Run(state, func(t *testing.T) {
			w := newLeavers(t)
			books, bank := w.come("harbor", onpointRealm, "item-of-harbor")
			refresh := w.refresh(books)
			w.exec(`UPDATE sync.connections SET state = '` + state + `', secret_version = NULL, parked_token = NULL WHERE org_id = 'harbor'`)
			for _, c := range []org.Connection{books, bank} {
				name := "projects/demo/secrets/" + vault.SecretName(c)
				if _, err := w.secrets.DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: fmt.Sprintf("%s/versions/%d", name, len(w.secrets.Versions(name)))}); err != nil {
					t.Fatal(err)
				}
			}
			if said, err := w.erase("harbor"); err == nil || !strings.Contains(err.Error(), "is disabled: enable it") {
				t.Errorf("%v, %s", err, said)
			}
			for _, c := range []org.Connection{books, bank} {
				name := "projects/demo/secrets/" + vault.SecretName(c)
				if v := w.secrets.Versions(name); len(v) == 0 || v[len(v)-1].State != "DISABLED" {
					t.Errorf("%s: %v", name, v)
				}
			}
			if w.ended(books, refresh) || w.plaid.item(bank.Account).Removed {
				t.Error("a login has ended")
			}
		})
	}
}

// TestASecretTellsWhoseItIs: whoever finds nothing but a secret can tell which account its token opens, and for which app.
func TestASecretTellsWhoseItIs(t *testing.T) {
	w := newLeavers(t)
	books, _ := w.come("harbor", onpointRealm, "item-of-harbor")
	w.login(books, 0)
	w.sync("harbor") // renews
	if got, err := w.process().quickBooks.vault.Newest(t.Context(), books); err != nil || got.Account != onpointRealm || got.App != "client" {
		t.Errorf("of %q for the app %q, %v", got.Account, got.App, err)
	}
}

// TestEraseOfATokenThatCannotBeUsed: nothing is ended that somebody needs, and nothing is given up that somebody
// could still end.
func TestEraseOfATokenThatCannotBeUsed(t *testing.T) {
	const secret = "connection-harbor-quickbooks-999"
	for _, tt := range []struct {
		name, realm string
		given       func(w *leavers, token vault.Token) vault.Token
		after       func(w *leavers)
		says        string // the error, or where there is none, the words
		ends        bool
	}{
		{"another's by now", powergenRealm, nil, nil, "the login of the secret " + secret + ": another connection has it by now", true},
		{"of no company that is told", lateRealm, func(_ *leavers, t vault.Token) vault.Token { t.Account = ""; return t }, nil, "the secret does not tell which company", false},
		{"of another app", lateRealm, func(_ *leavers, t vault.Token) vault.Token { t.App = "another"; return t }, nil, "this login was given to the app another, and QUICKBOOKS_CLIENT_ID is client", false},
		{"another's to be", lateRealm, nil, func(w *leavers) {
			w.exec(`UPDATE sync.connections SET account = '` + lateRealm + `', state = 'connecting', secret_version = NULL WHERE org_id = 'powergen' AND provider = 'quickbooks'`)
		}, "another connection is about to get this login", false},
		{"disabled", lateRealm, nil, func(w *leavers) {
			if _, err := w.secrets.DisableSecretVersion(w.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: "projects/demo/secrets/" + secret + "/versions/1"}); err != nil {
				w.Fatal(err)
			}
		}, "the newest version of the secret " + secret + " is disabled", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newLeavers(t)
			w.come("powergen", powergenRealm, "item-of-powergen")
			w.come("harbor", onpointRealm, "item-of-harbor")
			w.sim.AddCompany(qbosim.CompanySpec{Realm: lateRealm, Name: "Connected after the backup", Seed: 4})
			issued := w.sim.IssueTokens(tt.realm)
			token := vault.Token{Access: issued.Access, Refresh: issued.Refresh, AccessExpires: time.Now().Add(time.Hour), Account: tt.realm, App: "client"}
			if tt.given != nil {
				token = tt.given(w, token)
			}
			w.keepToken(secret, token)
			if tt.after != nil {
				tt.after(w)
			}
			said, err := w.erase("harbor")
			if err != nil {
				said = err.Error()
			}
			if (err == nil) != tt.ends || !strings.Contains(said, tt.says) || !strings.Contains(said, secret) {
				t.Errorf("%v, it does not say %q: %s", err, tt.says, said)
			}
			if there := len(w.secrets.Versions("projects/demo/secrets/"+secret)) > 0; there == tt.ends {
				t.Errorf("its secret is there: %t", there)
			}
			if !tt.ends {
				if said, err = w.erase("harbor", "-keep-logins"); err != nil || !strings.Contains(said, "1 left there") {
					t.Errorf("given up: %v, %s", err, said)
				}
			}
			if w.ended(org.Connection{Account: tt.realm}, issued.Refresh) {
				t.Error("the login has ended")
			}
		})
	}
}
