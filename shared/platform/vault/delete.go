package vault

import (
	"context"
	"math"
	"regexp"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// secretOf is SecretName the other way round. A slug may have hyphens and digits in it, a provider's name
// has no hyphen: read from its end, a name has one meaning.
var secretOf = regexp.MustCompile(`^` + SecretPrefix + `(.+)-[a-z0-9_]+-[0-9]+$`)

// SecretOwner returns the organisation that a secret was named for by SecretName; ok is false for other names.
func SecretOwner(secret string) (slug org.Slug, ok bool) {
	m := secretOf.FindStringSubmatch(secret)
	if m == nil {
		return "", false
	}
	return org.Slug(m[1]), true
}

// Delete destroys all versions of a secret, and then the secret: where the right to delete it is missing
// its tokens are gone all the same. there is false when there was none. Errors: fault.Forbidden without
// the right secretmanager.secrets.delete, else as Get's.
func (s *SecretManager) Delete(ctx context.Context, secret string) (there bool, err error) {
	if err := s.DestroyUpTo(ctx, secret, math.MaxInt64); err != nil {
		return false, err
	}
	err = s.client.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: s.name(secret)})
	if status.Code(err) == codes.NotFound {
		return false, nil
	}
	if err != nil {
		return false, kind("delete secret", err)
	}
	return true, nil
}

// Adopt moves the pointer to the newest stored token, where a process has died after it had stored one and
// before it could note that: whoever ends a login has to end the newest.
func (v *Vault) Adopt(ctx context.Context, c org.Connection, l org.Lease) error {
	e, err := v.Ledger.Entry(ctx, c.ID)
	if err != nil {
		return err
	}
	_, err = v.Session(c, l, nil).adopt(ctx, e)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
