-- What every other migration builds on: the schemas, the readers' group, and the functions that
-- make a table safe to read for the logins of single organisations.

-- +goose Up
CREATE SCHEMA IF NOT EXISTS sync;
CREATE SCHEMA appsheet;

COMMENT ON SCHEMA sync IS 'Organisations, connections, runs: the platform''s own books. Readers have no way in.';
COMMENT ON SCHEMA appsheet IS 'Read-only views with a one-column row_key, without deleted rows. Generated.';

-- Roles belong to the whole server, so another database may have made this one, even just now.
-- +goose StatementBegin
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'countinghouse_reader') THEN
		CREATE ROLE countinghouse_reader NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
	END IF;
EXCEPTION
	WHEN duplicate_object OR unique_violation THEN
		NULL;
END
$$;
-- +goose StatementEnd

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA sync FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA appsheet TO countinghouse_reader;

-- A role reads the organisations whose reader_<slug> it is, or is a member of: nothing that a
-- client can set decides. The body is bound to its objects here, so no search_path misleads it.
CREATE FUNCTION sync.readable_orgs() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
	SELECT coalesce(array_agg(substr(r.rolname::text, 8)), '{}')
	FROM pg_catalog.pg_roles AS r
	WHERE starts_with(r.rolname::text, 'reader_') AND pg_has_role(current_user, r.oid, 'MEMBER')
);
GRANT EXECUTE ON FUNCTION sync.readable_orgs() TO countinghouse_reader;
COMMENT ON FUNCTION sync.readable_orgs() IS 'The organisations whose rows the current role may read.';

-- The policy asks once a query, and what it compares with can use the index that begins with org_id.
-- +goose StatementBegin
CREATE FUNCTION sync.protect(t regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
	EXECUTE format('CREATE POLICY readers ON %s FOR SELECT TO countinghouse_reader '
		'USING (org_id = ANY ((SELECT sync.readable_orgs())::text[]))', t);
	EXECUTE format('GRANT SELECT ON %s TO countinghouse_reader', t);
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION sync.protect(regclass) IS 'Shows the rows of a table with an org_id to that organisation''s readers only.';

-- +goose StatementBegin
CREATE FUNCTION sync.pack(t regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s ALTER COLUMN raw SET COMPRESSION lz4', t);
EXCEPTION
	WHEN feature_not_supported OR invalid_parameter_value THEN
		NULL; -- a server built without lz4 keeps its own method
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION sync.pack(regclass) IS 'Lets a table''s column raw be compressed by lz4, which loads several times faster than the default.';

-- What a copy made by CREATE DATABASE … TEMPLATE does not inherit, hence a function: called after
-- each migration and for each new organisation. Functions for large objects belong to the superuser;
-- where we are none, they stay as they are.
-- +goose StatementBegin
CREATE FUNCTION sync.secure_database() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f regprocedure;
BEGIN
	IF EXISTS (SELECT FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
		WHERE d.datname = current_database() AND a.grantee = 0) THEN
		EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
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
COMMENT ON FUNCTION sync.secure_database() IS 'Takes from everybody what a database gives to everybody: connecting, temporary tables, large objects.';

-- PUBLIC's default was taken away only for what its maker creates from now on.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sync FROM PUBLIC;
