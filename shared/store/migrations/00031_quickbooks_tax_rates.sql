-- +goose Up
CREATE TABLE quickbooks.tax_rates (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	description text,
	active boolean,
	rate_value numeric,
	agency_ref_value text,
	agency_ref_name text,
	tax_return_line_ref_value text,
	tax_return_line_ref_name text,
	original_tax_rate_value text,
	original_tax_rate_name text,
	special_tax_type text,
	display_type text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.tax_rates IS 'the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.tax_rates.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.tax_rates.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.tax_rates.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.tax_rates.rate_value IS 'a percentage: 8 is 8 %';
COMMENT ON COLUMN quickbooks.tax_rates.agency_ref_value IS 'the TaxAgency''s id';
COMMENT ON COLUMN quickbooks.tax_rates.original_tax_rate_value IS 'the TaxRate''s id';
SELECT sync.pack('quickbooks.tax_rates');
SELECT sync.protect('quickbooks.tax_rates');

CREATE TABLE quickbooks.tax_rate_effective_rates (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	tax_rate_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	rate_value numeric,
	effective_date timestamptz,
	end_date timestamptz,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, tax_rate_id, position)
);
COMMENT ON TABLE quickbooks.tax_rate_effective_rates IS 'the rate over time, in percent';
SELECT sync.protect('quickbooks.tax_rate_effective_rates');
