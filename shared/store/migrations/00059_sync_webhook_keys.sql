-- The public keys that providers sign their webhooks with, so that a new process need not ask for them anew.

-- +goose Up
CREATE TABLE sync.webhook_keys (
	provider text COLLATE "C" NOT NULL,
	key_id text COLLATE "C" NOT NULL,
	key jsonb NOT NULL,
	expired boolean NOT NULL DEFAULT false,
	seen_at timestamptz NOT NULL,
	PRIMARY KEY (provider, key_id)
);
COMMENT ON TABLE sync.webhook_keys IS 'Public keys that a provider has confirmed; none is secret.';
COMMENT ON COLUMN sync.webhook_keys.provider IS 'With its environment, whose keys are its own.';
COMMENT ON COLUMN sync.webhook_keys.expired IS 'The provider has withdrawn it, for good.';
COMMENT ON COLUMN sync.webhook_keys.seen_at IS 'When the provider last confirmed it.';

REVOKE ALL ON sync.webhook_keys FROM PUBLIC;
