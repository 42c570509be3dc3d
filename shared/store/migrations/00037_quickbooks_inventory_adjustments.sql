-- +goose Up
CREATE TABLE quickbooks.inventory_adjustments (
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
	adjust_account_ref_value text,
	adjust_account_ref_name text,
	customer_ref_value text,
	customer_ref_name text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.inventory_adjustments IS 'quantities only: QuickBooks tells no amounts. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.inventory_adjustments.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.inventory_adjustments.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.inventory_adjustments.meta_data_last_updated_time IS 'a bare date, kept as its midnight in UTC: of two changes on one day the later read stays';
COMMENT ON COLUMN quickbooks.inventory_adjustments.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.inventory_adjustments.adjust_account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.inventory_adjustments.customer_ref_value IS 'the Customer''s id';
CREATE INDEX inventory_adjustments_txn_date ON quickbooks.inventory_adjustments (org_id, txn_date);
SELECT sync.pack('quickbooks.inventory_adjustments');
SELECT sync.protect('quickbooks.inventory_adjustments');

CREATE TABLE quickbooks.inventory_adjustment_lines (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	inventory_adjustment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	id text,
	line_num bigint,
	detail_type text,
	description text,
	amount numeric,
	project_ref_value text,
	project_ref_name text,
	item_adjustment_line_detail_item_ref_value text,
	item_adjustment_line_detail_item_ref_name text,
	item_adjustment_line_detail_class_ref_value text,
	item_adjustment_line_detail_class_ref_name text,
	item_adjustment_line_detail_qty_diff numeric,
	item_adjustment_line_detail_new_qty numeric,
	item_adjustment_line_detail_sales_price numeric,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, inventory_adjustment_id, position)
);
COMMENT ON TABLE quickbooks.inventory_adjustment_lines IS 'QuickBooks renumbers Id when a transaction is edited';
COMMENT ON COLUMN quickbooks.inventory_adjustment_lines.item_adjustment_line_detail_item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.inventory_adjustment_lines.item_adjustment_line_detail_class_ref_value IS 'the Class''s id';
SELECT sync.protect('quickbooks.inventory_adjustment_lines');

CREATE TABLE quickbooks.inventory_adjustment_line_linked_txns (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	inventory_adjustment_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	txn_id text,
	txn_type text,
	txn_line_id text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, inventory_adjustment_id, position)
);
COMMENT ON TABLE quickbooks.inventory_adjustment_line_linked_txns IS 'TxnType is not always an entity''s name: Check, Expense and CreditCardCredit are Purchases';
SELECT sync.protect('quickbooks.inventory_adjustment_line_linked_txns');
