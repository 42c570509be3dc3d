-- +goose Up
CREATE TABLE quickbooks.classes (
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
	sub_class boolean,
	merged_into text COLLATE "C",
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.classes IS 'empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.classes.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.classes.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.classes.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.classes.parent_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.classes.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';
SELECT sync.pack('quickbooks.classes');
SELECT sync.protect('quickbooks.classes');
