package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Tenants is where organisations are kept. Whatever is done to one that leaves may be done again: a start
// that was killed at any place is gone on with by the next one.
type Tenants interface {
	// CheckErasable fails, in words that say what to do, where rows of organisations could not be deleted:
	// fault.Invalid. others are tables that are not this platform's and may hold copies of rows: nobody
	// here deletes these.
	CheckErasable(ctx context.Context) (others []string, err error)
	// Leave marks an organisation as leaving: from then on no link, tick or job begins anything for it.
	// One that was marked before stays so, and its erasure goes on. One that was erased is returned with
	// the end of its last erasure. fault.NotFound: there never was one of that slug.
	Leave(ctx context.Context, slug org.Slug, version string) (Erasure, error)
	// Logins returns the organisation's connections whose login at the provider may be open, all of them
	// leaving by then.
	Logins(ctx context.Context, slug org.Slug) ([]org.Connection, error)
	// HoldLogin takes a leaving connection's lease for ttl. ok is false while somebody is at work on it.
	// fault.NotFound: there is nothing left to be ended.
	HoldLogin(ctx context.Context, id org.ConnectionID, holder string, ttl time.Duration) (l org.Lease, ok bool, err error)
	// EndLogin notes that a login was ended, or left where it is, makes the connection disconnected and
	// gives the lease back. fault.Conflict: the lease has passed to another owner.
	EndLogin(ctx context.Context, erasure int64, l org.Lease, kept bool) error
	// Abandon gives a lease back and leaves its connection as it is.
	Abandon(ctx context.Context, l org.Lease) (noted bool, err error)
	// Connections returns the organisation's connections in every state.
	Connections(ctx context.Context, slug org.Slug) ([]org.Connection, error)
	// DealtWith returns the connections whose login this erasure has ended, or left where it is.
	DealtWith(ctx context.Context, erasure int64) ([]org.ConnectionID, error)
	// CountOrphan notes that a login of which only the secret tells was ended, or left where it is: once for
	// each connection.
	CountOrphan(ctx context.Context, erasure int64, id org.ConnectionID, kept bool) error
	// CountSecret notes that a secret was deleted.
	CountSecret(ctx context.Context, erasure int64) error
	// DropRows deletes all rows that are the organisation's, or about it, but its own and those of its
	// connections, in short transactions. told is called with each table that had some.
	DropRows(ctx context.Context, erasure int64, slug org.Slug, told func(table string, rows int64)) error
	// DropReader drops the login that reads the organisation's rows; kept says that it had to stay,
	// without a way into this database.
	DropReader(ctx context.Context, erasure int64, slug org.Slug) (kept bool, err error)
	// RebuildViews leaves out the columns that only this organisation had.
	RebuildViews(ctx context.Context) error
	// Forget deletes the organisation and its connections and ends the erasure, all at once.
	// fault.Conflict: somebody has written rows of it since DropRows.
	Forget(ctx context.Context, erasure int64, slug org.Slug) (Erasure, error)
}

// Ender ends logins at a provider. A token that the provider does not know any more is no error.
type Ender interface {
	// Revoke ends the login of a connection. ErrNoToken: there is nothing here to end it with.
	Revoke(ctx context.Context, c org.Connection, l org.Lease) error
	// RevokeOrphan ends the login of a connection of which only the secret is left; its account is empty where
	// the connection is gone. ErrInUse: it is that of a connection that stays.
	RevokeOrphan(ctx context.Context, c org.Connection) error
}

// ErrNoToken says that nobody here can end a login that may be open at its provider: its token was destroyed,
// or never arrived. It is compared with, never changed.
var ErrNoToken = errors.New("there is no token to end the login with")

// ErrInUse says that a login is that of another connection by now, which would end with it. It is compared with,
// never changed.
var ErrInUse = errors.New("another connection has this login by now")

// Left is a login that was left at its provider.
type Left struct {
	org.Connection        // its account is empty where only its secret was left here
	NoToken        bool   // nobody here could have ended it
	InUse          bool   // another connection has it by now
	Secret         string // that held its token; empty: that of a connection
}

