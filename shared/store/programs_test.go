package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// asProgram is a session as functions and jobs have it.
func asProgram(t *testing.T, s *storetest.Store) hostile {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.ProgramURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) }) //nolint:errcheck // the test is over
	return hostile{conn, t}
}

// What somebody does who has got hold of a function: rows can be lost, and reconciling brings them back;
// tables, rights and logins stay as they are.
func TestHostileProgram(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asProgram(t, f.Store).attacksAsProgram(t, f)
}

func (h hostile) attacksAsProgram(t *testing.T, f *fixture) {
	t.Helper()
	f.apply(order("1", 1))
	attempts := [][]string{
		{`DROP TABLE testbooks.orders`}, {`DROP TABLE intake_testbooks.orders`}, {`DROP VIEW appsheet.orders`}, {`DROP SCHEMA sync CASCADE`},
		{`TRUNCATE testbooks.orders`}, {`TRUNCATE sync.runs`}, {`TRUNCATE intake_testbooks.orders`},
		{`ALTER TABLE testbooks.orders ADD COLUMN x text`}, {`ALTER TABLE intake_testbooks.orders ADD COLUMN x text`}, {`ALTER TABLE sync.connections DISABLE ROW LEVEL SECURITY`},
		{`SELECT sync.alter_table('testbooks.orders', 'ADD COLUMN x text')`}, {`SELECT sync.admit_programs()`}, {`SELECT sync.secure_database()`}, {`SELECT sync.protect('sync.runs')`},
		{`CREATE POLICY mine ON testbooks.orders USING (true)`}, {`DROP POLICY readers ON testbooks.orders`}, {`CREATE INDEX ON testbooks.orders (name)`},
		{`CREATE TRIGGER mine BEFORE INSERT ON testbooks.orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`},
		{`CREATE RULE mine AS ON INSERT TO testbooks.tags DO INSTEAD NOTHING`},
		{`CREATE ROLE mine`}, {`ALTER ROLE reader_onpoint PASSWORD 'mine'`}, {`ALTER ROLE current_user CREATEROLE`}, {`DROP ROLE reader_onpoint`},
		{`GRANT reader_onpoint TO current_user`}, {`GRANT countinghouse_program TO reader_onpoint`}, {`SET ROLE reader_onpoint`}, {`SET ROLE postgres`}, {`SET SESSION AUTHORIZATION postgres`},
		{`SELECT * FROM pg_catalog.pg_authid`}, {`SELECT passwd FROM pg_catalog.pg_shadow`}, {`SELECT pg_read_file('PG_VERSION')`}, {`COPY (SELECT 1) TO PROGRAM 'id'`},
		{`INSERT INTO sync.organisations (slug, name) VALUES ('mine', 'Mine')`}, {`DELETE FROM sync.organisations`}, {`UPDATE sync.organisations SET slug = 'mine'`},
		{`INSERT INTO sync.custom_columns (org_id, view, field, column_name) VALUES ('onpoint', 'orders', 'f', 'c')`}, {`DELETE FROM sync.migrations`}, {`DELETE FROM sync.erasures`},
		{`SELECT setval('sync.connections_id_seq', 1)`}, {`SELECT * FROM intake_testbooks.orders`}, {`DELETE FROM intake_testbooks.orders`},
		{`SET session_replication_role = replica`}, {`ALTER SYSTEM SET fsync = off`}, {`ALTER DATABASE postgres SET search_path = mine`}, {`LOCK TABLE sync.organisations`},
		{`CREATE SCHEMA mine`}, {`CREATE EXTENSION pg_trgm`}, {`CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`},
	}
	for _, schema := range f.rows(`SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'`) {
		name := strings.Trim(schema, "()")
		attempts = append(attempts, []string{`CREATE TABLE ` + name + `.mine (x int)`}, []string{`CREATE VIEW ` + name + `.now AS SELECT 1`})
	}
	before := f.everything() + strings.Join(f.rows(rightsOfAll), "\n")
	if _, err := h.try(`GRANT SELECT ON sync.runs TO PUBLIC`); err != nil { // PostgreSQL warns, and does nothing
		t.Error(err)
	}
	for _, attempt := range attempts {
		if shown, err := h.try(attempt...); err == nil {
			t.Errorf("%v succeeds:\n%.300s", attempt, shown)
		}
	}
	if diff := cmp.Diff(before, f.everything()+strings.Join(f.rows(rightsOfAll), "\n")); diff != "" {
		t.Errorf("it has changed (-before +after):\n%s", diff)
	}
}

