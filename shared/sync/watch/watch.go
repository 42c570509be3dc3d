// Package watch tells those on call what is wrong: a structured log line for each connection that is
// behind, that needs a login or that has dead letters, one for each job that has not ended for too long,
// one for each provider's calls of the month, and a last one that says that somebody has looked. Alerts are built on these lines, and on the absence of the last.
//
// It goes by what the database says alone, so it finds out whatever has died: the schedule, the
// messages, or the programs that answer them. It keeps nothing between two looks.
package watch

import (
	"context"
	"log/slog"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Most is how many lines of a kind one look tells. One more line counts the others. Half of them are for
// those that have waited longest, the other half for those that began last: what is new is told, also
// while more than Most stay as they are.
const Most = 100

// Budget is how a provider's calls of the month stand.
type Budget struct {
	Provider org.Provider
	Used     int    // metered calls so far
	Forecast int    // what they will have come to when the month ends
	Limit    int    // 0: as many as there are
	Waits    string // what waits for calls, in words; empty: nothing
	Closed   bool   // nothing is read at all
}

// Watch looks at all connections.
type Watch struct {
	Store   Store
	Budgets func(context.Context) ([]Budget, error)
	Behind  time.Duration            // how long after it was due a connection is behind
	Jobs    map[string]time.Duration // those that a schedule starts, and how long after their last good end they are missed
	Log     *slog.Logger
	// Name returns a context whose lines carry the connection's organisation and provider.
	Name func(context.Context, org.Connection) context.Context
}

// Look tells what is wrong now, a line each. Those about one connection carry its organisation and provider.
//
//	stale             WARNING  it is behind: connection, since, minutes, cause, reason
//	reconnect_needed  WARNING  only connecting again helps: connection, since, reason
//	paused            INFO     its provider has closed it for now: connection, since, reason
//	dead_letters      WARNING  records that could not be stored: connection, open, since
//	more              WARNING  there are more than 100 of a kind: of, count
//	job_missed        WARNING  a job has not ended well for too long: job, since
//	budget            INFO     used, forecast, limit, percent, reason; WARNING from 80, ERROR from 95 percent
//	watch             INFO     the look is over: connections, stale, reconnect, paused, dead_letters, took
//
// The error is that of the database: then the last line is missing.
func (w *Watch) Look(ctx context.Context) error {
	began := time.Now()
	budgets, err := w.Budgets(ctx)
	if err != nil {
		return err
	}
	q := Question{Behind: w.Behind, Most: Most}
	for _, b := range budgets {
		if b.Closed {
			q.Waiting = append(q.Waiting, b.Provider)
		}
	}
	s, err := w.Store.Standings(ctx, q)
	if err != nil {
		return err
	}
	w.connections(ctx, &s)
	w.jobs(ctx, &s)
	for _, b := range budgets {
		w.budget(ctx, b)
	}
	w.Log.InfoContext(ctx, "all connections were looked at", "event", "watch", "connections", s.Connections, "stale", s.AllLate,
		"reconnect", s.AllNeed, "paused", s.AllPaused, "dead_letters", s.OpenLetters, "took", time.Since(began))
	return nil
}

// connections tells what is wrong with single ones.
func (w *Watch) connections(ctx context.Context, s *Standings) {
	for i := range s.Late {
		l := &s.Late[i]
		cause, since, reason := l.why(s.Now)
		w.tell(ctx, slog.LevelWarn, l.Connection, "a connection is behind", "stale", since,
			slog.Int("minutes", int(s.Now.Sub(since)/time.Minute)), slog.String("cause", cause), slog.String("reason", reason))
	}
	w.more(ctx, "stale", s.AllLate-len(s.Late))
	for _, c := range s.NeedLogin {
		w.tell(ctx, slog.LevelWarn, c.Connection, "a connection has to be connected again", "reconnect_needed", c.Since, slog.String("reason", c.Reason))
	}
	w.more(ctx, "reconnect_needed", s.AllNeed-len(s.NeedLogin))
	for _, c := range s.Paused {
		w.tell(ctx, slog.LevelInfo, c.Connection, "a connection is closed for now", "paused", c.Since, slog.String("reason", c.Reason))
	}
	for _, l := range s.Letters {
		w.tell(ctx, slog.LevelWarn, l.Connection, "records could not be stored", "dead_letters", l.Since, slog.Int("open", l.Open))
	}
	w.more(ctx, "dead_letters", s.AllLetters-len(s.Letters))
}

// tell writes a line about a connection.
func (w *Watch) tell(ctx context.Context, level slog.Level, c org.Connection, what, event string, since time.Time, more ...slog.Attr) {
	attrs := []slog.Attr{slog.String("event", event), slog.Int64("connection", int64(c.ID))}
	if !since.IsZero() {
		attrs = append(attrs, slog.Time("since", since.UTC().Truncate(time.Second)))
	}
	w.Log.LogAttrs(w.Name(ctx, c), level, what, append(attrs, more...)...)
}

// more counts what has no line of its own.
func (w *Watch) more(ctx context.Context, of string, count int) {
	if count > 0 {
		w.Log.WarnContext(ctx, "there are more of these", "event", "more", "of", of, "count", count)
	}
}

// jobs tells which have not ended well for too long: they fail, or nobody starts them.
func (w *Watch) jobs(ctx context.Context, s *Standings) {
	for _, j := range s.Jobs {
		if limit, known := w.Jobs[j.Name]; known && s.Now.Sub(j.Ended) > limit {
			w.Log.WarnContext(ctx, "a job has not ended well for too long", "event", "job_missed", "job", j.Name, "since", j.Ended.UTC().Truncate(time.Second))
		}
	}
}

// budget tells how the calls of a provider stand.
func (w *Watch) budget(ctx context.Context, b Budget) {
	percent, level := 0, slog.LevelInfo
	if b.Limit > 0 {
		percent = int(int64(b.Forecast) * 100 / int64(b.Limit))
	}
	switch {
	case percent >= 95 || b.Closed:
		level = slog.LevelError
	case percent >= 80:
		level = slog.LevelWarn
	}
	w.Log.LogAttrs(w.Name(ctx, org.Connection{Provider: b.Provider}), level, "calls of the month", slog.String("event", "budget"), slog.Int("used", b.Used),
		slog.Int("forecast", b.Forecast), slog.Int("limit", b.Limit), slog.Int("percent", percent), slog.String("reason", b.Waits))
}
