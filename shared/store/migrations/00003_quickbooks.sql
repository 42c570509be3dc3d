-- +goose Up
CREATE SCHEMA quickbooks;
GRANT USAGE ON SCHEMA quickbooks TO countinghouse_reader;
COMMENT ON SCHEMA quickbooks IS 'QuickBooks Online, object by object.';
