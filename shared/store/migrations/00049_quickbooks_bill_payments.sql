-- +goose Up
CREATE TABLE quickbooks.bill_payments (
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
	vendor_ref_value text,
	vendor_ref_name text,
	ap_account_ref_value text,
	ap_account_ref_name text,
	total_amt numeric,
	home_total_amt numeric,
	pay_type text,
	process_bill_payment boolean,
	check_payment_bank_account_ref_value text,
	check_payment_bank_account_ref_name text,
	check_payment_print_status text,
	check_payment_check_detail jsonb,
	check_payment_payee_addr_line1 text,
	check_payment_payee_addr_line2 text,
	check_payment_payee_addr_line3 text,
	check_payment_payee_addr_line4 text,
	check_payment_payee_addr_line5 text,
	check_payment_payee_addr_city text,
	check_payment_payee_addr_country_sub_division_code text,
	check_payment_payee_addr_postal_code text,
	check_payment_payee_addr_country text,
	credit_card_payment_cc_account_ref_value text,
	credit_card_payment_cc_account_ref_name text,
	credit_card_payment_cc_detail jsonb,
	is_voided boolean GENERATED ALWAYS AS (coalesce(total_amt = 0 AND private_note LIKE 'Voided%', false)) STORED,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.bill_payments.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.bill_payments.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.bill_payments.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.bill_payments.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.bill_payments.vendor_ref_value IS 'the Vendor''s id';
COMMENT ON COLUMN quickbooks.bill_payments.ap_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.bill_payments.pay_type IS 'Check or CreditCard: which account it was paid from';
COMMENT ON COLUMN quickbooks.bill_payments.check_payment_bank_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.bill_payments.credit_card_payment_cc_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.bill_payments.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';
CREATE INDEX bill_payments_vendor_ref_value_txn_date ON quickbooks.bill_payments (org_id, vendor_ref_value, txn_date);
CREATE INDEX bill_payments_txn_date ON quickbooks.bill_payments (org_id, txn_date);
SELECT sync.pack('quickbooks.bill_payments');
SELECT sync.protect('quickbooks.bill_payments');

CREATE TABLE quickbooks.bill_payment_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	bill_payment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	description text,
	amount numeric,
	line_ex jsonb,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, bill_payment_id, position)
);
COMMENT ON TABLE quickbooks.bill_payment_lines IS 'what a payment was applied to; none when it is wholly unapplied or voided';
SELECT sync.protect('quickbooks.bill_payment_lines');

CREATE TABLE quickbooks.bill_payment_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	bill_payment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, bill_payment_id, position)
);
COMMENT ON TABLE quickbooks.bill_payment_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.bill_payment_line_linked_txns');

CREATE TABLE quickbooks.bill_payment_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	bill_payment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, bill_payment_id, position)
);
COMMENT ON TABLE quickbooks.bill_payment_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.bill_payment_linked_txns');
