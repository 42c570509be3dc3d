package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

// intuit is the part of Intuit that connecting needs, with a switch for what goes wrong.
type intuit struct {
	*httptest.Server
	hang     atomic.Bool  // the token endpoint takes the request and breaks the connection
	refuse   atomic.Value // what the token endpoint refuses with
	realm    string       // the company that the tokens open
	revoked  atomic.Int32 // calls
	down     atomic.Bool  // of the revoke endpoint
	requests atomic.Int32 // of tokens
}

func newIntuit(t *testing.T) *intuit {
	i := &intuit{realm: "100"}
	i.refuse.Store("")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		n := i.requests.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if i.hang.Load() {
			panic(http.ErrAbortHandler)
		}
		if refuse := i.refuse.Load().(string); refuse != "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":%q}`, refuse)
			return
		}
		fmt.Fprintf(w, `{"token_type":"bearer","access_token":"marker-access-%d","refresh_token":"marker-refresh-%d","expires_in":3600,"x_refresh_token_expires_in":8726400}`, n, n)
	})
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		i.revoked.Add(1)
		if i.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	mux.HandleFunc("/v3/company/{realm}/query", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("realm") != i.realm {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"QueryResponse":{"totalCount":3},"time":"2026-01-31T00:00:00.000-08:00"}`)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *intuit) vars() []string {
	return []string{"QUICKBOOKS_API_URL=" + i.URL, "QUICKBOOKS_TOKEN_URL=" + i.URL + "/token", "QUICKBOOKS_REVOKE_URL=" + i.URL + "/revoke", "SYNC_MAX_RETRIES=0"}
}

// granting returns QuickBooks' part in connecting, a connection and its lease.
func granting(t *testing.T, i *intuit) (*place, quickBooksConnect, org.Connection, org.Lease) {
	p := newPlace(t, i.vars()...)
	j := p.syncOrg().joint
	id := p.store.Connect(t, "onpoint", "quickbooks", "100")
	c, err := p.store.Connection(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p, quickBooksConnect{j.quickBooks, "http://localhost:8080/connect/quickbooks/callback"}, c, p.store.Lease(t, id)
}

// granted is a consent for the company of the tests.
var granted = connect.Consent{Account: "100", Claim: quickbooks.Secret("marker-code")}

func callback(values ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(values); i += 2 {
		q.Set(values[i], values[i+1])
	}
	return q
}

func TestQuickBooksReturn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		callback url.Values
		want     string
		kind     fault.Kind
	}{
		{"consent", callback("code", "c", "realmId", "9130357766900101"), "9130357766900101", ""},
		{"nothing that may be believed", nil, "", fault.Invalid},
		{"denied", callback("error", "access_denied"), "", fault.Forbidden},
		{"refused by Intuit", callback("error", "invalid_scope"), "", fault.Invalid},
		{"no realm", callback("code", "c"), "", fault.Invalid},
		{"no code", callback("realmId", "1"), "", fault.Invalid},
		{"not a realm", callback("code", "c", "realmId", "1/../2"), "", fault.Invalid},
	} {
		got, err := quickBooksConnect{}.Return(t.Context(), nil, tt.callback)
		if got.Account != tt.want || fault.Of(err) != tt.kind || err == nil && got.Claim != quickbooks.Secret("c") {
			t.Errorf("%s: %+v, %v; want %q, kind %q", tt.name, got, err, tt.want, tt.kind)
		}
	}
}

func TestQuickBooksGrant(t *testing.T) {
	i := newIntuit(t)
	p, q, c, l := granting(t, i)
	ctx := t.Context()

	i.refuse.Store("invalid_grant")
	if _, err := q.Grant(ctx, c, l, granted); !fault.Is(err, fault.Reconnect) {
		t.Errorf("a code that is used up: %v", err)
	}
	i.refuse.Store("")
	i.realm = "200"
	if _, err := q.Grant(ctx, c, l, granted); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "does not open company 100") {
		t.Errorf("another company's consent: %v", err)
	}
	if _, err := q.vault.Current(ctx, c); !fault.Is(err, fault.NotFound) {
		t.Errorf("a token was stored: %v", err)
	}
	i.realm = "100"
	if _, err := q.Grant(ctx, c, l, granted); err != nil {
		t.Fatal(err)
	}
	if tok, err := q.vault.Current(ctx, c); err != nil || !strings.HasPrefix(tok.Refresh, "marker-refresh-") || time.Until(tok.AccessExpires) < 50*time.Minute {
		t.Errorf("stored %v, %v", tok, err)
	}

	i.down.Store(true)
	if err := q.Revoke(ctx, c, l); !fault.Is(err, fault.Unavailable) {
		t.Errorf("revoking while Intuit is down: %v", err)
	}
	if _, err := q.vault.Current(ctx, c); err != nil {
		t.Errorf("the token is gone: %v", err)
	}
	i.down.Store(false)
	for range 2 { // the second time there is none
		if err := q.Revoke(ctx, c, l); err != nil {
			t.Fatal(err)
		}
	}
	if n := i.revoked.Load(); n != 2 {
		t.Errorf("%d calls of the revoke endpoint, want 2", n)
	}
	if _, err := q.vault.Current(ctx, c); !fault.Is(err, fault.NotFound) {
		t.Errorf("the token is still there: %v", err)
	}
	for _, name := range p.secrets.Secrets() {
		for _, v := range p.secrets.Versions(name) {
			if v.State != "DESTROYED" {
				t.Errorf("version %d of %s is %s", v.Number, name, v.State)
			}
		}
	}
	if strings.Contains(p.logs.String(), "marker-") {
		t.Errorf("the log holds a secret: %s", p.logs)
	}
}

