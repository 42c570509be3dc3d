-- +goose Up
CREATE TABLE quickbooks.payment_methods (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	active boolean,
	type text,
	merged_into text COLLATE "C",
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.payment_methods.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.payment_methods.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.payment_methods.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.payment_methods.type IS 'CREDIT_CARD or NON_CREDIT_CARD';
COMMENT ON COLUMN quickbooks.payment_methods.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';
SELECT sync.pack('quickbooks.payment_methods');
SELECT sync.protect('quickbooks.payment_methods');
