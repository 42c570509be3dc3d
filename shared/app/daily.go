package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

const dailyUsage = `Usage: daily

Does, for all organisations, what has to be done once a day: drops bookkeeping that nobody looks at any
more, ends what attempts to connect and disconnected connections have left at the providers, destroys
versions of secrets that hold replaced tokens, and tells of tokens that still wait for Secret Manager and of
secrets that no connection has. It takes no arguments. It may be stopped or killed anywhere and started again.

The status is 0 when all was done; else 1, with words. What fails does not keep the rest from being done.
`

// Daily is the job that keeps house. Its error names what could not be done.
var Daily = jobOf(daily)

func daily(ctx context.Context, c call, load func() (jointConfig, error)) error {
	if err := noArguments("daily", dailyUsage, c.args, c.words); err != nil {
		return err
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	j, err := newJob(ctx, func() (jointConfig, error) { return cfg, nil }, nil, "daily", jobOptions{})
	if err != nil {
		return err
	}
	defer j.ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // what counts is done
	secrets, err := vault.OpenSecretManager(ctx, cfg.Secrets)
	if err != nil {
		return err
	}
	j.ends.add(func(context.Context) error { return secrets.Close() })
	return j.daily(ctx, secrets)
}

// noArguments refuses arguments. flag.ErrHelp when they ask for help.
func noArguments(name, usage string, args []string, words io.Writer) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(words)
	flags.Usage = func() { say(words, "%s", usage) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return wrong("%q: it takes no arguments", flags.Arg(0))
	}
	return nil
}

// daily does each part for itself, and tells in one line what was done. What has a token is ended before old
// rows are dropped: one may have a token of which the database does not know.
func (j *job) daily(ctx context.Context, secrets vault.Shelf) error {
	began := time.Now()
	tried, errClear := j.clear(ctx)
	swept, errSweep := j.sweep(ctx, secrets)
	left, errLeft := j.clearLeft(ctx, swept.Leftovers)
	dropped, errPrune := j.store.Prune(ctx)
	if errPrune != nil {
		errPrune = fmt.Errorf("old bookkeeping: %w", errPrune)
	}
	err := errors.Join(errClear, errSweep, errLeft, errPrune)
	if err == nil {
		err = j.store.JobEnded(ctx, dailyJob)
	}
	outcome := "done"
	if err != nil {
		outcome = "not done"
	}
	j.log.LogAttrs(ctx, slog.LevelInfo, "the day's work ended", slog.String("event", "daily"), slog.String("outcome", outcome),
		slog.Int("rows_dropped", dropped), slog.Int("attempts_ended", tried), slog.Int("leftovers_tried", left), slog.Int("secrets", swept.Looked), slog.Int("versions_destroyed", swept.Destroyed),
		slog.Int("parked", len(swept.Parked)), slog.Int("orphaned", len(swept.Orphans)), slog.Duration("took", time.Since(began).Round(time.Millisecond)))
	return err
}

// clearLimit keeps a provider that is out from holding the job up. Those it leaves come first next time.
const clearLimit = 5 * time.Minute

// clear ends what attempts to connect that died half-way have left at the providers. It returns how many
// it tried.
func (j *job) clear(ctx context.Context) (tried int, err error) {
	ctx, cancel := context.WithTimeout(ctx, clearLimit)
	defer cancel()
	var errs []error
	for name, ender := range j.enders() {
		n, err := connect.Clear(ctx, j.store, name, ender, holder("daily"), j.log)
		tried += n
		if err != nil {
			errs = append(errs, fmt.Errorf("attempts to connect, %s: %w", name, err))
		}
	}
	return tried, errors.Join(errs...)
}

// enders are who ends consents, by provider.
func (j *job) enders() map[org.Provider]connect.Revoker {
	all := map[org.Provider]connect.Revoker{quickbooks.Provider: quickBooksConnect{quickBooks: j.quickBooks}}
	if j.banks != nil {
		all[plaid.Provider] = newPlaidConnect(j.banks, PlaidLinkConfig{})
	}
	return all
}

// clearLeft ends what disconnected connections have left at the providers, and tells of what it must not or
// cannot end. It returns how many it tried. Each day takes them in another order, so that some which hang do not
// keep the others from their turn for ever.
func (j *job) clearLeft(ctx context.Context, left []vault.Kept) (tried int, err error) {
	ctx, cancel := context.WithTimeout(ctx, clearLimit)
	defer cancel()
	enders := j.enders()
	rand.Shuffle(len(left), func(a, b int) { left[a], left[b] = left[b], left[a] })
	var errs []error
	for _, k := range left {
		if ender := enders[k.Provider]; ender != nil && !k.Taken {
			ok, err := connect.ClearLeft(ctx, j.store, k.ID, ender, holder("daily"), j.log)
			if ok {
				tried++
			}
			errs = append(errs, err)
			continue
		}
		j.log.WarnContext(named(ctx, k.Connection), "this secret's connection is disconnected, and its token cannot be ended from here: see docs/operations.md",
			"event", "orphaned_secret", "name", vault.SecretName(k.Connection), "connection", int64(k.ID))
	}
	if err := errors.Join(errs...); err != nil {
		return tried, fmt.Errorf("tokens of disconnected connections: %w", err)
	}
	return tried, nil
}

// sweepRate is how many calls a second Secret Manager gets at most: half of what a project may make of
// one kind. Ten thousand connections take 34 minutes.
const sweepRate = 5

// sweep destroys what replaced tokens have left in Secret Manager, and tells what does not belong there.
func (j *job) sweep(ctx context.Context, secrets vault.Shelf) (vault.Swept, error) {
	pace := httpclient.NewLimiter(1, httpclient.Window{N: sweepRate, Per: time.Second})
	turn := func(ctx context.Context) error {
		release, err := pace.Wait(ctx)
		if err == nil {
			release()
		}
		return err
	}
	swept, err := vault.Sweep(ctx, secrets, j.store.Ledger().Tokens, turn)
	for _, k := range swept.Parked {
		j.log.WarnContext(named(ctx, k.Connection), "a token waits in the database: Secret Manager did not take it, the connection's next sync tries again",
			"event", "parked_token", "connection", int64(k.ID), "state", string(k.State))
	}
	for _, name := range swept.Orphans {
		j.log.WarnContext(ctx, "no connection has this secret, which holds a token: see docs/operations.md", "event", "orphaned_secret", "name", name)
	}
	if err != nil {
		err = fmt.Errorf("secrets: %w", err)
	}
	return swept, err
}