// String says what is to be done about it.
func (l Left) String() string {
	what := fmt.Sprintf("%s %s (connection %s)", l.Provider, l.Account, l.ID)
	if l.Secret != "" {
		what = fmt.Sprintf("%s, the login of the secret %s", l.Provider, l.Secret)
	}
	if l.NoToken {
		return "may be left at the provider: " + what + ": there is no token to end it with: have the provider's support end it, or the customer, on the provider's own pages"
	}
	if l.InUse {
		return "left at the provider: " + what + ": another connection has it by now"
	}
	return "left at the provider: " + what + ": end it by hand there"
}

// Secrets are where tokens are kept.
type Secrets interface {
	// Of returns the names of all secrets that are, or may be, the organisation's: those of the
	// connections, and those that no connection knows any more.
	Of(ctx context.Context, slug org.Slug, all []org.Connection) ([]string, error)
	// Login returns whose login the token in a secret opens, by its name: number, organisation and provider of
	// a connection. there is false where all that it held is destroyed.
	Login(ctx context.Context, name string) (c org.Connection, there bool, err error)
	// Delete destroys all versions of a secret, and the secret. there is false when there was none.
	Delete(ctx context.Context, name string) (there bool, err error)
}

// Erasure is how the erasing of an organisation stands: what stays here of it.
type Erasure struct {
	ID          int64
	Version     string // of the program that worked on it last
	Began       time.Time
	Ended       time.Time // zero: it has not
	Again       bool      // an earlier start has begun it
	Connections int64
	LoginsEnded int64
	LoginsKept  int64
	Secrets     int64
	Rows        int64
	ReaderKept  bool
}

// Eraser erases organisations. All fields but KeepLogins are required.
type Eraser struct {
	Tenants Tenants
	Secrets Secrets
	Enders  map[org.Provider]Ender
	Version string // of the program
	Holder  string // names this process in leases
	Log     *slog.Logger

	Patience time.Duration // how long a sync that is at work is waited for
	Poll     time.Duration // between two looks at it

	KeepLogins bool // no provider is asked: logins stay where they are
}

// Erase ends an organisation's logins, deletes its secrets, its rows, the login that reads them, and last
// itself. Each step is done again by the next start where one was cut short. What a provider does not end
// keeps all that follows from being done, but not the other logins from being ended.
//
// kept are the logins that this start has left at the provider. Errors: fault.NotFound where
// there never was such an organisation; fault.Conflict while a sync is at work for longer than Patience;
// Forbidden, Unavailable and others, in words that name the connection, where a provider, Secret Manager or
// the database says no.
func (e *Eraser) Erase(ctx context.Context, slug org.Slug) (x Erasure, kept []Left, err error) {
	others, err := e.Tenants.CheckErasable(ctx)
	if err != nil {
		return x, nil, err
	}
	x, err = e.Tenants.Leave(ctx, slug, e.Version)
	if err != nil {
		return x, nil, err
	}
	if !x.Ended.IsZero() {
		// What a late process, a tick or jobs/migrate has left since goes too, and the end is told to those
		// whom a start that was killed has not told.
		kept, err = e.orphans(ctx, x, slug)
		if err == nil {
			err = e.all(ctx, x, slug, e.secrets, e.rows, e.reader)
		}
		if err == nil {
			e.told(ctx, x, slug)
		}
		return x, kept, err
	}
	for _, name := range others {
		e.Log.WarnContext(ctx, "a table of somebody else's may hold copies of rows: it is left as it is", "event", "table_left", "org", string(slug), "table", name)
	}
	e.Log.InfoContext(ctx, "erasing an organisation", "event", "erase_begun", "org", string(slug), "again", x.Again)
	kept, err = e.logins(ctx, x, slug)
	if err != nil {
		return x, kept, err
	}
	gone, err := e.orphans(ctx, x, slug)
	kept = append(kept, gone...)
	if err != nil {
		return x, kept, err
	}
	if err := e.all(ctx, x, slug, e.secrets, e.rows, e.reader, e.secrets); err != nil {
		return x, kept, err
	}
	if x, err = e.forget(ctx, x, slug); err != nil {
		return x, kept, err
	}
	e.told(ctx, x, slug)
	// jobs/migrate may have made it once more while there was an organisation.
	again, err := e.Tenants.DropReader(ctx, x.ID, slug)
	x.ReaderKept = x.ReaderKept || again
	return x, kept, err
}

