-- +goose Up
CREATE TABLE quickbooks.company_currencies (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	code text,
	name text,
	active boolean,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.company_currencies IS 'the currencies that a company uses beside its own. the provider''s feed of changes leaves these out: they are read again every 7 days. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.company_currencies.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.company_currencies.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.company_currencies.meta_data_last_updated_time IS 'whole seconds; guards against older data';
SELECT sync.pack('quickbooks.company_currencies');
SELECT sync.protect('quickbooks.company_currencies');
