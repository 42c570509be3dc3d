-- Where an answer is good only as a whole, its batches are kept back here until the one that ends it:
-- see docs/adr/0013. Not logged: a crash of the server empties it, which the number in the run shows.

-- +goose Up
CREATE UNLOGGED TABLE sync.parts (
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	run_id bigint NOT NULL,
	number integer NOT NULL,
	records bytea NOT NULL,
	PRIMARY KEY (connection_id, run_id, number)
);
COMMENT ON TABLE sync.parts IS 'Batches of a unit that has not ended, in the order of their numbers.';
COMMENT ON COLUMN sync.parts.records IS 'In the store''s own form: written once and read once, by the same process.';

-- lz4 takes less time than the pieces that it saves; the default method takes more.
-- +goose StatementBegin
DO $$
BEGIN
	ALTER TABLE sync.parts ALTER COLUMN records SET COMPRESSION lz4;
EXCEPTION
	WHEN feature_not_supported OR invalid_parameter_value THEN
		ALTER TABLE sync.parts ALTER COLUMN records SET STORAGE EXTERNAL;
END
$$;
-- +goose StatementEnd

ALTER TABLE sync.runs ADD COLUMN parts integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN sync.runs.parts IS 'How many batches of a unit are kept back in sync.parts. Above 0 in a run that has ended: they were given up.';

REVOKE ALL ON sync.parts FROM PUBLIC;
