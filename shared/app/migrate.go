package app

import (
	"context"
	"fmt"
	"io"

	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/store"
)

// migrateConfig is what jobs/migrate needs.
type migrateConfig struct {
	Database      store.Config
	Organisations Organisations `env:"ORGANISATIONS" help:"slug=Name pairs, separated by commas"`
	CustomColumns CustomColumns `env:"CUSTOM_FIELD_COLUMNS" help:"organisation/view/field=column, separated by commas"`
}

// Migrate brings the database up to date: tables, the organisations of ORGANISATIONS, the columns of
// CUSTOM_FIELD_COLUMNS, views. It tells on out what it has done. Running it again changes nothing.
// Organisations and columns that the settings no longer name stay as they are.
func Migrate(ctx context.Context, environ []string, out io.Writer) error {
	cfg, err := config.Load[migrateConfig](environ)
	if err != nil {
		return err
	}
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