// all does one step after the other.
func (e *Eraser) all(ctx context.Context, x Erasure, slug org.Slug, steps ...func(context.Context, Erasure, org.Slug) error) error {
	for _, step := range steps {
		if err := step(ctx, x, slug); err != nil {
			return err
		}
	}
	return nil
}

// told says that an organisation is gone. After a restore of the database this is what tells that it was.
func (e *Eraser) told(ctx context.Context, x Erasure, slug org.Slug) {
	e.Log.InfoContext(ctx, "an organisation is erased", "event", "erased", "org", string(slug), "rows", x.Rows, "connections", x.Connections,
		"logins_ended", x.LoginsEnded, "logins_kept", x.LoginsKept, "secrets", x.Secrets, "reader_kept", x.ReaderKept)
}

// secrets deletes the secrets.
func (e *Eraser) secrets(ctx context.Context, x Erasure, slug org.Slug) error {
	all, err := e.Tenants.Connections(ctx, slug)
	if err != nil {
		return err
	}
	names, err := e.Secrets.Of(ctx, slug, all)
	if err != nil {
		return fmt.Errorf("look for secrets: %w", err)
	}
	for _, name := range names {
		if err := e.secret(ctx, x, slug, name); err != nil {
			return err
		}
	}
	return nil
}

// secret deletes one.
func (e *Eraser) secret(ctx context.Context, x Erasure, slug org.Slug, name string) error {
	there, err := e.Secrets.Delete(ctx, name)
	if err != nil {
		return fmt.Errorf("delete the secret %s: %w", name, err)
	}
	if !there {
		return nil
	}
	e.Log.InfoContext(ctx, "secret deleted", "event", "secret_deleted", "org", string(slug), "name", name)
	return e.Tenants.CountSecret(ctx, x.ID)
}

// many rows are worth a line of their own.
const many = 5000

// rows deletes what hangs on the organisation and its connections.
func (e *Eraser) rows(ctx context.Context, x Erasure, slug org.Slug) error {
	return e.Tenants.DropRows(ctx, x.ID, slug, func(table string, rows int64) {
		level := slog.LevelDebug
		if rows >= many {
			level = slog.LevelInfo
		}
		e.Log.Log(ctx, level, "rows deleted", "event", "rows_deleted", "org", string(slug), "table", table, "rows", rows)
	})
}

// reader takes what others can read the organisation by: its columns in views, its login.
func (e *Eraser) reader(ctx context.Context, x Erasure, slug org.Slug) error {
	if err := e.Tenants.RebuildViews(ctx); err != nil {
		return err
	}
	kept, err := e.Tenants.DropReader(ctx, x.ID, slug)
	if kept {
		e.Log.WarnContext(ctx, "the reading login stays, without a way into this database: something else hangs on it", "event", "reader_kept", "org", string(slug))
	}
	return err
}

// forgetTries is how often rows are looked for that somebody has written while others were deleted, such
// as a webhook.
const forgetTries = 10

// forget is the last step.
func (e *Eraser) forget(ctx context.Context, x Erasure, slug org.Slug) (Erasure, error) {
	for try := 1; ; try++ {
		done, err := e.Tenants.Forget(ctx, x.ID, slug)
		if err == nil {
			return done, nil
		}
		if !fault.Is(err, fault.Conflict) || try == forgetTries {
			return x, err
		}
		if err := e.rows(ctx, x, slug); err != nil {
			return x, err
		}
	}
}

// explained adds what may be done where a login cannot be ended.
func explained(c org.Connection, err error) error {
	return advised(fmt.Sprintf("%s %s (connection %s): its login was not ended, so nothing was deleted", c.Provider, c.Account, c.ID), err)
}

func advised(what string, err error) error {
	say := "start erase again later, and it goes on"
	if !fault.Retry(err) {
		say = "mend that and start erase again"
	}
	return fault.Wrap(fault.Of(err), what+": "+say+"; or, to give it up and end it by hand at the provider, start it with -keep-logins", err)
}

// joined returns all errors as one, of the kind of the first.
func joined(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return fault.Wrap(fault.Of(errs[0]), "", errors.Join(errs...))
}
