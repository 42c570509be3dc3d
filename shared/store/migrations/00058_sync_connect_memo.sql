-- Consents that are given on a page of the provider's own: what it must be asked about afterwards.

-- +goose Up
ALTER TABLE sync.connect_states ADD COLUMN memo bytea;
COMMENT ON COLUMN sync.connect_states.memo IS 'What the provider''s part in connecting keeps for the callback, sealed where it is secret. Null: nothing, or the state is used up.';
COMMENT ON COLUMN sync.connections.account_name IS 'The account as people know it; null: nobody has told.';
