package plaid_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
)

// holdNothing are the files that hold no object of a table, by how their names begin, and why that is so.
var holdNothing = map[string]string{
	"webhook_":              "a webhook is a hint: what it tells of is read",
	"custom_user_":          "a request: what a person of the Sandbox is to have",
	"error":                 "a refusal",
	"jwt_":                  "how a webhook is signed",
	"resp_link_token_":      "a session of Link: its accounts and banks are abridged, and are read once there is an Item",
	"recorded_sandbox_link": "a session of Link",
	"recorded_sandbox_publ": "tokens",
	"resp_item_public_toke": "tokens",
	"resp_sandbox_":         "what only the Sandbox answers",
	"resp_webhook_verifica": "a key",
	"resp_item_remove":      "done, and nothing more",
	"resp_transactions_ref": "done, and nothing more",
	"resp_user_transaction": "done, or why not",
}

// TestRecordedObjects stores every object of the catalog's streams that Plaid's recorded and documented
// answers hold, and compares all of what comes back. They are not part of this repository. None of them
// may be refused: the abridged ones too say enough for a row.
func TestRecordedObjects(t *testing.T) {
	t.Parallel()
	files := recordedFiles(t)
	c := newComparison(t)
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			objects := readObjects(t, file)
			because := ""
			for prefix, why := range holdNothing {
				if strings.HasPrefix(name, prefix) {
					because = why
				}
			}
			if (len(objects) == 0) != (because != "") {
				t.Fatalf("%d objects; %q", len(objects), because)
			}
			c.file(t, name, objects)
		})
	}
	t.Logf("compared %+v", c.got)
	least := figures{Files: 23, Objects: 149, Deleted: 3, Children: 19, Rows: 168, Values: 1572, Amounts: 300}
	if !c.got.reach(least) {
		t.Errorf("compared %+v, want at least %+v: is the folder complete?", c.got, least)
	}
	for _, table := range plaid.Catalog() {
		if c.got.Of[table.Stream] == 0 {
			t.Errorf("there is no recording of %s", table.Stream)
		}
	}
}

// recordedFolder returns the folder of what was recorded, and skips the test where there is none.
func recordedFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("COUNTINGHOUSE_FIXTURES is not set: in CI the recordings are required")
		}
		t.Skip("COUNTINGHOUSE_FIXTURES is not set: it names a folder with plaid/*.json, real answers of Plaid")
	}
	return filepath.Join(dir, "plaid")
}

// recordedFiles lists the recordings.
func recordedFiles(t *testing.T) (files []string) {
	t.Helper()
	for _, pattern := range []string{"*.json", "more/*.json"} {
		found, err := filepath.Glob(filepath.Join(recordedFolder(t), pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%d files %s: %v", len(found), pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

// figures counts what was compared.
type figures struct {
	Files    int // with at least one object
	Objects  int // Deleted ones among them
	Deleted  int // known by their ids only
	Children int // rows of arrays
	Rows     int // of all tables
	Values   int // columns that are not null
	Amounts  int // values of numeric columns

	Of map[string]int // objects, by stream
}

func (f figures) reach(least figures) bool {
	return f.Files >= least.Files && f.Objects >= least.Objects && f.Deleted >= least.Deleted && f.Children >= least.Children &&
		f.Rows >= least.Rows && f.Values >= least.Values && f.Amounts >= least.Amounts
}
