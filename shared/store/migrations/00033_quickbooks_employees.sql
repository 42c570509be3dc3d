-- +goose Up
CREATE TABLE quickbooks.employees (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	display_name text,
	print_on_check_name text,
	title text,
	given_name text,
	middle_name text,
	family_name text,
	suffix text,
	active boolean,
	billable_time boolean,
	employee_number text,
	ssn text,
	gender text,
	hired_date date,
	released_date date,
	birth_date date,
	bill_rate numeric,
	cost_rate numeric,
	primary_phone_free_form_number text,
	alternate_phone_free_form_number text,
	mobile_free_form_number text,
	fax_free_form_number text,
	primary_email_addr_address text,
	web_addr_uri text,
	primary_addr_line1 text,
	primary_addr_line2 text,
	primary_addr_line3 text,
	primary_addr_line4 text,
	primary_addr_line5 text,
	primary_addr_city text,
	primary_addr_country_sub_division_code text,
	primary_addr_postal_code text,
	primary_addr_country text,
	notes text,
	merged_into text COLLATE "C",
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.employees IS 'empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.employees.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.employees.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.employees.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.employees.ssn IS 'masked by QuickBooks';
COMMENT ON COLUMN quickbooks.employees.bill_rate IS 'what is charged for an hour';
COMMENT ON COLUMN quickbooks.employees.cost_rate IS 'what an hour costs the company';
COMMENT ON COLUMN quickbooks.employees.merged_into IS 'the object that this one was merged into; null: not merged, or nobody told';
CREATE INDEX employees_display_name ON quickbooks.employees (org_id, display_name);
SELECT sync.pack('quickbooks.employees');
SELECT sync.protect('quickbooks.employees');
