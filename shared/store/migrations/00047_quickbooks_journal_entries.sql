-- +goose Up
CREATE TABLE quickbooks.journal_entries (
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
	total_amt numeric,
	home_total_amt numeric,
	adjustment boolean,
	home_currency_adjustment boolean,
	entered_in_home_currency boolean,
	txn_tax_detail_txn_tax_code_ref_value text,
	txn_tax_detail_total_tax numeric,
	txn_tax_detail_use_automated_sales_tax boolean,
	global_tax_calculation text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.journal_entries.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.journal_entries.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.journal_entries.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.journal_entries.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.journal_entries.total_amt IS '0 or null, whatever the lines say: add up the debits';
COMMENT ON COLUMN quickbooks.journal_entries.txn_tax_detail_txn_tax_code_ref_value IS 'the TaxCode''s id';
CREATE INDEX journal_entries_txn_date ON quickbooks.journal_entries (org_id, txn_date);
SELECT sync.pack('quickbooks.journal_entries');
SELECT sync.protect('quickbooks.journal_entries');

CREATE TABLE quickbooks.journal_entry_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	journal_entry_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	detail_type text,
	description text,
	amount numeric,
	project_ref_value text,
	project_ref_name text,
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
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, journal_entry_id, position)
);
COMMENT ON TABLE quickbooks.journal_entry_lines IS 'amounts are positive: PostingType tells debits from credits, and their sums are equal. QuickBooks renumbers Id when a transaction is edited';
COMMENT ON COLUMN quickbooks.journal_entry_lines.journal_entry_line_detail_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.journal_entry_lines.journal_entry_line_detail_entity_entity_ref_value IS 'the id of one of Customer, Vendor, Employee';
COMMENT ON COLUMN quickbooks.journal_entry_lines.journal_entry_line_detail_class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.journal_entry_lines.journal_entry_line_detail_department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.journal_entry_lines.journal_entry_line_detail_tax_code_ref_value IS 'the TaxCode''s id';
COMMENT ON COLUMN quickbooks.journal_entry_lines.journal_entry_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';
COMMENT ON COLUMN quickbooks.journal_entry_lines.journal_entry_line_detail_journal_code_ref_value IS 'the JournalCode''s id';
CREATE INDEX journal_entry_lines_journal_entry_line_detail_account_ref_value ON quickbooks.journal_entry_lines (org_id, journal_entry_line_detail_account_ref_value);
SELECT sync.protect('quickbooks.journal_entry_lines');

CREATE TABLE quickbooks.journal_entry_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	journal_entry_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, journal_entry_id, position)
);
COMMENT ON TABLE quickbooks.journal_entry_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.journal_entry_line_linked_txns');

CREATE TABLE quickbooks.journal_entry_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	journal_entry_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, journal_entry_id, position)
);
COMMENT ON TABLE quickbooks.journal_entry_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.journal_entry_linked_txns');

CREATE TABLE quickbooks.journal_entry_tax_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	journal_entry_id text COLLATE "C" NOT NULL,
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
	PRIMARY KEY (org_id, connection_id, journal_entry_id, position)
);
COMMENT ON COLUMN quickbooks.journal_entry_tax_lines.tax_line_detail_tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.journal_entry_tax_lines');
