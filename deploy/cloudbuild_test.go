package deploy_test

import (
	"iter"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// build is cloudbuild.yaml.
type build struct {
	ServiceAccount string            `yaml:"serviceAccount"`
	Substitutions  map[string]string `yaml:"substitutions"`
	Timeout        duration          `yaml:"timeout"`
	Tags           []string          `yaml:"tags"`
	Steps          []step            `yaml:"steps"`
	Options        struct {
		Logging              string `yaml:"logging"`
		MachineType          string `yaml:"machineType"`
		DynamicSubstitutions bool   `yaml:"dynamicSubstitutions"`
	} `yaml:"options"`
}

type step struct {
	ID         string   `yaml:"id"`
	Name       string   `yaml:"name"`
	WaitFor    []string `yaml:"waitFor"`
	Timeout    duration `yaml:"timeout"`
	Entrypoint string   `yaml:"entrypoint"`
	Args       []string `yaml:"args"`
	Env        []string `yaml:"env"`
	Script     string   `yaml:"script"`
}

type duration struct{ time.Duration }

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *duration) UnmarshalYAML(n *yaml.Node) (err error) {
	d.Duration, err = time.ParseDuration(n.Value)
	return err
}

// readBuild reads cloudbuild.yaml; a key that it does not know is an error.
func readBuild(t *testing.T) (b build) {
	t.Helper()
	f, err := os.Open("../cloudbuild.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&b); err != nil {
		t.Fatal(err)
	}
	return b
}

// programs are the functions (true) and jobs that are released.
func (b build) programs() iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for list, function := range map[string]bool{"_FUNCTIONS": true, "_JOBS": false} {
			for name := range strings.FieldsSeq(b.Substitutions[list]) {
				if !yield(name, function) {
					return
				}
			}
		}
	}
}

var (
	substitution = regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`)
	builtIn      = []string{"PROJECT_ID", "BUILD_ID", "LOCATION", "SHORT_SHA"}
)

// substitute puts values into a field of a step, as Cloud Build does.
func substitute(field string, values map[string]string) string {
	return substitution.ReplaceAllStringFunc(field, func(s string) string {
		return values[strings.Trim(s, "${}")]
	})
}

// fields are the parts of a step in which Cloud Build substitutes; a script is none.
func (s step) fields() []string {
	return slices.Concat([]string{s.Name, s.Entrypoint}, s.Args, s.Env)
}

func TestSteps(t *testing.T) {
	t.Parallel()
	b := readBuild(t)
	var before []string
	var together time.Duration
	for _, s := range b.Steps {
		if slices.Contains(before, s.ID) || s.ID == "" {
			t.Errorf("two steps %q", s.ID)
		}
		for _, id := range s.WaitFor {
			if id != "-" && !slices.Contains(before, id) {
				t.Errorf("%s waits for %s, which does not come before it", s.ID, id)
			}
		}
		if s.Timeout.Duration == 0 {
			t.Errorf("%s may take for ever", s.ID)
		}
		if !strings.Contains(path.Base(s.Name), ":") || strings.HasSuffix(s.Name, ":latest") {
			t.Errorf("%s runs in %s, whatever that is tomorrow", s.ID, s.Name)
		}
		if (s.Script == "") == (len(s.Args) == 0) {
			t.Errorf("%s: a script or a file of deploy/, not both", s.ID)
		}
		if s.WaitFor == nil || s.WaitFor[0] != "-" {
			together += s.Timeout.Duration
		}
		before = append(before, s.ID)
	}
	if want := []string{"test", "weaknesses", "images", "scan", "begin", "migrate", "release"}; !slices.Equal(before, want) {
		t.Errorf("steps %q, want %q", before, want)
	}
	for i, s := range b.Steps[3:] { // each after the one before it, so that nothing changes that was not tested and scanned
		if !slices.Equal(s.WaitFor, before[i+2:i+3]) {
			t.Errorf("%s waits for %q, want %s alone", s.ID, s.WaitFor, before[i+2])
		}
	}
	if together > b.Timeout.Duration {
		t.Errorf("the build is cut off after %s, though its steps may take %s: a release would stop half-way", b.Timeout, together)
	}
	if !slices.Contains(b.Tags, "release") {
		t.Error("deploy/begin does not find other releases: they have no tag")
	}
}

func TestSubstitutions(t *testing.T) {
	t.Parallel()
	b := readBuild(t)
	used := map[string]bool{}
	see := func(text string) {
		for _, m := range substitution.FindAllStringSubmatch(text, -1) {
			used[m[1]+m[2]] = true
		}
	}
	see(b.ServiceAccount)
	for _, s := range b.Steps {
		for _, f := range s.fields() {
			see(f)
		}
	}
	for name := range used {
		if _, declared := b.Substitutions[name]; !declared && !slices.Contains(builtIn, name) {
			t.Errorf("$%s is not declared", name)
		}
	}
	for name, value := range b.Substitutions {
		if !used[name] {
			t.Errorf("%s is not used: Cloud Build refuses that", name)
		}
		see(value)
	}
	for name := range strings.FieldsSeq(b.Substitutions["_SCANNED"]) {
		if known := names(b)[name]; !known {
			t.Errorf("_SCANNED names %s, which is not built", name)
		}
	}
	if !b.Options.DynamicSubstitutions {
		t.Error("a substitution in another one wants dynamicSubstitutions")
	}
}

func names(b build) map[string]bool {
	all := map[string]bool{}
	for name := range b.programs() {
		all[name] = true
	}
	return all
}

// The builder knows no secret: what it needs it may do as itself.
func TestNoSecret(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../cloudbuild.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)secretEnv|availableSecrets|password|secretmanager|\b\w*(token|api_?key|credential)\w*\b`).Find(raw); m != nil {
		t.Errorf("cloudbuild.yaml speaks of %q", m)
	}
	b := readBuild(t)
	if b.Options.Logging != "CLOUD_LOGGING_ONLY" || !strings.Contains(b.ServiceAccount, "/builder@") {
		t.Errorf("logs to %s as %s", b.Options.Logging, b.ServiceAccount)
	}
}

// Each script of deploy/ that a step runs is there, and everything it runs is in the folder's reach.
func TestScriptsAreThere(t *testing.T) {
	t.Parallel()
	for _, s := range readBuild(t).Steps {
		for _, a := range s.Args {
			if info, err := os.Stat("../" + a); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("%s: %s: %v; want a program", s.ID, a, err)
			}
		}
	}
}
