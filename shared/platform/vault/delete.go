package vault

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// secretOf is SecretName the other way round. A slug may have hyphens and digits in it, a provider's name
// has no hyphen: read from its end, a name has one meaning.
var secretOf = regexp.MustCompile(`^` + SecretPrefix + `(.+)-([a-z0-9_]+)-([0-9]+)$`)

// SecretOwner returns whom a secret was named for by SecretName: of the connection only its number, its
// organisation and its provider are told. ok is false for other names.
func SecretOwner(secret string) (c org.Connection, ok bool) {
	m := secretOf.FindStringSubmatch(secret)
	if m == nil {
		return org.Connection{}, false
	}
	id, err := strconv.ParseInt(m[3], 10, 64)
	return org.Connection{ID: org.ConnectionID(id), Org: org.Slug(m[1]), Provider: org.Provider(m[2])}, err == nil
}

// Delete destroys all versions of a secret, and then the secret: where the right to delete it is missing
// its tokens are gone all the same. there is false when there was none. Errors: fault.Forbidden without
// the right secretmanager.secrets.delete, else as Get's.
func (s *SecretManager) Delete(ctx context.Context, secret string) (there bool, err error) {
	if err := s.destroyAll(ctx, secret); err != nil {
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

// destroyAll destroys all versions of a secret, the oldest first. It looks below destroyed ones, too: somebody
// may have destroyed one by hand.
func (s *SecretManager) destroyAll(ctx context.Context, secret string) error {
	var names []string
	err := s.each(ctx, secret, "", func(v *secretmanagerpb.SecretVersion, _ int64) bool {
		if v.GetState() != secretmanagerpb.SecretVersion_DESTROYED {
			names = append(names, v.GetName())
		}
		return true
	})
	if err != nil {
		return err
	}
	return s.destroy(ctx, names)
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

// Newest returns the newest stored token of a connection that the ledger does not know any more.
// fault.NotFound and ErrNoToken when no version is usable, fault.Invalid when what is there is no token.
func (v *Vault) Newest(ctx context.Context, c org.Connection) (Token, error) {
	usable, err := v.above(ctx, c, 0)
	if err != nil {
		return Token{}, err
	}
	if len(usable) == 0 {
		return Token{}, fault.Wrap(fault.NotFound, "no token is stored for this connection", ErrNoToken)
	}
	payload, err := v.get(ctx, SecretName(c), usable[0])
	if err != nil {
		return Token{}, fmt.Errorf("read token: %w", err)
	}
	return decode(payload)
}
