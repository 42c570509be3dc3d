package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"

	"github.com/countinghouse/countinghouse/shared/org"
)

// SecretPrefix begins the name of each secret that holds a connection's token, and of no other.
const SecretPrefix = "connection-"

// Kept is what the ledger says of one connection's token.
type Kept struct {
	org.Connection
	Version int64 // the pointer; zero: no token is stored
	Parked  bool  // a token waits, sealed in the database, until Secret Manager takes it
	Taken   bool  // it is disconnected, and another connection has its account by now
}

// Shelf is the part of Secret Manager that Sweep works on.
type Shelf interface {
	// Names returns all secrets that begin with prefix.
	Names(ctx context.Context, prefix string) ([]string, error)
	// Above returns the numbers of usable versions greater than version, newest first.
	Above(ctx context.Context, secret string, version int64) ([]int64, error)
	// DestroyBelow destroys the versions smaller than version and returns how many there were. It waits for
	// turn before each destruction.
	DestroyBelow(ctx context.Context, secret string, version int64, turn func(context.Context) error) (int, error)
}

// Swept is what Sweep has found and done.
type Swept struct {
	Looked    int      // secrets that were looked at
	Destroyed int      // versions that held tokens which have been replaced
	Parked    []Kept   // tokens that still wait for Secret Manager
	Leftovers []Kept   // disconnected connections that still have a token, wherever the pointer points
	Orphans   []string // secrets that hold a token, and that no connection has
}

// Sweep destroys what renewals of tokens have left: versions below the pointer, which outlived an outage of
// Secret Manager, and cost money each month. It looks for secrets that no connection has, and for tokens of
// connections that are disconnected, and leaves them as they are: one may be all that is left of a login which
// a restored database does not know.
//
// Secret Manager lets a project make 600 changes a minute and look at 600 things, and the syncs need theirs: turn is
// waited for before each call. Connections are read after the secrets are listed, because a connection is there
// before its secret. Each start takes them in another order, so that one which is always cut short leaves none out for ever.
//
// The error names the secrets that could not be swept; three failures in a row end the sweep. Then Swept
// says what was done until then.
func Sweep(ctx context.Context, shelf Shelf, connections func(context.Context) ([]Kept, error), turn func(context.Context) error) (s Swept, err error) {
	if err := turn(ctx); err != nil {
		return s, err
	}
	names, err := shelf.Names(ctx, SecretPrefix)
	if err != nil {
		return s, err
	}
	all, err := connections(ctx)
	if err != nil {
		return s, err
	}
	has := make(map[string]Kept, len(all)) // by secret
	for _, k := range all {
		has[SecretName(k.Connection)] = k
		switch {
		case k.Parked && k.State == org.Disconnected: // no sync moves it any more
			s.Leftovers = append(s.Leftovers, k)
		case k.Parked:
			s.Parked = append(s.Parked, k)
		}
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var errs []error
	for failures := 0; len(names) > 0 && failures < 3; names = names[1:] {
		k, known := has[names[0]]
		if known && k.settled() {
			continue
		}
		failures++
		if err := s.one(ctx, shelf, names[0], k, known, turn); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", names[0], err))
			continue
		}
		failures = 0
	}
	if len(names) > 0 {
		errs = append(errs, fmt.Errorf("%d secrets were not looked at", len(names)))
	}
	slices.Sort(s.Orphans)
	slices.SortFunc(s.Leftovers, func(a, b Kept) int { return cmp.Compare(a.ID, b.ID) })
	return s, errors.Join(errs...)
}

// settled reports whether nothing needs to be looked for in the secret: there is nothing below the pointer, or
// it is known already that a disconnected connection has a token.
func (k Kept) settled() bool {
	if k.State == org.Disconnected {
		return k.Parked
	}
	return k.Version < 2
}

// one sweeps a secret.
func (s *Swept) one(ctx context.Context, shelf Shelf, name string, k Kept, known bool, turn func(context.Context) error) error {
	if err := turn(ctx); err != nil {
		return err
	}
	s.Looked++
	if known && k.State != org.Disconnected {
		n, err := shelf.DestroyBelow(ctx, name, k.Version, turn)
		s.Destroyed += n
		return err
	}
	usable, err := shelf.Above(ctx, name, 0)
	switch {
	case len(usable) == 0:
	case known:
		s.Leftovers = append(s.Leftovers, k)
	default:
		s.Orphans = append(s.Orphans, name)
	}
	return err
}

// Names returns all secrets that begin with prefix.
func (s *SecretManager) Names(ctx context.Context, prefix string) (names []string, err error) {
	it := s.client.ListSecrets(ctx, &secretmanagerpb.ListSecretsRequest{Parent: s.project, Filter: "name:" + prefix, PageSize: 1000})
	for {
		secret, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return names, nil
		}
		if err != nil {
			return nil, kind("list secrets", err)
		}
		name := secret.GetName()
		if name = name[strings.LastIndexByte(name, '/')+1:]; strings.HasPrefix(name, prefix) { // the filter finds it anywhere
			names = append(names, name)
		}
	}
}

// DestroyBelow destroys the versions smaller than version, the oldest first, and returns how many there
// were. It waits for turn before each destruction.
func (s *SecretManager) DestroyBelow(ctx context.Context, secret string, version int64, turn func(context.Context) error) (destroyed int, err error) {
	var names []string
	err = s.each(ctx, secret, "", func(v *secretmanagerpb.SecretVersion, n int64) bool {
		gone := v.GetState() == secretmanagerpb.SecretVersion_DESTROYED
		if n < version && !gone {
			names = append(names, v.GetName())
		}
		return n >= version || !gone // see DestroyUpTo
	})
	if err != nil {
		return 0, err
	}
	for _, name := range slices.Backward(names) {
		if err := turn(ctx); err != nil {
			return destroyed, err
		}
		if _, err := s.client.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: name}); err != nil {
			return destroyed, kind("destroy secret version", err)
		}
		destroyed++
	}
	return destroyed, nil
}
