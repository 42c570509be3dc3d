-- When the jobs that a schedule starts have last ended well: of one that is never started nobody else would hear.

-- +goose Up
CREATE TABLE sync.job_runs (
	job text COLLATE "C" PRIMARY KEY,
	ended_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE sync.job_runs IS 'Of each job that a schedule starts: when it last did all that it is for. functions/watch tells of those for which that is too long ago.';
COMMENT ON COLUMN sync.job_runs.job IS 'As Cloud Scheduler calls it: reconcile with -full is reconcile-full.';
COMMENT ON COLUMN sync.job_runs.ended_at IS 'Where it has never ended well: since when it is waited for.';

-- Waited for from now on.
INSERT INTO sync.job_runs (job) VALUES ('daily'), ('reconcile'), ('reconcile-full');

REVOKE ALL ON sync.job_runs FROM PUBLIC;
