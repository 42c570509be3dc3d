package vault

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Config says where secrets are.
type Config struct {
	Project  string `env:"GOOGLE_CLOUD_PROJECT,required"`
	Emulator string `env:"SECRET_MANAGER_EMULATOR_HOST" set:"local"` // host:port of a stand-in; empty: Google's own
}

// SecretManager keeps secrets in Google Secret Manager.
type SecretManager struct {
	client  *secretmanager.Client
	project string
}

// OpenSecretManager returns a client. It connects at the first call.
func OpenSecretManager(ctx context.Context, cfg Config) (*SecretManager, error) {
	var opts []option.ClientOption
	if cfg.Emulator != "" {
		opts = append(opts, option.WithEndpoint(cfg.Emulator), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	client, err := secretmanager.NewClient(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("open Secret Manager: %w", err)
	}
	return &SecretManager{client, "projects/" + cfg.Project}, nil
}

// Close ends the connection.
func (s *SecretManager) Close() error { return s.client.Close() }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) *int64 { return proto.Int64(int64(crc32.Checksum(b, castagnoli))) }

func (s *SecretManager) name(secret string) string { return s.project + "/secrets/" + secret }

func (s *SecretManager) version(secret string, v int64) string {
	return s.name(secret) + "/versions/" + strconv.FormatInt(v, 10)
}

// Add stores payload as the secret's next version and makes the secret when it is not there yet.
func (s *SecretManager) Add(ctx context.Context, secret string, payload []byte) (int64, error) {
	req := &secretmanagerpb.AddSecretVersionRequest{
		Parent:  s.name(secret),
		Payload: &secretmanagerpb.SecretPayload{Data: payload, DataCrc32C: checksum(payload)},
	}
	v, err := s.client.AddSecretVersion(ctx, req)
	if status.Code(err) == codes.NotFound {
		if err = s.create(ctx, secret); err == nil {
			v, err = s.client.AddSecretVersion(ctx, req)
		}
	}
	if err != nil {
		return 0, kind("add secret version", err)
	}
	return number(v.GetName())
}

func (s *SecretManager) create(ctx context.Context, secret string) error {
	_, err := s.client.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{
		Parent: s.project, SecretId: secret,
		Secret: &secretmanagerpb.Secret{Replication: &secretmanagerpb.Replication{
			Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}},
		}},
	})
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	return err
}

// Get returns the payload of one version. ErrNoToken is in its error's chain for one that is destroyed.
func (s *SecretManager) Get(ctx context.Context, secret string, version int64) ([]byte, error) {
	v, err := s.client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: s.version(secret, version)})
	if err != nil {
		return nil, s.unread(ctx, secret, version, err)
	}
	p := v.GetPayload()
	if p.DataCrc32C != nil && p.GetDataCrc32C() != *checksum(p.GetData()) {
		return nil, fault.New(fault.Unavailable, "a secret arrived damaged")
	}
	return p.GetData(), nil
}

// unread gives a kind to the failure to read a version. A disabled one is refused like a destroyed one.
func (s *SecretManager) unread(ctx context.Context, secret string, version int64, cause error) error {
	err := kind("read secret version", cause)
	if status.Code(cause) != codes.FailedPrecondition {
		return err
	}
	v, errState := s.client.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: s.version(secret, version)})
	if errState == nil && v.GetState() == secretmanagerpb.SecretVersion_DESTROYED {
		return fault.Wrap(fault.Invalid, "the secret's version is destroyed", ErrNoToken)
	}
	return err
}

// Above returns the numbers of enabled versions greater than version, newest first.
func (s *SecretManager) Above(ctx context.Context, secret string, version int64) ([]int64, error) {
	return s.in(ctx, secret, secretmanagerpb.SecretVersion_ENABLED, version)
}

// Disabled returns the numbers of the versions that somebody has disabled, newest first: they can be enabled again.
func (s *SecretManager) Disabled(ctx context.Context, secret string) ([]int64, error) {
	return s.in(ctx, secret, secretmanagerpb.SecretVersion_DISABLED, 0)
}

// in returns the numbers of the versions in a state that are greater than version, newest first. Secret
// Manager is asked for no others: destroyed ones stay in its list, and a login of a year has thousands.
func (s *SecretManager) in(ctx context.Context, secret string, state secretmanagerpb.SecretVersion_State, version int64) ([]int64, error) {
	var out []int64
	err := s.each(ctx, secret, "state:"+state.String(), func(v *secretmanagerpb.SecretVersion, n int64) bool {
		if n > version && v.GetState() == state {
			out = append(out, n)
		}
		return n > version
	})
	return out, err
}

// DestroyUpTo destroys all versions up to and including version, the oldest first: whatever is cut
// short or fails, those below a destroyed one are destroyed, and need not be looked at again.
func (s *SecretManager) DestroyUpTo(ctx context.Context, secret string, version int64) error {
	var names []string
	err := s.each(ctx, secret, "", func(v *secretmanagerpb.SecretVersion, n int64) bool {
		if v.GetState() == secretmanagerpb.SecretVersion_DESTROYED {
			return n > version
		}
		if n <= version {
			names = append(names, v.GetName())
		}
		return true
	})
	if err != nil {
		return err
	}
	return s.destroy(ctx, names)
}

// destroy destroys versions, given from the newest, the oldest first.
func (s *SecretManager) destroy(ctx context.Context, names []string) error {
	for _, name := range slices.Backward(names) {
		if _, err := s.client.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: name}); err != nil {
			return kind("destroy secret version", err)
		}
	}
	return nil
}

// each visits a secret's versions that the filter lets through, newest first, until visit returns false. No
// secret: nothing to visit.
func (s *SecretManager) each(ctx context.Context, secret, filter string, visit func(*secretmanagerpb.SecretVersion, int64) bool) error {
	it := s.client.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: s.name(secret), Filter: filter, PageSize: 25})
	for {
		v, err := it.Next()
		if errors.Is(err, iterator.Done) || status.Code(err) == codes.NotFound {
			return nil
		}
		if err != nil {
			return kind("list secret versions", err)
		}
		n, err := number(v.GetName())
		if err != nil {
			return err
		}
		if !visit(v, n) {
			return nil
		}
	}
}

func number(name string) (int64, error) {
	n, err := strconv.ParseInt(name[strings.LastIndexByte(name, '/')+1:], 10, 64)
	if err != nil {
		return 0, fault.New(fault.Internal, "Secret Manager named a version without a number")
	}
	return n, nil
}

// kind is the one place that knows what Secret Manager's codes mean, and what to do about them.
func kind(doing string, err error) error {
	code := status.Code(err)
	if code == codes.Unknown { // the client gives the end of a context as it is
		code = status.FromContextError(err).Code()
	}
	k, say := fault.Unavailable, "Secret Manager is out of order at the moment, the next sync tries again"
	switch code {
	case codes.NotFound:
		k, say = fault.NotFound, "Secret Manager has no such secret: check GOOGLE_CLOUD_PROJECT, or connect again"
	case codes.FailedPrecondition, codes.InvalidArgument:
		k, say = fault.Invalid, "Secret Manager refuses the request: if the version was disabled, enable it, else connect again"
	case codes.PermissionDenied, codes.Unauthenticated:
		k, say = fault.Forbidden, "Secret Manager doesn't let this program in: check the roles of its service account"
	case codes.Canceled:
		k, say = fault.Stopped, "stopped during a call to Secret Manager"
	}
	return fault.New(k, fmt.Sprintf("%s (%s: %s)", say, doing, code))
}
