-- +goose Up
CREATE TABLE quickbooks.recurring_transactions (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	transaction_type text,
	recurring_info_name text,
	recurring_info_recur_type text,
	recurring_info_active boolean,
	recurring_info_schedule_info_interval_type text,
	recurring_info_schedule_info_num_interval bigint,
	recurring_info_schedule_info_day_of_month bigint,
	recurring_info_schedule_info_day_of_week text,
	recurring_info_schedule_info_week_of_month text,
	recurring_info_schedule_info_month_of_year text,
	recurring_info_schedule_info_remind_days bigint,
	recurring_info_schedule_info_days_before bigint,
	recurring_info_schedule_info_max_occurrences bigint,
	recurring_info_schedule_info_start_date date,
	recurring_info_schedule_info_end_date date,
	recurring_info_schedule_info_next_date date,
	recurring_info_schedule_info_previous_date date,
	recur_data_ref_value text,
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
	vendor_ref_value text,
	vendor_ref_name text,
	entity_ref_value text,
	entity_ref_name text,
	entity_ref_type text,
	total_amt numeric,
	amount numeric,
	balance numeric,
	txn_tax_detail_txn_tax_code_ref_value text,
	txn_tax_detail_total_tax numeric,
	txn_tax_detail_use_automated_sales_tax boolean,
	global_tax_calculation text,
	account_ref_value text,
	account_ref_name text,
	ar_account_ref_value text,
	ar_account_ref_name text,
	ap_account_ref_value text,
	ap_account_ref_name text,
	deposit_to_account_ref_value text,
	deposit_to_account_ref_name text,
	from_account_ref_value text,
	from_account_ref_name text,
	to_account_ref_value text,
	to_account_ref_name text,
	sales_term_ref_value text,
	sales_term_ref_name text,
	payment_method_ref_value text,
	payment_method_ref_name text,
	class_ref_value text,
	class_ref_name text,
	payment_type text,
	customer_memo_value text,
	email_status text,
	print_status text,
	bill_email_address text,
	custom_field jsonb,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.recurring_transactions IS 'templates: nothing here was posted, and ids are not those of transactions. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.recurring_transactions.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.recurring_transactions.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.recurring_transactions.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.recurring_transactions.transaction_type IS 'the entity that the template makes: Invoice, Bill';
COMMENT ON COLUMN quickbooks.recurring_transactions.recurring_info_recur_type IS 'Automated, Reminder or UnScheduled';
COMMENT ON COLUMN quickbooks.recurring_transactions.recur_data_ref_value IS 'what the transactions that were made from the template carry';
COMMENT ON COLUMN quickbooks.recurring_transactions.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.vendor_ref_value IS 'the Vendor''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.entity_ref_value IS 'the id of one of Customer, Vendor, Employee';
COMMENT ON COLUMN quickbooks.recurring_transactions.txn_tax_detail_txn_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.ar_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.ap_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.deposit_to_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.from_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.to_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.sales_term_ref_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.payment_method_ref_value IS 'the PaymentMethod''s id';
COMMENT ON COLUMN quickbooks.recurring_transactions.class_ref_value IS 'the Class''s id';
SELECT sync.pack('quickbooks.recurring_transactions');
SELECT sync.protect('quickbooks.recurring_transactions');

CREATE TABLE quickbooks.recurring_transaction_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	recurring_transaction_id text COLLATE "C" NOT NULL,
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
	journal_entry_line_detail_posting_type text,
	journal_entry_line_detail_account_ref_value text,
	journal_entry_line_detail_account_ref_name text,
	journal_entry_line_detail_entity_type text,
	journal_entry_line_detail_entity_entity_ref_value text,
	journal_entry_line_detail_entity_entity_ref_name text,
	journal_entry_line_detail_class_ref_value text,
	journal_entry_line_detail_class_ref_name text,
	journal_entry_line_detail_department_ref_value text,
	journal_entry_line_detail_department_ref_name text,
	journal_entry_line_detail_tax_code_ref_value text,
	journal_entry_line_detail_tax_code_ref_name text,
	journal_entry_line_detail_tax_rate_ref_value text,
	journal_entry_line_detail_tax_rate_ref_name text,
	journal_entry_line_detail_tax_applicable_on text,
	journal_entry_line_detail_tax_amount numeric,
	journal_entry_line_detail_tax_inclusive_amt numeric,
	journal_entry_line_detail_billable_status text,
	journal_entry_line_detail_journal_code_ref_value text,
	journal_entry_line_detail_journal_code_ref_name text,
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
	PRIMARY KEY (org_id, connection_id, recurring_transaction_id, position)
);
COMMENT ON TABLE quickbooks.recurring_transaction_lines IS 'positions count through the whole form; parent_position is that of the group line a line belongs to. QuickBooks renumbers Id when a form is edited';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.sales_item_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.sales_item_line_detail_item_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.sales_item_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.sales_item_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.sales_item_line_detail_markup_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.group_line_detail_group_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.description_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.discount_line_detail_discount_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.discount_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.discount_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.sub_total_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.account_based_expense_line_detail_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.account_based_expense_line_detail_customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.account_based_expense_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.account_based_expense_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.account_based_expense_line_detail_markup_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.item_based_expense_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.item_based_expense_line_detail_item_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.item_based_expense_line_detail_customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.item_based_expense_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.item_based_expense_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.item_based_expense_line_detail_markup_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.journal_entry_line_detail_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.journal_entry_line_detail_entity_entity_ref_value IS 'the id of one of Customer, Vendor, Employee';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.journal_entry_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.journal_entry_line_detail_department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.journal_entry_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.journal_entry_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.journal_entry_line_detail_journal_code_ref_value IS 'the JournalCode''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.deposit_line_detail_entity_value IS 'the id of one of Customer, Vendor, Employee';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.deposit_line_detail_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.deposit_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.deposit_line_detail_payment_method_ref_value IS 'the PaymentMethod''s id';
COMMENT ON COLUMN quickbooks.recurring_transaction_lines.deposit_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
SELECT sync.protect('quickbooks.recurring_transaction_lines');

CREATE TABLE quickbooks.recurring_transaction_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	recurring_transaction_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, recurring_transaction_id, position)
);
COMMENT ON TABLE quickbooks.recurring_transaction_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.recurring_transaction_line_linked_txns');
