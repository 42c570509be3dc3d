package app

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/version"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

const exportUsage = `Usage: export -org onpoint [-to FOLDER]

Writes all that is kept of an organisation into one file, FOLDER/onpoint-20260131T120000Z.zip: a CSV file
for each table, and manifest.json with the number of rows and the SHA-256 of each, how to load them, and
what was left out. It is one instant's state, also while syncs go on. No token is in it; everything else
that the organisation has is: keep it accordingly.
`

// exportConfig is what jobs/export needs.
type exportConfig struct {
	Log      logging.Options
	Database store.Config
	Folder   string `env:"EXPORT_FOLDER" help:"where jobs/export writes its files, if it is not told by -to"`
}

// Export is the job that writes all that is kept of an organisation into a file. It tells where. Its
// errors are those of tenant.Exporter, and fault.Invalid for wrong arguments.
var Export = jobOf(export)

func export(ctx context.Context, c call, load func() (exportConfig, error)) error {
	f := flag.NewFlagSet("export", flag.ContinueOnError)
	slug := f.String("org", "", "the organisation's slug, such as onpoint")
	to := f.String("to", "", "folder that the file is written into; none: EXPORT_FOLDER")
	if err := tenantArgs(f, exportUsage, c); err != nil {
		return err
	}
	who, err := org.ParseSlug(*slug)
	if err != nil {
		return fmt.Errorf("-org: %w", err)
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	if *to != "" {
		cfg.Folder = *to
	}
	if cfg.Folder == "" {
		return wrong("say where: -to FOLDER, or EXPORT_FOLDER")
	}
	return exported(ctx, cfg, who, c.out)
}

func exported(ctx context.Context, cfg exportConfig, slug org.Slug, out io.Writer) error {
	if err := tenant.Folder(cfg.Folder); err != nil {
		return err
	}
	var ends closers
	defer ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // a pool closes without an error
	s, err := openCurrent(ctx, cfg.Database, &ends)
	if err != nil {
		return err
	}
	start := time.Now()
	x := tenant.Exporter{Books: s, Folder: cfg.Folder, Version: version.String(), Now: time.Now}
	done, err := x.Export(ctx, slug)
	if err != nil {
		return err
	}
	logging.New(os.Stderr, cfg.Log).LogAttrs(ctx, slog.LevelInfo, "organisation exported", slog.String("event", "exported"), slog.String("org", string(slug)),
		slog.String("file", done.Path), slog.Int("tables", len(done.Manifest.Files)), slog.Int64("rows", done.Rows), slog.Int64("bytes", done.Size),
		slog.Duration("took", time.Since(start).Round(time.Millisecond)))
	say(out, "%s: %d rows of %d tables, %d bytes", done.Path, done.Rows, len(done.Manifest.Files), done.Size)
	say(out, "Spreadsheets run cells that begin with = + - or @: import the files as text")
	return nil
}

// tenantArgs reads the arguments of a job for one organisation. There are none but options.
func tenantArgs(f *flag.FlagSet, usage string, c call) error {
	f.SetOutput(c.words)
	f.Usage = func() {
		say(c.words, "%s", usage)
		f.PrintDefaults()
	}
	if err := f.Parse(c.args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return wrong("%q is not an option", f.Arg(0))
	}
	return nil
}
