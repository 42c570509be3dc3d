-- +goose Up
CREATE TABLE quickbooks.payments (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	txn_date date,
	customer_ref_value text,
	customer_ref_name text,
	total_amt numeric,
	unapplied_amt numeric,
	home_total_amt numeric,
	exchange_rate numeric,
	currency_ref_value text,
	currency_ref_name text,
	deposit_to_account_ref_value text,
	deposit_to_account_ref_name text,
	payment_method_ref_value text,
	payment_method_ref_name text,
	ar_account_ref_value text,
	ar_account_ref_name text,
	project_ref_value text,
	project_ref_name text,
	tax_exemption_ref_value text,
	tax_exemption_ref_name text,
	payment_ref_num text,
	private_note text,
	transaction_location_type text,
	txn_source text,
	process_payment boolean,
	credit_card_payment jsonb,
	custom_field jsonb,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.payments.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.payments.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.payments.meta_data_last_updated_time IS 'whole seconds; guards against older data';
CREATE INDEX payments_customer_ref_value_txn_date ON quickbooks.payments (org_id, customer_ref_value, txn_date);
CREATE INDEX payments_txn_date ON quickbooks.payments (org_id, txn_date);
SELECT sync.pack('quickbooks.payments');
SELECT sync.protect('quickbooks.payments');

CREATE TABLE quickbooks.payment_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	payment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	description text,
	amount numeric,
	line_ex jsonb,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, payment_id, position)
);
COMMENT ON TABLE quickbooks.payment_lines IS 'what a payment was applied to; none when it is wholly unapplied or voided';
SELECT sync.protect('quickbooks.payment_lines');

CREATE TABLE quickbooks.payment_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	payment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, payment_id, position)
);
COMMENT ON TABLE quickbooks.payment_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.payment_line_linked_txns');

CREATE TABLE quickbooks.payment_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	payment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, payment_id, position)
);
COMMENT ON TABLE quickbooks.payment_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.payment_linked_txns');
