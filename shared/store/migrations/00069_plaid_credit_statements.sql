-- +goose Up
CREATE TABLE plaid.credit_statements (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_id text,
	is_overdue boolean,
	last_payment_date date,
	last_payment_amount numeric,
	last_statement_issue_date date,
	last_statement_balance numeric,
	minimum_payment_amount numeric,
	next_payment_due_date date,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.credit_statements IS 'a card''s statements, a row for each card and day of issue, as they stood when last read before the next one came. the provider''s feed of changes leaves these out: they are read again every 12 hours. never removed: what the provider no longer lists is kept. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.credit_statements.id IS 'account_id and last_statement_issue_date, joined by |: Plaid has no id';
COMMENT ON COLUMN plaid.credit_statements.account_id IS 'refers to accounts';
COMMENT ON COLUMN plaid.credit_statements.last_payment_date IS 'of the last payment that was known when this was last read, as is its amount';
COMMENT ON COLUMN plaid.credit_statements.last_statement_issue_date IS 'the day of this statement';
COMMENT ON COLUMN plaid.credit_statements.last_statement_balance IS 'owed on that day';
COMMENT ON COLUMN plaid.credit_statements.next_payment_due_date IS 'null: no payment is expected';
CREATE INDEX credit_statements_last_statement_issue_date ON plaid.credit_statements (org_id, last_statement_issue_date);
SELECT sync.pack('plaid.credit_statements');
SELECT sync.protect('plaid.credit_statements');
