-- What the first tables lacked: more of QuickBooks' keys, which objects were voided or merged, what references
-- mean, and what item groups are made of. is_voided fills itself from the rows that are there, which rewrites
-- those tables once. Other new columns are null until their row is read again: the digest is made one that no
-- object has, so that a reading then writes the row though nothing has changed.

-- +goose Up
UPDATE quickbooks.accounts SET digest = decode(repeat('00', 16), 'hex') WHERE octet_length(digest) = 16;
ALTER TABLE quickbooks.accounts
	ADD COLUMN account_alias text,
	ADD COLUMN txn_location_type text,
	ADD COLUMN journal_code_ref_value text,
	ADD COLUMN journal_code_ref_name text,
	ADD COLUMN merged_into text COLLATE "C";
COMMENT ON COLUMN quickbooks.accounts.parent_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.accounts.current_balance IS '0 for accounts of income and expense';
COMMENT ON COLUMN quickbooks.accounts.tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.accounts.journal_code_ref_value IS 'the JournalCode''s id';
COMMENT ON COLUMN quickbooks.accounts.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';

UPDATE quickbooks.vendors SET digest = decode(repeat('00', 16), 'hex') WHERE octet_length(digest) = 16;
ALTER TABLE quickbooks.vendors
	ADD COLUMN other_contact_info jsonb,
	ADD COLUMN vendor_payment_bank_detail jsonb,
	ADD COLUMN merged_into text COLLATE "C";
COMMENT ON COLUMN quickbooks.vendors.term_ref_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.vendors.ap_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.vendors.bill_rate IS 'what is charged for an hour';
COMMENT ON COLUMN quickbooks.vendors.cost_rate IS 'what an hour costs the company';
COMMENT ON COLUMN quickbooks.vendors.acct_num IS 'the company''s account number at the vendor';
COMMENT ON COLUMN quickbooks.vendors.tax_identifier IS 'QuickBooks masks all but the last digits';
COMMENT ON COLUMN quickbooks.vendors.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';

UPDATE quickbooks.items SET digest = decode(repeat('00', 16), 'hex') WHERE octet_length(digest) = 16;
ALTER TABLE quickbooks.items
	ADD COLUMN merged_into text COLLATE "C";
COMMENT ON COLUMN quickbooks.items.type IS 'Inventory, Service, NonInventory; Category and Group are items too, without price or account';
COMMENT ON COLUMN quickbooks.items.parent_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.items.qty_on_hand IS 'null: not an inventory item';
COMMENT ON COLUMN quickbooks.items.income_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.items.expense_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.items.asset_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.items.pref_vendor_ref_value IS 'the Vendor''s id';
COMMENT ON COLUMN quickbooks.items.class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.items.sales_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.items.purchase_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.items.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';

CREATE TABLE quickbooks.item_group_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	item_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	item_ref_value text,
	item_ref_name text,
	qty numeric,
	uom_ref_value text,
	uom_ref_name text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, item_id, position)
);
COMMENT ON TABLE quickbooks.item_group_lines IS 'what a Group, also called bundle, is made of';
COMMENT ON COLUMN quickbooks.item_group_lines.item_ref_value IS 'the Item''s id';
SELECT sync.protect('quickbooks.item_group_lines');

UPDATE quickbooks.customers SET digest = decode(repeat('00', 16), 'hex') WHERE octet_length(digest) = 16;
ALTER TABLE quickbooks.customers
	ADD COLUMN merged_into text COLLATE "C";
COMMENT ON TABLE quickbooks.customers IS 'sub-customers, jobs and projects too: those have a parent';
COMMENT ON COLUMN quickbooks.customers.parent_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.customers.level IS '1 to 4, of sub-customers; null: has no parent';
COMMENT ON COLUMN quickbooks.customers.balance_with_jobs IS 'with the balances of its sub-customers';
COMMENT ON COLUMN quickbooks.customers.sales_term_ref_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.customers.payment_method_ref_value IS 'the PaymentMethod''s id';
COMMENT ON COLUMN quickbooks.customers.customer_type_ref_value IS 'the CustomerType''s id';
COMMENT ON COLUMN quickbooks.customers.default_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.customers.ar_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.customers.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';

