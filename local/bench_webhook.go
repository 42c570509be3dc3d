package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// webhooks is how fast a change is in its row once Intuit tells of it, and whether all get there.
type webhooks struct {
	Events int     `json:"events"`
	P50    float64 `json:"p50_ms"` // from the moment Intuit sends the event to the commit of the row
	P99    float64 `json:"p99_ms"`
	Lost   int     `json:"lost"` // events not recorded, or objects that differ in the end; after the storm
	Storm  int     `json:"storm_events"`
}

// gale is a number of companies in which people work all the time.
type gale struct {
	*crowd
	sender *qbosim.Webhooks
	sent   *sendTimes
	n      int
}

const (
	galeCompanies = 50
	galeRate      = 50 // events a second, over all companies
)

// measureWebhooks lets people work in 50 companies for so long, first in good weather, which is
// measured, then with lost, doubled and shuffled deliveries and the process killed in the middle.
func measureWebhooks(ctx context.Context, stdout io.Writer, server *postgres.Server, d time.Duration) (w webhooks, err error) {
	c, err := newCrowd(ctx, server, "webhook", galeCompanies, 10, qbosim.Config{})
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	p, err := c.serve(ctx, 0, "WEBHOOK_COLLECT=0s")
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	run, stop := context.WithCancel(ctx)
	defer stop()
	pushed := c.push(run, p.URL, 64)
	defer func() { stop(); pushed() }()
	if err := c.loadAll(ctx, p.URL); err != nil {
		return w, fmt.Errorf("load the companies: %w", err)
	}
	g := &gale{crowd: c, sent: newSendTimes()}
	g.sender = c.sim.Webhooks(qbosim.WebhookConfig{
		URL: p.URL + "/functions/quickbookswebhook/", VerifierToken: verifier, Format: qbosim.CloudEvents, Client: g.sent.client(),
	})
	go g.sender.Run(run) //nolint:errcheck // ends with run

	if err := g.blow(ctx, d); err != nil {
		return w, err
	}
	w.Events = g.n
	if err := g.settle(ctx, time.Minute); err != nil {
		return w, err
	}
	if w.P50, w.P99, err = g.latencies(ctx); err != nil {
		return w, err
	}
	if p, err = g.storm(ctx, p, d/2); err != nil {
		return w, err
	}
	w.Storm = g.n - w.Events
	w.Lost, err = g.lost(ctx)
	fmt.Fprintf(stdout, "\nwebhooks: %d events at %d a second over %d companies: p50 %.0f ms, p99 %.0f ms from sending to commit; %d more in a storm with the process killed: %d lost\n",
		w.Events, galeRate, galeCompanies, w.P50, w.P99, w.Storm, w.Lost)
	return w, err
}

// loadAll brings every company in, and puts off its sweeps: from here on webhooks alone must do.
func (c *crowd) loadAll(ctx context.Context, to string) error {
	err := parallel(16, len(c.conns), func(i int) error {
		status, err := post(ctx, to+"/functions/syncorg/", fmt.Sprintf(`{"message":{"messageId":"1","attributes":{"org":%q,"reason":"manual"}},"subscription":"bench"}`, c.conns[i].Org))
		if err == nil && status/100 != 2 {
			err = fmt.Errorf("the tick of %s was answered with %d", c.conns[i].Org, status)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = c.pool.Exec(ctx, `UPDATE sync.connections SET next_sync_at = 'infinity'`)
	return err
}

// blow has people work for so long: an edit every 20 ms, company after company.
func (g *gale) blow(ctx context.Context, d time.Duration) error {
	tick := time.NewTicker(time.Second / galeRate)
	defer tick.Stop()
	for end := time.After(d); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return nil
		case <-tick.C:
			b := &books{company: g.sim.Company(g.conns[g.n%len(g.conns)].Account)}
			b.update("Invoice", `{"Id":%q,"sparse":true,"PrivateNote":"Edit %d"}`, b.any("Invoice", g.n/len(g.conns)), g.n)
			if b.err != nil {
				return b.err
			}
			g.n++
		}
	}
}

// any returns one of the company's objects, another one for each number.
func (b *books) any(entity string, n int) id {
	if b.err != nil {
		return ""
	}
	place := n % b.company.Count(entity)
	for at := range b.company.IDs(entity) {
		if place == 0 {
			return id(at)
		}
		place--
	}
	b.err = fmt.Errorf("there is no %s", entity)
	return ""
}

// storm doubles, shuffles and delays deliveries, and kills the process in the middle.
func (g *gale) storm(ctx context.Context, p *functions, d time.Duration) (*functions, error) {
	g.sender.Inject(qbosim.WebhookFaults{Seed: 1, DuplicateEvery: 5, DuplicateAfter: 2 * time.Second, Reorder: 10, Split: 7})
	killed := make(chan error, 1)
	var next *functions
	go func() {
		select {
		case <-time.After(d / 2):
		case <-ctx.Done():
		}
		p.cmd.Process.Kill() //nolint:errcheck // then it goes on, and nothing is proven
		p.stop()             //nolint:errcheck // it was killed
		port, err := portOf(p.URL)
		if err == nil {
			next, err = g.serve(ctx, port, "WEBHOOK_COLLECT=0s", "SYNC_LEASE=5s")
		}
		killed <- err
	}()
	err := g.blow(ctx, d)
	if err = errors.Join(err, <-killed); err != nil {
		return p, err
	}
	g.sender.Inject(qbosim.WebhookFaults{})
	return next, g.settle(ctx, 3*time.Minute)
}

func portOf(address string) (int, error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Port())
}

