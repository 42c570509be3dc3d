package vaulttest

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateSecret makes an empty secret. It asks for a replication, as the real one does.
func (s *Server) CreateSecret(_ context.Context, r *secretmanagerpb.CreateSecretRequest) (*secretmanagerpb.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	project, err := s.state.project(r.GetParent())
	if err != nil {
		return nil, err
	}
	if !secretID.MatchString(r.GetSecretId()) {
		return nil, status.Errorf(codes.InvalidArgument, "secret id %q: want 1 to 255 letters, digits, hyphens, underscores", r.GetSecretId())
	}
	if r.GetSecret().GetReplication().GetReplication() == nil {
		return nil, status.Error(codes.InvalidArgument, "secret.replication is missing")
	}
	name := project + "/secrets/" + r.GetSecretId()
	if s.state.Secrets[name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "secret [%s] already exists", numbered(name))
	}
	kept := &secret{Created: s.o.Now(), Labels: maps.Clone(r.GetSecret().GetLabels()), Annotations: maps.Clone(r.GetSecret().GetAnnotations())}
	s.state.Secrets[name] = kept
	return show(name, kept), s.save()
}

// GetSecret returns a secret's description.
func (s *Server) GetSecret(_ context.Context, r *secretmanagerpb.GetSecretRequest) (*secretmanagerpb.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kept, err := s.state.find(r.GetName())
	if err != nil {
		return nil, err
	}
	return show(name, kept), nil
}

// DeleteSecret removes a secret with all its versions.
func (s *Server) DeleteSecret(_ context.Context, r *secretmanagerpb.DeleteSecretRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kept, err := s.state.find(r.GetName())
	if err != nil {
		return nil, err
	}
	if e := r.GetEtag(); e != "" && e != show(name, kept).GetEtag() {
		return nil, status.Error(codes.FailedPrecondition, "the secret's etag has changed")
	}
	delete(s.state.Secrets, name)
	return &emptypb.Empty{}, s.save()
}

// ListSecrets lists a project's secrets by name. Of the filter language it knows "name:part".
func (s *Server) ListSecrets(_ context.Context, r *secretmanagerpb.ListSecretsRequest) (*secretmanagerpb.ListSecretsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	project, err := s.state.project(r.GetParent())
	if err != nil {
		return nil, err
	}
	part, ok := strings.CutPrefix(r.GetFilter(), "name:")
	if r.GetFilter() != "" && (!ok || strings.ContainsAny(part, " ()")) {
		return nil, status.Errorf(codes.Unimplemented, "filter %q: this stand-in knows only name:part", r.GetFilter())
	}
	var names []string
	for _, n := range s.state.names(project + "/") {
		if strings.Contains(n[strings.LastIndex(n, "/")+1:], part) {
			names = append(names, n)
		}
	}
	from, to, next, err := page(len(names), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &secretmanagerpb.ListSecretsResponse{NextPageToken: next, TotalSize: int32(len(names))}
	for _, n := range names[from:to] {
		out.Secrets = append(out.Secrets, show(n, s.state.Secrets[n]))
	}
	return out, nil
}

// show describes a secret. Its etag does not follow its versions, as in the real one.
func show(name string, kept *secret) *secretmanagerpb.Secret {
	return &secretmanagerpb.Secret{
		Name:        numbered(name),
		CreateTime:  timestamppb.New(kept.Created),
		Labels:      maps.Clone(kept.Labels),
		Annotations: maps.Clone(kept.Annotations),
		Etag:        `"` + strconv.FormatInt(kept.Created.UnixNano(), 16) + `"`,
		Replication: &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}},
	}
}

// page returns the bounds of a page among n entries: 100 unless asked otherwise, at most 25,000.
func page(n int, size int32, token string) (from, to int, next string, err error) {
	if size < 0 || size > 25_000 {
		return 0, 0, "", status.Errorf(codes.InvalidArgument, "page size %d", size)
	}
	if size == 0 {
		size = 100
	}
	if token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > n {
			return 0, 0, "", status.Error(codes.InvalidArgument, "bad page token")
		}
	}
	if to = min(n, from+int(size)); to < n {
		next = strconv.Itoa(to)
	}
	return from, to, next, nil
}

// save keeps the state, if it is to be kept.
func (s *Server) save() error {
	if err := s.state.save(s.o.File); err != nil {
		return status.Errorf(codes.Internal, "secrets file: %v", err)
	}
	return nil
}
