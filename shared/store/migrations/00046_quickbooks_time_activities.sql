-- +goose Up
CREATE TABLE quickbooks.time_activities (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	txn_date date,
	name_of text,
	description text,
	transaction_location_type text,
	department_ref_value text,
	department_ref_name text,
	employee_ref_value text,
	employee_ref_name text,
	vendor_ref_value text,
	vendor_ref_name text,
	other_name_ref_value text,
	other_name_ref_name text,
	customer_ref_value text,
	customer_ref_name text,
	item_ref_value text,
	item_ref_name text,
	class_ref_value text,
	class_ref_name text,
	payroll_item_ref_value text,
	payroll_item_ref_name text,
	project_ref_value text,
	project_ref_name text,
	billable_status text,
	taxable boolean,
	hourly_rate numeric,
	cost_rate numeric,
	hours bigint,
	minutes bigint,
	seconds bigint,
	break_hours bigint,
	break_minutes bigint,
	start_time timestamptz,
	end_time timestamptz,
	time_zone text,
	hours_in_employee_time_zone boolean,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.time_activities IS 'the provider''s feed of changes leaves these out: they are read again every 12 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.time_activities.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.time_activities.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.time_activities.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.time_activities.name_of IS 'Employee, Vendor or Other: which reference says whose time it is';
COMMENT ON COLUMN quickbooks.time_activities.department_ref_value IS 'the Department''s id';
COMMENT ON COLUMN quickbooks.time_activities.employee_ref_value IS 'the Employee''s id';
COMMENT ON COLUMN quickbooks.time_activities.vendor_ref_value IS 'the Vendor''s id';
COMMENT ON COLUMN quickbooks.time_activities.customer_ref_value IS 'the Customer''s id';
COMMENT ON COLUMN quickbooks.time_activities.item_ref_value IS 'the Item''s id';
COMMENT ON COLUMN quickbooks.time_activities.class_ref_value IS 'the Class''s id';
COMMENT ON COLUMN quickbooks.time_activities.billable_status IS 'Billable, NotBillable or HasBeenBilled; may change without a new last_updated_time';
COMMENT ON COLUMN quickbooks.time_activities.hourly_rate IS 'what the customer is charged for an hour';
COMMENT ON COLUMN quickbooks.time_activities.cost_rate IS 'what an hour costs the company';
COMMENT ON COLUMN quickbooks.time_activities.hours IS 'whole hours of the duration, to which minutes and seconds are added; null: see start_time and end_time';
CREATE INDEX time_activities_customer_ref_value_txn_date ON quickbooks.time_activities (org_id, customer_ref_value, txn_date);
CREATE INDEX time_activities_employee_ref_value_txn_date ON quickbooks.time_activities (org_id, employee_ref_value, txn_date);
SELECT sync.pack('quickbooks.time_activities');
SELECT sync.protect('quickbooks.time_activities');
