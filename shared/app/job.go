package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

const (
	// A re-reading makes way this often: what webhooks tell, and changes, never wait longer behind it
	// than for a tick.
	rereadFor = 3 * time.Minute
	// progressEvery is how often the log tells how far the streams are.
	progressEvery = 10 * time.Second
	// maxParallel keeps a job's connections to the database within what a small one allows.
	maxParallel = 32
)

// jobOptions are what the jobs that read connections again are asked for.
type jobOptions struct {
	orgs       []org.Slug
	all        bool
	connection org.ConnectionID
	streams    []string // empty: all
	parallel   int
}

// jobFlags are the command's words for them.
type jobFlags struct {
	*flag.FlagSet
	orgs, streams *string
	all           *bool
	connection    *int64
	parallel      *int
}

func newJobFlags(name, usage string, words io.Writer) jobFlags {
	f := jobFlags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.SetOutput(words)
	f.orgs = f.String("org", "", "slugs of organisations, such as onpoint,powergen")
	f.all = f.Bool("all", false, "all organisations")
	f.connection = f.Int64("connection", 0, "number of one connection of the organisation; 0: all of them")
	f.streams = f.String("streams", "", "kinds of objects, such as Invoice,Bill; none: all")
	f.parallel = f.Int("parallel", 4, fmt.Sprintf("how many connections are worked on at once, at most %d", maxParallel))
	f.Usage = func() {
		say(words, "%s", usage)
		f.PrintDefaults()
	}
	return f
}

// options reads the command's words. Its errors are fault.Invalid and say what to write instead.
func (f jobFlags) options(args []string) (o jobOptions, err error) {
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for entry := range entries(*f.orgs) {
		slug, err := org.ParseSlug(entry)
		if err != nil {
			return o, fmt.Errorf("-org: %w", err)
		}
		if !slices.Contains(o.orgs, slug) {
			o.orgs = append(o.orgs, slug)
		}
	}
	o.all, o.connection, o.parallel = *f.all, org.ConnectionID(*f.connection), *f.parallel
	switch {
	case f.NArg() > 0:
		return o, wrong("%q is not an option", f.Arg(0))
	case !o.all && len(o.orgs) == 0:
		return o, wrong("say which organisations: -org onpoint,powergen or -all")
	case o.all && len(o.orgs) > 0:
		return o, wrong("-all goes without -org")
	case o.connection < 0:
		return o, wrong("-connection: want a connection's number")
	case o.connection != 0 && len(o.orgs) != 1:
		return o, wrong("-connection goes with -org and one organisation")
	case o.parallel < 1 || o.parallel > maxParallel:
		return o, wrong("-parallel %d: want 1 to %d", o.parallel, maxParallel)
	}
	o.streams, err = streamsNamed(*f.streams)
	return o, err
}

func wrong(format string, args ...any) error {
	return fault.New(fault.Invalid, fmt.Sprintf(format, args...))
}

// streamsNamed reads the option -streams: any provider's.
func streamsNamed(text string) (streams []string, err error) {
	var known []string
	for _, t := range Tables() {
		known = append(known, t.Stream)
	}
	for name := range entries(text) {
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		if i < 0 {
			slices.Sort(known)
			return nil, wrong("-streams: there is no %q. There are %s", name, strings.Join(known, ", "))
		}
		if !slices.Contains(streams, known[i]) {
			streams = append(streams, known[i])
		}
	}
	return streams, nil
}

// tables returns those of the streams asked for that a provider has, in the order of the catalog.
func (o jobOptions) tables(p org.Provider) (found []catalog.Table) {
	for _, t := range Tables() {
		if t.Provider == p && (len(o.streams) == 0 || slices.Contains(o.streams, t.Stream)) {
			found = append(found, t)
		}
	}
	return found
}

// job works on connections, some at a time.
type job struct {
	*joint
	jobOptions
	worker *reconcile.Worker
}

