package app_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocuments follows what our documents name: links, paths in backticks, and the packages of
// go commands, wherever those stand.
func TestDocuments(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	n := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		files, err := fs.Glob(h.root, pattern)
		if err != nil || len(files) == 0 {
			t.Errorf("no document is %s: %v", pattern, err)
		}
		for _, file := range files {
			b, err := fs.ReadFile(h.root, file)
			if err != nil {
				t.Fatal(err)
			}
			named, missing := h.follow(file, string(b))
			n += named
			for _, m := range missing {
				t.Errorf("%s names %s, which does not exist", file, m)
			}
		}
	}
	if n < 50 {
		t.Errorf("the documents name %d paths and packages only: are they still recognized?", n)
	}
}

func TestDocumentsAreRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, tt := range []struct {
		name, text string
		named      int
		missing    []string
	}{
		{"a folder and what is in it", "`shared/app`, `functions/`, `.ci/run`, `docs/architecture.md`", 4, nil},
		{"paths that are gone", "`shared/gone`, `functions/gone/main.go`", 2, []string{"shared/gone", "functions/gone/main.go"}},
		{"a folder of shared by its short name", "`platform/vault` and `platform/gone`, all of `sync/*`", 3, []string{"platform/gone"}},
		{"a file by its name alone", "`imports_test.go`, `gone.go`, `gone.sql`", 3, []string{"gone.go", "gone.sql"}},
		{"links", "[a](architecture.md#top), [b](../README.md), [c](gone.md), [d](https://x.example/gone.md), [e](#here)", 3, []string{"gone.md"}},
		{"places for names", "`provider/P`, `provider/P/…source`, `functions/NAME`", 0, nil},
		{"what is no path", "`application/json`, `raw->'Line'`, `/healthz`, `store.DDL`, `onpoint/invoices/A B=ab`, `a/b`", 0, nil},
		{"commands", "`go run ./local bench`, `go test ./gone -run X`\n\n    A=b go run ./jobs/link -org x\n    go test ./...\n    go vet ./shared/gone/...\n", 5, []string{"./gone", "./shared/gone/..."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			named, missing := h.follow("docs/x.md", tt.text)
			slices.Sort(missing)
			slices.Sort(tt.missing)
			if named != tt.named || !slices.Equal(missing, tt.missing) {
				t.Errorf("named %d, missing %q; want %d, %q", named, missing, tt.named, tt.missing)
			}
		})
	}
}

// house is the repository as documents name its parts.
type house struct {
	root     fs.FS
	packages []string // ./shared/app
	top      []string // names in the root
	shared   []string // names in shared
	files    map[string]bool
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{root: os.DirFS(filepath.Join("..", "..")), files: map[string]bool{}}
	for _, p := range list(t) {
		h.packages = append(h.packages, strings.Replace(p.ImportPath, "github.com/countinghouse/countinghouse", ".", 1))
	}
	for dir, names := range map[string]*[]string{".": &h.top, "shared": &h.shared} {
		entries, err := fs.ReadDir(h.root, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			*names = append(*names, e.Name())
		}
	}
	if err := fs.WalkDir(h.root, ".", func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && file == ".git" {
			return fs.SkipDir
		}
		h.files[d.Name()] = true
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

var (
	spans    = regexp.MustCompile("`([^`\n]+)`")
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	commands = regexp.MustCompile(`\bgo (?:run|test|vet|build)\b[^` + "`" + `\n]*`)
	holders  = regexp.MustCompile(`…|(^|/)[A-Z]+(/|$)`) // a word in capitals stands for a name
	ends     = regexp.MustCompile(`\.(md|go|sql|json|html|css|sh|yml|yaml|tf|golden)$`)
)

// follow returns how many paths and packages a document names, and those that are not there.
func (h *house) follow(document, text string) (named int, missing []string) {
	check := func(name string, exists bool) {
		named++
		if !exists {
			missing = append(missing, name)
		}
	}
	for _, m := range links.FindAllStringSubmatch(text, -1) {
		target, _, _ := strings.Cut(m[1], "#")
		if target != "" && !strings.Contains(target, ":") {
			check(m[1], h.exists(path.Join(path.Dir(document), target)))
		}
	}
	for _, m := range spans.FindAllStringSubmatch(text, -1) {
		if exists, isPath := h.path(m[1]); isPath {
			check(m[1], exists)
		}
	}
	for _, command := range commands.FindAllString(text, -1) {
		for word := range strings.FieldsSeq(command) {
			if strings.HasPrefix(word, "./") {
				check(word, h.hasPackage(strings.TrimRight(word, ",;:)")))
			}
		}
	}
	return named, missing
}

// path reports whether a word names a path of this repository, and whether that exists. Folders in
// shared go by their short names too, files by their name alone.
func (h *house) path(word string) (exists, isPath bool) {
	first, _, deep := strings.Cut(word, "/")
	switch {
	case strings.ContainsAny(word, " ='\"<>") || holders.MatchString(word):
		return false, false
	case deep && slices.Contains(h.top, first):
		return h.exists(word), true
	case deep && slices.Contains(h.shared, first):
		return h.exists("shared/" + word), true
	case !deep && ends.MatchString(word) && !strings.Contains(word, "*"):
		return h.files[word], true
	}
	return false, false
}

// exists takes patterns too: one file must fit.
func (h *house) exists(pattern string) bool {
	found, err := fs.Glob(h.root, path.Clean(pattern))
	return err == nil && len(found) > 0
}

// hasPackage takes what go commands take: ./local, ./shared/...
func (h *house) hasPackage(pattern string) bool {
	prefix, all := strings.CutSuffix(pattern, "/...")
	return slices.ContainsFunc(h.packages, func(p string) bool {
		return p == prefix || all && strings.HasPrefix(p+"/", prefix+"/")
	})
}