// rightsOfAll lists every right that anybody has on a table, schema or function.
const rightsOfAll = `SELECT oid::regclass::text AS name, relacl::text AS rights, relrowsecurity::text AS bound FROM pg_class WHERE relnamespace::regnamespace::text !~ '^(pg_|information)'
UNION ALL SELECT nspname, nspacl::text, '' FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
UNION ALL SELECT oid::regprocedure::text, proacl::text, '' FROM pg_proc WHERE pronamespace = 'sync'::regnamespace ORDER BY 1, 2, 3`

// What programs may do is listed, so that a new table is neither closed to them nor opened too far.
func TestProgramsRights(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, slices.Concat(quickbooks.Catalog(), plaid.Catalog())...)
	(&fixture{Store: s, TB: t, ctx: t.Context()}).programsRights(t)
}

func (f *fixture) programsRights(t *testing.T) {
	t.Helper()
	const ours = `n.nspname !~ '^(pg_|information_schema$|public$)'`
	may := func(privilege string) string {
		return `has_table_privilege('countinghouse_program', c.oid, '` + privilege + `')`
	}
	const readOnly = `('sync.migrations', 'sync.custom_columns', 'sync.erasures', 'sync.organisations')`
	for what, sql := range map[string]string{
		"cannot read": `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ` + ours + ` AND c.relkind IN ('r', 'v') AND NOT ` + may("SELECT"),
		"cannot write": `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ` + ours + ` AND c.relkind = 'r'
			AND c.oid::regclass::text NOT IN ` + readOnly + ` AND NOT (` + may("INSERT") + ` AND ` + may("UPDATE") + ` AND ` + may("DELETE") + `)`,
		"may write": `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ` + ours + `
			AND (c.relkind = 'v' OR c.oid::regclass::text IN ` + readOnly + `) AND (` + may("INSERT") + ` OR ` + may("UPDATE") + ` OR ` + may("DELETE") + `)`,
		"may read the intake": `SELECT c.oid::regclass FROM pg_class c WHERE c.relkind = 'p' AND (` + may("SELECT") + ` OR ` + may("UPDATE") + ` OR ` + may("DELETE") + `)`,
		"may more than rows": `SELECT c.oid::regclass, p FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
			WHERE ` + ours + ` AND c.relkind IN ('r', 'v', 'p') AND has_table_privilege('countinghouse_program', c.oid, p)`,
		"may use the sequence": `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE ` + ours + ` AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('countinghouse_program', c.oid, 'USAGE, UPDATE') END`,
		"may call":                     `SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ` + ours + ` AND has_function_privilege('countinghouse_program', p.oid, 'EXECUTE')`,
		"may create in":                `SELECT n.nspname FROM pg_namespace n WHERE n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege('countinghouse_program', n.oid, 'CREATE')`,
		"are bound and have no policy": `SELECT c.oid::regclass FROM pg_class c WHERE c.relrowsecurity AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'programs')`,
		"cannot copy into": `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity AND c.relkind = 'r' AND n.nspname <> 'sync'
			AND NOT coalesce(has_table_privilege('countinghouse_program', pg_partition_root(c.oid), 'INSERT'), false)`,
		"are members of": `SELECT roleid::regrole FROM pg_auth_members WHERE member = 'countinghouse_program'::regrole`,
		"are too mighty": `SELECT 1 FROM pg_roles WHERE rolname = 'countinghouse_program' AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolcanlogin OR rolreplication)`,
	} {
		for _, row := range f.rows(sql) {
			t.Errorf("programs %s: %s", what, row)
		}
	}
}

