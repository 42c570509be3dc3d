package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
	"github.com/countinghouse/countinghouse/shared/sync/watch"
)

// WatchConfig is when a connection counts as behind.
type WatchConfig struct {
	Behind time.Duration `env:"WATCH_BEHIND" envDefault:"15m" help:"how long after it was due a connection is behind: longer than the longest interval of an organisation's ticks, and than SYNC_LIMIT"`
}

// Validate implements config.Validator.
func (c WatchConfig) Validate() error {
	if c.Behind < time.Minute || c.Behind > 7*24*time.Hour {
		return errors.New("WATCH_BEHIND: want 1m to 168h")
	}
	return nil
}

// watchConfig is what functions/watch needs: it asks the database, and nobody else.
type watchConfig struct {
	Log      logging.Options
	Database store.Config
	Budget   BudgetConfig
	Watch    WatchConfig
}

// Watch is the function that tells those on call what is wrong.
var Watch = functionOf(newWatch)

func newWatch(ctx context.Context, cfg watchConfig, log *slog.Logger) (http.Handler, func(context.Context) error, error) {
	j := &joint{log: log}
	if j.log == nil {
		j.log = logging.New(os.Stderr, cfg.Log)
	}
	var err error
	if j.store, err = openStore(ctx, cfg.Database, &j.ends); err != nil {
		return nil, nil, errors.Join(err, j.ends.close(context.WithoutCancel(ctx)))
	}
	w := watcher{&watch.Watch{Store: j.store, Behind: cfg.Watch.Behind, Jobs: scheduled, Log: j.log, Name: named, Budgets: func(ctx context.Context) ([]watch.Budget, error) {
		return monthOf(ctx, j.store, schedule.Budget{Calls: cfg.Budget.QuickBooks, Of: "QuickBooks"})
	}}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", w.push)
	return ready{mux, j}, j.ends.close, nil
}

// Jobs that a schedule starts, as sync.job_runs and Cloud Scheduler call them.
const (
	dailyJob         = "daily"
	reconcileJob     = "reconcile"
	reconcileFullJob = "reconcile-full"
)

// scheduled says how long after its last good end a job is missed. The daily one, which takes half an hour
// at ten thousand connections, has two to spare. Of the others two in a row have to be missing; and since
// it is counted from end to end, the next may take the day longer that Cloud Run gives it.
var scheduled = map[string]time.Duration{
	dailyJob:         26 * time.Hour,
	reconcileJob:     (2*7 + 1) * 24 * time.Hour,
	reconcileFullJob: (2*31 + 1) * 24 * time.Hour,
}

// watcher answers the scheduler.
type watcher struct{ *watch.Watch }

// lookLimit keeps a look that the database does not answer below the minutes between two.
const lookLimit = time.Minute

func (w watcher) push(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), lookLimit)
	defer cancel()
	if err := w.Look(ctx); err != nil {
		w.Log.ErrorContext(ctx, "connections not looked at", "event", "watch_failed", "kind", string(fault.Of(err)), "err", err.Error())
		again(rw, err)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// named returns a context whose log lines carry the labels org and provider.
func named(ctx context.Context, c org.Connection) context.Context {
	if c.Org != "" {
		ctx = logging.With(ctx, "org", string(c.Org))
	}
	return logging.With(ctx, "provider", string(c.Provider))
}

// monthOf returns how the month's calls stand, as each sync sees it. Of the providers QuickBooks alone
// counts calls against a month.
func monthOf(ctx context.Context, s schedule.Store, calls schedule.Budget) ([]watch.Budget, error) {
	u, err := s.Usage(ctx, quickbooks.Provider)
	if err != nil {
		return nil, err
	}
	a := schedule.Allow(u, calls, u.Now)
	return []watch.Budget{{
		Provider: quickbooks.Provider, Used: u.Month, Forecast: schedule.Forecast(u, u.Now), Limit: calls.Calls,
		Waits: a.Reason, Closed: a.Floor >= engine.Nothing,
	}}, nil
}
