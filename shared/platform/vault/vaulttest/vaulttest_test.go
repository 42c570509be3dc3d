package vaulttest_test

import (
	"context"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
)

const tokens = "projects/demo/secrets/onpoint-quickbooks"

func TestVersionsAreReadByNumber(t *testing.T) {
	t.Parallel()
	s, c := serve(t, vaulttest.Options{})
	create(t, c, "onpoint-quickbooks")
	first := add(t, c, "one")
	add(t, c, "two")

	if strings.Contains(first.GetName(), "demo") || !strings.HasSuffix(first.GetName(), "/versions/1") {
		t.Errorf("name %q: want the project's number and version 1", first.GetName())
	}
	for name, want := range map[string]string{tokens + "/versions/1": "one", tokens + "/versions/2": "two", first.GetName(): "one"} {
		if got := read(t, c, name); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"2 ENABLED", "1 ENABLED"}, list(t, c)); diff != "" {
		t.Errorf("versions, newest first (-want +got):\n%s", diff)
	}
	if got := s.Calls()["AddSecretVersion"]; got != 2 {
		t.Errorf("AddSecretVersion counted %d times", got)
	}
	if vs := s.Versions(tokens); len(vs) != 2 || string(vs[1].Data) != "two" || vs[1].Number != 2 {
		t.Errorf("versions seen by a test: %+v", vs)
	}
}

func TestLatestIsStale(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	_, c := serve(t, vaulttest.Options{Stale: time.Minute, Now: func() time.Time { return now }})
	create(t, c, "onpoint-quickbooks")
	add(t, c, "one")
	_, err := access(c, tokens+"/versions/latest")
	want(t, "latest at once", err, codes.NotFound)
	now = now.Add(time.Minute)
	add(t, c, "two")
	if got := read(t, c, tokens+"/versions/latest"); got != "one" {
		t.Errorf("latest is %q right after two was added", got)
	}
	now = now.Add(time.Minute)
	if got := read(t, c, tokens+"/versions/latest"); got != "two" {
		t.Errorf("latest is %q a minute later", got)
	}
	_, err = c.DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: tokens + "/versions/2"})
	want(t, "destroy", err, codes.OK)
	_, err = access(c, tokens+"/versions/latest")
	want(t, "latest when destroyed: no fall back", err, codes.FailedPrecondition)
}

func TestStates(t *testing.T) {
	t.Parallel()
	s, c := serve(t, vaulttest.Options{})
	create(t, c, "onpoint-quickbooks")
	v := add(t, c, "one")
	name := tokens + "/versions/1"

	_, err := c.DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: name})
	want(t, "disable", err, codes.OK)
	_, err = access(c, name)
	want(t, "access disabled", err, codes.FailedPrecondition)
	_, err = c.EnableSecretVersion(t.Context(), &secretmanagerpb.EnableSecretVersionRequest{Name: name, Etag: v.GetEtag()})
	want(t, "enable with an old etag", err, codes.FailedPrecondition)
	_, err = c.EnableSecretVersion(t.Context(), &secretmanagerpb.EnableSecretVersionRequest{Name: name})
	want(t, "enable", err, codes.OK)
	_, err = c.DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: name})
	want(t, "destroy", err, codes.OK)
	_, err = access(c, name)
	want(t, "access destroyed", err, codes.FailedPrecondition)
	_, err = c.EnableSecretVersion(t.Context(), &secretmanagerpb.EnableSecretVersionRequest{Name: name})
	want(t, "enable destroyed", err, codes.FailedPrecondition)
	if vs := s.Versions(tokens); vs[0].State != "DESTROYED" || vs[0].Data != nil {
		t.Errorf("after destroy: %+v", vs[0])
	}
	_, err = c.GetSecretVersion(t.Context(), &secretmanagerpb.GetSecretVersionRequest{Name: name})
	want(t, "describe destroyed", err, codes.OK)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, c := serve(t, vaulttest.Options{})
	create(t, c, "onpoint-quickbooks")
	ctx := t.Context()
	sum := int64(1)
	put := func(parent string, p *secretmanagerpb.SecretPayload) error {
		_, err := c.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: parent, Payload: p})
		return err
	}
	make := func(parent, id string, r *secretmanagerpb.Replication) error {
		_, err := c.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: parent, SecretId: id, Secret: &secretmanagerpb.Secret{Replication: r}})
		return err
	}
	get := func(name string) error { _, err := access(c, name); return err }

	want(t, "wrong checksum", put(tokens, &secretmanagerpb.SecretPayload{Data: []byte("x"), DataCrc32C: &sum}), codes.InvalidArgument)
	want(t, "empty payload", put(tokens, &secretmanagerpb.SecretPayload{}), codes.InvalidArgument)
	want(t, "64 KiB", put(tokens, &secretmanagerpb.SecretPayload{Data: bytesOf(64 << 10)}), codes.OK)
	want(t, "more than 64 KiB", put(tokens, &secretmanagerpb.SecretPayload{Data: bytesOf(64<<10 + 1)}), codes.InvalidArgument)
	want(t, "no such secret", put("projects/demo/secrets/none", &secretmanagerpb.SecretPayload{Data: []byte("x")}), codes.NotFound)
	want(t, "secret exists", make("projects/demo", "onpoint-quickbooks", automatic()), codes.AlreadyExists)
	want(t, "bad secret id", make("projects/demo", "a/b", automatic()), codes.InvalidArgument)
	want(t, "bad project", make("demo", "a", automatic()), codes.InvalidArgument)
	want(t, "no replication", make("projects/demo", "a", nil), codes.InvalidArgument)
	want(t, "no such version", get(tokens+"/versions/9"), codes.NotFound)
	want(t, "bad version", get(tokens+"/versions/newest"), codes.InvalidArgument)
	want(t, "no version", get(tokens), codes.InvalidArgument)
}

