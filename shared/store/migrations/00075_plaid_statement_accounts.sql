-- +goose Up
CREATE TABLE plaid.statement_accounts (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_name text,
	account_official_name text,
	account_mask text,
	account_type text,
	account_subtype text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.statement_accounts IS 'accounts that have statements. the provider''s feed of changes leaves these out: they are read again every 24 hours. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.statement_accounts.id IS 'refers to accounts';
SELECT sync.pack('plaid.statement_accounts');
SELECT sync.protect('plaid.statement_accounts');

CREATE TABLE plaid.statements (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	statement_account_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	statement_id text,
	year bigint,
	month bigint,
	date_posted date,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, statement_account_id, position)
);
COMMENT ON TABLE plaid.statements IS 'the statements of an account, in no order that Plaid promises. The PDF is asked for from Plaid, by the id';
COMMENT ON COLUMN plaid.statements.statement_id IS 'unique, and stays';
COMMENT ON COLUMN plaid.statements.month IS '1 to 12';
COMMENT ON COLUMN plaid.statements.date_posted IS 'null: the bank does not tell';
CREATE INDEX statements_statement_id ON plaid.statements (org_id, statement_id);
SELECT sync.protect('plaid.statements');
