package vault_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

func TestRefusals(t *testing.T) {
	t.Run("invalid_grant", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.refuse = fault.New(fault.Reconnect, "QuickBooks no longer accepts this login")
		_, err := f.access(t, f.Vault)
		wantReconnect(t, err, "QuickBooks no longer accepts this login")
		if strings.Contains(err.Error(), "never arrived") {
			t.Errorf("error %q speaks of a lost answer", err)
		}
	})
	t.Run("an empty answer keeps the good token", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.empty = true
		if _, err := f.access(t, f.Vault); fault.Of(err) != fault.Unavailable {
			t.Errorf("Access: %v, want unavailable", err)
		}
		f.provider.empty = false
		if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-2" {
			t.Errorf("Access afterwards = %q, %v", got, err)
		}
	})
	t.Run("a late owner journals nothing and asks nothing", func(t *testing.T) {
		f := setup(t, 0)
		f.ledger.fence = 2
		if _, err := f.access(t, f.Vault); fault.Of(err) != fault.Conflict || f.provider.calls != 0 {
			t.Errorf("Access: %v after %d refreshes; want a conflict after none", err, f.provider.calls)
		}
	})
}

// TestRefusalIsRemembered: what every further call of a run would only hear again is asked once.
func TestRefusalIsRemembered(t *testing.T) {
	for _, tt := range []struct {
		kind    fault.Kind
		asked   int
		outcome string
	}{
		{fault.Invalid, 1, "end refused"},
		{fault.Forbidden, 1, "end refused"},
		{fault.RateLimited, 3, "end refused"},
		{fault.Unavailable, 3, "end failed"},
		{fault.Stopped, 3, "end failed"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			f := setup(t, 0)
			f.provider.refuse = fault.New(tt.kind, "check QUICKBOOKS_CLIENT_SECRET")
			s := f.Session(conn, lease, f.provider.refresh)
			for range 3 {
				if _, err := s.Access(t.Context()); fault.Of(err) != tt.kind || !strings.Contains(err.Error(), "QUICKBOOKS_CLIENT_SECRET") {
					t.Errorf("Access: %v, want %s", err, tt.kind)
				}
			}
			if f.provider.calls != tt.asked || f.ledger.events[2] != tt.outcome || len(f.ledger.events) != 3*tt.asked {
				t.Errorf("%d refreshes, steps %v; want %d, each %q", f.provider.calls, f.ledger.events, tt.asked, tt.outcome)
			}
			f.provider.refuse = nil
			if _, err := f.access(t, f.Vault); err != nil {
				t.Errorf("Access at the next run: %v", err)
			}
		})
	}
}

// TestUnusableTokens: connecting again is the only cure, so the whole connection has to say so.
func TestUnusableTokens(t *testing.T) {
	secret := "projects/here/secrets/" + vault.SecretName(conn)
	for name, spoil := range map[string]func(f *fixture, secrets vault.Secrets) error{
		"none is stored": func(f *fixture, secrets vault.Secrets) error {
			f.ledger.entry.Version = 0
			return secrets.DestroyUpTo(t.Context(), vault.SecretName(conn), 1)
		},
		"its version is destroyed": func(_ *fixture, secrets vault.Secrets) error {
			return secrets.DestroyUpTo(t.Context(), vault.SecretName(conn), 1)
		},
		"its version is something else": func(f *fixture, secrets vault.Secrets) (err error) {
			f.ledger.entry.Version, err = secrets.Add(t.Context(), vault.SecretName(conn), []byte("marker"))
			return err
		},
		"parked under another client secret": func(f *fixture, _ vault.Secrets) error { f.ledger.entry.Parked = []byte("marker, sealed"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, time.Hour)
			v := f.process(t)
			if err := spoil(f, v.Secrets); err != nil {
				t.Fatal(err, f.server.Versions(secret))
			}
			_, err := f.access(t, v)
			wantReconnect(t, err, "connect again")
			if f.provider.calls != 0 {
				t.Errorf("%d refreshes, want none", f.provider.calls)
			}
		})
	}
}

// TestCertainlyNoToken: who gives a login up because it has no token has to be certain of that. A version
// that is disabled, or not found, may come back.
func TestCertainlyNoToken(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil   func(f *fixture, v *vault.Vault) error
		certain bool
	}{
		"none is stored": {func(f *fixture, v *vault.Vault) error {
			f.ledger.entry.Version = 0
			return v.Secrets.DestroyUpTo(t.Context(), vault.SecretName(conn), 1)
		}, true},
		"the pointer was lost, and Secret Manager is out of order": {func(f *fixture, _ *vault.Vault) error {
			f.ledger.entry.Version = 0
			f.server.Down(true)
			return nil
		}, false},
		"destroyed": {func(_ *fixture, v *vault.Vault) error {
			return v.Secrets.DestroyUpTo(t.Context(), vault.SecretName(conn), 1)
		}, true},
		"disabled": {func(f *fixture, _ *vault.Vault) error {
			_, err := f.server.DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: "projects/here/secrets/" + vault.SecretName(conn) + "/versions/1"})
			return err
		}, false},
		"not found":                          {func(f *fixture, _ *vault.Vault) error { f.ledger.entry.Version = 9; return nil }, false},
		"parked under another client secret": {func(f *fixture, _ *vault.Vault) error { f.ledger.entry.Parked = []byte("marker, sealed"); return nil }, false},
		"out of order":                       {func(f *fixture, _ *vault.Vault) error { f.server.Down(true); return nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, time.Hour)
			v := f.process(t)
			if err := tt.spoil(f, v); err != nil {
				t.Fatal(err)
			}
			_, err := v.Current(t.Context(), conn)
			_, errSession := f.access(t, v)
			if err == nil || errors.Is(err, vault.ErrNoToken) != tt.certain || errors.Is(errSession, vault.ErrNoToken) != tt.certain {
				t.Errorf("certain: want %t; %v; %v", tt.certain, err, errSession)
			}
		})
	}
}

// TestRefreshGivesNoEndlessToken: an answer without a refresh token is half an answer where the token
// before it had one.
func TestRefreshGivesNoEndlessToken(t *testing.T) {
	f := setup(t, 0)
	half := func(context.Context, string) (vault.Token, error) { return vault.Token{Access: "half-marker"}, nil }
	if _, err := f.Session(conn, lease, half).Access(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Access: %v, want unavailable", err)
	}
	if got, err := f.access(t, f.Vault); err != nil || got != "access-marker-2-1" {
		t.Errorf("Access at the next run = %q, %v; want the old token renewed", got, err)
	}
}

func wantReconnect(t *testing.T, err error, words string) {
	t.Helper()
	if fault.Of(err) != fault.Reconnect || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v (%s), want reconnect with %q", err, fault.Of(err), words)
	}
	if err != nil && strings.Contains(err.Error(), "marker") {
		t.Errorf("error %q holds a token", err)
	}
}

// A version that the project does not have may be a wrong setting of ours: customers are left in peace.
func TestSecretOfAnotherProject(t *testing.T) {
	f := setup(t, time.Hour)
	f.ledger.entry.Version = 9
	if _, err := f.access(t, f.process(t)); fault.Of(err) != fault.NotFound || !strings.Contains(err.Error(), "check GOOGLE_CLOUD_PROJECT") {
		t.Errorf("Access: %v, want not found and which setting to look at", err)
	}
}
