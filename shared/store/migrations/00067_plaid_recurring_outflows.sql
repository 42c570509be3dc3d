-- +goose Up
CREATE TABLE plaid.recurring_outflows (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_id text,
	description text,
	merchant_name text,
	frequency text,
	status text,
	is_active boolean,
	first_date date,
	last_date date,
	predicted_next_date date,
	average_amount_amount numeric,
	average_amount_iso_currency_code text,
	average_amount_unofficial_currency_code text,
	last_amount_amount numeric,
	last_amount_iso_currency_code text,
	last_amount_unofficial_currency_code text,
	personal_finance_category_primary text,
	personal_finance_category_detailed text,
	personal_finance_category_confidence_level text,
	personal_finance_category_version text,
	transaction_ids jsonb,
	category jsonb,
	category_id text,
	is_user_modified boolean,
	last_user_modified_datetime timestamptz,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.recurring_outflows IS 'what goes out regularly: transactions that repeat, as Plaid finds them. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.recurring_outflows.account_id IS 'refers to accounts';
COMMENT ON COLUMN plaid.recurring_outflows.frequency IS 'WEEKLY, BIWEEKLY, SEMI_MONTHLY, MONTHLY, ANNUALLY or UNKNOWN';
COMMENT ON COLUMN plaid.recurring_outflows.status IS 'MATURE: three times or more; EARLY_DETECTION: fewer; TOMBSTONED: it has ended; UNKNOWN';
COMMENT ON COLUMN plaid.recurring_outflows.first_date IS 'posted, as last_date is';
COMMENT ON COLUMN plaid.recurring_outflows.predicted_next_date IS 'null: nobody can tell';
COMMENT ON COLUMN plaid.recurring_outflows.average_amount_amount IS 'POSITIVE: money leaves the account (a purchase, a fee, a transfer out); negative: it comes in (a deposit, a refund, a payment received on a card)';
COMMENT ON COLUMN plaid.recurring_outflows.average_amount_iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.recurring_outflows.average_amount_unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
COMMENT ON COLUMN plaid.recurring_outflows.last_amount_amount IS 'POSITIVE: money leaves the account (a purchase, a fee, a transfer out); negative: it comes in (a deposit, a refund, a payment received on a card)';
COMMENT ON COLUMN plaid.recurring_outflows.last_amount_iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.recurring_outflows.last_amount_unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
COMMENT ON COLUMN plaid.recurring_outflows.personal_finance_category_primary IS 'such as FOOD_AND_DRINK; Plaid adds to the list';
COMMENT ON COLUMN plaid.recurring_outflows.personal_finance_category_detailed IS 'such as FOOD_AND_DRINK_COFFEE: it begins with the primary one';
COMMENT ON COLUMN plaid.recurring_outflows.personal_finance_category_confidence_level IS 'how sure Plaid is: VERY_HIGH, HIGH, MEDIUM, LOW, UNKNOWN';
COMMENT ON COLUMN plaid.recurring_outflows.personal_finance_category_version IS 'of the list of categories: v1 or v2';
COMMENT ON COLUMN plaid.recurring_outflows.transaction_ids IS 'a list of ids of transactions, by date';
COMMENT ON COLUMN plaid.recurring_outflows.category IS 'deprecated: use personal_finance_category; from the general to the special';
COMMENT ON COLUMN plaid.recurring_outflows.category_id IS 'deprecated, as category is';
COMMENT ON COLUMN plaid.recurring_outflows.is_user_modified IS 'deprecated: false';
COMMENT ON COLUMN plaid.recurring_outflows.last_user_modified_datetime IS 'deprecated: null';
CREATE INDEX recurring_outflows_account_id ON plaid.recurring_outflows (org_id, account_id);
SELECT sync.pack('plaid.recurring_outflows');
SELECT sync.protect('plaid.recurring_outflows');
