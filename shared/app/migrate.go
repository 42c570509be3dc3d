package app

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/store"
)

// migrateConfig is what jobs/migrate needs.
type migrateConfig struct {
	Database      store.Config
	Organisations Organisations `env:"ORGANISATIONS" help:"slug=Name pairs, separated by commas"`
	CustomColumns CustomColumns `env:"CUSTOM_FIELD_COLUMNS" help:"organisation/view/field=column, separated by commas"`
}

// Migrate is the job that brings the database up to date: tables, the organisations of ORGANISATIONS,
// the columns of CUSTOM_FIELD_COLUMNS, views. It tells what it has done. Running it again changes
// nothing. Organisations and columns that the settings no longer name stay as they are.
var Migrate = jobOf(func(ctx context.Context, c call, load func() (migrateConfig, error)) error {
	if err := migrateArgs(c.args, c.words); err != nil {
		return err
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	return migrate(ctx, cfg, c.out)
})

func migrate(ctx context.Context, cfg migrateConfig, out io.Writer) error {
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
	return nil
}

// migrateArgs refuses arguments: there are none. flag.ErrHelp when they ask for help.
func migrateArgs(args []string, words io.Writer) error {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	flags.SetOutput(words)
	flags.Usage = func() {
		say(words, "Usage: migrate\n\nBrings the database up to date. It takes no arguments: DATABASE_URL, or INSTANCE_CONNECTION_NAME, DB_IAM_USER\n"+
			"and DB_NAME, say which; ORGANISATIONS and CUSTOM_FIELD_COLUMNS say what is made in it.")
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fault.New(fault.Invalid, fmt.Sprintf("%q: it takes no arguments", flags.Arg(0)))
	}
	return nil
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
