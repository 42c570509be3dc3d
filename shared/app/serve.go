package app

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/web"
)

// Serve runs one function until the process is asked to stop, and ends the process. It does not
// start with wrong settings: it says which, and ends with status 1.
func Serve(name string, f Function) {
	os.Exit(serve(context.Background(), name, f, os.Environ(), os.Stderr))
}

func serve(ctx context.Context, name string, f Function, environ []string, stderr io.Writer) int {
	form, wrong := config.Load[logging.Options](environ)
	log := logging.New(stderr, form)
	handler, end, err := f.Build(ctx, environ, log) // names what is wrong with the log, too
	if err = cmp.Or(err, wrong); err != nil {
		if form.JSON() {
			log.ErrorContext(ctx, "function cannot start", "function", name, "err", err.Error())
		} else { // for a person: several lines
			fmt.Fprintf(stderr, "%s cannot start: %s\n", name, err)
		}
		return 1
	}
	return web.Run(ctx, web.Options{Name: name, Log: log, Handler: handler, Close: end})
}

// RunJob runs a program that ends by itself, and ends the process: with status 1 when it failed.
// SIGTERM and SIGINT end its context.
func RunJob(name string, j Job) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := j.Run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, err)
		os.Exit(1)
	}
}
