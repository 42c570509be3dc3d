package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/countinghouse/countinghouse"

var words = []string{"shared/fault", "shared/money", "shared/org", "shared/catalog"}

// rules say which packages a package may import; of two that fit the first counts. Patterns are those
// of path.Match, from the module's root; one that begins with ".." starts at the package itself.
var rules = []struct {
	folder string
	may    []string
}{
	{"shared/fault", words},
	{"shared/money", words},
	{"shared/org", words},
	{"shared/catalog", words},
	{"shared/catalog/declare", words},
	{"shared/platform/*", plus("shared/platform/*")},
	{"shared/platform/*/*", plus("shared/platform/*")}, // stand-ins for tests
	{"shared/provider/chance", words},
	{"shared/provider/*", plus("shared/platform/httpclient", "shared/catalog/declare")},
	{"shared/provider/*/*source", plus("..", "shared/sync/engine")},
	{"shared/provider/*/*sim", plus("..", "../*sim/*", "shared/provider/chance")},
	{"shared/provider/*/*sim/*", plus("../..", "..")},
	{"shared/sync/*", plus("shared/sync/engine")},
	{"shared/finance/*", plus("shared/sync/engine")},
	{"shared/notify", plus("shared/sync/engine")},
	{"shared/tenant", words},
	{"shared/store", plus("shared/sync/*", "shared/finance/*", "shared/notify", "shared/tenant", "shared/platform/vault", "shared/platform/config")},
	{"shared/store/storetest", []string{"shared/*", "shared/*/*", "shared/*/*/*"}},
	{"shared/app", []string{"shared/*", "shared/*/*", "shared/*/*/*"}},
	{"functions/*", []string{"shared/app"}},
	{"jobs/*", []string{"shared/app"}},
	{"deploy", []string{}}, // tests of the scripts alone
	{"local", []string{"shared/*", "shared/*/*", "shared/*/*/*", "shared/*/*/*/*", "local/*"}},
	{"local/*", []string{"shared/*", "shared/*/*", "shared/*/*/*", "shared/*/*/*/*", "local/*"}},
}

// standIns stand in for the real thing: only tests, local, and they among themselves may use them.
var standIns = []string{"shared/provider/chance", "shared/provider/*/*sim", "shared/provider/*/*sim/*", "shared/store/storetest", "shared/platform/*/*test", "shared/platform/postgres"}

// forTests are the modules of others that only tests may use: no function is to carry them around.
var forTests = []string{"github.com/getkin/kin-openapi", "github.com/plaid/plaid-go", "github.com/google/go-cmp", "github.com/hashicorp/hcl", "go.yaml.in/yaml"}

func plus(more ...string) []string { return append(slices.Clone(words), more...) }

// TestImports keeps the directions in which packages may import each other: see docs/architecture.md,
// "Who may import whom".
func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		for _, complaint := range complaints(p) {
			t.Error(complaint)
		}
	}
}

// TestImportRules asks the rules about packages that are not there.
func TestImportRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		folder, imported string
		allowed          bool
	}{
		{"shared/provider/plaid/plaidsource", "shared/provider/plaid", true},
		{"shared/provider/plaid/plaidsource", "shared/provider/quickbooks", false},
		{"shared/provider/plaid/plaidsim", "shared/provider/quickbooks", false},
		{"shared/app", "shared/platform/postgres", false},
		{"shared/platform/queue", "shared/platform/postgres", false},
		{"shared/store/storetest", "shared/platform/postgres", true},
		{"local", "shared/platform/postgres", true},
		{"jobs/migrate", "shared/store", false},
		{"shared/sync/connect", "shared/store", false},
		{"shared/other", "shared/fault", false},
		{"shared/money", "example.com/decimal", false},
		{"shared/provider/plaid", "github.com/golang-jwt/jwt/v5", true},
		{"shared/provider/plaid", "github.com/plaid/plaid-go/v20/plaid", false},
		{"shared/provider/plaid/plaidsim", "github.com/getkin/kin-openapi/openapi3", false},
	} {
		imported := tt.imported
		if host, _, _ := strings.Cut(imported, "/"); !strings.Contains(host, ".") {
			imported = module + "/" + imported
		}
		if got := complaints(listed{module + "/" + tt.folder, []string{imported}}); (len(got) == 0) != tt.allowed {
			t.Errorf("%s imports %s: %q", tt.folder, tt.imported, got)
		}
	}
}

// complaints says what is wrong with the imports of a package.
func complaints(p listed) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	folder := strings.TrimPrefix(p.ImportPath, module+"/")
	var may []string
	for _, r := range rules {
		if fits(folder, folder, r.folder) {
			may = r.may
			break
		}
	}
	if may == nil {
		complain("%s: no rule says what it may import: add one here and in docs/architecture.md", folder)
	}
	for _, imported := range p.Imports {
		to, ours := strings.CutPrefix(imported, module+"/")
		first, _, _ := strings.Cut(imported, "/")
		switch {
		case !ours && strings.Contains(first, ".") && slices.Contains(words, folder):
			complain("%s imports %s: words stand on the standard library", folder, imported)
		case !ours && slices.ContainsFunc(forTests, func(m string) bool { return strings.HasPrefix(imported+"/", m+"/") }):
			complain("%s imports %s, which is for tests only", folder, imported)
		case !ours:
		case !fits(folder, to, may...):
			complain("%s imports %s, which it may not", folder, to)
		case fits(folder, to, standIns...) && !fits(folder, folder, append(standIns, "local", "local/*")...):
			complain("%s imports %s, which is for tests and local only", folder, to)
		}
	}
	return wrong
}

// fits reports whether one of the patterns of the package in folder fits to.
func fits(folder, to string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if strings.HasPrefix(p, "..") {
			p = path.Join(folder, p)
		}
		ok, err := path.Match(p, to)
		return ok && err == nil
	})
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
