-- +goose Up
CREATE TABLE quickbooks.bills (
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
	txn_tax_detail_txn_tax_code_ref_value text,
	txn_tax_detail_total_tax numeric,
	txn_tax_detail_use_automated_sales_tax boolean,
	global_tax_calculation text,
	vendor_addr_line1 text,
	vendor_addr_line2 text,
	vendor_addr_line3 text,
	vendor_addr_line4 text,
	vendor_addr_line5 text,
	vendor_addr_city text,
	vendor_addr_country_sub_division_code text,
	vendor_addr_postal_code text,
	vendor_addr_country text,
	custom_field jsonb,
	meta_data_last_modified_by_ref_value text,
	due_date date,
	sales_term_ref_value text,
	sales_term_ref_name text,
	balance numeric,
	home_balance numeric,
	include_in_annual_tpar boolean,
	is_voided boolean GENERATED ALWAYS AS (coalesce(total_amt = 0 AND private_note LIKE 'Voided%', false)) STORED,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.bills.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.bills.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.bills.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.bills.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.bills.vendor_ref_value IS 'the Vendor''s id';
COMMENT ON COLUMN quickbooks.bills.ap_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.bills.txn_tax_detail_txn_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.bills.sales_term_ref_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.bills.balance IS 'what is still to be paid';
COMMENT ON COLUMN quickbooks.bills.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';
CREATE INDEX bills_vendor_ref_value_txn_date ON quickbooks.bills (org_id, vendor_ref_value, txn_date);
CREATE INDEX bills_txn_date ON quickbooks.bills (org_id, txn_date);
SELECT sync.pack('quickbooks.bills');
SELECT sync.protect('quickbooks.bills');

CREATE TABLE quickbooks.bill_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	bill_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	detail_type text,
	description text,
	amount numeric,
	project_ref_value text,
	project_ref_name text,
	account_based_expense_line_detail_account_ref_value text,
	account_based_expense_line_detail_account_ref_name text,
	account_based_expense_line_detail_customer_ref_value text,
	account_based_expense_line_detail_customer_ref_name text,
	account_based_expense_line_detail_class_ref_value text,
	account_based_expense_line_detail_class_ref_name text,
	account_based_expense_line_detail_billable_status text,
	account_based_expense_line_detail_tax_code_ref_value text,
	account_based_expense_line_detail_tax_code_ref_name text,
	account_based_expense_line_detail_tax_amount numeric,
	account_based_expense_line_detail_tax_inclusive_amt numeric,
	account_based_expense_line_detail_markup_info_percent_based boolean,
	account_based_expense_line_detail_markup_info_value numeric,
	account_based_expense_line_detail_markup_info_percent numeric,
	account_based_expense_line_detail_markup_price_level_ref_value text,
	account_based_expense_line_detail_markup_price_level_ref_name text,
	account_based_expense_line_detail_markup_account_ref_value text,
	account_based_expense_line_detail_markup_account_ref_name text,
	item_based_expense_line_detail_item_ref_value text,
	item_based_expense_line_detail_item_ref_name text,
	item_based_expense_line_detail_item_account_ref_value text,
	item_based_expense_line_detail_item_account_ref_name text,
	item_based_expense_line_detail_customer_ref_value text,
	item_based_expense_line_detail_customer_ref_name text,
	item_based_expense_line_detail_class_ref_value text,
	item_based_expense_line_detail_class_ref_name text,
	item_based_expense_line_detail_qty numeric,
	item_based_expense_line_detail_unit_price numeric,
	item_based_expense_line_detail_billable_status text,
	item_based_expense_line_detail_tax_code_ref_value text,
	item_based_expense_line_detail_tax_code_ref_name text,
	item_based_expense_line_detail_price_level_ref_value text,
	item_based_expense_line_detail_price_level_ref_name text,
	item_based_expense_line_detail_uom_ref_value text,
	item_based_expense_line_detail_uom_ref_name text,
	item_based_expense_line_detail_tax_inclusive_amt numeric,
	item_based_expense_line_detail_markup_info_percent_based boolean,
	item_based_expense_line_detail_markup_info_value numeric,
	item_based_expense_line_detail_markup_info_percent numeric,
	item_based_expense_line_detail_markup_price_level_ref_value text,
	item_based_expense_line_detail_markup_price_level_ref_name text,
	item_based_expense_line_detail_markup_account_ref_value text,
	item_based_expense_line_detail_markup_account_ref_name text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, bill_id, position)
);
COMMENT ON TABLE quickbooks.bill_lines IS 'QuickBooks renumbers Id when a transaction is edited';
COMMENT ON COLUMN quickbooks.bill_lines.account_based_expense_line_detail_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.bill_lines.account_based_expense_line_detail_customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.bill_lines.account_based_expense_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.bill_lines.account_based_expense_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.bill_lines.account_based_expense_line_detail_markup_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.bill_lines.item_based_expense_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.bill_lines.item_based_expense_line_detail_item_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.bill_lines.item_based_expense_line_detail_customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.bill_lines.item_based_expense_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.bill_lines.item_based_expense_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.bill_lines.item_based_expense_line_detail_markup_account_ref_value IS 'the Account''s id';
CREATE INDEX bill_lines_account_based_expense_line_detail_account_ref_value ON quickbooks.bill_lines (org_id, account_based_expense_line_detail_account_ref_value);
CREATE INDEX bill_lines_item_based_expense_line_detail_item_ref_value ON quickbooks.bill_lines (org_id, item_based_expense_line_detail_item_ref_value);
SELECT sync.protect('quickbooks.bill_lines');

CREATE TABLE quickbooks.bill_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	bill_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, bill_id, position)
);
COMMENT ON TABLE quickbooks.bill_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.bill_line_linked_txns');

CREATE TABLE quickbooks.bill_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	bill_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, bill_id, position)
);
COMMENT ON TABLE quickbooks.bill_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.bill_linked_txns');

CREATE TABLE quickbooks.bill_tax_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	bill_id text COLLATE "C" NOT NULL,
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
	PRIMARY KEY (org_id, connection_id, bill_id, position)
);
COMMENT ON COLUMN quickbooks.bill_tax_lines.tax_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.bill_tax_lines');
