package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/platform/tracing"
	"github.com/countinghouse/countinghouse/shared/platform/web"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// SyncOrg is the function that answers ticks.
var SyncOrg = functionOf(newSyncOrg)

func newSyncOrg(ctx context.Context, cfg jointConfig, log *slog.Logger) (http.Handler, func(context.Context) error, error) {
	j, err := newJoint(ctx, log, "SyncOrg", cfg)
	if err != nil {
		return nil, nil, err
	}
	s := &syncOrg{joint: j, run: j.engine.Run}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", s.push)
	return ready{mux, j}, j.ends.close, nil
}

// syncOrg answers the pushes of a subscription to the topic of ticks.
type syncOrg struct {
	*joint
	run func(context.Context, org.Connection, engine.Order, <-chan struct{}) (engine.Report, error)
}

// push answers one message. 2xx acknowledges it: it is done, or can never succeed and has been
// recorded. 503 has it sent again.
func (s *syncOrg) push(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	m, err := queue.DecodePush(io.TeeReader(r.Body, &body))
	// What asked for the sync may have begun a trace: the rest belongs there.
	ctx, span := tracing.Continue(r.Context(), m.Attributes[tracing.Key], "tick", trace.WithSpanKind(trace.SpanKindConsumer), aboutMessage(m))
	defer func() { endSpan(span, err) }()
	if fault.Is(err, fault.Invalid) {
		s.reject(ctx, w, err, m.Attributes, body.String())
		return
	}
	if err != nil {
		again(w, err)
		return
	}
	tick, err := org.ParseTick(m.Attributes)
	var work []org.Connection
	if err == nil {
		ctx = logging.With(ctx, "org", string(tick.Org))
		work, err = s.connections(ctx, tick)
	}
	switch fault.Of(err) {
	case "":
	case fault.Invalid, fault.NotFound:
		s.reject(ctx, w, err, m.Attributes, string(m.Data))
		return
	default:
		s.log.ErrorContext(ctx, "tick not taken", "event", "sync_failed", "kind", string(fault.Of(err)), "err", err.Error())
		again(w, err)
		return
	}
	if err = s.sync(ctx, work, tick.Reason); err != nil {
		again(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// endSpan ends a span, with the kind of what went wrong.
func endSpan(span trace.Span, err error) {
	if kind := string(fault.Of(err)); kind != "" {
		span.SetAttributes(attribute.String("kind", kind))
		span.SetStatus(codes.Error, kind)
	}
	span.End()
}

// aboutMessage is what a span tells of a message.
func aboutMessage(m queue.Message) trace.SpanStartOption {
	return trace.WithAttributes(attribute.String("messaging.message.id", m.ID), attribute.Int("attempt", m.DeliveryAttempt),
		attribute.String("org", m.Attributes["org"]), attribute.String("reason", m.Attributes["reason"]))
}

// connections returns those of the tick's that are to be synced. fault.NotFound: the organisation, or
// its connection of that number, is unknown.
func (s *syncOrg) connections(ctx context.Context, t org.Tick) ([]org.Connection, error) {
	all, err := s.store.Connections(ctx, t.Org)
	if err == nil && len(all) == 0 {
		_, err = s.store.Organisation(ctx, t.Org)
	}
	if err != nil {
		return nil, err
	}
	var work []org.Connection
	found := t.Connection == 0
	for _, c := range all {
		if t.Connection == 0 || c.ID == t.Connection {
			found = true
			if c.State.Syncs() {
				work = append(work, c)
			}
		}
	}
	if !found {
		return nil, fault.New(fault.NotFound, fmt.Sprintf("organisation %s has no connection %s", t.Org, t.Connection))
	}
	return work, nil
}

// sync works on the connections at the same time, each for itself. Its error is that of one whose
// failure is worth another delivery; the others' stand in their runs.
func (s *syncOrg) sync(ctx context.Context, work []org.Connection, reason org.Reason) error {
	errs := make([]error, len(work))
	var all sync.WaitGroup
	for i, c := range work {
		all.Go(func() {
			errs[i] = caught(ctx, s.log, c.ID, func() error { return s.one(ctx, c, reason) })
		})
	}
	all.Wait()
	var worst error
	for _, err := range errs {
		if fault.Retry(err) && (worst == nil || fault.After(err) > fault.After(worst)) {
			worst = err
		}
	}
	return worst
}

// one syncs a connection, and asks for another tick when there is more than fits into this one.
func (s *syncOrg) one(ctx context.Context, c org.Connection, reason org.Reason) error {
	report, err := s.run(ctx, c, engine.Order{Reason: reason}, web.Stopping(ctx))
	if err != nil {
		// A run tells of its own failure. One may also fail before it begins, or in writing it down.
		if report.Result.Err != nil && errors.Is(err, report.Result.Err) {
			return err
		}
		s.log.LogAttrs(ctx, slog.LevelError, "sync failed", slog.String("event", "sync_failed"), slog.String("provider", string(c.Provider)),
			slog.Int64("connection", int64(c.ID)), slog.String("kind", string(fault.Of(err))), slog.String("err", err.Error()))
		return err
	}
	if !report.More {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// In a trace of its own: a first load would be one of many hours, which nobody can read.
	if err := s.ticks.anew(ctx, org.Tick{Org: c.Org, Connection: c.ID, Reason: org.Backfill}); err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "follow-up tick not sent: this one is to come again", slog.String("event", "sync_failed"),
			slog.String("provider", string(c.Provider)), slog.Int64("connection", int64(c.ID)), slog.String("kind", string(fault.Of(err))), slog.String("err", err.Error()))
		return fault.Wrap(fault.Unavailable, "follow-up tick", err) // whatever its kind: what is left must not wait for the schedule
	}
	return nil
}

// reject acknowledges a message that can never succeed, once that is written down.
func (s *syncOrg) reject(ctx context.Context, w http.ResponseWriter, why error, attributes map[string]string, body string) {
	s.log.WarnContext(ctx, "tick rejected", "event", "tick_rejected", "kind", string(fault.Of(why)), "err", why.Error())
	if err := s.store.Reject(ctx, "tick", why.Error(), attributes, body); err != nil {
		s.log.ErrorContext(ctx, "rejected tick not recorded", "err", err.Error())
		again(w, err)
		return
	}
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, "rejected: "+why.Error()+"\n") //nolint:errcheck // nobody is left to tell
}

// again has the message sent once more.
func again(w http.ResponseWriter, err error) {
	if after := fault.After(err); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
	http.Error(w, "try again: "+strings.ToLower(string(fault.Of(err))), http.StatusServiceUnavailable)
}
