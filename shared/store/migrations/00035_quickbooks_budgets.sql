-- +goose Up
CREATE TABLE quickbooks.budgets (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	budget_type text,
	budget_entry_type text,
	start_date date,
	end_date date,
	active boolean,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.budgets IS 'empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.budgets.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.budgets.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.budgets.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.budgets.budget_entry_type IS 'Monthly, Quarterly or Yearly: the length of a period';
SELECT sync.pack('quickbooks.budgets');
SELECT sync.protect('quickbooks.budgets');

CREATE TABLE quickbooks.budget_details (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	budget_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	budget_date date,
	amount numeric,
	account_ref_value text,
	account_ref_name text,
	customer_ref_value text,
	customer_ref_name text,
	class_ref_value text,
	class_ref_name text,
	department_ref_value text,
	department_ref_name text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, budget_id, position)
);
COMMENT ON TABLE quickbooks.budget_details IS 'one amount a period, account and, where the budget is divided so, customer, class or department';
COMMENT ON COLUMN quickbooks.budget_details.account_ref_value IS 'the Account''s id';
COMMENT ON COLUMN quickbooks.budget_details.customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.budget_details.class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.budget_details.department_ref_value IS 'the Department''s id';
SELECT sync.protect('quickbooks.budget_details');
