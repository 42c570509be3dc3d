-- +goose Up
CREATE TABLE quickbooks.departments (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	fully_qualified_name text,
	active boolean,
	parent_ref_value text,
	parent_ref_name text,
	sub_department boolean,
	address_line1 text,
	address_line2 text,
	address_line3 text,
	address_line4 text,
	address_line5 text,
	address_city text,
	address_country_sub_division_code text,
	address_postal_code text,
	address_country text,
	merged_into text COLLATE "C",
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.departments IS 'called location on QuickBooks'' pages. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.departments.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.departments.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.departments.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.departments.parent_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.departments.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';
SELECT sync.pack('quickbooks.departments');
SELECT sync.protect('quickbooks.departments');
