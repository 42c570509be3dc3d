-- +goose Up
CREATE TABLE quickbooks.purchases (
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
	payment_type text,
	credit boolean,
	account_ref_value text,
	account_ref_name text,
	entity_ref_value text,
	entity_ref_name text,
	entity_ref_type text,
	total_amt numeric,
	home_total_amt numeric,
	txn_tax_detail_txn_tax_code_ref_value text,
	txn_tax_detail_total_tax numeric,
	txn_tax_detail_use_automated_sales_tax boolean,
	global_tax_calculation text,
	payment_method_ref_value text,
	payment_method_ref_name text,
	project_ref_value text,
	project_ref_name text,
	payment_ref_num text,
	print_status text,
	remit_to_addr_line1 text,
	remit_to_addr_line2 text,
	remit_to_addr_line3 text,
	remit_to_addr_line4 text,
	remit_to_addr_line5 text,
	remit_to_addr_city text,
	remit_to_addr_country_sub_division_code text,
	remit_to_addr_postal_code text,
	remit_to_addr_country text,
	include_in_annual_tpar boolean,
	purchase_ex jsonb,
	custom_field jsonb,
	is_voided boolean GENERATED ALWAYS AS (coalesce(total_amt = 0 AND private_note LIKE 'Voided%', false)) STORED,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.purchases IS 'what is paid at once: checks, expenses, cards';
COMMENT ON COLUMN quickbooks.purchases.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.purchases.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.purchases.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.purchases.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.purchases.payment_type IS 'Cash, Check or CreditCard';
COMMENT ON COLUMN quickbooks.purchases.credit IS 'true: money given back to a card; null: not paid by card';
COMMENT ON COLUMN quickbooks.purchases.account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.purchases.entity_ref_value IS 'the id of one of Customer, Vendor, Employee; null: nobody was named';
COMMENT ON COLUMN quickbooks.purchases.txn_tax_detail_txn_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.purchases.payment_method_ref_value IS 'the PaymentMethod''s id';
COMMENT ON COLUMN quickbooks.purchases.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';
CREATE INDEX purchases_entity_ref_value_txn_date ON quickbooks.purchases (org_id, entity_ref_value, txn_date);
CREATE INDEX purchases_account_ref_value_txn_date ON quickbooks.purchases (org_id, account_ref_value, txn_date);
CREATE INDEX purchases_txn_date ON quickbooks.purchases (org_id, txn_date);
SELECT sync.pack('quickbooks.purchases');
SELECT sync.protect('quickbooks.purchases');

CREATE TABLE quickbooks.purchase_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	purchase_id text COLLATE "C" NOT NULL,
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
	PRIMARY KEY (org_id, connection_id, purchase_id, position)
);
COMMENT ON TABLE quickbooks.purchase_lines IS 'QuickBooks renumbers Id when a transaction is edited';
COMMENT ON COLUMN quickbooks.purchase_lines.account_based_expense_line_detail_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.account_based_expense_line_detail_customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.account_based_expense_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.account_based_expense_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.account_based_expense_line_detail_markup_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.item_based_expense_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.item_based_expense_line_detail_item_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.item_based_expense_line_detail_customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.item_based_expense_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.item_based_expense_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.purchase_lines.item_based_expense_line_detail_markup_account_ref_value IS 'the Account''s id';
CREATE INDEX purchase_lines_account_based_expense_line_detail_account_ref_va ON quickbooks.purchase_lines (org_id, account_based_expense_line_detail_account_ref_value);
CREATE INDEX purchase_lines_item_based_expense_line_detail_item_ref_value ON quickbooks.purchase_lines (org_id, item_based_expense_line_detail_item_ref_value);
SELECT sync.protect('quickbooks.purchase_lines');

CREATE TABLE quickbooks.purchase_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	purchase_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, purchase_id, position)
);
COMMENT ON TABLE quickbooks.purchase_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.purchase_line_linked_txns');

CREATE TABLE quickbooks.purchase_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	purchase_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, purchase_id, position)
);
COMMENT ON TABLE quickbooks.purchase_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.purchase_linked_txns');

CREATE TABLE quickbooks.purchase_tax_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	purchase_id text COLLATE "C" NOT NULL,
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
	PRIMARY KEY (org_id, connection_id, purchase_id, position)
);
COMMENT ON COLUMN quickbooks.purchase_tax_lines.tax_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.purchase_tax_lines');
