package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/version"
	"github.com/countinghouse/countinghouse/shared/platform/web"
)

// Serve runs one function until the process is asked to stop, and ends the process. It does not
// start with wrong settings: it says which, and ends with status 1.
func Serve(name string, f Function) {
	os.Exit(serve(context.Background(), name, f, os.Environ(), os.Stderr))
}

func serve(ctx context.Context, name string, f Function, environ []string, stderr io.Writer) int {
	how, wrong := config.Load[telling](environ)
	log := logging.New(stderr, how.Log)
	handler, end, err := f.Build(ctx, environ, log) // names what is wrong with the log, too
	var traces *tracing.Tracing
	if err == nil {
		traces, err = tracing.Start(name, how.Traces, log)
	}
	if err = cmp.Or(err, wrong); err != nil {
		if how.Log.JSON() {
			log.ErrorContext(ctx, "function cannot start", "event", "start_failed", "function", name, "version", version.String(), "err", err.Error())
		} else { // for a person: several lines
			fmt.Fprintf(stderr, "%s cannot start: %s\n", name, err)
		}
		return 1
	}
	return web.Run(ctx, web.Options{Name: name, Log: log, Traces: traces, Handler: handler, Close: ending(end, traces)})
}

// spansLimit is how long the end of a function waits for its last spans, of the second that it has.
const spansLimit = 500 * time.Millisecond

// ending ends a function. Its last spans leave meanwhile, or are lost: that is no failure.
func ending(end func(context.Context) error, traces *tracing.Tracing) func(context.Context) error {
	return func(ctx context.Context) error {
		var sent sync.WaitGroup
		defer sent.Wait()
		sent.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, spansLimit)
			defer cancel()
			traces.Close(ctx) //nolint:errcheck // nothing of the work is lost with its spans
		})
		return end(ctx)
	}
}

// RunJob runs a program that ends by itself, and ends the process: with status 1 when it failed.
// SIGTERM and SIGINT end its context.
func RunJob(name string, j Job) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	status := runJob(ctx, name, j, call{os.Args[1:], os.Environ(), os.Stdout, os.Stderr})
	stop()
	os.Exit(status)
}
