package app

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

func TestRejectedTicks(t *testing.T) {
	p := newPlace(t)
	s := p.syncOrg()
	s.run = func(context.Context, org.Connection, engine.Order, <-chan struct{}) (engine.Report, error) {
		t.Error("it ran")
		return engine.Report{}, nil
	}
	p.store.Connect(t, "onpoint", "quickbooks", "100")
	for _, tt := range []struct{ name, body, reason string }{
		{"not JSON", "{", "it is not JSON"},
		{"not wrapped", `{"org":"onpoint"}`, `"message" is missing`},
		{"no organisation", `{"message":{"messageId":"1","attributes":{"reason":"manual"}}}`, `no attribute "org"`},
		{"not a slug", `{"message":{"messageId":"1","attributes":{"org":"On Point"}}}`, "want a slug"},
		{"unknown organisation", `{"message":{"messageId":"1","attributes":{"org":"nobody"}}}`, "there is no organisation nobody"},
		{"unknown connection", `{"message":{"messageId":"1","attributes":{"org":"onpoint","connection":"7"}}}`, "no connection 7"},
		{"odd bytes", "\x00\xff", "it is not JSON"},
	} {
		w := post(s.push, tt.body)
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d, want it acknowledged", tt.name, w.Code)
		}
		var reason string
		err := p.store.Pool.QueryRow(t.Context(), `SELECT reason FROM sync.rejected_messages WHERE kind = 'tick' ORDER BY id DESC LIMIT 1`).Scan(&reason)
		if err != nil || !strings.Contains(reason, tt.reason) {
			t.Errorf("%s: recorded as %q, %v; want %q", tt.name, reason, err, tt.reason)
		}
	}
}

func TestTick(t *testing.T) {
	p := newPlace(t)
	s := p.syncOrg()
	one, two := p.store.Connect(t, "onpoint", "quickbooks", "100"), p.store.Connect(t, "onpoint", "quickbooks", "200")
	paused, ended := p.store.Connect(t, "onpoint", "quickbooks", "300"), p.store.Connect(t, "onpoint", "quickbooks", "400")
	for id, state := range map[org.ConnectionID]org.State{paused: org.Paused, ended: org.NeedsReauth} {
		if _, err := p.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET state = $2 WHERE id = $1`, id, state); err != nil {
			t.Fatal(err)
		}
	}
	type comes struct {
		report engine.Report
		err    error
		panics bool
	}
	limited := &fault.Error{Kind: fault.RateLimited, Msg: "too fast", After: 90 * time.Second}
	for _, tt := range []struct {
		name   string
		tick   org.Tick
		comes  map[org.ConnectionID]comes
		status int
		after  string
		ran    []org.ConnectionID
		ticks  []org.Tick
	}{
		{"all", org.Tick{Org: "onpoint"}, nil, 204, "", []org.ConnectionID{one, two, paused}, nil},
		{"one", org.Tick{Org: "onpoint", Connection: two}, nil, 204, "", []org.ConnectionID{two}, nil},
		{"one that is not to be synced", org.Tick{Org: "onpoint", Connection: ended}, nil, 204, "", nil, nil},
		{"one has to connect again", org.Tick{Org: "onpoint", Connection: one}, map[org.ConnectionID]comes{one: {err: fault.New(fault.Reconnect, "again")}}, 204, "", []org.ConnectionID{one}, nil},
		{"one is too fast, one is closed", org.Tick{Org: "onpoint"}, map[org.ConnectionID]comes{one: {err: limited}, two: {err: fault.New(fault.Paused, "closed")}}, 503, "90", []org.ConnectionID{one, two, paused}, nil},
		{"one panics", org.Tick{Org: "onpoint"}, map[org.ConnectionID]comes{one: {panics: true}}, 503, "", []org.ConnectionID{one, two, paused}, nil},
		{"one has more", org.Tick{Org: "onpoint"}, map[org.ConnectionID]comes{two: {report: engine.Report{More: true}}}, 204, "", []org.ConnectionID{one, two, paused},
			[]org.Tick{{Org: "onpoint", Connection: two, Reason: org.Backfill}}},
	} {
		var mu sync.Mutex
		ran := map[org.ConnectionID]bool{}
		s.run = func(_ context.Context, c org.Connection, _ engine.Order, _ <-chan struct{}) (engine.Report, error) {
			mu.Lock()
			ran[c.ID] = true
			mu.Unlock()
			if tt.comes[c.ID].panics {
				panic("oh")
			}
			return tt.comes[c.ID].report, tt.comes[c.ID].err
		}
		p.pubsub.ClearMessages()
		w := push(s.push, tt.tick.Attributes())
		if w.Code != tt.status || w.Header().Get("Retry-After") != tt.after {
			t.Errorf("%s: status %d, Retry-After %q; want %d, %q", tt.name, w.Code, w.Header().Get("Retry-After"), tt.status, tt.after)
		}
		want := map[org.ConnectionID]bool{}
		for _, id := range tt.ran {
			want[id] = true
		}
		if diff := cmp.Diff(want, ran); diff != "" {
			t.Errorf("%s: connections that ran (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.ticks, p.ticks()); diff != "" {
			t.Errorf("%s: ticks (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Nobody else asks for the rest of a first load before the schedule does.
func TestFollowUpTickThatCannotBeSent(t *testing.T) {
	p := newPlace(t, "SYNC_TOPIC=none")
	s := p.syncOrg()
	p.store.Connect(t, "onpoint", "quickbooks", "100")
	s.run = func(context.Context, org.Connection, engine.Order, <-chan struct{}) (engine.Report, error) {
		return engine.Report{More: true}, nil
	}
	if w := push(s.push, map[string]string{"org": "onpoint"}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
	if log := p.logs.String(); !strings.Contains(log, "follow-up tick not sent") || !strings.Contains(log, "publish to topic none") {
		t.Errorf("log %s", log)
	}
}

func TestTickWithoutDatabase(t *testing.T) {
	p := newPlace(t, "DATABASE_URL=postgres://127.0.0.1:1/none?connect_timeout=1")
	s := p.syncOrg()
	if w := push(s.push, map[string]string{"org": "onpoint"}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
	if w := post(s.push, "{"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a message that could not be recorded: status %d, want 503", w.Code)
	}
	if err := (ready{nil, s.joint}).Ready(t.Context()); err == nil {
		t.Error("it says that it is ready")
	}
}

func TestMergedTick(t *testing.T) {
	p := newPlace(t)
	s := p.syncOrg()
	id := p.store.Connect(t, "onpoint", "quickbooks", "100")
	l := p.store.Lease(t, id)
	if w := push(s.push, map[string]string{"org": "onpoint"}); w.Code != http.StatusNoContent {
		t.Errorf("status %d, want 204", w.Code)
	}
	if noted, err := p.store.Abandon(t.Context(), l); err != nil || !noted {
		t.Errorf("the tick is noted: %t, %v", noted, err)
	}
}
