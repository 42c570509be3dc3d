package vault

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
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
	Emulator string `env:"SECRET_MANAGER_EMULATOR_HOST"` // host:port of a stand-in; empty: Google's own
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

// Get returns the payload of one version.
func (s *SecretManager) Get(ctx context.Context, secret string, version int64) ([]byte, error) {
	v, err := s.client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: s.version(secret, version)})
	if err != nil {
		return nil, kind("read secret version", err)
	}
	p := v.GetPayload()
	if p.DataCrc32C != nil && p.GetDataCrc32C() != *checksum(p.GetData()) {
		return nil, fault.New(fault.Unavailable, "a secret arrived damaged")
	}
	return p.GetData(), nil
}

// Above returns the numbers of enabled versions greater than version, newest first.
func (s *SecretManager) Above(ctx context.Context, secret string, version int64) ([]int64, error) {
	var out []int64
	err := s.each(ctx, secret, func(v *secretmanagerpb.SecretVersion, n int64) (bool, error) {
		if n > version && v.GetState() == secretmanagerpb.SecretVersion_ENABLED {
			out = append(out, n)
		}
		return n > version, nil
	})
	return out, err
}

// DestroyUpTo destroys all versions up to and including version that are not destroyed yet. Once
// it meets a destroyed one it has met all: versions are destroyed oldest last.
func (s *SecretManager) DestroyUpTo(ctx context.Context, secret string, version int64) error {
	return s.each(ctx, secret, func(v *secretmanagerpb.SecretVersion, n int64) (bool, error) {
		if n > version {
			return true, nil
		}
		if v.GetState() == secretmanagerpb.SecretVersion_DESTROYED {
			return false, nil
		}
		_, err := s.client.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: v.GetName()})
		return true, err
	})
}

// each visits a secret's versions, newest first, until visit returns false. No secret: nothing to visit.
func (s *SecretManager) each(ctx context.Context, secret string, visit func(*secretmanagerpb.SecretVersion, int64) (bool, error)) error {
	it := s.client.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: s.name(secret), PageSize: 25})
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
		more, err := visit(v, n)
		if err != nil {
			return kind("visit secret version", err)
		}
		if !more {
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

func kind(doing string, err error) error {
	k := fault.Unavailable
	switch status.Code(err) {
	case codes.NotFound:
		k = fault.NotFound
	case codes.FailedPrecondition, codes.InvalidArgument:
		k = fault.Invalid
	case codes.PermissionDenied, codes.Unauthenticated:
		k = fault.Forbidden
	case codes.Canceled:
		k = fault.Stopped
	}
	return &fault.Error{Kind: k, Msg: doing + ": Secret Manager answered " + status.Code(err).String()}
}
