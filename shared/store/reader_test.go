package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// hostile is a session that was signed in as one organisation's login, as a client would.
type hostile struct {
	*pgx.Conn
	testing.TB
}

// newHostile fills two organisations and signs in as the reader of the first.
func newHostile(t *testing.T) (*fixture, hostile) {
	t.Helper()
	f := newFixture(t)
	return f, newHostileIn(t, f)
}

func newHostileIn(t *testing.T, f *fixture) hostile {
	t.Helper()
	f.apply(order("1", 2), order("2", 3), tag("9", "ours"))
	other := f.Connect(t, "powergen", books, "realm-2")
	l := f.Lease(t, other)
	secret := order("77", 3)
	secret.Raw = []byte(strings.Replace(string(secret.Raw), `"v3"`, `"powergen secret"`, 1))
	if _, err := f.Apply(f.ctx, l, 0, engine.Batch{Records: []engine.Record{secret}}, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	for _, slug := range []org.Slug{"onpoint", "powergen"} {
		if err := f.SetCustomColumn(f.ctx, store.CustomColumn{Org: slug, View: "orders", Field: "field of " + string(slug), Column: "model"}); err != nil {
			t.Fatal(err)
		}
	}
	f.exec(`ANALYZE`)
	return hostile{signIn(t, f.Store, store.ReaderRole("onpoint")), t}
}

func signIn(t *testing.T, s *storetest.Store, role string) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	if _, err := s.Pool.Exec(ctx, fmt.Sprintf(`ALTER ROLE %s PASSWORD 'test'`, pgx.Identifier{role}.Sanitize())); err != nil && !strings.Contains(err.Error(), "concurrently") {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.User, config.Password = role, "test"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

// try runs statements in one session and returns what the last one shows, rows or error, as text.
func (h hostile) try(statements ...string) (shown string, err error) {
	h.Helper()
	ctx := context.Background()
	defer h.Exec(ctx, `ROLLBACK; RESET ROLE; RESET ALL; DEALLOCATE ALL`, pgx.QueryExecModeSimpleProtocol)
	for _, sql := range statements {
		var b strings.Builder
		if strings.HasPrefix(sql, "COPY") && strings.HasSuffix(sql, "STDOUT") {
			_, err = h.PgConn().CopyTo(ctx, &b, sql)
			shown = b.String()
			continue
		}
		results, e := h.PgConn().Exec(ctx, sql).ReadAll()
		for _, r := range results {
			for _, row := range r.Rows {
				for _, v := range row {
					b.Write(v)
					b.WriteByte('|')
				}
				b.WriteByte('\n')
			}
		}
		shown, err = b.String(), e
	}
	return shown, err
}

func TestReaderSeesItsOwn(t *testing.T) {
	t.Parallel()
	_, h := newHostile(t)
	h.seesItsOwn(t)
}

func (h hostile) seesItsOwn(t *testing.T) {
	t.Helper()
	for sql, want := range map[string]string{
		`SELECT id FROM appsheet.orders ORDER BY 1`:                                           "1|\n2|\n",
		`SELECT count(*) FROM appsheet.order_lines`:                                           "5|\n",
		`SELECT count(*) FROM testbooks.orders`:                                               "2|\n",
		`SELECT DISTINCT organizationname FROM appsheet.orders`:                               "onpoint|\n",
		`SELECT label FROM testbooks.tags`:                                                    "ours|\n",
		`SHOW default_transaction_read_only`:                                                  "on|\n",
		`SHOW statement_timeout`:                                                              "20s|\n",
		`SELECT rolconnlimit, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user`: "20|f|\n",
	} {
		if got, err := h.try(sql); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", sql, got, err, want)
		}
	}
}

// Whatever a login of one organisation sends, it sees nothing of another.
func TestHostileReader(t *testing.T) {
	t.Parallel()
	f, h := newHostile(t)
	h.attacks(t, f)
}

func (h hostile) attacks(t *testing.T, f *fixture) {
	t.Helper()
	oid := f.value(`SELECT 'testbooks.orders'::regclass::oid`)
	f.exec(`SELECT lo_from_bytea(4242, 'powergen secret')`)
	const writable = `SET default_transaction_read_only = off; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE`
	leak := `CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$`
	for _, attempt := range [][]string{
		{`SELECT * FROM testbooks.orders WHERE org_id = 'powergen'`},
		{`SELECT * FROM testbooks.orders WHERE org_id <> 'onpoint'`},
		{`SELECT * FROM testbooks.order_lines WHERE order_id = '77'`},
		{`SELECT * FROM appsheet.orders WHERE org_id = 'powergen' OR true`},
		{`SELECT * FROM appsheet.order_lines`},
		{`SELECT org_id FROM testbooks.orders UNION ALL SELECT org_id FROM testbooks.tags`},
		{`SET row_security = off`, `SELECT * FROM testbooks.orders`},
		{`SET row_security = off`, `SELECT * FROM appsheet.orders`},
		{`SET ROLE reader_powergen`},
		{`SET ROLE postgres`},
		{`SET ROLE countinghouse_reader`, `SELECT * FROM testbooks.orders`},
		{`SET SESSION AUTHORIZATION reader_powergen`},
		{`SET session_replication_role = replica`, `SELECT * FROM testbooks.orders`},
		{`SET countinghouse.org = 'powergen'`, `SELECT * FROM testbooks.orders`},
		{`SET search_path = pg_temp, testbooks, sync`, `SELECT * FROM orders`},
		{writable, `CREATE TEMP TABLE pg_roles AS SELECT 'reader_powergen'::name AS rolname, 1::oid AS oid`},
		{writable, `CREATE VIEW mine AS SELECT * FROM testbooks.orders`},
		{writable, `CREATE SCHEMA mine`},
		{writable, `CREATE TABLE public.mine AS SELECT * FROM testbooks.orders`},
		{writable, `CREATE TABLE appsheet.mine (x int)`},
		{writable, leak, `SELECT * FROM testbooks.orders WHERE pg_temp.leak(name)`},
		{writable, `CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'`},
		{writable, `DO $$ BEGIN RAISE EXCEPTION '%', (SELECT string_agg(org_id, ',') FROM testbooks.orders); END $$`},
		{writable, `CREATE OR REPLACE VIEW appsheet.orders AS SELECT 1`},
		{writable, `DROP POLICY readers ON testbooks.orders`},
		{writable, `ALTER TABLE testbooks.orders DISABLE ROW LEVEL SECURITY`},
		{writable, `GRANT reader_powergen TO reader_onpoint`},
		{writable, `ALTER ROLE reader_onpoint RENAME TO reader_powergen`},
		{writable, `UPDATE testbooks.orders SET org_id = 'powergen'`},
		{writable, `DELETE FROM testbooks.orders`},
		{writable, `TRUNCATE testbooks.orders`},
		{writable, `INSERT INTO testbooks.tags (org_id, connection_id, id, raw, digest, synced_at) VALUES ('onpoint', 1, 'x', '{}', '', now())`},
		{writable, `SELECT * FROM testbooks.orders FOR UPDATE`},
		{writable, `SELECT lo_create(0)`},
		{writable, `SELECT lo_get(4242)`},
		{writable, `SELECT lo_from_bytea(0, 'x')`},
		{writable, `NOTIFY x`, `SELECT count(*) FROM testbooks.orders WHERE org_id = 'powergen' HAVING count(*) > 0`},
		{`COPY testbooks.orders TO STDOUT`},
		{`COPY (SELECT * FROM testbooks.orders WHERE org_id = 'powergen') TO STDOUT`},
		{`COPY testbooks.orders TO '/tmp/orders'`},
		{`COPY (SELECT 1) TO PROGRAM 'id'`},
		{`SELECT pg_read_file('PG_VERSION')`},
		{`SELECT query_to_xml('SELECT * FROM testbooks.orders', true, false, '')`},
		{`SELECT table_to_xml('testbooks.orders', true, false, '')`},
		{`SELECT schema_to_xml('sync', true, false, '')`},
		{`SELECT database_to_xml(true, false, '')`},
		{`SELECT ts_stat('SELECT to_tsvector(name) FROM testbooks.orders')`},
		{`SELECT (SELECT string_agg(name, ',') FROM testbooks.orders o WHERE o.org_id = x.org_id) FROM (VALUES ('powergen')) x (org_id)`},
		{`SELECT o.name FROM (VALUES ('powergen')) x (org_id), LATERAL (SELECT name FROM testbooks.orders o WHERE o.org_id = x.org_id OFFSET 0) o`},
		{`SELECT 1 / (CASE WHEN name = 'powergen secret' THEN 0 ELSE 1 END) FROM testbooks.orders WHERE org_id = 'powergen'`},
		{`SELECT name::int FROM testbooks.orders WHERE name LIKE 'powergen%'`},
		{`PREPARE p (text) AS SELECT * FROM testbooks.orders WHERE org_id = $1`, `EXECUTE p ('powergen')`},
		{`BEGIN; DECLARE c CURSOR FOR SELECT * FROM testbooks.orders WHERE org_id = 'powergen'`, `FETCH ALL FROM c`},
		{`EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM testbooks.orders WHERE name = 'x'`},
		{`SELECT most_common_vals, histogram_bounds FROM pg_catalog.pg_stats WHERE tablename = 'orders'`},
		{`SELECT stavalues1 FROM pg_catalog.pg_statistic`},
		{`SELECT * FROM pg_catalog.pg_stats_ext`},
		{`SELECT passwd FROM pg_catalog.pg_shadow`},
		{`SELECT rolpassword FROM pg_catalog.pg_authid`},
		{`SELECT query FROM pg_catalog.pg_stat_activity WHERE usename <> current_user AND query NOT LIKE '<insuff%' AND query <> ''`},
		{`SELECT convert_from(data, 'UTF8') FROM pg_catalog.pg_largeobject`},
		{`SELECT get_raw_page('testbooks.orders', 0)`},
		{`SELECT pg_relation_filepath(` + oid + `), pg_read_binary_file('base')`},
		{`SELECT pg_get_viewdef('appsheet.orders')`},
		{`SELECT * FROM sync.custom_columns`},
		{`SELECT * FROM sync.organisations`},
		{`SELECT * FROM sync.connections`},
		{`SELECT * FROM sync.dead_letters`},
		{`SELECT * FROM sync.readable_orgs()`},
		{`SELECT sync.protect('testbooks.orders')`},
		{`SELECT sync.secure_database()`},
		{`SELECT * FROM sync.migrations`},
		{`SELECT currval('sync.connections_id_seq')`},
		{`SELECT last_value FROM sync.connections_id_seq`},
		{`SELECT * FROM intake_testbooks.orders`},
		{writable, `INSERT INTO intake_testbooks.tags (org_id, connection_id, id, raw, digest, synced_at) VALUES ('onpoint', 1, 'x', '{}', '', now())`},
		{`SET ROLE countinghouse_program`, `SELECT * FROM testbooks.orders`},
		{writable, `GRANT countinghouse_program TO reader_onpoint`},
		{writable, `SELECT sync.admit_programs()`},
	} {
		shown, err := h.try(attempt...)
		if all := shown + fmt.Sprint(err); strings.Contains(all, "powergen secret") ||
			strings.Contains(shown, "powergen|") || strings.Contains(shown, "|77|") {
			t.Errorf("%v shows\n%.500s\n%v", attempt, shown, err)
		}
		quiet := strings.Contains(shown+fmt.Sprint(err), "powergen") && !strings.Contains(strings.Join(attempt, ""), "powergen")
		if strings.Contains(attempt[len(attempt)-1], "lo_") && f.value(`SELECT rolsuper FROM pg_roles WHERE rolname = current_user`) == "false" {
			continue // nobody but a superuser can take large objects from everybody: they are the reader's own, and empty
		}
		if quiet || err == nil && strings.HasPrefix(attempt[0], "SET default") && !strings.Contains(strings.Join(attempt, ""), "NOTIFY") {
			t.Errorf("%v succeeds or shows the other's name:\n%.500s", attempt, shown)
		}
	}
	if got := f.value(`SELECT count(*) FROM testbooks.orders`); got != "3" {
		t.Errorf("%s orders are left", got)
	}
}

// What a login may do is listed, so that a new table or function cannot open a door unnoticed.
func TestReadersRights(t *testing.T) {
	t.Parallel()
	newFixture(t).readersRights(t)
}

func (f *fixture) readersRights(t *testing.T) {
	t.Helper()
	for _, row := range f.rows(`SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_function_privilege('countinghouse_reader', p.oid, 'EXECUTE')
		AND p.proname <> 'readable_orgs'`) {
		t.Error("readers may call", row)
	}
	for _, row := range f.rows(`SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND has_table_privilege('countinghouse_reader', c.oid, 'SELECT') AND CASE c.relkind
			WHEN 'r' THEN NOT c.relrowsecurity WHEN 'v' THEN NOT coalesce(c.reloptions, '{}') @> '{security_invoker=true}' ELSE true END`) {
		t.Error("readers may read, without a policy:", row)
	}
	for _, row := range f.rows(`SELECT n.nspname FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
		AND has_schema_privilege('countinghouse_reader', n.oid, 'CREATE')`) {
		t.Error("readers may create in", row)
	}
	for _, row := range f.rows(`SELECT c.oid::regclass, p FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'v') AND has_table_privilege('countinghouse_reader', c.oid, p)`) {
		t.Error("readers may change", row)
	}
	if got := f.value(`SELECT has_database_privilege('countinghouse_reader', current_database(), 'TEMP') OR has_database_privilege('countinghouse_reader', current_database(), 'CONNECT')`); got != "false" {
		t.Error("everybody may connect or make temporary tables")
	}
}

// A login that is a member of two organisations' readers reads both, and one query asks once.
func TestReaderOfTwoOrganisations(t *testing.T) {
	t.Parallel()
	f, _ := newHostile(t)
	both := "accountant_" + f.value(`SELECT oid FROM pg_database WHERE datname = current_database()`)
	f.exec(`CREATE ROLE ` + both + ` LOGIN IN ROLE reader_onpoint, reader_powergen`)
	t.Cleanup(func() { f.exec(`DROP ROLE ` + both) })
	h := hostile{signIn(t, f.Store, both), t}
	if got, err := h.try(`SELECT string_agg(id, ' ' ORDER BY id) FROM appsheet.orders`); err != nil || got != "1 2 77|\n" {
		t.Errorf("%q, %v", got, err)
	}
	h.Close(f.ctx)
}

func TestPolicyUsesTheKey(t *testing.T) {
	t.Parallel()
	_, h := newHostile(t)
	got, err := h.try(`SET enable_seqscan = off`, `EXPLAIN (COSTS OFF) SELECT * FROM testbooks.orders`)
	// One question for the whole query: $0 as PostgreSQL 15 prints it, (InitPlan 1).col1 since 17.
	if err != nil || !strings.Contains(got, "Index Cond: (org_id = ANY (") || !strings.Contains(got, "InitPlan 1") {
		t.Errorf("%s, %v", got, err)
	}
}

// A login that no policy binds is no organisation's reader.
func TestReaderBeyondThePolicies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	slug := org.Slug("beyond-" + f.value(`SELECT oid FROM pg_database WHERE datname = current_database()`)) // roles are the whole server's
	role := pgx.Identifier{store.ReaderRole(slug)}.Sanitize()
	ensure := func() error {
		return f.EnsureOrganisation(f.ctx, org.Organisation{Slug: slug, Name: "Beyond"})
	}
	f.exec(`CREATE ROLE ` + role)
	t.Cleanup(func() { f.exec(`DROP OWNED BY ` + role + `; DROP ROLE ` + role) })
	for _, power := range []string{"SUPERUSER", "BYPASSRLS"} {
		f.exec(`ALTER ROLE ` + role + ` ` + power)
		if err := ensure(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "NOSUPERUSER NOBYPASSRLS") {
			t.Errorf("%s: %v", power, err)
		}
		if got := f.value(`SELECT rolcanlogin FROM pg_roles WHERE rolname = $1`, store.ReaderRole(slug)); got != "false" {
			t.Errorf("%s: may log in: %s", power, got)
		}
		f.exec(`ALTER ROLE ` + role + ` NO` + power)
	}
	if err := ensure(); err != nil {
		t.Error(err)
	}
}

func TestEnsureOrganisationAtOnce(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	ctx := context.Background()
	errs := make(chan error)
	slugs := []org.Slug{"onpoint", "powergen", "a-b_c"}
	for i := range 12 {
		go func() {
			errs <- s.EnsureOrganisation(ctx, org.Organisation{Slug: slugs[i%3], Name: "It's " + string(slugs[i%3])})
		}()
	}
	for range 12 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	o, err := s.Organisation(ctx, "a-b_c")
	if err != nil || o.Name != "It's a-b_c" {
		t.Errorf("%+v, %v", o, err)
	}
}
