package store_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

var update = flag.Bool("update", false, "write the migrations of streams that have none")

// providers are the catalogs whose tables the migrations must make.
var providers = []struct{ tables []catalog.Table }{{quickbooks.Catalog()}, {plaid.Catalog()}}

func TestMigrationsAgreeWithCatalog(t *testing.T) {
	if *update {
		writeMigrations(t)
	}
	s := storetest.New(t)
	ctx := context.Background()
	for _, p := range providers {
		want := map[string][]string{}
		ddl := map[string]string{}
		for i := range p.tables {
			for _, r := range p.tables[i].Relations() {
				want[r.Name] = shape(r)
				ddl[r.Name] = store.DDL(r)
			}
		}
		got := tables(ctx, t, s, string(p.tables[0].Provider))
		for name, columns := range want {
			switch have, ok := got[name]; {
			case !ok:
				t.Errorf("no migration makes %s: run this test with -update, or add\n%s", name, ddl[name])
			case !slices.Equal(have, columns):
				t.Errorf("%s (-catalog +database):\n%s\nwant it as\n%s", name, cmp.Diff(columns, have), ddl[name])
			}
		}
		for name := range got {
			if want[name] == nil {
				t.Errorf("the migrations make %s.%s, which no catalog declares", p.tables[0].Provider, name)
			}
		}
	}
}

// shape lists what a relation's table must be, a line for each column, index, comment and right.
func shape(r *catalog.Relation) []string {
	key := r.Key()
	lines := []string{"key " + strings.Join(key, ", "), "row level security", "policy programs", "policy readers"}
	column := func(name, typ string, notNull bool) {
		collation := ""
		if slices.Contains(key, name) && typ == "text" {
			collation = " C"
		}
		if notNull {
			typ += collation + " not null"
		}
		lines = append(lines, "column "+name+" "+typ)
	}
	column("org_id", "text", true)
	column("connection_id", "bigint", true)
	column(r.RootID(), "text", true)
	if r.Parent != nil {
		column("position", "integer", true)
		column("parent_position", "integer", false)
	} else {
		column("raw", "jsonb", true)
		column("digest", "bytea", true)
	}
	for _, c := range r.Columns {
		if r.Parent != nil || c.Name != "id" {
			column(c.Name, strings.Replace(c.Type.SQL(), "timestamptz", "timestamp with time zone", 1), false)
		}
	}
	column("deleted_at", "timestamp with time zone", false)
	column("synced_at", "timestamp with time zone", true)
	for _, c := range r.Ours() {
		lines = append(lines, "column "+c.Name+" "+map[string]string{
			catalog.MergedInto: "text C", catalog.OriginID: "text C", catalog.IsVoided: "boolean " + voided(r),
		}[c.Name])
	}
	for _, columns := range r.Indexes {
		lines = append(lines, "index org_id, "+columns)
	}
	lines = append(lines, comments(r)...)
	slices.Sort(lines)
	return lines
}

// voided is the formula of is_voided as PostgreSQL prints it.
func voided(r *catalog.Relation) string {
	if r.Root.Void == nil {
		return ""
	}
	amount, _ := r.Column(r.Root.Void.Amount)
	note, _ := r.Column(r.Root.Void.Note)
	return fmt.Sprintf("COALESCE(((%s = (0)::numeric) AND (%s ~~ '%s%%'::text)), false)", amount.Name, note.Name, r.Root.Void.Word)
}

// comments lists what a relation's table and columns must say.
func comments(r *catalog.Relation) (lines []string) {
	if says := r.Meaning(); says != "" {
		lines = append(lines, "comment: "+says)
	}
	for _, c := range slices.Concat(r.Columns, r.Ours()) {
		if says := c.Meaning(); says != "" {
			lines = append(lines, "comment on "+c.Name+": "+says)
		}
	}
	return lines
}

const shapes = `SELECT c.relname, 'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
	|| CASE WHEN co.collname = 'C' THEN ' C' ELSE '' END || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
	|| coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'
UNION ALL
SELECT c.relname, CASE WHEN i.indisprimary THEN 'key ' ELSE 'index ' END || (
	SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum)
FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid WHERE c.relnamespace = $1::regnamespace
UNION ALL
SELECT c.relname, CASE WHEN s.objsubid = 0 THEN 'comment: ' ELSE 'comment on ' || a.attname || ': ' END || s.description
FROM pg_class c JOIN pg_description s ON s.objoid = c.oid AND s.classoid = 'pg_class'::regclass
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.objsubid WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'
UNION ALL
SELECT relname, 'row level security' FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND relrowsecurity
UNION ALL
SELECT c.relname, 'policy ' || p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = $1::regnamespace`

func tables(ctx context.Context, t *testing.T, s *storetest.Store, schema string) map[string][]string {
	t.Helper()
	rows, err := s.Pool.Query(ctx, shapes, schema)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	var table, line string
	if _, err := pgx.ForEachRow(rows, []any{&table, &line}, func() error {
		out[table] = append(out[table], line)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, lines := range out {
		slices.Sort(lines)
	}
	return out
}

// writeMigrations writes a file for each stream whose table no file makes. The test must be run
// again to see them.
func writeMigrations(t *testing.T) {
	var all strings.Builder
	files, _ := filepath.Glob("migrations/*.sql")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	for _, p := range providers {
		for i := range p.tables {
			table := &p.tables[i]
			own := table.Relations()
			if strings.Contains(all.String(), "CREATE TABLE "+own[0].Qualified()+" (") {
				continue
			}
			text := "-- +goose Up\n"
			for j, r := range own {
				if j > 0 {
					text += "\n"
				}
				text += store.DDL(r)
			}
			name := fmt.Sprintf("migrations/%05d_%s_%s.sql", nextMigration(t), table.Provider, table.Name)
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			t.Logf("wrote %s: run again", name)
		}
	}
}

// nextMigration is the number after the last one in the folder: what has run somewhere never moves.
func nextMigration(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	if _, err := fmt.Sscanf(filepath.Base(slices.Max(files)), "%d_", &n); err != nil {
		t.Fatal(err)
	}
	return n + 1
}
