-- +goose Up
CREATE TABLE plaid.institutions (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	name text,
	url text,
	primary_color text,
	logo text,
	oauth boolean,
	products jsonb,
	country_codes jsonb,
	routing_numbers jsonb,
	dtc_numbers jsonb,
	status jsonb,
	auth_metadata jsonb,
	payment_initiation_metadata jsonb,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.institutions IS 'the bank of the Item. One bank may have several of these. the provider''s feed of changes leaves these out: they are read again every 7 days';
COMMENT ON COLUMN plaid.institutions.primary_color IS 'such as #1f1f1f';
COMMENT ON COLUMN plaid.institutions.logo IS 'a PNG of 152 by 152 pixels in base64';
COMMENT ON COLUMN plaid.institutions.oauth IS 'customers sign in on the bank''s own pages';
COMMENT ON COLUMN plaid.institutions.status IS 'how logins and updates went when this was read; null where that was not asked for';
SELECT sync.pack('plaid.institutions');
SELECT sync.protect('plaid.institutions');
