package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// fleet is what many organisations on a tick of three minutes cost one machine.
type fleet struct {
	Organisations int     `json:"organisations"`
	Minutes       float64 `json:"minutes"`
	MissedTicks   int     `json:"missed_ticks"`
	LagP99        float64 `json:"lag_p99_s"`    // from the instant at which a sweep is due to its end
	PeakRSS       float64 `json:"peak_rss_mib"` // of the process with the functions
	Growth        float64 `json:"rss_growth"`   // memory at the end, as a share of that after a third of the time
	Throttled     int     `json:"throttled"`    // calls that Intuit refused
	CPU           float64 `json:"cpu_share"`    // of one core, of that process
}

// every is between two ticks of an organisation.
const every = 3 * time.Minute

// measureFleet lets the dispatcher tick n organisations for so long.
func measureFleet(ctx context.Context, stdout io.Writer, server *postgres.Server, n int, d time.Duration) (f fleet, err error) {
	began := time.Now()
	c, err := newCrowd(ctx, server, "fleet", n, 10, qbosim.Config{})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.load(ctx); err != nil {
		return f, fmt.Errorf("load the companies: %w", err)
	}
	fmt.Fprintf(stdout, "\nfleet: %d organisations made in %s; %s of ticks begin\n", n, time.Since(began).Round(time.Second), d)

	run, stop := context.WithCancel(ctx)
	defer stop()
	p, err := c.serve(ctx, 0)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	pushed := c.push(run, p.URL, 64)
	from := time.Now()
	go c.dispatch(run, p.URL)
	memory := watchMemory(run, p.cmd.Process.Pid)
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return f, ctx.Err()
	}
	stop()
	pushed()
	f = fleet{Organisations: n, Minutes: round(d.Minutes(), 1), Throttled: c.sim.Stats().Throttled, CPU: round(cpuOf(p.cmd.Process.Pid).Seconds()/d.Seconds(), 2)}
	m := memory()
	f.PeakRSS, f.Growth = round(m.peak, 1), round(m.growth(), 2)
	if err := c.lags(ctx, from, d, &f); err != nil {
		return f, err
	}
	fmt.Fprintf(stdout, "fleet: %d missed ticks, lag p99 %.2f s, peak RSS %.0f MiB (×%.2f from a third of the time to its end), %.0f %% of a core, %d calls refused\n",
		f.MissedTicks, f.LagP99, f.PeakRSS, f.Growth, f.CPU*100, f.Throttled)
	return f, nil
}

// load copies one company by a real first load, and gives all others its checkpoints: what the fleet
// measures is ticks, and ten thousand first loads would take an hour of Intuit's patience.
func (c *crowd) load(ctx context.Context) error {
	p, err := c.serve(ctx, 0)
	if err != nil {
		return err
	}
	res, err := post(ctx, p.URL+"/functions/syncorg/", fmt.Sprintf(`{"message":{"messageId":"1","attributes":{"org":%q,"reason":"manual"}},"subscription":"bench"}`, c.conns[0].Org))
	if err := errors.Join(err, p.stop()); err != nil {
		return err
	}
	if res/100 != 2 {
		return fmt.Errorf("the tick was answered with %d", res)
	}
	_, err = c.pool.Exec(ctx, `INSERT INTO sync.streams (connection_id, name, status, checkpoint, last_success)
SELECT c.id, s.name, s.status, s.checkpoint, s.last_success FROM sync.streams AS s, sync.connections AS c WHERE s.connection_id = $1 AND c.id <> $1`, c.conns[0].ID)
	if err != nil {
		return err
	}
	// Each is due at its own instants, as after an earlier sweep.
	ids, due := make([]org.ConnectionID, len(c.conns)), make([]time.Time, len(c.conns))
	for i, conn := range c.conns {
		ids[i], due[i] = conn.ID, schedule.After(conn.ID, every, time.Now().Add(5*time.Second))
	}
	_, err = c.pool.Exec(ctx, `UPDATE sync.connections AS c SET sweep_every = $1::interval, next_sync_at = d.at
FROM unnest($2::bigint[], $3::timestamptz[]) AS d (id, at) WHERE c.id = d.id`, every, ids, due)
	if err == nil {
		_, err = c.pool.Exec(ctx, "ANALYZE")
	}
	return err
}

func post(ctx context.Context, address, body string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// dispatch stands in for Cloud Scheduler's one tick a minute.
func (c *crowd) dispatch(ctx context.Context, to string) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		go post(ctx, to+"/functions/dispatch/", `{"message":{"messageId":"1"},"subscription":"bench"}`) //nolint:errcheck // the next one comes
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lags reads from the runs how late each sweep was, and which never came. The first interval is where
// the fleet finds its rhythm.
func (c *crowd) lags(ctx context.Context, from time.Time, d time.Duration, f *fleet) error {
	rows, err := c.pool.Query(ctx, `SELECT connection_id, started_at, finished_at FROM sync.runs WHERE started_at >= $1 AND outcome = 'done'`, from.Add(every))
	if err != nil {
		return err
	}
	swept := map[org.ConnectionID]map[time.Time]bool{}
	var late []float64
	var id org.ConnectionID
	var started, finished time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &started, &finished}, func() error {
		due := schedule.After(id, every, started.Add(10*time.Second-every)) // a tick may come so much early
		if swept[id] == nil {
			swept[id] = map[time.Time]bool{}
		}
		swept[id][due] = true
		late = append(late, max(finished.Sub(due).Seconds(), 0))
		return nil
	})
	if err != nil || len(late) == 0 {
		return err
	}
	slices.Sort(late)
	f.LagP99 = round(late[len(late)*99/100], 2)
	for _, conn := range c.conns {
		for due := schedule.After(conn.ID, every, from.Add(every)); due.Before(from.Add(d - 10*time.Second)); due = due.Add(every) {
			if !swept[conn.ID][due] {
				f.MissedTicks++
			}
		}
	}
	return nil
}
