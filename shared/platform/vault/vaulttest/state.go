package vaulttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// state is all that is kept, by "projects/ID/secrets/S". Project numbers lead back to ids.
type state struct {
	Secrets  map[string]*secret `json:"secrets"`
	Projects map[string]string  `json:"projects"`
}

type secret struct {
	Created     time.Time         `json:"created"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Versions    []*version        `json:"versions"` // version n is at n-1
}

type version struct {
	Created   time.Time                           `json:"created"`
	Destroyed time.Time                           `json:"destroyed,omitzero"`
	State     secretmanagerpb.SecretVersion_State `json:"state"`
	Data      []byte                              `json:"data,omitempty"`
	Sum       int64                               `json:"sum"`
	Checked   bool                                `json:"checked"` // the client had sent the checksum
	Changes   int                                 `json:"changes"`
}

func load(file string) (state, error) {
	st := state{Secrets: map[string]*secret{}, Projects: map[string]string{}}
	if file == "" {
		return st, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(b, &st); err != nil {
		return st, fmt.Errorf("%s is damaged: remove it to start without secrets", file)
	}
	return st, nil
}

// save writes the file so that a crash leaves the old one or the new one.
func (st state) save(file string) error {
	if file == "" {
		return nil
	}
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing there once it has been renamed
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// names returns the names of secrets that begin with prefix, in order.
func (st state) names(prefix string) []string {
	var names []string
	for n := range st.Secrets {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

var (
	projectName = regexp.MustCompile(`^projects/([a-z][a-z0-9-]{1,61}[a-z0-9]|[0-9]+)$`)
	secretID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	versionID   = regexp.MustCompile(`^(latest|[1-9][0-9]*)$`)
)

// project returns name with the project's id, whether it came with id or number.
func (st state) project(name string) (string, error) {
	if !projectName.MatchString(name) {
		return "", status.Errorf(codes.InvalidArgument, "%q is not projects/PROJECT", name)
	}
	if id, ok := st.Projects[name]; ok {
		return id, nil
	}
	st.Projects[numbered(name)] = name
	return name, nil
}

// secretName checks "projects/P/secrets/S" and returns it with the project's id.
func (st state) secretName(name string) (string, error) {
	project, id, ok := strings.Cut(name, "/secrets/")
	if !ok || !secretID.MatchString(id) {
		return "", status.Errorf(codes.InvalidArgument, "%q is not projects/PROJECT/secrets/SECRET", name)
	}
	project, err := st.project(project)
	return project + "/secrets/" + id, err
}

// find returns the secret of that name.
func (st state) find(name string) (string, *secret, error) {
	name, err := st.secretName(name)
	if err != nil {
		return "", nil, err
	}
	kept := st.Secrets[name]
	if kept == nil {
		return "", nil, status.Errorf(codes.NotFound, "secret [%s] not found", numbered(name))
	}
	return name, kept, nil
}

// numbered replaces the id in "projects/ID…" by a number made from it, as answers have it.
func numbered(name string) string {
	id, rest, _ := strings.Cut(strings.TrimPrefix(name, "projects/"), "/")
	h := fnv.New64a()
	h.Write([]byte(id))
	out := fmt.Sprintf("projects/%d", 100_000_000_000+h.Sum64()%900_000_000_000)
	if rest != "" {
		out += "/" + rest
	}
	return out
}
