package app

import (
	"context"
	"io"

	"github.com/countinghouse/countinghouse/shared/store"
)

// afterRestore is what jobs/migrate does besides, once, with a database that was restored from a backup.
type afterRestore struct{ restored, secretsLost bool }

func (a afterRestore) do(ctx context.Context, s *store.Store, out io.Writer) error {
	if !a.restored {
		return nil
	}
	// First, because connections that have no token are not tried again.
	if a.secretsLost {
		n, err := s.SecretsLost(ctx)
		if err != nil {
			return err
		}
		say(out, "%d connections have lost their tokens: each asks for a new login when it is next tried", n)
	}
	n, err := s.Restored(ctx)
	if err != nil {
		return err
	}
	say(out, "restored: %d connections are due, and new ones get numbers that none has had", n.Due)
	for _, rest := range []struct {
		n       int64
		becomes string
	}{
		{n.Logins, "need a new login, as they did before the backup: send links (jobs/link)"},
		{n.Connecting, "were being connected when the backup was made: begin again; jobs/daily clears away what is left of them"},
		{n.Leaving, "are of organisations that were being erased: run jobs/erase for those again"},
	} {
		if rest.n > 0 {
			say(out, "%d connections %s", rest.n, rest.becomes)
		}
	}
	return nil
}
