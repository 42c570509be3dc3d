-- +goose Up
CREATE TABLE quickbooks.exchange_rates (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	source_currency_code text,
	target_currency_code text,
	as_of_date date,
	rate numeric,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE quickbooks.exchange_rates IS 'the provider''s feed of changes leaves these out: they are read again every 24 hours. never removed: what the provider no longer lists is kept. empty where the company does not have the feature';
COMMENT ON COLUMN quickbooks.exchange_rates.id IS 'both currencies'' codes and the day, joined by |: QuickBooks has no id';
COMMENT ON COLUMN quickbooks.exchange_rates.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.exchange_rates.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.exchange_rates.rate IS 'so much of the target currency for one unit of the source currency';
CREATE INDEX exchange_rates_source_currency_code_as_of_date ON quickbooks.exchange_rates (org_id, source_currency_code, as_of_date);
SELECT sync.pack('quickbooks.exchange_rates');
SELECT sync.protect('quickbooks.exchange_rates');
