package store

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/catalog"
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

func TestObstacles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, says     string
		columns, types string
		kept           bool // this login may not delete from it
	}{
		{"a provider's", "", "org_id connection_id", "text bigint", false},
		{"a webhook's remains", "", "connection_id provider account", "bigint text text", false},
		{"another's number", "s.t.org_id is of the type integer", "id org_id", "bigint integer", false},
		{"another's connection", "s.t.connection_id is of the type uuid", "connection_id", "uuid", false},
		{"another's account", "s.t.account is of the type bigint", "provider account", "text bigint", false},
		{"nobody's account", "", "account", "bigint", false},
		{"what has the organisation need not know the connection", "", "org_id connection_id", "text uuid", false},
		{"no right to delete", "this login may not delete from s.t", "org_id", "text", true},
		{"nor a reason to", "", "id", "bigint", true},
	} {
		all := strings.Fields(tt.columns)
		got := tenantTable{schema: "s", name: "t", deletable: !tt.kept, columns: all, all: all, types: strings.Fields(tt.types)}.obstacle()
		if !strings.HasPrefix(got, tt.says) || (got == "") != (tt.says == "") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.says)
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
		if got, where := s.exported(tenantTable{schema: schema, name: table, columns: all, all: all}, "onpoint"); !slices.Equal(got, columns) || where == "" {
			t.Errorf("%s: %q where %s", name, got, where)
		}
	}
	other := []string{"org_id", "token"}
	if got, where := s.exported(tenantTable{schema: "sync", name: "other", columns: other, all: other}, "onpoint"); got != nil || where != "" {
		t.Errorf("a table of the platform that nobody has decided about: %q where %s", got, where)
	}
	s.tables = []*table{{relations: []*relation{{Relation: &catalog.Relation{Schema: "testbooks", Name: "orders"}}}}}
	if got, where := s.exported(tenantTable{schema: "testbooks", name: "orders", columns: other, all: other}, "onpoint"); !slices.Equal(got, other) || where == "" {
		t.Errorf("a provider's table: %q where %s", got, where)
	}
	for _, to := range []tenantTable{{schema: "finance", name: "users"}, {schema: "testbooks", name: "orders_before"}} {
		to.columns, to.all = other, other
		if got, where := s.exported(to, "onpoint"); got != nil || where == "" {
			t.Errorf("%s, which the catalog does not have: %q where %s: it is to be told, and not exported", to, got, where)
		}
	}
	if got := slices.Sorted(maps.Keys(ownColumns)); len(got) != 9 {
		t.Errorf("%q", got)
	}
}
