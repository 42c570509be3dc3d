-- +goose Up
CREATE TABLE plaid.credit_liabilities (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
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
COMMENT ON TABLE plaid.credit_liabilities IS 'one row a card: its last statement and payment. credit_statements has the statements before. the provider''s feed of changes leaves these out: they are read again every 12 hours. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.credit_liabilities.id IS 'refers to accounts';
COMMENT ON COLUMN plaid.credit_liabilities.last_statement_balance IS 'owed on the day of that statement';
COMMENT ON COLUMN plaid.credit_liabilities.next_payment_due_date IS 'null: no payment is expected';
SELECT sync.pack('plaid.credit_liabilities');
SELECT sync.protect('plaid.credit_liabilities');

CREATE TABLE plaid.credit_liability_aprs (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	credit_liability_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	apr_percentage numeric,
	apr_type text,
	balance_subject_to_apr numeric,
	interest_charge_amount numeric,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, credit_liability_id, position)
);
COMMENT ON TABLE plaid.credit_liability_aprs IS 'the rates of interest of a card; none where the bank does not tell';
COMMENT ON COLUMN plaid.credit_liability_aprs.apr_percentage IS 'a year: 15.24 is 15.24 %';
COMMENT ON COLUMN plaid.credit_liability_aprs.apr_type IS 'balance_transfer_apr, cash_apr, purchase_apr or special';
COMMENT ON COLUMN plaid.credit_liability_aprs.balance_subject_to_apr IS 'what it is charged on; how that is counted differs from bank to bank';
COMMENT ON COLUMN plaid.credit_liability_aprs.interest_charge_amount IS 'the interest on the last statement';
SELECT sync.protect('plaid.credit_liability_aprs');