// A table that came with a later migration, and a column that came to a table which programs copy into.
func TestLaterMigration(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.apply(order("1", 1))
	f.exec(`CREATE SCHEMA later`)
	f.exec(`CREATE TABLE later.things (org_id text COLLATE "C" NOT NULL, id bigint DEFAULT 1, doubled integer GENERATED ALWAYS AS (2 * 21) STORED)`)
	f.exec(`SELECT sync.protect('later.things')`)
	f.exec(`CREATE VIEW later.all_things AS SELECT * FROM later.things`)
	f.exec(`SELECT sync.alter_table('later.things', 'ADD COLUMN early text')`) // while it is a table like any other
	for range 2 {
		if err := f.Migrate(f.ctx); err != nil {
			t.Fatal(err)
		}
		f.programsRights(t)
	}
	if _, err := f.Pool.Exec(f.ctx, `ALTER TABLE testbooks.orders ADD COLUMN late text`); err == nil {
		t.Error("a column can be added past the intake")
	}
	f.exec(`SELECT sync.alter_table('later.things', 'ADD COLUMN late text')`)
	f.exec(`SELECT sync.alter_table('testbooks.orders', 'ADD COLUMN late text')`)
	f.apply(order("1", 2), order("2", 1))
	if got := f.value(`SELECT string_agg(id, ' ' ORDER BY id) FROM testbooks.orders`); got != "1 2" {
		t.Errorf("orders %q", got)
	}
	h := asProgram(t, f.Store)
	if _, err := h.PgConn().CopyFrom(f.ctx, strings.NewReader("onpoint\tsoon\tlate\n"), `COPY intake_later.things (org_id, early, late) FROM STDIN`); err != nil {
		t.Error(err)
	}
	if got, err := h.try(`SELECT org_id, id, doubled, early, late FROM later.things`); err != nil || got != "onpoint|1|42|soon|late|\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// A table that has lost its intake is nobody's bad data: nothing is put aside for it.
func TestRowsWithoutTheirTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`ALTER TABLE intake_testbooks.orders DETACH PARTITION testbooks.orders`)
	n, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Records: []engine.Record{order("1", 1)}}, engine.Usage{})
	if !fault.Is(err, fault.Internal) || n.Dead > 0 {
		t.Errorf("%+v, %v", n, err)
	}
}

// As on Cloud SQL: the schema is made from nothing by a login that is no superuser and need not own the
// database itself, and all promises about rights hold there too.
func TestManagedServer(t *testing.T) {
	t.Parallel()
	m := storetest.StartManaged(t)
	for name, owner := range map[string]string{"its own database": storetest.ManagedOwner, "its group's database": storetest.ManagedGroup} {
		t.Run(name, func(t *testing.T) {
			f := newFixtureIn(t, m.New(t, owner, orders(), tags()))
			h := newHostileIn(t, f)
			for range 2 { // again, and with all that is there
				if err := f.Migrate(f.ctx); err != nil {
					t.Fatal(err)
				}
				if err := f.EnsureOrganisation(f.ctx, org.Organisation{Slug: "onpoint", Name: "OnPoint"}); err != nil {
					t.Fatal(err)
				}
				if err := f.RebuildViews(f.ctx); err != nil {
					t.Fatal(err)
				}
			}
			f.exec(`UPDATE sync.organisations SET name = slug`)
			h.seesItsOwn(t)
			h.attacks(t, f)
			f.readersRights(t)
			f.programsRights(t)
			asProgram(t, f.Store).attacksAsProgram(t, f)
			person(t, m, f)
			leaves(t, f)
		})
	}
	t.Run("a login that gcloud made", func(t *testing.T) { tooMighty(t, m) })
	t.Run("programs' logins", func(t *testing.T) { programLogins(t, m) })
}

