package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// thing is the resource of testdata/package.
func thing(t *testing.T) Block {
	t.Helper()
	p, err := readPackage("testdata/package")
	if err != nil {
		t.Fatal(err)
	}
	return p.Resources["google_pubsub_thing"].Block
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	have := thing(t).Attributes
	want := map[string]Attribute{
		"name":                {Type: json.RawMessage(`"string"`), Required: true},
		"project":             {Type: json.RawMessage(`"string"`), Optional: true, Computed: true},
		"enabled":             {Type: json.RawMessage(`"bool"`), Optional: true},
		"labels":              {Type: json.RawMessage(`["map","string"]`), Optional: true},
		"ports":               {Type: json.RawMessage(`["set","number"]`), Optional: true},
		"password_wo":         {Type: json.RawMessage(`"string"`), Optional: true, WriteOnly: true},
		"password_wo_version": {Type: json.RawMessage(`"number"`), Optional: true},
		"rules":               {Type: json.RawMessage(`["list",["object",{"port":"number"}]]`), Optional: true, Computed: true},
		"terraform_labels":    {Type: json.RawMessage(`["map","string"]`), Computed: true},
		"hosts":               {Type: json.RawMessage(`["set","string"]`), Computed: true},
		"state":               {Type: json.RawMessage(`["list",["object",{"code":"number","words":["list","string"]}]]`), Computed: true},
	}
	for name, w := range want {
		if h := have[name]; string(h.Type) != string(w.Type) || h.Required != w.Required || h.Optional != w.Optional || h.Computed != w.Computed || h.WriteOnly != w.WriteOnly {
			t.Errorf("%s: %s %+v, want %s %+v", name, h.Type, h, w.Type, w)
		}
	}
	if len(have) != len(want) {
		t.Errorf("attributes %v, want %v", slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(want)))
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	have := thing(t).Blocks
	build := have["build"] // declared as buildAttribute, without a question mark
	if build.Mode != "list" || build.Min != 1 || build.Max != 1 {
		t.Errorf("build: %s %d to %d, want a list of exactly 1", build.Mode, build.Min, build.Max)
	}
	if !build.Block.Attributes["ttl"].Required {
		t.Error("build.ttl may be left out")
	}
	inner := build.Block.Blocks["inner"]
	if inner.Mode != "set" || inner.Min != 0 || inner.Max != 0 {
		t.Errorf("build.inner: %s %d to %d, want any number in a set", inner.Mode, inner.Min, inner.Max)
	}
	if !inner.Block.Attributes["depth"].Required || !inner.Block.Attributes["reached"].Computed {
		t.Errorf("build.inner: %+v", inner.Block.Attributes)
	}
	if timeouts := have["timeouts"]; timeouts.Mode != "single" || timeouts.Max != 0 || !timeouts.Block.Attributes["create"].Optional {
		t.Errorf("timeouts: %+v", timeouts)
	}
	if len(have) != 2 {
		t.Errorf("blocks %v", slices.Sorted(maps.Keys(have)))
	}
}

func TestOthersThanResources(t *testing.T) {
	t.Parallel()
	p, err := readPackage("testdata/package")
	if err != nil {
		t.Fatal(err)
	}
	source := p.DataSources["google_pubsub_thing"].Block
	if !source.Attributes["name"].Required || !source.Attributes["number"].Computed {
		t.Errorf("data source: %+v", source)
	}
	config := p.Config.Block.Attributes
	if !config["region"].Optional || len(config) != 1 {
		t.Errorf("provider: %+v, want region and not alias, which is Terraform's own", config)
	}
	if len(p.Resources) != 1 || len(p.DataSources) != 1 {
		t.Errorf("%d resources and %d data sources, want 1 each", len(p.Resources), len(p.DataSources))
	}
}

// What is not understood must not become a looser schema.
func TestStrangeCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, old, replacement, want string }{
		{"a storage that nobody knows", "index.js", `storageClassType: "numberList"`, `storageClassType: "complexList"`, `kept as "complexList"`},
		{"a kind that nobody knows", "index.js", `type: "map"`, `type: "heap"`, `of kind "heap"`},
		{"a getter of an unknown class", "index.js", `new PubsubThingStateList`, `new PubsubThingStagesList`, "PubsubThingStagesList"},
		{"an argument that is not declared", "index.d.ts", `readonly enabled?`, `readonly disabled?`, `no declaration of "enabled"`},
		{"an argument in a block that is not declared", "index.d.ts", `readonly depth: number`, `readonly height: number`, `build: inner: depth: no declaration`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS("testdata/package")); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, "lib", "pubsub-thing", tt.file)
			text, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(text, []byte(tt.old)) {
				t.Fatalf("%s does not have %q: %v", path, tt.old, err)
			}
			if err := os.WriteFile(path, bytes.Replace(text, []byte(tt.old), []byte(tt.replacement), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err = readPackage(folder); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "pubsub-thing") {
				t.Errorf("error %v, want one that names pubsub-thing and %s", err, tt.want)
			}
		})
	}
}

func TestOnlyWhatIsNamed(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(root, "main.tf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, text         string
		resources, sources int
	}{
		{"both", "resource \"google_pubsub_thing\" \"x\" {}\ndata \"google_pubsub_thing\" \"x\" {}\n", 1, 1},
		{"the resource", "resource \"google_pubsub_thing\" \"x\" {}\n", 1, 0},
		{"the data source", "data \"google_pubsub_thing\" \"x\" {}\n", 0, 1},
		{"what is not there", "resource \"google_gone\" \"x\" {}\n", 0, 0},
	} {
		write(tt.text)
		p, err := readPackage("testdata/package")
		if err == nil {
			err = p.keepNamedIn(root)
		}
		if err != nil || len(p.Resources) != tt.resources || len(p.DataSources) != tt.sources || len(p.Config.Block.Attributes) == 0 {
			t.Errorf("%s: %d resources, %d data sources, provider %v, error %v", tt.name, len(p.Resources), len(p.DataSources), p.Config, err)
		}
	}
	if err := (&Provider{}).keepNamedIn(t.TempDir()); err == nil {
		t.Error("a folder without .tf files was taken for a root")
	}
}

func TestNoPackage(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, "lib"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{empty, filepath.Join(empty, "gone")} {
		if _, err := readPackage(folder); err == nil {
			t.Errorf("%s is no package, and was taken for one", folder)
		}
	}
}
