-- What organisations that were erased have cost the app on days that were not added up yet. Not in
-- sync.usage_days: a day that has a row there counts as added up.

-- +goose Up
CREATE TABLE sync.erased_usage (
	provider text COLLATE "C" NOT NULL,
	day date NOT NULL,
	metered_calls bigint NOT NULL,
	PRIMARY KEY (provider, day)
);
COMMENT ON TABLE sync.erased_usage IS 'Metered calls of erased organisations, all together, that are not in sync.usage_days.';
COMMENT ON COLUMN sync.erased_usage.day IS 'In UTC.';

REVOKE ALL ON sync.erased_usage FROM PUBLIC;
