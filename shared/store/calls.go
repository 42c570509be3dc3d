package store

import (
	"context"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Window allows at most N calls in any stretch of time of length Per.
type Window struct {
	N      int
	Per    time.Duration
	Margin time.Duration // lengthens the window on our side: calls may arrive closer together than they left
}

// MaxWindow is how many calls of a window are kept: two versions of a row then fit on one page. A
// window of more is taken apart into shorter ones, margin and all, which spreads them more evenly.
const MaxWindow = 490

const (
	// The next turn is the first instant at which every window has let its oldest call go. Turns come in
	// the order in which they were asked for, so recent is sorted: what no window counts any more is found
	// by halving, and an idle account's row keeps one instant.
	takeCall = `INSERT INTO sync.call_windows AS w (provider, account, recent, turn) VALUES ($1, $2, ARRAY[clock_timestamp()], clock_timestamp())
ON CONFLICT (provider, account) DO UPDATE SET (turn, taken, recent) = (
	SELECT turn.at, turn.at <= clock_timestamp() + $7::interval, CASE WHEN turn.at <= clock_timestamp() + $7::interval
		THEN array_append(w.recent[greatest(width_bucket(turn.at - $5::interval, w.recent), cardinality(w.recent) - $6::integer + 1) + 1:], turn.at)
		ELSE w.recent END
	FROM (SELECT greatest(clock_timestamp(), w.held_until, w.recent[cardinality(w.recent)], (
		SELECT max(w.recent[cardinality(w.recent) - x.n + 1] + x.per) FROM unnest($3::integer[], $4::interval[]) AS x (n, per))) AS at) AS turn)
RETURNING turn - clock_timestamp(), greatest(held_until, clock_timestamp()) - clock_timestamp()`

	holdCalls = `INSERT INTO sync.call_windows AS w (provider, account, recent, held_until) VALUES ($1, $2, '{}', clock_timestamp() + $3)
ON CONFLICT (provider, account) DO UPDATE SET held_until = greatest(w.held_until, excluded.held_until)`
)

// TakeCall reserves the next turn for a call to an account, and returns how long to wait for it and
// how much of that is because of HoldCalls. However many processes ask, no window ever holds more
// turns than it allows. An account "" stands for all of the provider's together.
//
// A turn that would come after ctx's deadline is not taken: those who have no time for it must not
// keep it from others. One that was taken and is not used is lost. windows must be the same for all who ask.
func (s *Store) TakeCall(ctx context.Context, p org.Provider, account string, windows []Window) (wait, held time.Duration, err error) {
	counts, lengths := make([]int32, 0, len(windows)), make([]time.Duration, 0, len(windows))
	var most int32
	var longest time.Duration
	for _, w := range windows {
		if w.N <= 0 || w.Per <= 0 {
			continue
		}
		parts := (w.N + MaxWindow - 1) / MaxWindow
		n, per := int32(w.N/parts), (w.Per+w.Margin)/time.Duration(parts)+time.Microsecond
		counts, lengths = append(counts, n), append(lengths, per)
		most, longest = max(most, n), max(longest, per)
	}
	patience := maxPatience
	if ends, ok := ctx.Deadline(); ok {
		patience = min(time.Until(ends), maxPatience)
	}
	err = s.pool.QueryRow(ctx, takeCall, p, account, counts, lengths, longest, max(most, 1), patience).Scan(&wait, &held)
	return max(wait, 0), max(held, 0), failure("reserve a turn for a call in the database", err)
}

// maxPatience is how long a turn is waited for where there is no deadline.
const maxPatience = 24 * time.Hour

// HoldCalls lets no turn begin during the next d: the provider has had enough of the account's
// calls. Turns that were given out before stay good: what another process has in hand may still be called.
func (s *Store) HoldCalls(ctx context.Context, p org.Provider, account string, d time.Duration) error {
	_, err := s.pool.Exec(ctx, holdCalls, p, account, d)
	return failure("hold back calls in the database", err)
}

// CountCalls adds calls to a connection's usage of today that no run has made.
func (s *Store) CountCalls(ctx context.Context, id org.ConnectionID, u engine.Usage) error {
	if u == (engine.Usage{}) {
		return nil
	}
	_, err := s.pool.Exec(ctx, addUsage, id, u.Calls, u.Metered)
	return failure("count calls of connection "+id.String(), err)
}
