-- +goose Up
CREATE TABLE quickbooks.deposits (
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
	deposit_to_account_ref_value text,
	deposit_to_account_ref_name text,
	total_amt numeric,
	home_total_amt numeric,
	cash_back_account_ref_value text,
	cash_back_account_ref_name text,
	cash_back_amount numeric,
	cash_back_memo text,
	txn_tax_detail_txn_tax_code_ref_value text,
	txn_tax_detail_total_tax numeric,
	txn_tax_detail_use_automated_sales_tax boolean,
	global_tax_calculation text,
	is_voided boolean GENERATED ALWAYS AS (coalesce(total_amt = 0 AND private_note LIKE 'Voided%', false)) STORED,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.deposits.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.deposits.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.deposits.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.deposits.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.deposits.deposit_to_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.deposits.total_amt IS 'the lines'' amounts without the cash that was taken back';
COMMENT ON COLUMN quickbooks.deposits.cash_back_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.deposits.txn_tax_detail_txn_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.deposits.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';
CREATE INDEX deposits_txn_date ON quickbooks.deposits (org_id, txn_date);
SELECT sync.pack('quickbooks.deposits');
SELECT sync.protect('quickbooks.deposits');

CREATE TABLE quickbooks.deposit_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	deposit_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	detail_type text,
	description text,
	amount numeric,
	project_ref_value text,
	project_ref_name text,
	deposit_line_detail_entity_value text,
	deposit_line_detail_entity_name text,
	deposit_line_detail_entity_type text,
	deposit_line_detail_account_ref_value text,
	deposit_line_detail_account_ref_name text,
	deposit_line_detail_class_ref_value text,
	deposit_line_detail_class_ref_name text,
	deposit_line_detail_payment_method_ref_value text,
	deposit_line_detail_payment_method_ref_name text,
	deposit_line_detail_check_num text,
	deposit_line_detail_txn_type text,
	deposit_line_detail_tax_code_ref_value text,
	deposit_line_detail_tax_code_ref_name text,
	deposit_line_detail_tax_applicable_on text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, deposit_id, position)
);
COMMENT ON TABLE quickbooks.deposit_lines IS 'a line that deposits a payment has neither Id nor DetailType: its linked transaction tells which payment. QuickBooks renumbers Id when a transaction is edited';
COMMENT ON COLUMN quickbooks.deposit_lines.deposit_line_detail_entity_value IS 'the id of one of Customer, Vendor, Employee';
COMMENT ON COLUMN quickbooks.deposit_lines.deposit_line_detail_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.deposit_lines.deposit_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.deposit_lines.deposit_line_detail_payment_method_ref_value IS 'the PaymentMethod''s id';
COMMENT ON COLUMN quickbooks.deposit_lines.deposit_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
SELECT sync.protect('quickbooks.deposit_lines');

CREATE TABLE quickbooks.deposit_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	deposit_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, deposit_id, position)
);
COMMENT ON TABLE quickbooks.deposit_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.deposit_line_linked_txns');

CREATE TABLE quickbooks.deposit_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	deposit_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, deposit_id, position)
);
COMMENT ON TABLE quickbooks.deposit_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.deposit_linked_txns');

CREATE TABLE quickbooks.deposit_tax_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	deposit_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	detail_type text,
	amount numeric,
	tax_line_detail_tax_rate_ref_value text,
	tax_line_detail_tax_rate_ref_name text,
	tax_line_detail_percent_based boolean,
	tax_line_detail_tax_percent numeric,
	tax_line_detail_net_amount_taxable numeric,
	tax_line_detail_tax_inclusive_amount numeric,
	tax_line_detail_override_delta_amount numeric,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, deposit_id, position)
);
COMMENT ON COLUMN quickbooks.deposit_tax_lines.tax_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.deposit_tax_lines');
