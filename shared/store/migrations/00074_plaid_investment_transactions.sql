-- +goose Up
CREATE TABLE plaid.investment_transactions (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_id text,
	security_id text,
	amount numeric,
	iso_currency_code text,
	unofficial_currency_code text,
	date date,
	transaction_datetime timestamptz,
	name text,
	type text,
	subtype text,
	quantity numeric,
	price numeric,
	fees numeric,
	cancel_transaction_id text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.investment_transactions IS 'buying, selling and what else moves cash or securities, of the last 24 months. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.investment_transactions.account_id IS 'refers to accounts';
COMMENT ON COLUMN plaid.investment_transactions.security_id IS 'refers to securities; null: of cash alone';
COMMENT ON COLUMN plaid.investment_transactions.amount IS 'POSITIVE: cash goes out (securities are bought); negative: it comes in (they are sold)';
COMMENT ON COLUMN plaid.investment_transactions.iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.investment_transactions.unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
COMMENT ON COLUMN plaid.investment_transactions.date IS 'when it was settled, as a rule';
COMMENT ON COLUMN plaid.investment_transactions.transaction_datetime IS 'when it was ordered, where the bank tells';
COMMENT ON COLUMN plaid.investment_transactions.type IS 'buy, sell, cancel, cash, fee or transfer; subtype says more';
COMMENT ON COLUMN plaid.investment_transactions.quantity IS 'in units: positive when bought, negative when sold';
COMMENT ON COLUMN plaid.investment_transactions.price IS 'for one unit';
COMMENT ON COLUMN plaid.investment_transactions.fees IS 'all of them together';
COMMENT ON COLUMN plaid.investment_transactions.cancel_transaction_id IS 'deprecated';
CREATE INDEX investment_transactions_account_id_date ON plaid.investment_transactions (org_id, account_id, date);
CREATE INDEX investment_transactions_date ON plaid.investment_transactions (org_id, date);
CREATE INDEX investment_transactions_security_id ON plaid.investment_transactions (org_id, security_id);
SELECT sync.pack('plaid.investment_transactions');
SELECT sync.protect('plaid.investment_transactions');
