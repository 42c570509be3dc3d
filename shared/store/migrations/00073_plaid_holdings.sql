-- +goose Up
CREATE TABLE plaid.holdings (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	account_id text,
	security_id text,
	quantity numeric,
	institution_price numeric,
	institution_price_as_of date,
	institution_price_datetime timestamptz,
	institution_value numeric,
	cost_basis numeric,
	vested_quantity numeric,
	vested_value numeric,
	iso_currency_code text,
	unofficial_currency_code text,
	raw jsonb NOT NULL,
	digest bytea NOT NULL,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, id)
);
COMMENT ON TABLE plaid.holdings IS 'what accounts hold now. the provider''s feed of changes leaves these out: they are read again every 12 hours. empty where the company does not have the feature';
COMMENT ON COLUMN plaid.holdings.id IS 'account_id and security_id, joined by |: Plaid has no id';
COMMENT ON COLUMN plaid.holdings.account_id IS 'refers to accounts';
COMMENT ON COLUMN plaid.holdings.security_id IS 'refers to securities';
COMMENT ON COLUMN plaid.holdings.quantity IS 'in units; of options the shares that they are for, not the contracts';
COMMENT ON COLUMN plaid.holdings.institution_price IS 'for one unit, by the bank';
COMMENT ON COLUMN plaid.holdings.institution_value IS 'of all of it, by the bank';
COMMENT ON COLUMN plaid.holdings.cost_basis IS 'what all of it has cost; null: the bank does not tell';
COMMENT ON COLUMN plaid.holdings.iso_currency_code IS 'ISO 4217; exactly one of this and the unofficial code is not null';
COMMENT ON COLUMN plaid.holdings.unofficial_currency_code IS 'of what has no ISO code: cryptocurrencies, miles, points';
CREATE INDEX holdings_security_id ON plaid.holdings (org_id, security_id);
SELECT sync.pack('plaid.holdings');
SELECT sync.protect('plaid.holdings');

CREATE TABLE plaid.holding_tax_lots (
	org_id text COLLATE "C" NOT NULL,
	connection_id bigint NOT NULL,
	holding_id text COLLATE "C" NOT NULL,
	position integer NOT NULL,
	parent_position integer,
	institution_lot_id text,
	original_purchase_datetime timestamptz,
	quantity numeric,
	purchase_price numeric,
	cost_basis numeric,
	current_value numeric,
	position_type text,
	deleted_at timestamptz,
	synced_at timestamptz NOT NULL,
	PRIMARY KEY (org_id, connection_id, holding_id, position)
);
COMMENT ON TABLE plaid.holding_tax_lots IS 'what was bought when; none where the bank does not tell';
COMMENT ON COLUMN plaid.holding_tax_lots.purchase_price IS 'for one unit';
COMMENT ON COLUMN plaid.holding_tax_lots.cost_basis IS 'of the whole lot, with fees';
COMMENT ON COLUMN plaid.holding_tax_lots.current_value IS 'of the whole lot';
COMMENT ON COLUMN plaid.holding_tax_lots.position_type IS 'LONG or SHORT';
SELECT sync.protect('plaid.holding_tax_lots');
