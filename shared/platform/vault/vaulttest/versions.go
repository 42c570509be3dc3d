package vaulttest

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	enabled   = secretmanagerpb.SecretVersion_ENABLED
	disabled  = secretmanagerpb.SecretVersion_DISABLED
	destroyed = secretmanagerpb.SecretVersion_DESTROYED

	maxPayload = 64 << 10
)

// AddSecretVersion stores 1 byte to 64 KiB as the next version. A checksum, if sent, must be right.
func (s *Server) AddSecretVersion(_ context.Context, r *secretmanagerpb.AddSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kept, err := s.state.find(r.GetParent())
	if err != nil {
		return nil, err
	}
	data := r.GetPayload().GetData()
	sum := int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	switch sent := r.GetPayload().GetDataCrc32C(); {
	case len(data) == 0:
		return nil, status.Error(codes.InvalidArgument, "secret payload cannot be empty")
	case len(data) > maxPayload:
		return nil, status.Errorf(codes.InvalidArgument, "the payload has %d bytes, at most %d are allowed", len(data), maxPayload)
	case r.GetPayload().DataCrc32C != nil && sent != sum:
		return nil, status.Error(codes.InvalidArgument, "the payload's checksum is wrong")
	}
	kept.Versions = append(kept.Versions, &version{Created: s.o.Now(), State: enabled, Data: slices.Clone(data), Sum: sum, Checked: r.GetPayload().DataCrc32C != nil})
	return showVersion(name, kept, len(kept.Versions)), s.save()
}

// GetSecretVersion describes a version, whatever its state.
func (s *Server) GetSecretVersion(_ context.Context, r *secretmanagerpb.GetSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kept, n, err := s.version(r.GetName())
	if err != nil {
		return nil, err
	}
	return showVersion(name, kept, n), nil
}

// AccessSecretVersion returns an enabled version's data and checksum.
func (s *Server) AccessSecretVersion(_ context.Context, r *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kept, n, err := s.version(r.GetName())
	if err != nil {
		return nil, err
	}
	v := kept.Versions[n-1]
	if v.State != enabled {
		return nil, status.Errorf(codes.FailedPrecondition, "secret version [%s] is in %s state", full(name, n), v.State)
	}
	sum := v.Sum
	return &secretmanagerpb.AccessSecretVersionResponse{Name: full(name, n),
		Payload: &secretmanagerpb.SecretPayload{Data: slices.Clone(v.Data), DataCrc32C: &sum}}, nil
}

// ListSecretVersions lists the versions, newest first. Of the filter language it knows "state:ENABLED" and its like.
func (s *Server) ListSecretVersions(_ context.Context, r *secretmanagerpb.ListSecretVersionsRequest) (*secretmanagerpb.ListSecretVersionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kept, err := s.state.find(r.GetParent())
	if err != nil {
		return nil, err
	}
	state, ok := strings.CutPrefix(strings.ToUpper(r.GetFilter()), "STATE:")
	if _, known := secretmanagerpb.SecretVersion_State_value[state]; r.GetFilter() != "" && (!ok || !known) {
		return nil, status.Errorf(codes.Unimplemented, "filter %q: this stand-in knows only state:STATE", r.GetFilter())
	}
	var all []*secretmanagerpb.SecretVersion
	for n := len(kept.Versions); n > 0; n-- {
		if state == "" || kept.Versions[n-1].State.String() == state {
			all = append(all, showVersion(name, kept, n))
		}
	}
	from, to, next, err := page(len(all), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &secretmanagerpb.ListSecretVersionsResponse{Versions: all[from:to], NextPageToken: next, TotalSize: int32(len(all))}, nil
}

// EnableSecretVersion makes a disabled version readable again.
func (s *Server) EnableSecretVersion(_ context.Context, r *secretmanagerpb.EnableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change(r.GetName(), r.GetEtag(), enabled)
}

// DisableSecretVersion makes a version unreadable for now.
func (s *Server) DisableSecretVersion(_ context.Context, r *secretmanagerpb.DisableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change(r.GetName(), r.GetEtag(), disabled)
}

// DestroySecretVersion forgets a version's data for ever.
func (s *Server) DestroySecretVersion(_ context.Context, r *secretmanagerpb.DestroySecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change(r.GetName(), r.GetEtag(), destroyed)
}

func (s *Server) change(ref, etag string, to secretmanagerpb.SecretVersion_State) (*secretmanagerpb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kept, n, err := s.version(ref)
	if err != nil {
		return nil, err
	}
	v := kept.Versions[n-1]
	switch {
	case etag != "" && etag != v.etag():
		return nil, status.Error(codes.FailedPrecondition, "the version's etag has changed")
	case v.State == destroyed:
		return nil, status.Errorf(codes.FailedPrecondition, "secret version [%s] is already DESTROYED", full(name, n))
	case v.State == to:
		return showVersion(name, kept, n), nil
	}
	v.State = to
	v.Changes++
	if to == destroyed {
		v.Data, v.Destroyed = nil, s.o.Now()
	}
	return showVersion(name, kept, n), s.save()
}

// version finds "projects/P/secrets/S/versions/N", where N may be latest: the newest version that
// was made at least Stale ago.
func (s *Server) version(ref string) (name string, kept *secret, n int, err error) {
	owner, id, ok := strings.Cut(ref, "/versions/")
	if !ok || !versionID.MatchString(id) {
		return "", nil, 0, status.Errorf(codes.InvalidArgument, "%q is not projects/PROJECT/secrets/SECRET/versions/VERSION", ref)
	}
	if name, kept, err = s.state.find(owner); err != nil {
		return "", nil, 0, err
	}
	if id == "latest" {
		n = len(kept.Versions)
		for n > 0 && s.o.Now().Sub(kept.Versions[n-1].Created) < s.o.Stale {
			n--
		}
	} else if n, err = strconv.Atoi(id); err != nil || n > len(kept.Versions) {
		n = 0
	}
	if n == 0 {
		return "", nil, 0, status.Errorf(codes.NotFound, "secret version [%s/versions/%s] not found", numbered(name), id)
	}
	return name, kept, n, nil
}

func full(name string, n int) string { return fmt.Sprintf("%s/versions/%d", numbered(name), n) }

func (v *version) etag() string {
	return fmt.Sprintf("%q", fmt.Sprintf("%x-%d", v.Created.UnixNano(), v.Changes))
}

func showVersion(name string, kept *secret, n int) *secretmanagerpb.SecretVersion {
	v := kept.Versions[n-1]
	out := &secretmanagerpb.SecretVersion{Name: full(name, n), CreateTime: timestamppb.New(v.Created), State: v.State,
		Etag: v.etag(), ClientSpecifiedPayloadChecksum: v.Checked}
	if !v.Destroyed.IsZero() {
		out.DestroyTime = timestamppb.New(v.Destroyed)
	}
	return out
}
