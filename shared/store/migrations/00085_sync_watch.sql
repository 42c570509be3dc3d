-- Streams that fail are few, and are looked for every few minutes.

-- +goose Up
CREATE INDEX streams_failed ON sync.streams (connection_id) WHERE status = 'failed';
