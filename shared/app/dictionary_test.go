package app

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

var update = flag.Bool("update", false, "write docs/data-dictionary.md")

// dictionary returns what docs/data-dictionary.md must be.
func dictionary() string {
	return catalog.Dictionary([]catalog.Chapter{
		{Title: "QuickBooks Online", About: quickbooks.About, Tables: quickbooks.Catalog()},
		{Title: "Plaid", About: plaid.About, Tables: plaid.Catalog()},
		{Title: "Views for reports", About: reportingViews()},
	})
}

func TestDictionary(t *testing.T) {
	t.Parallel()
	const file = "../../docs/data-dictionary.md"
	if *update {
		if err := os.WriteFile(file, []byte(dictionary()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dictionary(), string(b)); diff != "" {
		t.Errorf("docs/data-dictionary.md is stale: run go test ./shared/app -run Dictionary -update (-catalog +file):\n%s", diff)
	}
}

// TestDictionaryIsComplete looks up every column that the database has for providers' data.
func TestDictionaryIsComplete(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, Tables()...)
	schemas := []string{"appsheet", "reporting"}
	for _, table := range Tables() {
		schemas = append(schemas, string(table.Provider))
	}
	rows, err := s.Pool.Query(t.Context(), `SELECT table_schema || '.' || table_name, column_name
FROM information_schema.columns WHERE table_schema = ANY ($1)`, schemas)
	if err != nil {
		t.Fatal(err)
	}
	head, chapters, _ := strings.Cut(dictionary(), "\n## ")
	sections := map[string]string{} // by table and by view
	for section := range strings.SplitSeq(chapters, "\n### ") {
		name, rest, _ := strings.Cut(section, "\n")
		sections[name] = rest
		if _, view, ok := strings.Cut(rest, "view `"); ok {
			view, _, _ = strings.Cut(view, "`")
			sections[view] = rest
		}
	}
	n := 0
	var table, column string
	if _, err := pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		if word := "`" + column + "`"; !strings.Contains(head, word) && !strings.Contains(sections[table], word) {
			t.Errorf("the dictionary does not explain %s.%s", table, column)
		}
		n++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n < 1500 {
		t.Errorf("the database has %d columns only", n)
	}
}
