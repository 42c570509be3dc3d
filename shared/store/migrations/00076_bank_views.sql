-- What banks hold and what moves there, for people who need not know how Plaid names things: one thing is
-- one row, and money is there once, however often ids change. No catalog declares these views and none rebuilds them.

-- +goose Up
CREATE SCHEMA reporting;
GRANT USAGE ON SCHEMA reporting TO countinghouse_reader;
COMMENT ON SCHEMA reporting IS 'Plain read-only views for BI, without deleted rows. A login sees its own organisations only.';

-- Readers need to know which logins have ended.
ALTER TABLE sync.connections ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON sync.connections FOR SELECT TO countinghouse_reader
	USING (org_id = ANY ((SELECT sync.readable_orgs())::text[]));
GRANT SELECT (id, org_id, provider, state) ON sync.connections TO countinghouse_reader;

-- Which accounts have taken the place of which others. A step leads from an account to the one that it was
-- merged into; from one that is gone, or whose login has ended, to those of the same bank that are alike and
-- rank above it: what is in use above what is not, then the newer login, then what went later. In one login
-- two accounts that were there side by side (there are balances of it) are two. Steps only lead upwards, so
-- of all that an account comes to none comes back to it.
CREATE VIEW sync.bank_heirs WITH (security_invoker = true) AS
WITH RECURSIVE known AS (
	SELECT a.org_id, a.connection_id, a.id, a.merged_into, a.deleted_at, a.persistent_account_id, a.type, a.subtype, a.mask, a.name,
		coalesce(i.institution_id, a.connection_id::text) AS bank,
		a.deleted_at IS NULL AND c.state NOT IN ('needs_reauth', 'disconnected') AS in_use,
		coalesce(a.deleted_at, 'infinity') AS gone_at
	FROM plaid.accounts AS a
	JOIN sync.connections AS c ON c.id = a.connection_id
	LEFT JOIN plaid.items AS i ON i.org_id = a.org_id AND i.connection_id = a.connection_id
), steps AS MATERIALIZED (
	SELECT a.org_id, a.connection_id, a.id, a.connection_id AS heir_connection_id, a.merged_into AS heir_id
	FROM plaid.accounts AS a WHERE a.merged_into IS NOT NULL
	UNION ALL
	SELECT a.org_id, a.connection_id, a.id, h.connection_id, h.id
	FROM known AS a
	JOIN known AS h ON h.org_id = a.org_id AND h.bank = a.bank
		AND (h.in_use, h.connection_id, h.gone_at) > (a.in_use, a.connection_id, a.gone_at)
		AND (h.persistent_account_id = a.persistent_account_id
			OR (h.type, h.subtype, h.mask, h.name) = (a.type, a.subtype, a.mask, a.name)
				AND coalesce(h.persistent_account_id = a.persistent_account_id, true))
	WHERE NOT a.in_use AND a.merged_into IS NULL AND h.merged_into IS NULL
		AND NOT (h.connection_id = a.connection_id AND EXISTS (
			SELECT FROM plaid.balances AS b WHERE b.org_id = h.org_id AND b.connection_id = h.connection_id AND b.account_id = h.id
				AND b.date < (a.deleted_at AT TIME ZONE 'UTC')::date
				AND b.date > (SELECT min(d.date) FROM plaid.balances AS d
					WHERE d.org_id = a.org_id AND d.connection_id = a.connection_id AND d.account_id = a.id)))
), heirs AS (
	SELECT org_id, connection_id, id, heir_connection_id, heir_id FROM steps
	UNION
	SELECT h.org_id, h.connection_id, h.id, s.heir_connection_id, s.heir_id
	FROM heirs AS h
	JOIN steps AS s ON s.org_id = h.org_id AND s.connection_id = h.heir_connection_id AND s.id = h.heir_id
), covers AS MATERIALIZED ( -- of all heirs together: each by itself would cost a look at the whole table where that is small
	SELECT m.org_id, m.connection_id, m.account_id, min(m.date) AS since
	FROM (SELECT DISTINCT org_id, heir_connection_id, heir_id FROM heirs) AS h
	JOIN plaid.transactions AS m ON m.org_id = h.org_id AND m.connection_id = h.heir_connection_id AND m.account_id = h.heir_id
	WHERE m.deleted_at IS NULL AND m.merged_into IS NULL
	GROUP BY m.org_id, m.connection_id, m.account_id
)
SELECT h.org_id, h.connection_id, h.id AS account_id, min(t.since) AS covered_from, bool_or(coalesce(a.deleted_at IS NULL AND a.merged_into IS NULL, false)) AS has_live
FROM heirs AS h
LEFT JOIN plaid.accounts AS a ON a.org_id = h.org_id AND a.connection_id = h.heir_connection_id AND a.id = h.heir_id AND a.deleted_at IS NULL
LEFT JOIN covers AS t ON t.org_id = h.org_id AND t.connection_id = h.heir_connection_id AND t.account_id = h.heir_id
GROUP BY h.org_id, h.connection_id, h.id;
GRANT SELECT ON sync.bank_heirs TO countinghouse_reader;
COMMENT ON VIEW sync.bank_heirs IS 'Bank accounts whose place others have taken: since which day these have transactions, and whether one of them is open.';

