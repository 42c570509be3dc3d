// Package deploy_test runs the scripts with which Cloud Build releases, in the environment that cloudbuild.yaml
// gives them, against a cloud of its own: gcloud, curl and sleep are this very binary.
package deploy_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// world is one test's cloud, and where scripts find it.
type world struct {
	dir   string
	build build
	said  strings.Builder // by all scripts
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) save(t *testing.T, c *cloud) {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "cloud.json", string(b))
}

func (w *world) cloud(t *testing.T) *cloud {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, "cloud.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := new(cloud)
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// change lets something happen to the cloud between two scripts.
func (w *world) change(t *testing.T, f func(*cloud)) {
	t.Helper()
	c := w.cloud(t)
	f(c)
	w.save(t, c)
}

// run runs a script of deploy/ and returns its exit status.
func (w *world) run(t *testing.T, script string, args, environ []string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", append([]string{script}, args...)...)
	cmd.Env = append([]string{"PATH=" + w.dir + ":" + os.Getenv("PATH"), "FAKE_CLOUD=" + filepath.Join(w.dir, "cloud.json")}, environ...)
	cmd.Stdout, cmd.Stderr = &w.said, &w.said
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// deploy runs the steps of cloudbuild.yaml from the scan on, until one fails, which it returns; "" for none.
func (w *world) deploy(t *testing.T) string {
	t.Helper()
	values := maps.Clone(w.build.Substitutions)
	maps.Copy(values, map[string]string{"PROJECT_ID": fakeProject, "BUILD_ID": "me", "LOCATION": "europe-west2", "_VERSION": "v2"})
	for _, s := range w.build.Steps[3:] {
		environ := []string{"IMAGES=" + filepath.Join(w.dir, "images.txt"), "BEFORE=" + filepath.Join(w.dir, "before.txt")}
		for _, e := range s.Env {
			environ = append(environ, substitute(e, values))
		}
		if w.run(t, filepath.Base(s.Args[0]), nil, environ) != 0 {
			return s.ID
		}
	}
	return ""
}

// rollback runs deploy/rollback, as a person does.
func (w *world) rollback(t *testing.T, args ...string) int {
	t.Helper()
	return w.run(t, "rollback", args, []string{"PROJECT=" + fakeProject, "REGION=europe-west2"})
}

// atWork says which version each function and job is at, and checks that no revision waits any more.
func (w *world) atWork(t *testing.T) map[string]string {
	t.Helper()
	c, at := w.cloud(t), map[string]string{}
	for name, s := range c.Services {
		at[name] = s.revision(s.Traffic).Version
		if len(s.Tags) > 0 {
			t.Errorf("%s still has tags: %v", name, s.Tags)
		}
	}
	for name, image := range c.Jobs {
		at[name] = c.versionOf(image)
	}
	return at
}

// wantTemplates checks that what Terraform makes of a service next has the image that is at work, but for one.
func (w *world) wantTemplates(t *testing.T, but string) {
	t.Helper()
	for name, s := range w.cloud(t).Services {
		if same := s.newest().Image == s.revision(s.Traffic).Image; same == (name == but) {
			t.Errorf("the template of %s has %s, and %s is at work", name, s.newest().Image, s.revision(s.Traffic).Image)
		}
	}
}

// want checks that everything is at a version, and jobs/migrate at its own.
func (w *world) want(t *testing.T, version, migrate string) {
	t.Helper()
	for name, at := range w.atWork(t) {
		if want := map[bool]string{true: migrate, false: version}[name == "migrate"]; at != want {
			t.Errorf("%s is at %q, want %q", name, at, want)
		}
	}
	if t.Failed() {
		t.Log(w.said.String())
	}
}

func (w *world) wantSaid(t *testing.T, words string) {
	t.Helper()
	if !strings.Contains(w.said.String(), words) {
		t.Errorf("it does not say %q, but:\n%s", words, w.said.String())
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	w := newCloudOf(t, readBuild(t), nil)
	if failed := w.deploy(t); failed != "" {
		t.Fatalf("step %s failed:\n%s", failed, w.said.String())
	}
	w.want(t, "v2", "v2")
	c := w.cloud(t)
	if !slices.Equal(c.Ran, []string{"migrate v2"}) {
		t.Errorf("jobs that ran: %q", c.Ran)
	}
	migrated := slices.IndexFunc(c.Calls, func(call []string) bool { return slices.Contains(call, "execute") })
	for i, call := range c.Calls {
		words, flags := command(call)
		_, quiet := flags["--no-traffic"]
		if slices.Contains(words, "services") && slices.Contains(words, "update") && (i < migrated || !quiet) {
			t.Errorf("code before its schema, or with traffic at once: %q", call)
		}
	}
}

// The first release of a service that Terraform has just made: its image is a placeholder.
func TestFirstRelease(t *testing.T) {
	t.Parallel()
	for _, fault := range []fault{{}, {Sick: "watch"}} {
		w := newCloud(t, func(c *cloud) {
			c.Fault = fault
			for name, s := range c.Services {
				s.Traffic, s.Revisions = name+"-00001-abc", s.Revisions[:1]
			}
		})
		failed, want := w.deploy(t), map[string]string{"": "v2", "release": ""}
		for name, s := range w.cloud(t).Services {
			w.wantTemplates(t, "")
			if got := s.revision(s.Traffic).Version; got != want[failed] || (failed == "release") != (fault.Sick != "") {
				t.Errorf("%v: %s is at %q; step that failed: %q\n%s", fault, name, got, failed, w.said.String())
			}
		}
	}
}

// Whatever fails, everything is as it was, the build fails, and the next release works.
func TestFailedRelease(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  fault
		step   string
		unseen bool // nobody has met the new code
		says   string
	}{
		{"the migration fails", fault{Migration: true}, "migrate", true, "nothing has been deployed"},
		{"the smoke test of the last one fails", fault{Sick: "watch"}, "release", true, `answer "200 v2 503 v2 "`},
		{"the smoke test of the first one fails", fault{Sick: "syncorg"}, "release", true, `answer "200 v2 503 v2 "`},
		{"a revision never becomes ready", fault{NeverReady: "connect"}, "release", true, "failed to start"},
		{"traffic does not move", fault{Stuck: "connect"}, "release", false, "its traffic does not move"},
		{"it is sick under everybody's eyes", fault{SickLater: "connect"}, "release", false, "everything is back"},
		{"a template does not go back", fault{Sick: "watch", Kept: "connect"}, "release", true, "in their templates, without traffic: connect. The next release"},
		{"stopped while revisions are made", fault{Signal: syscall.SIGTERM, SignalAt: "run services update connect"}, "release", true, "everything is back"},
		{"stopped while traffic moves", fault{Signal: syscall.SIGTERM, SignalAt: "run services update-traffic connect --to-revisions"}, "release", false, "everything is back"},
		{"stopped while jobs get their images", fault{Signal: syscall.SIGTERM, SignalAt: "run jobs update daily"}, "release", false, "everything is back"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newCloud(t, func(c *cloud) { c.Fault = tt.fault })
			if failed := w.deploy(t); failed != tt.step {
				t.Errorf("step that failed: %q, want %q", failed, tt.step)
			}
			w.want(t, "v1", "v2") // the database stays as it is, and jobs/migrate with it
			w.wantSaid(t, tt.says)
			w.wantTemplates(t, tt.fault.Kept)
			if met := w.cloud(t).Met; tt.unseen && slices.ContainsFunc(met, func(m string) bool { return strings.HasSuffix(m, " v2") }) {
				t.Errorf("people met it: %q", met)
			}
			w.change(t, func(c *cloud) { c.Fault = fault{} })
			if failed := w.deploy(t); failed != "" {
				t.Fatalf("the next release fails in %s:\n%s", failed, w.said.String())
			}
			w.want(t, "v2", "v2")
			w.wantTemplates(t, "")
		})
	}
}

// A build that dies half-way leaves a mixture. The next release mends it, and so does going back by hand.
func TestInterruptedRelease(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"run services update connect", "run services update-traffic connect --to-revisions", "run jobs update daily"} {
		for _, way := range []string{"the next release", "by hand"} {
			t.Run(moment+", "+way, func(t *testing.T) {
				t.Parallel()
				w := newCloud(t, func(c *cloud) { c.Fault = fault{Signal: syscall.SIGKILL, SignalAt: moment} })
				if failed := w.deploy(t); failed != "release" {
					t.Fatalf("step that failed: %q", failed)
				}
				if way == "by hand" {
					if w.rollback(t, "v1") != 0 {
						t.Error("deploy/rollback fails")
					}
					w.want(t, "v1", "v2")
					return
				}
				if failed := w.deploy(t); failed != "" {
					t.Errorf("step that failed: %q", failed)
				}
				w.want(t, "v2", "v2")
			})
		}
	}
}

