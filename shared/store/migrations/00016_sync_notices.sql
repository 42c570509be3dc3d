-- What webhooks tell: one row an event, kept until a run has read the object that it names.

-- +goose Up
CREATE TABLE sync.notices (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	provider text COLLATE "C" NOT NULL,
	account text COLLATE "C" NOT NULL,
	connection_id bigint REFERENCES sync.connections (id),
	event text COLLATE "C" NOT NULL,
	stream text COLLATE "C" NOT NULL,
	object_id text COLLATE "C" NOT NULL,
	change text COLLATE "C" NOT NULL,
	loser_id text COLLATE "C",
	told_at timestamptz,
	received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	deliveries integer NOT NULL DEFAULT 1,
	settled_at timestamptz,
	outcome text CHECK (outcome IN ('read', 'unknown company', 'unknown kind', 'malformed', 'not synced')),
	problem text,
	raw text NOT NULL CHECK (length(raw) <= 10000),
	UNIQUE (provider, event)
) WITH (fillfactor = 70);
CREATE INDEX notices_open ON sync.notices (connection_id, id) WHERE settled_at IS NULL;
CREATE INDEX notices_of_connection ON sync.notices (connection_id, received_at);
CREATE INDEX notices_received ON sync.notices (received_at);
COMMENT ON TABLE sync.notices IS 'What webhooks told, one row an event. A second delivery of one is counted, not kept.';
COMMENT ON COLUMN sync.notices.event IS 'The provider''s id of the event; where it has none, a digest of what it says.';
COMMENT ON COLUMN sync.notices.loser_id IS 'Of a merge: the object that object_id has swallowed.';
COMMENT ON COLUMN sync.notices.told_at IS 'By the provider''s clock: a hint.';
COMMENT ON COLUMN sync.notices.settled_at IS 'Null: a run has yet to read the object.';
COMMENT ON COLUMN sync.notices.problem IS 'Of a malformed one: what is wrong with it.';

-- A webhook names the account alone, and may mean one that is disconnected.
CREATE INDEX connections_of_account ON sync.connections (provider, account);

REVOKE ALL ON sync.notices FROM PUBLIC;
