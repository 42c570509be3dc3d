package store

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestParentsFirst(t *testing.T) {
	t.Parallel()
	tables := func(names ...string) (all []tenantTable) {
		for _, n := range names {
			all = append(all, tenantTable{schema: "s", name: n})
		}
		return all
	}
	refers := map[string][]string{"s.a": {"s.c"}, "s.b": {"s.a", "s.c"}}
	sorted, err := parentsFirst(tables("a", "b", "c", "d"), refers)
	at := func(name string) int {
		return slices.IndexFunc(sorted, func(t tenantTable) bool { return t.name == name })
	}
	if err != nil || len(sorted) != 4 || at("c") > at("a") || at("a") > at("b") {
		t.Errorf("%v, %v", sorted, err)
	}
	refers["s.c"] = []string{"s.b"}
	if _, err := parentsFirst(tables("a", "b", "c", "d"), refers); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "s.a, s.b, s.c") {
		t.Errorf("a circle: %v", err)
	}
}

func TestOwnedRows(t *testing.T) {
	t.Parallel()
	of := owning{slug: "onpoint", connections: []int64{1}, providers: []string{"plaid"}, accounts: []string{"item"}}
	for _, tt := range []struct {
		name, says string
		columns    []string
		args       int
	}{
		{"a table of a provider", "org_id = $1", []string{"org_id", "connection_id", "id"}, 1},
		{"what hangs on a connection", "connection_id = ANY", []string{"connection_id", "day"}, 1},
		{"a webhook's remains", "connection_id IS NULL AND EXISTS", []string{"connection_id", "provider", "account"}, 3},
		{"an account's calls", "t.account = k.account", []string{"provider", "account"}, 2},
		{"nobody's", "", []string{"provider", "day"}, 0},
	} {
		where, args := tenantTable{schema: "s", name: "t", columns: tt.columns, all: tt.columns}.owned(of)
		if !strings.Contains(where, tt.says) || (where == "") != (tt.says == "") || len(args) != tt.args {
			t.Errorf("%s: %q with %d arguments", tt.name, where, len(args))
		}
	}
}

// TestHandedOut asks what of a table is exported, whether somebody has thought of it or not.
func TestHandedOut(t *testing.T) {
	t.Parallel()
	s := &Store{tables: []*table{}}
	for name, columns := range ownColumns {
		schema, table, _ := strings.Cut(name, ".")
		all := append(slices.Clone(columns), "org_id", "sealed")
		if got, where := s.exported(tenantTable{schema, table, all, all}, "onpoint"); !slices.Equal(got, columns) || where == "" {
			t.Errorf("%s: %q where %s", name, got, where)
		}
	}
	other := []string{"org_id", "token"}
	if got, where := s.exported(tenantTable{"sync", "other", other, other}, "onpoint"); got != nil || where != "" {
		t.Errorf("a table of the platform that nobody has decided about: %q where %s", got, where)
	}
	if got, where := s.exported(tenantTable{"finance", "users", other, other}, "onpoint"); got != nil || where == "" {
		t.Errorf("a table of another schema: %q where %s: it is to be told, and not exported", got, where)
	}
	if got := slices.Sorted(maps.Keys(ownColumns)); len(got) != 9 {
		t.Errorf("%q", got)
	}
}
