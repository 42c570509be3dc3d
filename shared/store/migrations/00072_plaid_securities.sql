-- +goose Up
CREATE TABLE plaid.securities (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	name text,
	ticker_symbol text,
	type text,
	subtype text,
	is_cash_equivalent boolean,
	close_price numeric,
	close_price_as_of date,
	update_datetime timestamptz,
	iso_currency_code text,
	unofficial_currency_code text,
	isin text,
	cusip text,
	sedol text,
	institution_security_id text,
	institution_id text,
	proxy_security_id text,
	market_identifier_code text,
	sector text,
	industry text,
	cfi_code text,
	option_contract_contract_type text,
	option_contract_expiration_date date,
	option_contract_strike_price numeric,
	option_contract_underlying_security_ticker text,
	fixed_income_yield_rate_percentage numeric,
	fixed_income_yield_rate_type text,
	fixed_income_issue_date date,
	fixed_income_maturity_date date,
	fixed_income_face_value numeric,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.securities IS 'what can be held or traded, as far as accounts have had it. Plaid may give a security a new id. the provider''s feed of changes leaves these out: they are read again every 12 hours. never removed: what the provider no longer lists is kept. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.securities.close_price IS 'for one unit, at the end of the last day of trading; null: not traded in public';
COMMENT ON COLUMN plaid.securities.update_datetime IS 'when close_price was right';
COMMENT ON COLUMN plaid.securities.iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.securities.unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
COMMENT ON COLUMN plaid.securities.isin IS 'null without a licence for it, as cusip is';
COMMENT ON COLUMN plaid.securities.sedol IS 'deprecated: null';
COMMENT ON COLUMN plaid.securities.institution_security_id IS 'the bank''s own id, at institution_id';
COMMENT ON COLUMN plaid.securities.institution_id IS 'refers to institutions';
COMMENT ON COLUMN plaid.securities.proxy_security_id IS 'refers to securities; one that moves alike, where this one is hardly traded';
COMMENT ON COLUMN plaid.securities.market_identifier_code IS 'ISO 10383';
COMMENT ON COLUMN plaid.securities.cfi_code IS 'ISO 10962';
COMMENT ON COLUMN plaid.securities.option_contract_contract_type IS 'put or call';
COMMENT ON COLUMN plaid.securities.option_contract_strike_price IS 'for one share';
COMMENT ON COLUMN plaid.securities.fixed_income_yield_rate_percentage IS 'a year: 4.5 is 4.5 %';
COMMENT ON COLUMN plaid.securities.fixed_income_face_value IS 'paid at maturity for one unit';
CREATE INDEX securities_ticker_symbol ON plaid.securities (org_id, ticker_symbol);
SELECT sync.pack('plaid.securities');
SELECT sync.protect('plaid.securities');
