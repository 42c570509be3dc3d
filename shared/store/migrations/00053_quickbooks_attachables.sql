-- +goose Up
CREATE TABLE quickbooks.attachables (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	file_name text,
	content_type text,
	size bigint,
	category text,
	note text,
	tag text,
	lat text,
	long text,
	place_name text,
	file_access_uri text,
	thumbnail_file_access_uri text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.attachables IS 'files and notes, which outlive what they are attached to. The file itself is asked for from QuickBooks, by the id. the provider''s feed of changes leaves these out: they are read again every 12 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.attachables.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.attachables.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.attachables.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.attachables.file_name IS 'null: a note without a file';
COMMENT ON COLUMN quickbooks.attachables.size IS 'in bytes';
CREATE INDEX attachables_file_name ON quickbooks.attachables (org_id, file_name);
SELECT sync.pack('quickbooks.attachables');
SELECT sync.protect('quickbooks.attachables');

CREATE TABLE quickbooks.attachable_refs (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	attachable_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	entity_ref_value text,
	entity_ref_type text,
	line_info text,
	include_on_send boolean,
	no_ref_only boolean,
	custom_field jsonb,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, attachable_id, position)
);
COMMENT ON TABLE quickbooks.attachable_refs IS 'what the file or note is attached to; none: to nothing';
CREATE INDEX attachable_refs_entity_ref_type_entity_ref_value ON quickbooks.attachable_refs (org_id, entity_ref_type, entity_ref_value);
SELECT sync.protect('quickbooks.attachable_refs');
