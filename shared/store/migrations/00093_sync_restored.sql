-- When a backup was restored last: what was compared before that was compared with another database.

-- +goose Up
ALTER TABLE sync.connections ADD COLUMN restored_at timestamptz;
COMMENT ON COLUMN sync.connections.restored_at IS 'When jobs/migrate -restored was run last. Comparisons that began before it prove nothing any more, and none is gone on with.';
