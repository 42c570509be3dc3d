package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Tables returns the tables of all providers.
func Tables() []catalog.Table { return slices.Concat(quickbooks.Catalog(), plaid.Catalog()) }

// providers returns them all.
func providers() (all []org.Provider) {
	for _, t := range Tables() {
		if !slices.Contains(all, t.Provider) {
			all = append(all, t.Provider)
		}
	}
	return all
}

// jointConfig is what all functions need that work on connections.
type jointConfig struct {
	Log        logging.Options
	Database   store.Config
	Queue      queue.Config
	Secrets    vault.Config
	Topic      string `env:"SYNC_TOPIC,required" help:"Pub/Sub topic of the ticks"`
	Sync       SyncConfig
	Rhythm     RhythmConfig
	Budget     BudgetConfig
	QuickBooks QuickBooksConfig
	Plaid      PlaidConfig
}

// joint is what those functions share: one store, a vault and a set of call limits for each provider.
type joint struct {
	log        *slog.Logger
	now        func() time.Time
	store      *store.Store
	ticks      ticks
	quickBooks *quickBooks
	banks      *banks // nil: no Plaid app is set
	engine     *engine.Engine
	ends       closers
	current    atomic.Bool   // the schema has been seen to be there: see ready
	patience   time.Duration // how long whoever posts waits for an answer, from its arrival on; zero: as long as it takes
}

// newJoint builds what the settings describe. It makes no call.
func newJoint(ctx context.Context, log *slog.Logger, program string, cfg jointConfig) (_ *joint, err error) {
	j := &joint{log: log, now: time.Now}
	defer func() {
		if err != nil {
			j.ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // the first error counts
		}
	}()
	if j.log == nil {
		j.log = logging.New(os.Stderr, cfg.Log)
	}
	if j.store, err = openStore(ctx, cfg.Database, &j.ends); err != nil {
		return nil, err
	}
	publisher, err := queue.New(ctx, cfg.Queue)
	if err != nil {
		return nil, err
	}
	j.ends.add(func(context.Context) error { return publisher.Close() })
	j.ticks = ticks{publisher.Publisher(cfg.Topic)}
	secrets, err := vault.OpenSecretManager(ctx, cfg.Secrets)
	if err != nil {
		return nil, err
	}
	j.ends.add(func(context.Context) error { return secrets.Close() })
	calls := newBudget(j.store, cfg.Budget.QuickBooks, j.now)
	calls.rhythm.Base = cfg.Rhythm.Interval
	if j.quickBooks, err = newQuickBooks(cfg.QuickBooks, cfg.Sync, j.store, secrets, calls, j.log, j.now); err != nil {
		return nil, err
	}
	if j.banks, err = newBanks(cfg.Plaid, cfg.Sync, j.store, secrets, j.log, j.now); err != nil {
		return nil, err
	}
	j.engine = &engine.Engine{
		Store: j.store, Open: j.open, Log: j.log, Holder: holder(program), Lease: cfg.Sync.Lease, Budget: cfg.Sync.Limit,
		Collect: cfg.Sync.Collect, Allow: j.quickBooks.budget.Allow, Pace: j.quickBooks.budget.Pace, Soon: cfg.Rhythm.AfterWebhook,
	}
	return j, nil
}

// open implements engine.Open for all providers.
func (j *joint) open(ctx context.Context, c org.Connection, l org.Lease) (engine.Source, error) {
	switch {
	case c.Provider == quickbooks.Provider:
		return j.quickBooks.open(ctx, c, l)
	case c.Provider == plaid.Provider && j.banks != nil:
		return j.banks.open(ctx, c, l)
	case c.Provider == plaid.Provider:
		return nil, fault.New(fault.Forbidden, "this program has no Plaid app: set PLAID_CLIENT_ID and PLAID_SECRET")
	default:
		return nil, fault.New(fault.Invalid, "this program does not know the provider "+string(c.Provider))
	}
}

// ticks publishes ticks.
type ticks struct{ to *queue.Publisher }

// Tick asks for a sync.
func (t ticks) Tick(ctx context.Context, tick org.Tick) error {
	_, err := t.to.Publish(ctx, tick.Attributes(), nil)
	return err
}

// ready is a handler that is ready when its database is.
//
// The other worlds have no say in that. Whether Pub/Sub, Secret Manager or a provider answers is met
// call by call: what was received is kept, what cannot be done now is answered by 503 and comes again.
// A foreign outage that made all instances unready would take away what can still be done meanwhile,
// webhooks that are to be recorded first of all, and no instance elsewhere would do better.
//
// The database is what nothing goes without, and its schema belongs to it: code that was deployed
// before its migration could take a refusal of the old tables for a fault of the data, and drop it. So
// until the schema has been seen to be there every request is answered by 503, and comes again.
type ready struct {
	http.Handler
	*joint
}

// Ready is asked by GET /readyz: the database answers, and has all migrations that this program needs.
// Newer ones do not matter. Why not stands in the log: the answer is public.
func (r ready) Ready(ctx context.Context) error { return r.store.Current(ctx) }

// ServeHTTP implements http.Handler.
func (r ready) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if r.patience > 0 && q.Method == http.MethodPost {
		ctx, cancel := context.WithTimeout(q.Context(), r.patience)
		defer cancel()
		q = q.WithContext(ctx)
	}
	if err := r.outdated(q.Context()); err != nil {
		r.log.ErrorContext(q.Context(), "the database is too old for this program", "event", "old_schema", "err", err.Error())
		again(w, err)
		return
	}
	r.Handler.ServeHTTP(w, q)
}

// outdated returns an error when it is certain that the schema is too old. It asks once: migrations do
// not go away. A database that cannot be asked is left to the handler, which says so in its own words.
func (r ready) outdated(ctx context.Context) error {
	if r.current.Load() {
		return nil
	}
	limit := schemaLimit
	if until, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(until)/4) // most of the time is the handler's
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := r.store.Current(ctx)
	if errors.Is(err, store.ErrOldSchema) {
		return err
	}
	if err == nil {
		r.current.Store(true)
	}
	return nil
}

// schemaLimit is how long a request waits at most for the answer which schema the database has.
const schemaLimit = 2 * time.Second
