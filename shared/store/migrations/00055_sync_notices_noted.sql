-- Webhooks that tell something for information only.

-- +goose Up
ALTER TABLE sync.notices DROP CONSTRAINT notices_outcome_check,
	ADD CONSTRAINT notices_outcome_check CHECK (outcome IN ('read', 'noted', 'unknown company', 'unknown kind', 'malformed', 'not synced'));
COMMENT ON COLUMN sync.notices.outcome IS 'Null: open. read: a run has read the object. noted: told for information, nothing was to be read. The others: no run is to read it.';