// settle waits until every event has been delivered and every notice read; the schedule goes on meanwhile.
func (g *gale) settle(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		var open int
		if err := g.pool.QueryRow(ctx, `SELECT count(*) FROM sync.notices WHERE settled_at IS NULL`).Scan(&open); err != nil {
			return err
		}
		if open == 0 && g.sender.Stats().Waiting == 0 {
			return nil
		}
		for _, conn := range g.conns {
			if err := g.tick(ctx, org.Tick{Org: conn.Org, Connection: conn.ID, Reason: org.Schedule}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d notices are open and %d deliveries wait", open, g.sender.Stats().Waiting)
		case <-look.C:
		}
	}
}

// latencies compares when each event was sent with when the transaction that read its object committed.
func (g *gale) latencies(ctx context.Context) (p50, p99 float64, err error) {
	var events []string
	var at []time.Time
	for event, sent := range g.sent.all() {
		events, at = append(events, event), append(at, sent)
	}
	err = g.pool.QueryRow(ctx, `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM (
	SELECT extract(epoch FROM pg_xact_commit_timestamp(n.xmin) - s.at)::float8 * 1000 AS ms
	FROM unnest($1::text[], $2::timestamptz[]) AS s (event, at) JOIN sync.notices AS n ON n.event = s.event WHERE n.settled_at IS NOT NULL) AS x`,
		events, at).Scan(&p50, &p99)
	return round(p50, 1), round(p99, 1), err
}

// lost counts what did not get through: objects that differ from the company's.
func (g *gale) lost(ctx context.Context) (n int, err error) {
	var invoices *catalog.Table
	for _, t := range quickbooks.Catalog() {
		if t.Stream == "Invoice" {
			invoices = &t
		}
	}
	for _, conn := range g.conns {
		diff, err := storetest.Compare(ctx, g.pool, conn.ID, invoices, g.sim.Company(conn.Account).All("Invoice"))
		if err != nil {
			return n, err
		}
		n += len(diff.Missing) + len(diff.Stale) + len(diff.Surplus) + len(diff.WrongColumns)
	}
	return n, nil
}

// sendTimes notes when each event was first sent.
type sendTimes struct {
	mu sync.Mutex
	at map[string]time.Time
}

func newSendTimes() *sendTimes { return &sendTimes{at: map[string]time.Time{}} }

func (s *sendTimes) client() *http.Client {
	return &http.Client{Transport: s, Timeout: 3 * time.Second}
}

// RoundTrip implements http.RoundTripper.
func (s *sendTimes) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var events []struct{ ID string }
	if err := json.Unmarshal(body, &events); err == nil {
		s.mu.Lock()
		for _, e := range events {
			if _, known := s.at[e.ID]; !known {
				s.at[e.ID] = now
			}
		}
		s.mu.Unlock()
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(again)
}

func (s *sendTimes) all() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}
