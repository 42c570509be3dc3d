-- +goose Up
CREATE TABLE quickbooks.customer_types (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	active boolean,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.customer_types IS 'the provider''s feed of changes leaves these out: they are read again every 7 days. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.customer_types.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.customer_types.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.customer_types.meta_data_last_updated_time IS 'whole seconds; guards against older data';
SELECT sync.pack('quickbooks.customer_types');
SELECT sync.protect('quickbooks.customer_types');
