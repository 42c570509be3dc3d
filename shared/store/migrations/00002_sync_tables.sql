-- The platform's own tables. Identifiers compare byte by byte (COLLATE "C"): the order is then the
-- same on every server and in Go, and comparing is cheapest.

-- +goose Up
CREATE TABLE sync.organisations (
	slug text COLLATE "C" PRIMARY KEY,
	name text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN sync.organisations.name IS 'As people write it.';
ALTER TABLE sync.organisations ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON sync.organisations FOR SELECT TO countinghouse_reader
	USING (slug = ANY ((SELECT sync.readable_orgs())::text[]));
GRANT SELECT (slug, name) ON sync.organisations TO countinghouse_reader;

CREATE TABLE sync.connections (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id text COLLATE "C" NOT NULL REFERENCES sync.organisations (slug),
	provider text COLLATE "C" NOT NULL,
	account text COLLATE "C" NOT NULL,
	account_name text,
	state text NOT NULL DEFAULT 'connecting'
		CHECK (state IN ('connecting', 'active', 'needs_reauth', 'paused', 'disconnected')),
	reason text NOT NULL DEFAULT '',
	not_before timestamptz,
	fence bigint NOT NULL DEFAULT 0,
	lease_holder text,
	lease_until timestamptz,
	lease_ttl interval,
	tick_noted boolean NOT NULL DEFAULT false,
	secret_version bigint,
	parked_token bytea,
	token_expires_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	connected_at timestamptz,
	UNIQUE (org_id, provider, account)
) WITH (fillfactor = 50); -- a lease updates its row at every batch: leave it room on its page
CREATE UNIQUE INDEX connections_one_organisation ON sync.connections (provider, account) WHERE state <> 'disconnected';
COMMENT ON INDEX sync.connections_one_organisation IS 'One provider account feeds one organisation at a time.';
COMMENT ON COLUMN sync.connections.account IS 'The provider''s own name of the account: a QuickBooks realm, a Plaid Item, a Moneytree guest.';
COMMENT ON COLUMN sync.connections.not_before IS 'Ticks before this do nothing: the provider asked us to wait.';
COMMENT ON COLUMN sync.connections.fence IS 'Grows with each new owner of the lease: a late one cannot write.';
COMMENT ON COLUMN sync.connections.lease_until IS 'Null: nobody holds the lease. By the database''s clock.';
COMMENT ON COLUMN sync.connections.tick_noted IS 'A tick came while the lease was held.';
COMMENT ON COLUMN sync.connections.secret_version IS 'The version in the vault that holds the token: the only one that is read.';
COMMENT ON COLUMN sync.connections.parked_token IS 'A token, encrypted, that the vault could not take yet.';

CREATE TABLE sync.streams (
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	name text COLLATE "C" NOT NULL,
	status text CHECK (status IN ('ok', 'loading', 'failed')),
	loading boolean NOT NULL DEFAULT false,
	checkpoint jsonb,
	last_attempt timestamptz,
	last_success timestamptz,
	failures integer NOT NULL DEFAULT 0,
	error text,
	PRIMARY KEY (connection_id, name)
) WITH (fillfactor = 50);
COMMENT ON COLUMN sync.streams.loading IS 'In its first load or a full re-read.';
COMMENT ON COLUMN sync.streams.checkpoint IS 'The source''s own secret. Moves only in the transaction that writes the rows it covers.';
COMMENT ON COLUMN sync.streams.failures IS 'Runs in a row that failed for it.';

CREATE TABLE sync.runs (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	reason text NOT NULL,
	streams text[] NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz,
	outcome text CHECK (outcome IN ('done', 'partial', 'stopped', 'failed')),
	written bigint NOT NULL DEFAULT 0,
	deleted bigint NOT NULL DEFAULT 0,
	unchanged bigint NOT NULL DEFAULT 0,
	dead bigint NOT NULL DEFAULT 0,
	batches bigint NOT NULL DEFAULT 0,
	calls bigint NOT NULL DEFAULT 0,
	metered_calls bigint NOT NULL DEFAULT 0,
	error_kind text,
	error text
) WITH (fillfactor = 80);
CREATE INDEX runs_of_connection ON sync.runs (connection_id, started_at DESC);
CREATE INDEX runs_open ON sync.runs (connection_id) WHERE finished_at IS NULL;

CREATE TABLE sync.dead_letters (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	stream text COLLATE "C" NOT NULL,
	record_id text COLLATE "C",
	key bytea NOT NULL,
	version timestamptz,
	is_deletion boolean NOT NULL,
	reason text NOT NULL,
	raw bytea NOT NULL,
	first_seen timestamptz NOT NULL DEFAULT now(),
	last_seen timestamptz NOT NULL DEFAULT now(),
	attempts integer NOT NULL DEFAULT 1,
	resolved_at timestamptz
);
CREATE UNIQUE INDEX dead_letters_open ON sync.dead_letters (connection_id, stream, key) WHERE resolved_at IS NULL;
COMMENT ON TABLE sync.dead_letters IS 'Records that could not be stored, as they came.';
COMMENT ON COLUMN sync.dead_letters.key IS 'Tells open letters apart: a digest of the record''s id, or of its bytes where it has none.';

CREATE TABLE sync.api_usage (
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	day date NOT NULL,
	calls bigint NOT NULL DEFAULT 0,
	metered_calls bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (connection_id, day)
) WITH (fillfactor = 80);
COMMENT ON COLUMN sync.api_usage.day IS 'In UTC.';

CREATE TABLE sync.token_journal (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	fence bigint NOT NULL,
	from_version bigint,
	to_version bigint,
	started_at timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz,
	outcome text,
	detail text
);
CREATE INDEX token_journal_of_connection ON sync.token_journal (connection_id, id);
COMMENT ON TABLE sync.token_journal IS 'Each attempt to renew a token, written before it is sent. Never a token.';

CREATE TABLE sync.census (
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	stream text COLLATE "C" NOT NULL,
	census text COLLATE "C" NOT NULL,
	record_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (connection_id, stream, census, record_id)
);
COMMENT ON TABLE sync.census IS 'The ids that a full re-read has met, until it ends.';

CREATE TABLE sync.rejected_messages (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	received_at timestamptz NOT NULL DEFAULT now(),
	kind text NOT NULL,
	reason text NOT NULL,
	attributes jsonb NOT NULL DEFAULT '{}',
	body text NOT NULL DEFAULT '' CHECK (length(body) <= 10000)
);
COMMENT ON TABLE sync.rejected_messages IS 'Messages that can never succeed: acknowledged and kept here.';

CREATE TABLE sync.custom_columns (
	org_id text COLLATE "C" NOT NULL REFERENCES sync.organisations (slug),
	view text COLLATE "C" NOT NULL,
	field text COLLATE "C" NOT NULL,
	column_name text COLLATE "C" NOT NULL,
	PRIMARY KEY (org_id, view, field),
	UNIQUE (org_id, view, column_name)
);
COMMENT ON TABLE sync.custom_columns IS 'Which custom fields of an organisation''s objects are columns of a view in appsheet.';
SELECT sync.protect('sync.custom_columns');

REVOKE ALL ON ALL TABLES IN SCHEMA sync FROM PUBLIC;
