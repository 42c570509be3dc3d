package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

func TestLeases(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	take := func(want bool) org.Lease {
		t.Helper()
		l, ok, err := f.Acquire(f.ctx, f.id, org.Manual, "another", time.Minute)
		if err != nil || ok != want {
			t.Fatalf("acquire: %v, %v; want %v", ok, err, want)
		}
		return l
	}
	take(false) // is noted
	again, err := f.Release(f.ctx, f.lease)
	if !again || err != nil {
		t.Errorf("release with a note: %v, %v", again, err)
	}
	free := func() string {
		return f.value(`SELECT lease_holder IS NULL AND lease_until IS NULL AND NOT tick_noted FROM sync.connections`)
	}
	if free() != "false" {
		t.Error("a lease that stays has lost its holder or its end")
	}
	take(false)
	noted, err := f.Abandon(f.ctx, f.lease)
	if !noted || err != nil {
		t.Errorf("abandon with a note: %v, %v", noted, err)
	}
	if free() != "true" {
		t.Error("an abandoned lease has left something")
	}
	if err := f.Renew(f.ctx, f.lease, time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("renew after giving back: %v", err)
	}
	l := take(true)
	if l.Fence <= f.lease.Fence {
		t.Errorf("fence %d after %d", l.Fence, f.lease.Fence)
	}
	if err := f.Renew(f.ctx, l, -time.Second); err != nil { // its time is up
		t.Error(err)
	}
	last := take(true)
	for _, err := range []error{
		second(f.Release(f.ctx, l)), second(f.Abandon(f.ctx, l)), f.Renew(f.ctx, l, time.Minute), second(f.Begin(f.ctx, l, nil, org.Manual)),
	} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("a late owner: %v", err)
		}
	}
	if again, err := f.Release(f.ctx, last); again || err != nil {
		t.Errorf("release: %v, %v", again, err)
	}
	if free() != "true" {
		t.Error("a released lease has left something")
	}
	f.exec(`UPDATE sync.connections SET not_before = now() + interval '1 hour'`)
	take(false)
	f.exec(`UPDATE sync.connections SET not_before = NULL, state = 'needs_reauth'`)
	take(false)
	f.exec(`UPDATE sync.connections SET state = 'paused'`)
	take(true)
}

func second[T any](_ T, err error) error { return err }

func TestRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	killed := f.run
	if _, err := f.Apply(f.ctx, f.lease, killed, engine.Batch{Records: []engine.Record{order("1", 1)}, Checkpoints: engine.Checkpoints{"Order": []byte("1")}}, engine.Usage{Calls: 1}); err != nil {
		t.Fatal(err)
	}
	run, err := f.Begin(f.ctx, f.lease, []string{"Order", "Tag"}, org.Webhook)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.value(`SELECT outcome || ', ' || error || ', ' || written || ', ' || calls FROM sync.runs WHERE id = $1`, killed); got != "failed, the process ended, 1, 1" {
		t.Errorf("killed run: %s", got)
	}
	result := engine.Result{
		Outcome: engine.Partial, Usage: engine.Usage{Calls: 2, Metered: 1}, Batches: 1, State: org.Active, Reason: "", NotUntil: time.Minute,
		Streams: map[string]error{"Tag": &engine.StreamError{Stream: "Tag", Err: fault.New(fault.Unavailable, "tags are out")}},
	}
	if err := f.Finish(f.ctx, f.lease, run, result); err != nil {
		t.Fatal(err)
	}
	want := []string{"(Order,ok,0,,t)", `(Tag,failed,1,"tags are out",f)`}
	if diff := cmp.Diff(want, f.rows(`SELECT name, status, failures, error, last_success IS NOT NULL FROM sync.streams ORDER BY name`)); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	if got := f.value(`SELECT state || ' ' || (not_before > now()) FROM sync.connections`); got != "active true" {
		t.Errorf("connection: %s", got)
	}
	if err := f.Finish(f.ctx, f.lease, run, result); !fault.Is(err, fault.Conflict) {
		t.Errorf("finished twice: %v", err)
	}
	if run, err = f.Begin(f.ctx, f.lease, []string{"Order", "Tag"}, org.Schedule); err != nil {
		t.Fatal(err)
	}
	err = f.Finish(f.ctx, f.lease, run, engine.Result{Outcome: engine.Failed, Err: fault.New(fault.Reconnect, "sign in again"), State: org.NeedsReauth, Reason: "connect again"})
	if err != nil {
		t.Fatal(err)
	}
	want = []string{`(Order,failed,1,"sign in again")`, `(Tag,failed,2,"sign in again")`}
	if diff := cmp.Diff(want, f.rows(`SELECT name, status, failures, error FROM sync.streams ORDER BY name`)); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	c, err := f.Connection(f.ctx, f.id)
	if err != nil || c.State != org.NeedsReauth || c.Reason != "connect again" {
		t.Errorf("connection %+v, %v", c, err)
	}
	if got := f.value(`SELECT error_kind FROM sync.runs WHERE id = $1`, run); got != "reconnect" {
		t.Errorf("kind %s", got)
	}
}

func TestFailuresHaveKinds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	if _, err := f.Checkpoints(ctx, f.id); !fault.Is(err, fault.Stopped) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := f.Connection(f.ctx, 99); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such connection: %v", err)
	}
	f.exec(`ALTER TABLE testbooks.orders ADD CONSTRAINT secret CHECK (name <> 'v3')`)
	if n := f.apply(order("3", 3)); n.Dead != 1 {
		t.Errorf("applied %+v", n)
	}
	f.exec(`DROP TABLE testbooks.order_parts`)
	_, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Records: []engine.Record{order("4", 2)}}, engine.Usage{})
	if !fault.Is(err, fault.Internal) {
		t.Errorf("a missing table: %v", err)
	}
	pool, err := store.Open(f.ctx, store.Config{DatabaseURL: "postgres://nobody:secret@127.0.0.1:1/none"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	away, err := store.New(pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := away.Checkpoints(f.ctx, 1); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("no server: %v", err)
	}
	if _, err := store.Open(f.ctx, store.Config{DatabaseURL: "postgres://x:secret@[bad"}); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "secret") {
		t.Errorf("a bad address: %v", err)
	}
	if _, err := store.Open(f.ctx, store.Config{Instance: "p:r:i"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("half of the settings: %v", err)
	}
}
