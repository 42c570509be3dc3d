-- When each connection is swept next, how far its loads are, and when Intuit's allowance has run out.

-- +goose Up
ALTER TABLE sync.connections
	ADD COLUMN next_sync_at timestamptz NOT NULL DEFAULT '-infinity',
	ADD COLUMN asked_at timestamptz,
	ADD COLUMN dispatched_at timestamptz,
	ADD COLUMN sweep_every interval,
	ADD COLUMN webhooks_proven_at timestamptz,
	ADD COLUMN last_swept_at timestamptz;
CREATE INDEX connections_due ON sync.connections (next_sync_at) WHERE state IN ('active', 'paused');
COMMENT ON COLUMN sync.connections.next_sync_at IS 'The next look for changes; scheduled ticks before it do nothing.';
COMMENT ON COLUMN sync.connections.asked_at IS 'When somebody last wanted a look at once: one that began earlier is no answer to that.';
COMMENT ON COLUMN sync.connections.dispatched_at IS 'When the dispatcher last sent a tick.';
COMMENT ON COLUMN sync.connections.sweep_every IS 'Between two looks for changes. Grows while webhooks are proven to tell of all.';
COMMENT ON COLUMN sync.connections.last_swept_at IS 'When the last finished look for changes began: what was changed before is stored.';
COMMENT ON COLUMN sync.connections.webhooks_proven_at IS 'When a look for changes last found that webhooks had told of all. Null: they are not trusted.';

ALTER TABLE sync.streams
	ADD COLUMN load_total bigint,
	ADD COLUMN load_done bigint NOT NULL DEFAULT 0,
	ADD COLUMN load_started_at timestamptz;
COMMENT ON COLUMN sync.streams.load_total IS 'How many objects the load under way is expected to read. Null: not known.';
COMMENT ON COLUMN sync.streams.load_done IS 'How many of them have been read.';
COMMENT ON COLUMN sync.streams.load_started_at IS 'When the load under way began. Null: none is.';

-- Metered calls are counted per connection: a counter of all would make every batch wait for every
-- other. Days that are over are added up once.
CREATE TABLE sync.usage_days (
	provider text COLLATE "C" NOT NULL,
	day date NOT NULL,
	metered_calls bigint NOT NULL,
	PRIMARY KEY (provider, day)
);
CREATE INDEX api_usage_of_day ON sync.api_usage (day);
COMMENT ON TABLE sync.usage_days IS 'All connections'' metered calls of days that are over.';
COMMENT ON COLUMN sync.usage_days.day IS 'In UTC.';

CREATE TABLE sync.allowances (
	provider text COLLATE "C" NOT NULL,
	month date NOT NULL,
	refused_since timestamptz,
	refused_accounts text[] NOT NULL DEFAULT '{}',
	exhausted_at timestamptz,
	probe_at timestamptz,
	PRIMARY KEY (provider, month)
);
COMMENT ON TABLE sync.allowances IS 'Whether a provider has stopped answering this app for the month: told apart from throttling by how long and for how many accounts.';
COMMENT ON COLUMN sync.allowances.refused_since IS 'Since when every call of every account has been refused; null: the last one was answered.';

-- Most runs find nothing, and are dropped after two days.
CREATE INDEX runs_idle ON sync.runs (started_at) WHERE written = 0 AND deleted = 0 AND dead = 0;

REVOKE ALL ON sync.usage_days, sync.allowances FROM PUBLIC;
