-- +goose Up
CREATE TABLE plaid.items (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	institution_id text,
	institution_name text,
	webhook text,
	auth_method text,
	update_type text,
	created_at timestamptz,
	consent_expiration_time timestamptz,
	products jsonb,
	billed_products jsonb,
	available_products jsonb,
	consented_products jsonb,
	consented_use_cases jsonb,
	consented_data_scopes jsonb,
	error_type text,
	error_code text,
	error_code_reason text,
	error_message text,
	error_display_message text,
	error_suggested_action text,
	error_documentation_url text,
	error_request_id text,
	error_status bigint,
	error_causes jsonb,
	error_required_account_subtypes jsonb,
	error_provided_account_subtypes jsonb,
	status_transactions_last_successful_update timestamptz,
	status_transactions_last_failed_update timestamptz,
	status_investments_last_successful_update timestamptz,
	status_investments_last_failed_update timestamptz,
	status_last_webhook_sent_at timestamptz,
	status_last_webhook_code_sent text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.items IS 'one row a connection: the login at the bank, and how it is doing. the provider''s feed of changes leaves these out: they are read again every 6 hours';
COMMENT ON COLUMN plaid.items.institution_id IS 'refers to institutions';
COMMENT ON COLUMN plaid.items.webhook IS 'where Plaid sends this Item''s webhooks';
COMMENT ON COLUMN plaid.items.update_type IS 'background, or user_present_required: nothing new comes without the customer';
COMMENT ON COLUMN plaid.items.consent_expiration_time IS 'the customer must renew the consent before; null: it does not end';
COMMENT ON COLUMN plaid.items.products IS 'what the Item has; a list of names, as are the lists beside it';
COMMENT ON COLUMN plaid.items.billed_products IS 'what Plaid bills for';
COMMENT ON COLUMN plaid.items.error_code IS 'such as ITEM_LOGIN_REQUIRED; null, like all that begins with error: the login works';
COMMENT ON COLUMN plaid.items.status_transactions_last_successful_update IS 'when Plaid last had transactions from the bank, which is not when they were copied';
COMMENT ON COLUMN plaid.items.status_investments_last_successful_update IS 'when Plaid last had investments from the bank';
SELECT sync.pack('plaid.items');
SELECT sync.protect('plaid.items');
