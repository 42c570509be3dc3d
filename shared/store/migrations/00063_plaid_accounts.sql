-- +goose Up
CREATE TABLE plaid.accounts (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	name text,
	official_name text,
	mask text,
	type text,
	subtype text,
	holder_category text,
	balances_available numeric,
	balances_current numeric,
	balances_limit numeric,
	balances_margin_loan_amount numeric,
	balances_iso_currency_code text,
	balances_unofficial_currency_code text,
	balances_last_updated_datetime timestamptz,
	persistent_account_id text,
	verification_status text,
	verification_name text,
	verification_insights_name_match_score bigint,
	verification_insights_network_status_has_numbers_match boolean,
	verification_insights_network_status_is_numbers_match_verified boolean,
	verification_insights_account_number_format text,
	verification_insights_has_previous_administrative_return boolean,
	merged_into text COLLATE "C",
	origin_id text COLLATE "C",
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.accounts IS 'an account that was closed, or that the customer has taken out, is deleted here; its transactions stay. Where the bank renames an account Plaid may give it a new id: merged_into then names the new row. the provider''s feed of changes leaves these out: they are read again every 6 hours';
COMMENT ON COLUMN plaid.accounts.id IS 'Plaid''s; another one wherever the same account is linked again';
COMMENT ON COLUMN plaid.accounts.mask IS 'the last two to four characters of the number; two accounts may have the same';
COMMENT ON COLUMN plaid.accounts.type IS 'depository, credit, loan, investment, brokerage or other';
COMMENT ON COLUMN plaid.accounts.subtype IS 'such as checking or credit card';
COMMENT ON COLUMN plaid.accounts.holder_category IS 'business, personal or unrecognized';
COMMENT ON COLUMN plaid.accounts.balances_available IS 'what can be drawn: of depository accounts current less what is pending, without an overdraft; of cards about the limit less current and pending; of investments the cash. null: the bank does not tell';
COMMENT ON COLUMN plaid.accounts.balances_current IS 'of depository accounts what is in them, of cards and loans what is OWED (below 0: the lender owes), of investments what they are worth';
COMMENT ON COLUMN plaid.accounts.balances_limit IS 'of cards the credit limit, of depository accounts the agreed overdraft';
COMMENT ON COLUMN plaid.accounts.balances_margin_loan_amount IS 'of investments what is borrowed against them; rarely told';
COMMENT ON COLUMN plaid.accounts.balances_iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.accounts.balances_unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
COMMENT ON COLUMN plaid.accounts.balances_last_updated_datetime IS 'when the bank last changed the balances; Capital One only';
COMMENT ON COLUMN plaid.accounts.persistent_account_id IS 'the same wherever the account is linked; at a few banks only';
COMMENT ON COLUMN plaid.accounts.verification_status IS 'this and the rest that begins so: of accounts that were linked by small deposits or by their number';
COMMENT ON COLUMN plaid.accounts.verification_insights_name_match_score IS '0 to 100';
COMMENT ON COLUMN plaid.accounts.merged_into IS 'the object that has taken the place of this one; null: none';
COMMENT ON COLUMN plaid.accounts.origin_id IS 'the id under which the thing was first known, before others took its place; null: this one''s own';
CREATE INDEX accounts_persistent_account_id ON plaid.accounts (org_id, persistent_account_id);
SELECT sync.pack('plaid.accounts');
SELECT sync.protect('plaid.accounts');