// person signs in with a login of their own, which the owner has made a reader.
func person(t *testing.T, m *storetest.Managed, f *fixture) {
	t.Helper()
	name := pgx.Identifier{"ann@" + f.value(`SELECT current_database()`) + ".example"}
	m.Login(t, name[0])
	f.exec(`GRANT reader_onpoint TO ` + name.Sanitize())
	config := f.Pool.Config().ConnConfig
	config.User = name[0]
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	h := hostile{conn, t}
	if got, err := h.try(`SELECT string_agg(id, ' ' ORDER BY id) FROM appsheet.orders`); err != nil || !strings.HasPrefix(got, "1 2") || strings.Contains(got, "77") {
		t.Errorf("she sees %q, %v", got, err)
	}
}

// leaves drops the login of an organisation, as jobs/erase does.
func leaves(t *testing.T, f *fixture) {
	t.Helper()
	if err := f.EnsureOrganisation(f.ctx, org.Organisation{Slug: "leaver", Name: "Leaver"}); err != nil {
		t.Fatal(err)
	}
	if kept, err := f.Owner.DropReader(f.ctx, 0, "leaver"); kept || err != nil {
		t.Errorf("its login is kept: %v, %v", kept, err)
	}
}

// tooMighty makes the reader as gcloud makes users, a member of the group that owns the database, and of
// others that see all rows.
func tooMighty(t *testing.T, m *storetest.Managed) {
	s := m.New(t, storetest.ManagedGroup)
	m.Exec(t, `CREATE ROLE reader_mighty LOGIN`)
	for _, group := range []string{storetest.ManagedGroup, storetest.ManagedOwner, "countinghouse_program"} {
		m.Exec(t, `GRANT `+group+` TO reader_mighty`)
		err := s.EnsureOrganisation(t.Context(), org.Organisation{Slug: "mighty", Name: "Mighty"})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "member of") {
			t.Errorf("a member of %s: %v, want it refused", group, err)
		}
		m.Exec(t, `REVOKE `+group+` FROM reader_mighty`)
	}
	m.Exec(t, `DROP ROLE reader_mighty`)
}

// programLogins lets logins in and out.
func programLogins(t *testing.T, m *storetest.Managed) {
	s := m.New(t, storetest.ManagedGroup)
	const first, second = storetest.ManagedProgram, "run-connect@demo.iam"
	m.Login(t, second)
	for _, step := range []struct {
		name           string
		want           []string
		added, removed []string
		says           string
	}{
		{name: "as they are", want: []string{first}},
		{name: "one more", want: []string{first, second, second}, added: []string{second}},
		{name: "again", want: []string{second, first}},
		{name: "some that are not there", want: []string{second, "run-a@demo.iam", "run-b@demo.iam"}, says: "the database has no login run-a@demo.iam, run-b@demo.iam: Terraform makes them, or gcloud"},
		{name: "an address", want: []string{first, "run-a@demo.iam.gserviceaccount.com"}, says: "without .gserviceaccount.com"},
		{name: "one less", want: []string{first}, removed: []string{second}},
	} {
		added, removed, err := s.Owner.SetPrograms(t.Context(), step.want)
		if diff := cmp.Diff([][]string{step.added, step.removed}, [][]string{added, removed}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if (err == nil) != (step.says == "") || err != nil && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), step.says)) {
			t.Errorf("%s: %v, want %q", step.name, err, step.says)
		}
	}
	if _, err := s.Overview(t.Context()); err != nil {
		t.Errorf("the one that stayed: %v", err)
	}
	if _, _, err := s.SetPrograms(t.Context(), []string{first, second}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("by a program itself: %v", err)
	}
}

func TestConnectionsAreNamed(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for want, c := range map[string]store.Config{
		"countinghouse": {}, "syncorg": {Service: "syncorg"}, "migrate": {Job: "migrate"},
	} {
		c.DatabaseURL = config.Secret(s.ProgramURL)
		pool, err := store.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		var got string
		if err := pool.QueryRow(t.Context(), `SHOW application_name`).Scan(&got); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}