// Once Intuit has ended the consent, Secret Manager's troubles are not the person's.
func TestQuickBooksRevokeWithoutSecretManager(t *testing.T) {
	i := newIntuit(t)
	p, q, c, l := granting(t, i)
	if _, err := q.Grant(t.Context(), c, l, granted); err != nil {
		t.Fatal(err)
	}
	p.secrets.FailNext("DestroySecretVersion", 1, codes.Unavailable)
	if err := q.Revoke(t.Context(), c, l); err != nil || i.revoked.Load() != 1 {
		t.Errorf("%v after %d calls of the revoke endpoint", err, i.revoked.Load())
	}
	if !strings.Contains(p.logs.String(), "token not destroyed") {
		t.Errorf("log %s", p.logs)
	}
}

// A token that is only out of reach is not given up: its consent would go on at Intuit.
func TestQuickBooksRevokeOutOfReach(t *testing.T) {
	i := newIntuit(t)
	_, q, c, l := granting(t, i)
	if _, err := q.Grant(t.Context(), c, l, granted); err != nil {
		t.Fatal(err)
	}
	v := q.vault
	q.vault = &vault.Vault{Ledger: v.Ledger, Secrets: elsewhere{v.Secrets}, Seal: v.Seal, Patience: v.Patience, Log: v.Log, Now: v.Now}
	if err := q.Revoke(t.Context(), c, l); !fault.Is(err, fault.Unavailable) || i.revoked.Load() != 0 {
		t.Errorf("%v after %d calls of the revoke endpoint", err, i.revoked.Load())
	}
	if e, err := v.Ledger.Entry(t.Context(), c.ID); err != nil || e.Version == 0 {
		t.Errorf("the token is forgotten: %+v, %v", e, err)
	}
}

// TestQuickBooksRefresh goes through the vault with the real journal: the lost answer of a refresh.
func TestQuickBooksRefresh(t *testing.T) {
	i := newIntuit(t)
	p, q, c, l := granting(t, i)
	ctx := t.Context()
	if err := q.vault.Save(ctx, c, l, vault.Token{Access: "old", Refresh: "marker-old", AccessExpires: time.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	i.hang.Store(true)
	if _, err := q.refresh(ctx, "marker-old"); !errors.Is(err, vault.ErrAnswerLost) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("a lost answer: %v", err)
	}
	session := q.vault.Session(c, l, q.refresh)
	if _, err := session.Access(ctx); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a lost answer, through the session: %v", err)
	}
	if e, err := p.store.Ledger().Entry(ctx, c.ID); err != nil || e.Open == nil {
		t.Errorf("the journal has no open attempt: %+v, %v", e, err)
	}
	i.hang.Store(false)
	i.refuse.Store("invalid_grant")
	_, err := session.Access(ctx)
	if !fault.Is(err, fault.Reconnect) || !strings.Contains(err.Error(), "its answer never arrived") {
		t.Errorf("refused after a lost answer: %v", err)
	}
	i.refuse.Store("")
	access, err := session.Access(ctx)
	if err != nil || !strings.HasPrefix(access, "marker-access-") {
		t.Errorf("access %q, %v", access, err)
	}
	before := i.requests.Load()
	if again, err := session.Access(ctx); err != nil || again != access || i.requests.Load() != before {
		t.Errorf("a fresh token was renewed: %v", err)
	}
	if strings.Contains(p.logs.String(), "marker-") {
		t.Errorf("the log holds a secret: %s", p.logs)
	}
}

func TestLedgerIsFenced(t *testing.T) {
	p := newPlace(t)
	id := p.store.Connect(t, "onpoint", "quickbooks", "100")
	late := p.store.Lease(t, id)
	if _, err := p.store.Abandon(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	p.store.Lease(t, id)
	b := p.store.Ledger()
	_, errStart := b.StartRefresh(t.Context(), late)
	for name, err := range map[string]error{
		"start": errStart, "end": b.EndRefresh(t.Context(), late, 1, "x", "y"),
		"settle": b.Settle(t.Context(), late, 9, time.Now()), "park": b.Park(t.Context(), late, []byte("x"), time.Now()),
	} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s by a late owner: %v, want a conflict", name, err)
		}
	}
	if e, err := b.Entry(t.Context(), id); err != nil || e.Version != 0 || e.Parked != nil || e.Open != nil {
		t.Errorf("entry %+v, %v: want it empty", e, err)
	}
	if _, err := b.Entry(context.WithoutCancel(t.Context()), 999); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such connection: %v", err)
	}
}
