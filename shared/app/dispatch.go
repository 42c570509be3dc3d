package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/web"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// DispatchConfig is how ticks are sent to a big fleet.
type DispatchConfig struct {
	Window time.Duration `env:"DISPATCH_WINDOW" envDefault:"59s" help:"how long one call sends ticks; below the minute between two calls"`
	Rate   int           `env:"DISPATCH_RATE" envDefault:"100" help:"ticks a second at most"`
}

// Validate implements config.Validator.
func (c DispatchConfig) Validate() error {
	var errs []error
	if c.Window <= 0 {
		errs = append(errs, errors.New("DISPATCH_WINDOW: want a duration above zero"))
	}
	if c.Rate < 1 || c.Rate > 1000 {
		errs = append(errs, errors.New("DISPATCH_RATE: want 1 to 1000"))
	}
	return errors.Join(errs...)
}

// dispatchConfig is what functions/dispatch needs.
type dispatchConfig struct {
	Log      logging.Options
	Database store.Config
	Queue    queue.Config
	Topic    string `env:"SYNC_TOPIC,required" help:"Pub/Sub topic of the ticks"`
	Rhythm   RhythmConfig
	Dispatch DispatchConfig
}

// Dispatch is the function that sends ticks to the connections that are due.
var Dispatch = functionOf(newDispatch)

func newDispatch(ctx context.Context, cfg dispatchConfig, log *slog.Logger) (_ http.Handler, _ func(context.Context) error, err error) {
	j := &joint{log: log}
	defer func() {
		if err != nil {
			j.ends.close(context.WithoutCancel(ctx)) //nolint:errcheck // the first error counts
		}
	}()
	if j.log == nil {
		j.log = logging.New(os.Stderr, cfg.Log)
	}
	if j.store, err = openStore(ctx, cfg.Database, &j.ends); err != nil {
		return nil, nil, err
	}
	publisher, err := queue.New(ctx, cfg.Queue)
	if err != nil {
		return nil, nil, err
	}
	j.ends.add(func(context.Context) error { return publisher.Close() })
	j.ticks = ticks{publisher.Publisher(cfg.Topic)}
	d := &dispatcher{store: j.store, publish: j.tickAll, log: j.log,
		window: cfg.Dispatch.Window, rate: cfg.Dispatch.Rate, interval: cfg.Rhythm.Interval}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", d.push)
	return ready{mux, j}, j.ends.close, nil
}

// tickAll asks for many syncs: they share requests to Pub/Sub, and each begins a trace. When it fails some
// may have been asked for.
func (j *joint) tickAll(ctx context.Context, many []org.Tick) error {
	errs := make([]error, len(many))
	var sent sync.WaitGroup
	for i, tick := range many {
		sent.Go(func() {
			errs[i] = caught(ctx, j.log, tick.Connection, func() error { return j.ticks.anew(ctx, tick) })
		})
	}
	sent.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// anew asks for a sync in a trace of its own.
func (t ticks) anew(ctx context.Context, tick org.Tick) error {
	ctx, span := tracing.Anew(ctx, "tick", trace.WithAttributes(attribute.String("org", string(tick.Org)),
		attribute.Int64("connection", int64(tick.Connection)), attribute.String("reason", string(tick.Reason))))
	defer span.End()
	return t.Tick(ctx, tick)
}

// dispatcher sends ticks, second by second. Several at once send no connection's twice.
type dispatcher struct {
	store    schedule.Store
	publish  func(context.Context, []org.Tick) error
	log      *slog.Logger
	window   time.Duration
	rate     int
	interval time.Duration
}

// push answers the scheduler. What it says does not matter.
func (d *dispatcher) push(w http.ResponseWriter, r *http.Request) {
	ctx, began := r.Context(), time.Now()
	sent, err := d.send(ctx, web.Stopping(ctx))
	if err != nil {
		d.log.ErrorContext(ctx, "ticks not sent", "event", "dispatch_failed", "sent", sent, "kind", string(fault.Of(err)), "err", err.Error())
		again(w, err)
		return
	}
	d.log.InfoContext(ctx, "ticks sent", "event", "dispatch", "sent", sent, "took", time.Since(began))
	w.WriteHeader(http.StatusNoContent)
}

const (
	// secondLimit is how long the ticks of a second may take to send.
	secondLimit = 20 * time.Second
	// failuresInARow are as many seconds in which nothing could be sent as end a window.
	failuresInARow = 3
)

// send sends the ticks of each second until the window ends or stop is closed. A second that fails is
// made up for by the next one. The error is that of the last second.
func (d *dispatcher) send(ctx context.Context, stop <-chan struct{}) (sent int, err error) {
	ends := time.NewTimer(d.window)
	defer ends.Stop()
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for limit, failures := 0, 0; ; {
		n := 0
		if limit == 0 {
			limit, err = d.share(ctx)
		}
		if limit > 0 {
			n, err = d.second(ctx, limit)
		}
		sent += n
		if err != nil {
			failures++
		} else {
			failures = 0
		}
		if failures == failuresInARow || ctx.Err() != nil {
			return sent, err
		}
		select {
		case <-stop:
			return sent, err
		case <-ctx.Done():
			return sent, err
		case <-ends.C:
			return sent, err
		case <-seconds.C:
		}
	}
}

// share returns how many ticks a second keep a fleet current: twice what comes due when each
// connection is swept once an interval. So what an outage has left over is spread over one interval,
// and not sent as a herd.
func (d *dispatcher) share(ctx context.Context) (int, error) {
	connections := 0
	for _, p := range providers() {
		u, err := d.store.Usage(ctx, p)
		if err != nil {
			return 0, err
		}
		connections += u.Connections
	}
	seconds := max(int(d.interval/time.Second), 1)
	return min(1+2*connections/seconds, d.rate), nil
}

// second sends the ticks that are due, at most limit.
func (d *dispatcher) second(ctx context.Context, limit int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, secondLimit)
	defer cancel()
	return d.store.Due(ctx, limit, d.interval, func(t []org.Tick) error { return d.publish(ctx, t) })
}
