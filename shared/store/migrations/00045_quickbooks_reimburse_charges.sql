-- +goose Up
CREATE TABLE quickbooks.reimburse_charges (
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
	customer_ref_value text,
	customer_ref_name text,
	amount numeric,
	home_total_amt numeric,
	has_been_invoiced boolean,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.reimburse_charges IS 'expenses that are to be charged to a customer. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.reimburse_charges.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.reimburse_charges.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.reimburse_charges.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.reimburse_charges.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.reimburse_charges.customer_ref_value IS 'the Customer''s id';
CREATE INDEX reimburse_charges_customer_ref_value_txn_date ON quickbooks.reimburse_charges (org_id, customer_ref_value, txn_date);
SELECT sync.pack('quickbooks.reimburse_charges');
SELECT sync.protect('quickbooks.reimburse_charges');

CREATE TABLE quickbooks.reimburse_charge_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	reimburse_charge_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	detail_type text,
	description text,
	amount numeric,
	project_ref_value text,
	project_ref_name text,
	reimburse_line_detail_item_ref_value text,
	reimburse_line_detail_item_ref_name text,
	reimburse_line_detail_item_account_ref_value text,
	reimburse_line_detail_item_account_ref_name text,
	reimburse_line_detail_class_ref_value text,
	reimburse_line_detail_class_ref_name text,
	reimburse_line_detail_tax_code_ref_value text,
	reimburse_line_detail_tax_code_ref_name text,
	reimburse_line_detail_price_level_ref_value text,
	reimburse_line_detail_price_level_ref_name text,
	reimburse_line_detail_uom_ref_value text,
	reimburse_line_detail_uom_ref_name text,
	reimburse_line_detail_qty numeric,
	reimburse_line_detail_unit_price numeric,
	reimburse_line_detail_tax_inclusive_amt numeric,
	reimburse_line_detail_service_date date,
	reimburse_line_detail_markup_info_percent_based boolean,
	reimburse_line_detail_markup_info_value numeric,
	reimburse_line_detail_markup_info_percent numeric,
	reimburse_line_detail_markup_price_level_ref_value text,
	reimburse_line_detail_markup_price_level_ref_name text,
	reimburse_line_detail_markup_account_ref_value text,
	reimburse_line_detail_markup_account_ref_name text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, reimburse_charge_id, position)
);
COMMENT ON TABLE quickbooks.reimburse_charge_lines IS 'QuickBooks renumbers Id when a transaction is edited';
COMMENT ON COLUMN quickbooks.reimburse_charge_lines.reimburse_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.reimburse_charge_lines.reimburse_line_detail_item_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.reimburse_charge_lines.reimburse_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.reimburse_charge_lines.reimburse_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.reimburse_charge_lines.reimburse_line_detail_markup_account_ref_value IS 'the Account''s id';
SELECT sync.protect('quickbooks.reimburse_charge_lines');

CREATE TABLE quickbooks.reimburse_charge_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	reimburse_charge_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, reimburse_charge_id, position)
);
COMMENT ON TABLE quickbooks.reimburse_charge_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.reimburse_charge_line_linked_txns');

CREATE TABLE quickbooks.reimburse_charge_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	reimburse_charge_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, reimburse_charge_id, position)
);
COMMENT ON TABLE quickbooks.reimburse_charge_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.reimburse_charge_linked_txns');