CREATE VIEW reporting.bank_accounts WITH (security_invoker = true) AS
WITH heirs AS MATERIALIZED ( -- once, not for each row
	SELECT org_id, connection_id, account_id, has_live FROM sync.bank_heirs
)
SELECT
	(a.org_id || ':' || a.connection_id || ':' || coalesce(a.origin_id, a.id)) COLLATE "C" AS row_key,
	o.name AS organizationname,
	a.org_id,
	a.connection_id,
	a.id AS account_id,
	i.institution_id,
	coalesce(n.name, i.institution_name) AS institution_name,
	a.name,
	a.official_name,
	a.mask,
	a.type,
	a.subtype,
	a.holder_category,
	a.balances_available AS balance_available,
	a.balances_current AS balance_current,
	a.balances_limit AS balance_limit,
	coalesce(a.balances_iso_currency_code, a.balances_unofficial_currency_code) AS currency,
	CASE
		WHEN a.balances_iso_currency_code IS NOT NULL THEN true
		WHEN a.balances_unofficial_currency_code IS NOT NULL THEN false
	END AS currency_is_official,
	i.status_transactions_last_successful_update AS bank_read_at,
	c.state AS connection_state
FROM plaid.accounts AS a
LEFT JOIN sync.connections AS c ON c.id = a.connection_id
LEFT JOIN heirs AS h ON h.org_id = a.org_id AND h.connection_id = a.connection_id AND h.account_id = a.id
LEFT JOIN sync.organisations AS o ON o.slug = a.org_id
LEFT JOIN plaid.items AS i ON i.org_id = a.org_id AND i.connection_id = a.connection_id
LEFT JOIN plaid.institutions AS n ON n.org_id = i.org_id AND n.connection_id = i.connection_id AND n.id = i.institution_id
WHERE a.deleted_at IS NULL AND a.merged_into IS NULL AND NOT coalesce(h.has_live, false);
GRANT SELECT ON reporting.bank_accounts TO countinghouse_reader;

COMMENT ON VIEW reporting.bank_accounts IS 'The accounts at banks that are open and shared with us, with their balances. One whose login has ended is left out once the same account is there through another.';
COMMENT ON COLUMN reporting.bank_accounts.row_key IS 'org_id, connection_id and the id under which the account was first known, joined by colons: unique within the view, and the same when Plaid gives the account another id.';
COMMENT ON COLUMN reporting.bank_accounts.organizationname IS 'The organisation''s name.';
COMMENT ON COLUMN reporting.bank_accounts.org_id IS 'The organisation''s slug.';
COMMENT ON COLUMN reporting.bank_accounts.connection_id IS 'The connection: one login at one bank.';
COMMENT ON COLUMN reporting.bank_accounts.account_id IS 'Plaid''s present id of the account.';
COMMENT ON COLUMN reporting.bank_accounts.institution_id IS 'Plaid''s id of the bank.';
COMMENT ON COLUMN reporting.bank_accounts.institution_name IS 'The bank.';
COMMENT ON COLUMN reporting.bank_accounts.name IS 'The account''s name, given by the customer or the bank.';
COMMENT ON COLUMN reporting.bank_accounts.official_name IS 'The bank''s own name of the account.';
COMMENT ON COLUMN reporting.bank_accounts.mask IS 'The last two to four characters of the number. Two accounts may have the same.';
COMMENT ON COLUMN reporting.bank_accounts.type IS 'depository, credit, loan, investment, brokerage or other.';
COMMENT ON COLUMN reporting.bank_accounts.subtype IS 'Such as checking or credit card.';
COMMENT ON COLUMN reporting.bank_accounts.holder_category IS 'business, personal or unrecognized.';
COMMENT ON COLUMN reporting.bank_accounts.balance_available IS 'What can be drawn now, as the bank counts it; null: the bank does not tell.';
COMMENT ON COLUMN reporting.bank_accounts.balance_current IS 'Of depository accounts what is in them, of cards and loans what is OWED (positive: owed by us; negative: owed to us), of investments what they are worth. So it may not be added up over types.';
COMMENT ON COLUMN reporting.bank_accounts.balance_limit IS 'Of cards the credit limit, of depository accounts the agreed overdraft.';
COMMENT ON COLUMN reporting.bank_accounts.currency IS 'Of the balances: the ISO 4217 code, or the unofficial one of what has none.';
COMMENT ON COLUMN reporting.bank_accounts.currency_is_official IS 'True: currency is an ISO 4217 code; false: it is not (cryptocurrencies, miles, points); null: no currency.';
COMMENT ON COLUMN reporting.bank_accounts.bank_read_at IS 'When Plaid last had this login''s transactions from the bank.';
COMMENT ON COLUMN reporting.bank_accounts.connection_state IS 'connecting, active, needs_reauth, paused or disconnected. needs_reauth and disconnected: nothing new comes.';

