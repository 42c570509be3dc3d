package quickbooks_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
)

// oddities are the objects that cannot be stored, and why that is right: by file, what the dead
// letters must say of them.
var oddities = map[string][]string{
	// The body of a request, not of an answer: what is to be created has no Id yet.
	"doc_batch_request.json": {"Vendor: the record has no Id"},
}

// unrecorded are the entities of which no recording holds an object: TestUnrecordedObjects has bodies
// that follow Intuit's documentation.
var unrecorded = []string{"Transfer"}

// TestRecordedObjects stores every object of the catalog's entities that QuickBooks' recorded and
// documented answers hold, and compares all of what comes back. They are not part of this
// repository; what our own simulator says is compared by TestSimulatedObjects.
func TestRecordedObjects(t *testing.T) {
	dir := recordings(t)
	t.Parallel()
	got := compareFiles(t, filepath.Join(dir, "*.json"), oddities)
	t.Logf("compared %+v", got)
	least := figures{Files: 50, Objects: 430, Deleted: 1, Lines: 250, Rows: 850, Values: 12000, Amounts: 1500}
	if !got.reach(least) {
		t.Errorf("compared %+v, want at least %+v: is the folder complete?", got, least)
	}
	var none []string
	for _, table := range quickbooks.Catalog() {
		if got.Of[table.Stream] == 0 {
			none = append(none, table.Stream)
		}
	}
	if diff := cmp.Diff(unrecorded, none); diff != "" {
		t.Errorf("entities of which nothing is recorded (-want +got):\n%s", diff)
	}
}

// recordings returns the folder of what was recorded, and skips the test where there is none.
func recordings(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("COUNTINGHOUSE_FIXTURES is not set: in CI the recordings are required")
		}
		t.Skip("COUNTINGHOUSE_FIXTURES is not set: it names a folder with quickbooks/*.json, real answers of QuickBooks")
	}
	return filepath.Join(dir, "quickbooks")
}

// TestSimulatedObjects does the same with the recordings of our simulator, which hold what the
// real ones lack: lines in groups, euros, lines of text.
func TestSimulatedObjects(t *testing.T) {
	t.Parallel()
	got := compareFiles(t, filepath.Join("testdata", "*.json"), nil)
	t.Logf("compared %+v", got)
	least := figures{Files: 7, Objects: 50, Deleted: 2, Lines: 50, Nested: 2, Rows: 120, Values: 1500, Amounts: 250}
	if !got.reach(least) {
		t.Errorf("compared %+v, want at least %+v", got, least)
	}
}

// figures counts what was compared.
type figures struct {
	Files   int // with at least one object
	Objects int // Deleted and Dead ones among them
	Deleted int // known by their tombstone only
	Voided  int
	Dead    int // could not be stored: see oddities
	Lines   int // elements of arrays called Line, Nested ones among them
	Nested  int // lines inside another line
	Rows    int // of all tables
	Values  int // columns that are not null
	Amounts int // values of numeric columns

	Of map[string]int // objects that were stored, by entity
}

func (f figures) reach(least figures) bool {
	return f.Files >= least.Files && f.Objects >= least.Objects && f.Deleted >= least.Deleted && f.Voided >= least.Voided && f.Lines >= least.Lines &&
		f.Nested >= least.Nested && f.Rows >= least.Rows && f.Values >= least.Values && f.Amounts >= least.Amounts
}
