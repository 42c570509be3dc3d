package store_test

import (
	"io/fs"
	"testing"

	"github.com/countinghouse/countinghouse/shared/store"
)

// lastBefore is the last migration that was written when nothing was deployed yet.
const lastBefore = "00076_bank_views.sql"

// TestMigrationsLetOldCodeRun: a migration runs before the code that needs it, while older code works, and
// that code works on until its traffic has moved. So a migration adds. One that takes away, renames or asks
// more of what is written comes a release later, when no running code needs what goes, and says why above it:
//
//	-- contract: no code reads it since the release before
//	ALTER TABLE sync.streams DROP COLUMN load_total;
func TestMigrationsLetOldCodeRun(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(store.Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name <= lastBefore {
			continue
		}
		text, err := fs.ReadFile(store.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range contractions(string(text)) {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

func TestContractions(t *testing.T) {
	t.Parallel()
	const head = "-- Something.\n\n-- +goose Up\n"
	for _, tt := range []struct {
		name, sql string
		wrong     int
	}{
		{"a new table", `CREATE TABLE sync.a (id bigint PRIMARY KEY, name text NOT NULL, UNIQUE (name)); CREATE UNIQUE INDEX x ON sync.a (name);`, 0},
		{"and what is done to it", `CREATE UNLOGGED TABLE sync.a (id bigint); ALTER TABLE sync.a ADD COLUMN b text NOT NULL, ALTER COLUMN id SET NOT NULL;`, 0},
		{"a column that may be empty", `ALTER TABLE sync.runs ADD COLUMN trace text, ADD mood text CHECK (mood IN ('a', 'b'));`, 0},
		{"a column with a default", "ALTER TABLE sync.runs\n\tADD COLUMN trace text NOT NULL DEFAULT '',\n\tADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY NOT NULL;", 0},
		{"a comma in a type", `ALTER TABLE sync.runs ADD COLUMN cost numeric(10, 2), ADD COLUMN note text;`, 0},
		{"a wider check, and why", "-- contract: it takes what the one before took\nALTER TABLE sync.notices DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (outcome IN ('a', 'b'));", 0},
		{"some rows go", `WITH gone AS (DELETE FROM sync.runs WHERE id IN (SELECT 1) RETURNING id) SELECT count(*) FROM gone;`, 0},
		{"a policy that shows more", `CREATE POLICY show ON sync.runs FOR SELECT USING (true); SELECT 'GRANT DELETE';`, 0},
		{"an index", `CREATE INDEX runs_x ON sync.runs (id);`, 0},
		{"rights, words, rows", `REVOKE ALL ON sync.runs FROM PUBLIC; COMMENT ON COLUMN sync.runs.id IS 'DROP TABLE sync.runs; RENAME'; UPDATE sync.runs SET reason = 'drop column';`, 0},
		{"a function", "CREATE OR REPLACE FUNCTION sync.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n\t-- DROP TABLE x;\n\tUPDATE sync.runs SET error = 'drop'; GRANT EXECUTE ON FUNCTION sync.f() TO a; END $$;", 0},
		{"a function that gives", "CREATE FUNCTION sync.f(t regclass) RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF true THEN EXECUTE format('GRANT SELECT ON %s TO a', t); END IF; END $$;", 0},
		{"a block that adds", "DO $$ BEGIN ALTER TABLE sync.runs ADD COLUMN a text; PERFORM sync.alter_table('quickbooks.bills', 'ADD COLUMN note text'); END $$;", 0},
		{"a new table that readers see", `CREATE TABLE sync.a (id bigint); SELECT sync.protect('sync.a');`, 0},
		{"two calls", `SELECT sync.alter_table('a.b', 'ADD COLUMN c text'), sync.alter_table('a.d', 'ADD COLUMN c text');`, 0},
		{"what is said of a function", `COMMENT ON FUNCTION sync.alter_table(regclass, text) IS 'x'; REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sync FROM PUBLIC;`, 0},
		{"a name in quotes", `ALTER TABLE "quickbooks"."bills" ADD COLUMN "a;b" text;`, 0},
		{"what may be empty", `ALTER TABLE sync.runs ALTER COLUMN error DROP NOT NULL;`, 0},
		{"in the Down part", "CREATE TABLE sync.a (id bigint);\n-- +goose Down\nDROP TABLE sync.a;", 0},
		{"a value of a type", `ALTER TYPE sync.mood ADD VALUE 'x';`, 0},
		{"what comes with its default", `ALTER TABLE sync.runs ALTER COLUMN error SET DEFAULT '', ALTER COLUMN error SET NOT NULL;`, 0},

		{"rows go behind a WITH", `WITH gone AS (DELETE FROM sync.runs) SELECT 1;`, 1},
		{"rows go in a block", `DO $$ BEGIN DELETE FROM sync.runs; END $$;`, 1},
		{"rows go behind a condition", `DO $$ BEGIN IF true THEN DELETE FROM sync.runs; END IF; END $$;`, 1},
		{"rows are hidden", `CREATE POLICY hide ON sync.runs AS RESTRICTIVE USING (false);`, 1},
		{"rows are hidden by a block", `DO $$ BEGIN CREATE POLICY hide ON sync.runs AS RESTRICTIVE USING (false); END $$;`, 1},
		{"a WHERE of another", `WITH gone AS (DELETE FROM sync.runs RETURNING (SELECT 1 WHERE true)) SELECT 1 WHERE true;`, 1},
		{"a string that ends elsewhere, with a reason", "-- contract: x\nSELECT E'it\\'s'; DROP TABLE sync.runs; SELECT '';", 1},
		{"one in a block", `DO $$ BEGIN PERFORM e'it\'s'; DROP TABLE sync.runs; PERFORM ''; END $$;`, 1},
		{"a check that nothing passes", `ALTER TABLE sync.notices DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (false);`, 2},
		{"a string that ends elsewhere", `SELECT E'it\'s'; DROP TABLE sync.runs; SELECT '';`, 1},
		{"a table goes", `DROP TABLE IF EXISTS sync.runs;`, 1},
		{"a column goes", `ALTER TABLE sync.runs ADD COLUMN a text, DROP COLUMN b;`, 1},
		{"a column goes, in short", `ALTER TABLE ONLY sync.runs DROP b;`, 1},
		{"two columns go", `alter table sync.runs drop column a, drop column if exists b;`, 2},
		{"a view goes", `DROP VIEW appsheet.invoices;`, 1},
		{"an index goes", `DROP INDEX sync.runs_open;`, 1},
		{"a column gets another name", `ALTER TABLE sync.runs RENAME COLUMN a TO b;`, 1},
		{"a table gets another name", `ALTER TABLE sync.runs RENAME TO sprints;`, 1},
		{"a function gets another name", `ALTER FUNCTION sync.protect(regclass) RENAME TO shield;`, 1},
		{"a table moves", `ALTER TABLE sync.runs SET SCHEMA public;`, 1},
		{"another type", `ALTER TABLE sync.runs ALTER COLUMN calls TYPE integer;`, 1},
		{"another type, at length", `ALTER TABLE sync.runs ALTER calls SET DATA TYPE integer;`, 1},
		{"a value of a type gets another name", `ALTER TYPE sync.mood RENAME VALUE 'x' TO 'y';`, 1},
		{"what was optional", `ALTER TABLE sync.runs ALTER COLUMN error SET NOT NULL;`, 1},
		{"a default goes", `ALTER TABLE sync.runs ALTER COLUMN calls DROP DEFAULT;`, 1},
		{"a column that must be written", `ALTER TABLE sync.runs ADD COLUMN trace text NOT NULL, ADD COLUMN note text DEFAULT '';`, 1},
		{"a new check", `ALTER TABLE sync.runs ADD CONSTRAINT c CHECK (calls > 0);`, 1},
		{"a new key", `ALTER TABLE sync.runs ADD UNIQUE (started_at);`, 1},
		{"a unique index", `CREATE UNIQUE INDEX CONCURRENTLY x ON sync.runs (started_at);`, 1},
		{"rows go", `TRUNCATE sync.runs;`, 1},
		{"all rows go", `DELETE FROM sync.runs;`, 1},
		{"some rows go", `DELETE FROM sync.runs WHERE id = 1;`, 0},
		{"of a provider's table", `SELECT sync.alter_table('quickbooks.bills', 'ADD COLUMN note text, DROP COLUMN memo');`, 1},
		{"of a provider's table, with a string", `SELECT sync.alter_table('quickbooks.bills'::regclass, 'ADD COLUMN note text NOT NULL DEFAULT ''a''');`, 0},
		{"in a block", "-- +goose StatementBegin\nDO $$\nBEGIN\n\tIF true THEN\n\t\tALTER TABLE sync.runs DROP COLUMN a;\n\tEND IF;\n\tEXECUTE 'DROP TABLE sync.runs';\nEND\n$$;\n-- +goose StatementEnd", 2},

		{"names in quotes", `ALTER TABLE "quickbooks"."bills" DROP COLUMN raw;`, 1},
		{"a column in quotes", `ALTER TABLE sync.runs DROP COLUMN "raw";`, 1},
		{"of whatever tables there are", `SELECT sync.alter_table(c.oid::regclass, 'DROP COLUMN raw') FROM pg_class AS c;`, 1},
		{"by a change that is computed", `SELECT sync.alter_table('quickbooks.bills', 'DROP ' || 'COLUMN raw');`, 1},
		{"by the second of two calls", `SELECT sync.alter_table('a.b', 'ADD COLUMN c text'), sync.alter_table('a.d', 'DROP COLUMN c');`, 1},
		{"by a call in a block", "DO $$ BEGIN PERFORM sync.alter_table('quickbooks.bills', 'DROP COLUMN raw'); END $$;", 1},
		{"by a call in a loop", "DO $$ BEGIN FOR t IN SELECT 1 LOOP PERFORM sync.alter_table(t, 'ADD COLUMN a text'); END LOOP; END $$;", 1},
		{"by a call in an UPDATE", `UPDATE sync.runs SET error = sync.alter_table('quickbooks.bills', 'DROP COLUMN raw')::text;`, 1},
		{"by what is put together", "DO $$ BEGIN EXECUTE format('ALTER TABLE %s DROP COLUMN raw', t); END $$;", 1},
		{"by what is only put together", "DO $$ BEGIN EXECUTE format('%s', x); EXECUTE x; EXECUTE 'GRANT ' || x; END $$;", 3},
		{"by what is quoted in dollars", "DO $$ BEGIN EXECUTE $q$ALTER TABLE sync.runs DROP COLUMN a;$q$; END $$;", 1},
		{"by the second of what is executed", "DO $$ BEGIN EXECUTE 'SET a = 1; DROP TABLE sync.runs'; END $$;", 1},
		{"by a function", "CREATE OR REPLACE FUNCTION sync.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE x; END $$;", 1},
		{"by a body that is a string", "DO 'BEGIN DROP TABLE x; END';", 1},
		{"in a table that may have been there", `CREATE TABLE IF NOT EXISTS sync.runs (a text); ALTER TABLE sync.runs DROP COLUMN a;`, 1},
		{"behind a comment", "DO $$\nBEGIN\n\t-- it is old;\n\tDROP TABLE x; /* and\n\tmore */ DROP TABLE y;\nEND $$;", 2},
		{"a check goes", `ALTER TABLE sync.runs DROP CONSTRAINT c;`, 1},
		{"a key goes", `ALTER TABLE sync.runs DROP CONSTRAINT runs_pkey;`, 1},
		{"a check for another", `ALTER TABLE sync.runs DROP CONSTRAINT c, ADD CONSTRAINT d CHECK (true);`, 2},
		{"a column that is the key", `ALTER TABLE sync.runs ADD COLUMN k bigint PRIMARY KEY;`, 1},
		{"a column that is unique", `ALTER TABLE sync.runs ADD k bigint UNIQUE;`, 1},
		{"a column that points at what nobody has written", `ALTER TABLE sync.runs ADD COLUMN k bigint DEFAULT 1 REFERENCES sync.a (id);`, 1},
		{"a column that numbers itself", `ALTER TABLE sync.runs ALTER COLUMN k ADD GENERATED ALWAYS AS IDENTITY;`, 1},
		{"a right goes", `REVOKE UPDATE ON sync.runs FROM countinghouse_program;`, 1},
		{"a right goes with everybody's", `REVOKE ALL ON sync.runs FROM PUBLIC, countinghouse_program;`, 1},
		{"rows are hidden", `ALTER TABLE sync.runs ENABLE ROW LEVEL SECURITY;`, 1},
		{"rows are hidden by a call", `SELECT sync.protect('sync.runs');`, 1},
		{"another owner", `ALTER TABLE sync.runs OWNER TO a;`, 1},
		{"rows are refused", `CREATE TRIGGER t BEFORE INSERT ON sync.runs EXECUTE FUNCTION sync.f();`, 1},
		{"what nobody has thought of", `REASSIGN OWNED BY a TO b;`, 1},

		{"with a reason", "-- contract: nothing reads it since the release before\nALTER TABLE sync.runs DROP COLUMN a;", 0},
		{"with a reason among other words", "-- It was slow.\n-- contract: nothing reads it\n-- since May.\nALTER TABLE sync.runs DROP COLUMN a, DROP COLUMN b;", 0},
		{"with an empty reason", "-- contract:\nALTER TABLE sync.runs DROP COLUMN a;", 1},
		{"with a reason for another statement", "-- contract: nothing reads it\nALTER TABLE sync.runs DROP COLUMN a;\nALTER TABLE sync.runs DROP COLUMN b;", 1},
	} {
		if got := contractions(head + tt.sql); len(got) != tt.wrong {
			t.Errorf("%s: %d complaints, want %d: %q", tt.name, len(got), tt.wrong, got)
		}
	}
}
