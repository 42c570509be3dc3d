package app

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// TestTokenOutOfReach: settings that point at another project give no login up.
func TestTokenOutOfReach(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	w.restart()
	w.connect.banks.vault.Secrets = elsewhere{w.connect.banks.vault.Secrets}
	status, page = w.read(http.Get(w.bankLink("onpoint", "-connection", "1")))
	w.want(status, page, http.StatusServiceUnavailable, "Nothing was changed")
	status, page = w.disconnect(w.bankLink("onpoint", "-disconnect"))
	w.want(status, page, http.StatusServiceUnavailable, "Nothing was changed here")
	status, page = w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusForbidden, "already connected")
	w.wantBanks("onpoint item-1 active")
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE secret_version IS NOT NULL`); n != 1 || w.plaid.item("item-1").Removed {
		t.Errorf("%d connections know their token", n)
	}
}

// elsewhere is another project's secrets.
type elsewhere struct{ vault.Secrets }

func (e elsewhere) Get(ctx context.Context, secret string, version int64) ([]byte, error) {
	return e.Secrets.Get(ctx, secret+"-elsewhere", version)
}

func (e elsewhere) Above(ctx context.Context, secret string, version int64) ([]int64, error) {
	return e.Secrets.Above(ctx, secret+"-elsewhere", version)
}

func (e elsewhere) DestroyUpTo(ctx context.Context, secret string, version int64) error {
	return e.Secrets.DestroyUpTo(ctx, secret+"-elsewhere", version)
}

// TestMendWhatNeverWas: an attempt that died is no bank to sign in to again.
func TestMendWhatNeverWas(t *testing.T) {
	w := newBanking(t)
	v := w.connect.banks.vault
	d := dying{v.Ledger, v.Secrets, "before activating"}
	v.Ledger, v.Secrets = d, d
	w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.restart()
	status, page := w.read(http.Get(w.bankLink("onpoint", "-connection", "1")))
	w.want(status, page, http.StatusForbidden, "never connected", "Ask for a link that connects the bank")
}

func TestExchangeFails(t *testing.T) {
	w := newBanking(t)
	w.plaid.refuse["/item/public_token/exchange"] = "RATE_LIMIT_EXCEEDED"
	link := w.bankLink("onpoint")
	status, page := w.bank(link, "First Bank", "Checking 0000")
	w.want(status, page, http.StatusServiceUnavailable, "Not now")
	w.wantBanks()
	delete(w.plaid.refuse, "/item/public_token/exchange")
	status, page = w.bank(link, "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	w.plaid.refuse["/link/token/create"] = "INVALID_API_KEYS"
	status, page = w.read(http.Get(w.bankLink("onpoint")))
	w.want(status, page, http.StatusForbidden, "check PLAID_CLIENT_ID and PLAID_SECRET")
}

// TestExchangeWithoutAnswer: Plaid may have made an Item then, and bills it. That is never forgotten,
// also when it was asked again and had the sign-in used up.
func TestExchangeWithoutAnswer(t *testing.T) {
	for name, retries := range map[string]string{"once": "0", "asked again": "3"} {
		t.Run(name, func(t *testing.T) {
			w := newBanking(t)
			w.vars = append(w.vars, "SYNC_MAX_RETRIES="+retries, "SYNC_RETRY_DELAY=1ms")
			w.restart()
			answers := 0
			w.plaid.leaving = func(path string) {
				if path == "/item/public_token/exchange" {
					if answers++; answers == 1 {
						panic(http.ErrAbortHandler)
					}
				}
			}
			status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
			w.want(status, page, http.StatusServiceUnavailable, "Plaid has your consent", "Your link still works")
			if strings.Contains(page, "Nothing was changed") {
				t.Errorf("the page says %s", page)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections AS c JOIN sync.token_journal AS j ON j.connection_id = c.id AND j.finished_at IS NULL
				WHERE c.state = 'disconnected' AND c.reason LIKE '%The provider may keep a login%'`); n != 1 || len(w.told("exchange_lost")) != 1 {
				t.Errorf("%d connections and %d lines of the log tell of the Item", n, len(w.told("exchange_lost")))
			}
		})
	}
}

// TestTokenThatCannotBeStored: first the vault parks it; when it cannot do that either, the Item goes.
func TestTokenThatCannotBeStored(t *testing.T) {
	w := newBanking(t)
	w.secrets.Down(true)
	link := w.bankLink("onpoint")
	status, page := w.bank(link, "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	if w.plaid.items[w.token(1)] == nil {
		t.Error("the parked token is not the Item's")
	}
	if held := w.columns(); !strings.Contains(held["sync.token_journal.outcome"], "parked") || len(w.heard.secrets) < 12 {
		t.Errorf("only %d secrets were overheard, or nothing was parked", len(w.heard.secrets)) // so looking for them shows little
	}
	w.connect.banks.vault.Ledger = without{w.connect.banks.vault.Ledger}
	link = w.bankLink("onpoint")
	status, page = w.bank(link, "Second Bank", "Checking 1111")
	w.want(status, page, http.StatusServiceUnavailable)
	w.wantBanks("onpoint item-1 active")
	if !w.plaid.item("item-2").Removed {
		t.Error("an Item without a token goes on being billed")
	}
	w.plaid.refuse["/item/remove"] = "INTERNAL_SERVER_ERROR"
	status, page = w.bank(link, "Third Bank", "Checking 2222")
	w.want(status, page, http.StatusServiceUnavailable)
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'connecting'`); n != 1 {
		t.Errorf("%d connections are left to the job", n)
	}
	w.secrets.Down(false)
	w.clear() // it finds no token
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'disconnected' AND reason LIKE '%The provider may keep a login%'`); n != 1 || !strings.Contains(w.logs.String(), `"item":"item-3"`) {
		t.Errorf("%d connections tell of the Item that is left", n)
	}
}

