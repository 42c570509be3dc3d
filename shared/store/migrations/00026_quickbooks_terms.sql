-- +goose Up
CREATE TABLE quickbooks.terms (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	sync_token text,
	meta_data_create_time timestamptz,
	meta_data_last_updated_time timestamptz,
	name text,
	active boolean,
	type text,
	due_days bigint,
	discount_days bigint,
	discount_percent numeric,
	day_of_month_due bigint,
	due_next_month_days bigint,
	discount_day_of_month bigint,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON COLUMN quickbooks.terms.id IS 'unique among the company''s objects of this kind; text, up to 21 digits';
COMMENT ON COLUMN quickbooks.terms.sync_token IS 'moves when a person edits the object, not when a balance follows from elsewhere';
COMMENT ON COLUMN quickbooks.terms.meta_data_last_updated_time IS 'whole seconds; guards against older data';
COMMENT ON COLUMN quickbooks.terms.type IS 'STANDARD: due so many days after the transaction; DATE_DRIVEN: due on a day of the month';
COMMENT ON COLUMN quickbooks.terms.due_next_month_days IS 'due a month later when the transaction is closer than these days to the due day';
SELECT sync.pack('quickbooks.terms');
SELECT sync.protect('quickbooks.terms');
