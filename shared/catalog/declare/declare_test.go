package declare_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// A declaration with every word is the table written out.
func TestWords(t *testing.T) {
	t.Parallel()
	line := catalog.Child{Path: "Line", Name: "bill_lines"}
	begun := declare.Table{Provider: "testbooks", Stream: "Bill", Columns: declare.Under("Total", declare.Numbers("Amount"), declare.Texts("Currency"))}
	got := declare.Tables(begun.Holding(line).Indexed("a", "b").Noted("Total.Amount", "net").About("all").ReadEvery(time.Hour).NeverRemoved().
		IfOffered().Merging().Voided("Total.Amount", "Note", "Void").Succeeding("Before", []string{"Day"}).Alone())
	want := []catalog.Table{{
		Provider: "testbooks", Stream: "Bill", Note: "all", Children: []catalog.Child{line}, Indexes: []string{"a", "b"},
		Columns: []catalog.Column{{Path: "Total.Amount", Type: catalog.Numeric, Note: "net"}, {Path: "Total.Currency"}},
		Every:   time.Hour, Permanent: true, Optional: true, Merges: true,
		Void:       &catalog.Void{Amount: "Total.Amount", Note: "Note", Word: "Void"},
		Succession: &catalog.Succession{By: "Before", Same: [][]string{{"Day"}}, Alone: true},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A note on a column that is not there is a slip of the catalog's author, told at once.
func TestNotedNothing(t *testing.T) {
	t.Parallel()
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, "testbooks Bill has no Total") {
			t.Errorf("said %q", said)
		}
	}()
	declare.Table{Provider: "testbooks", Stream: "Bill"}.Noted("Total", "net")
}
