package deploy_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets this binary be gcloud, curl and sleep for the scripts under test: see newCloud.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); name {
	case "gcloud", "curl", "sleep":
		os.Exit(fake(name, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// cloud is a project, kept in a file between the calls of one script.
type cloud struct {
	Services map[string]*service
	Jobs     map[string]string            // image
	Images   map[string]map[string]string // digests by name and version
	Ran      []string                     // executions of jobs: name and version
	Met      []string                     // function and version that got the traffic, in this order
	Weak     map[string]string            // what a scan finds in an image, by name
	Builds   []string                     // other releases at work, oldest first; one ends with each look
	Calls    [][]string                   // of gcloud, all
	Fault    fault
}

type service struct {
	Revisions []revision // newest last
	Traffic   string     // revision
	Split     bool       // another one has a part of it
	Tags      map[string]string
}

type revision struct {
	Name, Image, Digest, Version string
	Ready                        bool
}

// fault is what goes wrong, by function.
type fault struct {
	Sick       string // a new revision is not ready to work wherever it is asked
	SickLater  string // it is only once it has the traffic
	NeverReady string // its new revision does not start
	Stuck      string // its traffic does not move to a new revision
	Kept       string // its template does not take the image of v1 again
	Migration  bool   // jobs/migrate fails
	Signal     syscall.Signal
	SignalAt   string // the script gets Signal while this command runs
}

const (
	fakeProject  = "books"
	fakeRegistry = "europe-west2-docker.pkg.dev/books/countinghouse"
	placeholder  = "us-docker.pkg.dev/cloudrun/container/hello@sha256:00"
)

func digestOf(name, version string) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name+":"+version)))
}

// versionOf says which release an image by digest belongs to; "" for the placeholder.
func (c *cloud) versionOf(image string) string {
	for _, versions := range c.Images {
		for version, digest := range versions {
			if strings.HasSuffix(image, "@"+digest) {
				return version
			}
		}
	}
	return ""
}

// add makes a revision of an image, as gcloud run services update --no-traffic does.
func (s *service) add(name, image, version string, ready bool) {
	_, digest, _ := strings.Cut(image, "@")
	s.Revisions = append(s.Revisions, revision{fmt.Sprintf("%s-%05d-abc", name, len(s.Revisions)+1), image, digest, version, ready})
}

// newest is the revision that was made of the template as it is.
func (s *service) newest() revision { return s.Revisions[len(s.Revisions)-1] }

func (s *service) revision(name string) revision {
	i := slices.IndexFunc(s.Revisions, func(r revision) bool { return r.Name == name })
	return s.Revisions[i]
}

// fake is one call of a program.
func fake(program string, args []string) int {
	if program == "sleep" {
		return 0
	}
	file := os.Getenv("FAKE_CLOUD")
	b, err := os.ReadFile(file)
	c := new(cloud)
	if err == nil {
		err = json.Unmarshal(b, c)
	}
	if err != nil {
		return complain("%v", err)
	}
	status := 0
	if program == "curl" {
		status = c.curl(args)
	} else {
		c.Calls = append(c.Calls, args)
		status = c.gcloud(args)
	}
	if b, err = json.Marshal(c); err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return complain("%v", err)
	}
	return status
}

// complain ends a call as a program does that cannot do what it is asked to.
func complain(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, "fake: "+format+"\n", args...)
	return 1
}

// curl answers GET /health and /ready of a function, to those who may call it.
func (c *cloud) curl(args []string) int {
	answer := func(code int, version string) int {
		fmt.Printf("%03d %s ", code, version)
		return 0
	}
	i := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "https://") })
	host, path, _ := strings.Cut(strings.TrimPrefix(args[i], "https://"), "/")
	name, tagged := strings.CutPrefix(strings.TrimSuffix(host, ".run.app"), "next---")
	header, err := io.ReadAll(os.Stdin)
	if err != nil || strings.TrimSpace(string(header)) != "Authorization: Bearer for https://"+name+".run.app" || path != "health" && path != "ready" {
		return answer(403, "")
	}
	s := c.Services[name]
	at := s.Traffic
	if tagged {
		at = s.Tags["next"]
	}
	if at == "" {
		return answer(404, "")
	}
	r := s.revision(at)
	if r.Version == "v2" && path == "ready" && (c.Fault.Sick == name || c.Fault.SickLater == name && !tagged) {
		return answer(503, r.Version)
	}
	return answer(200, r.Version)
}

// newCloud is a project with some of the functions and jobs, at v1, and with the images of v2 built; and the
// environment in which a script finds it.
func newCloud(t *testing.T, change func(*cloud)) *world {
	t.Helper()
	b := readBuild(t)
	b.Substitutions["_FUNCTIONS"], b.Substitutions["_JOBS"] = "syncorg connect watch", "migrate daily erase"
	return newCloudOf(t, b, change)
}

// newCloudOf has all that a build releases.
func newCloudOf(t *testing.T, b build, change func(*cloud)) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), build: b}
	c := &cloud{Services: map[string]*service{}, Jobs: map[string]string{}, Images: map[string]map[string]string{}}
	var built strings.Builder
	for name, function := range w.build.programs() {
		c.Images[name] = map[string]string{"v1": digestOf(name, "v1"), "v2": digestOf(name, "v2")}
		fmt.Fprintf(&built, "%s/%s:v2@%s\n", fakeRegistry, name, digestOf(name, "v2"))
		v1 := fakeRegistry + "/" + name + "@" + digestOf(name, "v1")
		if !function {
			c.Jobs[name] = v1
			continue
		}
		s := &service{Tags: map[string]string{}}
		s.add(name, placeholder, "", true)
		s.add(name, v1, "v1", true)
		s.Traffic = s.Revisions[1].Name
		c.Services[name] = s
	}
	if change != nil {
		change(c)
	}
	w.write(t, "images.txt", built.String())
	w.save(t, c)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"gcloud", "curl", "sleep"} {
		if err := os.Symlink(self, filepath.Join(w.dir, program)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}
