-- +goose Up
CREATE TABLE quickbooks.tax_codes (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	description text,
	active boolean,
	hidden boolean,
	taxable boolean,
	tax_group boolean,
	tax_code_config_type text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.tax_codes IS 'companies in the USA also have the codes TAX and NON, which lines carry and which have neither SyncToken nor Active. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.tax_codes.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.tax_codes.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.tax_codes.meta_data_last_updated_time IS 'whole seconds; guards against older data';
SELECT sync.pack('quickbooks.tax_codes');
SELECT sync.protect('quickbooks.tax_codes');

CREATE TABLE quickbooks.tax_code_sales_rates (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	tax_code_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	tax_rate_ref_value text,
	tax_rate_ref_name text,
	tax_type_applicable text,
	tax_order bigint,
	tax_on_tax_order bigint,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, tax_code_id, position)
);
COMMENT ON COLUMN quickbooks.tax_code_sales_rates.tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.tax_code_sales_rates');

CREATE TABLE quickbooks.tax_code_purchase_rates (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	tax_code_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	tax_rate_ref_value text,
	tax_rate_ref_name text,
	tax_type_applicable text,
	tax_order bigint,
	tax_on_tax_order bigint,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, tax_code_id, position)
);
COMMENT ON COLUMN quickbooks.tax_code_purchase_rates.tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.tax_code_purchase_rates');

CREATE TABLE quickbooks.tax_code_adjustment_rates (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	tax_code_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	tax_rate_ref_value text,
	tax_rate_ref_name text,
	tax_type_applicable text,
	tax_order bigint,
	tax_on_tax_order bigint,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, tax_code_id, position)
);
COMMENT ON COLUMN quickbooks.tax_code_adjustment_rates.tax_rate_ref_value IS 'the TaxRate''s id';
SELECT sync.protect('quickbooks.tax_code_adjustment_rates');
