-- Organisations that leave: from when on nothing is begun for them any more, and what stays here when all
-- that was theirs has gone.

-- +goose Up
ALTER TABLE sync.organisations ADD COLUMN leaving_since timestamptz;
COMMENT ON COLUMN sync.organisations.leaving_since IS 'When jobs/erase began. From then on nothing is connected or synced for it. Null: it stays.';

-- contract: it takes every state that the one before took
ALTER TABLE sync.connections DROP CONSTRAINT connections_state_check,
	ADD CONSTRAINT connections_state_check CHECK (state IN ('connecting', 'active', 'needs_reauth', 'paused', 'leaving', 'disconnected'));
COMMENT ON COLUMN sync.connections.state IS 'leaving: its organisation leaves, and the login at the provider is yet to be ended.';

CREATE TABLE sync.erasures (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_digest bytea NOT NULL,
	version text NOT NULL,
	started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	finished_at timestamptz,
	connections bigint NOT NULL DEFAULT 0,
	logins_ended bigint NOT NULL DEFAULT 0,
	logins_kept bigint NOT NULL DEFAULT 0,
	secrets bigint NOT NULL DEFAULT 0,
	rows bigint NOT NULL DEFAULT 0,
	login_kept boolean NOT NULL DEFAULT false,
	dealt_with bigint[] NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX erasures_open ON sync.erasures (org_digest) WHERE finished_at IS NULL;
COMMENT ON TABLE sync.erasures IS 'That an organisation was erased, when, and how much: nothing by which it could be listed.';
COMMENT ON COLUMN sync.erasures.org_digest IS 'SHA-256 of its slug. Who asks about a slug finds it; who reads the table learns no name.';
COMMENT ON COLUMN sync.erasures.version IS 'Of the program that worked on it last.';
COMMENT ON COLUMN sync.erasures.logins_kept IS 'Logins that were left at their providers, on request.';
COMMENT ON COLUMN sync.erasures.secrets IS 'Secrets that were deleted.';
COMMENT ON COLUMN sync.erasures.rows IS 'Rows that were deleted, of all tables but organisations and connections.';
COMMENT ON COLUMN sync.erasures.dealt_with IS 'Connections whose login an erasing under way need not look at again. Emptied when it ends.';
COMMENT ON COLUMN sync.erasures.login_kept IS 'Whether the role that read its rows stayed, without a way into this database, because something else hangs on it.';

REVOKE ALL ON sync.erasures FROM PUBLIC;
