-- The role of the programs: it reads and writes rows, owns nothing, and makes nothing but temporary
-- tables. A login becomes one of the programs by being made a member of it.

-- +goose Up
-- Roles belong to the whole server, so another database may have made this one, even just now.
-- +goose StatementBegin
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'countinghouse_program') THEN
		CREATE ROLE countinghouse_program NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
	END IF;
EXCEPTION
	WHEN duplicate_object OR unique_violation THEN
		NULL;
END
$$;
-- +goose StatementEnd

-- As before, and the programs keep what everybody loses: they connect, and compare in temporary tables.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION sync.secure_database() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f regprocedure;
BEGIN
	IF EXISTS (SELECT FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
		WHERE d.datname = current_database() AND a.grantee = 0) THEN
		EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
	END IF;
	IF NOT has_database_privilege('countinghouse_program', current_database(), 'CONNECT')
		OR NOT has_database_privilege('countinghouse_program', current_database(), 'TEMPORARY') THEN
		EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO countinghouse_program', current_database());
	END IF;
	FOR f IN SELECT p.oid::regprocedure FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
		WHERE p.pronamespace = 'pg_catalog'::regnamespace AND a.grantee = 0
		AND p.proname IN ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_open', 'lo_put', 'lo_import', 'lo_export')
	LOOP
		BEGIN
			EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
		EXCEPTION
			WHEN insufficient_privilege THEN
				NULL;
		END;
	END LOOP;
END
$$;
-- +goose StatementEnd

-- COPY refuses a table whose policies bind whoever copies. So each such table is made the one partition
-- of a table of the same name in intake_<schema>, which has no policies because nobody can read it, and
-- programs copy into that one: the rows land in the table itself, at the same speed (finding a default
-- partition would cost 3 %, one without bounds does not).
-- contract: the table that it is put under is new, and the rows stay where all code looks for them
-- +goose StatementBegin
CREATE FUNCTION sync.open_intake(t regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	schema text;
	intake text;
BEGIN
	SELECT 'intake_' || n.nspname, format('%I.%I', 'intake_' || n.nspname, c.relname) INTO schema, intake
	FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = t;
	IF to_regnamespace(quote_ident(schema)) IS NULL THEN
		EXECUTE format('CREATE SCHEMA %I', schema);
		EXECUTE format('COMMENT ON SCHEMA %I IS %L', schema, 'Where programs copy rows in. To alter a table: sync.alter_table.');
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO countinghouse_program', schema);
	END IF;
	EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED) PARTITION BY RANGE (org_id)', intake, t);
	EXECUTE format('GRANT INSERT ON %s TO countinghouse_program', intake);
	EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (MINVALUE) TO (MAXVALUE)', intake, t);
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION sync.open_intake(regclass) IS 'Lets programs COPY into a table with policies.';

-- Called at the end of each Migrate, so that no migration has to think of the programs.
-- contract: it gives rights, and opens tables to COPY
-- +goose StatementBegin
CREATE FUNCTION sync.admit_programs() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	schemas CONSTANT regnamespace[] := ARRAY(SELECT n.oid FROM pg_namespace AS n, pg_namespace AS ours WHERE ours.nspname = 'sync'
		AND n.nspowner = ours.nspowner AND n.nspname !~ '^(pg_|intake_|information_schema$|public$)');
	n regnamespace;
	t record;
BEGIN
	FOREACH n IN ARRAY schemas LOOP
		IF NOT has_schema_privilege('countinghouse_program', n, 'USAGE') THEN
			EXECUTE format('GRANT USAGE ON SCHEMA %s TO countinghouse_program', n);
		END IF;
	END LOOP;
	FOR t IN SELECT c.oid::regclass AS name, CASE
				WHEN c.relkind = 'v' OR c.oid::regclass::text IN ('sync.migrations', 'sync.custom_columns', 'sync.erasures') THEN 'SELECT'
				WHEN c.oid::regclass::text = 'sync.organisations' THEN 'SELECT, UPDATE (name)' -- who may not change a row cannot lock it
				ELSE 'SELECT, INSERT, UPDATE, DELETE'
			END AS rights, c.relrowsecurity AS bound,
			EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'programs') AS admitted,
			c.relispartition OR c.relnamespace = 'sync'::regnamespace AS direct
		FROM pg_class AS c WHERE c.relnamespace = ANY (schemas) AND c.relkind IN ('r', 'v') ORDER BY 1
	LOOP
		IF NOT has_table_privilege('countinghouse_program', t.name, 'SELECT') THEN
			EXECUTE format('GRANT %s ON %s TO countinghouse_program', t.rights, t.name);
		END IF;
		IF t.bound AND NOT t.admitted THEN
			EXECUTE format('CREATE POLICY programs ON %s TO countinghouse_program USING (true) WITH CHECK (true)', t.name);
		END IF;
		IF t.bound AND NOT t.direct THEN
			PERFORM sync.open_intake(t.name);
		END IF;
	END LOOP;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION sync.admit_programs() IS 'Gives countinghouse_program its rights on all tables and views there are.';

-- contract: what is altered each call says for itself
-- +goose StatementBegin
CREATE FUNCTION sync.alter_table(t regclass, change text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s %s', coalesce(pg_partition_root(t), t), change);
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION sync.alter_table(regclass, text) IS
	'ALTER TABLE for a provider''s table: its columns are those of the table in intake_<schema>, once there is one.';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sync FROM PUBLIC;
