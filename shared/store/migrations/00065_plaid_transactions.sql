-- +goose Up
CREATE TABLE plaid.transactions (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_id text,
	amount numeric,
	iso_currency_code text,
	unofficial_currency_code text,
	date date,
	authorized_date date,
	datetime timestamptz,
	authorized_datetime timestamptz,
	pending boolean,
	pending_transaction_id text,
	name text,
	merchant_name text,
	merchant_entity_id text,
	original_description text,
	personal_finance_category_primary text,
	personal_finance_category_detailed text,
	personal_finance_category_confidence_level text,
	personal_finance_category_version text,
	personal_finance_category_icon_url text,
	business_finance_category_primary text,
	business_finance_category_detailed text,
	business_finance_category_confidence_level text,
	payment_channel text,
	transaction_code text,
	transaction_type text,
	check_number text,
	account_owner text,
	logo_url text,
	website text,
	location_address text,
	location_city text,
	location_region text,
	location_postal_code text,
	location_country text,
	location_store_number text,
	location_lat numeric,
	location_lon numeric,
	payment_meta_reference_number text,
	payment_meta_ppd_id text,
	payment_meta_payee text,
	payment_meta_by_order_of text,
	payment_meta_payer text,
	payment_meta_payment_method text,
	payment_meta_payment_processor text,
	payment_meta_reason text,
	category jsonb,
	category_id text,
	client_customization_custom_entity_id text,
	merged_into text COLLATE "C",
	origin_id text COLLATE "C",
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.transactions IS 'a pending transaction goes when it is posted, and comes again under a new id: the old row is deleted and its merged_into names the new one, whose origin_id is the old id. What people attach to a transaction hangs on coalesce(origin_id, id)';
COMMENT ON COLUMN plaid.transactions.account_id IS 'refers to accounts';
COMMENT ON COLUMN plaid.transactions.amount IS 'POSITIVE: money leaves the account (a purchase, a fee, a transfer out); negative: it comes in (a deposit, a refund, a payment received on a card). So when a card is paid off, the payment is positive on the account that pays and negative on the card''s';
COMMENT ON COLUMN plaid.transactions.iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.transactions.unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
COMMENT ON COLUMN plaid.transactions.date IS 'pending: when it occurred; posted: when it was posted';
COMMENT ON COLUMN plaid.transactions.authorized_date IS 'when the buyer bought: the date to match receipts by';
COMMENT ON COLUMN plaid.transactions.datetime IS 'as date, to the second, where the bank tells; 00:00:00 may stand for an unknown time';
COMMENT ON COLUMN plaid.transactions.authorized_datetime IS 'as authorized_date, to the second, where the bank tells';
COMMENT ON COLUMN plaid.transactions.pending IS 'true: not settled yet, so amount, name and date may change, and it may vanish';
COMMENT ON COLUMN plaid.transactions.pending_transaction_id IS 'refers to transactions; of the pending one whose place this posted one has taken; null: there was none, or the bank does not tell';
COMMENT ON COLUMN plaid.transactions.name IS 'the bank''s description, tidied; Plaid calls it legacy and keeps it';
COMMENT ON COLUMN plaid.transactions.merchant_name IS 'who, as Plaid makes it out';
COMMENT ON COLUMN plaid.transactions.merchant_entity_id IS 'the same for all of a merchant''s places and spellings';
COMMENT ON COLUMN plaid.transactions.original_description IS 'the bank''s own text, as it came';
COMMENT ON COLUMN plaid.transactions.personal_finance_category_primary IS 'such as FOOD_AND_DRINK; Plaid adds to the list';
COMMENT ON COLUMN plaid.transactions.personal_finance_category_detailed IS 'such as FOOD_AND_DRINK_COFFEE: it begins with the primary one';
COMMENT ON COLUMN plaid.transactions.personal_finance_category_confidence_level IS 'how sure Plaid is: VERY_HIGH, HIGH, MEDIUM, LOW, UNKNOWN';
COMMENT ON COLUMN plaid.transactions.personal_finance_category_version IS 'of the list of categories: v1 or v2';
COMMENT ON COLUMN plaid.transactions.business_finance_category_primary IS 'this and those that begin so: Plaid''s categories for companies, which not all customers have';
COMMENT ON COLUMN plaid.transactions.payment_channel IS 'online, in store or other';
COMMENT ON COLUMN plaid.transactions.transaction_code IS 'such as purchase, transfer or atm; mostly in Europe';
COMMENT ON COLUMN plaid.transactions.transaction_type IS 'deprecated: use payment_channel';
COMMENT ON COLUMN plaid.transactions.account_owner IS 'where several cards share one account: whose card it was, a name or the card''s last digits';
COMMENT ON COLUMN plaid.transactions.location_lat IS 'degrees';
COMMENT ON COLUMN plaid.transactions.location_lon IS 'degrees';
COMMENT ON COLUMN plaid.transactions.payment_meta_ppd_id IS 'of the payer, in the American ACH';
COMMENT ON COLUMN plaid.transactions.category IS 'deprecated: use personal_finance_category; from the general to the special';
COMMENT ON COLUMN plaid.transactions.category_id IS 'deprecated, as category is';
COMMENT ON COLUMN plaid.transactions.client_customization_custom_entity_id IS 'of a merchant, by rules of our own at Plaid';
COMMENT ON COLUMN plaid.transactions.merged_into IS 'the object that has taken the place of this one; null: none';
COMMENT ON COLUMN plaid.transactions.origin_id IS 'the id under which the thing was first known, before others took its place; null: this one''s own';
CREATE INDEX transactions_account_id_date ON plaid.transactions (org_id, account_id, date);
CREATE INDEX transactions_date ON plaid.transactions (org_id, date);
CREATE INDEX transactions_pending_transaction_id ON plaid.transactions (org_id, pending_transaction_id);
SELECT sync.pack('plaid.transactions');
SELECT sync.protect('plaid.transactions');

CREATE TABLE plaid.transaction_counterparties (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	transaction_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	name text,
	entity_id text,
	type text,
	website text,
	logo_url text,
	confidence_level text,
	account_numbers_bacs_account text,
	account_numbers_bacs_sort_code text,
	account_numbers_international_iban text,
	account_numbers_international_bic text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, transaction_id, position)
);
COMMENT ON TABLE plaid.transaction_counterparties IS 'who took part, as Plaid makes it out of the description: a transaction may have none or several';
COMMENT ON COLUMN plaid.transaction_counterparties.entity_id IS 'the same for all of a counterparty''s spellings';
COMMENT ON COLUMN plaid.transaction_counterparties.type IS 'merchant, financial_institution, payment_app, marketplace, payment_terminal or income_source';
COMMENT ON COLUMN plaid.transaction_counterparties.confidence_level IS 'how sure Plaid is: VERY_HIGH, HIGH, MEDIUM, LOW, UNKNOWN';
COMMENT ON COLUMN plaid.transaction_counterparties.account_numbers_bacs_account IS 'in Great Britain';
SELECT sync.protect('plaid.transaction_counterparties');
