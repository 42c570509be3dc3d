-- +goose Up
CREATE TABLE quickbooks.credit_memos (
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
	total_amt numeric,
	home_total_amt numeric,
	txn_tax_detail_txn_tax_code_ref_value text,
	txn_tax_detail_total_tax numeric,
	txn_tax_detail_use_automated_sales_tax boolean,
	global_tax_calculation text,
	customer_memo_value text,
	class_ref_value text,
	class_ref_name text,
	project_ref_value text,
	project_ref_name text,
	tax_exemption_ref_value text,
	tax_exemption_ref_name text,
	bill_addr_line1 text,
	bill_addr_line2 text,
	bill_addr_line3 text,
	bill_addr_line4 text,
	bill_addr_line5 text,
	bill_addr_city text,
	bill_addr_country_sub_division_code text,
	bill_addr_postal_code text,
	bill_addr_country text,
	ship_addr_line1 text,
	ship_addr_line2 text,
	ship_addr_line3 text,
	ship_addr_line4 text,
	ship_addr_line5 text,
	ship_addr_city text,
	ship_addr_country_sub_division_code text,
	ship_addr_postal_code text,
	ship_addr_country text,
	ship_from_addr_line1 text,
	ship_from_addr_line2 text,
	ship_from_addr_line3 text,
	ship_from_addr_line4 text,
	ship_from_addr_line5 text,
	ship_from_addr_city text,
	ship_from_addr_country_sub_division_code text,
	ship_from_addr_postal_code text,
	ship_from_addr_country text,
	free_form_address boolean,
	apply_tax_after_discount boolean,
	print_status text,
	email_status text,
	bill_email_address text,
	bill_email_cc_address text,
	bill_email_bcc_address text,
	discount_rate numeric,
	discount_amt numeric,
	custom_field jsonb,
	due_date date,
	sales_term_ref_value text,
	sales_term_ref_name text,
	ship_date date,
	ship_method_ref_value text,
	ship_method_ref_name text,
	tracking_num text,
	po_number text,
	fob text,
	delivery_info_delivery_type text,
	delivery_info_delivery_time timestamptz,
	delivery_info_delivery_error_type text,
	balance numeric,
	home_balance numeric,
	remaining_credit numeric,
	ar_account_ref_value text,
	ar_account_ref_name text,
	invoice_ref_value text,
	invoice_ref_name text,
	payment_method_ref_value text,
	payment_method_ref_name text,
	is_voided boolean GENERATED ALWAYS AS (coalesce(total_amt = 0 AND private_note LIKE 'Voided%', false)) STORED,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.credit_memos.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.credit_memos.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.credit_memos.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.credit_memos.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.credit_memos.customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.credit_memos.txn_tax_detail_txn_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.credit_memos.class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.credit_memos.sales_term_ref_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.credit_memos.remaining_credit IS 'what is not yet applied to invoices';
COMMENT ON COLUMN quickbooks.credit_memos.ar_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.credit_memos.invoice_ref_value IS 'the Invoice''s id';
COMMENT ON COLUMN quickbooks.credit_memos.payment_method_ref_value IS 'the PaymentMethod''s id';
COMMENT ON COLUMN quickbooks.credit_memos.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';
CREATE INDEX credit_memos_customer_ref_value_txn_date ON quickbooks.credit_memos (org_id, customer_ref_value, txn_date);
CREATE INDEX credit_memos_txn_date ON quickbooks.credit_memos (org_id, txn_date);
SELECT sync.pack('quickbooks.credit_memos');
SELECT sync.protect('quickbooks.credit_memos');

CREATE TABLE quickbooks.credit_memo_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	credit_memo_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	detail_type text,
	description text,
	amount numeric,
	project_ref_value text,
	project_ref_name text,
	sales_item_line_detail_item_ref_value text,
	sales_item_line_detail_item_ref_name text,
	sales_item_line_detail_item_account_ref_value text,
	sales_item_line_detail_item_account_ref_name text,
	sales_item_line_detail_class_ref_value text,
	sales_item_line_detail_class_ref_name text,
	sales_item_line_detail_tax_code_ref_value text,
	sales_item_line_detail_tax_code_ref_name text,
	sales_item_line_detail_price_level_ref_value text,
	sales_item_line_detail_price_level_ref_name text,
	sales_item_line_detail_uom_ref_value text,
	sales_item_line_detail_uom_ref_name text,
	sales_item_line_detail_tax_classification_ref_value text,
	sales_item_line_detail_tax_classification_ref_name text,
	sales_item_line_detail_inventory_site_ref_value text,
	sales_item_line_detail_inventory_site_ref_name text,
	sales_item_line_detail_qty numeric,
	sales_item_line_detail_unit_price numeric,
	sales_item_line_detail_rate_percent numeric,
	sales_item_line_detail_discount_rate numeric,
	sales_item_line_detail_discount_amt numeric,
	sales_item_line_detail_tax_inclusive_amt numeric,
	sales_item_line_detail_unit_cost_price numeric,
	sales_item_line_detail_retainage_amount numeric,
	sales_item_line_detail_service_date date,
	sales_item_line_detail_deferred_revenue boolean,
	sales_item_line_detail_markup_info_percent_based boolean,
	sales_item_line_detail_markup_info_value numeric,
	sales_item_line_detail_markup_info_percent numeric,
	sales_item_line_detail_markup_price_level_ref_value text,
	sales_item_line_detail_markup_price_level_ref_name text,
	sales_item_line_detail_markup_account_ref_value text,
	sales_item_line_detail_markup_account_ref_name text,
	group_line_detail_group_item_ref_value text,
	group_line_detail_group_item_ref_name text,
	group_line_detail_uom_ref_value text,
	group_line_detail_uom_ref_name text,
	group_line_detail_quantity numeric,
	group_line_detail_service_date date,
	description_line_detail_tax_code_ref_value text,
	description_line_detail_tax_code_ref_name text,
	description_line_detail_service_date date,
	discount_line_detail_percent_based boolean,
	discount_line_detail_discount_percent numeric,
	discount_line_detail_discount_account_ref_value text,
	discount_line_detail_discount_account_ref_name text,
	discount_line_detail_discount_ref_value text,
	discount_line_detail_discount_ref_name text,
	discount_line_detail_class_ref_value text,
	discount_line_detail_class_ref_name text,
	discount_line_detail_tax_code_ref_value text,
	discount_line_detail_tax_code_ref_name text,
	discount_line_detail_service_date date,
	sub_total_line_detail_item_ref_value text,
	sub_total_line_detail_item_ref_name text,
	sub_total_line_detail_service_date date,
	cost_amount numeric,
	home_cost_amount numeric,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, credit_memo_id, position)
);
COMMENT ON TABLE quickbooks.credit_memo_lines IS 'positions count through the whole form; parent_position is that of the group line a line belongs to. QuickBooks renumbers Id when a form is edited';
COMMENT ON COLUMN quickbooks.credit_memo_lines.sales_item_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.sales_item_line_detail_item_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.sales_item_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.sales_item_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.sales_item_line_detail_markup_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.group_line_detail_group_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.description_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.discount_line_detail_discount_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.discount_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.discount_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.credit_memo_lines.sub_total_line_detail_item_ref_value IS 'the Item''s id';
CREATE INDEX credit_memo_lines_sales_item_line_detail_item_ref_value ON quickbooks.credit_memo_lines (org_id, sales_item_line_detail_item_ref_value);
SELECT sync.protect('quickbooks.credit_memo_lines');

CREATE TABLE quickbooks.credit_memo_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	credit_memo_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, credit_memo_id, position)
);
COMMENT ON TABLE quickbooks.credit_memo_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.credit_memo_line_linked_txns');

CREATE TABLE quickbooks.credit_memo_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	credit_memo_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, credit_memo_id, position)
);
COMMENT ON TABLE quickbooks.credit_memo_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.credit_memo_linked_txns');

CREATE TABLE quickbooks.credit_memo_tax_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	credit_memo_id text COLLATE "C" NOT NULL,
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
	PRIMARY KEY (org_id, connection_id, credit_memo_id, position)
);
COMMENT ON COLUMN quickbooks.credit_memo_tax_lines.tax_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.credit_memo_tax_lines');
