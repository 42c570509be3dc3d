// Command local runs the whole of Countinghouse on one machine: a private PostgreSQL, Pub/Sub and
// Secret Manager in process behind the real Google clients, a simulator of QuickBooks Online with two
// companies, the scheduler, and all functions on one port.
//
//	go run ./local            the platform; open the address it prints; Ctrl-C stops it, data stays
//	go run ./local demo       the same unattended on fresh data; the last line is a JSON verdict
//	go run ./local drill      backup, destruction and restore of the database, unattended, with a JSON verdict
//	go run ./local bench      this machine's performance figures; the last line is JSON
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

// settings are what local itself reads of the environment.
type settings struct {
	Interval time.Duration `env:"SYNC_INTERVAL" envDefault:"3m" help:"time between two ticks of an organisation"`
}

// run is main, as a test can call it.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	command := "up"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("local "+command, flag.ContinueOnError)
	flags.SetOutput(stderr)
	switch command {
	case "up":
		o := options{stdout: stdout, stderr: stderr, environ: environ}
		flags.StringVar(&o.data, "data", postgres.DefaultDir("local"), "folder where data is kept between starts")
		flags.IntVar(&o.port, "port", 8080, "port of the page and the functions; 0: any free one")
		set, err := config.Load[settings](environ)
		if err != nil {
			return err
		}
		flags.DurationVar(&o.interval, "interval", set.Interval, "time between two ticks of an organisation (SYNC_INTERVAL)")
		flags.IntVar(&o.invoices, "invoices", 400, "invoices of the larger of the two simulated companies, when they are made")
		if err := flags.Parse(args); err != nil {
			return err
		}
		if o.interval < 10*time.Second {
			return fmt.Errorf("-interval %s: want 10s or more", o.interval)
		}
		return up(ctx, o)
	case "demo":
		o := options{stdout: stdout, stderr: stderr, environ: environ, interval: 3 * time.Minute, simulated: true, level: slog.LevelError + 1}
		flags.IntVar(&o.invoices, "invoices", 400, "invoices of the larger of the two simulated companies, when they are made")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return demo(ctx, o)
	case "drill":
		o := options{stdout: stdout, stderr: stderr, environ: environ, interval: 3 * time.Minute, simulated: true, rotate: true, level: slog.LevelError + 1}
		flags.IntVar(&o.invoices, "invoices", 400, "invoices of the larger of the two simulated companies")
		lost := flags.String("secrets", "kept", "kept or lost: whether Secret Manager's secrets outlive the disaster")
		if err := flags.Parse(args); err != nil {
			return err
		}
		if *lost != "kept" && *lost != "lost" {
			return fmt.Errorf("-secrets %s: want kept or lost", *lost)
		}
		return drill(ctx, o, *lost == "lost")
	case "bench":
		return bench(ctx, flags, args, stdout, stderr)
	case benchProvider, benchLoad, benchTick, benchFunctions, benchBank, benchBankLoad: // the measured processes, started by bench itself
		return benchChild(ctx, command, args, stdout)
	default:
		return fmt.Errorf("there is no command %q: want none, demo, drill or bench", command)
	}
}
