package deploy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sdk is where the real gcloud stands. Without one these tests have nothing to ask: .ci/cloudbuild says so.
func sdk(t *testing.T) string {
	t.Helper()
	t.Parallel()
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("gcloud is not installed")
	}
	cmd := exec.CommandContext(t.Context(), gcloud, "info", "--format=value(installation.sdk_root)")
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gcloud info: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// python runs testdata/gcloud.py with gcloud's own Python, where it has one.
func python(t *testing.T, root string, input []byte, args ...string) []byte {
	t.Helper()
	interpreter := filepath.Join(root, "platform/bundledpythonunix/bin/python3")
	if _, err := os.Stat(interpreter); err != nil {
		interpreter = "python3"
	}
	cmd := exec.CommandContext(t.Context(), interpreter, append([]string{"testdata/gcloud.py", root}, args...)...)
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = bytes.NewReader(input)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &words)
	}
	return out
}

// gcloud's own loader takes cloudbuild.yaml: no key is misspelt, no value impossible.
func TestGcloudLoads(t *testing.T) {
	python(t, sdk(t), nil, "build", "../cloudbuild.yaml")
}

// tree is gcloud's own list of its commands and their flags.
type tree struct {
	Commands map[string]tree
	Flags    map[string]any
}

// find goes down to a command; the words that are left are its arguments.
func (c tree) find(words []string) (tree, []string) {
	for len(words) > 0 {
		next, ok := c.Commands[words[0]]
		if !ok {
			break
		}
		c, words = next, words[1:]
	}
	return c, words
}

// commands reads it.
func commands(t *testing.T) (all tree) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sdk(t), "data/cli/gcloud_completions.py"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw[bytes.IndexByte(raw, '{'):], &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every command that the scripts give is one that gcloud has, with flags that it takes.
func TestGcloudKnowsTheCommands(t *testing.T) {
	all := commands(t)
	w := newCloud(t, nil)
	if failed := w.deploy(t); failed != "" || w.rollback(t) != 0 || w.rollback(t, "v1") != 0 {
		t.Fatal(w.said.String())
	}
	calls := w.cloud(t).Calls
	if len(calls) < 40 {
		t.Errorf("%d calls only", len(calls))
	}
	listing := []string{"--sort-by", "--limit", "--filter"} // of every list
	for _, call := range calls {
		words, flags := command(call)
		c, args := all.find(words)
		if len(c.Commands) > 0 || len(args) > 1 {
			t.Errorf("no such command: gcloud %s", strings.Join(call, " "))
		}
		for f := range flags {
			if c.Flags[f] == nil && all.Flags[f] == nil && (words[len(words)-1] != "list" && !slices.Contains(words, "list") || !slices.Contains(listing, f)) {
				t.Errorf("no flag %s: gcloud %s", f, strings.Join(call, " "))
			}
		}
	}
}

// gcloud prints, in the formats that the scripts ask for, what our stand-in prints and the scripts read.
func TestGcloudPrints(t *testing.T) {
	type asked struct {
		Resource any    `json:"resource"`
		Flatten  string `json:"flatten"`
		Format   string `json:"format"`
	}
	const service = `{"spec": {"template": {"spec": {"containers": [{"image": "a/b@sha256:3"}]}}}, "status": {"url": "https://connect.run.app", "latestCreatedRevisionName": "connect-00002-abc", "traffic": [
		{"revisionName": "connect-00002-abc", "percent": 100, "latestRevision": true},
		{"revisionName": "connect-00003-abc", "tag": "next", "url": "https://next---connect.run.app"}]}}`
	const version = `[{"createTime": "2026-11-21T14:00:00.123Z", "tags": ["v2"], "version": "sha256:12"}]`
	root := sdk(t)
	var asks []asked
	var wants []string
	for _, tt := range []struct{ resource, flatten, format, want string }{
		{service, "status.traffic[]", formatServing, "100,connect-00002-abc\n,connect-00003-abc\n"},
		{service, "status.traffic[]", formatTagged, ",\nnext,https://next---connect.run.app\n"},
		{service, "", formatCreated, "connect-00002-abc\n"},
		{service, "", formatAddress, "https://connect.run.app\n"},
		{service, "", formatTemplate, "a/b@sha256:3\n"},
		{`{"spec": {"containers": [{"image": "a/b@sha256:1"}]}}`, "", formatImage, "a/b@sha256:1\n"},
		{`{"spec": {"template": {"spec": {"template": {"spec": {"containers": [{"image": "a/b@sha256:1"}]}}}}}}`, "", formatJob, "a/b@sha256:1\n"},
		{`{"status": {"imageDigest": "a/b@sha256:1"}}`, "", formatDigest, "a/b@sha256:1\n"},
		{`[{"metadata": {"name": "r-2"}, "status": {"imageDigest": "a/b@sha256:2", "conditions": [{"type": "Ready", "status": "False"}, {"type": "Active", "status": "True"}]}},
		   {"metadata": {"name": "r-1"}, "status": {"imageDigest": "a/b@sha256:1", "conditions": [{"type": "Active", "status": "False"}, {"type": "Ready", "status": "True"}]}}]`,
			"", formatRevisions, "r-2,a/b@sha256:2,['False']\nr-1,a/b@sha256:1,['True']\n"},
		{`[{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]`, "", formatNames, "a\nb\n"},
		{`[{"image": "europe-docker.pkg.dev/p/r/b", "tag": "projects/p/locations/l/repositories/r/packages/b/tags/v1", "version": "projects/p/locations/l/repositories/r/packages/b/versions/sha256:1"}]`, "", formatTags, "b,v1,sha256:1\n"},
		{version, "", formatVersions, "2026-11-21 14:00  v2  sha256:12\n"},
		{`[{"noteName": "projects/g/notes/CVE-2026-1", "vulnerability": {"effectiveSeverity": "HIGH", "packageIssue": [{"affectedPackage": "tzdata"}]}}]`, "", formatWeak, "HIGH,CVE-2026-1,tzdata\n"},
	} {
		var resource any
		if err := json.Unmarshal([]byte(tt.resource), &resource); err != nil {
			t.Fatal(err)
		}
		asks, wants = append(asks, asked{resource, tt.flatten, tt.format}), append(wants, tt.want)
	}
	input, err := json.Marshal(asks)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := json.Unmarshal(python(t, root, input, "print"), &got); err != nil {
		t.Fatal(err)
	}
	for i, want := range wants {
		if got[i] != want {
			t.Errorf("%s\n got %q\nwant %q", asks[i].Format, got[i], want)
		}
	}
}
