package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// TestBanks: who asks at which bank an organisation has a login gets its own live ones, with the accounts
// that are there now.
func TestBanks(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, plaid.Catalog()...)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := s.Pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	login := func(slug org.Slug, item, institution string, state org.State) org.ConnectionID {
		id := s.Connect(t, slug, plaid.Provider, item)
		exec(`UPDATE sync.connections SET state = $2 WHERE id = $1`, id, state)
		exec(`INSERT INTO plaid.items (org_id, connection_id, id, institution_id, raw, digest, synced_at) VALUES ($1, $2, $3, $4, '{}', '', now())`, slug, id, item, institution)
		exec(`INSERT INTO plaid.accounts (org_id, connection_id, id, name, mask, raw, digest, deleted_at, synced_at) VALUES
			($1, $2, 'b', 'Saving', NULL, '{}', '', NULL, now()), ($1, $2, 'a', 'Checking', '0000', '{}', '', NULL, now()), ($1, $2, 'c', 'Closed', '9', '{}', '', now(), now())`, slug, id)
		return id
	}
	first := login("onpoint", "i1", "ins_1", org.Active)
	login("onpoint", "i2", "ins_2", org.Active)
	login("powergen", "i3", "ins_1", org.Active)
	login("onpoint", "i4", "ins_1", org.Disconnected)
	asleep := login("onpoint", "i5", "ins_1", org.NeedsReauth)

	accounts := []store.BankAccount{{Name: "Checking", Mask: "0000"}, {Name: "Saving"}}
	want := []store.Bank{
		{Connection: org.Connection{ID: first, Org: "onpoint", Provider: plaid.Provider, Account: "i1", State: org.Active}, Accounts: accounts},
		{Connection: org.Connection{ID: asleep, Org: "onpoint", Provider: plaid.Provider, Account: "i5", State: org.NeedsReauth}, Accounts: accounts},
	}
	got, err := s.Banks(t.Context(), "onpoint", "ins_1")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := s.Banks(t.Context(), "onpoint", "ins_3"); err != nil || got != nil {
		t.Errorf("at another bank: %v, %v", got, err)
	}
}
