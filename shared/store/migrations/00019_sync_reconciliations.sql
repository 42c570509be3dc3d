-- What comparing the database with the provider has found, and that it was mended.

-- +goose Up
CREATE TABLE sync.reconciliations (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	stream text COLLATE "C" NOT NULL,
	reading text COLLATE "C" NOT NULL,
	method text NOT NULL CHECK (method IN ('counts', 'values')),
	started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	finished_at timestamptz,
	checked bigint NOT NULL DEFAULT 0,
	equal bigint NOT NULL DEFAULT 0,
	missing bigint NOT NULL DEFAULT 0,
	stale bigint NOT NULL DEFAULT 0,
	damaged bigint NOT NULL DEFAULT 0,
	surplus bigint NOT NULL DEFAULT 0,
	mended bigint NOT NULL DEFAULT 0,
	examples jsonb NOT NULL DEFAULT '[]',
	UNIQUE (connection_id, stream, reading)
) WITH (fillfactor = 70);
CREATE INDEX reconciliations_of_connection ON sync.reconciliations (connection_id, started_at DESC);
REVOKE ALL ON sync.reconciliations FROM PUBLIC;
COMMENT ON TABLE sync.reconciliations IS 'One comparison of a stream with the provider a row.';
COMMENT ON COLUMN sync.reconciliations.method IS 'counts: the numbers of objects were compared; values: every object was read and every stored value compared.';
COMMENT ON COLUMN sync.reconciliations.checked IS 'Objects that the provider has: the sum of equal, missing, stale and damaged.';
COMMENT ON COLUMN sync.reconciliations.missing IS 'The provider has it, the database had not, or had it marked deleted.';
COMMENT ON COLUMN sync.reconciliations.stale IS 'The database had another version of it.';
COMMENT ON COLUMN sync.reconciliations.damaged IS 'The right version, with a wrong value or line.';
COMMENT ON COLUMN sync.reconciliations.surplus IS 'The database had it, the provider has not.';
COMMENT ON COLUMN sync.reconciliations.mended IS 'How many of those are right now.';
COMMENT ON COLUMN sync.reconciliations.examples IS 'Up to 20 of them: [{"id": "17", "was": "stale"}].';
