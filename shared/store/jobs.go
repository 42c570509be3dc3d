package store

import "context"

// JobEnded notes that a job which a schedule starts has ended well at this moment.
func (s *Store) JobEnded(ctx context.Context, job string) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO sync.job_runs (job) VALUES ($1) ON CONFLICT (job) DO UPDATE SET ended_at = excluded.ended_at`, job)
	return failure("note that "+job+" has ended", err)
}
