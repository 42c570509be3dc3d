package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
)

// telling is what every program reads besides what it is for: how it tells what it does.
type telling struct {
	Log    logging.Options
	Traces tracing.Config
}

// settings are all that a program reads.
type settings[C any] struct {
	Telling telling
	Own     C
}

// Function is one HTTP function: a folder of functions/.
type Function struct {
	build    func(ctx context.Context, environ []string, log *slog.Logger) (http.Handler, func(context.Context) error, error)
	settings func() []config.Variable
}

// functionOf declares a function: its settings are a C, beside how it tells what it does, and nothing
// else of the environment reaches it.
func functionOf[C any](build func(context.Context, C, *slog.Logger) (http.Handler, func(context.Context) error, error)) Function {
	return Function{settings: config.Variables[settings[C]], build: func(ctx context.Context, environ []string, log *slog.Logger) (http.Handler, func(context.Context) error, error) {
		cfg, err := config.Load[settings[C]](environ)
		if err != nil {
			return nil, nil, err
		}
		return build(ctx, cfg.Own, log)
	}}
}

// Build makes the function from an environment, as os.Environ returns it. It makes no call, so it
// fails for wrong settings only, in one fault.Invalid that names all of them. A nil log means the one
// that the environment describes, on standard error. The handler works until it is closed.
func (f Function) Build(ctx context.Context, environ []string, log *slog.Logger) (http.Handler, func(context.Context) error, error) {
	return f.build(ctx, environ, log)
}

// Settings lists the variables that the function reads.
func (f Function) Settings() []config.Variable { return f.settings() }

// Job is one program that ends by itself: a folder of jobs/.
type Job struct {
	run      func(ctx context.Context, c call) error
	settings func() []config.Variable
}

// call is how a job was called.
type call struct {
	args, environ []string
	out, words    io.Writer // what it is for; what it says besides
}

// jobOf declares a job. It reads its arguments first, so that it can be asked for help anywhere, and
// then its settings, a C, by load.
func jobOf[C any](run func(ctx context.Context, c call, load func() (C, error)) error) Job {
	return Job{settings: config.Variables[settings[C]], run: func(ctx context.Context, c call) error {
		return run(ctx, c, func() (C, error) {
			cfg, err := config.Load[settings[C]](c.environ)
			return cfg.Own, err
		})
	}}
}

// Run does the job. flag.ErrHelp when the arguments ask for help, which is given on words; fault.Invalid
// for wrong arguments or settings, all of which it names.
func (j Job) Run(ctx context.Context, args, environ []string, out, words io.Writer) error {
	return j.run(ctx, call{args, environ, out, words})
}

// Settings lists the variables that the job reads.
func (j Job) Settings() []config.Variable { return j.settings() }
