-- +goose Up
CREATE TABLE quickbooks.credit_card_payments (
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
	credit_card_account_ref_value text,
	credit_card_account_ref_name text,
	bank_account_ref_value text,
	bank_account_ref_name text,
	vendor_ref_value text,
	vendor_ref_name text,
	check_num text,
	print_status text,
	memo text,
	is_voided boolean GENERATED ALWAYS AS (coalesce(amount = 0 AND private_note LIKE 'Voided%', false)) STORED,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.credit_card_payments IS 'what is paid to a card''s account; answers call it CreditCardPaymentTxn. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.credit_card_payments.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.credit_card_payments.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.credit_card_payments.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.credit_card_payments.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.credit_card_payments.credit_card_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.credit_card_payments.bank_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.credit_card_payments.vendor_ref_value IS 'the Vendor''s id';
COMMENT ON COLUMN quickbooks.credit_card_payments.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';
CREATE INDEX credit_card_payments_txn_date ON quickbooks.credit_card_payments (org_id, txn_date);
SELECT sync.pack('quickbooks.credit_card_payments');
SELECT sync.protect('quickbooks.credit_card_payments');