// What cannot be released, or could not be undone, is refused before anything changes.
func TestRefusedRelease(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*cloud)
		step   string
		says   string
	}{
		{"a service that Terraform has not made", func(c *cloud) { delete(c.Services, "watch") }, "begin", "not there: watch. Terraform makes them"},
		{"a job that Terraform has not made", func(c *cloud) { delete(c.Jobs, "erase") }, "begin", "not there: erase"},
		{"traffic that is split", func(c *cloud) { c.Services["connect"].Split = true }, "begin", "connect: no revision has all of the traffic"},
		{"a grave weakness in an image", func(c *cloud) {
			c.Weak = map[string]string{"syncorg": "LOW,CVE-1,a\nCRITICAL,CVE-2,tzdata\nHIGH,CVE-3,b"}
		}, "scan", "syncorg: CRITICAL CVE-2 in tzdata\nsyncorg: HIGH CVE-3 in b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newCloud(t, tt.change)
			if failed := w.deploy(t); failed != tt.step {
				t.Errorf("step that failed: %q, want %q", failed, tt.step)
			}
			w.want(t, "v1", "v1")
			w.wantSaid(t, tt.says)
		})
	}
	t.Run("an image that was not built", func(t *testing.T) {
		t.Parallel()
		w := newCloud(t, nil)
		w.write(t, "images.txt", fakeRegistry+"/syncorg:v2@"+digestOf("syncorg", "v2")+"\n"+fakeRegistry+"/migrate:v2@"+digestOf("migrate", "v2")+"\n")
		if failed := w.deploy(t); failed != "begin" {
			t.Errorf("step that failed: %q", failed)
		}
		w.want(t, "v1", "v1")
		w.wantSaid(t, "has no image of v2")
	})
}

