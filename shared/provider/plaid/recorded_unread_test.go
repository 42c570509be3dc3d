package plaid_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// TestUnreadKeys lists the keys of recorded objects that no column reads: they are in raw only. A key
// that is new here is a choice to make: a column, or a line more in testdata/unread.txt.
func TestUnreadKeys(t *testing.T) {
	t.Parallel()
	unread := map[string]bool{}
	for _, file := range recordedFiles(t) {
		for _, o := range readObjects(t, file) {
			read := readPaths(o.table)
			scalars(o.value(), "", func(path string, v any) {
				if !o.gone && !read(path, v == nil) {
					unread[o.table.Stream+" "+path] = true
				}
			})
		}
	}
	got := strings.Join(append(slices.Sorted(maps.Keys(unread)), ""), "\n")
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
		t.Errorf("what no column reads (-%s +recordings); after a choice, run go test ./shared/provider/plaid -run UnreadKeys -update:\n%s", golden, diff)
	}
}

// readPaths tells which paths of a table's objects columns read; one that is kept as JSON reads all below it,
// and a null may stand for an object of which they read parts.
func readPaths(t *catalog.Table) func(path string, null bool) bool {
	paths, objects := map[string]bool{}, map[string]bool{}
	var kept []string
	for _, r := range t.Relations() {
		for _, c := range r.Columns {
			path := r.JSONPath(c)
			paths[path] = true
			if c.Type == catalog.JSON {
				kept = append(kept, path)
			}
			for above := range parents(path) {
				objects[above] = true
			}
		}
	}
	return func(path string, null bool) bool {
		return paths[path] || null && objects[path] || slices.ContainsFunc(kept, func(k string) bool {
			return strings.HasPrefix(path, k+".") || strings.HasPrefix(path, k+"[]")
		})
	}
}

// parents visits the objects that a path leads through.
func parents(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range path {
			if path[i] == '.' && !yield(strings.TrimSuffix(path[:i], "[]")) {
				return
			}
		}
	}
}