// newJob joins what a job needs, which is what SyncOrg needs. It refuses a database that lacks a migration
// of this program, as functions do (see ready), and one that does not answer: fault.Unavailable.
func newJob(ctx context.Context, load func() (jointConfig, error), log *slog.Logger, program string, o jobOptions) (*job, error) {
	cfg, err := load()
	if err != nil {
		return nil, err
	}
	j, err := newJoint(ctx, log, program, cfg)
	if err != nil {
		return nil, err
	}
	if err := j.store.Current(ctx); err != nil {
		j.ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // the first error counts
		return nil, err
	}
	j.engine.Budget = min(j.engine.Budget, rereadFor)
	return &job{j, o, &reconcile.Worker{Store: j.store, Run: j.engine.Run, Log: j.log, Now: j.now}}, nil
}

// connections returns those that are to be worked on. fault.NotFound: an organisation, or its
// connection of that number, is unknown. Those that cannot be synced now are told and left out; they
// are an error where they were asked for by name. One that its provider has closed for now is left out
// where all were asked for, as it fails until it is opened, but not by work that makes no call (offline).
func (j *job) connections(ctx context.Context, offline bool) (work []org.Connection, err error) {
	all, err := j.named(ctx)
	if err != nil {
		return nil, err
	}
	var closed []error
	for _, c := range all {
		switch {
		case c.State.Syncs() && (c.State != org.Paused || !j.all || offline):
			work = append(work, c)
		case c.State == org.Disconnected && j.connection == 0:
		case j.all:
			j.log.WarnContext(ctx, "left out", "event", "left_out", "org", string(c.Org), "connection", int64(c.ID), "state", string(c.State), "reason", c.Reason)
		default:
			closed = append(closed, fault.New(fault.Reconnect, fmt.Sprintf("%s, connection %s: it is %s: %s", c.Org, c.ID, c.State, c.Reason)))
		}
	}
	return work, errors.Join(closed...)
}

func (j *job) named(ctx context.Context) (all []org.Connection, err error) {
	if j.all {
		return j.store.AllConnections(ctx)
	}
	for _, slug := range j.orgs {
		own, err := j.store.Connections(ctx, slug)
		if err == nil && len(own) == 0 {
			if _, err = j.store.Organisation(ctx, slug); err == nil {
				err = fault.New(fault.NotFound, fmt.Sprintf("organisation %s has no connection yet: go run ./jobs/link makes a link for one", slug))
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, own...)
	}
	if j.connection == 0 {
		return all, nil
	}
	i := slices.IndexFunc(all, func(c org.Connection) bool { return c.ID == j.connection })
	if i < 0 {
		return nil, fault.New(fault.NotFound, fmt.Sprintf("organisation %s has no connection %s", j.orgs[0], j.connection))
	}
	return all[i : i+1], nil
}

// each does one for every connection, some at a time, and tells how far they are meanwhile. Its error
// names all that failed: one does not keep the others from being worked on.
func (j *job) each(ctx context.Context, work []org.Connection, one func(context.Context, org.Connection) error) error {
	errs := make([]error, len(work))
	next := make(chan int)
	var all sync.WaitGroup
	for range min(j.parallel, len(work)) {
		all.Go(func() {
			for i := range next {
				errs[i] = j.told(ctx, work[i], one)
			}
		})
	}
	for i := range work {
		next <- i
	}
	close(next)
	all.Wait()
	return errors.Join(errs...)
}

// told does one for a connection, and logs its progress until that has ended.
func (j *job) told(ctx context.Context, c org.Connection, one func(context.Context, org.Connection) error) error {
	if ctx.Err() != nil {
		return fault.New(fault.Stopped, fmt.Sprintf("%s, connection %s: it was stopped before its turn came", c.Org, c.ID))
	}
	ended, all := make(chan struct{}), sync.WaitGroup{}
	all.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				err := caught(ctx, j.log, c.ID, func() error { return j.worker.Progress(ctx, c) })
				if err != nil && ctx.Err() == nil {
					j.log.WarnContext(ctx, "progress not known", "connection", int64(c.ID), "err", err.Error())
				}
			}
		}
	})
	err := caught(ctx, j.log, c.ID, func() error { return one(ctx, c) })
	close(ended)
	all.Wait()
	if err != nil {
		return fmt.Errorf("%s, connection %s: %w", c.Org, c.ID, err)
	}
	return nil
}