// Weaknesses that are named as accepted, or are not grave, do not stop a release.
func TestAcceptedWeaknesses(t *testing.T) {
	t.Parallel()
	w := newCloud(t, func(c *cloud) { c.Weak = map[string]string{"syncorg": "MEDIUM,CVE-1,a\nHIGH,CVE-3,b"} })
	w.build.Substitutions["_ACCEPTED"] = "CVE-2 CVE-3"
	if failed := w.deploy(t); failed != "" {
		t.Errorf("step that failed: %q\n%s", failed, w.said.String())
	}
	w.want(t, "v2", "v2")
}

// A release waits for older ones, and changes nothing meanwhile.
func TestOneReleaseAtATime(t *testing.T) {
	t.Parallel()
	w := newCloud(t, func(c *cloud) { c.Builds = []string{"older", "older", "old"} })
	if failed := w.deploy(t); failed != "" {
		t.Errorf("step that failed: %q", failed)
	}
	w.wantSaid(t, "waiting for the release of build old\n")
	w.want(t, "v2", "v2")
	if calls := w.cloud(t).Calls; len(w.cloud(t).Builds) != 0 || slices.ContainsFunc(calls[4:8], func(c []string) bool { return c[0] != "builds" }) {
		t.Errorf("it does something else while it waits: %q", calls[:9])
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	w := newCloud(t, nil)
	if failed := w.deploy(t); failed != "" {
		t.Fatal(failed)
	}
	if w.rollback(t) != 0 {
		t.Error("deploy/rollback does not list")
	}
	w.wantSaid(t, "2026-11-21 14:00  v2  at work\n2026-11-20 14:00  v1  sha256:")
	w.want(t, "v2", "v2")        // asking changes nothing
	w.change(t, func(c *cloud) { // Terraform has changed settings since, which did not work
		c.Services["connect"].add("connect", c.Jobs["daily"], "v1", false)
		last := len(c.Services["connect"].Revisions) - 1
		c.Services["connect"].Revisions[last].Digest = digestOf("connect", "v1")
	})
	w.change(t, func(c *cloud) { delete(c.Services, "watch") }) // a project that does without it
	if w.rollback(t, "v1") != 0 {
		t.Error("deploy/rollback fails")
	}
	w.want(t, "v1", "v2")
	if w.rollback(t, "v2") != 0 {
		t.Error("deploy/rollback does not go forth")
	}
	w.want(t, "v2", "v2")
}

func TestRollbackThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newCloud(t, func(c *cloud) {
		c.Images["daily"] = map[string]string{"v1": digestOf("daily", "v1")} // came later than v2
	})
	if w.rollback(t, "v3") == 0 {
		t.Error("goes to a version that there is not")
	}
	w.wantSaid(t, "there is no version v3")
	if w.rollback(t, "v2") == 0 { // built, never released
		t.Error("goes to a version without revisions")
	}
	w.wantSaid(t, "no revision of v2 is ready of: syncorg connect")
	w.wantSaid(t, "daily: has no image of v2, stays as it is")
	w.want(t, "v1", "v1")
}
