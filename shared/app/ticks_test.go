package app

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestTwentyTicksAtOnce sends twenty ticks of one connection, whose token is due and changes with
// every refresh, and changes something at the provider just before the last of them.
func TestTwentyTicksAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		processes int
		late      bool // the last tick comes when the first run's answer is on its way: it cannot hold the change
		runs      int  // at least
	}{
		{"to one process", 1, false, 1},
		{"to two processes", 2, false, 1},
		{"to one process, the last one when the answer to the first was given", 1, true, 2},
		{"to two processes, the last one when the answer to the first was given", 2, true, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWhole(t, qbosim.Config{RotateAlways: true, NoLimits: true})
			c := w.attach("onpoint", onpointRealm)
			w.sync("onpoint")
			w.login(c, time.Minute)
			processes := []http.Handler{w.syncOrg}
			for len(processes) < tt.processes {
				processes = append(processes, w.process())
			}
			before, already := w.sim.Stats(), w.runs(c)

			const ticks = 20
			var status [ticks]int
			send := func(i int) {
				status[i] = w.push(processes[i%len(processes)], org.Tick{Org: "onpoint", Connection: c.ID, Reason: org.Manual})
			}
			last := func() {
				if _, err := w.sim.Company(onpointRealm).Create("Customer", `{"DisplayName":"The Last Minute"}`); err != nil {
					t.Error(err)
				}
				send(ticks - 1)
			}
			if tt.late {
				w.whenLeaving(isCDC, last)
			}
			var all sync.WaitGroup
			for i := range ticks - 1 {
				all.Go(func() { send(i) })
			}
			if !tt.late {
				last()
			}
			all.Wait()
			for _, p := range processes {
				w.follow(p)
			}

			for i, s := range status {
				if s != http.StatusNoContent {
					t.Errorf("tick %d: status %d", i+1, s)
				}
			}
			after := w.sim.Stats()
			if n := after.Refreshes - before.Refreshes; n != 1 || after.Rotations-before.Rotations != 1 || after.ConcurrentRefreshes != 0 {
				t.Errorf("%d refreshes, %d rotations, %d at the same time; want one refresh", n, after.Rotations-before.Rotations, after.ConcurrentRefreshes)
			}
			if n := w.runs(c) - already; n < tt.runs || n > ticks {
				t.Errorf("%d runs, want %d or more", n, tt.runs)
			}
			w.wantOneWriter(c)
			if n := w.count(`SELECT count(*) FROM quickbooks.customers WHERE display_name = 'The Last Minute' AND connection_id = $1`, c.ID); n != 1 {
				t.Errorf("the change made before the last tick is there %d times", n)
			}
		})
	}
}

// wantOneWriter checks that no two runs of a connection were ever at work at once, and that all ended well.
func (w *whole) wantOneWriter(c org.Connection) {
	w.Helper()
	if n := w.count(`SELECT count(*) FROM sync.runs AS a JOIN sync.runs AS b ON a.connection_id = b.connection_id AND a.id < b.id
WHERE a.connection_id = $1 AND (a.finished_at IS NULL OR a.finished_at > b.started_at)`, c.ID); n != 0 {
		w.Errorf("%d pairs of runs overlap", n)
	}
	if n := w.count(`SELECT count(*) FROM sync.runs WHERE connection_id = $1 AND outcome IS DISTINCT FROM 'done'`, c.ID); n != 0 {
		w.Errorf("%d runs did not end well", n)
	}
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE id = $1 AND (lease_until IS NOT NULL OR tick_noted)`, c.ID); n != 0 {
		w.Errorf("the lease was not given back, or a tick was left")
	}
}

func (w *whole) runs(c org.Connection) int {
	w.Helper()
	return w.count(`SELECT count(*) FROM sync.runs WHERE connection_id = $1`, c.ID)
}
