-- +goose Up
CREATE TABLE quickbooks.accounts (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	fully_qualified_name text,
	description text,
	acct_num text,
	active boolean,
	sub_account boolean,
	parent_ref_value text,
	parent_ref_name text,
	classification text,
	account_type text,
	account_sub_type text,
	current_balance numeric,
	current_balance_with_sub_accounts numeric,
	currency_ref_value text,
	currency_ref_name text,
	tax_code_ref_value text,
	tax_code_ref_name text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.accounts.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.accounts.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.accounts.meta_data_last_updated_time IS 'whole seconds; guards against older data';
SELECT sync.pack('quickbooks.accounts');
SELECT sync.protect('quickbooks.accounts');