CREATE VIEW reporting.bank_transactions WITH (security_invoker = true) AS
WITH heirs AS MATERIALIZED ( -- once, not for each row
	SELECT org_id, connection_id, account_id, covered_from FROM sync.bank_heirs
)
SELECT
	(t.org_id || ':' || t.connection_id || ':' || coalesce(t.origin_id, t.id)) COLLATE "C" AS row_key,
	o.name AS organizationname,
	t.org_id,
	t.connection_id,
	t.id AS transaction_id,
	t.account_id,
	(t.org_id || ':' || t.connection_id || ':' || coalesce(a.origin_id, t.account_id)) COLLATE "C" AS account_row_key,
	coalesce(n.name, i.institution_name) AS institution_name,
	a.name AS account_name,
	a.mask AS account_mask,
	a.type AS account_type,
	a.subtype AS account_subtype,
	t.date,
	t.authorized_date,
	t.amount,
	CASE WHEN t.amount > 0 THEN 'out' WHEN t.amount < 0 THEN 'in' END AS direction,
	coalesce(t.iso_currency_code, t.unofficial_currency_code) AS currency,
	CASE
		WHEN t.iso_currency_code IS NOT NULL THEN true
		WHEN t.unofficial_currency_code IS NOT NULL THEN false
	END AS currency_is_official,
	t.pending,
	t.name,
	t.merchant_name,
	t.original_description,
	t.personal_finance_category_primary AS category_primary,
	t.personal_finance_category_detailed AS category_detailed,
	t.payment_channel,
	t.account_owner,
	t.check_number
FROM plaid.transactions AS t
LEFT JOIN sync.organisations AS o ON o.slug = t.org_id
LEFT JOIN plaid.accounts AS a ON a.org_id = t.org_id AND a.connection_id = t.connection_id AND a.id = t.account_id
LEFT JOIN heirs AS h ON h.org_id = t.org_id AND h.connection_id = t.connection_id AND h.account_id = t.account_id
LEFT JOIN plaid.items AS i ON i.org_id = t.org_id AND i.connection_id = t.connection_id
LEFT JOIN plaid.institutions AS n ON n.org_id = i.org_id AND n.connection_id = i.connection_id AND n.id = i.institution_id
WHERE t.deleted_at IS NULL AND t.merged_into IS NULL AND (h.covered_from IS NULL OR t.date IS NULL OR t.date < h.covered_from);
GRANT SELECT ON reporting.bank_transactions TO countinghouse_reader;