func TestFailuresOnDemand(t *testing.T) {
	t.Parallel()
	s, c := serve(t, vaulttest.Options{})
	create(t, c, "onpoint-quickbooks")
	put := func() error {
		_, err := c.AddSecretVersion(t.Context(), &secretmanagerpb.AddSecretVersionRequest{Parent: tokens, Payload: &secretmanagerpb.SecretPayload{Data: []byte("x")}})
		return err
	}
	s.Down(true)
	want(t, "down", put(), codes.Unavailable)
	s.Down(false)
	s.FailNext("AddSecretVersion", 2, codes.ResourceExhausted)
	want(t, "first", put(), codes.ResourceExhausted)
	want(t, "second", put(), codes.ResourceExhausted)
	if n := len(s.Versions(tokens)); n != 0 {
		t.Errorf("%d versions after failures", n)
	}
	s.LoseNext("AddSecretVersion", 1, codes.Unavailable)
	want(t, "answer lost", put(), codes.Unavailable)
	if n := len(s.Versions(tokens)); n != 1 {
		t.Errorf("%d versions after a lost answer, want 1", n)
	}
	want(t, "well again", put(), codes.OK)
}

func TestSecretsOutliveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "secrets.json")
	s, c := serve(t, vaulttest.Options{File: file})
	create(t, c, "onpoint-quickbooks")
	create(t, c, "powergen-plaid")
	add(t, c, "one")
	s.Close()
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("file: %v %v", fi, err)
	}

	s, c = serve(t, vaulttest.Options{File: file})
	if got := read(t, c, tokens+"/versions/1"); got != "one" {
		t.Errorf("after the restart: %q", got)
	}
	it := c.ListSecrets(t.Context(), &secretmanagerpb.ListSecretsRequest{Parent: "projects/demo", PageSize: 1, Filter: "name:plaid"})
	got, err := it.Next()
	if err != nil || !strings.HasSuffix(got.GetName(), "/powergen-plaid") {
		t.Errorf("listed %v %v", got, err)
	}
	want(t, "delete", c.DeleteSecret(t.Context(), &secretmanagerpb.DeleteSecretRequest{Name: tokens}), codes.OK)
	if diff := cmp.Diff([]string{"projects/demo/secrets/powergen-plaid"}, s.Secrets()); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	_, err = c.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: tokens})
	want(t, "deleted", err, codes.NotFound)
}

func serve(t *testing.T, o vaulttest.Options) (*vaulttest.Server, *secretmanager.Client) {
	t.Helper()
	s, err := vaulttest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := secretmanager.NewClient(t.Context(), option.WithEndpoint(s.Addr()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return s, c
}

func automatic() *secretmanagerpb.Replication {
	return &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}}
}

func create(t *testing.T, c *secretmanager.Client, id string) {
	t.Helper()
	_, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: "projects/demo", SecretId: id,
		Secret: &secretmanagerpb.Secret{Replication: automatic()}})
	want(t, "create "+id, err, codes.OK)
}

func add(t *testing.T, c *secretmanager.Client, data string) *secretmanagerpb.SecretVersion {
	t.Helper()
	sum := int64(crc32.Checksum([]byte(data), crc32.MakeTable(crc32.Castagnoli)))
	v, err := c.AddSecretVersion(t.Context(), &secretmanagerpb.AddSecretVersionRequest{Parent: tokens,
		Payload: &secretmanagerpb.SecretPayload{Data: []byte(data), DataCrc32C: &sum}})
	want(t, "add "+data, err, codes.OK)
	return v
}

func access(c *secretmanager.Client, name string) (*secretmanagerpb.SecretPayload, error) {
	r, err := c.AccessSecretVersion(context.Background(), &secretmanagerpb.AccessSecretVersionRequest{Name: name})
	return r.GetPayload(), err
}

func read(t *testing.T, c *secretmanager.Client, name string) string {
	t.Helper()
	p, err := access(c, name)
	want(t, "access "+name, err, codes.OK)
	if sum := int64(crc32.Checksum(p.GetData(), crc32.MakeTable(crc32.Castagnoli))); sum != p.GetDataCrc32C() {
		t.Errorf("%s: checksum %d, want %d", name, p.GetDataCrc32C(), sum)
	}
	return string(p.GetData())
}

func list(t *testing.T, c *secretmanager.Client) (got []string) {
	t.Helper()
	it := c.ListSecretVersions(t.Context(), &secretmanagerpb.ListSecretVersionsRequest{Parent: tokens, PageSize: 1})
	for {
		v, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return got
		}
		want(t, "list", err, codes.OK)
		got = append(got, v.GetName()[strings.LastIndex(v.GetName(), "/")+1:]+" "+v.GetState().String())
	}
}

func want(t *testing.T, what string, err error, code codes.Code) {
	t.Helper()
	if got := status.Code(err); got != code {
		t.Errorf("%s: %v (%v), want %v", what, got, err, code)
	}
}

func bytesOf(n int) []byte { return []byte(strings.Repeat("x", n)) }
