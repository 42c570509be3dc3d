-- +goose Up
CREATE TABLE plaid.student_loans (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_number text,
	loan_name text,
	guarantor text,
	sequence_number text,
	payment_reference_number text,
	interest_rate_percentage numeric,
	is_overdue boolean,
	last_payment_date date,
	last_payment_amount numeric,
	last_statement_issue_date date,
	last_statement_balance numeric,
	minimum_payment_amount numeric,
	next_payment_due_date date,
	origination_date date,
	origination_principal_amount numeric,
	outstanding_interest_amount numeric,
	ytd_interest_paid numeric,
	ytd_principal_paid numeric,
	expected_payoff_date date,
	disbursement_dates jsonb,
	loan_status_type text,
	loan_status_end_date date,
	repayment_plan_type text,
	repayment_plan_description text,
	pslf_status_estimated_eligibility_date date,
	pslf_status_payments_made bigint,
	pslf_status_payments_remaining bigint,
	servicer_address_street text,
	servicer_address_city text,
	servicer_address_region text,
	servicer_address_postal_code text,
	servicer_address_country text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.student_loans IS 'the provider''s feed of changes leaves these out: they are read again every 12 hours. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.student_loans.id IS 'refers to accounts';
COMMENT ON COLUMN plaid.student_loans.account_number IS 'may be masked';
COMMENT ON COLUMN plaid.student_loans.interest_rate_percentage IS 'a year: 5.25 is 5.25 %';
COMMENT ON COLUMN plaid.student_loans.minimum_payment_amount IS 'some servicers have one minimum for all loans under an account number and show it on each';
COMMENT ON COLUMN plaid.student_loans.next_payment_due_date IS 'null: no payment is expected, as in deferment';
COMMENT ON COLUMN plaid.student_loans.outstanding_interest_amount IS 'null at Sallie Mae, where the account''s balance has it';
COMMENT ON COLUMN plaid.student_loans.ytd_interest_paid IS 'in this year so far, as is the principal';
COMMENT ON COLUMN plaid.student_loans.disbursement_dates IS 'a list of dates';
COMMENT ON COLUMN plaid.student_loans.pslf_status_payments_made IS 'deprecated, as all of pslf_status';
COMMENT ON COLUMN plaid.student_loans.servicer_address_street IS 'where payments go';
SELECT sync.pack('plaid.student_loans');
SELECT sync.protect('plaid.student_loans');
