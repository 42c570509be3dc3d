-- +goose Up
CREATE TABLE quickbooks.transfers (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	doc_number text,
	txn_date date,
	currency_ref_value text,
	currency_ref_name text,
	exchange_rate numeric,
	private_note text,
	department_ref_value text,
	department_ref_name text,
	transaction_location_type text,
	txn_source text,
	amount numeric,
	from_account_ref_value text,
	from_account_ref_name text,
	to_account_ref_value text,
	to_account_ref_name text,
	class_ref_value text,
	class_ref_name text,
	is_voided boolean GENERATED ALWAYS AS (coalesce(amount = 0 AND private_note LIKE 'Voided%', false)) STORED,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.transfers IS 'money moved between two of the company''s own accounts';
COMMENT ON COLUMN quickbooks.transfers.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.transfers.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.transfers.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.transfers.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.transfers.from_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.transfers.to_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.transfers.class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.transfers.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';
CREATE INDEX transfers_txn_date ON quickbooks.transfers (org_id, txn_date);
SELECT sync.pack('quickbooks.transfers');
SELECT sync.protect('quickbooks.transfers');
