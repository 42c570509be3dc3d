package store

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

var _ webhook.Hastener = (*Store)(nil)

// A sweep that is due, or is within the 10 s by which a scheduled tick may come early, stays as it is:
// of many calls only the first has a tick sent. One that is under way may have looked already: another
// follows it.
const hasten = `WITH during AS (
	UPDATE sync.connections SET asked_at = statement_timestamp()
	WHERE provider = $1 AND account = $2 AND state IN ('active', 'paused') AND lease_until > statement_timestamp()
	AND next_sync_at <= statement_timestamp() + interval '10 s' AND asked_at IS DISTINCT FROM statement_timestamp()
), hastened AS (
	UPDATE sync.connections SET next_sync_at = greatest(last_swept_at + $3, statement_timestamp())
	WHERE provider = $1 AND account = $2 AND state IN ('active', 'paused')
	AND next_sync_at > greatest(last_swept_at + $3, statement_timestamp()) + interval '10 s'
	RETURNING id, org_id, provider, account, state, reason, next_sync_at
)
SELECT id, org_id AS org, provider, account, state, reason FROM hastened WHERE next_sync_at <= statement_timestamp()`

// Hasten makes the sweep of the account's connections that are synced due at the latest once rest has
// passed since the last one, whatever the pace. It returns those that have become due now by this call.
func (s *Store) Hasten(ctx context.Context, p org.Provider, account string, rest time.Duration) ([]org.Connection, error) {
	return s.connections(ctx, hasten, p, account, rest)
}
