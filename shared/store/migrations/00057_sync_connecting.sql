-- Attempts to connect that died half-way are ended by a job, and a login is known by what it showed
-- when it was connected until its accounts have been read.

-- +goose Up
ALTER TABLE sync.connections ADD COLUMN clearing_at timestamptz, ADD COLUMN shown jsonb;
COMMENT ON COLUMN sync.connections.clearing_at IS 'When somebody last began to end this attempt to connect, which nobody was at any more.';
COMMENT ON COLUMN sync.connections.shown IS 'What the person chose at the provider, by which the same login is known again: its institution, and names and masks of accounts. Null: nothing was shown.';
