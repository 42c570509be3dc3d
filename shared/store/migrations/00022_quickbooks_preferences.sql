-- +goose Up
CREATE TABLE quickbooks.preferences (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	accounting_info_prefs_use_account_numbers boolean,
	accounting_info_prefs_track_departments boolean,
	accounting_info_prefs_class_tracking_per_txn boolean,
	accounting_info_prefs_class_tracking_per_txn_line boolean,
	accounting_info_prefs_department_terminology text,
	accounting_info_prefs_customer_terminology text,
	accounting_info_prefs_tax_form text,
	accounting_info_prefs_first_month_of_fiscal_year text,
	accounting_info_prefs_tax_year_month text,
	accounting_info_prefs_book_close_date date,
	product_and_services_prefs_for_sales boolean,
	product_and_services_prefs_for_purchase boolean,
	product_and_services_prefs_quantity_with_price_and_rate boolean,
	product_and_services_prefs_quantity_on_hand boolean,
	product_and_services_prefs_revenue_recognition boolean,
	sales_forms_prefs_custom_txn_numbers boolean,
	sales_forms_prefs_allow_deposit boolean,
	sales_forms_prefs_allow_discount boolean,
	sales_forms_prefs_allow_estimates boolean,
	sales_forms_prefs_allow_service_date boolean,
	sales_forms_prefs_allow_shipping boolean,
	sales_forms_prefs_auto_apply_credit boolean,
	sales_forms_prefs_using_progress_invoicing boolean,
	sales_forms_prefs_default_terms_value text,
	sales_forms_prefs_default_terms_name text,
	sales_forms_prefs_default_customer_message text,
	sales_forms_prefs_custom_field jsonb,
	vendor_and_purchases_prefs_enable_bills boolean,
	vendor_and_purchases_prefs_tracking_by_customer boolean,
	vendor_and_purchases_prefs_billable_expense_tracking boolean,
	vendor_and_purchases_prefs_default_terms_value text,
	vendor_and_purchases_prefs_default_terms_name text,
	vendor_and_purchases_prefs_po_custom_field jsonb,
	time_tracking_prefs_use_services boolean,
	time_tracking_prefs_bill_customers boolean,
	time_tracking_prefs_show_bill_rate_to_all boolean,
	time_tracking_prefs_mark_time_entries_billable boolean,
	time_tracking_prefs_work_week_start_date text,
	tax_prefs_using_sales_tax boolean,
	tax_prefs_partner_tax_enabled boolean,
	tax_prefs_tax_group_code_ref_value text,
	tax_prefs_tax_group_code_ref_name text,
	currency_prefs_multi_currency_enabled boolean,
	currency_prefs_home_currency_value text,
	currency_prefs_home_currency_name text,
	report_prefs_report_basis text,
	report_prefs_calc_aging_report_from_txn_date boolean,
	email_messages_prefs jsonb,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.preferences IS 'one row a company: how it is set up. What is no column is in raw. the provider''s feed of changes leaves these out: they are read again every 24 hours. never removed: what the provider no longer lists is kept';
COMMENT ON COLUMN quickbooks.preferences.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.preferences.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.preferences.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.preferences.accounting_info_prefs_book_close_date IS 'nothing up to this day may change; null: the books are open';
COMMENT ON COLUMN quickbooks.preferences.sales_forms_prefs_default_terms_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.preferences.vendor_and_purchases_prefs_default_terms_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.preferences.tax_prefs_tax_group_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.preferences.currency_prefs_home_currency_value IS 'its code, such as USD';
COMMENT ON COLUMN quickbooks.preferences.report_prefs_report_basis IS 'Accrual or Cash';
SELECT sync.pack('quickbooks.preferences');
SELECT sync.protect('quickbooks.preferences');

CREATE TABLE quickbooks.preference_values (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	preferences_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	name text,
	value text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, preferences_id, position)
);
SELECT sync.protect('quickbooks.preference_values');