UPDATE quickbooks.invoices SET digest = decode(repeat('00', 16), 'hex') WHERE octet_length(digest) = 16;
ALTER TABLE quickbooks.invoices
	ADD COLUMN txn_tax_detail_use_automated_sales_tax boolean,
	ADD COLUMN ship_from_addr_line1 text,
	ADD COLUMN ship_from_addr_line2 text,
	ADD COLUMN ship_from_addr_line3 text,
	ADD COLUMN ship_from_addr_line4 text,
	ADD COLUMN ship_from_addr_line5 text,
	ADD COLUMN ship_from_addr_city text,
	ADD COLUMN ship_from_addr_country_sub_division_code text,
	ADD COLUMN ship_from_addr_postal_code text,
	ADD COLUMN ship_from_addr_country text,
	ADD COLUMN discount_rate numeric,
	ADD COLUMN discount_amt numeric,
	ADD COLUMN fob text,
	ADD COLUMN delivery_info_delivery_error_type text,
	ADD COLUMN meta_data_last_modified_by_ref_value text,
	ADD COLUMN total_cost_amount numeric,
	ADD COLUMN home_total_cost_amount numeric,
	ADD COLUMN less_cis numeric,
	ADD COLUMN auto_pay_eligible boolean,
	ADD COLUMN schedule_pay_eligible boolean,
	ADD COLUMN invoice_link text,
	ADD COLUMN e_cloud_status_time_stamp timestamptz,
	ADD COLUMN convenience_fee_detail jsonb,
	ADD COLUMN txn_retainage_detail jsonb,
	ADD COLUMN is_voided boolean GENERATED ALWAYS AS (coalesce(total_amt = 0 AND private_note LIKE 'Voided%', false)) STORED;
COMMENT ON COLUMN quickbooks.invoices.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.invoices.customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.invoices.txn_tax_detail_txn_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.invoices.class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.invoices.sales_term_ref_value IS 'the Term''s id';
COMMENT ON COLUMN quickbooks.invoices.balance IS 'what is still to be paid';
COMMENT ON COLUMN quickbooks.invoices.deposit_to_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.invoices.ar_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.invoices.allow_online_payment IS 'without effect: QuickBooks has given it up';
COMMENT ON COLUMN quickbooks.invoices.invoice_link IS 'comes only when QuickBooks is asked for one invoice';
COMMENT ON COLUMN quickbooks.invoices.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';

ALTER TABLE quickbooks.invoice_lines
	ADD COLUMN sales_item_line_detail_inventory_site_ref_value text,
	ADD COLUMN sales_item_line_detail_inventory_site_ref_name text,
	ADD COLUMN sales_item_line_detail_unit_cost_price numeric,
	ADD COLUMN sales_item_line_detail_retainage_amount numeric,
	ADD COLUMN sales_item_line_detail_deferred_revenue boolean,
	ADD COLUMN sales_item_line_detail_markup_info_percent_based boolean,
	ADD COLUMN sales_item_line_detail_markup_info_value numeric,
	ADD COLUMN sales_item_line_detail_markup_info_percent numeric,
	ADD COLUMN sales_item_line_detail_markup_price_level_ref_value text,
	ADD COLUMN sales_item_line_detail_markup_price_level_ref_name text,
	ADD COLUMN sales_item_line_detail_markup_account_ref_value text,
	ADD COLUMN sales_item_line_detail_markup_account_ref_name text,
	ADD COLUMN discount_line_detail_service_date date,
	ADD COLUMN sub_total_line_detail_service_date date,
	ADD COLUMN cost_amount numeric,
	ADD COLUMN home_cost_amount numeric;
COMMENT ON COLUMN quickbooks.invoice_lines.sales_item_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.sales_item_line_detail_item_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.sales_item_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.sales_item_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.sales_item_line_detail_markup_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.group_line_detail_group_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.description_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.discount_line_detail_discount_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.discount_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.discount_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.invoice_lines.sub_total_line_detail_item_ref_value IS 'the Item''s id';

COMMENT ON COLUMN quickbooks.invoice_tax_lines.tax_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';

UPDATE quickbooks.payments SET digest = decode(repeat('00', 16), 'hex') WHERE octet_length(digest) = 16;
ALTER TABLE quickbooks.payments
	ADD COLUMN doc_number text,
	ADD COLUMN department_ref_value text,
	ADD COLUMN department_ref_name text,
	ADD COLUMN is_voided boolean GENERATED ALWAYS AS (coalesce(total_amt = 0 AND private_note LIKE 'Voided%', false)) STORED;
COMMENT ON COLUMN quickbooks.payments.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.payments.customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.payments.total_amt IS '0 also when only a credit memo was applied';
COMMENT ON COLUMN quickbooks.payments.unapplied_amt IS 'what no line applies to anything';
COMMENT ON COLUMN quickbooks.payments.payment_method_ref_value IS 'the PaymentMethod''s id';
COMMENT ON COLUMN quickbooks.payments.deposit_to_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.payments.ar_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.payments.is_voided IS 'the amount is 0 and the note begins with Voided: nothing else tells';

