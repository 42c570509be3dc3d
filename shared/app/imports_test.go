package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestImports keeps the directions in which packages may import each other: see docs/architecture.md,
// "Who may import whom". Patterns are those of path.Match, from the module's root.
func TestImports(t *testing.T) {
	const module = "github.com/countinghouse/countinghouse"
	words := []string{"shared/fault", "shared/money", "shared/org", "shared/catalog"}
	plus := func(more ...string) []string { return append(slices.Clone(words), more...) }
	// Of two rules that fit, the first counts.
	rules := []struct {
		folder string
		may    []string
	}{
		{"shared/fault", words},
		{"shared/money", words},
		{"shared/org", words},
		{"shared/catalog", words},
		{"shared/platform/*", plus("shared/platform/*")},
		{"shared/platform/*/*", plus("shared/platform/*")}, // stand-ins for tests
		{"shared/provider/*", plus("shared/platform/httpclient")},
		{"shared/provider/*/*source", plus("shared/provider/*", "shared/sync/engine")},
		{"shared/provider/*/*sim", plus("shared/provider/*", "shared/provider/*/*sim/*")},
		{"shared/provider/*/*sim/*", plus("shared/provider/*", "shared/provider/*/*sim")},
		{"shared/sync/*", plus("shared/sync/engine")},
		{"shared/finance/*", plus("shared/sync/engine")},
		{"shared/notify", plus("shared/sync/engine")},
		{"shared/store", plus("shared/sync/*", "shared/finance/*", "shared/notify", "shared/platform/vault", "shared/platform/config")},
		{"shared/store/storetest", []string{"shared/*", "shared/*/*", "shared/*/*/*"}},
		{"shared/app", []string{"shared/*", "shared/*/*", "shared/*/*/*"}},
		{"functions/*", []string{"shared/app"}},
		{"jobs/*", []string{"shared/app"}},
		{"local", []string{"shared/*", "shared/*/*", "shared/*/*/*", "shared/*/*/*/*", "local/*"}},
		{"local/*", []string{"shared/*", "shared/*/*", "shared/*/*/*", "shared/*/*/*/*", "local/*"}},
	}
	// Only tests and local, and these packages among themselves, may use what stands in for the real thing.
	standIns := []string{"shared/provider/*/*sim", "shared/provider/*/*sim/*", "shared/store/storetest", "shared/platform/*/*test"}

	fits := func(patterns []string, folder string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := path.Match(p, folder)
			return ok && err == nil
		})
	}
	for _, p := range list(t) {
		folder := strings.TrimPrefix(p.ImportPath, module+"/")
		rule := slices.IndexFunc(rules, func(r struct {
			folder string
			may    []string
		}) bool {
			return fits([]string{r.folder}, folder)
		})
		if rule < 0 {
			t.Errorf("%s: no rule says what it may import: add one here and in docs/architecture.md", folder)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			switch {
			case !ours:
			case !fits(rules[rule].may, to):
				t.Errorf("%s imports %s, which it may not", folder, to)
			case fits(standIns, to) && !fits(append(standIns, "local", "local/*"), folder):
				t.Errorf("%s imports %s, which is for tests and local only", folder, to)
			}
		}
		if fits(words, folder) {
			for _, imported := range p.Imports {
				if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") && !strings.HasPrefix(imported, module) {
					t.Errorf("%s imports %s: words stand on the standard library", folder, imported)
				}
			}
		}
	}
}

type listed struct {
	ImportPath string
	Imports    []string
}

// list returns the packages of the module.
func list(t *testing.T) (all []listed) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages only", len(all))
	}
	return all
}
