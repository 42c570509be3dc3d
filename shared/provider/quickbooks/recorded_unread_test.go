package quickbooks_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// TestUnreadKeys lists the keys of recorded objects that no column reads: they are in raw only. A
// key that is new here is a choice to make: a column, or a line more in testdata/unread.txt.
func TestUnreadKeys(t *testing.T) {
	dir := recordings(t)
	t.Parallel()
	c := tablesOnly()
	unread := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d recordings: %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c.find(raw, func(s snapshot) {
			read := readPaths(s.table)
			scalars(s.raw, "", func(path string, _ json.RawMessage) {
				if path = declaredPath(s.table, path); !read(path) {
					unread[s.table.Stream+" "+path] = true
				}
			})
		})
	}
	var list []string
	for path := range unread {
		list = append(list, path)
	}
	slices.Sort(list)
	got := strings.Join(list, "\n") + "\n"
	const golden = "testdata/unread.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("what no column reads (-%s +recordings); after a choice, run go test ./shared/provider/quickbooks -run UnreadKeys -update:\n%s", golden, diff)
	}
}

// readPaths tells which paths of a table's objects columns read; one that is kept as JSON reads all below it.
func readPaths(t *catalog.Table) func(path string) bool {
	paths := map[string]bool{}
	var kept []string
	for _, r := range t.Relations() {
		for _, c := range r.Columns {
			path := r.JSONPath(c)
			paths[path] = true
			if c.Type == catalog.JSON {
				kept = append(kept, path)
			}
		}
	}
	return func(path string) bool {
		return paths[path] || slices.ContainsFunc(kept, func(k string) bool {
			return strings.HasPrefix(path, k+".") || strings.HasPrefix(path, k+"[]")
		})
	}
}
