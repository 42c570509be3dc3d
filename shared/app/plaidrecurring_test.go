package app

import (
	"slices"
	"strings"
	"testing"
)

// What repeats is an add-on: Plaid does not take it in a list of products, so it has a setting of its own.
func TestRecurringIsNoProductToAskFor(t *testing.T) {
	t.Parallel()
	for _, c := range []PlaidLinkConfig{
		{Name: "Countinghouse", Products: []string{"transactions", "recurring_transactions"}, Language: "en", Days: 730},
		{Name: "Countinghouse", Products: []string{"transactions"}, Optional: []string{"recurring_transactions"}, Language: "en", Days: 730},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "PLAID_RECURRING") {
			t.Errorf("%v; want it to name PLAID_RECURRING", err)
		}
	}
	for set, want := range map[bool][]string{false: nil, true: {"recurring_transactions"}} {
		if got := (PlaidConfig{Recurring: set}).addOns(); !slices.Equal(got, want) {
			t.Errorf("set to %v: add-ons %v", set, got)
		}
	}
}
