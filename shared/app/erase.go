package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/platform/version"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

const eraseUsage = `Usage: erase -org onpoint -confirm onpoint [-keep-logins]

Erases an organisation for good: ends its logins at the providers, deletes its secrets, all its rows, the
login that reads them, and itself. Nobody else's are touched. What stays is a line in sync.erasures, which
names nobody. To keep its data, run export first.

From its first moment on nothing is connected or synced for the organisation any more. A sync that is at
work is waited for. Stopped or killed, it goes on where it was when it is started again. A provider that
does not end a login keeps all else from being done: then the status is 1, and the next start goes on.
`

// eraseConfig is what jobs/erase needs.
type eraseConfig struct {
	Log        logging.Options
	Database   store.Config
	Secrets    vault.Config
	Sync       SyncConfig
	QuickBooks QuickBooksConfig
	Plaid      PlaidConfig
}

// Erase is the job that erases an organisation: see tenant.Eraser. It signs in to the database as its
// owner: views are rebuilt, and a login is dropped.
var Erase = jobOf(func(ctx context.Context, c call, load func() (eraseConfig, error)) error {
	o, err := eraseArgs(c)
	if err != nil {
		return err
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	return erase(ctx, cfg, o, logging.New(os.Stderr, cfg.Log), c.out)
})

// eraseOptions are what jobs/erase is asked for.
type eraseOptions struct {
	org        org.Slug
	keepLogins bool
}

func eraseArgs(c call) (o eraseOptions, err error) {
	f := flag.NewFlagSet("erase", flag.ContinueOnError)
	slug := f.String("org", "", "the organisation's slug, such as onpoint")
	confirm := f.String("confirm", "", "the same slug once more")
	f.BoolVar(&o.keepLogins, "keep-logins", false, "ask no provider: logins that are still open there stay open, until somebody ends them by hand.\n"+
		"For a provider that refuses for ever, and after a restore, when the tokens are gone. Secrets are deleted all the same")
	if err := tenantArgs(f, eraseUsage, c); err != nil {
		return o, err
	}
	if o.org, err = org.ParseSlug(*slug); err != nil {
		return o, fmt.Errorf("-org: %w", err)
	}
	if *confirm != *slug {
		return o, wrong("this erases all that is kept of %s, for good: if that is meant, add -confirm %s", *slug, *slug)
	}
	return o, nil
}

// erasePoll is how often a sync that is at work is looked at.
const erasePoll = time.Second

func erase(ctx context.Context, cfg eraseConfig, o eraseOptions, log *slog.Logger, out io.Writer) error {
	var ends closers
	defer ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // what counts is done
	s, err := openCurrent(ctx, cfg.Database, &ends)
	if err != nil {
		return err
	}
	secrets, err := vault.OpenSecretManager(ctx, cfg.Secrets)
	if err != nil {
		return err
	}
	ends.add(func(context.Context) error { return secrets.Close() })
	enders, err := newEnders(cfg, s, secrets, log)
	if err != nil {
		return err
	}
	e := tenant.Eraser{
		Tenants: s, Secrets: tenantSecrets{secrets}, Enders: enders, Version: version.String(), Holder: holder("erase"), Log: log,
		Patience: cfg.Sync.Limit + cfg.Sync.Lease + time.Minute, Poll: erasePoll, KeepLogins: o.keepLogins,
	}
	x, kept, err := e.Erase(ctx, o.org)
	for _, left := range kept {
		say(out, "%s", left)
	}
	if err == nil {
		tellErased(out, o.org, x)
	}
	return err
}

// tellErased says what is done, and what is not in this program's hands.
func tellErased(out io.Writer, slug org.Slug, x tenant.Erasure) {
	say(out, "%s was erased on %s: %d rows, %d connections, %d secrets; %d logins ended at the providers, %d left there", slug,
		x.Ended.UTC().Format("2006-01-02 15:04:05 MST"), x.Rows, x.Connections, x.Secrets, x.LoginsEnded, x.LoginsKept)
	if x.ReaderKept {
		say(out, "The login %s stays on this server, without a way into this database: another database, or a right given by hand, hangs on it", store.ReaderRole(slug))
	}
	say(out, "Take %s out of ORGANISATIONS, CUSTOM_FIELD_COLUMNS and the schedule: else jobs/migrate makes it again, empty, and its ticks are noted in sync.rejected_messages, for 30 days; started once more, this drops them", slug)
	say(out, "Webhooks that still come for its accounts lie in sync.notices for 30 days, as those of unknown ones: while logins are left at the providers they go on coming")
	say(out, "Backups and the log for point-in-time recovery have its rows until they expire, and so have logs and exported files. After a restore from before, run this again, with -keep-logins: its tokens are gone")
}

// newEnders returns who ends logins, by provider.
func newEnders(cfg eraseConfig, s *store.Store, secrets *vault.SecretManager, log *slog.Logger) (map[org.Provider]tenant.Ender, error) {
	books, err := newQuickBooks(cfg.QuickBooks, cfg.Sync, s, secrets, nil, log, time.Now)
	if err != nil {
		return nil, err
	}
	enders := map[org.Provider]tenant.Ender{quickbooks.Provider: booksEnder{quickBooksConnect{quickBooks: books}, secrets}}
	banks, err := newBanks(cfg.Plaid, cfg.Sync, s, secrets, log, time.Now)
	if err != nil {
		return nil, err
	}
	if banks != nil { // with the client that waits for limits: nobody sits there
		enders[plaid.Provider] = bankEnder{plaidConnect{banks, banks.client, PlaidLinkConfig{}, s}, secrets}
	}
	return enders, nil
}

// booksEnder ends consents to read books.
type booksEnder struct {
	quickBooksConnect
	secrets *vault.SecretManager
}

// Revoke implements tenant.Ender.
func (b booksEnder) Revoke(ctx context.Context, c org.Connection, l org.Lease) error {
	if err := newestEnabled(ctx, b.secrets, c); err != nil {
		return err
	}
	return b.end(ctx, c, l)
}

// RevokeOrphan implements tenant.Ender.
func (b booksEnder) RevokeOrphan(ctx context.Context, c org.Connection) error {
	t, err := orphan(ctx, b.vault, b.secrets, c)
	if err != nil {
		return err
	}
	if t.Account != "" {
		c.Account = t.Account
	}
	if c.Account == "" {
		return fault.New(fault.Invalid, "the secret does not tell which company its token opens, and another connection may read that company by now")
	}
	// Whichever of an app's tokens Intuit is asked with, all that the app may do in the company ends.
	switch used, token, err := b.db.AccountInUse(ctx, c.Provider, c.Account); {
	case err != nil:
		return err
	case token:
		return tenant.ErrInUse
	case used:
		return fault.New(fault.Conflict, "another connection is about to get this login, or waits for it: start erase again when that one is connected, or disconnected")
	}
	return b.revoke(ctx, t)
}

// bankEnder ends Items.
type bankEnder struct {
	plaidConnect
	secrets *vault.SecretManager
}

// Revoke implements tenant.Ender.
func (b bankEnder) Revoke(ctx context.Context, c org.Connection, l org.Lease) error {
	if err := newestEnabled(ctx, b.secrets, c); err != nil {
		return err
	}
	return b.end(ctx, c, l)
}

// RevokeOrphan implements tenant.Ender.
func (b bankEnder) RevokeOrphan(ctx context.Context, c org.Connection) error {
	t, err := orphan(ctx, b.vault, b.secrets, c)
	if err != nil {
		return err
	}
	return b.remove(ctx, c.Account, t)
}

// newestEnabled refuses where somebody has disabled the newest token, which may be the only one that ends the
// login: it can be enabled again, and what is erased cannot.
func newestEnabled(ctx context.Context, secrets *vault.SecretManager, c org.Connection) error {
	name := vault.SecretName(c)
	disabled, err := secrets.Disabled(ctx, name)
	var newer []int64
	if err == nil && len(disabled) > 0 {
		newer, err = secrets.Above(ctx, name, disabled[0])
	}
	switch {
	case err != nil:
		return unreadable(err)
	case len(disabled) == 0 || len(newer) > 0:
		return nil
	}
	return fault.New(fault.Invalid, fmt.Sprintf("the newest version of the secret %s is disabled: enable it (gcloud secrets versions enable %d --secret=%s)", name, disabled[0], name))
}

// orphan returns the token of a connection that the database does not know any more, or knows nothing of.
func orphan(ctx context.Context, v *vault.Vault, secrets *vault.SecretManager, c org.Connection) (vault.Token, error) {
	if err := newestEnabled(ctx, secrets, c); err != nil {
		return vault.Token{}, err
	}
	t, err := v.Newest(ctx, c)
	switch {
	case errors.Is(err, vault.ErrNoToken):
		return t, tenant.ErrNoToken
	case fault.Is(err, fault.Invalid): // it is not one that was written here, and stays so
		return t, err
	case err != nil:
		return t, unreadable(err)
	}
	return t, nil
}

// tenantSecrets are an organisation's secrets.
type tenantSecrets struct{ *vault.SecretManager }

// Of implements tenant.Secrets. The list may be some minutes old: what is known by name is named too.
func (t tenantSecrets) Of(ctx context.Context, slug org.Slug, all []org.Connection) ([]string, error) {
	listed, err := t.Names(ctx, vault.SecretPrefix+string(slug)+"-")
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(listed, func(name string) bool {
		owner, ok := vault.SecretOwner(name)
		return !ok || owner.Org != slug
	})
	for _, c := range all {
		if name := vault.SecretName(c); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Login implements tenant.Secrets.
func (t tenantSecrets) Login(ctx context.Context, name string) (c org.Connection, there bool, err error) {
	c, _ = vault.SecretOwner(name)
	usable, err := t.Above(ctx, name, 0)
	if err != nil || len(usable) > 0 {
		return c, err == nil, err
	}
	disabled, err := t.Disabled(ctx, name) // somebody may have been careful
	return c, len(disabled) > 0, err
}
