package app

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/store"
)

// migrateConfig is what jobs/migrate needs.
type migrateConfig struct {
	Database      store.Config
	Organisations Organisations `env:"ORGANISATIONS" help:"slug=Name pairs, separated by commas"`
	Programs      Logins        `env:"DB_PROGRAM_USERS" help:"database logins of the functions and jobs, separated by commas; none: they stay as they are"`
	CustomColumns CustomColumns `env:"CUSTOM_FIELD_COLUMNS" help:"organisation/view/field=column, separated by commas"`
}

// Migrate is the job that brings the database up to date: tables, the organisations of ORGANISATIONS,
// the columns of CUSTOM_FIELD_COLUMNS, views, the rights of the logins of DB_PROGRAM_USERS. It tells what
// it has done. Running it again changes nothing. Organisations and columns that the settings no longer
// name stay as they are; logins that they no longer name lose their rights, unless they name none.
var Migrate = jobOf(func(ctx context.Context, c call, load func() (migrateConfig, error)) error {
	after, err := migrateArgs(c.args, c.words)
	if err != nil {
		return err
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	return migrate(ctx, cfg, after, c.out)
})

func migrate(ctx context.Context, cfg migrateConfig, after afterRestore, out io.Writer) error {
	var ends closers
	defer ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // a pool closes without an error
	s, err := openStore(ctx, cfg.Database, &ends)
	if err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	say(out, "tables and views are up to date")
	if err := admitPrograms(ctx, s, cfg.Programs, out); err != nil {
		return err
	}
	for _, o := range cfg.Organisations {
		if err := s.EnsureOrganisation(ctx, o); err != nil {
			return err
		}
		say(out, "organisation %s (%s), read by the login %s", o.Slug, o.Name, store.ReaderRole(o.Slug))
	}
	for _, c := range cfg.CustomColumns {
		if err := s.SetCustomColumn(ctx, store.CustomColumn(c)); err != nil {
			return fmt.Errorf("CUSTOM_FIELD_COLUMNS, %s/%s/%s=%s: %w", c.Org, c.View, c.Field, c.Column, err)
		}
		say(out, "%s: %q is the column %s of appsheet.%s", c.Org, c.Field, c.Column, c.View)
	}
	return after.do(ctx, s, out)
}

// Logins is the setting DB_PROGRAM_USERS: names of database logins, separated by commas.
type Logins []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Logins) UnmarshalText(text []byte) error {
	*l = slices.Collect(entries(string(text)))
	return nil
}

// admitPrograms lets the logins of the functions and jobs in, and nobody else any more.
func admitPrograms(ctx context.Context, s *store.Store, logins Logins, out io.Writer) error {
	if len(logins) == 0 {
		return nil
	}
	added, removed, err := s.SetPrograms(ctx, logins)
	if err != nil {
		return fmt.Errorf("DB_PROGRAM_USERS: %w", err)
	}
	for _, login := range added {
		say(out, "%s may read and write rows", login)
	}
	for _, login := range removed {
		say(out, "%s may no longer read and write rows: DB_PROGRAM_USERS does not name it", login)
	}
	return nil
}

const migrateUsage = `Usage: migrate [-restored [-secrets-lost]]

Brings the database up to date. DATABASE_URL, or INSTANCE_CONNECTION_NAME and what goes with it, say
which; ORGANISATIONS and CUSTOM_FIELD_COLUMNS say what is made in it.

After a backup was restored, and before anything else runs: -restored. It makes every connection due,
tries once more those that needed a new login then, and keeps the numbers of connections that were
made after the backup from being used again. With -secrets-lost, which cannot be undone, each
connection asks for a new login: for when Secret Manager's secrets are gone for good.
`

// migrateArgs reads the arguments. flag.ErrHelp when they ask for help.
func migrateArgs(args []string, words io.Writer) (after afterRestore, err error) {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	flags.SetOutput(words)
	flags.Usage = func() {
		say(words, "%s", migrateUsage)
		flags.PrintDefaults()
	}
	flags.BoolVar(&after.restored, "restored", false, "the database was just restored from a backup")
	flags.BoolVar(&after.secretsLost, "secrets-lost", false, "with -restored: Secret Manager has none of the connections' tokens any more")
	if err := flags.Parse(args); err != nil {
		return after, err
	}
	switch {
	case flags.NArg() > 0:
		return after, fault.New(fault.Invalid, fmt.Sprintf("%q: it takes no such argument", flags.Arg(0)))
	case after.secretsLost && !after.restored:
		return after, wrong("-secrets-lost goes with -restored")
	}
	return after, nil
}

// say tells a line; when nobody listens the work still counts.
func say(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, format+"\n", args...) //nolint:errcheck // see above
}

// openStore returns the store of all providers' tables; ends closes it.
func openStore(ctx context.Context, cfg store.Config, ends *closers) (*store.Store, error) {
	pool, err := store.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ends.add(func(context.Context) error { pool.Close(); return nil })
	return store.New(pool, Tables())
}

// openCurrent is openStore for a job whose database must have all migrations of this program:
// fault.Unavailable where it lacks one, or does not answer.
func openCurrent(ctx context.Context, cfg store.Config, ends *closers) (*store.Store, error) {
	s, err := openStore(ctx, cfg, ends)
	if err != nil {
		return nil, err
	}
	return s, s.Current(ctx)
}
