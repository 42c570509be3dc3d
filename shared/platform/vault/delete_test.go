package vault_test

import (
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// TestSecretOwner reads names of secrets of organisations whose slugs are made to be mistaken.
func TestSecretOwner(t *testing.T) {
	t.Parallel()
	for _, slug := range []org.Slug{"a", "a-b", "a-quickbooks", "a-quickbooks-1", "connection", "connection-a", "a_b", "a-1"} {
		for _, provider := range []org.Provider{"quickbooks", "plaid", "moneytree"} {
			name := vault.SecretName(org.Connection{ID: 12, Org: slug, Provider: provider})
			if got, ok := vault.SecretOwner(name); !ok || got != slug {
				t.Errorf("%s is %q's, want %q", name, got, slug)
			}
		}
	}
	for _, name := range []string{"", "plaid-secret", "connection-a", "connection-a-plaid", "connection-a-plaid-x", "x-connection-a-plaid-1", "connection--1"} {
		if got, ok := vault.SecretOwner(name); ok {
			t.Errorf("%q is taken for %q's", name, got)
		}
	}
}
