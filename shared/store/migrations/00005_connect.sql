-- Connecting: the links that have done their work, and the sign-ins that are under way. Of links and
-- states only digests are kept.

-- +goose Up
CREATE TABLE sync.connect_links (
	nonce_digest bytea PRIMARY KEY,
	connection_id bigint NOT NULL REFERENCES sync.connections (id),
	used_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL
);
CREATE INDEX connect_links_expiry ON sync.connect_links (expires_at);
COMMENT ON TABLE sync.connect_links IS 'Links that were used, kept until they expire anyway.';

CREATE TABLE sync.connect_states (
	state_digest bytea PRIMARY KEY,
	browser_digest bytea NOT NULL,
	link_digest bytea NOT NULL,
	link_expires_at timestamptz NOT NULL,
	org_id text COLLATE "C" NOT NULL REFERENCES sync.organisations (slug),
	provider text COLLATE "C" NOT NULL,
	connection_id bigint,
	is_addition boolean NOT NULL,
	expires_at timestamptz NOT NULL,
	used_at timestamptz
);
CREATE INDEX connect_states_expiry ON sync.connect_states (expires_at);
COMMENT ON TABLE sync.connect_states IS 'A state is good for one callback, from the browser that started.';
COMMENT ON COLUMN sync.connect_states.connection_id IS 'The one that the link connects again; null: whichever fits. It need not exist.';

REVOKE ALL ON sync.connect_links, sync.connect_states FROM PUBLIC;
