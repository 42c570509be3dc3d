package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
)

// dispatching is a dispatcher of a fleet in memory, all of it overdue.
func dispatching(m *scheduleInMemory, connections int) (d *dispatcher, sent *[]org.ConnectionID) {
	m.usage.Connections = connections
	next, sent := org.ConnectionID(0), new([]org.ConnectionID)
	m.due = func(limit int) (all []org.Tick, err error) {
		for range min(limit, connections-int(next)) {
			next++
			all = append(all, org.Tick{Org: "onpoint", Connection: next, Reason: org.Schedule})
		}
		return all, nil
	}
	return &dispatcher{store: m, window: 55 * time.Second, rate: 100, interval: 3 * time.Minute,
		publish: func(_ context.Context, ticks []org.Tick) error {
			for _, t := range ticks {
				*sent = append(*sent, t.Connection)
			}
			return nil
		}}, sent
}

// TestNoHerd: after an outage of a whole fleet its ticks are spread over an interval, at a rate that
// has a limit, and the longest due are first.
func TestNoHerd(t *testing.T) {
	for _, tt := range []struct{ connections, aSecond int }{
		{0, 1}, {1, 1}, {89, 1}, {90, 2}, {200, 3}, {4000, 45}, {10_000, 100}, {100_000, 100},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, sent := dispatching(newScheduleInMemory(), tt.connections)
			began, last := time.Now(), 0
			publish := d.publish
			d.publish = func(ctx context.Context, ticks []org.Tick) error {
				if at := time.Since(began); len(ticks) > tt.aSecond || at != time.Duration(last)*time.Second {
					t.Errorf("%d connections: %d ticks after %s, want %d each second", tt.connections, len(ticks), at, tt.aSecond)
				}
				last++
				return publish(ctx, ticks)
			}
			n, err := d.send(t.Context(), nil)
			if want := min(tt.connections, 55*tt.aSecond); err != nil || n < want || n > want+tt.aSecond || time.Since(began) != d.window {
				t.Errorf("%d connections: %d ticks in %s, %v; want %d", tt.connections, n, time.Since(began), err, want)
			}
			for i, id := range *sent {
				if int(id) != i+1 {
					t.Fatalf("%d connections: tick %d is of connection %d", tt.connections, i+1, id)
				}
			}
		})
	}
}

// TestDispatchStops: at once, when the process or its caller does.
func TestDispatchStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := dispatching(newScheduleInMemory(), 10_000)
		stop, began := make(chan struct{}), time.Now()
		time.AfterFunc(2500*time.Millisecond, func() { close(stop) })
		if n, err := d.send(t.Context(), stop); n != 300 || err != nil || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("%d ticks in %s, %v", n, time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		began = time.Now()
		if n, err := d.send(ctx, nil); n != 300 || err != nil || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("%d ticks in %s, %v", n, time.Since(began), err)
		}
	})
}