COMMENT ON VIEW reporting.bank_transactions IS 'What moved on accounts at banks, pending and posted, each once. Those of an account that was closed stay; those of an account whose place another one has taken, under a new id or through a new login, are there up to the day from which the new one has its own.';
COMMENT ON COLUMN reporting.bank_transactions.row_key IS 'org_id, connection_id and the id under which the transaction was first known, joined by colons: unique within the view, and the same from pending to posted. A transaction whose account gets a new id gets a new key too.';
COMMENT ON COLUMN reporting.bank_transactions.organizationname IS 'The organisation''s name.';
COMMENT ON COLUMN reporting.bank_transactions.org_id IS 'The organisation''s slug.';
COMMENT ON COLUMN reporting.bank_transactions.connection_id IS 'The connection: one login at one bank.';
COMMENT ON COLUMN reporting.bank_transactions.transaction_id IS 'Plaid''s present id of the transaction. It is another one once a pending transaction is posted: keep row_key, not this.';
COMMENT ON COLUMN reporting.bank_transactions.account_id IS 'Plaid''s id of the account.';
COMMENT ON COLUMN reporting.bank_transactions.account_row_key IS 'The account''s row_key in bank_accounts, which leaves out accounts that were closed or replaced.';
COMMENT ON COLUMN reporting.bank_transactions.institution_name IS 'The bank.';
COMMENT ON COLUMN reporting.bank_transactions.account_name IS 'The account''s name, given by the customer or the bank.';
COMMENT ON COLUMN reporting.bank_transactions.account_mask IS 'The last two to four characters of the account''s number.';
COMMENT ON COLUMN reporting.bank_transactions.account_type IS 'depository, credit, loan, investment, brokerage or other.';
COMMENT ON COLUMN reporting.bank_transactions.account_subtype IS 'Such as checking or credit card.';
COMMENT ON COLUMN reporting.bank_transactions.date IS 'Pending: when it occurred; posted: when it was posted.';
COMMENT ON COLUMN reporting.bank_transactions.authorized_date IS 'When the buyer bought: the date to match receipts by. Null: the bank does not tell.';
COMMENT ON COLUMN reporting.bank_transactions.amount IS 'POSITIVE: money leaves the account (a purchase, a fee, a transfer out); negative: it comes in (a deposit, a refund, a payment received on a card). In major units of currency, exact.';
COMMENT ON COLUMN reporting.bank_transactions.direction IS 'out: amount is positive; in: amount is negative; null: amount is 0.';
COMMENT ON COLUMN reporting.bank_transactions.currency IS 'Of the amount: the ISO 4217 code, or the unofficial one of what has none. Amounts of different currencies may not be added up.';
COMMENT ON COLUMN reporting.bank_transactions.currency_is_official IS 'True: currency is an ISO 4217 code; false: it is not (cryptocurrencies, miles, points); null: no currency.';
COMMENT ON COLUMN reporting.bank_transactions.pending IS 'True: not settled yet. Amount, name and date may change, and it may vanish without a trace when the bank lets the hold go.';
COMMENT ON COLUMN reporting.bank_transactions.name IS 'The bank''s description, tidied.';
COMMENT ON COLUMN reporting.bank_transactions.merchant_name IS 'Who, as Plaid makes it out.';
COMMENT ON COLUMN reporting.bank_transactions.original_description IS 'The bank''s own text, as it came.';
COMMENT ON COLUMN reporting.bank_transactions.category_primary IS 'Plaid''s category, such as FOOD_AND_DRINK.';
COMMENT ON COLUMN reporting.bank_transactions.category_detailed IS 'Plaid''s category in detail, such as FOOD_AND_DRINK_COFFEE.';
COMMENT ON COLUMN reporting.bank_transactions.payment_channel IS 'online, in store or other.';
COMMENT ON COLUMN reporting.bank_transactions.account_owner IS 'Where several cards share one account: whose card it was, a name or the card''s last digits.';
COMMENT ON COLUMN reporting.bank_transactions.check_number IS 'Of checks.';

CREATE VIEW appsheet.bank_accounts WITH (security_invoker = true) AS
SELECT
	row_key, organizationname, org_id, connection_id, account_id, institution_id, institution_name,
	name, official_name, mask, type, subtype, holder_category,
	balance_available, balance_current, balance_limit, currency, currency_is_official, bank_read_at, connection_state
FROM reporting.bank_accounts;
GRANT SELECT ON appsheet.bank_accounts TO countinghouse_reader;

CREATE VIEW appsheet.bank_transactions WITH (security_invoker = true) AS
SELECT
	row_key, organizationname, org_id, connection_id, transaction_id, account_id, account_row_key, institution_name,
	account_name, account_mask, account_type, account_subtype,
	date, authorized_date, amount, direction, currency, currency_is_official, pending,
	name, merchant_name, original_description, category_primary, category_detailed, payment_channel, account_owner, check_number
FROM reporting.bank_transactions;
GRANT SELECT ON appsheet.bank_transactions TO countinghouse_reader;

-- The same columns, so the same words.
-- +goose StatementBegin
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT v.relname, a.attname, d.description
		FROM pg_catalog.pg_class AS v
		JOIN pg_catalog.pg_description AS d ON d.objoid = v.oid AND d.classoid = 'pg_catalog.pg_class'::regclass
		LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = v.oid AND a.attnum = d.objsubid AND d.objsubid > 0
		WHERE v.relnamespace = 'reporting'::regnamespace
	LOOP
		IF c.attname IS NULL THEN
			EXECUTE format('COMMENT ON VIEW appsheet.%I IS %L', c.relname, c.description);
		ELSE
			EXECUTE format('COMMENT ON COLUMN appsheet.%I.%I IS %L', c.relname, c.attname, c.description);
		END IF;
	END LOOP;
END
$$;
-- +goose StatementEnd
