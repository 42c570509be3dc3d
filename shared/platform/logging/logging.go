// Package logging makes the logger that all of Countinghouse writes to: in Cloud Logging's form
// when a machine reads it, as plain text when a person does.
package logging

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Options of a logger; config.Load fills them.
type Options struct {
	Format    string     `env:"LOG_FORMAT" help:"json or text; the default is json on Cloud Run, else text"`
	Level     slog.Level `env:"LOG_LEVEL" envDefault:"INFO" help:"DEBUG, INFO, WARN or ERROR"`
	Project   string     `env:"GOOGLE_CLOUD_PROJECT"`     // joins log entries with their traces
	Service   string     `env:"K_SERVICE" set:"platform"` // this and the next of a function, the two after of a job
	Revision  string     `env:"K_REVISION" set:"platform"`
	Job       string     `env:"CLOUD_RUN_JOB" set:"platform"`
	Execution string     `env:"CLOUD_RUN_EXECUTION" set:"platform"`
}

// Validate implements config.Validator.
func (o Options) Validate() error {
	switch o.Format {
	case "", "json", "text":
		return nil
	default:
		return fault.New(fault.Invalid, "LOG_FORMAT: want json or text")
	}
}

// JSON reports whether a machine reads the log: also where that could not be read from LOG_FORMAT.
func (o Options) JSON() bool { return o.Format == "json" || o.Format != "text" && o.program() != "" }

// program is the name that the program is deployed by; empty: it is on no Cloud Run.
func (o Options) program() string { return cmp.Or(o.Service, o.Job) }

// New returns a logger that writes one line for each record to w.
//
// As JSON, records carry severity, message, time, sourceLocation, the trace and span of their
// context (OpenTelemetry's), its labels (With) and those of the deployment, and from ERROR on what
// Error Reporting looks for: what has no stack is one group for each place that logs it and each "kind",
// which then begins the message. In either form values under a key such as token, code or authorization
// are replaced by [redacted], as a second net: secrets belong in a config.Secret, which prints as
// [secret] by itself.
func New(w io.Writer, o Options) *slog.Logger {
	if o.JSON() {
		root := slog.NewJSONHandler(w, &slog.HandlerOptions{AddSource: true, Level: o.Level, ReplaceAttr: cloud})
		return slog.New(handler{root: root, now: root, extra: o.entry().attrs})
	}
	root := slog.NewTextHandler(w, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: plain})
	return slog.New(handler{root: root, now: root, extra: func(ctx context.Context, _ *slog.Record) []slog.Attr { return labels(ctx) }})
}

// handler adds to each record what its context says, outside of any group.
type handler struct {
	root  slog.Handler                      // without the logger's own groups and attributes
	now   slog.Handler                      // root with them
	steps []func(slog.Handler) slog.Handler // how now was made from root
	group bool                              // whether there is a group among them
	extra func(context.Context, *slog.Record) []slog.Attr
}

func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.root.Enabled(ctx, l) }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	extra := h.extra(ctx, &r)
	if len(extra) == 0 {
		return h.now.Handle(ctx, r)
	}
	if !h.group {
		r = r.Clone()
		r.AddAttrs(extra...)
		return h.now.Handle(ctx, r)
	}
	// Attributes added now would land inside the group: put them in front of it.
	to := h.root.WithAttrs(extra)
	for _, step := range h.steps {
		to = step(to)
	}
	return to.Handle(ctx, r)
}

func (h handler) WithAttrs(as []slog.Attr) slog.Handler {
	return h.step(func(to slog.Handler) slog.Handler { return to.WithAttrs(as) })
}

func (h handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	h.group = true
	return h.step(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h handler) step(f func(slog.Handler) slog.Handler) slog.Handler {
	h.now = f(h.now)
	h.steps = append(slices.Clip(h.steps), f)
	return h
}

// plain makes text lines short and free of secrets.
func plain(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05.000"))
	}
	return redact(groups, a)
}

// redact hides the value of an attribute whose key, or whose group, says that it is a secret. How long
// something took is none: "1.5s", not nanoseconds, in JSON too.
func redact(groups []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().Round(time.Microsecond).String())
	}
	if sensitive(a.Key) || slices.ContainsFunc(groups, sensitive) {
		return slog.String(a.Key, "[redacted]")
	}
	return a
}

func sensitive(key string) bool {
	switch strings.ToLower(key) {
	case "token", "access_token", "refresh_token", "id_token", "public_token", "authorization", "secret", "client_secret", "password", "code":
		return true
	default:
		return false
	}
}
