package main

import (
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
)

// Whoever has not come all the way can connect again, and sees why an attempt came to nothing.
func TestTenants(t *testing.T) {
	synced := []store.StreamStatus{{Name: "items"}}
	for _, tt := range []struct {
		name               string
		provider           org.Provider
		state              org.State
		reason             string
		streams            []store.StreamStatus
		shown, books, bank bool
	}{
		{"connected", quickbooks.Provider, org.Active, "", synced, true, true, false},
		{"a bank that needs a new login", plaid.Provider, org.NeedsReauth, "sign in", synced, true, false, true},
		{"left connecting", quickbooks.Provider, org.Connecting, "", nil, true, false, false},
		{"a bank left connecting", plaid.Provider, org.Connecting, "", nil, true, false, false},
		{"never connected", plaid.Provider, org.Disconnected, "a token was asked for", nil, true, false, false},
		{"ended", plaid.Provider, org.Disconnected, "disconnected on request", synced, false, false, false},
	} {
		var c store.ConnectionStatus
		c.ID, c.Org, c.Provider, c.State, c.Reason, c.Streams = 1, "onpoint", tt.provider, tt.state, tt.reason, tt.streams
		got := tenants([]store.ConnectionStatus{c})[0]
		if (len(got.Connections) == 1) != tt.shown || got.Books != tt.books || got.Bank != tt.bank {
			t.Errorf("%s: %d shown, books %t, bank %t", tt.name, len(got.Connections), got.Books, got.Bank)
		}
	}
}
