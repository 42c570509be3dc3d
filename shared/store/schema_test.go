package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/store"
)

// TestCurrent: code is ready on a schema that has what it needs, however much newer that is, and on no older one.
func TestCurrent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct {
		name, do string
		says     string // empty: ready
	}{
		{"as it was migrated", `SELECT`, ""},
		{"after a migration of later code", `INSERT INTO sync.migrations (version_id, is_applied) VALUES (99999, true)`, ""},
		{"without the last but one that it needs", `DELETE FROM sync.migrations WHERE version_id = 75`, "the database lacks migration 00075: run jobs/migrate"},
		{"nor others", `DELETE FROM sync.migrations WHERE version_id BETWEEN 70 AND 76`, "the database lacks migration 00076 and 6 before it: run jobs/migrate"},
		{"never migrated", `DROP TABLE sync.migrations`, "the database has no tables yet: run jobs/migrate"},
		{"empty", `DROP SCHEMA sync CASCADE`, "the database has no tables yet: run jobs/migrate"},
	} {
		f.exec(tt.do)
		err := f.Current(f.ctx)
		if tt.says == "" && err != nil || tt.says != "" && (!fault.Is(err, fault.Unavailable) || !errors.Is(err, store.ErrOldSchema) || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := f.Current(stopped); err == nil || errors.Is(err, store.ErrOldSchema) {
		t.Errorf("a database that does not answer: %v", err)
	}
}

// TestMigrateLeavesTheFutureAlone: where a newer version has migrated, an older one changes nothing, and says why.
func TestMigrateLeavesTheFutureAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := f.Migrate(f.ctx); err != nil {
		t.Fatal(err)
	}
	// Another view, and a migration of this version that is yet to be made: neither may be touched.
	f.exec(`INSERT INTO sync.migrations (version_id, is_applied) VALUES (90001, true), (90007, true)`)
	f.exec(`DELETE FROM sync.migrations WHERE version_id = 85`)
	f.exec(`DROP INDEX sync.streams_failed`)
	f.exec(`CREATE VIEW appsheet.of_the_future AS SELECT 1 AS one`)
	f.exec(`COMMENT ON VIEW appsheet.orders IS 'as the future wants it'`)
	before := f.rows(everything)
	err := f.Migrate(f.ctx)
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "the database has migration 90007") || !strings.Contains(err.Error(), "Nothing was changed") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, f.rows(everything)); diff != "" {
		t.Errorf("it changed (-before +after):\n%s", diff)
	}
	f.exec(`DELETE FROM sync.migrations WHERE version_id > 90000`)
	if err := f.Migrate(f.ctx); err != nil {
		t.Errorf("without the future: %v", err)
	}
}

// everything is the list of migrations, and all relations with what is said of them.
const everything = `SELECT 'migration', version_id::text, '' FROM sync.migrations
UNION ALL SELECT n.nspname, c.relname || ' ' || c.oid, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('sync', 'appsheet', 'testbooks', 'quickbooks', 'plaid', 'reporting') ORDER BY 1, 2`
