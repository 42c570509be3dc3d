-- +goose Up
CREATE TABLE plaid.balances (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_id text,
	date date,
	balances_available numeric,
	balances_current numeric,
	balances_limit numeric,
	balances_margin_loan_amount numeric,
	balances_iso_currency_code text,
	balances_unofficial_currency_code text,
	balances_last_updated_datetime timestamptz,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.balances IS 'what an account''s balances were, a row for each account and day. The last reading of a day counts. the provider''s feed of changes leaves these out: they are read again every 6 hours. never removed: what the provider no longer lists is kept';
COMMENT ON COLUMN plaid.balances.id IS 'account_id and date, joined by |: Plaid has no id';
COMMENT ON COLUMN plaid.balances.account_id IS 'refers to accounts';
COMMENT ON COLUMN plaid.balances.date IS 'the day in UTC on which the balances were read';
COMMENT ON COLUMN plaid.balances.balances_available IS 'what can be drawn: of depository accounts current less what is pending, without an overdraft; of cards about the limit less current and pending; of investments the cash. null: the bank does not tell';
COMMENT ON COLUMN plaid.balances.balances_current IS 'of depository accounts what is in them, of cards and loans what is OWED (below 0: the lender owes), of investments what they are worth';
COMMENT ON COLUMN plaid.balances.balances_limit IS 'of cards the credit limit, of depository accounts the agreed overdraft';
COMMENT ON COLUMN plaid.balances.balances_margin_loan_amount IS 'of investments what is borrowed against them; rarely told';
COMMENT ON COLUMN plaid.balances.balances_iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.balances.balances_unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
COMMENT ON COLUMN plaid.balances.balances_last_updated_datetime IS 'when the bank last changed the balances; Capital One only';
CREATE INDEX balances_date ON plaid.balances (org_id, date);
CREATE INDEX balances_account_id_date ON plaid.balances (org_id, account_id, date);
SELECT sync.pack('plaid.balances');
SELECT sync.protect('plaid.balances');
