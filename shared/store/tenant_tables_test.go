package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// nobodys are the tables whose rows say of no organisation whose they are, and why erasing one leaves them.
var nobodys = map[string]string{
	"sync.migrations":        "what has run",
	"sync.usage_days":        "sums over all connections of a provider",
	"sync.erased_usage":      "what organisations that are gone have cost, all together",
	"sync.job_runs":          "when each job last ended well",
	"sync.allowances":        "a provider's answers to all; the names of accounts in it are taken out one by one",
	"sync.webhook_keys":      "public keys of providers",
	"sync.rejected_messages": "whose they are stands in their texts: found by the organisation and by the names of its accounts",
	"sync.erasures":          "what is to stay",
}

// undecided are the columns of the platform's own tables that are not exported; the manifest says why.
var undecided = map[string]string{
	"sync.organisations":  "leaving_since",
	"sync.connections":    "not_before fence lease_holder lease_until lease_ttl tick_noted secret_version parked_token token_expires_at asked_at dispatched_at clearing_at restored_at",
	"sync.streams":        "checkpoint",
	"sync.runs":           "parts",
	"sync.call_windows":   "*",
	"sync.census":         "*",
	"sync.connect_links":  "*",
	"sync.connect_states": "*",
	"sync.parts":          "*",
	"sync.token_journal":  "*",
}

// TestEveryTableOfATenant fails for a table that says of no row whose it is: then erasing an organisation
// would leave it.
func TestEveryTableOfATenant(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	owned, free, err := store.TablesOfTenants(t.Context(), s.Pool)
	if err != nil || len(owned) < 100 {
		t.Fatalf("%d tables, %v", len(owned), err)
	}
	for _, name := range free {
		if nobodys[name] == "" {
			t.Errorf("%s has neither org_id nor connection_id: erase would leave its rows. Give it one, or say in nobodys why not", name)
		}
	}
	for name := range nobodys {
		if !slices.Contains(free, name) {
			t.Errorf("%s is in nobodys, and erase knows whose its rows are, or there is none", name)
		}
	}
}

// TestReferencesToTenants fails for a reference that hides behind another column's name.
func TestReferencesToTenants(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	rows, err := s.Pool.Query(t.Context(), `SELECT f.conrelid::regclass || '.' || a.attname FROM pg_constraint AS f
JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)
WHERE f.contype = 'f' AND f.confrelid IN ('sync.connections'::regclass, 'sync.organisations'::regclass)`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(all) < 10 {
		t.Fatalf("%q, %v", all, err)
	}
	for _, column := range all {
		if !strings.HasSuffix(column, ".connection_id") && !strings.HasSuffix(column, ".org_id") {
			t.Errorf("%s refers to a tenant under another name than connection_id or org_id: erase does not see it", column)
		}
	}
}

// TestEveryOwnColumn fails for a column of the platform's own tables of which nobody has decided whether an
// export may hold it.
func TestEveryOwnColumn(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	rows, err := s.Pool.Query(t.Context(), `SELECT c.table_schema || '.' || c.table_name, c.column_name FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_schema, table_name) WHERE t.table_type = 'BASE TABLE' AND c.table_schema = 'sync'`)
	if err != nil {
		t.Fatal(err)
	}
	var table, column string
	seen := map[string]bool{}
	_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		left := strings.Fields(undecided[table])
		out := slices.Contains(store.OwnColumns[table], column)
		kept := slices.Contains(left, column) || slices.Contains(left, "*") || nobodys[table] != ""
		if out == kept {
			t.Errorf("%s.%s: say in ownColumns that it is exported, or here that it is not: a token or a secret never is", table, column)
		}
		seen[table+"."+column] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for table, columns := range store.OwnColumns {
		for _, c := range append(columns, strings.Fields(undecided[table])...) {
			if !seen[table+"."+c] {
				t.Errorf("%s.%s: there is no such column", table, c)
			}
		}
	}
}
