-- +goose Up
CREATE TABLE plaid.mortgages (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_number text,
	loan_type_description text,
	loan_term text,
	interest_rate_percentage numeric,
	interest_rate_type text,
	has_pmi boolean,
	has_prepayment_penalty boolean,
	current_late_fee numeric,
	escrow_balance numeric,
	past_due_amount numeric,
	last_payment_date date,
	last_payment_amount numeric,
	next_payment_due_date date,
	next_monthly_payment numeric,
	origination_date date,
	maturity_date date,
	origination_principal_amount numeric,
	ytd_interest_paid numeric,
	ytd_principal_paid numeric,
	property_address_street text,
	property_address_city text,
	property_address_region text,
	property_address_postal_code text,
	property_address_country text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.mortgages IS 'the provider''s feed of changes leaves these out: they are read again every 12 hours. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.mortgages.id IS 'refers to accounts';
COMMENT ON COLUMN plaid.mortgages.loan_term IS 'such as 30 year';
COMMENT ON COLUMN plaid.mortgages.interest_rate_percentage IS 'a year, not the APR: 3.99 is 3.99 %';
COMMENT ON COLUMN plaid.mortgages.interest_rate_type IS 'fixed or variable';
COMMENT ON COLUMN plaid.mortgages.has_pmi IS 'private mortgage insurance is in effect';
COMMENT ON COLUMN plaid.mortgages.escrow_balance IS 'kept back for taxes and insurance';
COMMENT ON COLUMN plaid.mortgages.past_due_amount IS 'principal and interest';
COMMENT ON COLUMN plaid.mortgages.ytd_interest_paid IS 'in this year so far, as is the principal';
SELECT sync.pack('plaid.mortgages');
SELECT sync.protect('plaid.mortgages');