// TestDispatchFails: a moment's failure is made up for, one that lasts ends the window.
func TestDispatchFails(t *testing.T) {
	away := fault.New(fault.Unavailable, "away")
	for _, tt := range []struct {
		name  string
		fails func(round int) bool
		took  time.Duration
		sent  int
		fault bool
	}{
		{"never", func(int) bool { return false }, 5500 * time.Millisecond, 600, false},
		{"twice", func(i int) bool { return i == 1 || i == 2 }, 5500 * time.Millisecond, 400, false},
		{"every other second", func(i int) bool { return i%2 == 0 }, 5500 * time.Millisecond, 300, false},
		{"at last", func(i int) bool { return i == 5 }, 5500 * time.Millisecond, 500, true},
		{"from the second one on", func(i int) bool { return i >= 1 }, 3 * time.Second, 100, true},
		{"always", func(int) bool { return true }, 2 * time.Second, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, _ := dispatching(newScheduleInMemory(), 10_000)
			d.window = 5500 * time.Millisecond
			round, publish := -1, d.publish
			d.publish = func(ctx context.Context, ticks []org.Tick) error {
				if round++; tt.fails(round) {
					return away
				}
				return publish(ctx, ticks)
			}
			began := time.Now()
			n, err := d.send(t.Context(), nil)
			if n != tt.sent || fault.Is(err, fault.Unavailable) != tt.fault || time.Since(began) != tt.took {
				t.Errorf("%s: %d ticks in %s, %v; want %d in %s", tt.name, n, time.Since(began), err, tt.sent, tt.took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // the fleet's size is not known at first
		m := newScheduleInMemory()
		d, _ := dispatching(m, 10_000)
		m.fail = away
		time.AfterFunc(1500*time.Millisecond, func() { m.failing(nil) })
		d.window = 5500 * time.Millisecond
		if n, err := d.send(t.Context(), nil); n != 400 || err != nil {
			t.Errorf("%d ticks, %v; want 400", n, err)
		}
	})
}

// dispatch builds the function as one more process has it, which sends the ticks of one second.
func (p *place) dispatch(vars ...string) http.Handler {
	p.Helper()
	h, end, err := Dispatch.Build(p.Context(), append(append([]string{"DISPATCH_WINDOW=1ns"}, p.vars...), vars...), p.log())
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { end(context.Background()) }) //nolint:errcheck // the test is over
	return h
}

// sent returns the connections of the ticks that were published, sorted.
func (p *place) sent() (all []org.ConnectionID) {
	p.Helper()
	for _, t := range p.ticks() {
		if t.Org != "onpoint" || t.Reason != org.Schedule {
			p.Errorf("tick %+v", t)
		}
		all = append(all, t.Connection)
	}
	return all
}

func TestDispatch(t *testing.T) {
	p := newPlace(t)
	h := p.dispatch()
	call := func(h http.Handler, body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		return w.Code
	}
	if status := call(h, ""); status != http.StatusNoContent || len(p.ticks()) != 0 {
		t.Errorf("an empty fleet: status %d, ticks %v", status, p.ticks())
	}
	var want []org.ConnectionID
	for i := range 3 {
		want = append(want, p.store.Connect(t, "onpoint", quickbooks.Provider, fmt.Sprint(i)))
	}
	anyOrder := cmpopts.SortSlices(func(a, b org.ConnectionID) bool { return a < b })

	if status := call(p.dispatch("SYNC_TOPIC=none"), ""); status != http.StatusServiceUnavailable || len(p.ticks()) != 0 {
		t.Errorf("no topic: status %d, ticks %v", status, p.ticks())
	}
	for _, body := range []string{`{"message":{"messageId":"1","attributes":{"a":"b"}},"subscription":"s"}`, "", "\x00{", `{"message":{}}`} {
		for range 3 { // a tick a second: the fleet is small
			if status := call(h, body); status != http.StatusNoContent {
				t.Errorf("body %q: status %d", body, status)
			}
		}
	}
	if diff := cmp.Diff(want, p.sent(), anyOrder); diff != "" {
		t.Errorf("connections that were asked for, each once (-want +got):\n%s", diff)
	}
	if status := call(p.dispatch("DATABASE_URL=postgres://127.0.0.1:1/none?connect_timeout=1"), ""); status != http.StatusServiceUnavailable {
		t.Errorf("no database: status %d, want 503", status)
	}
}

// TestTwoDispatchers at once ask for each connection once.
func TestTwoDispatchers(t *testing.T) {
	p := newPlace(t)
	var want []org.ConnectionID
	for i := range 60 {
		want = append(want, p.store.Connect(t, "onpoint", quickbooks.Provider, fmt.Sprint(i)))
	}
	var all sync.WaitGroup
	for range 2 {
		h := p.dispatch("SYNC_INTERVAL=10s").(ready) // 13 a second
		all.Go(func() {
			for range 5 {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil)); w.Code != http.StatusNoContent {
					t.Errorf("status %d", w.Code)
				}
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff(want, p.sent(), cmpopts.SortSlices(func(a, b org.ConnectionID) bool { return a < b })); diff != "" {
		t.Errorf("connections that were asked for, each once (-want +got):\n%s", diff)
	}
}
