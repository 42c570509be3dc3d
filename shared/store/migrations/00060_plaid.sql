-- +goose Up
CREATE SCHEMA plaid;
GRANT USAGE ON SCHEMA plaid TO countinghouse_reader;
COMMENT ON SCHEMA plaid IS 'Plaid, object by object: banks, their accounts and what moves on them.';
