package vault_test

import (
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// TestRestoredDatabase puts the ledger back to what it was before the token was renewed. The next run
// goes on with the newest token that there is, and nobody has to connect again.
func TestRestoredDatabase(t *testing.T) {
	for _, tt := range []struct {
		name    string
		backup  func(*testing.T, *fixture) vault.Entry // what the backup holds; nil: the entry as it is at rest
		kept    bool                                   // old versions could not be destroyed
		renewed int                                    // times since
		want    string                                 // the access token
		asks    int                                    // of the provider, after the restore
	}{
		{name: "renewed once since", renewed: 1, want: "access-marker-2-1"},
		{name: "renewed many times since", renewed: 5, want: "access-marker-6-5"},
		{name: "renewed since, and the old version is still there", kept: true, renewed: 3, want: "access-marker-4-3", asks: 1},
		{name: "a renewal was under way", backup: underWay, renewed: 1, want: "access-marker-2-1"},
		{name: "a renewal was under way, and others followed", backup: underWay, renewed: 4, want: "access-marker-5-4"},
		{name: "a renewal was under way, and came to nothing", backup: underWay, want: "access-marker-2-1", asks: 1},
		{name: "a token was parked", backup: parked, renewed: 2, want: "access-marker-3-2"},
		{name: "a token was parked, and nothing has happened since", backup: parked, want: "access-marker-2-1", asks: 1},
		{name: "a token was parked, and the app's secret has changed since", backup: sealedOtherwise, renewed: 2, want: "access-marker-3-2"},
		{name: "nothing has happened since", want: "access-marker-2-1", asks: 1},
		{name: "an attempt to connect was under way, and came about", backup: unconnected, renewed: 2, want: "access-marker-3-2"},
		{name: "the secrets were called lost, and are there", backup: unconnected, want: "access-marker-2-1", asks: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := setup(t, 0)
			backup := f.ledger.entry
			if tt.backup != nil {
				backup = tt.backup(t, f)
			}
			if tt.kept {
				f.server.FailNext("DestroySecretVersion", 100, codes.Unavailable)
			}
			for i := range tt.renewed {
				f.provider.lasts = time.Duration(i+1) * time.Second // due again at once, and later than the one before
				if i == tt.renewed-1 {
					f.provider.lasts = time.Hour
				}
				if _, err := f.access(t, f.process(t)); err != nil {
					t.Fatal(err)
				}
			}
			f.provider.lasts = time.Hour

			f.ledger.entry = backup
			asked := f.provider.calls
			for _, run := range []string{"after the restore", "after that one"} {
				if got, err := f.access(t, f.process(t)); err != nil || got != tt.want {
					t.Errorf("Access at the run %s = %q, %v; want %q", run, got, err, tt.want)
				}
			}
			if n := f.provider.calls - asked; n != tt.asks {
				t.Errorf("the provider was asked %d times after the restore, want %d", n, tt.asks)
			}
			if f.ledger.entry.Parked != nil || f.ledger.entry.Open != nil {
				t.Errorf("entry %+v: something is left over", f.ledger.entry)
			}
		})
	}
}

func unconnected(*testing.T, *fixture) vault.Entry { return vault.Entry{} }

func underWay(_ *testing.T, f *fixture) vault.Entry {
	return vault.Entry{Version: f.ledger.entry.Version, Open: &vault.Attempt{ID: 1, Started: start}}
}

// parked returns the entry as it is while Secret Manager does not take the present token.
func parked(t *testing.T, f *fixture) vault.Entry {
	t.Helper()
	f.server.Down(true)
	defer f.server.Down(false)
	rest := f.ledger.entry
	if err := f.Save(t.Context(), conn, lease, f.provider.token(0)); err != nil {
		t.Fatal(err)
	}
	taken := f.ledger.entry
	f.ledger.entry = rest
	return taken
}

func sealedOtherwise(t *testing.T, f *fixture) vault.Entry {
	t.Helper()
	e := parked(t, f)
	e.Parked = []byte("sealed with another key")
	return e
}

// TestStoredBeforeTheParkedOne: a version that was stored without our having known, before the token that
// is parked now, does not take its place.
func TestStoredBeforeTheParkedOne(t *testing.T) {
	f := setup(t, 0)
	unknown, err := json.Marshal(f.provider.token(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.process(t).Secrets.Add(t.Context(), vault.SecretName(conn), unknown); err != nil {
		t.Fatal(err)
	}
	f.provider.newest++
	f.server.Down(true)
	if err := f.Save(t.Context(), conn, lease, f.provider.token(time.Hour)); err != nil || f.ledger.entry.Parked == nil {
		t.Fatalf("parked %t, %v", f.ledger.entry.Parked != nil, err)
	}
	f.server.Down(false)
	if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-0" || f.ledger.entry.Version != 3 {
		t.Errorf("Access = %q, %v, version %d; want the parked token, moved", got, err, f.ledger.entry.Version)
	}
}

// TestDisconnectAfterRestore: the login that is ended at the provider is the one that works now.
func TestDisconnectAfterRestore(t *testing.T) {
	f := setup(t, 0)
	backup := f.ledger.entry
	if _, err := f.access(t, f.process(t)); err != nil {
		t.Fatal(err)
	}
	for _, old := range []vault.Entry{backup, {}} { // also where it was not connected then
		f.ledger.entry = old
		got, err := f.process(t).Current(t.Context(), conn)
		if err != nil || got.Refresh != "refresh-marker-2" {
			t.Errorf("Current: the newest token %t, %v", got.Refresh == "refresh-marker-2", err)
		}
	}
}