// without is a ledger in which no token can be parked.
type without struct{ vault.Ledger }

func (without) Park(context.Context, org.Lease, []byte, time.Time) error {
	return fault.New(fault.Unavailable, "the database is out of order")
}

// dying is a vault's surroundings in which the process dies at one point.
type dying struct {
	vault.Ledger
	vault.Secrets
	at string
}

func (d dying) die(at string) {
	if d.at == at {
		panic(http.ErrAbortHandler)
	}
}

func (d dying) Add(ctx context.Context, secret string, payload []byte) (int64, error) {
	d.die("before storing")
	version, err := d.Secrets.Add(ctx, secret, payload)
	d.die("before noting")
	return version, err
}

func (d dying) Settle(ctx context.Context, l org.Lease, version int64, expires time.Time) error {
	err := d.Ledger.Settle(ctx, l, version, expires)
	d.die("before activating")
	return err
}

// clear is what jobs/daily does about attempts to connect.
func (w *banking) clear() {
	w.Helper()
	j := w.job(jobOptions{})
	j.banks.vault.Patience = 100 * time.Millisecond
	if _, err := j.clear(w.Context()); err != nil {
		w.Errorf("clear: %v", err)
	}
}

// TestKilledWhileConnecting: what a process leaves that dies with a token in its hands is ended by the
// job, whether or not the person has tried again. Only a token that nobody stored cannot be helped: that is told.
func TestKilledWhileConnecting(t *testing.T) {
	for _, tt := range []struct {
		at      string
		removed bool
		left    string
	}{
		{"before storing", false, "disconnected connecting was not finished: a token was asked for, and its answer is lost"},
		{"before noting", true, ""},
		{"before activating", true, ""},
	} {
		t.Run(tt.at, func(t *testing.T) {
			w := newBanking(t)
			v := w.connect.banks.vault
			d := dying{v.Ledger, v.Secrets, tt.at}
			v.Ledger, v.Secrets = d, d
			link := w.bankLink("onpoint")
			if status, page := w.bank(link, "First Bank", "Checking 0000"); status != 0 {
				t.Fatalf("it did not die: %d %s", status, page)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections WHERE state = 'connecting' AND connected_at IS NULL`); n != 1 {
				t.Fatalf("%d connections", n)
			}
			w.restart()
			status, page := w.bank(link, "First Bank", "Checking 0000") // at once, as people do
			w.want(status, page, http.StatusOK)
			w.exec(`UPDATE sync.connections SET lease_until = now() - interval '1 s' WHERE state = 'connecting'`)
			w.clear()
			if got := w.plaid.item("item-1").Removed; got != tt.removed {
				t.Errorf("the Item was removed: %t", got)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections WHERE account = 'item-2' AND state = 'active'`); n != 1 {
				t.Error("the second try is not active")
			}
			if n := w.count(`SELECT count(*) FROM sync.connections WHERE account <> 'item-2' AND starts_with(state || ' ' || reason, $1)`, tt.left); (n == 1) != (tt.left != "") {
				t.Errorf("%d connections are left that say %q", n, tt.left)
			}
			if n := w.count(`SELECT count(*) FROM sync.connections`); (n == 1) != (tt.left == "") {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestBankOfAnotherApp: Plaid says of another app's Item what it says of one that is gone, so it is not asked.
func TestBankOfAnotherApp(t *testing.T) {
	w := newBanking(t)
	status, page := w.bank(w.bankLink("onpoint"), "First Bank", "Checking 0000")
	w.want(status, page, http.StatusOK)
	c, err := w.store.Connection(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	banks := w.connect.banks
	token, err := banks.vault.Newest(t.Context(), c)
	if err != nil || token.Account != "item-1" || token.App != "bank-client" {
		t.Fatalf("of %q for the app %q, %v", token.Account, token.App, err)
	}
	banks.options.ClientID = "another"
	status, page = w.disconnect(w.bankLink("onpoint", "-disconnect"))
	w.want(status, page, http.StatusForbidden, "login was given to the app bank-client, and PLAID_CLIENT_ID is another")
	if w.plaid.item("item-1").Removed {
		t.Error("the Item is removed")
	}
	w.wantBanks("onpoint item-1 active")
}
