-- What the digest of a slug hides, and what it does not.

-- +goose Up
COMMENT ON TABLE sync.erasures IS 'That an organisation was erased, when, and how much.';
COMMENT ON COLUMN sync.erasures.org_digest IS
	'SHA-256 of its slug, without salt: whoever guesses a slug can see whether it was erased. It keeps names out of sight, and out of the reach of nobody who tries them.';
