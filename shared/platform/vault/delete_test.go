package vault_test

import (
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// TestSecretOwner reads names of secrets of organisations whose slugs are made to be mistaken.
func TestSecretOwner(t *testing.T) {
	t.Parallel()
	for _, slug := range []org.Slug{"a", "a-b", "a-quickbooks", "a-quickbooks-1", "connection", "connection-a", "a_b", "a-1"} {
		for _, provider := range []org.Provider{"quickbooks", "plaid", "moneytree"} {
			want := org.Connection{ID: 12, Org: slug, Provider: provider}
			name := vault.SecretName(want)
			if got, ok := vault.SecretOwner(name); !ok || got != want {
				t.Errorf("%s is that of %+v, want %+v", name, got, want)
			}
		}
	}
	for _, name := range []string{"", "plaid-secret", "connection-a", "connection-a-plaid", "connection-a-plaid-x", "x-connection-a-plaid-1", "connection--1", "connection-a-plaid-99999999999999999999"} {
		if got, ok := vault.SecretOwner(name); ok {
			t.Errorf("%q is taken for that of %+v", name, got)
		}
	}
}

// TestDeleteWithoutRight: where the secret stays its tokens are gone, also those below one that somebody has
// destroyed by hand.
func TestDeleteWithoutRight(t *testing.T) {
	t.Parallel()
	s, server := openManager(t)
	for range 30 { // more than a page
		if _, err := s.Add(t.Context(), "connection-a", []byte("payload")); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"30", "7"} {
		if _, err := server.DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: "projects/demo/secrets/connection-a/versions/" + n}); err != nil {
			t.Fatal(err)
		}
	}
	server.FailNext("DeleteSecret", 1, codes.PermissionDenied)
	if _, err := s.Delete(t.Context(), "connection-a"); !fault.Is(err, fault.Forbidden) {
		t.Errorf("without the right: %v", err)
	}
	if usable, err := s.Above(t.Context(), "connection-a", 0); err != nil || len(usable) != 0 {
		t.Errorf("%v can be read still, %v", usable, err)
	}
	if there, err := s.Delete(t.Context(), "connection-a"); err != nil || !there || len(server.Secrets()) != 0 {
		t.Errorf("with it: %t, %v", there, err)
	}
}
