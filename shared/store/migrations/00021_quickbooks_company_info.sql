-- +goose Up
CREATE TABLE quickbooks.company_info (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	company_name text,
	legal_name text,
	country text,
	supported_languages text,
	default_time_zone text,
	employer_id text,
	fiscal_year_start_month text,
	company_start_date date,
	primary_phone_free_form_number text,
	email_address text,
	customer_communication_email_addr_address text,
	web_addr_uri text,
	company_addr_line1 text,
	company_addr_line2 text,
	company_addr_line3 text,
	company_addr_line4 text,
	company_addr_line5 text,
	company_addr_city text,
	company_addr_country_sub_division_code text,
	company_addr_postal_code text,
	company_addr_country text,
	customer_communication_addr_line1 text,
	customer_communication_addr_line2 text,
	customer_communication_addr_line3 text,
	customer_communication_addr_line4 text,
	customer_communication_addr_line5 text,
	customer_communication_addr_city text,
	customer_communication_addr_country_sub_division_code text,
	customer_communication_addr_postal_code text,
	customer_communication_addr_country text,
	legal_addr_line1 text,
	legal_addr_line2 text,
	legal_addr_line3 text,
	legal_addr_line4 text,
	legal_addr_line5 text,
	legal_addr_city text,
	legal_addr_country_sub_division_code text,
	legal_addr_postal_code text,
	legal_addr_country text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.company_info IS 'one row a company. the provider''s feed of changes leaves these out: they are read again every 24 hours. never removed: what the provider no longer lists is kept';
COMMENT ON COLUMN quickbooks.company_info.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.company_info.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.company_info.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.company_info.default_time_zone IS 'such as America/Los_Angeles';
COMMENT ON COLUMN quickbooks.company_info.fiscal_year_start_month IS 'such as January';
COMMENT ON COLUMN quickbooks.company_info.company_start_date IS 'when the company began in QuickBooks';
SELECT sync.pack('quickbooks.company_info');
SELECT sync.protect('quickbooks.company_info');

CREATE TABLE quickbooks.company_info_values (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	company_info_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	name text,
	value text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, company_info_id, position)
);
SELECT sync.protect('quickbooks.company_info_values');
